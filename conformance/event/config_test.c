/* Configuration objects: what may be avoided, required, flagged and hinted, what each flag does to
 * the base made with it, and how the environment is kept out.  The limits on one dispatch
 * (max_dispatch_interval) are priority_test.c's. */
#include "conformance/event/suite.h"

#include <stdlib.h>
#include <string.h>

static void clear_environment(void) {
  unsetenv("EVENT_NOEPOLL");
  unsetenv("EVENT_NOPOLL");
  unsetenv("EVENT_NOSELECT");
  unsetenv("EVENT_EPOLL_USE_CHANGELIST");
  unsetenv("EVENT_PRECISE_TIMER");
}

static const char* method_with(struct event_config* config) {
  suite_start();
  struct event_base* base = event_base_new_with_config(config);
  if (base == NULL) return NULL;
  const char* method = event_base_get_method(base);
  event_base_free(base);
  return method;
}

static void a_fresh_configuration_is_as_good_as_none(void** state) {
  (void)state;
  clear_environment();
  struct event_config* config = event_config_new();
  assert_non_null(config);
  assert_string_equal(method_with(config), "epoll");
  assert_string_equal(method_with(NULL), "epoll");
  event_config_free(config);
}

static void avoided_methods_are_passed_over(void** state) {
  (void)state;
  clear_environment();
  struct event_config* config = event_config_new();
  assert_int_equal(event_config_avoid_method(config, "epoll"), 0);
  assert_string_equal(method_with(config), "poll");
  assert_int_equal(event_config_avoid_method(config, "poll"), 0);
  assert_string_equal(method_with(config), "select");
  assert_int_equal(event_config_avoid_method(config, "select"), 0);
  log_capture();
  assert_null(method_with(config));
  assert_matches(log_text(), "2 *no event mechanism available");
  event_config_free(config);
}

static void avoiding_an_unknown_method_changes_nothing(void** state) {
  (void)state;
  clear_environment();
  struct event_config* config = event_config_new();
  assert_int_equal(event_config_avoid_method(config, "carrier pigeon"), 0);
  assert_int_equal(event_config_avoid_method(config, ""), 0);
  assert_string_equal(method_with(config), "epoll");
  event_config_free(config);
}

static void a_configuration_may_be_freed_with_methods_in_it_and_reused_until_then(void** state) {
  (void)state;
  clear_environment();
  struct event_config* config = event_config_new();
  for (int i = 0; i < 50; i++)
    assert_int_equal(event_config_avoid_method(config, "epoll"), 0);
  assert_string_equal(method_with(config), "poll");
  assert_string_equal(method_with(config), "poll");
  event_config_free(config);
}

static void required_features_choose_the_method(void** state) {
  (void)state;
  clear_environment();
  struct event_config* config = event_config_new();
  assert_int_equal(event_config_require_features(config, EV_FEATURE_ET | EV_FEATURE_O1), 0);
  assert_string_equal(method_with(config), "epoll");
  assert_int_equal(event_config_require_features(config, EV_FEATURE_FDS), 0);
  assert_string_equal(method_with(config), "poll");
  assert_int_equal(event_config_require_features(config, EV_FEATURE_EARLY_CLOSE), 0);
  assert_string_equal(method_with(config), "epoll");
  event_config_free(config);
}

static void features_that_no_method_has_together_leave_no_base(void** state) {
  (void)state;
  clear_environment();
  struct event_config* config = event_config_new();
  assert_int_equal(event_config_require_features(config, EV_FEATURE_ET | EV_FEATURE_FDS), 0);
  log_capture();
  assert_null(method_with(config));
  assert_matches(log_text(), "2 *no event mechanism available");
  assert_int_equal(event_config_require_features(config, 0), 0);
  assert_string_equal(method_with(config), "epoll");
  event_config_free(config);
}

static void requiring_and_avoiding_hold_together(void** state) {
  (void)state;
  clear_environment();
  struct event_config* config = event_config_new();
  event_config_require_features(config, EV_FEATURE_FDS);
  event_config_avoid_method(config, "poll");
  assert_string_equal(method_with(config), "select");
  event_config_free(config);
}

static void the_environment_holds_unless_the_configuration_ignores_it(void** state) {
  (void)state;
  clear_environment();
  setenv("EVENT_NOEPOLL", "1", 1);
  struct event_config* config = event_config_new();
  assert_string_equal(method_with(config), "poll");
  assert_int_equal(event_config_set_flag(config, EVENT_BASE_FLAG_IGNORE_ENV), 0);
  assert_string_equal(method_with(config), "epoll");
  event_config_free(config);
}

static void the_changelist_flag_selects_that_variant_of_epoll(void** state) {
  (void)state;
  clear_environment();
  struct event_config* config = event_config_new();
  assert_int_equal(event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST), 0);
  assert_string_equal(method_with(config), "epoll (with changelist)");
  event_config_free(config);
}

static void the_changelist_environment_is_ignored_with_the_rest(void** state) {
  (void)state;
  clear_environment();
  setenv("EVENT_EPOLL_USE_CHANGELIST", "1", 1);
  struct event_config* config = event_config_new();
  event_config_set_flag(config, EVENT_BASE_FLAG_IGNORE_ENV);
  assert_string_equal(method_with(config), "epoll");
  event_config_free(config);
}

