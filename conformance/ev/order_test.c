/*
 * The order inside one turn of the loop, as whole traces. Every trace was read off the real
 * library.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conformance/ev/groups.h"

/* One watcher of every kind that can be made to happen in a single turn. */
struct everything {
  struct ev_loop* loop;
  struct pipe_ends ends;
  ev_io io;
  ev_timer timer;
  ev_periodic periodic;
  ev_signal signal;
  ev_idle idle;
  ev_prepare prepare;
  ev_check check;
  ev_fork fork;
  ev_async async;
};

static void start_everything(struct everything* all) {
  struct ev_loop* loop = all->loop = make_loop();
  all->ends = make_pipe();
  ev_io_init(&all->io, note_io, all->ends.reader, EV_READ);
  all->io.data = "io";
  ev_timer_init(&all->timer, note_timer, 0., 0.);
  all->timer.data = "timer";
  ev_periodic_init(&all->periodic, note_periodic, 1., 0., 0);
  all->periodic.data = "periodic";
  ev_signal_init(&all->signal, note_signal, SIGUSR1);
  all->signal.data = "signal";
  ev_idle_init(&all->idle, note_idle);
  all->idle.data = "idle";
  ev_prepare_init(&all->prepare, note_prepare);
  all->prepare.data = "prepare";
  ev_check_init(&all->check, note_check);
  all->check.data = "check";
  ev_fork_init(&all->fork, note_fork);
  all->fork.data = "fork";
  ev_async_init(&all->async, note_async);
  all->async.data = "async";
  ev_io_start(loop, &all->io);
  ev_timer_start(loop, &all->timer);
  ev_periodic_start(loop, &all->periodic);
  ev_signal_start(loop, &all->signal);
  ev_idle_start(loop, &all->idle);
  ev_prepare_start(loop, &all->prepare);
  ev_check_start(loop, &all->check);
  ev_fork_start(loop, &all->fork);
  ev_async_start(loop, &all->async);
}

static void make_everything_happen(struct everything* all) {
  put_byte(all->ends.writer);
  ev_async_send(all->loop, &all->async);
  raise(SIGUSR1);
  ev_loop_fork(all->loop);
  ev_sleep(0.001);
}

static void one_turn_in_which_everything_happens(void** state) {
  (void)state;
  struct everything all;
  start_everything(&all);
  make_everything_happen(&all);
  ev_run(all.loop, EVRUN_ONCE);
  /* fork and prepare run before the wait; the wait finds the descriptor and then the signal and the
     async, and the timers are fed behind them, so they run first; of the two kinds of timers
     periodics come first. */
  assert_trace(
      "fork:fork prepare:prepare async:async signal:signal check:check periodic:periodic "
      "timer:timer io:read");
  take_byte(all.ends.reader);
  ev_run(all.loop, EVRUN_ONCE);
  assert_trace("prepare:prepare check:check idle:idle");
  ev_loop_destroy(all.loop);
}

static void a_pending_event_is_invoked_before_the_turn_begins(void** state) {
  (void)state;
  struct everything all;
  start_everything(&all);
  ev_feed_event(all.loop, &all.io, EV_CUSTOM);
  ev_timer_stop(all.loop, &all.timer);
  ev_periodic_stop(all.loop, &all.periodic);
  ev_run(all.loop, EVRUN_NOWAIT);
  assert_trace("io:custom prepare:prepare check:check idle:idle");
  ev_loop_destroy(all.loop);
}

static void what_prepare_feeds_runs_before_the_wait(void** state);
static void feed_timer(EV_P_ ev_prepare* w, int revents) {
  note_prepare(EV_A_ w, revents);
  struct everything* all = ev_userdata(EV_A);
  ev_feed_event(EV_A_ & all->timer, EV_CUSTOM);
}
static void what_prepare_feeds_runs_before_the_wait(void** state) {
  (void)state;
  struct everything all;
  start_everything(&all);
  ev_set_userdata(all.loop, &all);
  ev_set_cb(&all.prepare, feed_timer);
  ev_periodic_stop(all.loop, &all.periodic);
  ev_run(all.loop, EVRUN_NOWAIT);
  /* fed and invoked in the prepare phase, and then due by itself */
  const char* seen = trace();
  assert_int_equal(strncmp(seen, "prepare:prepare timer:custom check:check", 40), 0);
  clear_trace();
  ev_loop_destroy(all.loop);
}

