/* Who waits in the kernel on behalf of all: the lead is handed on whenever its holder leaves,
 * whoever leaves at the same time. NETPOLL_TEST_BACKEND names the backend to run on. */
#include <netpoll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "conformance/harness/harness.h"

static const int kRounds = 300;
static const int kGenerous = 10; /* seconds */

static void choose_backend(void) {
  const char* name = getenv("NETPOLL_TEST_BACKEND");
  if (name != NULL) assert_int_equal(netpoll_init(name), 0);
}

/* A thread that waits until its descriptor is readable. */
struct reader {
  netpoll_desc desc;
  int fd;
  int outcome;
  pthread_t thread;
};

static void* wait_to_read(void* argument) {
  struct reader* reader = argument;
  reader->outcome = netpoll_wait(reader->desc, NETPOLL_READ);
  return NULL;
}

/* The last to come is the first whom a leader that leaves would choose. */
static void start(struct reader* reader, int fd) {
  const uint32_t before = netpoll_waiters();
  reader->fd = fd;
  assert_int_equal(netpoll_open(fd, &reader->desc), 0);
  assert_int_equal(pthread_create(&reader->thread, NULL, wait_to_read, reader), 0);
  while (netpoll_waiters() == before)
    usleep(50);
  usleep(50);
}

static void expect(struct reader* reader, int outcome) {
  struct timespec limit;
  clock_gettime(CLOCK_REALTIME, &limit);
  limit.tv_sec += kGenerous;
  assert_int_equal(pthread_timedjoin_np(reader->thread, NULL, &limit), 0);
  assert_int_equal(reader->outcome, outcome);
  netpoll_unblock(reader->desc);
  assert_int_equal(netpoll_close(reader->desc), 0);
  close(reader->fd);
}

static void make_pair(int ends[2]) {
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
}

static void say_something(int fd) {
  assert_int_equal(write(fd, "x", 1), 1);
  close(fd);
}

/* Both wait for one socket, so that one event of the kernel frees them. */
static void a_follower_that_is_freed_with_the_leader_does_not_take_the_lead_along(void** state) {
  (void)state;
  choose_backend();
  for (int round = 0; round < kRounds; ++round) {
    int shared[2], other[2];
    make_pair(shared);
    make_pair(other);
    struct reader leader, follower, left_behind;
    start(&leader, shared[0]);
    start(&left_behind, other[0]);
    start(&follower, dup(shared[0]));
    say_something(shared[1]);
    expect(&leader, NETPOLL_READY);
    expect(&follower, NETPOLL_READY);
    say_something(other[1]);
    expect(&left_behind, NETPOLL_READY);
  }
}

static void an_heir_that_is_freed_before_it_leads_hands_the_lead_on(void** state) {
  (void)state;
  choose_backend();
  for (int round = 0; round < kRounds; ++round) {
    int first[2], second[2], other[2];
    make_pair(first);
    make_pair(second);
    make_pair(other);
    struct reader leader, heir, left_behind;
    start(&leader, first[0]);
    start(&left_behind, other[0]);
    start(&heir, second[0]);
    netpoll_unblock(leader.desc);
    for (volatile int i = 0; i < round * 200; ++i)
      continue;
    netpoll_unblock(heir.desc);
    expect(&leader, NETPOLL_CLOSING);
    expect(&heir, NETPOLL_CLOSING);
    say_something(other[1]);
    expect(&left_behind, NETPOLL_READY);
    close(first[1]);
    close(second[1]);
  }
}

int main(int argc, char** argv) {
  static const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_follower_that_is_freed_with_the_leader_does_not_take_the_lead_along),
      cmocka_unit_test(an_heir_that_is_freed_before_it_leads_hands_the_lead_on),
  };
  return harness_main(argc, argv, tests, sizeof tests / sizeof tests[0]);
}
