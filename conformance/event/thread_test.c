/* Threads: every call that another thread makes reaches a loop that is already asleep, and the
 * three ways of deletion wait or do not wait for a running callback.  These tests use pthreads
 * whatever the matrix says: without locks none of them may be tried. */
#include "conformance/event/suite.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static struct event_base* threaded_base(void) {
  assert_int_equal(evthread_use_pthreads(), 0);
  struct event_base* base = event_base_new();
  assert_non_null(base);
  return base;
}

struct runner {
  struct event_base* base;
  pthread_t thread;
  int answer;
};

static void* run_loop(void* argument) {
  struct runner* runner = argument;
  runner->answer = event_base_loop(runner->base, EVLOOP_NO_EXIT_ON_EMPTY);
  return NULL;
}

static void post(evutil_socket_t fd, short what, void* semaphore) {
  (void)fd;
  (void)what;
  sem_post(semaphore);
}

/* A loop in a thread of its own that has certainly been entered. */
static struct runner start(struct event_base* base) {
  struct runner runner = {.base = base};
  return runner;
}

static void launch(struct runner* runner) {
  sem_t entered;
  sem_init(&entered, 0, 0);
  assert_int_equal(event_base_once(runner->base, -1, EV_TIMEOUT, post, &entered, NULL), 0);
  assert_int_equal(pthread_create(&runner->thread, NULL, run_loop, runner), 0);
  sem_wait(&entered);
  sem_destroy(&entered);
}

static void finish(struct runner* runner) {
  event_base_loopbreak(runner->base);
  pthread_join(runner->thread, NULL);
}

/* Waits with a deadline far beyond what is needed. */
static int wait_for(sem_t* semaphore) {
  struct timespec deadline;
  clock_gettime(CLOCK_REALTIME, &deadline);
  deadline.tv_sec += 10;
  return sem_timedwait(semaphore, &deadline);
}

static void setting_up_threads_twice_is_allowed(void** state) {
  (void)state;
  assert_int_equal(evthread_use_pthreads(), 0);
  assert_int_equal(evthread_use_pthreads(), 0);
}

static void an_activation_wakes_a_sleeping_loop(void** state) {
  (void)state;
  struct runner runner = start(threaded_base());
  sem_t called;
  sem_init(&called, 0, 0);
  struct event* event = event_new(runner.base, -1, EV_PERSIST, post, &called);
  launch(&runner);
  for (int i = 0; i < 100; i++) {
    event_active(event, EV_READ, 1);
    assert_int_equal(wait_for(&called), 0);
  }
  finish(&runner);
  event_free(event);
  event_base_free(runner.base);
}

static void a_descriptor_added_from_another_thread_is_watched(void** state) {
  (void)state;
  struct runner runner = start(threaded_base());
  struct pair pair = pair_open();
  sem_t called;
  sem_init(&called, 0, 0);
  struct event* event = event_new(runner.base, pair.near, EV_READ, post, &called);
  launch(&runner);
  for (int i = 0; i < 100; i++) {
    assert_int_equal(event_add(event, NULL), 0);
    send_byte(pair.far);
    assert_int_equal(wait_for(&called), 0);
    drain(pair.near);
  }
  finish(&runner);
  event_free(event);
  event_base_free(runner.base);
  pair_close(&pair);
}

static void an_earlier_timer_added_from_another_thread_is_kept(void** state) {
  (void)state;
  struct runner runner = start(threaded_base());
  sem_t called;
  sem_init(&called, 0, 0);
  struct timeval late = milliseconds(100000), soon = milliseconds(2);
  struct event* far = evtimer_new(runner.base, post, &called);
  struct event* near = evtimer_new(runner.base, post, &called);
  evtimer_add(far, &late);
  launch(&runner);
  for (int i = 0; i < 20; i++) {
    assert_int_equal(evtimer_add(near, &soon), 0);
    assert_int_equal(wait_for(&called), 0);
  }
  finish(&runner);
  event_free(far);
  event_free(near);
  event_base_free(runner.base);
}

static void once_from_another_thread_runs(void** state) {
  (void)state;
  struct runner runner = start(threaded_base());
  sem_t called;
  sem_init(&called, 0, 0);
  launch(&runner);
  assert_int_equal(event_base_once(runner.base, -1, EV_TIMEOUT, post, &called, NULL), 0);
  assert_int_equal(wait_for(&called), 0);
  finish(&runner);
  event_base_free(runner.base);
}

static void break_and_exit_reach_a_sleeping_loop(void** state) {
  (void)state;
  struct runner runner = start(threaded_base());
  launch(&runner);
  assert_int_equal(event_base_loopbreak(runner.base), 0);
  pthread_join(runner.thread, NULL);
  assert_int_equal(runner.answer, 0);
  assert_true(event_base_got_break(runner.base));
  launch(&runner);
  assert_int_equal(event_base_loopexit(runner.base, NULL), 0);
  pthread_join(runner.thread, NULL);
  assert_int_equal(runner.answer, 0);
  assert_true(event_base_got_exit(runner.base));
  event_base_free(runner.base);
}

