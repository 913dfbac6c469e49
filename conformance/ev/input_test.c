/*
 * Bad input. Where libev ends the process by an assertion, ours stops the watcher and feeds it
 * EV_ERROR, the answer that libev documents; both answers are asserted here, each of its own
 * library (see conformance/DIFFERENCES.md).
 */
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conformance/ev/groups.h"

/* libev has error events where it selects, and aborts with the other backends. */
static void assert_error_events_or_abort(void (*scenario)(void), const char* expected) {
  struct ev_loop* loop = make_loop();
  bool backend_has_error_events = ev_backend(loop) == EVBACKEND_SELECT;
  ev_loop_destroy(loop);
  if (!on_pollshim() && !backend_has_error_events) {
    assert_true(ends_in_abort(scenario));
    return;
  }
  scenario();
  assert_trace(expected);
}

static void watch_a_closed_descriptor(void) {
  struct ev_loop* loop = ev_loop_new(0);
  int fd = dup(0);
  ev_io io;
  ev_io_init(&io, note_io, fd, EV_READ);
  io.data = "io";
  ev_io_start(loop, &io);
  close(fd);
  ev_run(loop, EVRUN_NOWAIT);
  ev_run(loop, EVRUN_NOWAIT);
  ev_loop_destroy(loop);
}

static void a_closed_descriptor_is_an_error_event_and_never_an_abort(void** state) {
  (void)state;
  assert_error_events_or_abort(watch_a_closed_descriptor, "io:read+write+error");
}

/* It was watched for reading all the time, and is to be for writing as well. */
static void change_interest_in_a_closed_descriptor(void) {
  struct ev_loop* loop = ev_loop_new(0);
  struct pipe_ends ends = make_socket_pair();
  ev_io reads, writes;
  start_io(loop, &reads, "reads", ends.reader, EV_READ);
  start_io(loop, &writes, "writes", ends.reader, EV_WRITE);
  ev_run(loop, EVRUN_NOWAIT);
  ev_io_stop(loop, &writes);
  ev_run(loop, EVRUN_NOWAIT);
  close(ends.reader);
  ev_io_start(loop, &writes);
  ev_run(loop, EVRUN_NOWAIT);
  assert_false(ev_is_active(&reads));
  assert_false(ev_is_active(&writes));
  ev_loop_destroy(loop);
}

static void a_change_of_interest_in_a_closed_descriptor_is_an_error_event(void** state) {
  (void)state;
  assert_error_events_or_abort(change_interest_in_a_closed_descriptor,
                               "writes:write reads:read+write+error writes:read+write+error");
}

static void all_watchers_of_a_closed_descriptor_are_stopped_and_told(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  if (!on_pollshim() && ev_backend(loop) != EVBACKEND_SELECT) {
    ev_loop_destroy(loop);
    return; /* aborts, as the test before shows */
  }
  struct pipe_ends ends = make_pipe();
  ev_io a, b, other;
  int fd = dup(0);
  close(fd);
  ev_io_init(&a, note_io, fd, EV_READ);
  a.data = "a";
  ev_io_start(loop, &a);
  ev_io_init(&b, note_io, fd, EV_WRITE);
  b.data = "b";
  ev_io_start(loop, &b);
  ev_io_init(&other, note_io, ends.reader, EV_READ);
  other.data = "other";
  ev_io_start(loop, &other);
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("a:read+write+error b:read+write+error");
  assert_false(ev_is_active(&a));
  assert_false(ev_is_active(&b));
  assert_true(ev_is_active(&other));
  put_byte(ends.writer);
  ev_run(loop, EVRUN_ONCE);
  assert_trace("other:read");
  ev_loop_destroy(loop);
}

