/*
 * Running a loop: when a run ends, how often it waits, nested runs and breaking out of them.
 */
#include "conformance/ev/groups.h"

/* --- running
 * ---------------------------------------------------------------------------------------- */

static void count_timer(EV_P_ ev_timer* w, int revents) {
  (void)loop;
  (void)revents;
  ++*(int*)w->data;
}

static void a_run_ends_when_nothing_is_active(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  assert_int_equal(ev_run(loop, 0), 0);
  assert_int_equal(ev_iteration(loop), 1); /* the one pass is made all the same */
  ev_loop_destroy(loop);
}

static void a_run_tells_whether_watchers_are_left(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_timer timer;
  ev_timer_init(&timer, note_timer, 1000., 0.);
  ev_timer_start(loop, &timer);
  assert_int_equal(ev_run(loop, EVRUN_NOWAIT), 1);
  ev_timer_stop(loop, &timer);
  assert_int_equal(ev_run(loop, EVRUN_NOWAIT), 0);
  ev_loop_destroy(loop);
}

static void nowait_does_not_block(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_timer timer;
  ev_timer_init(&timer, note_timer, 10., 0.);
  ev_timer_start(loop, &timer);
  double start = seconds_now();
  ev_run(loop, EVRUN_NOWAIT);
  assert_true(seconds_now() - start < 5.);
  assert_trace("");
  ev_loop_destroy(loop);
}

static void once_blocks_for_one_round_of_events(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  int count = 0;
  ev_timer timer;
  ev_timer_init(&timer, count_timer, 0.02, 0.001);
  timer.data = &count;
  double start = seconds_now();
  ev_now_update(loop);
  ev_timer_start(loop, &timer);
  while (count == 0) {
    ev_run(loop, EVRUN_ONCE);
  }
  assert_int_equal(count, 1);
  assert_true(seconds_now() - start >= 0.019);
  ev_loop_destroy(loop);
}

static void iterations_are_counted(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  assert_int_equal(ev_iteration(loop), 0);
  ev_run(loop, EVRUN_NOWAIT);
  ev_run(loop, EVRUN_NOWAIT);
  ev_run(loop, EVRUN_NOWAIT);
  assert_int_equal(ev_iteration(loop), 3);
  assert_int_equal(ev_loop_count(loop), 3);
  ev_loop_destroy(loop);
}

static void nest(EV_P_ ev_timer* w, int revents) {
  (void)revents;
  int* depth_left = w->data;
  note("in%u", ev_depth(loop));
  if (--*depth_left > 0) {
    ev_timer inner;
    ev_timer_init(&inner, nest, 0., 0.);
    inner.data = depth_left;
    ev_timer_start(loop, &inner);
    while (ev_is_active(&inner)) {
      ev_run(loop, EVRUN_ONCE);
    }
  }
  note("out%u", ev_loop_depth(loop));
}

static void depth_counts_nested_runs(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  assert_int_equal(ev_depth(loop), 0);
  int depth_left = 3;
  ev_timer timer;
  ev_timer_init(&timer, nest, 0., 0.);
  timer.data = &depth_left;
  ev_timer_start(loop, &timer);
  ev_run(loop, 0);
  assert_trace("in1 in2 in3 out3 out2 out1");
  assert_int_equal(ev_depth(loop), 0);
  ev_loop_destroy(loop);
}

static void break_it(EV_P_ ev_timer* w, int revents) {
  (void)revents;
  note("break");
  ev_break(loop, *(int*)w->data);
}

static void run_inside(EV_P_ ev_timer* w, int revents) {
  (void)revents;
  ev_timer inner, late;
  ev_timer_init(&inner, break_it, 0., 0.);
  inner.data = w->data;
  ev_timer_start(loop, &inner);
  /* Where the break is taken back the run goes on until this; elsewhere it must never be due. */
  ev_timer_init(&late, note_timer, *(int*)w->data == EVBREAK_CANCEL ? 0.01 : 5., 0.);
  late.data = "late";
  ev_timer_start(loop, &late);
  note("inner");
  ev_run(loop, 0);
  note("left");
  ev_timer_stop(loop, &late);
}

static void run_nested_break(int how) {
  struct ev_loop* loop = make_loop();
  ev_timer outer, after;
  ev_timer_init(&outer, run_inside, 0., 0.);
  outer.data = &how;
  ev_timer_start(loop, &outer);
  ev_timer_init(&after, note_timer, 0.2, 0.);
  after.data = "after";
  ev_timer_start(loop, &after);
  ev_run(loop, 0);
  ev_loop_destroy(loop);
}