static void a_second_loop_on_a_running_base_is_refused(void** state) {
  (void)state;
  struct runner runner = start(threaded_base());
  launch(&runner);
  log_capture();
  assert_int_equal(event_base_loop(runner.base, EVLOOP_NONBLOCK), -1);
  assert_matches(log_text(), "2 *: reentrant invocation.*");
  finish(&runner);
  event_base_free(runner.base);
}

struct slow {
  sem_t entered;
  sem_t may_leave;
  atomic_int left;
  atomic_int finalized;
};

static void take_time(evutil_socket_t fd, short what, void* argument) {
  (void)fd;
  (void)what;
  struct slow* slow = argument;
  sem_post(&slow->entered);
  sem_wait(&slow->may_leave);
  /* Long enough for a deletion that does not wait to be caught. */
  nanosleep(&(struct timespec){0, 20000000}, NULL);
  atomic_store(&slow->left, 1);
}

/* Starts a slow callback in a loop thread and deletes its event from here; says whether the
 * callback was over when the deletion returned. */
static int deletion_waited(short flags, int (*delete)(struct event*)) {
  struct runner runner = start(threaded_base());
  struct slow slow = {.left = 0};
  sem_init(&slow.entered, 0, 0);
  sem_init(&slow.may_leave, 0, 0);
  struct event* event = event_new(runner.base, -1, flags, take_time, &slow);
  launch(&runner);
  event_active(event, EV_READ, 1);
  assert_int_equal(wait_for(&slow.entered), 0);
  sem_post(&slow.may_leave);
  assert_int_equal(delete (event), 0);
  int waited = atomic_load(&slow.left);
  finish(&runner);
  event_free(event);
  event_base_free(runner.base);
  return waited;
}

static void deletion_waits_for_the_running_callback(void** state) {
  (void)state;
  assert_true(deletion_waited(EV_PERSIST, event_del));
  assert_true(deletion_waited(EV_PERSIST, event_del_block));
}

static void deletion_without_blocking_does_not_wait(void** state) {
  (void)state;
  assert_false(deletion_waited(EV_PERSIST, event_del_noblock));
}

static void an_event_with_a_finalizer_is_deleted_without_waiting_unless_asked(void** state) {
  (void)state;
  assert_false(deletion_waited(EV_PERSIST | EV_FINALIZE, event_del));
  assert_true(deletion_waited(EV_PERSIST | EV_FINALIZE, event_del_block));
}

static void note_the_end(struct event* event, void* argument) {
  (void)event;
  struct slow* slow = argument;
  atomic_store(&slow->finalized, 1 + atomic_load(&slow->left));
  sem_post(&slow->entered);
}

static void a_finalizer_runs_after_the_callback_that_was_running(void** state) {
  (void)state;
  struct runner runner = start(threaded_base());
  struct slow slow = {.left = 0};
  sem_init(&slow.entered, 0, 0);
  sem_init(&slow.may_leave, 0, 0);
  struct event* event = event_new(runner.base, -1, EV_PERSIST | EV_FINALIZE, take_time, &slow);
  launch(&runner);
  event_active(event, EV_READ, 1);
  assert_int_equal(wait_for(&slow.entered), 0);
  assert_int_equal(event_free_finalize(0, event, note_the_end), 0);
  assert_int_equal(atomic_load(&slow.finalized), 0);
  sem_post(&slow.may_leave);
  assert_int_equal(wait_for(&slow.entered), 0);
  assert_int_equal(atomic_load(&slow.finalized), 2);
  finish(&runner);
  event_base_free(runner.base);
}

struct own_deletion {
  struct event* event;
  sem_t done;
  int answer;
};

static void delete_self(evutil_socket_t fd, short what, void* argument) {
  (void)fd;
  (void)what;
  struct own_deletion* self = argument;
  self->answer = event_del_block(self->event);
  sem_post(&self->done);
}

static void a_callback_may_delete_its_own_event_without_waiting_for_itself(void** state) {
  (void)state;
  struct runner runner = start(threaded_base());
  struct own_deletion self = {.answer = -7};
  sem_init(&self.done, 0, 0);
  self.event = event_new(runner.base, -1, EV_PERSIST, delete_self, &self);
  launch(&runner);
  event_active(self.event, EV_READ, 1);
  assert_int_equal(wait_for(&self.done), 0);
  assert_int_equal(self.answer, 0);
  finish(&runner);
  event_free(self.event);
  event_base_free(runner.base);
}

