/* Arguments that make no sense: null pointers where the library looks, numbers out of range, flags
 * that do not exist.  Where the original answers, its answer is the expectation, down to the log
 * line and the fatal callback; where it ends in a segmentation fault, there is nothing to expect.
 * What events and descriptors can be wrong about is bad_input_test.c's. */
#include "conformance/event/suite.h"

#include <errno.h>
#include <event2/event_compat.h>
#include <event2/event_struct.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* ---- bases ------------------------------------------------------------------------------------
 */

static void freeing_no_base_without_finalizers_warns_too(void** state) {
  (void)state;
  log_capture();
  event_base_free_nofinalize(NULL);
  assert_matches(log_text(), "2 event_base_free_: no base to free");
}

static void ask_no_base_for_its_method(void* unused) {
  (void)unused;
  event_base_get_method(NULL);
}

static void the_method_of_no_base_is_fatal(void** state) {
  (void)state;
  assert_fatal(ask_no_base_for_its_method, NULL,
               "3 *Assertion base failed in event_base_get_method");
}

static void the_number_of_priorities_of_no_base_is_that_of_the_current_one(void** state) {
  (void)state;
  suite_start();
  struct event_base* base = event_init();
  event_base_priority_init(base, 5);
  assert_int_equal(event_base_get_npriorities(NULL), 5);
  event_base_free(base);
}

static void kinds_of_events_that_do_not_exist_count_nothing(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct event* event = event_new(base, -1, 0, count_call, NULL);
  event_active(event, EV_READ, 1);
  static const unsigned kinds[] = {0, 0x08, 0xfff0};
  for (int i = 0; i < 3; i++) {
    assert_int_equal(event_base_get_num_events(base, kinds[i]), 0);
    assert_int_equal(event_base_get_max_events(base, kinds[i], 1), 0);
  }
  assert_int_equal(event_base_get_max_events(base, EVENT_BASE_COUNT_ACTIVE, 0), 1);
  event_free(event);
  event_base_free(base);
}

static void no_base_can_be_told_to_exit(void** state) {
  (void)state;
  struct timeval later = milliseconds(1000);
  assert_int_equal(event_base_loopexit(NULL, NULL), -1);
  assert_int_equal(event_base_loopexit(NULL, &later), -1);
}

static void an_exit_in_the_past_comes_at_once(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  assert_int_equal(event_base_loopexit(base, &(struct timeval){-1, 0}), 0);
  assert_int_equal(event_base_dispatch(base), 0);
  assert_true(event_base_got_exit(base));
  event_base_free(base);
}

static void once_in_the_past_comes_at_once(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct tally seen = {0};
  struct timeval past = {-1, 0};
  assert_int_equal(event_base_once(base, -1, EV_TIMEOUT, count_call, &seen, &past), 0);
  event_base_loop(base, EVLOOP_NONBLOCK);
  assert_int_equal(seen.calls, 1);
  event_base_free(base);
}

static void once_for_no_condition_or_for_a_signal_beside_time_is_refused(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct timeval soon = milliseconds(1);
  static const short conditions[] = {0, EV_TIMEOUT | EV_SIGNAL, EV_READ | EV_SIGNAL,
                                     EV_TIMEOUT | EV_PERSIST};
  for (int i = 0; i < 4; i++)
    assert_int_equal(event_base_once(base, SIGUSR1, conditions[i], count_call, NULL, &soon), -1);
  assert_int_equal(event_base_dispatch(base), 1);
  event_base_free(base);
}

static void a_walk_without_a_function_is_refused(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  assert_int_equal(event_base_foreach_event(base, NULL, NULL), -1);
  event_base_free(base);
}

static void descriptors_and_signals_out_of_range_activate_nothing(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct tally seen = {0};
  struct event* event = event_new(base, -1, EV_READ | EV_PERSIST, count_call, &seen);
  event_add(event, NULL);
  static const int numbers[] = {-1, -100000, 100000};
  for (int i = 0; i < 3; i++) {
    event_base_active_by_fd(base, numbers[i], EV_READ);
    event_base_active_by_signal(base, numbers[i]);
  }
  event_base_active_by_signal(base, 0);
  event_base_loop(base, EVLOOP_NONBLOCK);
  assert_int_equal(seen.calls, 0);
  event_free(event);
  event_base_free(base);
}

