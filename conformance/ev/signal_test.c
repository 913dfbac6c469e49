/*
 * ev_signal: signals as events, from the kernel, from other threads, and fed by the program.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conformance/ev/groups.h"

static void start_signal(EV_P_ ev_signal* w, const char* name, int signum) {
  ev_signal_init(w, note_signal, signum);
  w->data = (void*)(uintptr_t)name;
  ev_signal_start(EV_A_ w);
}

static void a_raised_signal_is_reported(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_signal signal_watcher;
  start_signal(loop, &signal_watcher, "usr1", SIGUSR1);
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("");
  raise(SIGUSR1);
  assert_trace(""); /* never from inside the handler */
  ev_run(loop, EVRUN_ONCE);
  assert_trace("usr1:signal");
  ev_loop_destroy(loop);
}

static void several_deliveries_before_the_loop_looks_are_one(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_signal signal_watcher;
  start_signal(loop, &signal_watcher, "usr1", SIGUSR1);
  raise(SIGUSR1);
  raise(SIGUSR1);
  raise(SIGUSR1);
  ev_run(loop, EVRUN_NOWAIT);
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("usr1:signal");
  ev_loop_destroy(loop);
}

static void all_watchers_of_a_signal_are_called_in_the_order_of_their_start(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_signal a, b, c, other;
  start_signal(loop, &a, "a", SIGUSR1);
  start_signal(loop, &b, "b", SIGUSR1);
  start_signal(loop, &c, "c", SIGUSR1);
  start_signal(loop, &other, "other", SIGUSR2);
  raise(SIGUSR1);
  ev_run(loop, EVRUN_ONCE);
  assert_trace("a:signal b:signal c:signal");
  ev_loop_destroy(loop);
}

static void lower_signal_numbers_are_called_first(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_signal hup, usr1, usr2;
  start_signal(loop, &usr2, "usr2", SIGUSR2);
  start_signal(loop, &hup, "hup", SIGHUP);
  start_signal(loop, &usr1, "usr1", SIGUSR1);
  raise(SIGUSR2);
  raise(SIGHUP);
  raise(SIGUSR1);
  ev_run(loop, EVRUN_ONCE);
  assert_trace("hup:signal usr1:signal usr2:signal");
  ev_loop_destroy(loop);
}

static void a_signal_ends_a_sleep(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_signal signal_watcher;
  start_signal(loop, &signal_watcher, "alarm", SIGALRM);
  ualarm(20000, 0);
  double start = seconds_now();
  ev_run(loop, EVRUN_ONCE);
  if (!*trace()) { /* the interrupted wait may end before the event is seen */
    ev_run(loop, EVRUN_ONCE);
  }
  assert_trace("alarm:signal");
  assert_true(seconds_now() - start < 10.);
  ev_loop_destroy(loop);
}

static void* kill_later(void* target) {
  usleep(20000);
  pthread_kill(*(pthread_t*)target, SIGUSR1);
  return NULL;
}

static void a_signal_from_another_thread_ends_a_sleep(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_signal signal_watcher;
  pthread_t self = pthread_self(), thread;
  start_signal(loop, &signal_watcher, "usr1", SIGUSR1);
  assert_int_equal(pthread_create(&thread, NULL, kill_later, &self), 0);
  while (!*trace()) {
    ev_run(loop, EVRUN_ONCE);
  }
  assert_trace("usr1:signal");
  pthread_join(thread, NULL);
  ev_loop_destroy(loop);
}

static void the_last_stop_restores_the_default_action(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_signal a, b;
  struct sigaction action;
  start_signal(loop, &a, "a", SIGUSR1);
  start_signal(loop, &b, "b", SIGUSR1);
  ev_signal_stop(loop, &a);
  sigaction(SIGUSR1, NULL, &action);
  assert_true(action.sa_handler != SIG_DFL);
  ev_signal_stop(loop, &b);
  sigaction(SIGUSR1, NULL, &action);
  assert_true(action.sa_handler == SIG_DFL);
  ev_loop_destroy(loop);
}

static void a_handler_restarts_interrupted_calls(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_signal signal_watcher;
  struct sigaction action;
  start_signal(loop, &signal_watcher, "usr1", SIGUSR1);
  sigaction(SIGUSR1, NULL, &action);
  assert_true(action.sa_flags & SA_RESTART);
  ev_loop_destroy(loop);
}

static void a_stopped_signal_watcher_is_not_called(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_signal a, b;
  start_signal(loop, &a, "a", SIGUSR1);
  start_signal(loop, &b, "b", SIGUSR1);
  raise(SIGUSR1);
  ev_signal_stop(loop, &a);
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("b:signal");
  ev_loop_destroy(loop);
}

