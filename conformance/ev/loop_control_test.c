/*
 * What steers a loop from beside: references, time that stands still, collect intervals, the hooks
 * around waiting and invoking, and its own check of itself.
 */
#include <math.h>
#include <time.h>

#include "conformance/ev/groups.h"

/* --- references
 * -------------------------------------------------------------------------------------- */

static void an_unreferenced_watcher_does_not_hold_the_loop(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_timer timer;
  ev_timer_init(&timer, note_timer, 1000., 1000.);
  ev_timer_start(loop, &timer);
  ev_unref(loop);
  assert_int_equal(ev_run(loop, 0), 0);
  ev_ref(loop);
  ev_timer_stop(loop, &timer);
  assert_int_equal(ev_run(loop, EVRUN_NOWAIT), 0);
  ev_loop_destroy(loop);
}

static void a_reference_holds_the_loop_without_a_watcher(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_ref(loop);
  assert_int_equal(ev_run(loop, EVRUN_NOWAIT), 1);
  ev_ref(loop);
  assert_int_equal(ev_run(loop, EVRUN_NOWAIT), 2);
  ev_unref(loop);
  ev_unref(loop);
  assert_int_equal(ev_run(loop, 0), 0);
  ev_loop_destroy(loop);
}

/* --- time
 * ---------------------------------------------------------------------------------------------- */

static void now_stands_still_inside_a_callback(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  double before = ev_now(loop);
  assert_true(before <= ev_time() + 1e-3);
  ev_sleep(0.01);
  assert_true(ev_now(loop) == before);
  ev_now_update(loop);
  assert_true(ev_now(loop) >= before + 0.009);
  assert_true(ev_now(loop) <= ev_time() + 1e-3);
  ev_loop_destroy(loop);
}

static void a_suspended_loop_s_timers_stand_still(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_timer timer;
  ev_now_update(loop);
  ev_timer_init(&timer, note_timer, 10., 0.);
  ev_timer_start(loop, &timer);
  ev_suspend(loop);
  double before = ev_timer_remaining(loop, &timer);
  ev_sleep(0.05);
  ev_resume(loop);
  double after = ev_timer_remaining(loop, &timer);
  assert_true(fabs(after - before) < 1e-6);
  ev_sleep(0.02);
  ev_now_update(loop);
  assert_true(ev_timer_remaining(loop, &timer) <= after - 0.019);
  ev_loop_destroy(loop);
}

static void a_timeout_collect_interval_delays_timers(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_timer timer;
  ev_set_timeout_collect_interval(loop, 0.05);
  ev_timer_init(&timer, note_timer, 0.001, 0.);
  timer.data = "timer";
  ev_timer_start(loop, &timer);
  double start = seconds_now();
  ev_run(loop, 0);
  assert_true(seconds_now() - start >= 0.049);
  assert_trace("timer:timer");
  ev_loop_destroy(loop);
}

static void an_io_collect_interval_delays_io(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  struct pipe_ends ends = make_pipe();
  ev_io io;
  ev_io_init(&io, note_io, ends.reader, EV_READ);
  io.data = "io";
  ev_io_start(loop, &io);
  put_byte(ends.writer);
  double start = seconds_now();
  ev_now_update(loop);
  ev_set_io_collect_interval(loop, 0.05);
  ev_run(loop, EVRUN_ONCE);
  assert_true(seconds_now() - start >= 0.045);
  assert_trace("io:read");
  ev_set_io_collect_interval(loop, 0.);
  ev_loop_destroy(loop);
}

static void an_io_collect_interval_does_not_delay_timers(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_timer timer;
  ev_set_io_collect_interval(loop, 100.);
  double start = seconds_now();
  ev_now_update(loop);
  ev_timer_init(&timer, note_timer, 0.02, 0.);
  timer.data = "timer";
  ev_timer_start(loop, &timer);
  ev_run(loop, 0);
  double took = seconds_now() - start;
  assert_true(took >= 0.0199 && took < 10.);
  assert_trace("timer:timer");
  ev_loop_destroy(loop);
}

/* --- hooks
 * -----------------------------------------------------------------------------------------------
 */

static void userdata_is_kept(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  int mine;
  assert_null(ev_userdata(loop));
  ev_set_userdata(loop, &mine);
  assert_ptr_equal(ev_userdata(loop), &mine);
  ev_set_userdata(loop, NULL);
  assert_null(ev_userdata(loop));
  ev_loop_destroy(loop);
}

static void note_pending_count(EV_P) {
  note("pending%u", ev_pending_count(loop));
  ev_invoke_pending(loop);
}

