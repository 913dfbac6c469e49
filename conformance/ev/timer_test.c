/*
 * ev_timer: when it fires and in which order, how repeating timers drift, what the three ways of
 * restarting do, and the meaning of `at` and `repeat`, which programs read and write directly.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "conformance/ev/groups.h"

static void start_timer(EV_P_ ev_timer* w, const char* name, double after, double repeat) {
  ev_timer_init(w, note_timer, after, repeat);
  w->data = (void*)(uintptr_t)name;
  ev_timer_start(EV_A_ w);
}

static void count_timer(EV_P_ ev_timer* w, int revents) {
  (void)loop;
  assert_int_equal(revents, EV_TIMER);
  ++*(int*)w->data;
}

static void a_timer_fires_once_and_not_early(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_timer timer;
  ev_now_update(loop);
  double start = seconds_now();
  start_timer(loop, &timer, "timer", 0.02, 0.);
  assert_int_equal(ev_run(loop, 0), 0);
  assert_true(seconds_now() - start >= 0.0199);
  assert_trace("timer:timer");
  assert_false(ev_is_active(&timer));
  ev_loop_destroy(loop);
}

static void timers_fire_in_the_order_of_their_times(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_timer a, b, c, d;
  start_timer(loop, &c, "c", 0.003, 0.);
  start_timer(loop, &a, "a", 0.001, 0.);
  start_timer(loop, &d, "d", 0.004, 0.);
  start_timer(loop, &b, "b", 0.002, 0.);
  ev_sleep(0.01);
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("a:timer b:timer c:timer d:timer");
  ev_loop_destroy(loop);
}

static void priority_goes_before_time(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_timer early, late;
  ev_timer_init(&early, note_timer, 0.001, 0.);
  early.data = "early";
  ev_set_priority(&early, EV_MINPRI);
  ev_timer_start(loop, &early);
  ev_timer_init(&late, note_timer, 0.002, 0.);
  late.data = "late";
  ev_set_priority(&late, EV_MAXPRI);
  ev_timer_start(loop, &late);
  ev_sleep(0.01);
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("late:timer early:timer");
  ev_loop_destroy(loop);
}

static void a_thousand_timers_fire_in_order(void** state) {
  (void)state;
  enum { kMany = 1000 };
  struct ev_loop* loop = make_loop();
  static ev_timer timers[kMany];
  static char names[kMany][8];
  for (int i = 0; i < kMany; ++i) {
    int at = (i * 387) % kMany;
    snprintf(names[i], sizeof names[i], "%03d", at);
    start_timer(loop, &timers[i], names[i], 0.001 + at * 1e-6, 0.);
  }
  for (int i = 0; i < kMany; i += 7) {
    ev_timer_stop(loop, &timers[i]);
  }
  ev_verify(loop);
  ev_sleep(0.01);
  ev_run(loop, EVRUN_NOWAIT);
  const char* at = trace();
  int previous = -1;
  int fired = 0;
  while (*at) {
    int value = (int)strtol(at, NULL, 10);
    assert_true(value > previous);
    previous = value;
    ++fired;
    while (*at && *at != ' ') {
      ++at;
    }
    at += *at == ' ';
  }
  assert_int_equal(fired, kMany - (kMany + 6) / 7);
  clear_trace();
  ev_loop_destroy(loop);
}

static void a_timer_of_zero_or_less_fires_in_the_next_iteration(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_timer zero, negative, very;
  start_timer(loop, &zero, "zero", 0., 0.);
  start_timer(loop, &negative, "negative", -1., 0.);
  start_timer(loop, &very, "very", -1e30, 0.);
  ev_run(loop, EVRUN_ONCE);
  assert_trace("very:timer negative:timer zero:timer");
  ev_loop_destroy(loop);
}

static void start_another(EV_P_ ev_timer* w, int revents) {
  note_timer(EV_A_ w, revents);
  if (w->data != NULL && !ev_is_active((ev_timer*)w + 1)) {
    start_timer(EV_A_ w + 1, "second", 0., 0.);
  }
}

static void a_timer_started_in_a_callback_waits_for_the_next_iteration(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_timer timers[2];
  ev_init(&timers[1], note_timer);
  ev_timer_init(&timers[0], start_another, 0., 0.);
  timers[0].data = "first";
  ev_timer_start(loop, &timers[0]);
  ev_sleep(0.001);
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("first:timer");
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("second:timer");
  ev_loop_destroy(loop);
}

static void a_repeating_timer_goes_on(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_timer timer;
  int count = 0;
  ev_timer_init(&timer, count_timer, 0.01, 0.005);
  timer.data = &count;
  ev_now_update(loop);
  double start = seconds_now();
  ev_timer_start(loop, &timer);
  assert_true(run_until(loop, &count, 5));
  assert_true(seconds_now() - start >= 0.0299);
  assert_true(ev_is_active(&timer));
  ev_timer_stop(loop, &timer);
  ev_loop_destroy(loop);
}

static void a_late_repeating_timer_fires_once_for_all_it_missed(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_timer timer;
  int count = 0;
  ev_timer_init(&timer, count_timer, 0.001, 0.1);
  timer.data = &count;
  ev_timer_start(loop, &timer);
  ev_sleep(0.25);
  ev_run(loop, EVRUN_NOWAIT);
  assert_int_equal(count, 1);
  /* The next one is due now, not at 0.101 s, so there is no burst. */
  assert_true(ev_timer_remaining(loop, &timer) == 0.);
  ev_sleep(0.001);
  ev_run(loop, EVRUN_NOWAIT);
  assert_int_equal(count, 2);
  assert_true(ev_timer_remaining(loop, &timer) > 0.005);
  ev_run(loop, EVRUN_NOWAIT);
  assert_int_equal(count, 2);
  ev_loop_destroy(loop);
}

