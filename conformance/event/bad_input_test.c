/* What cannot work: events without a base, impossible combinations, signals and descriptors that do
 * not exist, files the backend refuses.  Return value and log line are those of the real library;
 * misuse that only debug mode notices is debug_mode_test.c's. */
#include "conformance/event/suite.h"

#include <event2/event_struct.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

static void signal_and_descriptor_conditions_do_not_mix(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct event event;
  static const short others[] = {EV_READ, EV_WRITE, EV_CLOSED};
  for (int i = 0; i < 3; i++) {
    log_capture();
    assert_null(event_new(base, 10, (short)(EV_SIGNAL | others[i]), count_call, NULL));
    assert_matches(log_text(),
                   "2 event_assign: EV_SIGNAL is not compatible with EV_READ, EV_WRITE or "
                   "EV_CLOSED");
    assert_int_equal(
        event_assign(&event, base, 10, (short)(EV_SIGNAL | others[i]), count_call, NULL), -1);
  }
  event_base_free(base);
}

static void adding_without_a_base_fails_with_a_warning(void** state) {
  (void)state;
  suite_start();
  struct event* event = event_new(NULL, 0, EV_READ, count_call, NULL);
  assert_non_null(event);
  assert_null(event_get_base(event));
  log_capture();
  assert_int_equal(event_add(event, NULL), -1);
  assert_matches(log_text(), "2 event_add: event has no event_base set.");
  event_free(event);
}

static void a_number_that_no_descriptor_has_costs_no_memory(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  static const int numbers[] = {INT_MAX, INT_MAX - 1, INT_MAX / 2, INT_MAX / 4, 1 << 27};
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
    struct event* event = event_new(base, numbers[i], EV_READ, count_call, NULL);
    log_capture();
    assert_int_equal(event_add(event, NULL), -1);
    assert_string_equal(log_text(), "");
    assert_int_equal(event_pending(event, EV_READ, NULL), 0);
    event_free(event);
  }
  event_base_free(base);
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  assert_true(usage.ru_maxrss < 500000);
}

static void deleting_without_a_base_fails_with_a_warning(void** state) {
  (void)state;
  suite_start();
  struct event* event = event_new(NULL, 0, EV_READ, count_call, NULL);
  int (*const ways[])(struct event*) = {event_del, event_del_block, event_del_noblock};
  for (int i = 0; i < 3; i++) {
    log_capture();
    assert_int_equal(ways[i](event), -1);
    assert_matches(log_text(), "2 *: event has no event_base set.");
  }
  event_free(event);
}

static void asking_whether_an_event_without_base_is_pending_warns(void** state) {
  (void)state;
  suite_start();
  struct event* event = event_new(NULL, 0, EV_READ, count_call, NULL);
  log_capture();
  assert_int_equal(event_pending(event, EV_READ, NULL), 0);
  assert_matches(log_text(), "2 event_pending: event has no event_base set.");
  event_free(event);
}

static void a_closed_descriptor_is_refused_by_epoll_only(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  int refuses = suite_has_feature(base, EV_FEATURE_ET);
  struct pair pair = pair_open();
  close(pair.near);
  struct event* event = event_new(base, pair.near, EV_READ, count_call, &(struct tally){0});
  log_capture();
  assert_int_equal(event_add(event, NULL), refuses ? -1 : 0);
  if (refuses) {
    assert_matches(log_text(),
                   "2 Epoll ADD(1) on fd * failed. Old events were 0; read change was 1 (add); "
                   "write change was 0 (none); close change was 0 (none): Bad file descriptor");
    assert_int_equal(event_pending(event, EV_READ, NULL), 0);
    assert_int_equal(event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED), 0);
    assert_int_equal(event_base_dispatch(base), 1);
  }
  event_free(event);
  event_base_free(base);
  pair.near = -1;
  pair_close(&pair);
}

static void a_failed_addition_leaves_no_timeout_behind(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  if (suite_has_feature(base, EV_FEATURE_ET)) {
    struct timeval soon = milliseconds(1);
    struct event* event = event_new(base, 900, EV_READ, count_call, NULL);
    log_capture();
    assert_int_equal(event_add(event, &soon), -1);
    assert_int_equal(event_pending(event, EV_READ | EV_TIMEOUT, NULL), 0);
    assert_int_equal(event_base_dispatch(base), 1);
    event_free(event);
  }
  event_base_free(base);
}

static void a_regular_file_is_refused_by_epoll_and_always_ready_elsewhere(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct tally seen = {0};
  int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  struct event* event = event_new(base, file, EV_READ, count_call, &seen);
  log_capture();
  if (suite_has_feature(base, EV_FEATURE_FDS)) {
    assert_int_equal(event_add(event, NULL), 0);
    assert_int_equal(event_base_dispatch(base), 1);
    assert_int_equal(seen.calls, 1);
  } else {
    assert_int_equal(event_add(event, NULL), -1);
    assert_matches(log_text(),
                   "2 Epoll ADD(1) on fd * failed. Old events were 0; read change was 1 (add); "
                   "write change was 0 (none); close change was 0 (none): Operation not permitted");
  }
  event_free(event);
  event_base_free(base);
  close(file);
}

