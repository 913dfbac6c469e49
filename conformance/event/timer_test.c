/* Timers: never early, in order of their time, one-shot and persistent, moved, removed from an
 * event that stays, asked when they expire, and given absurd durations.  Timers of equal time are
 * in DIFFERENCES.md: their order is not the library's promise. */
#include "conformance/event/suite.h"

#include <string.h>

static void a_timer_is_never_early(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct tally seen = {0};
  struct event* timer = evtimer_new(base, count_call, &seen);
  for (int delay = 1; delay <= 40; delay += 13) {
    struct timeval wait = milliseconds(delay), before, after, waited;
    event_gettime_monotonic(base, &before);
    assert_int_equal(evtimer_add(timer, &wait), 0);
    assert_int_equal(event_base_dispatch(base), 1);
    event_gettime_monotonic(base, &after);
    evutil_timersub(&after, &before, &waited);
    assert_true(evutil_timercmp(&waited, &wait, >=));
  }
  assert_int_equal(seen.calls, 4);
  assert_int_equal(seen.fd, -1);
  assert_int_equal(seen.what, EV_TIMEOUT);
  event_free(timer);
  event_base_free(base);
}

static void timers_fire_in_order_of_their_time_not_of_their_adding(void** state) {
  (void)state;
  static const int delays[] = {9, 1, 7, 3, 5};
  struct event_base* base = suite_base();
  struct letters order = {0};
  struct lettered timers[5];
  for (int i = 0; i < 5; i++) {
    struct timeval wait = milliseconds(delays[i]);
    timers[i] = (struct lettered){.letters = &order, .letter = (char)('0' + delays[i])};
    timers[i].event = evtimer_new(base, write_letter, &timers[i]);
    evtimer_add(timers[i].event, &wait);
  }
  event_base_dispatch(base);
  assert_string_equal(order.text, "13579");
  for (int i = 0; i < 5; i++)
    event_free(timers[i].event);
  event_base_free(base);
}

static void a_thousand_timers_fire_in_order(void** state) {
  (void)state;
  enum { count = 1000 };
  struct event_base* base = suite_base();
  static struct tally seen[count];
  static struct event* timers[count];
  for (int i = 0; i < count; i++) {
    struct timeval wait = {0, (i * 7919 % count) * 20 + 1};
    timers[i] = evtimer_new(base, count_call, &seen[i]);
    evtimer_add(timers[i], &wait);
  }
  for (int i = 0; i < count; i += 3)
    evtimer_del(timers[i]);
  assert_int_equal(event_base_dispatch(base), 1);
  for (int i = 0; i < count; i++) {
    assert_int_equal(seen[i].calls, i % 3 != 0);
    event_free(timers[i]);
  }
  event_base_free(base);
}

static void adding_again_moves_the_timer_later_or_earlier(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct letters order = {0};
  struct lettered moved = {.letters = &order, .letter = 'm'};
  struct lettered fixed = {.letters = &order, .letter = 'f'};
  moved.event = evtimer_new(base, write_letter, &moved);
  fixed.event = evtimer_new(base, write_letter, &fixed);
  struct timeval soon = milliseconds(1), middle = milliseconds(10), late = milliseconds(20);
  evtimer_add(fixed.event, &middle);
  evtimer_add(moved.event, &soon);
  evtimer_add(moved.event, &late);
  event_base_dispatch(base);
  assert_string_equal(order.text, "fm");
  evtimer_add(fixed.event, &middle);
  evtimer_add(moved.event, &late);
  evtimer_add(moved.event, &soon);
  event_base_dispatch(base);
  assert_string_equal(order.text, "fmmf");
  event_free(moved.event);
  event_free(fixed.event);
  event_base_free(base);
}

static void adding_without_a_time_keeps_the_one_that_was_set(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct tally seen = {0};
  struct timeval soon = milliseconds(3);
  struct event* timer = evtimer_new(base, count_call, &seen);
  evtimer_add(timer, &soon);
  assert_int_equal(event_add(timer, NULL), 0);
  assert_int_equal(evtimer_pending(timer, NULL), EV_TIMEOUT);
  assert_int_equal(event_base_dispatch(base), 1);
  assert_int_equal(seen.calls, 1);
  event_free(timer);
  event_base_free(base);
}

