/* event_base_once: a callback without an event object, for a descriptor, a time, or both. */
#include "conformance/event/suite.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void a_readable_descriptor_calls_back_once(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct tally seen = {0};
  assert_int_equal(event_base_once(base, pair.near, EV_READ, count_call, &seen, NULL), 0);
  send_byte(pair.far);
  assert_int_equal(event_base_dispatch(base), 1);
  assert_int_equal(seen.calls, 1);
  assert_int_equal(seen.fd, pair.near);
  assert_int_equal(seen.what, EV_READ);
  event_base_free(base);
  pair_close(&pair);
}

static void a_writable_descriptor_calls_back_once(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct tally seen = {0};
  assert_int_equal(event_base_once(base, pair.near, EV_READ | EV_WRITE, count_call, &seen, NULL),
                   0);
  assert_int_equal(event_base_dispatch(base), 1);
  assert_int_equal(seen.calls, 1);
  assert_int_equal(seen.what, EV_WRITE);
  event_base_free(base);
  pair_close(&pair);
}

static void a_descriptor_that_stays_silent_times_out(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct tally seen = {0};
  struct timeval soon = milliseconds(3);
  assert_int_equal(event_base_once(base, pair.near, EV_READ | EV_TIMEOUT, count_call, &seen, &soon),
                   0);
  assert_int_equal(event_base_dispatch(base), 1);
  assert_int_equal(seen.calls, 1);
  assert_int_equal(seen.what, EV_TIMEOUT);
  send_byte(pair.far);
  assert_int_equal(event_base_dispatch(base), 1);
  assert_int_equal(seen.calls, 1);
  event_base_free(base);
  pair_close(&pair);
}

static void a_time_calls_back_when_it_is_over(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct tally seen = {0};
  struct timeval soon = milliseconds(8);
  long long before = base_clock(base);
  assert_int_equal(event_base_once(base, -1, EV_TIMEOUT, count_call, &seen, &soon), 0);
  assert_int_equal(event_base_dispatch(base), 1);
  assert_true(base_clock(base) - before >= 8000);
  assert_int_equal(seen.calls, 1);
  assert_int_equal(seen.fd, -1);
  assert_int_equal(seen.what, EV_TIMEOUT);
  event_base_free(base);
}

static void no_time_or_none_left_is_active_at_once(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct tally seen = {0};
  struct timeval nothing = {0, 0};
  assert_int_equal(event_base_once(base, -1, EV_TIMEOUT, count_call, &seen, NULL), 0);
  assert_int_equal(event_base_once(base, -1, EV_TIMEOUT, count_call, &seen, &nothing), 0);
  assert_int_equal(seen.calls, 0);
  assert_int_equal(event_base_get_num_events(base, EVENT_BASE_COUNT_ACTIVE), 2);
  assert_int_equal(event_base_loop(base, EVLOOP_NONBLOCK), 1);
  assert_int_equal(seen.calls, 2);
  assert_int_equal(seen.what, EV_TIMEOUT);
  event_base_free(base);
}

static void schedule_again(evutil_socket_t fd, short what, void* argument) {
  (void)fd;
  (void)what;
  struct lettered* self = argument;
  if (--self->left > 0) event_base_once(self->base, -1, EV_TIMEOUT, schedule_again, self, NULL);
}

static void a_callback_may_schedule_itself_again(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct lettered self = {.base = base, .left = 10};
  event_base_once(base, -1, EV_TIMEOUT, schedule_again, &self, NULL);
  assert_int_equal(event_base_dispatch(base), 1);
  assert_int_equal(self.left, 0);
  event_base_free(base);
}

static void what_never_happened_is_released_with_the_base(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct tally seen = {0};
  struct timeval late = milliseconds(100000);
  event_base_once(base, pair.near, EV_READ, count_call, &seen, NULL);
  event_base_once(base, -1, EV_TIMEOUT, count_call, &seen, &late);
  event_base_once(base, -1, EV_TIMEOUT, count_call, &seen, NULL);
  event_base_free(base);
  assert_int_equal(seen.calls, 0);
  pair_close(&pair);
}

static void signals_persistence_nothing_and_no_base_are_refused(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct tally seen = {0};
  struct timeval soon = milliseconds(1);
  assert_int_equal(event_base_once(base, 10, EV_SIGNAL, count_call, &seen, NULL), -1);
  assert_int_equal(event_base_once(base, 0, EV_READ | EV_PERSIST, count_call, &seen, NULL), -1);
  assert_int_equal(event_base_once(base, -1, 0, count_call, &seen, &soon), -1);
  assert_int_equal(event_base_once(NULL, -1, EV_TIMEOUT, count_call, &seen, &soon), -1);
  assert_int_equal(event_base_dispatch(base), 1);
  assert_int_equal(seen.calls, 0);
  event_base_free(base);
}

static void a_descriptor_that_is_not_open_is_refused(void** state) {
  (void)state;
  struct event_base* base = suite_base_with_flag(EVENT_BASE_FLAG_NOLOCK);
  if (suite_has_feature(base, EV_FEATURE_ET)) {
    log_capture();
    assert_int_equal(event_base_once(base, 900, EV_READ, count_call, NULL, NULL), -1);
    assert_int_equal(event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED), 0);
  }
  event_base_free(base);
}

static void use_a_base_after_a_refusal(void* unused) {
  (void)unused;
  struct event_base* base = suite_base();
  if (event_base_once(base, 900, EV_READ, count_call, NULL, NULL) != -1) _exit(0);
  alarm(1);
  event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED);
}

/* The original returns from this refusal with the base still locked. */
static void a_refusal_leaves_the_base_unlocked(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  int refuses = suite_has_feature(base, EV_FEATURE_ET);
  event_base_free(base);
  struct outcome outcome = run_in_child(use_a_base_after_a_refusal, NULL);
  int stuck = WIFSIGNALED(outcome.status) && WTERMSIG(outcome.status) == SIGALRM;
  assert_int_equal(stuck, refuses && suite_has_locks() && suite_on_original());
  if (!stuck) assert_int_equal(outcome.status, 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_readable_descriptor_calls_back_once),
    cmocka_unit_test(a_writable_descriptor_calls_back_once),
    cmocka_unit_test(a_descriptor_that_stays_silent_times_out),
    cmocka_unit_test(a_time_calls_back_when_it_is_over),
    cmocka_unit_test(no_time_or_none_left_is_active_at_once),
    cmocka_unit_test(a_callback_may_schedule_itself_again),
    cmocka_unit_test(what_never_happened_is_released_with_the_base),
    cmocka_unit_test(signals_persistence_nothing_and_no_base_are_refused),
    cmocka_unit_test(a_descriptor_that_is_not_open_is_refused),
    cmocka_unit_test(a_refusal_leaves_the_base_unlocked),
};
DEFINE_GROUP(once, tests);
