/* Watermarks: how much comes in before anybody is called, and how much at most. */
#include "conformance/buffers/one_bev.h"

static void the_low_mark_delays_the_read_callback(void** state) {
  (void)state;
  open_one(0);
  bufferevent_setwatermark(bev, EV_READ, 10, 0);
  bufferevent_enable(bev, EV_READ);
  send_text(peer, "1234567");
  run_ready(base);
  assert_string_equal(story.text, "");
  send_text(peer, "890");
  run_ready(base);
  send_text(peer, "x");
  run_ready(base);
  assert_string_equal(story.text, "x:read(10) x:read(11)");
  close_one();
}

/* An input that stays at its high mark is offered again and again, so these stop reading first. */
static void stop_when_full(struct bufferevent* me, void* context) {
  tell_read(me, context);
  if (evbuffer_get_length(bufferevent_get_input(me)) >= me->wm_read.high)
    bufferevent_disable(me, EV_READ);
}

static void the_high_mark_bounds_the_input(void** state) {
  (void)state;
  open_one(0);
  bufferevent_setcb(bev, stop_when_full, NULL, NULL, &teller);
  bufferevent_setwatermark(bev, EV_READ, 0, 10);
  bufferevent_enable(bev, EV_READ);
  send_text(peer, "0123456789abcdefghijXYZ");
  run_ready(base);
  assert_input(bev, "0123456789");
  bufferevent_enable(bev, EV_READ);
  run_ready(base);
  assert_input(bev, "abcdefghij");
  bufferevent_enable(bev, EV_READ);
  run_ready(base);
  assert_input(bev, "XYZ");
  assert_string_equal(story.text, "x:read(10) x:read(10) x:read(3)");
  close_one();
}

static void a_partly_emptied_input_fills_up_to_the_high_mark(void** state) {
  (void)state;
  open_one(0);
  bufferevent_setcb(bev, stop_when_full, NULL, NULL, &teller);
  bufferevent_setwatermark(bev, EV_READ, 0, 10);
  bufferevent_enable(bev, EV_READ);
  send_text(peer, "0123456789abcdefghij");
  run_ready(base);
  assert_int_equal(evbuffer_drain(bufferevent_get_input(bev), 4), 0);
  bufferevent_enable(bev, EV_READ);
  run_ready(base);
  assert_text(bufferevent_get_input(bev), "456789abcd");
  close_one();
}

static void drain_at_the_fourth_call(struct bufferevent* me, void* context) {
  tell_read(me, context);
  if (((struct teller*)context)->reads == 4) evbuffer_drain(bufferevent_get_input(me), 10);
}

static void a_full_input_is_offered_until_it_shrinks(void** state) {
  (void)state;
  open_one(0);
  bufferevent_setcb(bev, drain_at_the_fourth_call, NULL, NULL, &teller);
  bufferevent_setwatermark(bev, EV_READ, 0, 10);
  bufferevent_enable(bev, EV_READ);
  send_text(peer, "0123456789ab");
  run_ready(base);
  assert_string_equal(story.text, "x:read(10) x:read(10) x:read(10) x:read(10) x:read(2)");
  close_one();
}

static void a_full_input_suspends_reading_but_stays_enabled(void** state) {
  (void)state;
  open_one(0);
  bufferevent_setcb(bev, NULL, NULL, NULL, NULL);
  bufferevent_setwatermark(bev, EV_READ, 0, 10);
  bufferevent_enable(bev, EV_READ);
  send_text(peer, "0123456789abcdef");
  run_ready(base);
  assert_int_equal(bufferevent_get_enabled(bev), EV_READ | EV_WRITE);
  assert_int_equal(event_pending(&bev->ev_read, EV_READ, NULL), 0);
  assert_input(bev, "0123456789");
  assert_int_equal(event_pending(&bev->ev_read, EV_READ, NULL), EV_READ);
  run_ready(base);
  assert_input(bev, "abcdef");
  close_one();
}

static void a_high_mark_below_the_input_stops_reading(void** state) {
  (void)state;
  open_one(0);
  bufferevent_setcb(bev, NULL, NULL, NULL, NULL);
  bufferevent_enable(bev, EV_READ);
  send_text(peer, "0123456789");
  run_ready(base);
  bufferevent_setwatermark(bev, EV_READ, 0, 5);
  assert_int_equal(event_pending(&bev->ev_read, EV_READ, NULL), 0);
  send_text(peer, "more");
  run_ready(base);
  assert_int_equal(evbuffer_get_length(bufferevent_get_input(bev)), 10);
  bufferevent_setwatermark(bev, EV_READ, 0, 0);
  assert_int_equal(event_pending(&bev->ev_read, EV_READ, NULL), EV_READ);
  run_ready(base);
  assert_text(bufferevent_get_input(bev), "0123456789more");
  close_one();
}