/* ---- configurations ---------------------------------------------------------------------------
 */

static void no_method_cannot_be_avoided(void** state) {
  (void)state;
  struct event_config* config = event_config_new();
  assert_int_equal(event_config_avoid_method(config, NULL), -1);
  assert_int_equal(event_config_avoid_method(config, ""), 0);
  struct event_base* base = event_base_new_with_config(config);
  assert_non_null(base);
  event_base_free(base);
  event_config_free(config);
}

static void features_that_do_not_exist_leave_no_base(void** state) {
  (void)state;
  struct event_config* config = event_config_new();
  assert_int_equal(event_config_require_features(config, 0x1000), 0);
  log_capture();
  assert_null(event_base_new_with_config(config));
  assert_matches(log_text(), "2 event_base_new_with_config: no event mechanism available");
  event_config_free(config);
}

static void flags_that_do_not_exist_are_ignored(void** state) {
  (void)state;
  suite_start();
  struct event_config* config = event_config_new();
  assert_int_equal(event_config_set_flag(config, 0x10000), 0);
  struct event_base* base = event_base_new_with_config(config);
  assert_non_null(base);
  event_base_free(base);
  event_config_free(config);
}

static void senseless_hints_and_limits_are_accepted(void** state) {
  (void)state;
  suite_start();
  struct event_config* config = event_config_new();
  struct timeval past = {-1, 0};
  struct tally seen = {0};
  assert_int_equal(event_config_set_num_cpus_hint(config, -5), 0);
  assert_int_equal(event_config_set_max_dispatch_interval(config, NULL, -5, -5), 0);
  assert_int_equal(event_config_set_max_dispatch_interval(config, &past, 0, -5), 0);
  struct event_base* base = event_base_new_with_config(config);
  event_config_free(config);
  event_base_priority_init(base, 2);
  struct event* event = event_new(base, -1, 0, count_call, &seen);
  event_active(event, EV_READ, 1);
  assert_int_equal(event_base_dispatch(base), 1);
  assert_int_equal(seen.calls, 1);
  event_free(event);
  event_base_free(base);
}

/* ---- times ------------------------------------------------------------------------------------
 */

static long seconds_until(struct event_base* base, struct event* event) {
  struct timeval expiry, now;
  event_pending(event, EV_TIMEOUT, &expiry);
  event_base_gettimeofday_cached(base, &now);
  evutil_timersub(&expiry, &now, &expiry);
  return expiry.tv_sec;
}

static void microseconds_beyond_a_second_are_carried_over(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct event* event = event_new(base, -1, 0, count_call, NULL);
  assert_int_equal(event_add(event, &(struct timeval){100, 1500000}), 0);
  assert_in_range(seconds_until(base, event), 100, 102);
  assert_int_equal(event_add(event, &(struct timeval){100, 50000000}), 0);
  if (!suite_on_original()) assert_in_range(seconds_until(base, event), 148, 150);
  event_free(event);
  event_base_free(base);
}

static void negative_microseconds_are_overdue_or_borrowed(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct tally seen = {0};
  struct event* event = event_new(base, -1, 0, count_call, &seen);
  assert_int_equal(event_add(event, &(struct timeval){0, -5}), 0);
  assert_int_equal(event_base_dispatch(base), 1);
  assert_int_equal(seen.calls, 1);
  assert_int_equal(event_add(event, &(struct timeval){100, -1}), 0);
  assert_in_range(seconds_until(base, event), 98, 100);
  event_free(event);
  event_base_free(base);
}

/* They look like a common timeout that nobody has announced. */
static void a_time_with_the_mark_of_a_common_one_is_taken_for_what_it_says(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct event* event = event_new(base, -1, 0, count_call, NULL);
  assert_int_equal(event_add(event, &(struct timeval){100, 0x50000000}), 0);
  assert_int_equal(event_add(event, &(struct timeval){100, 0x50100000}), 0);
  assert_true(event_pending(event, EV_TIMEOUT, NULL));
  event_free(event);
  event_base_free(base);
}

static void announce_a_negative_duration(void* unused) {
  (void)unused;
  struct event_base* base = suite_base();
  event_base_init_common_timeout(base, &(struct timeval){0, -1});
}

static void negative_microseconds_cannot_be_common(void** state) {
  (void)state;
  assert_fatal(announce_a_negative_duration, NULL, "3 *Assertion * failed in *");
}