static void priorities_cut_across_the_kinds(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  struct pipe_ends ends = make_pipe();
  ev_io io;
  ev_timer timer;
  ev_periodic periodic;
  ev_check check;
  ev_idle idle;
  put_byte(ends.writer);
  ev_io_init(&io, note_io, ends.reader, EV_READ);
  io.data = "io2";
  ev_set_priority(&io, 2);
  ev_timer_init(&timer, note_timer, 0., 0.);
  timer.data = "timer1";
  ev_set_priority(&timer, 1);
  ev_periodic_init(&periodic, note_periodic, 1., 0., 0);
  periodic.data = "periodic-1";
  ev_set_priority(&periodic, -1);
  ev_check_init(&check, note_check);
  check.data = "check-2";
  ev_set_priority(&check, -2);
  ev_idle_init(&idle, note_idle);
  idle.data = "idle0";
  ev_io_start(loop, &io);
  ev_timer_start(loop, &timer);
  ev_periodic_start(loop, &periodic);
  ev_check_start(loop, &check);
  ev_idle_start(loop, &idle);
  ev_sleep(0.001);
  ev_run(loop, EVRUN_ONCE);
  assert_trace("io2:read timer1:timer periodic-1:periodic check-2:check");
  take_byte(ends.reader);
  ev_run(loop, EVRUN_ONCE);
  assert_trace("idle0:idle check-2:check");
  ev_loop_destroy(loop);
}

static void timers_and_periodics_are_each_in_time_order(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  static const char* const timer_names[] = {"t1", "t2", "t3"};
  static const char* const periodic_names[] = {"p1", "p2", "p3"};
  static const int shuffled[] = {1, 0, 2};
  ev_timer timers[3];
  ev_periodic periodics[3];
  for (int i = 0; i < 3; ++i) {
    int k = shuffled[i];
    ev_timer_init(&timers[k], note_timer, k * 1e-6, 0.);
    timers[k].data = (void*)(uintptr_t)timer_names[k];
    ev_timer_start(loop, &timers[k]);
    ev_periodic_init(&periodics[k], note_periodic, 1. + k, 0., 0);
    periodics[k].data = (void*)(uintptr_t)periodic_names[k];
    ev_periodic_start(loop, &periodics[k]);
  }
  ev_sleep(0.001);
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("p1:periodic p2:periodic p3:periodic t1:timer t2:timer t3:timer");
  ev_loop_destroy(loop);
}

/* --- callbacks that change what is under way
 * ------------------------------------------------------------------ */

static ev_timer row[5];
static void stop_the_next(EV_P_ ev_timer* w, int revents) {
  note_timer(EV_A_ w, revents);
  if (w < row + 4) {
    ev_timer_stop(EV_A_ w + 1);
  }
}

static void a_watcher_stopped_by_an_earlier_callback_is_skipped(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  static const char* const names[] = {"0", "1", "2", "3", "4"};
  for (int i = 0; i < 5; ++i) {
    ev_timer_init(&row[i], stop_the_next, i * 1e-6, 0.);
    row[i].data = (void*)(uintptr_t)names[i];
    ev_timer_start(loop, &row[i]);
  }
  ev_sleep(0.001);
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("0:timer 2:timer 4:timer");
  ev_loop_destroy(loop);
}

static void restart_the_next(EV_P_ ev_timer* w, int revents) {
  note_timer(EV_A_ w, revents);
  if (w < row + 4 && ev_is_pending(w + 1)) {
    ev_timer_stop(EV_A_ w + 1);
    ev_timer_set(w + 1, 0., 0.);
    ev_timer_start(EV_A_ w + 1);
  }
}