static void closing_a_watched_descriptor_does_not_hang_or_spin_or_abort(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  if (!on_pollshim() && ev_backend(loop) == EVBACKEND_POLL) {
    ev_loop_destroy(loop);
    return; /* aborts: "poll found invalid fd in poll set" */
  }
  struct pipe_ends ends = make_pipe();
  ev_io io;
  ev_io_init(&io, note_io, ends.reader, EV_READ);
  io.data = "io";
  ev_io_start(loop, &io);
  ev_run(loop, EVRUN_NOWAIT);
  close(ends.reader);
  ev_timer timer;
  ev_timer_init(&timer, note_timer, 0.05, 0.);
  timer.data = "timer";
  ev_timer_start(loop, &timer);
  unsigned int before = ev_iteration(loop);
  while (ev_is_active(&timer)) {
    ev_run(loop, EVRUN_ONCE);
  }
  assert_true(ev_iteration(loop) - before < 20);
  if (ev_backend(loop) == EVBACKEND_EPOLL) {
    assert_trace("timer:timer"); /* the kernel forgets it silently */
  } else {
    assert_trace("io:read+write+error timer:timer");
  }
  ev_loop_destroy(loop);
}

static void watch_a_negative_descriptor(void) {
  struct ev_loop* loop = ev_loop_new(0);
  ev_io io;
  ev_io_init(&io, note_io, -1, EV_READ);
  io.data = "io";
  ev_io_start(loop, &io);
  note("%s", ev_is_active(&io) ? "active" : "stopped");
  ev_run(loop, EVRUN_NOWAIT);
  ev_loop_destroy(loop);
}

static void watch_for_unknown_events(void) {
  struct ev_loop* loop = ev_loop_new(0);
  ev_io io;
  ev_io_init(&io, note_io, 0, EV_READ | EV_TIMER);
  io.data = "io";
  ev_io_start(loop, &io);
  note("%s", ev_is_active(&io) ? "active" : "stopped");
  ev_run(loop, EVRUN_NOWAIT);
  ev_loop_destroy(loop);
}

static void start_a_negative_repeat(void) {
  struct ev_loop* loop = ev_loop_new(0);
  ev_timer timer;
  ev_timer_init(&timer, note_timer, 1., -1.);
  timer.data = "timer";
  ev_timer_start(loop, &timer);
  note("%s", ev_is_active(&timer) ? "active" : "stopped");
  ev_run(loop, EVRUN_NOWAIT);
  ev_loop_destroy(loop);
}

static void make_a_repeat_negative(void) {
  struct ev_loop* loop = ev_loop_new(0);
  ev_timer timer;
  ev_timer_init(&timer, note_timer, 0., 1.);
  timer.data = "timer";
  ev_timer_start(loop, &timer);
  timer.repeat = -1.;
  ev_sleep(0.001);
  ev_run(loop, EVRUN_NOWAIT);
  note("%s", ev_is_active(&timer) ? "active" : "stopped");
  ev_loop_destroy(loop);
}

static void make_a_repeat_nan(void) {
  struct ev_loop* loop = ev_loop_new(0);
  ev_timer timer;
  ev_timer_init(&timer, note_timer, 0., 1.);
  timer.data = "timer";
  ev_timer_start(loop, &timer);
  timer.repeat = NAN;
  ev_sleep(0.001);
  ev_run(loop, EVRUN_NOWAIT);
  note("%s", ev_is_active(&timer) ? "active" : "stopped");
  ev_loop_destroy(loop);
}

static void start_a_negative_interval(void) {
  struct ev_loop* loop = ev_loop_new(0);
  ev_periodic periodic;
  ev_periodic_init(&periodic, note_periodic, 0., -1., 0);
  periodic.data = "periodic";
  ev_periodic_start(loop, &periodic);
  note("%s", ev_is_active(&periodic) ? "active" : "stopped");
  ev_run(loop, EVRUN_NOWAIT);
  ev_loop_destroy(loop);
}

