/*
 * What crosses threads: ev_async, and a loop whose lock is given away while it waits.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conformance/ev/groups.h"

static void start_async(EV_P_ ev_async* w, const char* name) {
  ev_async_init(w, note_async);
  w->data = (void*)(uintptr_t)name;
  ev_async_start(EV_A_ w);
}

static void a_sent_async_is_reported(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_async async;
  start_async(loop, &async, "async");
  assert_false(ev_async_pending(&async));
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("");
  ev_async_send(loop, &async);
  assert_true(ev_async_pending(&async));
  assert_false(ev_is_pending(&async));
  ev_run(loop, EVRUN_ONCE);
  assert_trace("async:async");
  assert_false(ev_async_pending(&async));
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("");
  ev_loop_destroy(loop);
}

static void several_sends_before_the_loop_looks_are_one(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_async async;
  start_async(loop, &async, "async");
  for (int i = 0; i < 100; ++i) {
    ev_async_send(loop, &async);
  }
  ev_run(loop, EVRUN_NOWAIT);
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("async:async");
  ev_loop_destroy(loop);
}

static void asyncs_run_in_the_order_of_their_start(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_async a, b, c;
  start_async(loop, &a, "a");
  start_async(loop, &b, "b");
  start_async(loop, &c, "c");
  ev_async_send(loop, &c);
  ev_async_send(loop, &a);
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("a:async c:async");
  ev_async_stop(loop, &a);
  ev_async_send(loop, &b);
  ev_async_send(loop, &c);
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("c:async b:async"); /* the last one has taken the place of the first */
  ev_verify(loop);
  ev_loop_destroy(loop);
}

static void a_send_to_a_stopped_async_is_lost(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_async async;
  start_async(loop, &async, "async");
  ev_async_send(loop, &async);
  ev_async_stop(loop, &async);
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("");
  ev_async_start(loop, &async);
  assert_false(ev_async_pending(&async)); /* starting forgets an earlier send */
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("");
  ev_async_send(loop, &async);
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("async:async");
  ev_loop_destroy(loop);
}

static void send_again(EV_P_ ev_async* w, int revents) {
  note_async(EV_A_ w, revents);
  static int left = 2;
  if (left-- > 0) {
    ev_async_send(EV_A_ w);
  } else {
    ev_async_stop(EV_A_ w);
  }
}

static void a_send_to_a_stopped_async_still_ends_the_wait(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_async async;
  ev_timer far;
  ev_async_init(&async, note_async);
  ev_async_start(loop, &async);
  ev_async_stop(loop, &async);
  ev_timer_init(&far, note_timer, 10., 0.);
  ev_timer_start(loop, &far);
  double start = seconds_now();
  for (int round = 0; round < 3; ++round) {
    ev_async_send(loop, &async);
    ev_run(loop, EVRUN_ONCE);
  }
  assert_true(seconds_now() - start < 9.);
  assert_trace("");
  ev_loop_destroy(loop);
}

static void an_async_sent_from_its_own_callback_runs_again(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_async async;
  ev_async_init(&async, send_again);
  async.data = "async";
  ev_async_start(loop, &async);
  ev_async_send(loop, &async);
  assert_int_equal(ev_run(loop, 0), 0);
  assert_trace("async:async async:async async:async");
  ev_loop_destroy(loop);
}

struct sender {
  struct ev_loop* loop;
  ev_async* async;
  int delay_us;
};

static void* send_later(void* argument) {
  struct sender* sender = argument;
  usleep((useconds_t)sender->delay_us);
  ev_async_send(sender->loop, sender->async);
  return NULL;
}

static void a_send_from_another_thread_ends_a_sleep(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_async async;
  pthread_t thread;
  start_async(loop, &async, "async");
  struct sender sender = {loop, &async, 20000};
  assert_int_equal(pthread_create(&thread, NULL, send_later, &sender), 0);
  double start = seconds_now();
  while (!*trace()) {
    ev_run(loop, EVRUN_ONCE);
  }
  assert_true(seconds_now() - start < 10.);
  assert_trace("async:async");
  pthread_join(thread, NULL);
  ev_loop_destroy(loop);
}

static struct ev_loop* handler_loop;
static ev_async handler_async;
static void send_from_handler(int signum) {
  (void)signum;
  ev_async_send(handler_loop, &handler_async);
}

static void a_send_from_a_signal_handler_ends_a_sleep(void** state) {
  (void)state;
  handler_loop = make_loop();
  start_async(handler_loop, &handler_async, "async");
  signal(SIGALRM, send_from_handler);
  ualarm(20000, 0);
  while (!*trace()) {
    ev_run(handler_loop, EVRUN_ONCE);
  }
  assert_trace("async:async");
  ev_loop_destroy(handler_loop);
}

/* --- four senders
 * ------------------------------------------------------------------------------------------ */

enum { kSenders = 4, kRounds = 2000 };
struct counted_async {
  ev_async async;
  struct ev_loop* loop;
  int produced; /* by the sender's thread */
  int consumed; /* by the loop's thread, of what it saw produced */
};

