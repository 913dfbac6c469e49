/* Which callbacks of a socket bufferevent run, from which loop and in which order: priorities,
 * triggers, deferred ones. */
#include "conformance/buffers/one_bev.h"

static void priorities_order_the_callbacks(void** state) {
  (void)state;
  base = new_base();
  event_base_priority_init(base, 3);
  memset(&story, 0, sizeof story);
  struct bufferevent* bevs[3];
  struct teller tellers[3];
  int peers[3];
  static const char* names[3] = {"p0", "p1", "p2"};
  for (int i = 2; i >= 0; --i) {
    bevs[i] = socket_bev(base, BEV_OPT_CLOSE_ON_FREE, &peers[i]);
    listen_to(&tellers[i], &story, names[i], bevs[i]);
    assert_int_equal(bufferevent_priority_set(bevs[i], i), 0);
    assert_int_equal(bufferevent_get_priority(bevs[i]), i);
    bufferevent_enable(bevs[i], EV_READ);
  }
  for (int i = 2; i >= 0; --i)
    send_text(peers[i], "x");
  run_ready(base);
  assert_string_equal(story.text, "p0:read(1) p1:read(1) p2:read(1)");
  assert_int_equal(bufferevent_priority_set(bevs[0], 3), -1);
  assert_int_equal(bufferevent_priority_set(bevs[0], -1), -1);
  for (int i = 0; i < 3; ++i) {
    bufferevent_free(bevs[i]);
    close(peers[i]);
  }
  event_base_free(base);
}

static void a_base_can_be_set_before_the_first_use(void** state) {
  (void)state;
  open_one(0);
  struct event_base* other = new_base();
  assert_int_equal(bufferevent_base_set(other, bev), 0);
  assert_ptr_equal(bufferevent_get_base(bev), other);
  bufferevent_enable(bev, EV_READ);
  send_text(peer, "x");
  run_ready(base);
  assert_string_equal(story.text, "");
  run_ready(other);
  assert_string_equal(story.text, "x:read(1)");
  assert_int_equal(bufferevent_base_set(base, bev), -1);
  bufferevent_free(bev);
  run_ready(other);
  event_base_free(other);
  close(peer);
  event_base_free(base);
}

static void the_old_constructor_uses_the_current_base(void** state) {
  (void)state;
  int pair[2];
  base = event_init();
  memset(&story, 0, sizeof story);
  memset(&teller, 0, sizeof teller);
  teller.story = &story;
  teller.name = "x";
  stream_pair(pair);
  bev = bufferevent_new(pair[0], tell_read, tell_write, tell_event, &teller);
  assert_non_null(bev);
  bufferevent_base_set(base, bev);
  bufferevent_enable(bev, EV_READ);
  send_text(pair[1], "old");
  run_ready(base);
  assert_string_equal(story.text, "x:read(3)");
  bufferevent_write(bev, "style", 5);
  run_ready(base);
  assert_received(pair[1], "style");
  bufferevent_free(bev);
  run_ready(base);
  close(pair[0]);
  close(pair[1]);
  event_base_free(base);
}

static void a_trigger_calls_back_at_once_and_heeds_the_marks(void** state) {
  (void)state;
  open_one(0);
  bufferevent_setwatermark(bev, EV_READ, 5, 0);
  bufferevent_trigger(bev, EV_READ, 0);
  assert_string_equal(story.text, "");
  bufferevent_trigger(bev, EV_READ, BEV_TRIG_IGNORE_WATERMARKS);
  assert_string_equal(story.text, "x:read(0)");
  bufferevent_trigger(bev, EV_READ | EV_WRITE, BEV_TRIG_IGNORE_WATERMARKS);
  assert_string_equal(story.text, "x:read(0) x:read(0) x:write(0)");
  bufferevent_disable(bev, EV_WRITE);
  bufferevent_write(bev, "abc", 3);
  bufferevent_trigger(bev, EV_WRITE, 0);
  assert_string_equal(story.text, "x:read(0) x:read(0) x:write(0)");
  bufferevent_setwatermark(bev, EV_WRITE, 3, 0);
  bufferevent_trigger(bev, EV_WRITE, 0);
  assert_string_equal(story.text, "x:read(0) x:read(0) x:write(0) x:write(3)");
  bufferevent_trigger_event(bev, 0x55, 0);
  assert_int_equal(teller.last_event, 0x55);
  close_one();
}

static void a_trigger_may_be_deferred(void** state) {
  (void)state;
  open_one(0);
  bufferevent_trigger(bev, EV_READ | EV_WRITE, BEV_TRIG_DEFER_CALLBACKS);
  bufferevent_trigger_event(bev, BEV_EVENT_EOF, BEV_TRIG_DEFER_CALLBACKS);
  assert_string_equal(story.text, "");
  run_ready(base);
  assert_string_equal(story.text, "x:read(0) x:write(0) x:event(0x10)");
  close_one();
}

static void triggers_without_callbacks_do_nothing(void** state) {
  (void)state;
  open_one(0);
  bufferevent_setcb(bev, NULL, NULL, NULL, NULL);
  bufferevent_trigger(bev, EV_READ | EV_WRITE, BEV_TRIG_IGNORE_WATERMARKS);
  bufferevent_trigger_event(bev, 0x7f, 0);
  bufferevent_trigger(bev, EV_READ, BEV_TRIG_DEFER_CALLBACKS);
  run_ready(base);
  close_one();
}