static ev_tstamp long_ago(ev_periodic* w, ev_tstamp now) EV_NOEXCEPT {
  (void)w;
  (void)now;
  return 1.;
}
static void reschedule_into_the_past(void) {
  struct ev_loop* loop = ev_loop_new(0);
  ev_periodic periodic;
  ev_periodic_init(&periodic, note_periodic, 0., 0., long_ago);
  periodic.data = "periodic";
  ev_periodic_start(loop, &periodic);
  ev_run(loop, EVRUN_NOWAIT);
  note("%s", ev_is_active(&periodic) ? "active" : "stopped");
  ev_loop_destroy(loop);
}

static void watch_signal_zero(void) {
  struct ev_loop* loop = ev_loop_new(0);
  ev_signal signal_watcher;
  ev_signal_init(&signal_watcher, note_signal, 0);
  signal_watcher.data = "signal";
  ev_signal_start(loop, &signal_watcher);
  note("%s", ev_is_active(&signal_watcher) ? "active" : "stopped");
  ev_run(loop, EVRUN_NOWAIT);
  ev_loop_destroy(loop);
}

static void watch_signal_ten_thousand(void) {
  struct ev_loop* loop = ev_loop_new(0);
  ev_signal signal_watcher;
  ev_signal_init(&signal_watcher, note_signal, 10000);
  signal_watcher.data = "signal";
  ev_signal_start(loop, &signal_watcher);
  note("%s", ev_is_active(&signal_watcher) ? "active" : "stopped");
  ev_run(loop, EVRUN_NOWAIT);
  ev_loop_destroy(loop);
}

static void run_in_release(EV_P) EV_NOEXCEPT {
  ev_run(loop, EVRUN_NOWAIT);
}
static void run_a_loop_that_is_waiting(void) {
  struct ev_loop* loop = ev_loop_new(0);
  ev_set_loop_release_cb(loop, run_in_release, run_in_release);
  ev_run(loop, EVRUN_NOWAIT);
}

static void aborts_there_and_answers_here(void (*scenario)(void), const char* answer) {
  if (on_pollshim()) {
    scenario();
    assert_trace(answer);
  } else {
    assert_true(ends_in_abort(scenario));
  }
}

static void a_negative_descriptor_is_an_error_event(void** state) {
  (void)state;
  aborts_there_and_answers_here(watch_a_negative_descriptor, "stopped io:read+write+error");
}
static void an_impossible_event_mask_is_an_error_event(void** state) {
  (void)state;
  aborts_there_and_answers_here(watch_for_unknown_events, "stopped io:read+write+error");
}
static void a_negative_repeat_is_an_error_event(void** state) {
  (void)state;
  aborts_there_and_answers_here(start_a_negative_repeat, "stopped timer:error");
}
static void a_repeat_that_became_negative_ends_the_timer(void** state) {
  (void)state;
  aborts_there_and_answers_here(make_a_repeat_negative, "timer:timer+error stopped");
}
static void a_repeat_that_became_nan_ends_the_timer(void** state) {
  (void)state;
  aborts_there_and_answers_here(make_a_repeat_nan, "timer:timer+error stopped");
}
static void a_negative_interval_is_an_error_event(void** state) {
  (void)state;
  aborts_there_and_answers_here(start_a_negative_interval, "stopped periodic:error");
}
static void a_reschedule_into_the_past_ends_the_periodic(void** state) {
  (void)state;
  aborts_there_and_answers_here(reschedule_into_the_past, "periodic:periodic+error stopped");
}
static void an_impossible_signal_is_an_error_event(void** state) {
  (void)state;
  aborts_there_and_answers_here(watch_signal_zero, "stopped signal:error");
  aborts_there_and_answers_here(watch_signal_ten_thousand, "stopped signal:error");
}

static void a_loop_run_while_it_waits_aborts_on_both(void** state) {
  (void)state;
  assert_true(ends_in_abort(run_a_loop_that_is_waiting));
}