static void consume(EV_P_ ev_async* w, int revents) {
  (void)revents;
  struct counted_async* counted = w->data;
  counted->consumed = __atomic_load_n(&counted->produced, __ATOMIC_ACQUIRE);
  if (counted->consumed == kRounds) {
    ev_async_stop(EV_A_ w);
  }
}

static void* produce(void* argument) {
  struct counted_async* counted = argument;
  for (int i = 0; i < kRounds; ++i) {
    __atomic_add_fetch(&counted->produced, 1, __ATOMIC_RELEASE);
    ev_async_send(counted->loop, &counted->async);
    if (i % 64 == 0) {
      usleep(100); /* lets the loop fall asleep now and then */
    }
  }
  return NULL;
}

static void no_send_of_four_threads_is_lost(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  static struct counted_async counted[kSenders];
  pthread_t threads[kSenders];
  for (int i = 0; i < kSenders; ++i) {
    counted[i].loop = loop;
    ev_async_init(&counted[i].async, consume);
    counted[i].async.data = &counted[i];
    ev_async_start(loop, &counted[i].async);
  }
  for (int i = 0; i < kSenders; ++i) {
    assert_int_equal(pthread_create(&threads[i], NULL, produce, &counted[i]), 0);
  }
  ev_run(loop, 0); /* ends when every watcher has seen the last send */
  for (int i = 0; i < kSenders; ++i) {
    pthread_join(threads[i], NULL);
    assert_int_equal(counted[i].consumed, kRounds);
  }
  ev_loop_destroy(loop);
}

/* --- a loop shared under a lock
 * ----------------------------------------------------------------------------- */

static pthread_mutex_t loop_lock = PTHREAD_MUTEX_INITIALIZER;
static void release_loop(EV_P) EV_NOEXCEPT {
  (void)loop;
  pthread_mutex_unlock(&loop_lock);
}
static void acquire_loop(EV_P) EV_NOEXCEPT {
  (void)loop;
  pthread_mutex_lock(&loop_lock);
}

struct shared_loop {
  struct ev_loop* loop;
  ev_async nudge;
  int expired;
};

static void ignore_async(EV_P_ ev_async* w, int revents) {
  (void)loop;
  (void)w;
  (void)revents;
}

static void count_expiry(EV_P_ ev_timer* w, int revents) {
  (void)revents;
  struct shared_loop* shared = ev_userdata(EV_A);
  free(w);
  if (++shared->expired == kSenders * 50) {
    ev_break(EV_A_ EVBREAK_ALL);
  }
}

static void* add_timers(void* argument) {
  struct shared_loop* shared = argument;
  for (int i = 0; i < 50; ++i) {
    ev_timer* timer = malloc(sizeof *timer);
    pthread_mutex_lock(&loop_lock);
    ev_timer_init(timer, count_expiry, 0.001, 0.);
    ev_timer_start(shared->loop, timer);
    ev_async_send(shared->loop, &shared->nudge); /* the loop has to see its new first timer */
    pthread_mutex_unlock(&loop_lock);
    usleep(200);
  }
  return NULL;
}

static void threads_may_add_watchers_while_the_loop_waits(void** state) {
  (void)state;
  static struct shared_loop shared;
  pthread_t threads[kSenders];
  shared.loop = make_loop();
  ev_set_userdata(shared.loop, &shared);
  ev_set_loop_release_cb(shared.loop, release_loop, acquire_loop);
  ev_async_init(&shared.nudge, ignore_async);
  ev_async_start(shared.loop, &shared.nudge);
  pthread_mutex_lock(&loop_lock);
  for (int i = 0; i < kSenders; ++i) {
    assert_int_equal(pthread_create(&threads[i], NULL, add_timers, &shared), 0);
  }
  ev_run(shared.loop, 0);
  pthread_mutex_unlock(&loop_lock);
  for (int i = 0; i < kSenders; ++i) {
    pthread_join(threads[i], NULL);
  }
  assert_int_equal(shared.expired, kSenders * 50);
  ev_loop_destroy(shared.loop);
}

struct io_adder {
  struct ev_loop* loop;
  ev_io io;
  ev_async nudge;
  int fd;
  int seen;
};

static void see_io(EV_P_ ev_io* w, int revents) {
  assert_int_equal(revents, EV_READ);
  ++((struct io_adder*)w->data)->seen;
  ev_io_stop(EV_A_ w);
  ev_break(EV_A_ EVBREAK_ALL);
}

static void* add_io(void* argument) {
  struct io_adder* adder = argument;
  usleep(20000);
  pthread_mutex_lock(&loop_lock);
  ev_io_init(&adder->io, see_io, adder->fd, EV_READ);
  adder->io.data = adder;
  ev_io_start(adder->loop, &adder->io);
  ev_async_send(adder->loop, &adder->nudge);
  pthread_mutex_unlock(&loop_lock);
  return NULL;
}