static void a_negative_duration_may_be_common_and_is_overdue(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct tally seen = {0};
  struct event* event = event_new(base, -1, 0, count_call, &seen);
  const struct timeval* past = event_base_init_common_timeout(base, &(struct timeval){-1, 0});
  assert_non_null(past);
  assert_int_equal(event_add(event, past), 0);
  assert_int_equal(event_base_dispatch(base), 1);
  assert_int_equal(seen.calls, 1);
  event_free(event);
  event_base_free(base);
}

static void a_common_duration_announced_again_is_itself(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct timeval duration = milliseconds(5);
  const struct timeval* common = event_base_init_common_timeout(base, &duration);
  assert_ptr_equal(event_base_init_common_timeout(base, common), common);
  event_base_free(base);
}

/* ---- events -----------------------------------------------------------------------------------
 */

static void conditions_that_do_not_exist_are_kept_and_mean_nothing(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct event* event = event_new(base, -1, 0x7f00, count_call, NULL);
  assert_non_null(event);
  assert_int_equal(event_get_events(event), 0x7f00);
  assert_int_equal(event_add(event, NULL), 0);
  assert_int_equal(event_pending(event, 0, NULL), 0);
  assert_int_equal(event_pending(event, 0x7f00, NULL), 0);
  event_free(event);
  event_base_free(base);
}

static void an_event_may_lack_a_callback_until_it_runs(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct event* event = event_new(base, -1, EV_READ, NULL, NULL);
  assert_non_null(event);
  assert_null(event_get_callback(event));
  assert_int_equal(event_add(event, NULL), 0);
  event_free(event);
  event_base_free(base);
}

static void priorities_out_of_range_are_refused(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct event* event = event_new(base, -1, 0, count_call, NULL);
  static const int refused[] = {-1, 1, 256, 1000000};
  for (int i = 0; i < 4; i++)
    assert_int_equal(event_priority_set(event, refused[i]), -1);
  assert_int_equal(event_get_priority(event), 0);
  static const int counts[] = {0, -1, EVENT_MAX_PRIORITIES, EVENT_MAX_PRIORITIES + 1, 1000000};
  for (int i = 0; i < 5; i++)
    assert_int_equal(event_base_priority_init(base, counts[i]), -1);
  event_free(event);
  event_base_free(base);
}

static void an_activation_may_name_reasons_that_do_not_exist(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct tally seen = {0};
  struct event* event = event_new(base, -1, 0, count_call, &seen);
  event_active(event, 0x7f00, -5);
  event_base_loop(base, EVLOOP_NONBLOCK);
  assert_int_equal(seen.calls, 1);
  assert_int_equal(seen.what, 0x7f00);
  event_free(event);
  event_base_free(base);
}

static void a_signal_event_made_active_no_times_does_not_run(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct tally seen = {0};
  struct event* event = evsignal_new(base, SIGUSR1, count_call, &seen);
  event_add(event, NULL);
  event_active(event, EV_SIGNAL, 0);
  event_base_loop(base, EVLOOP_NONBLOCK);
  assert_int_equal(seen.calls, 0);
  event_free(event);
  event_base_free(base);
}

static void count_finalizer(struct event* event, void* calls) {
  (void)event;
  ++*(int*)calls;
}

static void finalizing_twice_and_with_unknown_flags_finalizes_once(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  int calls = 0;
  struct event* event = event_new(base, -1, EV_FINALIZE, count_call, &calls);
  assert_int_equal(event_finalize(0xffff, event, count_finalizer), 0);
  assert_int_equal(event_finalize(0, event, count_finalizer), 0);
  event_base_loop(base, EVLOOP_NONBLOCK);
  assert_int_equal(calls, 1);
  event_free(event);
  event = event_new(base, -1, EV_FINALIZE, count_call, &calls);
  assert_int_equal(event_free_finalize(0xffff, event, count_finalizer), 0);
  event_base_loop(base, EVLOOP_NONBLOCK);
  assert_int_equal(calls, 2);
  event_base_free(base);
}

/* ---- the 1.x functions, threads ---------------------------------------------------------------
 */

static void without_a_current_base_events_of_the_first_kind_cannot_be_added(void** state) {
  (void)state;
  struct event event;
  event_set(&event, -1, 0, count_call, NULL);
  log_capture();
  assert_int_equal(event_add(&event, NULL), -1);
  assert_matches(log_text(), "2 event_add: event has no event_base set.");
}