static void repeats_are_counted_from_the_due_time_not_from_the_call(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_timer timer;
  int count = 0;
  ev_now_update(loop);
  ev_timer_init(&timer, count_timer, 0.010, 1.);
  timer.data = &count;
  ev_timer_start(loop, &timer);
  double due = timer.at;
  ev_sleep(0.030);
  ev_run(loop, EVRUN_NOWAIT);
  assert_int_equal(count, 1);
  assert_true(fabs(timer.at - (due + 1.)) < 1e-6);
  ev_loop_destroy(loop);
}

static void stopping_forgets_a_pending_expiry(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_timer timer;
  start_timer(loop, &timer, "timer", 0., 0.);
  ev_feed_event(loop, &timer, EV_TIMER);
  assert_true(ev_is_pending(&timer));
  ev_timer_stop(loop, &timer);
  assert_false(ev_is_pending(&timer));
  assert_false(ev_is_active(&timer));
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("");
  ev_loop_destroy(loop);
}

static void stopping_an_inactive_timer_forgets_a_pending_expiry_too(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_timer timer;
  ev_timer_init(&timer, note_timer, 1., 0.);
  timer.data = "timer";
  ev_feed_event(loop, &timer, EV_TIMER);
  ev_timer_stop(loop, &timer);
  ev_invoke_pending(loop);
  assert_trace("");
  ev_loop_destroy(loop);
}

/* --- again
 * --------------------------------------------------------------------------------------------- */

static void again_starts_a_stopped_repeating_timer(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_timer timer;
  ev_timer_init(&timer, note_timer, 0., 7.);
  ev_timer_again(loop, &timer);
  assert_true(ev_is_active(&timer));
  assert_true(fabs(ev_timer_remaining(loop, &timer) - 7.) < 1e-6);
  ev_loop_destroy(loop);
}

static void again_moves_an_active_repeating_timer(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_timer timer;
  ev_timer_init(&timer, note_timer, 100., 7.);
  ev_timer_start(loop, &timer);
  ev_timer_again(loop, &timer);
  assert_true(fabs(ev_timer_remaining(loop, &timer) - 7.) < 1e-6);
  timer.repeat = 200.;
  ev_timer_again(loop, &timer);
  assert_true(fabs(ev_timer_remaining(loop, &timer) - 200.) < 1e-6);
  ev_verify(loop);
  ev_loop_destroy(loop);
}

static void again_stops_an_active_timer_without_repeat(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_timer timer;
  ev_timer_init(&timer, note_timer, 100., 0.);
  ev_timer_start(loop, &timer);
  ev_timer_again(loop, &timer);
  assert_false(ev_is_active(&timer));
  assert_int_equal(ev_run(loop, 0), 0);
  ev_loop_destroy(loop);
}

static void again_leaves_a_stopped_timer_without_repeat_alone(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_timer timer;
  ev_timer_init(&timer, note_timer, 100., 0.);
  ev_timer_again(loop, &timer);
  assert_false(ev_is_active(&timer));
  ev_loop_destroy(loop);
}

static void again_forgets_a_pending_expiry(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_timer timer;
  ev_timer_init(&timer, note_timer, 0., 100.);
  timer.data = "timer";
  ev_timer_start(loop, &timer);
  ev_feed_event(loop, &timer, EV_TIMER);
  ev_timer_again(loop, &timer);
  assert_false(ev_is_pending(&timer));
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("");
  ev_loop_destroy(loop);
}