static void an_invoke_pending_callback_replaces_the_invoking(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_timer first, second;
  ev_prepare prepare;
  ev_set_invoke_pending_cb(loop, note_pending_count);
  ev_timer_init(&first, note_timer, 0., 0.);
  first.data = "first";
  ev_timer_init(&second, note_timer, 0.000001, 0.);
  second.data = "second";
  ev_timer_start(loop, &first);
  ev_timer_start(loop, &second);
  ev_prepare_init(&prepare, note_prepare);
  prepare.data = "prepare";
  ev_prepare_start(loop, &prepare);
  ev_sleep(0.001);
  ev_run(loop, EVRUN_NOWAIT);
  /* on entry, for the prepare watchers, and for what the wait brought */
  assert_trace("pending0 pending1 prepare:prepare pending2 first:timer second:timer");
  ev_loop_destroy(loop);
}

static void do_not_invoke(EV_P) {
  note("pending%u", ev_pending_count(loop));
}

static void pending_watchers_wait_until_somebody_invokes_them(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_timer timer;
  ev_set_invoke_pending_cb(loop, do_not_invoke);
  ev_timer_init(&timer, note_timer, 0., 0.);
  timer.data = "timer";
  ev_timer_start(loop, &timer);
  ev_sleep(0.001);
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("pending0 pending1");
  assert_int_equal(ev_pending_count(loop), 1);
  ev_invoke_pending(loop);
  assert_trace("timer:timer");
  assert_int_equal(ev_pending_count(loop), 0);
  ev_loop_destroy(loop);
}

static void note_release(EV_P) EV_NOEXCEPT {
  (void)loop;
  note("release");
}
static void note_acquire(EV_P) EV_NOEXCEPT {
  (void)loop;
  note("acquire");
}

static void the_loop_is_released_around_the_wait_alone(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_prepare prepare;
  ev_check check;
  ev_prepare_init(&prepare, note_prepare);
  prepare.data = "prepare";
  ev_prepare_start(loop, &prepare);
  ev_check_init(&check, note_check);
  check.data = "check";
  ev_check_start(loop, &check);
  ev_set_loop_release_cb(loop, note_release, note_acquire);
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("prepare:prepare release acquire check:check");
  ev_set_loop_release_cb(loop, NULL, NULL);
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("prepare:prepare check:check");
  ev_loop_destroy(loop);
}

static void verifying_a_sound_loop_says_nothing(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  struct pipe_ends ends = make_pipe();
  ev_io io;
  ev_timer timers[50];
  ev_idle idle;
  ev_verify(loop);
  ev_io_init(&io, note_io, ends.reader, EV_READ);
  ev_io_start(loop, &io);
  ev_idle_init(&idle, note_idle);
  ev_idle_start(loop, &idle);
  for (int i = 0; i < 50; ++i) {
    ev_timer_init(&timers[i], note_timer, (i * 37) % 50, 0.);
    ev_timer_start(loop, &timers[i]);
  }
  ev_verify(loop);
  for (int i = 0; i < 50; i += 3) {
    ev_timer_stop(loop, &timers[i]);
  }
  ev_verify(loop);
  ev_loop_destroy(loop);
}

static void damage_a_timer(void) {
  struct ev_loop* loop = ev_loop_new(0);
  ev_timer timer;
  ev_timer_init(&timer, note_timer, 1., 0.);
  ev_timer_start(loop, &timer);
  timer.active = 77;
  ev_verify(loop);
}

static void damage_a_priority(void) {
  struct ev_loop* loop = ev_loop_new(0);
  ev_timer timer;
  ev_timer_init(&timer, note_timer, 1., 0.);
  ev_timer_start(loop, &timer);
  timer.priority = 1000;
  ev_verify(loop);
}

static void verifying_a_damaged_loop_aborts(void** state) {
  (void)state;
  assert_true(ends_in_abort(damage_a_timer));
  assert_true(ends_in_abort(damage_a_priority));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(an_unreferenced_watcher_does_not_hold_the_loop),
    cmocka_unit_test(a_reference_holds_the_loop_without_a_watcher),
    cmocka_unit_test(now_stands_still_inside_a_callback),
    cmocka_unit_test(a_suspended_loop_s_timers_stand_still),
    cmocka_unit_test(a_timeout_collect_interval_delays_timers),
    cmocka_unit_test(an_io_collect_interval_delays_io),
    cmocka_unit_test(an_io_collect_interval_does_not_delay_timers),
    cmocka_unit_test(userdata_is_kept),
    cmocka_unit_test(an_invoke_pending_callback_replaces_the_invoking),
    cmocka_unit_test(pending_watchers_wait_until_somebody_invokes_them),
    cmocka_unit_test(the_loop_is_released_around_the_wait_alone),
    cmocka_unit_test(verifying_a_sound_loop_says_nothing),
    cmocka_unit_test(verifying_a_damaged_loop_aborts),
};
const struct harness_group loop_control_group = {"loop_control", tests,
                                                 sizeof tests / sizeof tests[0]};
