/* Timeouts of a socket bufferevent: when they run, what puts them off, what they say. */
#include "conformance/buffers/one_bev.h"

static void silence_becomes_a_read_timeout(void** state) {
  (void)state;
  open_one(0);
  struct timeval short_time = {0, 60000};
  bufferevent_set_timeouts(bev, &short_time, NULL);
  run_for(base, 100);
  assert_string_equal(story.text, "");
  double start = seconds_now();
  bufferevent_enable(bev, EV_READ);
  run_until(base, &teller.events);
  assert_true(seconds_now() - start >= 0.054);
  assert_string_equal(story.text, "x:event(0x41)");
  assert_int_equal(bufferevent_get_enabled(bev), EV_WRITE);
  close_one();
}

static void a_stuck_output_becomes_a_write_timeout(void** state) {
  (void)state;
  open_one(0);
  struct timeval short_time = {0, 60000};
  clog_socket(bufferevent_getfd(bev));
  bufferevent_set_timeouts(bev, NULL, &short_time);
  run_for(base, 100);
  assert_string_equal(story.text, "");
  double start = seconds_now();
  bufferevent_write(bev, "stuck", 5);
  run_until(base, &teller.events);
  assert_true(seconds_now() - start >= 0.054);
  assert_string_equal(story.text, "x:event(0x42)");
  assert_int_equal(bufferevent_get_enabled(bev), 0);
  assert_int_equal(evbuffer_get_length(bufferevent_get_output(bev)), 5);
  bufferevent_set_timeouts(bev, NULL, NULL);
  drain_descriptor(peer);
  bufferevent_enable(bev, EV_WRITE);
  run_until(base, &teller.writes);
  assert_received(peer, "stuck");
  close_one();
}

static void arriving_bytes_put_the_timeout_off(void** state) {
  (void)state;
  open_one(0);
  struct timeval long_time = {100, 0}, before, after;
  bufferevent_set_timeouts(bev, &long_time, &long_time);
  bufferevent_enable(bev, EV_READ);
  assert_int_equal(event_pending(&bev->ev_read, EV_TIMEOUT, &before), EV_TIMEOUT);
  assert_int_equal(event_pending(&bev->ev_write, EV_TIMEOUT, NULL), 0);
  run_for(base, 30);
  send_text(peer, "x");
  run_ready(base);
  assert_int_equal(event_pending(&bev->ev_read, EV_TIMEOUT, &after), EV_TIMEOUT);
  assert_true(evutil_timercmp(&before, &after, <));
  bufferevent_set_timeouts(bev, NULL, NULL);
  assert_int_equal(event_pending(&bev->ev_read, EV_READ | EV_TIMEOUT, NULL), EV_READ);
  bufferevent_set_timeouts(bev, &long_time, NULL);
  assert_int_equal(event_pending(&bev->ev_read, EV_READ | EV_TIMEOUT, NULL), EV_READ | EV_TIMEOUT);
  bufferevent_disable(bev, EV_READ);
  assert_int_equal(event_pending(&bev->ev_read, EV_READ | EV_TIMEOUT, NULL), 0);
  close_one();
}

static void the_old_way_to_set_timeouts_counts_seconds(void** state) {
  (void)state;
  open_one(0);
  bufferevent_settimeout(bev, 3, 0);
  assert_int_equal(bev->timeout_read.tv_sec, 3);
  assert_int_equal(bev->timeout_write.tv_sec, 0);
  bufferevent_settimeout(bev, 0, 4);
  assert_int_equal(bev->timeout_read.tv_sec, 0);
  assert_int_equal(bev->timeout_write.tv_sec, 4);
  close_one();
}

static void a_timeout_cleared_in_time_never_comes(void** state) {
  (void)state;
  open_one(0);
  struct timeval short_time = {0, 50000};
  bufferevent_set_timeouts(bev, &short_time, NULL);
  bufferevent_enable(bev, EV_READ);
  bufferevent_set_timeouts(bev, NULL, NULL);
  run_for(base, 120);
  assert_string_equal(story.text, "");
  close_one();
}

const struct CMUnitTest bev_timeouts_tests[] = {
    cmocka_unit_test(silence_becomes_a_read_timeout),
    cmocka_unit_test(a_stuck_output_becomes_a_write_timeout),
    cmocka_unit_test(arriving_bytes_put_the_timeout_off),
    cmocka_unit_test(the_old_way_to_set_timeouts_counts_seconds),
    cmocka_unit_test(a_timeout_cleared_in_time_never_comes),
};
const size_t bev_timeouts_test_count = COUNT_OF(bev_timeouts_tests);
