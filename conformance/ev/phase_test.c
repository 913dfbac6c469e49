/*
 * The watchers that mark a phase of the loop's turn: ev_idle, ev_prepare, ev_check, and ev_cleanup
 * at its end.
 */
#include <stdlib.h>
#include <unistd.h>

#include "conformance/ev/groups.h"

static void start_idle(EV_P_ ev_idle* w, const char* name, int priority) {
  ev_idle_init(w, note_idle);
  w->data = (void*)(uintptr_t)name;
  ev_set_priority(w, priority);
  ev_idle_start(EV_A_ w);
}
static void start_prepare(EV_P_ ev_prepare* w, const char* name) {
  ev_prepare_init(w, note_prepare);
  w->data = (void*)(uintptr_t)name;
  ev_prepare_start(EV_A_ w);
}
static void start_check(EV_P_ ev_check* w, const char* name) {
  ev_check_init(w, note_check);
  w->data = (void*)(uintptr_t)name;
  ev_check_start(EV_A_ w);
}

/* --- idle
 * ------------------------------------------------------------------------------------------- */

static void an_idle_watcher_runs_in_every_quiet_turn(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_idle idle;
  start_idle(loop, &idle, "idle", 0);
  ev_run(loop, EVRUN_ONCE);
  ev_run(loop, EVRUN_ONCE);
  assert_trace("idle:idle idle:idle");
  ev_idle_stop(loop, &idle);
  ev_idle_stop(loop, &idle);
  assert_int_equal(ev_run(loop, EVRUN_NOWAIT), 0);
  assert_trace("");
  ev_loop_destroy(loop);
}

static void an_idle_watcher_keeps_the_loop_from_blocking(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_idle idle;
  ev_timer timer;
  start_idle(loop, &idle, "idle", 0);
  ev_timer_init(&timer, note_timer, 30., 0.);
  ev_timer_start(loop, &timer);
  double start = seconds_now();
  ev_run(loop, EVRUN_ONCE);
  assert_true(seconds_now() - start < 10.);
  assert_trace("idle:idle");
  ev_loop_destroy(loop);
}

static void idle_waits_while_something_of_its_priority_is_pending(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  struct pipe_ends ends = make_pipe();
  ev_idle idle;
  ev_io io;
  put_byte(ends.writer);
  ev_io_init(&io, note_io, ends.reader, EV_READ);
  io.data = "io";
  ev_io_start(loop, &io);
  start_idle(loop, &idle, "idle", 0);
  ev_run(loop, EVRUN_ONCE);
  assert_trace("io:read");
  take_byte(ends.reader);
  ev_run(loop, EVRUN_ONCE);
  assert_trace("idle:idle");
  ev_loop_destroy(loop);
}

static void idle_of_a_higher_priority_ignores_lower_events(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  struct pipe_ends ends = make_pipe();
  ev_idle idle;
  ev_io io;
  put_byte(ends.writer);
  ev_io_init(&io, note_io, ends.reader, EV_READ);
  io.data = "io";
  ev_set_priority(&io, -1);
  ev_io_start(loop, &io);
  start_idle(loop, &idle, "idle", 1);
  ev_run(loop, EVRUN_ONCE);
  assert_trace("idle:idle io:read");
  ev_loop_destroy(loop);
}

static void only_the_highest_idle_priority_runs(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_idle high, middle, low;
  start_idle(loop, &low, "low", EV_MINPRI);
  start_idle(loop, &middle, "middle", 0);
  start_idle(loop, &high, "high", EV_MAXPRI);
  ev_run(loop, EVRUN_ONCE);
  assert_trace("high:idle");
  ev_idle_stop(loop, &high);
  ev_run(loop, EVRUN_ONCE);
  assert_trace("middle:idle");
  ev_idle_stop(loop, &middle);
  ev_run(loop, EVRUN_ONCE);
  assert_trace("low:idle");
  ev_loop_destroy(loop);
}

static void the_newest_idle_watcher_of_a_priority_runs_first(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_idle a, b, c;
  start_idle(loop, &a, "a", 0);
  start_idle(loop, &b, "b", 0);
  start_idle(loop, &c, "c", 0);
  ev_run(loop, EVRUN_ONCE);
  assert_trace("c:idle b:idle a:idle");
  ev_idle_stop(loop, &a); /* the last one takes its place */
  ev_run(loop, EVRUN_ONCE);
  assert_trace("b:idle c:idle");
  ev_verify(loop);
  ev_loop_destroy(loop);
}

/* --- prepare and check
 * ----------------------------------------------------------------------------------- */

static void prepare_runs_before_the_wait_and_check_after_it(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  struct pipe_ends ends = make_pipe();
  ev_prepare prepare;
  ev_check check;
  ev_io io;
  put_byte(ends.writer);
  start_prepare(loop, &prepare, "prepare");
  start_check(loop, &check, "check");
  ev_io_init(&io, note_io, ends.reader, EV_READ);
  io.data = "io";
  ev_io_start(loop, &io);
  ev_run(loop, EVRUN_ONCE);
  assert_trace("prepare:prepare check:check io:read");
  ev_loop_destroy(loop);
}

static void the_newest_prepare_and_check_watchers_run_first(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_prepare prepares[3];
  ev_check checks[3];
  start_prepare(loop, &prepares[0], "p0");
  start_prepare(loop, &prepares[1], "p1");
  start_prepare(loop, &prepares[2], "p2");
  start_check(loop, &checks[0], "c0");
  start_check(loop, &checks[1], "c1");
  start_check(loop, &checks[2], "c2");
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("p2:prepare p1:prepare p0:prepare c2:check c1:check c0:check");
  ev_prepare_stop(loop, &prepares[0]);
  ev_check_stop(loop, &checks[0]);
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("p1:prepare p2:prepare c1:check c2:check");
  ev_prepare_stop(loop, &prepares[0]);
  ev_check_stop(loop, &checks[0]);
  ev_verify(loop);
  ev_loop_destroy(loop);
}

