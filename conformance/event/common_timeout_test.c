/* Common timeouts: the opaque value, that events added with it behave as with the plain duration,
 * and that its queue survives deletion, moving and a base of many durations. */
#include "conformance/event/suite.h"

#include <event2/event_struct.h>
#include <string.h>

static void one_duration_gives_one_value(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct timeval duration = milliseconds(7), other = milliseconds(8);
  const struct timeval* common = event_base_init_common_timeout(base, &duration);
  assert_non_null(common);
  assert_ptr_equal(event_base_init_common_timeout(base, &duration), common);
  assert_ptr_not_equal(event_base_init_common_timeout(base, &other), common);
  assert_ptr_equal(event_base_init_common_timeout(base, common), common);
  assert_int_equal(common->tv_sec, 0);
  event_base_free(base);
}

static void a_duration_with_too_many_microseconds_is_normalised(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct timeval sloppy = {1, 2500000}, tidy = {3, 500000};
  const struct timeval* common = event_base_init_common_timeout(base, &tidy);
  assert_non_null(common);
  assert_ptr_equal(event_base_init_common_timeout(base, &sloppy), common);
  event_base_free(base);
}

static void events_on_a_common_timeout_fire_in_the_order_they_were_added(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct timeval duration = milliseconds(5);
  const struct timeval* common = event_base_init_common_timeout(base, &duration);
  struct letters order = {0};
  struct lettered members[5];
  long long before = base_clock(base);
  for (int i = 0; i < 5; i++) {
    members[i] = (struct lettered){.letters = &order, .letter = (char)('a' + i)};
    members[i].event = evtimer_new(base, write_letter, &members[i]);
    assert_int_equal(evtimer_add(members[i].event, common), 0);
  }
  assert_int_equal(event_base_dispatch(base), 1);
  assert_true(base_clock(base) - before >= 5000);
  assert_string_equal(order.text, "abcde");
  for (int i = 0; i < 5; i++)
    event_free(members[i].event);
  event_base_free(base);
}

static void adding_again_goes_to_the_end_of_the_queue(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct timeval duration = milliseconds(5);
  const struct timeval* common = event_base_init_common_timeout(base, &duration);
  struct letters order = {0};
  struct lettered members[3];
  for (int i = 0; i < 3; i++) {
    members[i] = (struct lettered){.letters = &order, .letter = (char)('a' + i)};
    members[i].event = evtimer_new(base, write_letter, &members[i]);
    evtimer_add(members[i].event, common);
  }
  evtimer_add(members[0].event, common);
  event_base_dispatch(base);
  assert_string_equal(order.text, "bca");
  for (int i = 0; i < 3; i++)
    event_free(members[i].event);
  event_base_free(base);
}

static void deletion_from_the_head_the_middle_and_the_end_spares_the_rest(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct timeval duration = milliseconds(3);
  const struct timeval* common = event_base_init_common_timeout(base, &duration);
  struct letters order = {0};
  struct lettered members[6];
  for (int i = 0; i < 6; i++) {
    members[i] = (struct lettered){.letters = &order, .letter = (char)('a' + i)};
    members[i].event = evtimer_new(base, write_letter, &members[i]);
    evtimer_add(members[i].event, common);
  }
  evtimer_del(members[0].event);
  evtimer_del(members[3].event);
  evtimer_del(members[5].event);
  event_base_dispatch(base);
  assert_string_equal(order.text, "bce");
  for (int i = 0; i < 6; i++)
    event_free(members[i].event);
  event_base_free(base);
}

static void deleting_all_of_them_lets_the_loop_end(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct timeval duration = milliseconds(60000);
  const struct timeval* common = event_base_init_common_timeout(base, &duration);
  struct event* timer = evtimer_new(base, count_call, NULL);
  evtimer_add(timer, common);
  evtimer_del(timer);
  assert_int_equal(event_base_dispatch(base), 1);
  event_free(timer);
  event_base_free(base);
}

static void common_and_plain_timers_mix_by_time(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  /* Far apart: those that come due in one turn are a tie between the two kinds. */
  struct timeval plain_early = milliseconds(5), duration = milliseconds(150),
                 plain_late = milliseconds(500);
  const struct timeval* common = event_base_init_common_timeout(base, &duration);
  struct letters order = {0};
  const struct timeval* waits[] = {&plain_late, common, &plain_early};
  struct lettered members[3];
  for (int i = 0; i < 3; i++) {
    members[i] = (struct lettered){.letters = &order, .letter = (char)('a' + i)};
    members[i].event = evtimer_new(base, write_letter, &members[i]);
    evtimer_add(members[i].event, waits[i]);
  }
  event_base_dispatch(base);
  assert_string_equal(order.text, "cba");
  for (int i = 0; i < 3; i++)
    event_free(members[i].event);
  event_base_free(base);
}