static void flags_add_up(void** state) {
  (void)state;
  clear_environment();
  setenv("EVENT_NOEPOLL", "1", 1);
  struct event_config* config = event_config_new();
  event_config_set_flag(config, EVENT_BASE_FLAG_IGNORE_ENV);
  event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
  assert_string_equal(method_with(config), "epoll (with changelist)");
  event_config_free(config);
}

static void works(struct event_base* base) {
  struct pair pair = pair_open();
  struct tally seen = {0};
  struct event* event = event_new(base, pair.near, EV_READ, count_call, &seen);
  assert_int_equal(event_add(event, NULL), 0);
  send_byte(pair.far);
  assert_int_equal(event_base_dispatch(base), 1);
  assert_int_equal(seen.calls, 1);
  struct timeval soon = milliseconds(5);
  long long before = base_clock(base);
  assert_int_equal(event_add(event, &soon), 0);
  drain(pair.near);
  assert_int_equal(event_base_dispatch(base), 1);
  assert_int_equal(seen.calls, 2);
  assert_int_equal(seen.what, EV_TIMEOUT);
  assert_true(base_clock(base) - before >= 5000);
  event_free(event);
  event_base_free(base);
  pair_close(&pair);
}

static void a_base_without_locks_works(void** state) {
  (void)state;
  works(suite_base_with_flag(EVENT_BASE_FLAG_NOLOCK));
}

static void a_base_that_does_not_cache_time_works(void** state) {
  (void)state;
  works(suite_base_with_flag(EVENT_BASE_FLAG_NO_CACHE_TIME));
}

static void a_base_with_the_precise_timer_works(void** state) {
  (void)state;
  works(suite_base_with_flag(EVENT_BASE_FLAG_PRECISE_TIMER));
}

static void a_base_with_the_precise_timer_from_the_environment_works(void** state) {
  (void)state;
  setenv("EVENT_PRECISE_TIMER", "1", 1);
  works(suite_base());
}

static void a_base_with_the_changelist_works(void** state) {
  (void)state;
  works(suite_base_with_flag(EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST));
}

static void a_base_with_the_windows_only_flag_works(void** state) {
  (void)state;
  works(suite_base_with_flag(EVENT_BASE_FLAG_STARTUP_IOCP));
}

static void a_base_with_the_changelist_and_many_changes_sees_the_last(void** state) {
  (void)state;
  struct event_base* base = suite_base_with_flag(EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
  struct pair pair = pair_open();
  struct tally reads = {0}, writes = {0};
  struct event* reader = event_new(base, pair.near, EV_READ, count_call, &reads);
  struct event* writer = event_new(base, pair.near, EV_WRITE, count_call, &writes);
  send_byte(pair.far);
  for (int i = 0; i < 3; i++) {
    event_add(reader, NULL);
    event_add(writer, NULL);
    event_del(reader);
  }
  event_base_loop(base, EVLOOP_NONBLOCK);
  assert_int_equal(reads.calls, 0);
  assert_int_equal(writes.calls, 1);
  event_free(reader);
  event_free(writer);
  event_base_free(base);
  pair_close(&pair);
}

static void the_hint_about_processors_is_accepted(void** state) {
  (void)state;
  struct event_config* config = event_config_new();
  assert_int_equal(event_config_set_num_cpus_hint(config, 8), 0);
  assert_int_equal(event_config_set_num_cpus_hint(config, 0), 0);
  assert_int_equal(event_config_set_num_cpus_hint(config, -3), 0);
  suite_start();
  works(event_base_new_with_config(config));
  event_config_free(config);
}

static void no_configuration_is_refused_where_it_is_looked_at(void** state) {
  (void)state;
  assert_int_equal(event_config_set_flag(NULL, EVENT_BASE_FLAG_NOLOCK), -1);
  assert_int_equal(event_config_require_features(NULL, EV_FEATURE_ET), -1);
  assert_int_equal(event_config_set_num_cpus_hint(NULL, 2), -1);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_fresh_configuration_is_as_good_as_none),
    cmocka_unit_test(avoided_methods_are_passed_over),
    cmocka_unit_test(avoiding_an_unknown_method_changes_nothing),
    cmocka_unit_test(a_configuration_may_be_freed_with_methods_in_it_and_reused_until_then),
    cmocka_unit_test(required_features_choose_the_method),
    cmocka_unit_test(features_that_no_method_has_together_leave_no_base),
    cmocka_unit_test(requiring_and_avoiding_hold_together),
    cmocka_unit_test(the_environment_holds_unless_the_configuration_ignores_it),
    cmocka_unit_test(the_changelist_flag_selects_that_variant_of_epoll),
    cmocka_unit_test(the_changelist_environment_is_ignored_with_the_rest),
    cmocka_unit_test(flags_add_up),
    cmocka_unit_test(a_base_without_locks_works),
    cmocka_unit_test(a_base_that_does_not_cache_time_works),
    cmocka_unit_test(a_base_with_the_precise_timer_works),
    cmocka_unit_test(a_base_with_the_precise_timer_from_the_environment_works),
    cmocka_unit_test(a_base_with_the_changelist_works),
    cmocka_unit_test(a_base_with_the_windows_only_flag_works),
    cmocka_unit_test(a_base_with_the_changelist_and_many_changes_sees_the_last),
    cmocka_unit_test(the_hint_about_processors_is_accepted),
    cmocka_unit_test(no_configuration_is_refused_where_it_is_looked_at),
};
DEFINE_GROUP(config, tests);