static void the_refusal_of_other_conditions_names_them(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  static const struct {
    short events;
    const char* line;
  } table[] = {
      {EV_WRITE,
       "2 Epoll ADD(4) on fd 900 failed. Old events were 0; read change was 0 (none); "
       "write change was 1 (add); close change was 0 (none): Bad file descriptor"},
      {EV_CLOSED | EV_READ,
       "2 Epoll ADD(8193) on fd 900 failed. Old events were 0; read change was 1 (add); "
       "write change was 0 (none); close change was 1 (add): Bad file descriptor"},
      {EV_READ | EV_ET | EV_PERSIST,
       "2 Epoll ADD(-2147483647) on fd 900 failed. Old events were 0; read change was 33 (add); "
       "write change was 0 (none); close change was 0 (none): Bad file descriptor"},
  };
  for (size_t i = 0; i < 3 && suite_has_feature(base, EV_FEATURE_ET); i++) {
    struct event* event = event_new(base, 900, table[i].events, count_call, NULL);
    log_capture();
    assert_int_equal(event_add(event, NULL), -1);
    assert_matches(log_text(), table[i].line);
    event_free(event);
  }
  event_base_free(base);
}

static void a_negative_descriptor_is_accepted_and_silent(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct tally seen = {0};
  struct event* event = event_new(base, -1, EV_READ, count_call, &seen);
  assert_int_equal(event_add(event, NULL), 0);
  event_base_loop(base, EVLOOP_NONBLOCK);
  assert_int_equal(seen.calls, 0);
  assert_int_equal(event_del(event), 0);
  event_free(event);
  event_base_free(base);
}

static void a_negative_descriptor_may_still_time_out(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct tally seen = {0};
  struct timeval soon = milliseconds(1);
  struct event* event = event_new(base, -1, EV_READ, count_call, &seen);
  assert_int_equal(event_add(event, &soon), 0);
  while (seen.calls == 0)
    event_base_loop(base, EVLOOP_ONCE);
  assert_int_equal(seen.what, EV_TIMEOUT);
  event_free(event);
  event_base_free(base);
}

static void signals_that_cannot_be_caught_are_refused(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  static const int numbers[] = {0, SIGKILL, SIGSTOP, 32};
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
    struct event* event = event_new(base, numbers[i], EV_SIGNAL, count_call, NULL);
    assert_non_null(event);
    log_capture();
    assert_int_equal(event_add(event, NULL), -1);
    assert_matches(log_text(), "2 sigaction: Invalid argument");
    assert_int_equal(event_pending(event, EV_SIGNAL, NULL), 0);
    event_free(event);
  }
  assert_int_equal(event_base_dispatch(base), 1);
  event_base_free(base);
}

static void numbers_that_are_no_signals_are_refused(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  static const int numbers[] = {-1, -100, NSIG, 1000};
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
    struct event* event = event_new(base, numbers[i], EV_SIGNAL, count_call, NULL);
    assert_non_null(event);
    assert_int_equal(event_add(event, NULL), -1);
    event_free(event);
  }
  assert_int_equal(event_base_dispatch(base), 1);
  event_base_free(base);
}

static void an_event_of_no_condition_may_be_added_and_deleted(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct event* event = event_new(base, -1, 0, count_call, NULL);
  assert_int_equal(event_add(event, NULL), 0);
  assert_int_equal(event_pending(event, 0xff, NULL), 0);
  assert_int_equal(event_del(event), 0);
  event_free(event);
  event_base_free(base);
}

static void a_base_may_be_set_on_an_event_that_had_none(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct tally seen = {0};
  struct event* event = event_new(NULL, -1, 0, count_call, &seen);
  assert_int_equal(event_base_set(base, event), 0);
  event_active(event, EV_READ, 1);
  event_base_dispatch(base);
  assert_int_equal(seen.calls, 1);
  event_free(event);
  event_base_free(base);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(signal_and_descriptor_conditions_do_not_mix),
    cmocka_unit_test(adding_without_a_base_fails_with_a_warning),
    cmocka_unit_test(a_number_that_no_descriptor_has_costs_no_memory),
    cmocka_unit_test(deleting_without_a_base_fails_with_a_warning),
    cmocka_unit_test(asking_whether_an_event_without_base_is_pending_warns),
    cmocka_unit_test(a_closed_descriptor_is_refused_by_epoll_only),
    cmocka_unit_test(a_failed_addition_leaves_no_timeout_behind),
    cmocka_unit_test(a_regular_file_is_refused_by_epoll_and_always_ready_elsewhere),
    cmocka_unit_test(the_refusal_of_other_conditions_names_them),
    cmocka_unit_test(a_negative_descriptor_is_accepted_and_silent),
    cmocka_unit_test(a_negative_descriptor_may_still_time_out),
    cmocka_unit_test(signals_that_cannot_be_caught_are_refused),
    cmocka_unit_test(numbers_that_are_no_signals_are_refused),
    cmocka_unit_test(an_event_of_no_condition_may_be_added_and_deleted),
    cmocka_unit_test(a_base_may_be_set_on_an_event_that_had_none),
};
DEFINE_GROUP(bad_input, tests);