static void moving_between_common_and_plain_keeps_one_timer(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct timeval duration = milliseconds(100000), plain = milliseconds(2);
  const struct timeval* common = event_base_init_common_timeout(base, &duration);
  struct tally seen = {0};
  struct event* timer = evtimer_new(base, count_call, &seen);
  evtimer_add(timer, common);
  evtimer_add(timer, &plain);
  assert_int_equal(event_base_dispatch(base), 1);
  assert_int_equal(seen.calls, 1);
  evtimer_add(timer, &plain);
  evtimer_add(timer, common);
  event_base_loop(base, EVLOOP_NONBLOCK);
  assert_int_equal(seen.calls, 1);
  assert_int_equal(evtimer_pending(timer, NULL), EV_TIMEOUT);
  event_free(timer);
  event_base_free(base);
}

static void pending_answers_with_a_plain_time(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct timeval duration = {30, 5000}, now, expires, left;
  const struct timeval* common = event_base_init_common_timeout(base, &duration);
  struct event* timer = evtimer_new(base, count_call, NULL);
  evtimer_add(timer, common);
  evutil_gettimeofday(&now, NULL);
  assert_int_equal(evtimer_pending(timer, &expires), EV_TIMEOUT);
  assert_true(expires.tv_usec >= 0 && expires.tv_usec < 1000000);
  evutil_timersub(&expires, &now, &left);
  assert_true(left.tv_sec >= 29 && left.tv_sec <= 31);
  event_free(timer);
  event_base_free(base);
}

static void a_persistent_event_repeats_on_a_common_timeout(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct timeval duration = milliseconds(2);
  const struct timeval* common = event_base_init_common_timeout(base, &duration);
  struct tally seen = {0};
  struct event* timer = event_new(base, -1, EV_PERSIST, count_call, &seen);
  event_add(timer, common);
  long long before = base_clock(base);
  while (seen.calls < 4)
    event_base_loop(base, EVLOOP_ONCE);
  assert_true(base_clock(base) - before >= 8000);
  event_free(timer);
  event_base_free(base);
}

static void a_socket_event_times_out_on_a_common_timeout(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct timeval duration = milliseconds(2);
  const struct timeval* common = event_base_init_common_timeout(base, &duration);
  struct tally seen = {0};
  struct event* event = event_new(base, pair.near, EV_READ, count_call, &seen);
  event_add(event, common);
  assert_int_equal(event_base_dispatch(base), 1);
  assert_int_equal(seen.what, EV_TIMEOUT);
  event_add(event, common);
  send_byte(pair.far);
  assert_int_equal(event_base_dispatch(base), 1);
  assert_int_equal(seen.what, EV_READ);
  event_free(event);
  event_base_free(base);
  pair_close(&pair);
}

static void a_base_holds_256_durations_and_refuses_one_more(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  for (int i = 0; i < 256; i++) {
    struct timeval duration = {1000 + i, 0};
    assert_non_null(event_base_init_common_timeout(base, &duration));
  }
  struct timeval another = {5000, 0}, known = {1100, 0};
  log_capture();
  assert_null(event_base_init_common_timeout(base, &another));
  assert_matches(log_text(),
                 "2 *: Too many common timeouts already in use; we only support 256 "
                 "per event_base");
  assert_non_null(event_base_init_common_timeout(base, &known));
  event_base_free(base);
}

static void a_base_with_events_on_common_timeouts_may_be_freed(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct timeval duration = milliseconds(60000);
  const struct timeval* common = event_base_init_common_timeout(base, &duration);
  struct event timers[3];
  for (int i = 0; i < 3; i++) {
    evtimer_assign(&timers[i], base, count_call, NULL);
    evtimer_add(&timers[i], common);
  }
  event_base_free(base);
  for (int i = 0; i < 3; i++)
    assert_int_equal(timers[i].ev_evcallback.evcb_flags & EVLIST_ALL, EVLIST_INIT);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(one_duration_gives_one_value),
    cmocka_unit_test(a_duration_with_too_many_microseconds_is_normalised),
    cmocka_unit_test(events_on_a_common_timeout_fire_in_the_order_they_were_added),
    cmocka_unit_test(adding_again_goes_to_the_end_of_the_queue),
    cmocka_unit_test(deletion_from_the_head_the_middle_and_the_end_spares_the_rest),
    cmocka_unit_test(deleting_all_of_them_lets_the_loop_end),
    cmocka_unit_test(common_and_plain_timers_mix_by_time),
    cmocka_unit_test(moving_between_common_and_plain_keeps_one_timer),
    cmocka_unit_test(pending_answers_with_a_plain_time),
    cmocka_unit_test(a_persistent_event_repeats_on_a_common_timeout),
    cmocka_unit_test(a_socket_event_times_out_on_a_common_timeout),
    cmocka_unit_test(a_base_holds_256_durations_and_refuses_one_more),
    cmocka_unit_test(a_base_with_events_on_common_timeouts_may_be_freed),
};
DEFINE_GROUP(common_timeout, tests);
