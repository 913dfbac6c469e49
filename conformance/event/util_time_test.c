/* Time without a base: monotonic timer objects in each of their precisions, the timeval macros, the
 * wall clock, and dates as HTTP writes them. */
#include "conformance/event/suite.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static void every_precision_of_the_monotonic_clock_moves_forward(void** state) {
  (void)state;
  static const int precisions[] = {0, EV_MONOT_PRECISE, EV_MONOT_FALLBACK,
                                   EV_MONOT_PRECISE | EV_MONOT_FALLBACK};
  for (size_t i = 0; i < sizeof precisions / sizeof precisions[0]; i++) {
    struct evutil_monotonic_timer* timer = evutil_monotonic_timer_new();
    struct timeval first, last;
    assert_non_null(timer);
    assert_int_equal(evutil_configure_monotonic_time(timer, precisions[i]), 0);
    assert_int_equal(evutil_gettime_monotonic(timer, &first), 0);
    last = first;
    for (int reading = 0; reading < 1000; reading++) {
      struct timeval now;
      assert_int_equal(evutil_gettime_monotonic(timer, &now), 0);
      assert_true(evutil_timercmp(&now, &last, >=));
      last = now;
    }
    nanosleep(&(struct timespec){0, 12000000}, NULL);
    assert_int_equal(evutil_gettime_monotonic(timer, &last), 0);
    assert_true(evutil_timercmp(&last, &first, >));
    evutil_monotonic_timer_free(timer);
  }
}

static void the_precise_clock_tells_a_millisecond_apart(void** state) {
  (void)state;
  struct evutil_monotonic_timer* timer = evutil_monotonic_timer_new();
  struct timeval first, second, between;
  evutil_configure_monotonic_time(timer, EV_MONOT_PRECISE);
  evutil_gettime_monotonic(timer, &first);
  nanosleep(&(struct timespec){0, 1000000}, NULL);
  evutil_gettime_monotonic(timer, &second);
  evutil_timersub(&second, &first, &between);
  assert_true(between.tv_sec > 0 || between.tv_usec >= 1000);
  evutil_monotonic_timer_free(timer);
}

static void no_timer_may_be_freed(void** state) {
  (void)state;
  evutil_monotonic_timer_free(NULL);
}

static void timevals_are_added_subtracted_compared_and_cleared(void** state) {
  (void)state;
  struct timeval one = {1, 700000}, other = {2, 500000}, result;
  evutil_timeradd(&one, &other, &result);
  assert_int_equal(result.tv_sec, 4);
  assert_int_equal(result.tv_usec, 200000);
  evutil_timersub(&other, &one, &result);
  assert_int_equal(result.tv_sec, 0);
  assert_int_equal(result.tv_usec, 800000);
  assert_true(evutil_timercmp(&one, &other, <));
  assert_true(evutil_timercmp(&one, &one, <=));
  assert_true(evutil_timercmp(&one, &one, ==));
  assert_false(evutil_timercmp(&one, &other, >=));
  assert_true(evutil_timerisset(&one));
  evutil_timerclear(&one);
  assert_false(evutil_timerisset(&one));
}

static void the_wall_clock_is_gettimeofday(void** state) {
  (void)state;
  struct timeval now = {0, 0};
  assert_int_equal(evutil_gettimeofday(&now, NULL), 0);
  assert_true(labs((long)(now.tv_sec - time(NULL))) <= 2);
}

static void dates_are_written_as_http_wants_them(void** state) {
  (void)state;
  char text[64];
  struct tm when = {.tm_year = 110,
                    .tm_mon = 1,
                    .tm_mday = 3,
                    .tm_hour = 4,
                    .tm_min = 5,
                    .tm_sec = 6,
                    .tm_wday = 3};
  assert_int_equal(evutil_date_rfc1123(text, sizeof text, &when), 29);
  assert_string_equal(text, "Wed, 03 Feb 2010 04:05:06 GMT");
  when = (struct tm){.tm_year = 99,
                     .tm_mon = 11,
                     .tm_mday = 31,
                     .tm_hour = 23,
                     .tm_min = 59,
                     .tm_sec = 60,
                     .tm_wday = 5};
  evutil_date_rfc1123(text, sizeof text, &when);
  assert_string_equal(text, "Fri, 31 Dec 1999 23:59:60 GMT");
}

static void a_short_buffer_gets_what_fits(void** state) {
  (void)state;
  char text[64];
  struct tm when = {.tm_year = 110, .tm_mon = 1, .tm_mday = 3, .tm_wday = 3};
  memset(text, '#', sizeof text);
  assert_int_equal(evutil_date_rfc1123(text, 10, &when), 29);
  assert_string_equal(text, "Wed, 03 F");
  assert_int_equal(text[10], '#');
}

static void no_date_means_now(void** state) {
  (void)state;
  char text[64];
  struct tm parsed;
  memset(&parsed, 0, sizeof parsed);
  assert_int_equal(evutil_date_rfc1123(text, sizeof text, NULL), 29);
  assert_non_null(strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &parsed));
  assert_true(labs((long)(timegm(&parsed) - time(NULL))) <= 2);
}

static void no_locale_changes_a_date(void** state) {
  (void)state;
  char text[64];
  struct tm when = {.tm_year = 110, .tm_mon = 2, .tm_mday = 3, .tm_wday = 3};
  setenv("LC_ALL", "de_DE.UTF-8", 1);
  evutil_date_rfc1123(text, sizeof text, &when);
  assert_string_equal(text, "Wed, 03 Mar 2010 00:00:00 GMT");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_precision_of_the_monotonic_clock_moves_forward),
    cmocka_unit_test(the_precise_clock_tells_a_millisecond_apart),
    cmocka_unit_test(no_timer_may_be_freed),
    cmocka_unit_test(timevals_are_added_subtracted_compared_and_cleared),
    cmocka_unit_test(the_wall_clock_is_gettimeofday),
    cmocka_unit_test(dates_are_written_as_http_wants_them),
    cmocka_unit_test(a_short_buffer_gets_what_fits),
    cmocka_unit_test(no_date_means_now),
    cmocka_unit_test(no_locale_changes_a_date),
};
DEFINE_GROUP(util_time, tests);