static void the_current_base_refuses_numbers_of_priorities_too(void** state) {
  (void)state;
  suite_start();
  struct event_base* base = event_init();
  assert_int_equal(event_priority_init(0), -1);
  assert_int_equal(event_priority_init(1000), -1);
  assert_int_equal(event_base_get_npriorities(base), 1);
  event_base_free(base);
}

static void no_base_cannot_be_made_notifiable(void** state) {
  (void)state;
  assert_int_equal(evthread_make_base_notifiable(NULL), -1);
}

static void functions_of_an_unknown_version_are_not_used(void** state) {
  (void)state;
  struct evthread_lock_callbacks locks = {.lock_api_version = 99};
  assert_int_equal(evthread_set_lock_callbacks(&locks), -1);
  struct event_base* base = event_base_new();
  assert_non_null(base);
  event_base_free(base);
}

/* ---- util.h -----------------------------------------------------------------------------------
 */

static void no_place_for_a_pair_and_impossible_pairs_are_refused(void** state) {
  (void)state;
  evutil_socket_t pair[2];
  assert_int_equal(evutil_socketpair(AF_UNIX, SOCK_STREAM, 0, NULL), -1);
  assert_int_equal(errno, EFAULT);
  assert_int_equal(evutil_socketpair(AF_UNIX, 99, 0, pair), -1);
  assert_int_equal(errno, EINVAL);
  assert_int_equal(evutil_socketpair(AF_UNIX, SOCK_STREAM, 77, pair), -1);
  assert_int_equal(errno, EPROTONOSUPPORT);
}

static void closing_what_is_not_open_fails(void** state) {
  (void)state;
  assert_int_equal(evutil_closesocket(-1), -1);
  assert_int_equal(evutil_closesocket(900), -1);
  assert_int_equal(errno, EBADF);
}

static void bases_of_numbers_that_do_not_exist_give_zero(void** state) {
  (void)state;
  static const int bases[] = {1, 37, -1};
  for (int i = 0; i < 3; i++) {
    errno = 0;
    assert_int_equal(evutil_strtoll("12", NULL, bases[i]), 0);
    assert_int_equal(errno, EINVAL);
  }
  assert_true(evutil_strtoll("99999999999999999999", NULL, 10) == EV_INT64_MAX);
  assert_int_equal(errno, ERANGE);
  assert_true(evutil_strtoll("-99999999999999999999", NULL, 10) == EV_INT64_MIN);
  assert_int_equal(errno, ERANGE);
}

static void no_room_gets_nothing_and_is_not_touched(void** state) {
  (void)state;
  char text[4] = "xyz";
  unsigned char address[16] = {1};
  assert_int_equal(evutil_date_rfc1123(text, 0, NULL), 0);
  assert_int_equal(evutil_snprintf(text, 0, "%s", "abc"), 0);
  assert_null(evutil_inet_ntop(AF_INET, address, text, 0));
  assert_null(evutil_inet_ntop(AF_INET6, address, text, 0));
  evutil_secure_rng_get_bytes(text, 0);
  assert_string_equal(text, "xyz");
  assert_int_equal(evutil_date_rfc1123(text, 1, NULL), 29);
  assert_string_equal(text, "");
  evutil_secure_rng_add_bytes(text, 0);
}

static void an_address_does_not_fit_into_no_room_or_less(void** state) {
  (void)state;
  struct sockaddr_storage storage;
  static const int rooms[] = {0, -5};
  for (int i = 0; i < 2; i++) {
    int length = rooms[i];
    assert_int_equal(evutil_parse_sockaddr_port("1.2.3.4", (struct sockaddr*)&storage, &length),
                     -1);
    assert_int_equal(length, rooms[i]);
  }
}

static void neither_host_nor_service_is_no_name(void** state) {
  (void)state;
  struct evutil_addrinfo* list = NULL;
  assert_int_equal(evutil_getaddrinfo(NULL, NULL, NULL, &list), EVUTIL_EAI_NONAME);
  assert_null(list);
}

static void free_no_list(void* unused) {
  (void)unused;
  evutil_freeaddrinfo(NULL);
}