static void a_fed_signal_event_needs_no_delivery(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_signal signal_watcher;
  start_signal(loop, &signal_watcher, "usr1", SIGUSR1);
  ev_feed_signal_event(loop, SIGUSR1);
  assert_true(ev_is_pending(&signal_watcher));
  ev_invoke_pending(loop);
  assert_trace("usr1:signal");
  ev_feed_signal_event(loop, SIGUSR2); /* nobody's */
  ev_feed_signal_event(loop, 0);
  ev_feed_signal_event(loop, -3);
  ev_feed_signal_event(loop, 100000);
  assert_int_equal(ev_pending_count(loop), 0);
  ev_loop_destroy(loop);
}

static void a_signal_fed_to_a_loop_that_does_not_watch_it_is_ignored(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  struct ev_loop* other = make_loop();
  ev_signal signal_watcher;
  start_signal(loop, &signal_watcher, "usr1", SIGUSR1);
  ev_feed_signal_event(other, SIGUSR1);
  assert_false(ev_is_pending(&signal_watcher));
  assert_int_equal(ev_pending_count(other), 0);
  ev_loop_destroy(other);
  ev_loop_destroy(loop);
}

static void ev_feed_signal_stands_in_for_the_handler(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_signal signal_watcher;
  start_signal(loop, &signal_watcher, "usr1", SIGUSR1);
  ev_feed_signal(SIGUSR1);
  assert_false(ev_is_pending(&signal_watcher));
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("usr1:signal");
  ev_feed_signal(SIGUSR2); /* nobody watches it: nothing happens */
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("");
  ev_loop_destroy(loop);
}

static void forward_signal(int signum) {
  ev_feed_signal(signum);
}

static void a_program_may_install_its_own_handler_and_feed_from_it(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_signal signal_watcher;
  start_signal(loop, &signal_watcher, "usr1", SIGUSR1);
  signal(SIGUSR1, forward_signal);
  raise(SIGUSR1);
  ev_run(loop, EVRUN_ONCE);
  assert_trace("usr1:signal");
  ev_loop_destroy(loop);
}

static void a_signal_of_a_busy_loop_is_seen_without_sleeping(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_signal signal_watcher;
  start_signal(loop, &signal_watcher, "usr1", SIGUSR1);
  raise(SIGUSR1);
  double start = seconds_now();
  ev_run(loop, EVRUN_ONCE);
  assert_true(seconds_now() - start < 5.);
  assert_trace("usr1:signal");
  ev_loop_destroy(loop);
}

static void signals_of_the_default_loop_work(void** state) {
  (void)state;
  struct ev_loop* loop = ev_default_loop(0);
  ev_signal signal_watcher;
  start_signal(loop, &signal_watcher, "usr1", SIGUSR1);
  raise(SIGUSR1);
  ev_run(loop, EVRUN_ONCE);
  assert_trace("usr1:signal");
  ev_signal_stop(loop, &signal_watcher);
  ev_loop_destroy(loop);
}

static void signalfd_receives_signals_too(void** state) {
  (void)state;
  struct ev_loop* loop = ev_loop_new(EVFLAG_SIGNALFD | EVFLAG_NOENV);
  ev_signal usr1, usr2;
  sigset_t mask;
  start_signal(loop, &usr1, "usr1", SIGUSR1);
  start_signal(loop, &usr2, "usr2", SIGUSR2);
  sigprocmask(SIG_BLOCK, NULL, &mask);
  assert_true(sigismember(&mask, SIGUSR1));
  raise(SIGUSR1);
  ev_run(loop, EVRUN_ONCE);
  assert_trace("usr1:signal");
  raise(SIGUSR2);
  ev_run(loop, EVRUN_ONCE);
  assert_trace("usr2:signal");
  ev_signal_stop(loop, &usr1);
  sigprocmask(SIG_BLOCK, NULL, &mask);
  assert_false(sigismember(&mask, SIGUSR1));
  assert_true(sigismember(&mask, SIGUSR2));
  ev_signal_stop(loop, &usr2);
  ev_loop_destroy(loop);
}

static void the_signal_mask_is_left_alone_without_signalfd(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_signal signal_watcher;
  sigset_t block, before, after;
  sigemptyset(&block);
  sigaddset(&block, SIGUSR1);
  sigprocmask(SIG_BLOCK, &block, NULL);
  sigprocmask(SIG_BLOCK, NULL, &before);
  start_signal(loop, &signal_watcher, "usr1", SIGUSR1);
  sigprocmask(SIG_BLOCK, NULL, &after);
  assert_int_equal(sigismember(&before, SIGUSR1), sigismember(&after, SIGUSR1));
  ev_loop_destroy(loop);
}

static void nosigmask_unblocks_the_signal_it_watches(void** state) {
  (void)state;
  /* What 4.33 does under this flag, whatever its name says. */
  struct ev_loop* loop = ev_loop_new(EVFLAG_NOSIGMASK | EVFLAG_NOENV);
  ev_signal signal_watcher;
  sigset_t block, after;
  sigemptyset(&block);
  sigaddset(&block, SIGUSR1);
  sigaddset(&block, SIGUSR2);
  sigprocmask(SIG_BLOCK, &block, NULL);
  start_signal(loop, &signal_watcher, "usr1", SIGUSR1);
  sigprocmask(SIG_BLOCK, NULL, &after);
  assert_false(sigismember(&after, SIGUSR1));
  assert_true(sigismember(&after, SIGUSR2));
  ev_loop_destroy(loop);
}

