/* The native API as a C program sees it: netpoll.h and libnetpoll.so.1, and nothing from inside.
 * NETPOLL_TEST_BACKEND names the backend to run on; without it the library chooses. */
#include <errno.h>
#include <fcntl.h>
#include <netpoll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "conformance/harness/harness.h"

static const int64_t kMillisecond = 1000000;

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void choose_backend(void) {
  const char* name = getenv("NETPOLL_TEST_BACKEND");
  if (name != NULL) assert_int_equal(netpoll_init(name), 0);
}

/* A connected pair, its near end opened for waiting. */
struct connection {
  int near, far;
  netpoll_desc desc;
};

static struct connection connect_pair(void) {
  struct connection pair;
  int ends[2];
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
  pair.near = ends[0];
  pair.far = ends[1];
  assert_int_equal(netpoll_open(pair.near, &pair.desc), 0);
  return pair;
}

static void disconnect(struct connection* pair) {
  netpoll_unblock(pair->desc);
  assert_int_equal(netpoll_close(pair->desc), 0);
  close(pair->near);
  close(pair->far);
}

/* Reads as the documentation says: try, wait after EAGAIN, try again. */
static int read_byte(struct connection* pair) {
  char byte;
  int outcome = netpoll_reset(pair->desc, NETPOLL_READ);
  while (outcome == NETPOLL_READY) {
    if (read(pair->near, &byte, 1) == 1) return byte;
    assert_int_equal(errno, EAGAIN);
    outcome = netpoll_wait(pair->desc, NETPOLL_READ);
  }
  return -outcome;
}

static void* write_soon(void* argument) {
  struct connection* pair = argument;
  while (netpoll_waiters() == 0)
    usleep(100);
  assert_int_equal(write(pair->far, "x", 1), 1);
  return NULL;
}

static void a_thread_waits_until_its_descriptor_is_ready(void** state) {
  (void)state;
  choose_backend();
  struct connection pair = connect_pair();
  pthread_t writer;
  pthread_create(&writer, NULL, write_soon, &pair);
  assert_int_equal(read_byte(&pair), 'x');
  pthread_join(writer, NULL);
  assert_int_equal(netpoll_waiters(), 0);
  disconnect(&pair);
}

static void readiness_that_came_before_lets_the_waiter_through(void** state) {
  (void)state;
  choose_backend();
  struct connection pair = connect_pair();
  assert_int_equal(write(pair.far, "x", 1), 1);
  assert_int_equal(netpoll_wait(pair.desc, NETPOLL_READ), NETPOLL_READY);
  assert_int_equal(netpoll_wait(pair.desc, NETPOLL_WRITE), NETPOLL_READY);
  disconnect(&pair);
}

static void a_past_deadline_fails_even_with_data_ready(void** state) {
  (void)state;
  choose_backend();
  struct connection pair = connect_pair();
  assert_int_equal(write(pair.far, "x", 1), 1);
  assert_int_equal(netpoll_set_deadline(pair.desc, -1, NETPOLL_READ), 0);
  assert_int_equal(netpoll_reset(pair.desc, NETPOLL_READ), NETPOLL_TIMEOUT);
  assert_int_equal(netpoll_wait(pair.desc, NETPOLL_READ), NETPOLL_TIMEOUT);
  assert_int_equal(netpoll_reset(pair.desc, NETPOLL_WRITE), NETPOLL_READY);
  assert_int_equal(netpoll_set_deadline(pair.desc, 0, NETPOLL_READ), 0);
  assert_int_equal(read_byte(&pair), 'x');
  disconnect(&pair);
}

static void deadlines_from_a_nanosecond_to_a_second_are_never_early(void** state) {
  (void)state;
  choose_backend();
  struct connection pair = connect_pair();
  for (int64_t delay = 1; delay <= 1000000000; delay *= 10) {
    const int64_t start = now();
    assert_int_equal(netpoll_set_deadline(pair.desc, delay, NETPOLL_READ | NETPOLL_WRITE), 0);
    assert_int_equal(netpoll_wait(pair.desc, NETPOLL_READ), NETPOLL_TIMEOUT);
    assert_true(now() - start >= delay);
  }
  disconnect(&pair);
}

