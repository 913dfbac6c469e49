/* A base's view of time: the cached wall clock inside and outside callbacks, bringing it up to
 * date, switching it off, and the monotonic clock the timers run on. */
#include "conformance/event/suite.h"

#include <stdlib.h>
#include <time.h>

struct reading {
  struct event_base* base;
  struct timeval first;
  struct timeval second;
  struct timeval updated;
  int update_answer;
};

static void spend(long count) {
  struct timespec pause = {0, count * 1000000};
  nanosleep(&pause, NULL);
}

static void read_twice(evutil_socket_t fd, short what, void* argument) {
  (void)fd;
  (void)what;
  struct reading* self = argument;
  event_base_gettimeofday_cached(self->base, &self->first);
  spend(5);
  event_base_gettimeofday_cached(self->base, &self->second);
  self->update_answer = event_base_update_cache_time(self->base);
  event_base_gettimeofday_cached(self->base, &self->updated);
}

static struct reading read_in_callback(struct event_base* base) {
  struct reading reading = {.base = base};
  struct event* event = event_new(base, -1, 0, read_twice, &reading);
  event_active(event, EV_READ, 1);
  event_base_dispatch(base);
  event_free(event);
  return reading;
}

static void inside_a_callback_time_stands_still_until_updated(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct reading reading = read_in_callback(base);
  assert_true(evutil_timercmp(&reading.first, &reading.second, ==));
  assert_int_equal(reading.update_answer, 0);
  assert_true(evutil_timercmp(&reading.updated, &reading.second, >));
  event_base_free(base);
}

static void without_the_cache_time_moves_inside_a_callback(void** state) {
  (void)state;
  struct event_base* base = suite_base_with_flag(EVENT_BASE_FLAG_NO_CACHE_TIME);
  struct reading reading = read_in_callback(base);
  assert_true(evutil_timercmp(&reading.second, &reading.first, >));
  event_base_free(base);
}

static void outside_the_loop_time_moves(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct timeval first, second, wall;
  assert_int_equal(event_base_gettimeofday_cached(base, &first), 0);
  spend(2);
  assert_int_equal(event_base_gettimeofday_cached(base, &second), 0);
  assert_true(evutil_timercmp(&second, &first, >));
  evutil_gettimeofday(&wall, NULL);
  assert_true(llabs((long long)wall.tv_sec - second.tv_sec) <= 2);
  event_base_free(base);
}

static void the_cached_time_is_near_the_wall_clock(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct timeval wall;
  evutil_gettimeofday(&wall, NULL);
  struct reading reading = read_in_callback(base);
  assert_true(llabs((long long)wall.tv_sec - reading.first.tv_sec) <= 2);
  event_base_free(base);
}

static void updating_outside_the_loop_succeeds_and_changes_nothing(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  assert_int_equal(event_base_update_cache_time(base), 0);
  struct timeval first, second;
  event_base_gettimeofday_cached(base, &first);
  spend(2);
  event_base_gettimeofday_cached(base, &second);
  assert_true(evutil_timercmp(&second, &first, >));
  event_base_free(base);
}

static void without_a_base_there_is_the_wall_clock_and_nothing_to_update(void** state) {
  (void)state;
  suite_start();
  struct timeval now = {0, 0}, wall;
  assert_int_equal(event_base_gettimeofday_cached(NULL, &now), 0);
  evutil_gettimeofday(&wall, NULL);
  assert_true(llabs((long long)wall.tv_sec - now.tv_sec) <= 2);
  assert_int_equal(event_base_update_cache_time(NULL), -1);
}

static void the_monotonic_clock_of_a_base_does_not_go_back(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct timeval before, after;
  assert_int_equal(event_gettime_monotonic(base, &before), 0);
  for (int i = 0; i < 1000; i++) {
    assert_int_equal(event_gettime_monotonic(base, &after), 0);
    assert_true(evutil_timercmp(&after, &before, >=));
    before = after;
  }
  event_base_free(base);
}

static void no_monotonic_time_without_a_base_or_a_place_for_it(void** state) {
  (void)state;
  suite_start();
  struct timeval unused;
  assert_int_equal(event_gettime_monotonic(NULL, &unused), -1);
}

struct slow {
  struct event_base* base;
  struct event* timer;
  struct timeval cached;
  struct timeval expires;
};

static void dawdle_then_add_a_timer(evutil_socket_t fd, short what, void* argument) {
  (void)fd;
  (void)what;
  struct slow* self = argument;
  struct timeval wait = milliseconds(10);
  event_base_gettimeofday_cached(self->base, &self->cached);
  spend(8);
  evtimer_add(self->timer, &wait);
  evtimer_pending(self->timer, &self->expires);
}

static void a_timer_added_in_a_callback_counts_from_the_cached_time(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct slow self = {.base = base, .timer = evtimer_new(base, count_call, &(struct tally){0})};
  struct timeval wait = milliseconds(10), expected;
  struct event* event = event_new(base, -1, 0, dawdle_then_add_a_timer, &self);
  event_active(event, EV_READ, 1);
  event_base_loop(base, EVLOOP_NONBLOCK);
  evutil_timeradd(&self.cached, &wait, &expected);
  assert_true(evutil_timercmp(&self.expires, &expected, ==));
  event_free(event);
  event_free(self.timer);
  event_base_free(base);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(inside_a_callback_time_stands_still_until_updated),
    cmocka_unit_test(without_the_cache_time_moves_inside_a_callback),
    cmocka_unit_test(outside_the_loop_time_moves),
    cmocka_unit_test(the_cached_time_is_near_the_wall_clock),
    cmocka_unit_test(updating_outside_the_loop_succeeds_and_changes_nothing),
    cmocka_unit_test(without_a_base_there_is_the_wall_clock_and_nothing_to_update),
    cmocka_unit_test(the_monotonic_clock_of_a_base_does_not_go_back),
    cmocka_unit_test(no_monotonic_time_without_a_base_or_a_place_for_it),
    cmocka_unit_test(a_timer_added_in_a_callback_counts_from_the_cached_time),
};
DEFINE_GROUP(clock, tests);
