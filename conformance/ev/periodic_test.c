/*
 * ev_periodic: moments of the wall clock given absolutely, by an interval, or by a callback of the
 * program. Jumps of the wall clock are in clock_test.c, which brings a clock of its own.
 */
#include <math.h>
#include <stdlib.h>

#include "conformance/ev/groups.h"

static void start_periodic(EV_P_ ev_periodic* w, const char* name, double offset, double interval) {
  ev_periodic_init(w, note_periodic, offset, interval, 0);
  w->data = (void*)(uintptr_t)name;
  ev_periodic_start(EV_A_ w);
}

static void an_absolute_periodic_fires_once(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_periodic periodic;
  ev_now_update(loop);
  double due = ev_now(loop) + 0.02;
  start_periodic(loop, &periodic, "periodic", due, 0.);
  assert_true(ev_periodic_at(&periodic) == due);
  assert_int_equal(ev_run(loop, 0), 0);
  assert_true(ev_time() >= due - 1e-3);
  assert_trace("periodic:periodic");
  assert_false(ev_is_active(&periodic));
  ev_loop_destroy(loop);
}

static void a_moment_in_the_past_fires_at_once(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_periodic periodic;
  start_periodic(loop, &periodic, "periodic", 1., 0.);
  ev_run(loop, EVRUN_ONCE);
  assert_trace("periodic:periodic");
  ev_loop_destroy(loop);
}

static void an_interval_fires_at_multiples_of_itself(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_periodic periodic;
  ev_now_update(loop);
  double now = ev_now(loop);
  start_periodic(loop, &periodic, "periodic", 0., 10.);
  double at = ev_periodic_at(&periodic);
  assert_true(at > now && at <= now + 10.);
  assert_true(fabs(fmod(at, 10.)) < 1e-6 || fabs(fmod(at, 10.) - 10.) < 1e-6);
  ev_loop_destroy(loop);
}

static void an_offset_shifts_the_multiples(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_periodic periodic;
  ev_now_update(loop);
  double now = ev_now(loop);
  start_periodic(loop, &periodic, "periodic", 3., 10.);
  double at = ev_periodic_at(&periodic);
  assert_true(at > now && at <= now + 10.);
  assert_true(fabs(fmod(at - 3., 10.)) < 1e-6 || fabs(fmod(at - 3., 10.) - 10.) < 1e-6);
  ev_periodic_stop(loop, &periodic);

  /* an offset beyond the interval is allowed */
  ev_periodic_set(&periodic, now + 1234.5, 10., 0);
  ev_periodic_start(loop, &periodic);
  at = ev_periodic_at(&periodic);
  assert_true(at > now && at <= now + 10.);
  ev_loop_destroy(loop);
}

static void an_interval_goes_on(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_periodic periodic;
  start_periodic(loop, &periodic, "p", 0., 0.005);
  double before = ev_periodic_at(&periodic);
  for (int i = 0; i < 100 && !*trace(); ++i) {
    ev_run(loop, EVRUN_ONCE);
  }
  assert_trace("p:periodic");
  assert_true(ev_is_active(&periodic));
  assert_true(ev_periodic_at(&periodic) > before);
  assert_true(ev_periodic_at(&periodic) > ev_now(loop));
  ev_loop_destroy(loop);
}

static void missed_intervals_are_skipped(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_periodic periodic;
  start_periodic(loop, &periodic, "p", 0., 0.002);
  ev_sleep(0.05);
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("p:periodic");
  ev_loop_destroy(loop);
}

static int reschedule_calls;
static double rescheduled_from;
static ev_tstamp ten_milliseconds_later(ev_periodic* w, ev_tstamp now) EV_NOEXCEPT {
  (void)w;
  ++reschedule_calls;
  rescheduled_from = now;
  return now + 0.010;
}

static void a_reschedule_callback_chooses_every_moment(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_periodic periodic;
  ev_now_update(loop);
  ev_periodic_init(&periodic, note_periodic, 17., 3., ten_milliseconds_later);
  periodic.data = "p";
  ev_periodic_start(loop, &periodic);
  assert_int_equal(reschedule_calls, 1);
  assert_true(rescheduled_from == ev_now(loop));
  assert_true(ev_periodic_at(&periodic) == rescheduled_from + 0.010);
  for (int i = 0; i < 100 && !*trace(); ++i) {
    ev_run(loop, EVRUN_ONCE);
  }
  assert_trace("p:periodic");
  assert_int_equal(reschedule_calls, 2);
  assert_true(ev_is_active(&periodic));
  ev_loop_destroy(loop);
}