static void no_list_of_addresses_may_be_freed(void** state) {
  (void)state;
  struct outcome outcome = run_in_child(free_no_list, NULL);
  if (!suite_on_original()) assert_int_equal(outcome.status, 0);
}

static void errors_that_do_not_exist_have_a_text(void** state) {
  (void)state;
  assert_string_equal(evutil_gai_strerror(12345), "Unknown error");
  assert_string_equal(evutil_gai_strerror(-12345), "Unknown error");
}

static void unknown_precisions_of_the_clock_are_ignored(void** state) {
  (void)state;
  static const int flags[] = {-1, 0x1000};
  for (int i = 0; i < 2; i++) {
    struct timeval now;
    struct evutil_monotonic_timer* timer = evutil_monotonic_timer_new();
    assert_int_equal(evutil_configure_monotonic_time(timer, flags[i]), 0);
    assert_int_equal(evutil_gettime_monotonic(timer, &now), 0);
    evutil_monotonic_timer_free(timer);
  }
}

static void no_device_gives_no_random_numbers(void** state) {
  (void)state;
  assert_int_equal(evutil_secure_rng_set_urandom_device_file(NULL), -1);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(freeing_no_base_without_finalizers_warns_too),
    cmocka_unit_test(the_method_of_no_base_is_fatal),
    cmocka_unit_test(the_number_of_priorities_of_no_base_is_that_of_the_current_one),
    cmocka_unit_test(kinds_of_events_that_do_not_exist_count_nothing),
    cmocka_unit_test(no_base_can_be_told_to_exit),
    cmocka_unit_test(an_exit_in_the_past_comes_at_once),
    cmocka_unit_test(once_in_the_past_comes_at_once),
    cmocka_unit_test(once_for_no_condition_or_for_a_signal_beside_time_is_refused),
    cmocka_unit_test(a_walk_without_a_function_is_refused),
    cmocka_unit_test(descriptors_and_signals_out_of_range_activate_nothing),
    cmocka_unit_test(no_method_cannot_be_avoided),
    cmocka_unit_test(features_that_do_not_exist_leave_no_base),
    cmocka_unit_test(flags_that_do_not_exist_are_ignored),
    cmocka_unit_test(senseless_hints_and_limits_are_accepted),
    cmocka_unit_test(microseconds_beyond_a_second_are_carried_over),
    cmocka_unit_test(negative_microseconds_are_overdue_or_borrowed),
    cmocka_unit_test(a_time_with_the_mark_of_a_common_one_is_taken_for_what_it_says),
    cmocka_unit_test(negative_microseconds_cannot_be_common),
    cmocka_unit_test(a_negative_duration_may_be_common_and_is_overdue),
    cmocka_unit_test(a_common_duration_announced_again_is_itself),
    cmocka_unit_test(conditions_that_do_not_exist_are_kept_and_mean_nothing),
    cmocka_unit_test(an_event_may_lack_a_callback_until_it_runs),
    cmocka_unit_test(priorities_out_of_range_are_refused),
    cmocka_unit_test(an_activation_may_name_reasons_that_do_not_exist),
    cmocka_unit_test(a_signal_event_made_active_no_times_does_not_run),
    cmocka_unit_test(finalizing_twice_and_with_unknown_flags_finalizes_once),
    cmocka_unit_test(without_a_current_base_events_of_the_first_kind_cannot_be_added),
    cmocka_unit_test(the_current_base_refuses_numbers_of_priorities_too),
    cmocka_unit_test(no_base_cannot_be_made_notifiable),
    cmocka_unit_test(functions_of_an_unknown_version_are_not_used),
    cmocka_unit_test(no_place_for_a_pair_and_impossible_pairs_are_refused),
    cmocka_unit_test(closing_what_is_not_open_fails),
    cmocka_unit_test(bases_of_numbers_that_do_not_exist_give_zero),
    cmocka_unit_test(no_room_gets_nothing_and_is_not_touched),
    cmocka_unit_test(an_address_does_not_fit_into_no_room_or_less),
    cmocka_unit_test(neither_host_nor_service_is_no_name),
    cmocka_unit_test(no_list_of_addresses_may_be_freed),
    cmocka_unit_test(errors_that_do_not_exist_have_a_text),
    cmocka_unit_test(unknown_precisions_of_the_clock_are_ignored),
    cmocka_unit_test(no_device_gives_no_random_numbers),
};
DEFINE_GROUP(bad_argument, tests);