static void a_deadline_of_two_microseconds_races_with_reading_a_thousand_times(void** state) {
  (void)state;
  choose_backend();
  struct connection pair = connect_pair();
  int timeouts = 0;
  for (int i = 0; i < 1000; ++i) {
    assert_int_equal(netpoll_set_deadline(pair.desc, 2000, NETPOLL_READ), 0);
    assert_int_equal(write(pair.far, "x", 1), 1);
    if (i % 2 == 0) usleep(1);
    const int outcome = read_byte(&pair);
    assert_true(outcome == 'x' || outcome == -NETPOLL_TIMEOUT);
    if (outcome != 'x') {
      ++timeouts;
      assert_int_equal(netpoll_set_deadline(pair.desc, 0, NETPOLL_READ), 0);
      assert_int_equal(read_byte(&pair), 'x');
    }
  }
  printf("%d of 1000 timed out\n", timeouts);
  disconnect(&pair);
}

static void* wait_for_reading(void* argument) {
  struct connection* pair = argument;
  return (void*)(intptr_t)netpoll_wait(pair->desc, NETPOLL_READ);
}

static void unblocking_lets_go_of_who_waits_and_of_who_comes_later(void** state) {
  (void)state;
  choose_backend();
  struct connection pair = connect_pair();
  pthread_t reader;
  void* outcome;
  pthread_create(&reader, NULL, wait_for_reading, &pair);
  while (netpoll_waiters() == 0)
    usleep(100);
  assert_int_equal(netpoll_close(pair.desc), -1);
  assert_int_equal(errno, EBUSY);
  assert_int_equal(netpoll_unblock(pair.desc), 0);
  pthread_join(reader, &outcome);
  assert_int_equal((intptr_t)outcome, NETPOLL_CLOSING);
  assert_int_equal(netpoll_wait(pair.desc, NETPOLL_READ), NETPOLL_CLOSING);
  assert_int_equal(netpoll_wait(pair.desc, NETPOLL_WRITE), NETPOLL_CLOSING);
  assert_int_equal(netpoll_set_deadline(pair.desc, 1, NETPOLL_READ), 0);
  assert_int_equal(netpoll_unblock(pair.desc), -1);
  assert_int_equal(errno, EALREADY);
  disconnect(&pair);
}

static void a_second_waiter_in_one_direction_is_refused(void** state) {
  (void)state;
  choose_backend();
  struct connection pair = connect_pair();
  pthread_t reader;
  pthread_create(&reader, NULL, wait_for_reading, &pair);
  while (netpoll_waiters() == 0)
    usleep(100);
  assert_int_equal(netpoll_wait(pair.desc, NETPOLL_READ), -1);
  assert_int_equal(errno, EBUSY);
  assert_int_equal(netpoll_wait(pair.desc, NETPOLL_WRITE), NETPOLL_READY);
  netpoll_unblock(pair.desc);
  pthread_join(reader, NULL);
  disconnect(&pair);
}

static void a_canceled_operation_waits_past_deadline_and_closing(void** state) {
  (void)state;
  choose_backend();
  struct connection pair = connect_pair();
  assert_int_equal(netpoll_set_deadline(pair.desc, -1, NETPOLL_READ), 0);
  assert_int_equal(netpoll_unblock(pair.desc), 0);
  pthread_t writer;
  pthread_create(&writer, NULL, write_soon, &pair);
  assert_int_equal(netpoll_wait_canceled(pair.desc, NETPOLL_READ), NETPOLL_READY);
  pthread_join(writer, NULL);
  assert_int_equal(netpoll_close(pair.desc), 0);
  close(pair.near);
  close(pair.far);
}

/* ---- many threads ---- */

enum { kPlayers = 24, kRounds = 300 };

static void* play(void* argument) {
  struct connection* pair = argument;
  for (int round = 0; round < kRounds; ++round) {
    if (read_byte(pair) != 'b') return (void*)1;
    if (write(pair->near, "b", 1) != 1) return (void*)2;
  }
  return NULL;
}

/* Whoever leads hands the lead on when its own ball comes: were that ever lost, a game would stop.
 */