static ev_tstamp never_again(ev_periodic* w, ev_tstamp now) EV_NOEXCEPT {
  (void)w;
  return now + 1e30;
}

static void a_reschedule_callback_may_say_never(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_periodic periodic;
  ev_periodic_init(&periodic, note_periodic, 0., 0., never_again);
  ev_periodic_start(loop, &periodic);
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("");
  assert_true(ev_is_active(&periodic));
  ev_loop_destroy(loop);
}

static void again_takes_up_changed_fields(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_periodic periodic;
  ev_now_update(loop);
  double now = ev_now(loop);
  start_periodic(loop, &periodic, "p", now + 1000., 0.);
  periodic.offset = now + 2000.;
  assert_true(ev_periodic_at(&periodic) == now + 1000.);
  ev_periodic_again(loop, &periodic);
  assert_true(ev_periodic_at(&periodic) == now + 2000.);
  assert_true(ev_is_active(&periodic));
  ev_periodic_stop(loop, &periodic);
  ev_periodic_again(loop, &periodic); /* starts a stopped one */
  assert_true(ev_is_active(&periodic));
  ev_verify(loop);
  ev_loop_destroy(loop);
}

static void periodics_fire_in_the_order_of_their_times(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_periodic a, b, c;
  start_periodic(loop, &b, "b", 2., 0.);
  start_periodic(loop, &c, "c", 3., 0.);
  start_periodic(loop, &a, "a", 1., 0.);
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("a:periodic b:periodic c:periodic");
  ev_loop_destroy(loop);
}

static void a_stopped_periodic_does_not_fire(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_periodic periodic;
  start_periodic(loop, &periodic, "p", 1., 0.);
  ev_periodic_stop(loop, &periodic);
  ev_periodic_stop(loop, &periodic);
  assert_int_equal(ev_run(loop, EVRUN_NOWAIT), 0);
  assert_trace("");
  assert_true(ev_periodic_at(&periodic) == 1.);
  ev_loop_destroy(loop);
}

static void starting_an_active_periodic_changes_nothing(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_periodic periodic;
  start_periodic(loop, &periodic, "p", 5e9, 0.);
  ev_periodic_set(&periodic, 1., 0., 0);
  ev_periodic_start(loop, &periodic);
  assert_true(ev_periodic_at(&periodic) == 5e9);
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("");
  ev_loop_destroy(loop);
}

static void very_small_intervals_do_not_hang_the_loop(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_periodic periodic;
  start_periodic(loop, &periodic, "p", 0., 1e-9);
  double start = seconds_now();
  ev_run(loop, EVRUN_ONCE);
  ev_run(loop, EVRUN_ONCE);
  assert_true(seconds_now() - start < 5.);
  ev_periodic_stop(loop, &periodic);
  clear_trace();
  ev_loop_destroy(loop);
}

static void a_loop_without_timerfd_has_periodics_too(void** state) {
  (void)state;
  struct ev_loop* loop = ev_loop_new(EVFLAG_NOTIMERFD | EVFLAG_NOENV);
  ev_periodic periodic;
  ev_now_update(loop);
  start_periodic(loop, &periodic, "p", ev_now(loop) + 0.01, 0.);
  ev_run(loop, 0);
  assert_trace("p:periodic");
  ev_loop_destroy(loop);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(an_absolute_periodic_fires_once),
    cmocka_unit_test(a_moment_in_the_past_fires_at_once),
    cmocka_unit_test(an_interval_fires_at_multiples_of_itself),
    cmocka_unit_test(an_offset_shifts_the_multiples),
    cmocka_unit_test(an_interval_goes_on),
    cmocka_unit_test(missed_intervals_are_skipped),
    cmocka_unit_test(a_reschedule_callback_chooses_every_moment),
    cmocka_unit_test(a_reschedule_callback_may_say_never),
    cmocka_unit_test(again_takes_up_changed_fields),
    cmocka_unit_test(periodics_fire_in_the_order_of_their_times),
    cmocka_unit_test(a_stopped_periodic_does_not_fire),
    cmocka_unit_test(starting_an_active_periodic_changes_nothing),
    cmocka_unit_test(very_small_intervals_do_not_hang_the_loop),
    cmocka_unit_test(a_loop_without_timerfd_has_periodics_too),
};
const struct harness_group periodic_group = {"periodic", tests, sizeof tests / sizeof tests[0]};