static void freeing_an_event_waits_for_its_callback_too(void** state) {
  (void)state;
  struct runner runner = start(threaded_base());
  struct slow slow = {.left = 0};
  sem_init(&slow.entered, 0, 0);
  sem_init(&slow.may_leave, 0, 0);
  struct event* event = event_new(runner.base, -1, EV_PERSIST, take_time, &slow);
  launch(&runner);
  event_active(event, EV_READ, 1);
  assert_int_equal(wait_for(&slow.entered), 0);
  sem_post(&slow.may_leave);
  event_free(event);
  assert_int_equal(atomic_load(&slow.left), 1);
  finish(&runner);
  event_base_free(runner.base);
}

static void a_signal_taken_by_any_thread_reaches_the_loop(void** state) {
  (void)state;
  struct runner runner = start(threaded_base());
  sem_t called;
  sem_init(&called, 0, 0);
  struct event* event = evsignal_new(runner.base, SIGUSR1, post, &called);
  assert_int_equal(event_add(event, NULL), 0);
  launch(&runner);
  for (int i = 0; i < 20; i++) {
    if (i % 2)
      pthread_kill(pthread_self(), SIGUSR1);
    else
      pthread_kill(runner.thread, SIGUSR1);
    assert_int_equal(wait_for(&called), 0);
  }
  finish(&runner);
  event_free(event);
  event_base_free(runner.base);
}

static void outside_its_thread_a_loop_has_no_running_event(void** state) {
  (void)state;
  struct runner runner = start(threaded_base());
  launch(&runner);
  assert_null(event_base_get_running_event(runner.base));
  finish(&runner);
  event_base_free(runner.base);
}

static void a_base_is_made_notifiable_once_for_all(void** state) {
  (void)state;
  struct event_base* base = threaded_base();
  assert_int_equal(evthread_make_base_notifiable(base), 0);
  assert_int_equal(evthread_make_base_notifiable(base), 0);
  assert_int_equal(evthread_make_base_notifiable(NULL), -1);
  event_base_free(base);
}

static void a_base_without_locks_may_be_made_notifiable(void** state) {
  (void)state;
  struct event_base* base = event_base_new();
  assert_int_equal(evthread_make_base_notifiable(base), 0);
  assert_int_equal(event_base_dispatch(base), 1);
  event_base_free(base);
}

static void* make_and_run_a_base(void* unused) {
  (void)unused;
  for (int i = 0; i < 50; i++) {
    struct event_base* base = event_base_new();
    struct tally seen = {0};
    struct event* event = event_new(base, -1, 0, count_call, &seen);
    event_active(event, EV_READ, 1);
    if (event_base_dispatch(base) != 1 || seen.calls != 1) return event;
    event_free(event);
    event_base_free(base);
  }
  return NULL;
}

/* ThreadSanitizer looks for what they share. */
static void threads_with_a_base_each_need_nothing_of_one_another(void** state) {
  (void)state;
  pthread_t threads[4];
  assert_int_equal(evthread_use_pthreads(), 0);
  for (int i = 0; i < 4; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, make_and_run_a_base, NULL), 0);
  for (int i = 0; i < 4; i++) {
    void* failed;
    pthread_join(threads[i], &failed);
    assert_null(failed);
  }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(setting_up_threads_twice_is_allowed),
    cmocka_unit_test(an_activation_wakes_a_sleeping_loop),
    cmocka_unit_test(a_descriptor_added_from_another_thread_is_watched),
    cmocka_unit_test(an_earlier_timer_added_from_another_thread_is_kept),
    cmocka_unit_test(once_from_another_thread_runs),
    cmocka_unit_test(break_and_exit_reach_a_sleeping_loop),
    cmocka_unit_test(a_second_loop_on_a_running_base_is_refused),
    cmocka_unit_test(deletion_waits_for_the_running_callback),
    cmocka_unit_test(deletion_without_blocking_does_not_wait),
    cmocka_unit_test(an_event_with_a_finalizer_is_deleted_without_waiting_unless_asked),
    cmocka_unit_test(a_finalizer_runs_after_the_callback_that_was_running),
    cmocka_unit_test(a_callback_may_delete_its_own_event_without_waiting_for_itself),
    cmocka_unit_test(freeing_an_event_waits_for_its_callback_too),
    cmocka_unit_test(a_signal_taken_by_any_thread_reaches_the_loop),
    cmocka_unit_test(outside_its_thread_a_loop_has_no_running_event),
    cmocka_unit_test(a_base_is_made_notifiable_once_for_all),
    cmocka_unit_test(a_base_without_locks_may_be_made_notifiable),
    cmocka_unit_test(threads_with_a_base_each_need_nothing_of_one_another),
};
DEFINE_GROUP(thread, tests);