static void many_threads_play_and_the_lead_is_never_lost(void** state) {
  (void)state;
  choose_backend();
  static struct connection here[kPlayers], there[kPlayers];
  pthread_t players[2 * kPlayers];
  for (int i = 0; i < kPlayers; ++i) {
    here[i] = connect_pair();
    there[i].near = here[i].far;
    there[i].far = here[i].near;
    assert_int_equal(netpoll_open(there[i].near, &there[i].desc), 0);
    assert_int_equal(write(here[i].near, "b", 1), 1);
  }
  for (int i = 0; i < kPlayers; ++i) {
    pthread_create(&players[2 * i], NULL, play, &here[i]);
    pthread_create(&players[2 * i + 1], NULL, play, &there[i]);
  }
  for (int i = 0; i < 2 * kPlayers; ++i) {
    void* fault;
    pthread_join(players[i], &fault);
    assert_null(fault);
  }
  assert_int_equal(netpoll_waiters(), 0);
}

/* ---- programs that schedule their own work ---- */

static atomic_int called;
static void count_call(netpoll_waiter* self) {
  (void)self;
  atomic_fetch_add(&called, 1);
}

static void a_parked_waiter_is_called_once_by_the_poll(void** state) {
  (void)state;
  choose_backend();
  struct connection pair = connect_pair();
  netpoll_waiter waiter = {count_call};
  while (netpoll_poll(0) != 0)
    continue;
  assert_int_equal(netpoll_park(pair.desc, NETPOLL_READ, &waiter), NETPOLL_PARKED);
  assert_int_equal(netpoll_waiters(), 1);
  assert_int_equal(netpoll_poll(0), 0);
  assert_int_equal(write(pair.far, "x", 1), 1);
  assert_int_equal(netpoll_poll(1000 * kMillisecond), 1);
  assert_int_equal(atomic_load(&called), 1);
  assert_int_equal(netpoll_waiters(), 0);
  assert_int_equal(netpoll_settle(pair.desc, NETPOLL_READ), NETPOLL_READY);
  disconnect(&pair);
}

static void a_parked_waiter_is_called_when_its_deadline_passes(void** state) {
  (void)state;
  choose_backend();
  struct connection pair = connect_pair();
  netpoll_waiter waiter = {count_call};
  const int64_t start = now();
  assert_int_equal(netpoll_set_deadline(pair.desc, 5 * kMillisecond, NETPOLL_READ), 0);
  assert_int_equal(netpoll_park(pair.desc, NETPOLL_READ, &waiter), NETPOLL_PARKED);
  while (atomic_load(&called) == 0)
    assert_true(netpoll_poll(-1) >= 0);
  assert_true(now() - start >= 5 * kMillisecond);
  assert_int_equal(netpoll_settle(pair.desc, NETPOLL_READ), NETPOLL_TIMEOUT);
  assert_int_equal(netpoll_park(pair.desc, NETPOLL_READ, &waiter), NETPOLL_TIMEOUT);
  disconnect(&pair);
}

static void parking_where_readiness_waits_does_not_park(void** state) {
  (void)state;
  choose_backend();
  struct connection pair = connect_pair();
  netpoll_waiter waiter = {count_call};
  if (netpoll_wait(pair.desc, NETPOLL_WRITE) == NETPOLL_READY) {
    assert_int_equal(write(pair.far, "x", 1), 1);
    assert_int_equal(netpoll_wait(pair.desc, NETPOLL_READ), NETPOLL_READY);
  }
  assert_int_equal(netpoll_unblock(pair.desc), 0);
  assert_int_equal(netpoll_park(pair.desc, NETPOLL_READ, &waiter), NETPOLL_CLOSING);
  assert_int_equal(atomic_load(&called), 0);
  disconnect(&pair);
}

/* ---- breaking ---- */

static void break_in_handler(int number) {
  (void)number;
  netpoll_break();
}

static void a_break_before_the_poll_makes_it_short(void** state) {
  (void)state;
  choose_backend();
  netpoll_break(); /* before there is anything to break: nothing happens */
  assert_int_equal(netpoll_poll(0), 0);
  netpoll_break();
  assert_int_equal(netpoll_poll(-1), 0);
}