static void a_watcher_restarted_by_an_earlier_callback_waits_for_its_new_time(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  static const char* const names[] = {"0", "1", "2", "3", "4"};
  for (int i = 0; i < 5; ++i) {
    ev_timer_init(&row[i], restart_the_next, i * 1e-6, 0.);
    row[i].data = (void*)(uintptr_t)names[i];
    ev_timer_start(loop, &row[i]);
  }
  ev_sleep(0.001);
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("0:timer 2:timer 4:timer");
  ev_sleep(0.001);
  ev_run(loop, EVRUN_NOWAIT);
  assert_int_equal(strlen(trace()), strlen("1:timer 3:timer"));
  clear_trace();
  ev_loop_destroy(loop);
}

static void run_once_inside(EV_P_ ev_timer* w, int revents) {
  note_timer(EV_A_ w, revents);
  ev_run(EV_A_ EVRUN_NOWAIT);
  note("back");
}

static void a_nested_run_first_invokes_what_was_pending(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_timer first, second;
  ev_prepare prepare;
  ev_check check;
  ev_prepare_init(&prepare, note_prepare);
  prepare.data = "prepare";
  ev_prepare_start(loop, &prepare);
  ev_check_init(&check, note_check);
  check.data = "check";
  ev_set_priority(&check, -1);
  ev_check_start(loop, &check);
  ev_timer_init(&first, run_once_inside, 0., 0.);
  first.data = "first";
  ev_timer_start(loop, &first);
  ev_timer_init(&second, note_timer, 1e-6, 0.);
  second.data = "second";
  ev_timer_start(loop, &second);
  ev_sleep(0.001);
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace(
      "prepare:prepare first:timer second:timer check:check prepare:prepare check:check back");
  ev_loop_destroy(loop);
}

static void start_a_ready_io(EV_P_ ev_check* w, int revents) {
  note_check(EV_A_ w, revents);
  static ev_io io;
  if (!ev_is_active(&io)) {
    struct pipe_ends ends = make_pipe();
    put_byte(ends.writer);
    ev_io_init(&io, note_io, ends.reader, EV_READ);
    io.data = "io";
    ev_io_start(EV_A_ & io);
  }
}

static void an_io_started_behind_the_wait_is_seen_in_the_next_turn(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_check check;
  ev_check_init(&check, start_a_ready_io);
  check.data = "check";
  ev_check_start(loop, &check);
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("check:check");
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("check:check io:read");
  ev_loop_destroy(loop);
}

static void an_io_of_the_highest_priority_runs_before_what_a_signal_brings(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  struct pipe_ends ends = make_pipe();
  ev_io io;
  ev_signal signal_watcher;
  ev_check check;
  put_byte(ends.writer);
  ev_io_init(&io, note_io, ends.reader, EV_READ);
  io.data = "io";
  ev_io_start(loop, &io);
  ev_signal_init(&signal_watcher, note_signal, SIGUSR1);
  signal_watcher.data = "signal";
  ev_signal_start(loop, &signal_watcher);
  ev_check_init(&check, note_check);
  check.data = "check";
  ev_set_priority(&check, EV_MAXPRI);
  ev_check_start(loop, &check);
  raise(SIGUSR1);
  ev_run(loop, EVRUN_ONCE);
  assert_trace("check:check signal:signal io:read");
  ev_loop_destroy(loop);
}

static void start_another_prepare(EV_P_ ev_prepare* w, int revents) {
  note_prepare(EV_A_ w, revents);
  static ev_prepare late;
  if (!ev_is_active(&late)) {
    ev_prepare_init(&late, note_prepare);
    late.data = "late";
    ev_prepare_start(EV_A_ & late);
  }
}

static void a_prepare_started_by_a_prepare_waits_for_the_next_turn(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_prepare prepare;
  ev_prepare_init(&prepare, start_another_prepare);
  prepare.data = "prepare";
  ev_prepare_start(loop, &prepare);
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("prepare:prepare");
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("late:prepare prepare:prepare");
  ev_loop_destroy(loop);
}