static void a_timer_pushed_back_again_and_again_never_fires(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_timer idle_timeout, ticker;
  int ticks = 0;
  start_timer(loop, &idle_timeout, "idle", 0.5, 0.5);
  ev_timer_init(&ticker, count_timer, 0.002, 0.002);
  ticker.data = &ticks;
  ev_timer_start(loop, &ticker);
  while (ticks < 20) {
    ev_run(loop, EVRUN_ONCE);
    ev_timer_again(loop, &idle_timeout);
  }
  assert_trace("");
  ev_verify(loop);
  ev_loop_destroy(loop);
}

/* --- the fields
 * ------------------------------------------------------------------------------------------ */

static void remaining_of_a_stopped_timer_is_what_was_set(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_timer timer;
  ev_timer_init(&timer, note_timer, 12.5, 0.);
  assert_true(ev_timer_remaining(loop, &timer) == 12.5);
  ev_loop_destroy(loop);
}

static void remaining_shrinks_while_active_and_can_be_negative(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_timer timer;
  ev_now_update(loop);
  ev_timer_init(&timer, note_timer, 0.02, 0.);
  ev_timer_start(loop, &timer);
  assert_true(fabs(ev_timer_remaining(loop, &timer) - 0.02) < 1e-6);
  ev_sleep(0.03);
  ev_now_update(loop);
  assert_true(ev_timer_remaining(loop, &timer) < 0.);
  ev_loop_destroy(loop);
}

static void a_stopped_timer_keeps_its_remaining_time_and_can_go_on(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_timer timer;
  ev_now_update(loop);
  ev_timer_init(&timer, note_timer, 10., 0.);
  ev_timer_start(loop, &timer);
  ev_sleep(0.02);
  ev_now_update(loop);
  ev_timer_stop(loop, &timer);
  double left = timer.at;
  assert_true(left <= 9.981 && left > 5.);
  assert_true(ev_timer_remaining(loop, &timer) == left);
  ev_timer_start(loop, &timer);
  assert_true(fabs(ev_timer_remaining(loop, &timer) - left) < 1e-6);
  ev_loop_destroy(loop);
}

static void an_expired_timer_keeps_how_late_it_was(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_timer timer;
  ev_now_update(loop);
  start_timer(loop, &timer, "timer", 0.001, 0.);
  ev_sleep(0.02);
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("timer:timer");
  assert_true(timer.at <= -0.018 && timer.at > -5.);
  ev_loop_destroy(loop);
}

static void setting_an_active_timer_and_starting_it_changes_nothing_yet(void** state) {
  (void)state;
  /* libwebsockets does this: the loop must go by the time it was started with. */
  struct ev_loop* loop = make_loop();
  ev_timer near, far, middle;
  ev_now_update(loop);
  start_timer(loop, &near, "near", 0.010, 0.);
  start_timer(loop, &middle, "middle", 0.020, 0.);
  start_timer(loop, &far, "far", 0.030, 0.);
  ev_timer_set(&near, 1000., 0.);
  ev_timer_start(loop, &near);
  ev_timer_set(&far, 0.000001, 0.);
  ev_timer_start(loop, &far);
  ev_sleep(0.04);
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("near:timer middle:timer far:timer");
  ev_loop_destroy(loop);
}

static void setting_a_timer_that_was_put_off_changes_nothing_either(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_timer far, near, middle, again;
  ev_now_update(loop);
  start_timer(loop, &far, "far", 0.001, 0.030);
  start_timer(loop, &near, "near", 0.001, 0.010);
  start_timer(loop, &middle, "middle", 0.001, 0.020);
  start_timer(loop, &again, "again", 0.001, 50.);
  ev_timer_again(loop, &far);
  ev_timer_again(loop, &near);
  ev_timer_again(loop, &middle);
  ev_timer_again(loop, &again);
  ev_timer_set(&far, 0.000001, 0.);
  ev_timer_set(&near, 1000., 0.);
  /* What was written over does not count when it is moved once more, sooner this time. */
  ev_timer_set(&again, 1., 0.005);
  ev_timer_again(loop, &again);
  middle.repeat = again.repeat = 0.;
  /* Behind the times that they were started with, and then behind all of them. */
  ev_sleep(0.002);
  ev_run(loop, EVRUN_NOWAIT);
  ev_sleep(0.04);
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("again:timer near:timer middle:timer far:timer");
  ev_loop_destroy(loop);
}

static void a_repeat_written_directly_counts_from_again_on(void** state) {
  (void)state;
  /* nghttp2 does this. */
  struct ev_loop* loop = make_loop();
  ev_timer timer;
  ev_timer_init(&timer, note_timer, 0., 0.);
  timer.data = "timer";
  timer.repeat = 0.01;
  ev_timer_again(loop, &timer);
  assert_true(ev_is_active(&timer));
  ev_run(loop, EVRUN_ONCE);
  if (!*trace()) { /* a wait may end a little early */
    ev_run(loop, EVRUN_ONCE);
  }
  assert_trace("timer:timer");
  timer.repeat = 0.;
  ev_timer_again(loop, &timer);
  assert_false(ev_is_active(&timer));
  ev_loop_destroy(loop);
}