static void a_descriptor_added_during_the_wait_is_heard(void** state) {
  (void)state;
  struct pipe_ends ends = make_pipe();
  static struct io_adder adder;
  pthread_t thread;
  adder.loop = make_loop();
  adder.fd = ends.reader;
  put_byte(ends.writer);
  ev_set_loop_release_cb(adder.loop, release_loop, acquire_loop);
  ev_async_init(&adder.nudge, ignore_async);
  ev_async_start(adder.loop, &adder.nudge);
  pthread_mutex_lock(&loop_lock);
  assert_int_equal(pthread_create(&thread, NULL, add_io, &adder), 0);
  ev_run(adder.loop, 0);
  pthread_mutex_unlock(&loop_lock);
  pthread_join(thread, NULL);
  assert_int_equal(adder.seen, 1);
  ev_loop_destroy(adder.loop);
}

static void* break_later(void* argument) {
  struct shared_loop* shared = argument;
  usleep(20000);
  pthread_mutex_lock(&loop_lock);
  ev_break(shared->loop, EVBREAK_ALL);
  ev_async_send(shared->loop, &shared->nudge);
  pthread_mutex_unlock(&loop_lock);
  return NULL;
}

static int open_eventfds(void) {
  int count = 0;
  for (int fd = 0; fd < 256; ++fd) {
    char link[32], name[64] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    if (readlink(link, name, sizeof name - 1) > 0) {
      count += strcmp(name, "anon_inode:[eventfd]") == 0;
    }
  }
  return count;
}

static void a_loop_has_an_eventfd_from_its_first_async_or_signal_on(void** state) {
  (void)state;
  int before = open_eventfds();
  struct ev_loop* loop = make_loop();
  struct ev_loop* other = make_loop();
  ev_timer timer;
  ev_timer_init(&timer, note_timer, 0.001, 0.);
  timer.data = "timer";
  ev_timer_start(loop, &timer);
  ev_run(loop, 0);
  assert_trace("timer:timer");
  ev_async async;
  ev_async_init(&async, ignore_async);
  if (on_pollshim()) {
    ev_async_send(loop, &async); /* not started: nobody is woken (libev's assertions end it here) */
  }
  ev_loop_fork(loop);
  ev_run(loop, EVRUN_NOWAIT);
  assert_int_equal(open_eventfds(), before);

  ev_async_start(loop, &async);
  assert_int_equal(open_eventfds(), before + 1);
  ev_signal signal;
  ev_signal_init(&signal, note_signal, SIGUSR1);
  ev_signal_start(loop, &signal);
  assert_int_equal(open_eventfds(), before + 1);
  ev_signal_stop(loop, &signal);
  ev_signal_start(other, &signal);
  assert_int_equal(open_eventfds(), before + 2);
  ev_signal_stop(other, &signal);
  ev_async_stop(loop, &async);
  ev_loop_destroy(other);
  ev_loop_destroy(loop);
  assert_int_equal(open_eventfds(), before);
}

/* libev forgets it: its assertion about recursion keeps its note in the same variable. */
static void a_break_during_the_wait_ends_the_run_here(void** state) {
  (void)state;
  static struct shared_loop shared;
  pthread_t thread;
  ev_timer timer;
  shared.loop = make_loop();
  ev_set_loop_release_cb(shared.loop, release_loop, acquire_loop);
  ev_async_init(&shared.nudge, ignore_async);
  ev_async_start(shared.loop, &shared.nudge);
  ev_now_update(shared.loop);
  ev_timer_init(&timer, note_timer, 0.5, 0.);
  timer.data = "timer";
  ev_timer_start(shared.loop, &timer);
  ev_unref(shared.loop); /* the async alone would hold the loop for ever */
  pthread_mutex_lock(&loop_lock);
  assert_int_equal(pthread_create(&thread, NULL, break_later, &shared), 0);
  if (on_pollshim()) {
    ev_run(shared.loop, 0);
    assert_trace("");
  } else {
    while (!*trace()) {
      ev_run(shared.loop, EVRUN_ONCE);
    }
    assert_trace("timer:timer");
  }
  pthread_mutex_unlock(&loop_lock);
  pthread_join(thread, NULL);
  ev_loop_destroy(shared.loop);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_sent_async_is_reported),
    cmocka_unit_test(several_sends_before_the_loop_looks_are_one),
    cmocka_unit_test(asyncs_run_in_the_order_of_their_start),
    cmocka_unit_test(a_send_to_a_stopped_async_is_lost),
    cmocka_unit_test(a_send_to_a_stopped_async_still_ends_the_wait),
    cmocka_unit_test(an_async_sent_from_its_own_callback_runs_again),
    cmocka_unit_test(a_send_from_another_thread_ends_a_sleep),
    cmocka_unit_test(a_send_from_a_signal_handler_ends_a_sleep),
    cmocka_unit_test(no_send_of_four_threads_is_lost),
    cmocka_unit_test(threads_may_add_watchers_while_the_loop_waits),
    cmocka_unit_test(a_descriptor_added_during_the_wait_is_heard),
    cmocka_unit_test(a_loop_has_an_eventfd_from_its_first_async_or_signal_on),
    cmocka_unit_test(a_break_during_the_wait_ends_the_run_here),
};
const struct harness_group async_group = {"async", tests, sizeof tests / sizeof tests[0]};