static void realtime_signals_are_watched_too(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_signal low, high;
  start_signal(loop, &low, "low", SIGRTMIN);
  start_signal(loop, &high, "high", SIGRTMAX);
  raise(SIGRTMAX);
  raise(SIGRTMIN);
  ev_run(loop, EVRUN_ONCE);
  assert_trace("low:signal high:signal");
  ev_loop_destroy(loop);
}

static void stop_signal(EV_P_ ev_signal* w, int revents) {
  note_signal(EV_A_ w, revents);
  ev_signal_stop(EV_A_ w);
}

static void a_signal_watcher_may_stop_itself(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_signal signal_watcher;
  ev_signal_init(&signal_watcher, stop_signal, SIGUSR1);
  signal_watcher.data = "usr1";
  ev_signal_start(loop, &signal_watcher);
  raise(SIGUSR1);
  assert_int_equal(ev_run(loop, 0), 0);
  assert_trace("usr1:signal");
  ev_loop_destroy(loop);
}

/* One loop for each signal is libev's limit, and a program's mistake there; it is lifted here. */
static void two_loops_and_one_signal(void) {
  struct ev_loop* first = ev_loop_new(0);
  struct ev_loop* second = ev_loop_new(0);
  ev_signal a, b;
  start_signal(first, &a, "a", SIGUSR1);
  start_signal(second, &b, "b", SIGUSR1);
}

static void a_signal_of_two_loops_is_refused_or_reaches_both(void** state) {
  (void)state;
  if (!on_pollshim()) {
    assert_true(ends_in_abort(two_loops_and_one_signal));
    return;
  }
  struct ev_loop* first = make_loop();
  struct ev_loop* second = make_loop();
  ev_signal a, b;
  start_signal(first, &a, "a", SIGUSR1);
  start_signal(second, &b, "b", SIGUSR1);
  raise(SIGUSR1);
  ev_run(first, EVRUN_ONCE);
  ev_run(second, EVRUN_ONCE);
  assert_trace("a:signal b:signal");
  ev_signal_stop(first, &a);
  raise(SIGUSR1);
  ev_run(first, EVRUN_NOWAIT);
  ev_run(second, EVRUN_ONCE);
  assert_trace("b:signal");
  ev_loop_destroy(first);
  ev_loop_destroy(second);
}

static void a_signal_caught_before_the_stop_waits_for_the_next_watcher(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_signal signal_watcher;
  start_signal(loop, &signal_watcher, "usr1", SIGUSR1);
  raise(SIGUSR1);
  ev_signal_stop(loop, &signal_watcher);
  ev_feed_signal_event(loop, SIGUSR1); /* nobody is there to take it */
  ev_signal_start(loop, &signal_watcher);
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("usr1:signal");
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("");
  ev_loop_destroy(loop);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_raised_signal_is_reported),
    cmocka_unit_test(several_deliveries_before_the_loop_looks_are_one),
    cmocka_unit_test(all_watchers_of_a_signal_are_called_in_the_order_of_their_start),
    cmocka_unit_test(lower_signal_numbers_are_called_first),
    cmocka_unit_test(a_signal_ends_a_sleep),
    cmocka_unit_test(a_signal_from_another_thread_ends_a_sleep),
    cmocka_unit_test(the_last_stop_restores_the_default_action),
    cmocka_unit_test(a_handler_restarts_interrupted_calls),
    cmocka_unit_test(a_stopped_signal_watcher_is_not_called),
    cmocka_unit_test(a_fed_signal_event_needs_no_delivery),
    cmocka_unit_test(a_signal_fed_to_a_loop_that_does_not_watch_it_is_ignored),
    cmocka_unit_test(ev_feed_signal_stands_in_for_the_handler),
    cmocka_unit_test(a_program_may_install_its_own_handler_and_feed_from_it),
    cmocka_unit_test(a_signal_of_a_busy_loop_is_seen_without_sleeping),
    cmocka_unit_test(signals_of_the_default_loop_work),
    cmocka_unit_test(signalfd_receives_signals_too),
    cmocka_unit_test(the_signal_mask_is_left_alone_without_signalfd),
    cmocka_unit_test(nosigmask_unblocks_the_signal_it_watches),
    cmocka_unit_test(realtime_signals_are_watched_too),
    cmocka_unit_test(a_signal_watcher_may_stop_itself),
    cmocka_unit_test(a_signal_caught_before_the_stop_waits_for_the_next_watcher),
    cmocka_unit_test(a_signal_of_two_loops_is_refused_or_reaches_both),
};
const struct harness_group signal_group = {"signal", tests, sizeof tests / sizeof tests[0]};