static void a_repeat_cleared_while_active_makes_the_next_expiry_the_last(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_timer timer;
  start_timer(loop, &timer, "timer", 0.001, 0.001);
  timer.repeat = 0.;
  assert_int_equal(ev_run(loop, 0), 0);
  assert_trace("timer:timer");
  ev_loop_destroy(loop);
}

static void a_repeat_set_while_active_makes_a_one_shot_timer_repeat(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_timer timer;
  start_timer(loop, &timer, "timer", 0.001, 0.);
  timer.repeat = 50.;
  ev_sleep(0.005);
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("timer:timer");
  assert_true(ev_is_active(&timer));
  assert_true(ev_timer_remaining(loop, &timer) > 40.);
  ev_loop_destroy(loop);
}

static void a_huge_timeout_never_fires_and_harms_nobody(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_timer huge, infinite, near;
  start_timer(loop, &huge, "huge", 1e100, 0.);
  start_timer(loop, &infinite, "infinite", INFINITY, 0.);
  start_timer(loop, &near, "near", 0.005, 0.);
  ev_run(loop, EVRUN_ONCE);
  while (ev_is_active(&near)) {
    ev_run(loop, EVRUN_ONCE);
  }
  assert_trace("near:timer");
  assert_true(ev_timer_remaining(loop, &huge) > 1e90);
  assert_true(isinf(ev_timer_remaining(loop, &infinite)));
  ev_verify(loop);
  ev_loop_destroy(loop);
}

static void a_stopped_timer_may_be_freed(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  for (int i = 0; i < 200; ++i) {
    ev_timer* timer = malloc(sizeof *timer);
    start_timer(loop, timer, "timer", (i * 31) % 17, i % 3);
    if (i % 2) {
      ev_timer_again(loop, timer);
    }
    ev_timer_stop(loop, timer);
    free(timer);
  }
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("");
  assert_int_equal(ev_run(loop, EVRUN_NOWAIT), 0);
  ev_loop_destroy(loop);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_timer_fires_once_and_not_early),
    cmocka_unit_test(timers_fire_in_the_order_of_their_times),
    cmocka_unit_test(priority_goes_before_time),
    cmocka_unit_test(a_thousand_timers_fire_in_order),
    cmocka_unit_test(a_timer_of_zero_or_less_fires_in_the_next_iteration),
    cmocka_unit_test(a_timer_started_in_a_callback_waits_for_the_next_iteration),
    cmocka_unit_test(a_repeating_timer_goes_on),
    cmocka_unit_test(a_late_repeating_timer_fires_once_for_all_it_missed),
    cmocka_unit_test(repeats_are_counted_from_the_due_time_not_from_the_call),
    cmocka_unit_test(stopping_forgets_a_pending_expiry),
    cmocka_unit_test(stopping_an_inactive_timer_forgets_a_pending_expiry_too),
    cmocka_unit_test(again_starts_a_stopped_repeating_timer),
    cmocka_unit_test(again_moves_an_active_repeating_timer),
    cmocka_unit_test(again_stops_an_active_timer_without_repeat),
    cmocka_unit_test(again_leaves_a_stopped_timer_without_repeat_alone),
    cmocka_unit_test(again_forgets_a_pending_expiry),
    cmocka_unit_test(a_timer_pushed_back_again_and_again_never_fires),
    cmocka_unit_test(remaining_of_a_stopped_timer_is_what_was_set),
    cmocka_unit_test(remaining_shrinks_while_active_and_can_be_negative),
    cmocka_unit_test(a_stopped_timer_keeps_its_remaining_time_and_can_go_on),
    cmocka_unit_test(an_expired_timer_keeps_how_late_it_was),
    cmocka_unit_test(setting_an_active_timer_and_starting_it_changes_nothing_yet),
    cmocka_unit_test(setting_a_timer_that_was_put_off_changes_nothing_either),
    cmocka_unit_test(a_repeat_written_directly_counts_from_again_on),
    cmocka_unit_test(a_repeat_cleared_while_active_makes_the_next_expiry_the_last),
    cmocka_unit_test(a_repeat_set_while_active_makes_a_one_shot_timer_repeat),
    cmocka_unit_test(a_huge_timeout_never_fires_and_harms_nobody),
    cmocka_unit_test(a_stopped_timer_may_be_freed),
};
const struct harness_group timer_group = {"timer", tests, sizeof tests / sizeof tests[0]};
