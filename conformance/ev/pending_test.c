/*
 * Pending watchers: feeding events, clearing and invoking them, priorities, and ev_once.
 */
#include <stdlib.h>
#include <unistd.h>

#include "conformance/ev/groups.h"

static void init_timer(ev_timer* w, const char* name, int priority) {
  ev_timer_init(w, note_timer, 1000., 0.);
  w->data = (void*)(uintptr_t)name;
  ev_set_priority(w, priority);
}

static void a_fed_event_makes_any_watcher_pending(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_timer timer;
  init_timer(&timer, "timer", 0);
  ev_feed_event(loop, &timer, EV_CUSTOM);
  assert_true(ev_is_pending(&timer));
  assert_false(ev_is_active(&timer));
  assert_int_equal(timer.pending, 1);
  assert_int_equal(ev_pending_count(loop), 1);
  assert_trace("");
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("timer:custom");
  assert_false(ev_is_pending(&timer));
  assert_int_equal(ev_pending_count(loop), 0);
  ev_loop_destroy(loop);
}

static void events_fed_before_the_call_are_combined(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_timer timer;
  init_timer(&timer, "timer", 0);
  ev_feed_event(loop, &timer, EV_CUSTOM);
  ev_feed_event(loop, &timer, EV_READ);
  ev_feed_event(loop, &timer, EV_CUSTOM);
  assert_int_equal(ev_pending_count(loop), 1);
  ev_invoke_pending(loop);
  assert_trace("timer:read+custom");
  ev_loop_destroy(loop);
}

static void the_last_one_fed_is_invoked_first(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_timer a, b, c;
  init_timer(&a, "a", 0);
  init_timer(&b, "b", 0);
  init_timer(&c, "c", 0);
  ev_feed_event(loop, &a, EV_CUSTOM);
  ev_feed_event(loop, &b, EV_CUSTOM);
  ev_feed_event(loop, &c, EV_CUSTOM);
  assert_int_equal(a.pending, 1);
  assert_int_equal(b.pending, 2);
  assert_int_equal(c.pending, 3);
  ev_invoke_pending(loop);
  assert_trace("c:custom b:custom a:custom");
  ev_loop_destroy(loop);
}

static void higher_priorities_are_invoked_first(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  static const char* const names[] = {"minus2", "minus1", "zero", "plus1", "plus2"};
  ev_timer timers[5];
  for (int i = 0; i < 5; ++i) {
    init_timer(&timers[i], names[i], i - 2);
    assert_int_equal(ev_priority(&timers[i]), i - 2);
    ev_feed_event(loop, &timers[i], EV_CUSTOM);
    assert_int_equal(timers[i].pending, 1); /* an index into the list of its own priority */
  }
  assert_int_equal(ev_pending_count(loop), 5);
  ev_invoke_pending(loop);
  assert_trace("plus2:custom plus1:custom zero:custom minus1:custom minus2:custom");
  ev_loop_destroy(loop);
}

static void a_priority_out_of_range_is_brought_back_by_the_start(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_timer high, low;
  init_timer(&high, "high", 100);
  init_timer(&low, "low", -100);
  ev_timer_start(loop, &high);
  ev_timer_start(loop, &low);
  assert_int_equal(ev_priority(&high), EV_MAXPRI);
  assert_int_equal(ev_priority(&low), EV_MINPRI);
  ev_loop_destroy(loop);
}

static void clearing_gives_the_events_back(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_timer a, b;
  init_timer(&a, "a", 0);
  init_timer(&b, "b", 0);
  assert_int_equal(ev_clear_pending(loop, &a), 0);
  ev_feed_event(loop, &a, EV_CUSTOM | EV_READ);
  ev_feed_event(loop, &b, EV_CUSTOM);
  assert_int_equal(ev_clear_pending(loop, &a), EV_CUSTOM | EV_READ);
  assert_false(ev_is_pending(&a));
  assert_int_equal(ev_clear_pending(loop, &a), 0);
  assert_int_equal(ev_pending_count(loop), 2); /* its place is still taken */
  ev_invoke_pending(loop);
  assert_trace("b:custom");
  assert_int_equal(ev_pending_count(loop), 0);
  ev_loop_destroy(loop);
}

static void a_cleared_watcher_may_be_fed_again(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_timer a, b;
  init_timer(&a, "a", 0);
  init_timer(&b, "b", 0);
  ev_feed_event(loop, &a, EV_READ);
  ev_feed_event(loop, &b, EV_READ);
  ev_clear_pending(loop, &a);
  ev_feed_event(loop, &a, EV_WRITE);
  assert_int_equal(a.pending, 3);
  ev_invoke_pending(loop);
  assert_trace("a:write b:read");
  ev_loop_destroy(loop);
}

static void invoke_calls_at_once(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_timer timer;
  init_timer(&timer, "timer", 0);
  ev_invoke(loop, &timer, EV_CUSTOM | EV_WRITE);
  assert_trace("timer:write+custom");
  assert_false(ev_is_active(&timer));
  ev_feed_event(loop, &timer, EV_READ);
  ev_invoke(loop, &timer, EV_CUSTOM);
  assert_true(ev_is_pending(&timer)); /* what is pending stays pending */
  ev_invoke_pending(loop);
  assert_trace("timer:custom timer:read");
  ev_loop_destroy(loop);
}