static void enabling_does_not_lift_the_high_mark(void** state) {
  (void)state;
  open_one(0);
  bufferevent_setcb(bev, NULL, NULL, NULL, NULL);
  bufferevent_setwatermark(bev, EV_READ, 0, 3);
  bufferevent_enable(bev, EV_READ);
  send_text(peer, "abcdef");
  run_ready(base);
  bufferevent_disable(bev, EV_READ);
  bufferevent_enable(bev, EV_READ);
  run_ready(base);
  assert_text(bufferevent_get_input(bev), "abc");
  close_one();
}

static void the_low_mark_for_writing_calls_back_early(void** state) {
  (void)state;
  open_one(0);
  bufferevent_set_max_single_write(bev, 10);
  bufferevent_setwatermark(bev, EV_WRITE, 25, 0);
  unsigned char* bytes = pattern_new(0, 50);
  bufferevent_write(bev, bytes, 50);
  run_ready(base);
  assert_string_equal(story.text, "x:write(20) x:write(10) x:write(0)");
  free(bytes);
  close_one();
}

static void marks_of_neither_or_both_directions_can_not_be_asked_for(void** state) {
  (void)state;
  open_one(0);
  bufferevent_setwatermark(bev, EV_READ | EV_WRITE, 7, 8);
  size_t low = 0, high = 0;
  assert_int_equal(bufferevent_getwatermark(bev, EV_READ | EV_WRITE, &low, &high), -1);
  assert_int_equal(bufferevent_getwatermark(bev, 0, &low, &high), -1);
  assert_int_equal(low | high, 0);
  assert_int_equal(bufferevent_getwatermark(bev, EV_READ, &low, NULL), 0);
  assert_int_equal(bufferevent_getwatermark(bev, EV_WRITE, NULL, &high), 0);
  assert_int_equal(low, 7);
  assert_int_equal(high, 8);
  close_one();
}

/* An output that the connection takes at once, were it not for the bound of a single write. */
static void open_with_much_to_write(void) {
  static const char bytes[65536];
  const int enough = 4 * (int)sizeof bytes;
  open_tcp(0);
  assert_int_equal(
      setsockopt(bufferevent_getfd(bev), SOL_SOCKET, SO_SNDBUF, &enough, sizeof enough), 0);
  assert_int_equal(bufferevent_write(bev, bytes, sizeof bytes), 0);
}

static void the_write_callback_comes_with_the_single_write_that_reaches_the_mark(void** state) {
  (void)state;
  open_with_much_to_write();
  bufferevent_setwatermark(bev, EV_WRITE, 40000, 0);
  run_ready(base);
  assert_string_equal(story.text, "x:write(32768) x:write(16384) x:write(0)");
  close_one();
}

static void tell_of_the_output(struct evbuffer* output, const struct evbuffer_cb_info* info,
                               void* context) {
  (void)output;
  tell(context, "-%zu", info->n_deleted);
}

static void a_callback_of_the_output_sees_every_single_write(void** state) {
  (void)state;
  open_with_much_to_write();
  evbuffer_add_cb(bufferevent_get_output(bev), tell_of_the_output, &story);
  run_ready(base);
  assert_string_equal(story.text, "-16384 -16384 -16384 -16384 x:write(0)");
  close_one();
}

const struct CMUnitTest bev_marks_tests[] = {
    cmocka_unit_test(the_low_mark_delays_the_read_callback),
    cmocka_unit_test(the_high_mark_bounds_the_input),
    cmocka_unit_test(a_partly_emptied_input_fills_up_to_the_high_mark),
    cmocka_unit_test(a_full_input_is_offered_until_it_shrinks),
    cmocka_unit_test(a_full_input_suspends_reading_but_stays_enabled),
    cmocka_unit_test(a_high_mark_below_the_input_stops_reading),
    cmocka_unit_test(enabling_does_not_lift_the_high_mark),
    cmocka_unit_test(the_low_mark_for_writing_calls_back_early),
    cmocka_unit_test(the_write_callback_comes_with_the_single_write_that_reaches_the_mark),
    cmocka_unit_test(a_callback_of_the_output_sees_every_single_write),
    cmocka_unit_test(marks_of_neither_or_both_directions_can_not_be_asked_for),
};
const size_t bev_marks_test_count = COUNT_OF(bev_marks_tests);