static void deferred_callbacks_are_merged_and_ordered(void** state) {
  (void)state;
  open_one(BEV_OPT_DEFER_CALLBACKS);
  bufferevent_trigger(bev, EV_READ, BEV_TRIG_IGNORE_WATERMARKS);
  bufferevent_trigger(bev, EV_READ, BEV_TRIG_IGNORE_WATERMARKS);
  bufferevent_trigger_event(bev, BEV_EVENT_EOF | BEV_EVENT_READING, 0);
  bufferevent_trigger(bev, EV_WRITE, BEV_TRIG_IGNORE_WATERMARKS);
  bufferevent_trigger_event(bev, BEV_EVENT_CONNECTED, 0);
  bufferevent_trigger_event(bev, BEV_EVENT_WRITING, 0);
  assert_string_equal(story.text, "");
  assert_int_equal(event_base_get_num_events(base, EVENT_BASE_COUNT_ACTIVE), 1);
  run_ready(base);
  assert_string_equal(story.text, "x:event(0x80) x:read(0) x:write(0) x:event(0x13)");
  close_one();
}

static void a_deferred_event_keeps_the_error_of_its_time(void** state) {
  (void)state;
  open_one(BEV_OPT_DEFER_CALLBACKS);
  EVUTIL_SET_SOCKET_ERROR(ENETDOWN);
  bufferevent_trigger_event(bev, BEV_EVENT_ERROR, 0);
  EVUTIL_SET_SOCKET_ERROR(0);
  run_ready(base);
  assert_int_equal(teller.last_error, ENETDOWN);
  close_one();
}

static void deferred_reading_still_sees_everything(void** state) {
  (void)state;
  open_one(BEV_OPT_DEFER_CALLBACKS);
  bufferevent_enable(bev, EV_READ);
  send_text(peer, "data");
  shutdown(peer, SHUT_WR);
  run_ready(base);
  bufferevent_write(bev, "reply", 5);
  run_ready(base);
  assert_received(peer, "reply");
  assert_string_equal(story.text, "x:read(4) x:event(0x11) x:write(0)");
  close_one();
}

static void deferred_callbacks_of_a_freed_one_never_run(void** state) {
  (void)state;
  open_one(BEV_OPT_DEFER_CALLBACKS);
  int fd = bufferevent_getfd(bev);
  bufferevent_trigger(bev, EV_READ | EV_WRITE, BEV_TRIG_IGNORE_WATERMARKS);
  bufferevent_trigger_event(bev, BEV_EVENT_ERROR, 0);
  bufferevent_free(bev);
  run_ready(base);
  assert_string_equal(story.text, "");
  assert_false(descriptor_is_open(fd));
  close(peer);
  event_base_free(base);
}

static void note_buffer(struct evbuffer* buffer, const struct evbuffer_cb_info* info, void* arg) {
  (void)buffer;
  tell(arg, "+%zu-%zu", info->n_added, info->n_deleted);
}

static void buffers_tell_their_own_watchers_too(void** state) {
  (void)state;
  open_one(0);
  evbuffer_add_cb(bufferevent_get_input(bev), note_buffer, &story);
  evbuffer_add_cb(bufferevent_get_output(bev), note_buffer, &story);
  bufferevent_enable(bev, EV_READ);
  send_text(peer, "abc");
  run_ready(base);
  bufferevent_write(bev, "de", 2);
  run_ready(base);
  assert_string_equal(story.text, "+3-0 x:read(3) +2-0 +0-2 x:write(0)");
  close_one();
}

static void change_callbacks(struct bufferevent* me, void* context) {
  tell_read(me, context);
  bufferevent_setcb(me, NULL, tell_write, tell_event, context);
}

static void callbacks_may_be_changed_from_within(void** state) {
  (void)state;
  open_one(0);
  bufferevent_setcb(bev, change_callbacks, NULL, NULL, &teller);
  bufferevent_enable(bev, EV_READ);
  send_text(peer, "a");
  run_ready(base);
  send_text(peer, "b");
  run_ready(base);
  bufferevent_write(bev, "c", 1);
  run_ready(base);
  assert_string_equal(story.text, "x:read(1) x:write(0)");
  close_one();
}

const struct CMUnitTest bev_callbacks_tests[] = {
    cmocka_unit_test(priorities_order_the_callbacks),
    cmocka_unit_test(a_base_can_be_set_before_the_first_use),
    cmocka_unit_test(the_old_constructor_uses_the_current_base),
    cmocka_unit_test(a_trigger_calls_back_at_once_and_heeds_the_marks),
    cmocka_unit_test(a_trigger_may_be_deferred),
    cmocka_unit_test(triggers_without_callbacks_do_nothing),
    cmocka_unit_test(deferred_callbacks_are_merged_and_ordered),
    cmocka_unit_test(a_deferred_event_keeps_the_error_of_its_time),
    cmocka_unit_test(deferred_reading_still_sees_everything),
    cmocka_unit_test(deferred_callbacks_of_a_freed_one_never_run),
    cmocka_unit_test(buffers_tell_their_own_watchers_too),
    cmocka_unit_test(callbacks_may_be_changed_from_within),
};
const size_t bev_callbacks_test_count = COUNT_OF(bev_callbacks_tests);