static void a_break_in_a_signal_handler_ends_the_poll(void** state) {
  (void)state;
  choose_backend();
  assert_int_equal(netpoll_poll(0), 0);
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = break_in_handler;
  sigaction(SIGALRM, &action, NULL);
  ualarm(20000, 0);
  const int64_t start = now();
  assert_int_equal(netpoll_poll(15000 * kMillisecond), 0);
  assert_true(now() - start < 10000 * kMillisecond);
}

static void* break_soon(void* argument) {
  (void)argument;
  usleep(20000);
  netpoll_break();
  return NULL;
}

static void a_break_from_a_thread_ends_the_poll(void** state) {
  (void)state;
  choose_backend();
  pthread_t thread;
  pthread_create(&thread, NULL, break_soon, NULL);
  assert_int_equal(netpoll_poll(0), 0);
  assert_int_equal(netpoll_poll(-1), 0);
  pthread_join(thread, NULL);
}

/* ---- bad input ---- */

static void what_is_not_open_is_refused(void** state) {
  (void)state;
  choose_backend();
  struct connection pair = connect_pair();
  const netpoll_desc stale = pair.desc;
  disconnect(&pair);
  const netpoll_desc wrong[] = {0, stale, 12345678901234u};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; ++i) {
    netpoll_waiter waiter = {count_call};
    const int results[] = {netpoll_close(wrong[i]),
                           netpoll_reset(wrong[i], NETPOLL_READ),
                           netpoll_wait(wrong[i], NETPOLL_READ),
                           netpoll_wait_canceled(wrong[i], NETPOLL_WRITE),
                           netpoll_set_deadline(wrong[i], 1, NETPOLL_READ),
                           netpoll_unblock(wrong[i]),
                           netpoll_park(wrong[i], NETPOLL_READ, &waiter),
                           netpoll_settle(wrong[i], NETPOLL_READ)};
    for (size_t k = 0; k < sizeof results / sizeof results[0]; ++k) {
      assert_int_equal(results[k], -1);
      assert_int_equal(errno, EBADF);
    }
  }
}

static void directions_that_are_none_are_refused(void** state) {
  (void)state;
  choose_backend();
  struct connection pair = connect_pair();
  const int wrong[] = {0, 3, 4, -1};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; ++i) {
    errno = 0;
    assert_int_equal(netpoll_wait(pair.desc, wrong[i]), -1);
    assert_int_equal(errno, EINVAL);
    assert_int_equal(netpoll_reset(pair.desc, wrong[i]), -1);
  }
  assert_int_equal(netpoll_set_deadline(pair.desc, 1, 0), -1);
  assert_int_equal(errno, EINVAL);
  assert_int_equal(netpoll_set_deadline(pair.desc, 1, 4), -1);
  assert_int_equal(netpoll_park(pair.desc, NETPOLL_READ, NULL), -1);
  assert_int_equal(errno, EINVAL);
  assert_int_equal(netpoll_open(pair.near, NULL), -1);
  assert_int_equal(errno, EINVAL);
  disconnect(&pair);
}

static int uses_edges(void) {
  const char* name = getenv("NETPOLL_TEST_BACKEND");
  return name == NULL || strcmp(name, "epoll") == 0;
}

static void files_that_the_kernel_can_not_watch_are_refused(void** state) {
  (void)state;
  choose_backend();
  netpoll_desc desc;
  assert_int_equal(netpoll_open(-1, &desc), -1);
  assert_int_equal(errno, EBADF);
  if (!uses_edges()) return; /* poll and select watch whatever they are given */
  const int file = open("/proc/self/exe", O_RDONLY);
  assert_int_equal(netpoll_open(file, &desc), -1);
  assert_int_equal(errno, EPERM);
  close(file);
  assert_int_equal(netpoll_open(file, &desc), -1);
  assert_int_equal(errno, EBADF);
}

static void a_backend_that_does_not_exist_is_refused_and_the_next_choice_holds(void** state) {
  (void)state;
  assert_int_equal(netpoll_init("carrier pigeon"), -1);
  assert_int_equal(errno, EINVAL);
  assert_int_equal(netpoll_init(getenv("NETPOLL_TEST_BACKEND")), 0);
  assert_int_equal(netpoll_init(NULL), -1);
  assert_int_equal(errno, EALREADY);
  struct connection pair = connect_pair();
  disconnect(&pair);
}

