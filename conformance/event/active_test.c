/* Events made active by hand: event_active, the evuser_ macros, event_base_active_by_fd and
 * _by_signal; what they do to pending, one-shot, persistent and signal events. */
#include "conformance/event/suite.h"

#include <signal.h>

static void turn(struct event_base* base) {
  event_base_loop(base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
}

static void an_event_never_added_runs_when_made_active(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct tally seen = {0};
  struct event* event = event_new(base, -1, 0, count_call, &seen);
  event_active(event, EV_WRITE, 1);
  assert_int_equal(seen.calls, 0);
  assert_int_equal(event_base_dispatch(base), 1);
  assert_int_equal(seen.calls, 1);
  assert_int_equal(seen.what, EV_WRITE);
  assert_int_equal(seen.fd, -1);
  event_free(event);
  event_base_free(base);
}

static void activating_twice_runs_once_with_both_reasons(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct tally seen = {0};
  struct event* event = event_new(base, -1, 0, count_call, &seen);
  event_active(event, EV_READ, 1);
  event_active(event, EV_TIMEOUT, 1);
  event_base_dispatch(base);
  assert_int_equal(seen.calls, 1);
  assert_int_equal(seen.what, EV_READ | EV_TIMEOUT);
  event_free(event);
  event_base_free(base);
}

static void the_number_of_calls_is_ignored_but_for_signals(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct tally seen = {0}, signalled = {0};
  struct event* event = event_new(base, -1, 0, count_call, &seen);
  struct event* signal_event = evsignal_new(base, SIGUSR1, count_call, &signalled);
  event_active(event, EV_READ, 5);
  event_active(signal_event, EV_SIGNAL, 5);
  event_base_dispatch(base);
  assert_int_equal(seen.calls, 1);
  assert_int_equal(signalled.calls, 5);
  event_free(event);
  event_free(signal_event);
  event_base_free(base);
}

static void no_reason_at_all_is_passed_on_as_none(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct tally seen = {.what = 99};
  struct event* event = event_new(base, -1, 0, count_call, &seen);
  event_active(event, 0, 0);
  event_base_dispatch(base);
  assert_int_equal(seen.calls, 1);
  assert_int_equal(seen.what, 0);
  event_free(event);
  event_base_free(base);
}

static void a_pending_one_shot_made_active_is_no_longer_pending_afterwards(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct tally seen = {0};
  struct timeval late = milliseconds(100000);
  struct event* timer = evtimer_new(base, count_call, &seen);
  evtimer_add(timer, &late);
  event_active(timer, EV_READ, 1);
  assert_int_equal(event_base_dispatch(base), 1);
  assert_int_equal(seen.calls, 1);
  assert_int_equal(evtimer_pending(timer, NULL), 0);
  event_free(timer);
  event_base_free(base);
}

static void a_pending_persistent_event_made_active_stays_pending(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct tally seen = {0};
  struct event* event = event_new(base, pair.near, EV_READ | EV_PERSIST, count_call, &seen);
  event_add(event, NULL);
  event_active(event, EV_WRITE, 1);
  turn(base);
  assert_int_equal(seen.what, EV_WRITE);
  assert_int_equal(event_pending(event, EV_READ, NULL), EV_READ);
  event_free(event);
  event_base_free(base);
  pair_close(&pair);
}

static void activating_a_persistent_event_restarts_its_timeout(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct tally seen = {0};
  struct timeval wait = milliseconds(30000), first, second;
  struct event* timer = event_new(base, -1, EV_PERSIST, count_call, &seen);
  event_add(timer, &wait);
  evtimer_pending(timer, &first);
  struct timeval pause = milliseconds(20);
  event_base_loopexit(base, &pause);
  event_base_dispatch(base);
  event_active(timer, EV_READ, 1);
  turn(base);
  evtimer_pending(timer, &second);
  assert_true(evutil_timercmp(&second, &first, >));
  event_free(timer);
  event_base_free(base);
}

static void real_readiness_joins_the_reason_given_by_hand(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct tally seen = {0};
  struct event* event = event_new(base, pair.near, EV_READ, count_call, &seen);
  event_add(event, NULL);
  send_byte(pair.far);
  event_active(event, EV_WRITE, 1);
  event_base_dispatch(base);
  assert_int_equal(seen.calls, 1);
  assert_int_equal(seen.what, EV_READ | EV_WRITE);
  event_free(event);
  event_base_free(base);
  pair_close(&pair);
}

static void activating_an_event_without_a_base_only_warns(void** state) {
  (void)state;
  suite_start();
  struct event* event = event_new(NULL, -1, 0, count_call, NULL);
  log_capture();
  event_active(event, EV_READ, 1);
  assert_matches(log_text(), "2 event_active: event has no event_base set.");
  event_free(event);
}

static void user_events_are_triggered_and_asked_after(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct tally seen = {0};
  struct event* event = evuser_new(base, count_call, &seen);
  assert_true(evuser_initialized(event));
  assert_int_equal(evuser_pending(event, NULL), 0);
  evuser_trigger(event);
  event_base_dispatch(base);
  assert_int_equal(seen.calls, 1);
  assert_int_equal(seen.what, 0);
  evuser_trigger(event);
  assert_int_equal(evuser_del(event), 0);
  event_base_dispatch(base);
  assert_int_equal(seen.calls, 1);
  event_free(event);
  event_base_free(base);
}

static void by_descriptor_every_pending_event_gets_its_part(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct tally reads = {0}, writes = {0}, both = {0}, idle = {0};
  fill(pair.near);
  struct event* reader = event_new(base, pair.near, EV_READ, count_call, &reads);
  struct event* writer = event_new(base, pair.near, EV_WRITE, count_call, &writes);
  struct event* either = event_new(base, pair.near, EV_READ | EV_WRITE, count_call, &both);
  struct event* not_added = event_new(base, pair.near, EV_READ, count_call, &idle);
  event_add(reader, NULL);
  event_add(writer, NULL);
  event_add(either, NULL);
  event_base_active_by_fd(base, pair.near, EV_READ);
  turn(base);
  assert_int_equal(reads.calls, 1);
  assert_int_equal(writes.calls, 0);
  assert_int_equal(both.what, EV_READ);
  assert_int_equal(idle.calls, 0);
  event_add(either, NULL);
  event_base_active_by_fd(base, pair.near, EV_READ | EV_WRITE);
  turn(base);
  assert_int_equal(both.what, EV_READ | EV_WRITE);
  assert_int_equal(writes.what, EV_WRITE);
  event_free(reader);
  event_free(writer);
  event_free(either);
  event_free(not_added);
  event_base_free(base);
  pair_close(&pair);
}

static void by_descriptor_a_timeout_activates_those_that_have_one(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct tally timed = {0}, untimed = {0};
  struct timeval late = milliseconds(100000);
  struct event* with = event_new(base, pair.near, EV_READ, count_call, &timed);
  struct event* without = event_new(base, pair.near, EV_READ, count_call, &untimed);
  event_add(with, &late);
  event_add(without, NULL);
  event_base_active_by_fd(base, pair.near, EV_TIMEOUT);
  turn(base);
  assert_int_equal(timed.calls, 1);
  assert_int_equal(timed.what, EV_TIMEOUT);
  assert_int_equal(untimed.calls, 0);
  event_free(with);
  event_free(without);
  event_base_free(base);
  pair_close(&pair);
}

static void by_descriptor_an_edge_event_gets_no_edge_flag(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct tally seen = {0};
  struct event* event = event_new(base, pair.near, EV_READ | EV_ET, count_call, &seen);
  event_add(event, NULL);
  event_base_active_by_fd(base, pair.near, EV_READ | EV_ET);
  turn(base);
  assert_int_equal(seen.calls, 1);
  assert_int_equal(seen.what, EV_READ);
  event_free(event);
  event_base_free(base);
  pair_close(&pair);
}

static void descriptors_and_signals_nobody_watches_are_ignored(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  event_base_active_by_fd(base, 0, EV_READ);
  event_base_active_by_fd(base, 100000, EV_READ);
  event_base_active_by_fd(base, -1, EV_READ);
  event_base_active_by_signal(base, SIGUSR1);
  event_base_active_by_signal(base, 100000);
  event_base_active_by_signal(base, -1);
  assert_int_equal(event_base_dispatch(base), 1);
  event_base_free(base);
}

static void by_signal_every_pending_event_runs_once(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct tally first = {0}, second = {0}, other = {0};
  struct event* one = evsignal_new(base, SIGUSR1, count_call, &first);
  struct event* two = evsignal_new(base, SIGUSR1, count_call, &second);
  struct event* three = evsignal_new(base, SIGUSR2, count_call, &other);
  event_add(one, NULL);
  event_add(two, NULL);
  event_add(three, NULL);
  event_base_active_by_signal(base, SIGUSR1);
  turn(base);
  assert_int_equal(first.calls, 1);
  assert_int_equal(first.what, EV_SIGNAL);
  assert_int_equal(second.calls, 1);
  assert_int_equal(other.calls, 0);
  event_free(one);
  event_free(two);
  event_free(three);
  event_base_free(base);
}

/* An active event is not inserted by adding it: its timer is all that event_add can still change.
 * Programs that add an event again before its callback ran rely on neither, but they do it. */
static void adding_an_event_that_is_active_but_not_pending_leaves_it_so(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct tally seen = {0};
  struct event* event = event_new(base, pair.near, EV_READ | EV_PERSIST, count_call, &seen);
  event_active(event, EV_WRITE, 1);
  assert_int_equal(event_add(event, NULL), 0);
  turn(base);
  assert_int_equal(seen.calls, 1);
  assert_int_equal(event_pending(event, EV_READ, NULL), 0);
  event_free(event);
  event_base_free(base);
  pair_close(&pair);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(an_event_never_added_runs_when_made_active),
    cmocka_unit_test(activating_twice_runs_once_with_both_reasons),
    cmocka_unit_test(the_number_of_calls_is_ignored_but_for_signals),
    cmocka_unit_test(no_reason_at_all_is_passed_on_as_none),
    cmocka_unit_test(a_pending_one_shot_made_active_is_no_longer_pending_afterwards),
    cmocka_unit_test(a_pending_persistent_event_made_active_stays_pending),
    cmocka_unit_test(activating_a_persistent_event_restarts_its_timeout),
    cmocka_unit_test(real_readiness_joins_the_reason_given_by_hand),
    cmocka_unit_test(activating_an_event_without_a_base_only_warns),
    cmocka_unit_test(user_events_are_triggered_and_asked_after),
    cmocka_unit_test(by_descriptor_every_pending_event_gets_its_part),
    cmocka_unit_test(by_descriptor_a_timeout_activates_those_that_have_one),
    cmocka_unit_test(by_descriptor_an_edge_event_gets_no_edge_flag),
    cmocka_unit_test(descriptors_and_signals_nobody_watches_are_ignored),
    cmocka_unit_test(by_signal_every_pending_event_runs_once),
    cmocka_unit_test(adding_an_event_that_is_active_but_not_pending_leaves_it_so),
};
DEFINE_GROUP(active, tests);