static void break_one_leaves_the_innermost_run(void** state) {
  (void)state;
  run_nested_break(EVBREAK_ONE);
  assert_trace("inner break left after:timer");
}

static void break_all_leaves_every_run(void** state) {
  (void)state;
  run_nested_break(EVBREAK_ALL);
  assert_trace("inner break left");
}

static void break_cancel_takes_a_break_back(void** state) {
  (void)state;
  run_nested_break(EVBREAK_CANCEL);
  assert_trace("inner break late:timer after:timer left");
}

static void break_then_cancel(EV_P_ ev_timer* w, int revents) {
  (void)w;
  (void)revents;
  ev_break(loop, EVBREAK_ALL);
  ev_break(loop, EVBREAK_CANCEL);
}

static void a_cancelled_break_does_not_end_the_run(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_timer first, second;
  ev_timer_init(&first, break_then_cancel, 0., 0.);
  ev_timer_start(loop, &first);
  ev_timer_init(&second, note_timer, 0.01, 0.);
  second.data = "second";
  ev_timer_start(loop, &second);
  ev_run(loop, 0);
  assert_trace("second:timer");
  ev_loop_destroy(loop);
}

static void a_break_before_the_run_has_no_effect(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_timer timer;
  ev_timer_init(&timer, note_timer, 0.001, 0.);
  timer.data = "timer";
  ev_timer_start(loop, &timer);
  ev_break(loop, EVBREAK_ALL);
  ev_run(loop, 0);
  assert_trace("timer:timer");
  ev_loop_destroy(loop);
}

static void break_in_prepare(EV_P_ ev_prepare* w, int revents) {
  (void)w;
  (void)revents;
  note("prepare");
  ev_break(loop, EVBREAK_ONE);
}

static void a_break_in_a_prepare_callback_skips_the_wait(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_prepare prepare;
  ev_check check;
  ev_timer timer;
  ev_prepare_init(&prepare, break_in_prepare);
  ev_prepare_start(loop, &prepare);
  ev_check_init(&check, note_check);
  check.data = "check";
  ev_check_start(loop, &check);
  ev_timer_init(&timer, note_timer, 0., 0.);
  timer.data = "timer";
  ev_timer_start(loop, &timer);
  ev_run(loop, 0);
  assert_trace("prepare");
  assert_int_equal(ev_iteration(loop), 0);
  ev_loop_destroy(loop);
}

static void the_names_of_libev_3_work(void** state) {
  (void)state;
  struct ev_loop* loop = ev_default_loop(0);
  ev_timer timer;
  int how = EVUNLOOP_ONE;
  assert_int_equal(EVUNLOOP_ALL, EVBREAK_ALL);
  assert_int_equal(EVUNLOOP_CANCEL, EVBREAK_CANCEL);
  assert_int_equal(EVLOOP_NONBLOCK, EVRUN_NOWAIT);
  assert_int_equal(EVLOOP_ONESHOT, EVRUN_ONCE);
  assert_int_equal(EV_TIMEOUT, EV_TIMER);
  ev_timer_init(&timer, break_it, 0., 1.);
  timer.data = &how;
  ev_timer_start(loop, &timer);
  ev_loop(loop, 0);
  assert_trace("break");
  ev_unloop(loop, EVUNLOOP_ONE);
  ev_loop_verify(loop);
  ev_default_fork();
  ev_loop(loop, EVLOOP_NONBLOCK);
  ev_default_destroy();
  assert_null(EV_DEFAULT_UC);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_run_ends_when_nothing_is_active),
    cmocka_unit_test(a_run_tells_whether_watchers_are_left),
    cmocka_unit_test(nowait_does_not_block),
    cmocka_unit_test(once_blocks_for_one_round_of_events),
    cmocka_unit_test(iterations_are_counted),
    cmocka_unit_test(depth_counts_nested_runs),
    cmocka_unit_test(break_one_leaves_the_innermost_run),
    cmocka_unit_test(break_all_leaves_every_run),
    cmocka_unit_test(break_cancel_takes_a_break_back),
    cmocka_unit_test(a_cancelled_break_does_not_end_the_run),
    cmocka_unit_test(a_break_before_the_run_has_no_effect),
    cmocka_unit_test(a_break_in_a_prepare_callback_skips_the_wait),
    cmocka_unit_test(the_names_of_libev_3_work),
};
const struct harness_group run_group = {"run", tests, sizeof tests / sizeof tests[0]};