static void start_a_check(EV_P_ ev_prepare* w, int revents) {
  note_prepare(EV_A_ w, revents);
  static ev_check check;
  if (!ev_is_active(&check)) {
    start_check(EV_A_ & check, "late");
  }
}

static void a_check_started_by_a_prepare_runs_in_the_same_turn(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_prepare prepare;
  ev_prepare_init(&prepare, start_a_check);
  prepare.data = "prepare";
  ev_prepare_start(loop, &prepare);
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("prepare:prepare late:check");
  ev_loop_destroy(loop);
}

static void check_runs_even_when_nothing_happened(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_check check;
  start_check(loop, &check, "check");
  ev_run(loop, EVRUN_NOWAIT);
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("check:check check:check");
  ev_loop_destroy(loop);
}

static void a_check_of_low_priority_runs_behind_the_events(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_check check;
  ev_timer timer;
  ev_check_init(&check, note_check);
  check.data = "check";
  ev_set_priority(&check, EV_MINPRI);
  ev_check_start(loop, &check);
  ev_timer_init(&timer, note_timer, 0., 0.);
  timer.data = "timer";
  ev_timer_start(loop, &timer);
  ev_sleep(0.001);
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("timer:timer check:check");
  ev_loop_destroy(loop);
}

static void prepare_and_check_hold_the_loop(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_prepare prepare;
  ev_check check;
  start_prepare(loop, &prepare, "prepare");
  start_check(loop, &check, "check");
  ev_prepare_start(loop, &prepare);
  ev_check_start(loop, &check);
  assert_int_equal(ev_run(loop, EVRUN_NOWAIT), 2);
  clear_trace();
  ev_prepare_stop(loop, &prepare);
  ev_check_stop(loop, &check);
  assert_int_equal(ev_run(loop, EVRUN_NOWAIT), 0);
  assert_trace("");
  ev_loop_destroy(loop);
}

/* --- cleanup
 * ---------------------------------------------------------------------------------------------- */

static void cleanup_runs_when_the_loop_is_destroyed(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_cleanup a, b;
  ev_cleanup_init(&a, note_cleanup);
  a.data = "a";
  ev_cleanup_start(loop, &a);
  ev_cleanup_init(&b, note_cleanup);
  b.data = "b";
  ev_cleanup_start(loop, &b);
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("");
  ev_loop_destroy(loop);
  assert_trace("b:cleanup a:cleanup");
}

static void cleanup_does_not_hold_the_loop(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_cleanup cleanup;
  ev_cleanup_init(&cleanup, note_cleanup);
  cleanup.data = "cleanup";
  ev_cleanup_start(loop, &cleanup);
  assert_int_equal(ev_run(loop, 0), 0);
  ev_cleanup_start(loop, &cleanup);
  assert_int_equal(ev_run(loop, 0), 0);
  ev_cleanup_stop(loop, &cleanup);
  ev_cleanup_stop(loop, &cleanup);
  assert_int_equal(ev_run(loop, 0), 0);
  ev_loop_destroy(loop);
  assert_trace("");
}

static void stop_timer_in_cleanup(EV_P_ ev_cleanup* w, int revents) {
  note_cleanup(EV_A_ w, revents);
  ev_timer_stop(EV_A_(ev_timer*) ev_userdata(EV_A));
}

static void a_cleanup_callback_may_still_use_the_loop(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_cleanup cleanup;
  ev_timer timer;
  ev_timer_init(&timer, note_timer, 10., 0.);
  ev_timer_start(loop, &timer);
  ev_set_userdata(loop, &timer);
  ev_cleanup_init(&cleanup, stop_timer_in_cleanup);
  cleanup.data = "cleanup";
  ev_cleanup_start(loop, &cleanup);
  ev_loop_destroy(loop);
  assert_trace("cleanup:cleanup");
  assert_false(ev_is_active(&timer));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(an_idle_watcher_runs_in_every_quiet_turn),
    cmocka_unit_test(an_idle_watcher_keeps_the_loop_from_blocking),
    cmocka_unit_test(idle_waits_while_something_of_its_priority_is_pending),
    cmocka_unit_test(idle_of_a_higher_priority_ignores_lower_events),
    cmocka_unit_test(only_the_highest_idle_priority_runs),
    cmocka_unit_test(the_newest_idle_watcher_of_a_priority_runs_first),
    cmocka_unit_test(prepare_runs_before_the_wait_and_check_after_it),
    cmocka_unit_test(the_newest_prepare_and_check_watchers_run_first),
    cmocka_unit_test(a_check_started_by_a_prepare_runs_in_the_same_turn),
    cmocka_unit_test(check_runs_even_when_nothing_happened),
    cmocka_unit_test(a_check_of_low_priority_runs_behind_the_events),
    cmocka_unit_test(prepare_and_check_hold_the_loop),
    cmocka_unit_test(cleanup_runs_when_the_loop_is_destroyed),
    cmocka_unit_test(cleanup_does_not_hold_the_loop),
    cmocka_unit_test(a_cleanup_callback_may_still_use_the_loop),
};
const struct harness_group phase_group = {"phase", tests, sizeof tests / sizeof tests[0]};