static ev_timer chain[4];
static void feed_the_next(EV_P_ ev_timer* w, int revents) {
  note_timer(EV_A_ w, revents);
  if (w < chain + 3) {
    ev_feed_event(EV_A_ w + 1, EV_CUSTOM);
  }
}

static void what_a_callback_feeds_is_invoked_in_the_same_round(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  static const char* const names[] = {"low", "high", "lower", "highest"};
  static const int priorities[] = {0, 1, -1, 2};
  ev_timer waiting;
  for (int i = 0; i < 4; ++i) {
    init_timer(&chain[i], names[i], priorities[i]);
    ev_set_cb(&chain[i], feed_the_next);
  }
  init_timer(&waiting, "waiting", 0);
  ev_feed_event(loop, &waiting, EV_CUSTOM);
  ev_feed_event(loop, &chain[0], EV_CUSTOM);
  ev_invoke_pending(loop);
  assert_trace("low:custom high:custom waiting:custom lower:custom highest:custom");
  ev_loop_destroy(loop);
}

static ev_timer* to_clear;
static void clear_another(EV_P_ ev_timer* w, int revents) {
  note_timer(EV_A_ w, revents);
  note("cleared%s", events_name(ev_clear_pending(EV_A_ to_clear)));
}

static void a_callback_may_clear_another_pending_watcher(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_timer first, second;
  init_timer(&first, "first", 0);
  ev_set_cb(&first, clear_another);
  init_timer(&second, "second", 0);
  to_clear = &second;
  ev_feed_event(loop, &second, EV_CUSTOM);
  ev_feed_event(loop, &first, EV_CUSTOM);
  ev_invoke_pending(loop);
  assert_trace("first:custom clearedcustom");
  ev_loop_destroy(loop);
}

static void invoke_all_inside(EV_P_ ev_timer* w, int revents) {
  note_timer(EV_A_ w, revents);
  ev_invoke_pending(EV_A);
  note("back");
}

static void pending_watchers_can_be_invoked_from_a_callback(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_timer first, second, third;
  init_timer(&first, "first", 0);
  ev_set_cb(&first, invoke_all_inside);
  init_timer(&second, "second", 0);
  init_timer(&third, "third", -1);
  ev_feed_event(loop, &third, EV_CUSTOM);
  ev_feed_event(loop, &second, EV_CUSTOM);
  ev_feed_event(loop, &first, EV_CUSTOM);
  ev_invoke_pending(loop);
  assert_trace("first:custom second:custom third:custom back");
  ev_loop_destroy(loop);
}

/* --- ev_once
 * ---------------------------------------------------------------------------------------------- */

static void note_once(int revents, void* argument) {
  note("%s:%s", (const char*)argument, events_name(revents));
}

static void once_reports_a_ready_descriptor(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  struct pipe_ends ends = make_pipe();
  put_byte(ends.writer);
  ev_once(loop, ends.reader, EV_READ, 10., note_once, "once");
  assert_int_equal(ev_run(loop, 0), 0);
  assert_trace("once:read");
  ev_loop_destroy(loop);
}

static void once_reports_a_timeout(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  struct pipe_ends ends = make_pipe();
  ev_once(loop, ends.reader, EV_READ, 0.01, note_once, "once");
  assert_int_equal(ev_run(loop, 0), 0);
  assert_trace("once:timer");
  ev_loop_destroy(loop);
}

static void once_works_without_a_descriptor(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_once(loop, -1, EV_READ, 0., note_once, "once");
  assert_int_equal(ev_run(loop, 0), 0);
  assert_trace("once:timer");
  ev_loop_destroy(loop);
}

static void once_works_without_a_timeout(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  struct pipe_ends ends = make_pipe();
  ev_once(loop, ends.reader, EV_READ, -1., note_once, "once");
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("");
  put_byte(ends.writer);
  ev_run(loop, 0);
  assert_trace("once:read");
  ev_loop_destroy(loop);
}

static void once_reports_both_when_both_come_together(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  struct pipe_ends ends = make_pipe();
  ev_once(loop, ends.reader, EV_READ, 0., note_once, "once");
  put_byte(ends.writer);
  ev_sleep(0.002);
  ev_run(loop, EVRUN_ONCE);
  assert_trace("once:read+timer");
  assert_int_equal(ev_run(loop, 0), 0);
  ev_loop_destroy(loop);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_fed_event_makes_any_watcher_pending),
    cmocka_unit_test(events_fed_before_the_call_are_combined),
    cmocka_unit_test(the_last_one_fed_is_invoked_first),
    cmocka_unit_test(higher_priorities_are_invoked_first),
    cmocka_unit_test(a_priority_out_of_range_is_brought_back_by_the_start),
    cmocka_unit_test(clearing_gives_the_events_back),
    cmocka_unit_test(a_cleared_watcher_may_be_fed_again),
    cmocka_unit_test(invoke_calls_at_once),
    cmocka_unit_test(what_a_callback_feeds_is_invoked_in_the_same_round),
    cmocka_unit_test(a_callback_may_clear_another_pending_watcher),
    cmocka_unit_test(pending_watchers_can_be_invoked_from_a_callback),
    cmocka_unit_test(once_reports_a_ready_descriptor),
    cmocka_unit_test(once_reports_a_timeout),
    cmocka_unit_test(once_works_without_a_descriptor),
    cmocka_unit_test(once_works_without_a_timeout),
    cmocka_unit_test(once_reports_both_when_both_come_together),
};
const struct harness_group pending_group = {"pending", tests, sizeof tests / sizeof tests[0]};