static void a_zero_time_fires_in_the_next_turn(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct tally seen = {0};
  struct timeval nothing = {0, 0};
  struct event* timer = evtimer_new(base, count_call, &seen);
  evtimer_add(timer, &nothing);
  assert_int_equal(seen.calls, 0);
  event_base_loop(base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
  assert_int_equal(seen.calls, 1);
  event_free(timer);
  event_base_free(base);
}

static void pending_tells_when_the_timer_expires_on_the_wall_clock(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct timeval wait = milliseconds(30000), now, expires = {0, 0}, left;
  struct event* timer = evtimer_new(base, count_call, NULL);
  evtimer_add(timer, &wait);
  evutil_gettimeofday(&now, NULL);
  assert_int_equal(evtimer_pending(timer, &expires), EV_TIMEOUT);
  evutil_timersub(&expires, &now, &left);
  assert_true(left.tv_sec >= 29 && left.tv_sec <= 31);
  event_free(timer);
  event_base_free(base);
}

static void pending_leaves_the_time_alone_when_there_is_none(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct event* event = event_new(base, pair.near, EV_READ, count_call, NULL);
  struct timeval untouched = {123, 456};
  event_add(event, NULL);
  assert_int_equal(event_pending(event, EV_TIMEOUT, &untouched), 0);
  assert_int_equal(event_pending(event, EV_READ | EV_TIMEOUT, &untouched), EV_READ);
  assert_int_equal(untouched.tv_sec, 123);
  assert_int_equal(untouched.tv_usec, 456);
  event_free(event);
  event_base_free(base);
  pair_close(&pair);
}

static void pending_answers_only_for_what_it_is_asked(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct timeval late = milliseconds(100000);
  struct event* event = event_new(base, pair.near, EV_READ, count_call, NULL);
  event_add(event, &late);
  assert_int_equal(event_pending(event, EV_WRITE, NULL), 0);
  assert_int_equal(event_pending(event, EV_READ | EV_WRITE, NULL), EV_READ);
  assert_int_equal(event_pending(event, EV_TIMEOUT, NULL), EV_TIMEOUT);
  assert_int_equal(event_pending(event, 0, NULL), 0);
  event_free(event);
  event_base_free(base);
  pair_close(&pair);
}

static void pending_names_what_an_active_event_was_made_active_for(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct event* event = event_new(base, -1, 0, count_call, &(struct tally){0});
  event_active(event, EV_WRITE, 1);
  assert_int_equal(event_pending(event, EV_READ | EV_WRITE, NULL), EV_WRITE);
  event_free(event);
  event_base_free(base);
}

static void a_persistent_timer_repeats_until_deleted(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct tally seen = {0};
  struct timeval period = milliseconds(2);
  struct event* timer = event_new(base, -1, EV_PERSIST, count_call, &seen);
  event_add(timer, &period);
  long long before = base_clock(base);
  while (seen.calls < 5)
    event_base_loop(base, EVLOOP_ONCE);
  assert_true(base_clock(base) - before >= 10000);
  assert_int_equal(event_pending(timer, EV_TIMEOUT, NULL), EV_TIMEOUT);
  event_del(timer);
  assert_int_equal(event_base_dispatch(base), 1);
  assert_int_equal(seen.calls, 5);
  event_free(timer);
  event_base_free(base);
}

static void data_restarts_the_timeout_of_a_persistent_event(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct tally seen = {0};
  struct timeval wait = milliseconds(30000), first, second;
  struct event* event = event_new(base, pair.near, EV_READ | EV_PERSIST, count_call, &seen);
  event_add(event, &wait);
  event_pending(event, EV_TIMEOUT, &first);
  struct timeval pause = milliseconds(20);
  event_base_loopexit(base, &pause);
  event_base_dispatch(base);
  send_byte(pair.far);
  event_base_loop(base, EVLOOP_ONCE);
  assert_int_equal(seen.what, EV_READ);
  event_pending(event, EV_TIMEOUT, &second);
  assert_true(evutil_timercmp(&second, &first, >));
  event_free(event);
  event_base_free(base);
  pair_close(&pair);
}

static void a_persistent_event_whose_timeout_came_stays_readable(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct tally seen = {0};
  struct timeval wait = milliseconds(3);
  struct event* event = event_new(base, pair.near, EV_READ | EV_PERSIST, count_call, &seen);
  event_add(event, &wait);
  event_base_loop(base, EVLOOP_ONCE);
  assert_int_equal(seen.what, EV_TIMEOUT);
  assert_int_equal(event_pending(event, EV_READ | EV_TIMEOUT, NULL), EV_READ | EV_TIMEOUT);
  send_byte(pair.far);
  while (seen.what != EV_READ)
    event_base_loop(base, EVLOOP_ONCE);
  event_free(event);
  event_base_free(base);
  pair_close(&pair);
}

static void removing_the_timer_leaves_the_event_readable(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct tally seen = {0};
  struct timeval soon = milliseconds(1);
  struct event* event = event_new(base, pair.near, EV_READ, count_call, &seen);
  event_add(event, &soon);
  assert_int_equal(event_remove_timer(event), 0);
  assert_int_equal(event_pending(event, EV_READ | EV_TIMEOUT, NULL), EV_READ);
  struct timeval pause = milliseconds(10);
  event_base_loopexit(base, &pause);
  event_base_dispatch(base);
  assert_int_equal(seen.calls, 0);
  send_byte(pair.far);
  event_base_dispatch(base);
  assert_int_equal(seen.what, EV_READ);
  event_free(event);
  event_base_free(base);
  pair_close(&pair);
}

static void removing_the_timer_of_a_persistent_event_stops_its_repetition(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct tally seen = {0};
  struct timeval period = milliseconds(1);
  struct event* timer = event_new(base, -1, EV_PERSIST, count_call, &seen);
  event_add(timer, &period);
  event_base_loop(base, EVLOOP_ONCE);
  assert_int_equal(event_remove_timer(timer), 0);
  assert_int_equal(event_base_dispatch(base), 1);
  assert_int_equal(seen.calls, 1);
  event_free(timer);
  event_base_free(base);
}

static void removing_a_timer_that_is_not_there_succeeds(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct event* timer = evtimer_new(base, count_call, NULL);
  assert_int_equal(event_remove_timer(timer), 0);
  event_free(timer);
  event_base_free(base);
}

static void removing_the_timer_of_an_event_without_base_fails(void** state) {
  (void)state;
  suite_start();
  struct event* timer = event_new(NULL, -1, 0, count_call, NULL);
  log_capture();
  assert_int_equal(event_remove_timer(timer), -1);
  assert_matches(log_text(), "2 *: event has no event_base set.");
  event_free(timer);
}

static void a_time_of_centuries_never_fires_and_harms_nothing(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct tally far = {0}, near = {0};
  struct timeval centuries = {10000000000, 0}, soon = milliseconds(2);
  struct event* never = evtimer_new(base, count_call, &far);
  struct event* timer = evtimer_new(base, count_call, &near);
  assert_int_equal(evtimer_add(never, &centuries), 0);
  assert_int_equal(evtimer_add(timer, &soon), 0);
  event_base_loop(base, EVLOOP_ONCE);
  assert_int_equal(near.calls, 1);
  assert_int_equal(far.calls, 0);
  assert_int_equal(evtimer_pending(never, NULL), EV_TIMEOUT);
  event_free(never);
  event_free(timer);
  event_base_free(base);
}

static void a_negative_time_is_overdue(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct tally seen = {0};
  struct timeval past = {-5, 0};
  struct event* timer = evtimer_new(base, count_call, &seen);
  assert_int_equal(evtimer_add(timer, &past), 0);
  assert_int_equal(event_base_dispatch(base), 1);
  assert_int_equal(seen.calls, 1);
  event_free(timer);
  event_base_free(base);
}

static void a_timer_made_active_by_its_time_and_added_again_before_it_runs_waits_anew(
    void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct tally seen = {0};
  struct timeval late = milliseconds(100000);
  struct event* timer = evtimer_new(base, count_call, &seen);
  event_active(timer, EV_TIMEOUT, 1);
  evtimer_add(timer, &late);
  event_base_loop(base, EVLOOP_NONBLOCK);
  assert_int_equal(seen.calls, 0);
  assert_int_equal(evtimer_pending(timer, NULL), EV_TIMEOUT);
  event_free(timer);
  event_base_free(base);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_timer_is_never_early),
    cmocka_unit_test(timers_fire_in_order_of_their_time_not_of_their_adding),
    cmocka_unit_test(a_thousand_timers_fire_in_order),
    cmocka_unit_test(adding_again_moves_the_timer_later_or_earlier),
    cmocka_unit_test(adding_without_a_time_keeps_the_one_that_was_set),
    cmocka_unit_test(a_zero_time_fires_in_the_next_turn),
    cmocka_unit_test(pending_tells_when_the_timer_expires_on_the_wall_clock),
    cmocka_unit_test(pending_leaves_the_time_alone_when_there_is_none),
    cmocka_unit_test(pending_answers_only_for_what_it_is_asked),
    cmocka_unit_test(pending_names_what_an_active_event_was_made_active_for),
    cmocka_unit_test(a_persistent_timer_repeats_until_deleted),
    cmocka_unit_test(data_restarts_the_timeout_of_a_persistent_event),
    cmocka_unit_test(a_persistent_event_whose_timeout_came_stays_readable),
    cmocka_unit_test(removing_the_timer_leaves_the_event_readable),
    cmocka_unit_test(removing_the_timer_of_a_persistent_event_stops_its_repetition),
    cmocka_unit_test(removing_a_timer_that_is_not_there_succeeds),
    cmocka_unit_test(removing_the_timer_of_an_event_without_base_fails),
    cmocka_unit_test(a_time_of_centuries_never_fires_and_harms_nothing),
    cmocka_unit_test(a_negative_time_is_overdue),
    cmocka_unit_test(a_timer_made_active_by_its_time_and_added_again_before_it_runs_waits_anew),
};
DEFINE_GROUP(timer, tests);