static void stop_in_check(EV_P_ ev_check* w, int revents) {
  note_check(EV_A_ w, revents);
  ev_timer_stop(EV_A_(ev_timer*) ev_userdata(EV_A));
}

static void a_check_callback_can_still_stop_a_timer_that_is_due(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_check check;
  ev_timer timer;
  ev_timer_init(&timer, note_timer, 0., 0.);
  timer.data = "timer";
  ev_timer_start(loop, &timer);
  ev_set_userdata(loop, &timer);
  ev_check_init(&check, stop_in_check);
  check.data = "check";
  ev_check_start(loop, &check);
  ev_sleep(0.001);
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("check:check");
  ev_loop_destroy(loop);
}

/* A timer that feeds watchers of higher and lower priority, stops one that is pending and starts
 * one that is due at once. */
struct meddler {
  ev_timer first, second, stopped, started;
  ev_prepare urgent, slack;
  ev_idle idle;
};

static void meddle(EV_P_ ev_timer* w, int revents) {
  struct meddler* all = ev_userdata(EV_A);
  note_timer(EV_A_ w, revents);
  ev_feed_event(EV_A_ & all->slack, EV_CUSTOM);
  ev_feed_event(EV_A_ & all->urgent, EV_CUSTOM);
  ev_timer_stop(EV_A_ & all->stopped);
  ev_timer_start(EV_A_ & all->started);
}

static void name_timer(ev_timer* w, const char* name, double after) {
  ev_timer_init(w, note_timer, after, 0.);
  w->data = (void*)(uintptr_t)name;
}

static void what_a_callback_feeds_cuts_in_by_its_priority(void** state) {
  (void)state;
  static struct meddler all;
  struct ev_loop* loop = make_loop();
  ev_set_userdata(loop, &all);
  name_timer(&all.first, "first", 0.);
  ev_set_cb(&all.first, meddle);
  name_timer(&all.second, "second", 1e-6);
  name_timer(&all.stopped, "stopped", 2e-6);
  name_timer(&all.started, "started", 0.);
  ev_prepare_init(&all.urgent, note_prepare);
  all.urgent.data = "urgent";
  ev_set_priority(&all.urgent, 1);
  ev_prepare_init(&all.slack, note_prepare);
  all.slack.data = "slack";
  ev_set_priority(&all.slack, -1);
  ev_idle_init(&all.idle, note_idle);
  all.idle.data = "idle";
  ev_timer_start(loop, &all.second);
  ev_timer_start(loop, &all.stopped);
  ev_timer_start(loop, &all.first);
  ev_idle_start(loop, &all.idle);
  ev_sleep(0.001);
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("first:timer urgent:custom second:timer slack:custom");
  ev_sleep(0.001);
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("started:timer");
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("idle:idle");
  ev_loop_destroy(loop);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(one_turn_in_which_everything_happens),
    cmocka_unit_test(a_pending_event_is_invoked_before_the_turn_begins),
    cmocka_unit_test(what_prepare_feeds_runs_before_the_wait),
    cmocka_unit_test(priorities_cut_across_the_kinds),
    cmocka_unit_test(timers_and_periodics_are_each_in_time_order),
    cmocka_unit_test(a_watcher_stopped_by_an_earlier_callback_is_skipped),
    cmocka_unit_test(a_watcher_restarted_by_an_earlier_callback_waits_for_its_new_time),
    cmocka_unit_test(a_nested_run_first_invokes_what_was_pending),
    cmocka_unit_test(an_io_started_behind_the_wait_is_seen_in_the_next_turn),
    cmocka_unit_test(an_io_of_the_highest_priority_runs_before_what_a_signal_brings),
    cmocka_unit_test(a_prepare_started_by_a_prepare_waits_for_the_next_turn),
    cmocka_unit_test(a_check_callback_can_still_stop_a_timer_that_is_due),
    cmocka_unit_test(what_a_callback_feeds_cuts_in_by_its_priority),
};
const struct harness_group order_group = {"order", tests, sizeof tests / sizeof tests[0]};