/* SIGKILL is a valid number that can not be caught; libev never looks at the result. */
static void a_signal_that_cannot_be_caught_is_never_delivered(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_signal signal_watcher;
  ev_signal_init(&signal_watcher, note_signal, SIGKILL);
  signal_watcher.data = "kill";
  ev_signal_start(loop, &signal_watcher);
  ev_run(loop, EVRUN_NOWAIT);
  if (on_pollshim()) {
    assert_false(ev_is_active(&signal_watcher));
    assert_trace("kill:error");
  } else {
    assert_true(ev_is_active(&signal_watcher));
    assert_trace("");
  }
  ev_signal_stop(loop, &signal_watcher);
  ev_loop_destroy(loop);
}

static void a_nan_timeout_never_fires_and_harms_nobody_here(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_timer nan_timer, near, late;
  ev_timer_init(&nan_timer, note_timer, NAN, 0.);
  nan_timer.data = "nan";
  ev_timer_start(loop, &nan_timer);
  assert_true(isnan(ev_timer_remaining(loop, &nan_timer)));
  if (on_pollshim()) {
    /* In libev a timer started behind a NaN may be hidden by it; here the order stays one. */
    ev_timer_init(&near, note_timer, 0.002, 0.);
    near.data = "near";
    ev_timer_start(loop, &near);
    ev_timer_init(&late, note_timer, 0.004, 0.);
    late.data = "late";
    ev_timer_start(loop, &late);
    while (ev_is_active(&late)) {
      ev_run(loop, EVRUN_ONCE);
    }
    assert_trace("near:timer late:timer");
    ev_verify(loop);
  } else {
    ev_run(loop, EVRUN_NOWAIT);
    assert_trace("");
  }
  assert_true(ev_is_active(&nan_timer));
  ev_timer_stop(loop, &nan_timer);
  assert_false(ev_is_active(&nan_timer));
  ev_loop_destroy(loop);
}

static void a_negative_timeout_is_due_at_once(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_timer timer, infinite;
  ev_timer_init(&timer, note_timer, -INFINITY, 0.);
  timer.data = "infinite";
  ev_timer_start(loop, &timer);
  ev_timer_init(&infinite, note_timer, -5., 0.);
  infinite.data = "five";
  ev_timer_start(loop, &infinite);
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("infinite:timer five:timer");
  ev_loop_destroy(loop);
}

static void sleeping_for_nan_or_ever_is_not_tried(void** state) {
  (void)state;
  double start = seconds_now();
  ev_sleep(NAN);
  assert_true(seconds_now() - start < 5.);
}

static void every_watcher_may_be_started_and_stopped_twice(void** state) {
  (void)state;
  struct ev_loop* loop = ev_default_loop(0);
  struct pipe_ends ends = make_pipe();
#define TWICE(type, initialisation)                  \
  {                                                  \
    ev_##type w;                                     \
    initialisation;                                  \
    ev_##type##_stop(loop, &w); /* never started */  \
    assert_int_equal(ev_run(loop, EVRUN_NOWAIT), 0); \
    ev_##type##_start(loop, &w);                     \
    ev_##type##_start(loop, &w);                     \
    assert_true(ev_is_active(&w));                   \
    ev_##type##_stop(loop, &w);                      \
    ev_##type##_stop(loop, &w);                      \
    assert_false(ev_is_active(&w));                  \
    assert_int_equal(ev_run(loop, EVRUN_NOWAIT), 0); \
  }
  TWICE(io, ev_io_init(&w, note_io, ends.reader, EV_READ))
  TWICE(timer, ev_timer_init(&w, note_timer, 1., 1.))
  TWICE(periodic, ev_periodic_init(&w, note_periodic, 0., 10., 0))
  TWICE(signal, ev_signal_init(&w, note_signal, SIGUSR1))
  TWICE(child, ev_child_init(&w, note_child, 1, 0))
  TWICE(stat, ev_stat_init(&w, note_stat, "/tmp", 0.))
  TWICE(idle, ev_idle_init(&w, note_idle))
  TWICE(prepare, ev_prepare_init(&w, note_prepare))
  TWICE(check, ev_check_init(&w, note_check))
  TWICE(fork, ev_fork_init(&w, note_fork))
  TWICE(cleanup, ev_cleanup_init(&w, note_cleanup))
  TWICE(async, ev_async_init(&w, note_async))
  struct ev_loop* inner = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
  TWICE(embed, ev_embed_init(&w, note_embed, inner))
#undef TWICE
  assert_trace("");
  ev_loop_destroy(inner);
}