static void without_descriptors_to_spare_nothing_is_left_behind(void** state) {
  (void)state;
  int ends[2];
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
  struct rlimit limit, tight;
  getrlimit(RLIMIT_NOFILE, &limit);
  tight = limit;
  tight.rlim_cur = (rlim_t)ends[1] + 1;
  setrlimit(RLIMIT_NOFILE, &tight);
  netpoll_desc desc;
  assert_int_equal(netpoll_init(getenv("NETPOLL_TEST_BACKEND")), -1);
  assert_int_equal(errno, EMFILE);
  setrlimit(RLIMIT_NOFILE, &limit);
  const int next = dup(ends[0]);
  assert_int_equal(next, ends[1] + 1);
  close(next);
  choose_backend();
  assert_int_equal(netpoll_open(ends[0], &desc), 0);
}

static void the_pollers_own_descriptors_are_known(void** state) {
  (void)state;
  choose_backend();
  assert_int_equal(netpoll_is_poll_descriptor(0), 0);
  struct connection pair = connect_pair();
  int own = 0;
  for (int fd = 0; fd < 64; ++fd)
    own += netpoll_is_poll_descriptor(fd);
  assert_true(own >= 1);
  assert_int_equal(netpoll_is_poll_descriptor(pair.near), 0);
  assert_int_equal(netpoll_is_poll_descriptor(-1), 0);
  disconnect(&pair);
}

static void a_forked_child_has_a_poller_of_its_own(void** state) {
  (void)state;
  choose_backend();
  struct connection pair = connect_pair();
  const pid_t child = fork();
  if (child == 0) {
    if (netpoll_after_fork() != 0) _exit(1);
    struct connection mine = connect_pair();
    if (write(mine.far, "c", 1) != 1 || read_byte(&mine) != 'c') _exit(2);
    disconnect(&mine);
    /* What the parent opened is still open here, and closing it does not disturb the parent. */
    netpoll_unblock(pair.desc);
    if (netpoll_close(pair.desc) != 0) _exit(3);
    _exit(0);
  }
  int status = -1;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  assert_int_equal(write(pair.far, "p", 1), 1);
  assert_int_equal(read_byte(&pair), 'p');
  disconnect(&pair);
}

int main(int argc, char** argv) {
  static const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_thread_waits_until_its_descriptor_is_ready),
      cmocka_unit_test(readiness_that_came_before_lets_the_waiter_through),
      cmocka_unit_test(a_past_deadline_fails_even_with_data_ready),
      cmocka_unit_test(deadlines_from_a_nanosecond_to_a_second_are_never_early),
      cmocka_unit_test(a_deadline_of_two_microseconds_races_with_reading_a_thousand_times),
      cmocka_unit_test(unblocking_lets_go_of_who_waits_and_of_who_comes_later),
      cmocka_unit_test(a_second_waiter_in_one_direction_is_refused),
      cmocka_unit_test(a_canceled_operation_waits_past_deadline_and_closing),
      cmocka_unit_test(many_threads_play_and_the_lead_is_never_lost),
      cmocka_unit_test(a_parked_waiter_is_called_once_by_the_poll),
      cmocka_unit_test(a_parked_waiter_is_called_when_its_deadline_passes),
      cmocka_unit_test(parking_where_readiness_waits_does_not_park),
      cmocka_unit_test(a_break_before_the_poll_makes_it_short),
      cmocka_unit_test(a_break_in_a_signal_handler_ends_the_poll),
      cmocka_unit_test(a_break_from_a_thread_ends_the_poll),
      cmocka_unit_test(what_is_not_open_is_refused),
      cmocka_unit_test(directions_that_are_none_are_refused),
      cmocka_unit_test(files_that_the_kernel_can_not_watch_are_refused),
      cmocka_unit_test(a_backend_that_does_not_exist_is_refused_and_the_next_choice_holds),
      cmocka_unit_test(without_descriptors_to_spare_nothing_is_left_behind),
      cmocka_unit_test(the_pollers_own_descriptors_are_known),
      cmocka_unit_test(a_forked_child_has_a_poller_of_its_own),
  };
  return harness_main(argc, argv, tests, sizeof tests / sizeof tests[0]);
}