static void the_set_macros_of_watchers_without_settings_do_nothing(void** state) {
  (void)state;
  ev_idle idle;
  ev_prepare prepare;
  ev_check check;
  ev_fork fork_watcher;
  ev_cleanup cleanup;
  ev_async async;
  ev_init(&idle, note_idle);
  ev_init(&prepare, note_prepare);
  ev_init(&check, note_check);
  ev_init(&fork_watcher, note_fork);
  ev_init(&cleanup, note_cleanup);
  ev_init(&async, note_async);
  ev_idle_set(&idle);
  ev_prepare_set(&prepare);
  ev_check_set(&check);
  ev_fork_set(&fork_watcher);
  ev_cleanup_set(&cleanup);
  ev_async_set(&async);
  assert_false(ev_is_active(&idle) || ev_is_active(&async));
  ev_embed embed;
  struct ev_loop* loop = make_loop();
  ev_init(&embed, note_embed);
  ev_embed_set(&embed, loop);
  assert_ptr_equal(embed.other, loop);
  ev_child child;
  ev_init(&child, note_child);
  ev_child_set(&child, 77, 5);
  assert_int_equal(child.pid, 77);
  assert_int_equal(child.flags, 1);
  ev_signal signal_watcher;
  ev_init(&signal_watcher, note_signal);
  ev_signal_set(&signal_watcher, SIGHUP);
  assert_int_equal(signal_watcher.signum, SIGHUP);
  assert_true(ev_cb_(&signal_watcher) == note_signal);
  ev_loop_destroy(loop);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_closed_descriptor_is_an_error_event_and_never_an_abort),
    cmocka_unit_test(a_change_of_interest_in_a_closed_descriptor_is_an_error_event),
    cmocka_unit_test(all_watchers_of_a_closed_descriptor_are_stopped_and_told),
    cmocka_unit_test(closing_a_watched_descriptor_does_not_hang_or_spin_or_abort),
    cmocka_unit_test(a_negative_descriptor_is_an_error_event),
    cmocka_unit_test(an_impossible_event_mask_is_an_error_event),
    cmocka_unit_test(a_negative_repeat_is_an_error_event),
    cmocka_unit_test(a_repeat_that_became_negative_ends_the_timer),
    cmocka_unit_test(a_repeat_that_became_nan_ends_the_timer),
    cmocka_unit_test(a_negative_interval_is_an_error_event),
    cmocka_unit_test(a_reschedule_into_the_past_ends_the_periodic),
    cmocka_unit_test(an_impossible_signal_is_an_error_event),
    cmocka_unit_test(a_loop_run_while_it_waits_aborts_on_both),
    cmocka_unit_test(a_signal_that_cannot_be_caught_is_never_delivered),
    cmocka_unit_test(a_nan_timeout_never_fires_and_harms_nobody_here),
    cmocka_unit_test(a_negative_timeout_is_due_at_once),
    cmocka_unit_test(sleeping_for_nan_or_ever_is_not_tried),
    cmocka_unit_test(every_watcher_may_be_started_and_stopped_twice),
    cmocka_unit_test(the_set_macros_of_watchers_without_settings_do_nothing),
};
const struct harness_group input_group = {"input", tests, sizeof tests / sizeof tests[0]};
