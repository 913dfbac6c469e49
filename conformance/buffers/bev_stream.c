/* Bytes through socket bufferevents: reading, writing, the end of the stream and errors. */
#include "conformance/buffers/one_bev.h"

static void what_the_peer_sends_is_read(void** state) {
  (void)state;
  open_one(0);
  send_text(peer, "before");
  run_ready(base);
  assert_string_equal(story.text, "");
  bufferevent_enable(bev, EV_READ);
  run_ready(base);
  send_text(peer, " after");
  run_ready(base);
  assert_string_equal(story.text, "x:read(6) x:read(12)");
  assert_input(bev, "before after");
  close_one();
}

static void what_is_written_leaves_in_the_loop_not_before(void** state) {
  (void)state;
  open_one(0);
  assert_int_equal(bufferevent_write(bev, "one ", 4), 0);
  assert_int_equal(bufferevent_write(bev, "two", 3), 0);
  assert_int_equal(evbuffer_get_length(bufferevent_get_output(bev)), 7);
  assert_received(peer, "");
  run_ready(base);
  assert_received(peer, "one two");
  assert_string_equal(story.text, "x:write(0)");
  close_one();
}

static void write_in_read_callback(struct bufferevent* bev, void* context) {
  tell_read(bev, context);
  bufferevent_write_buffer(bev, bufferevent_get_input(bev));
  tell(((struct teller*)context)->story, "left(%zu)",
       evbuffer_get_length(bufferevent_get_output(bev)));
}

static void what_a_callback_writes_leaves_after_it(void** state) {
  (void)state;
  open_one(0);
  bufferevent_setcb(bev, write_in_read_callback, tell_write, tell_event, &teller);
  bufferevent_enable(bev, EV_READ);
  send_text(peer, "echo");
  run_ready(base);
  assert_received(peer, "echo");
  assert_string_equal(story.text, "x:read(4) left(4) x:write(0)");
  close_one();
}

static void enabling_write_with_nothing_to_write_asks_for_bytes_once(void** state) {
  (void)state;
  open_one(0);
  run_ready(base);
  assert_string_equal(story.text, "");
  bufferevent_enable(bev, EV_WRITE);
  assert_string_equal(story.text, "");
  run_ready(base);
  assert_string_equal(story.text, "x:write(0)");
  close_one();
}

static void the_end_of_the_stream_is_an_event(void** state) {
  (void)state;
  base = new_base();
  bev = socket_bev(base, BEV_OPT_CLOSE_ON_FREE, &peer);
  listen_to(&teller, &story, "x", bev);
  bufferevent_enable(bev, EV_READ);
  send_text(peer, "last words");
  close(peer);
  run_ready(base);
  assert_string_equal(story.text, "x:read(10) x:event(0x11)");
  assert_int_equal(bufferevent_get_enabled(bev), EV_WRITE);
  assert_input(bev, "last words");
  bufferevent_free(bev);
  event_base_free(base);
}

static void an_end_is_reported_again_to_who_reads_on(void** state) {
  (void)state;
  open_one(0);
  bufferevent_enable(bev, EV_READ);
  close_peer();
  for (int times = 1; times <= 3; ++times) {
    run_ready(base);
    assert_int_equal(teller.events, times);
    assert_int_equal(teller.last_event, BEV_EVENT_READING | BEV_EVENT_EOF);
    bufferevent_enable(bev, EV_READ);
  }
  close_one();
}

static void the_end_behind_an_error_is_reported_to_who_reads_on(void** state) {
  (void)state;
  open_one(0);
  bufferevent_enable(bev, EV_READ);
  bufferevent_write(bev, "unread", 6);
  run_ready(base);
  close_peer();
  run_ready(base);
  assert_string_equal(story.text, "x:write(0) x:event(0x21)");
  assert_int_equal(teller.last_error, ECONNRESET);
  bufferevent_enable(bev, EV_READ);
  run_ready(base);
  assert_string_equal(story.text, "x:write(0) x:event(0x21) x:event(0x11)");
  close_one();
}

static void after_a_half_close_the_other_half_still_works(void** state) {
  (void)state;
  open_one(0);
  bufferevent_enable(bev, EV_READ);
  send_text(peer, "question");
  shutdown(peer, SHUT_WR);
  run_ready(base);
  bufferevent_write(bev, "answer", 6);
  run_ready(base);
  assert_received(peer, "answer");
  assert_string_equal(story.text, "x:read(8) x:event(0x11) x:write(0)");
  close_one();
}

static void a_reset_is_an_error_while_reading(void** state) {
  (void)state;
  open_tcp(0);
  bufferevent_enable(bev, EV_READ);
  reset_peer();
  run_until(base, &teller.events);
  assert_string_equal(story.text, "x:event(0x21)");
  assert_int_equal(teller.last_error, ECONNRESET);
  assert_int_equal(bufferevent_get_enabled(bev), EV_WRITE);
  close_one();
}

static void a_vanished_reader_is_an_error_while_writing(void** state) {
  (void)state;
  base = new_base();
  bev = socket_bev(base, BEV_OPT_CLOSE_ON_FREE, &peer);
  listen_to(&teller, &story, "x", bev);
  close(peer);
  bufferevent_write(bev, "for nobody", 10);
  run_ready(base);
  assert_string_equal(story.text, "x:event(0x22)");
  assert_int_equal(teller.last_error, EPIPE);
  assert_int_equal(bufferevent_get_enabled(bev), 0);
  assert_int_equal(evbuffer_get_length(bufferevent_get_output(bev)), 10);
  bufferevent_free(bev);
  event_base_free(base);
}

static void a_reset_in_the_middle_of_a_long_write_is_an_error(void** state) {
  (void)state;
  open_tcp(0);
  unsigned char* bytes = pattern_new(0, 8 << 20);
  bufferevent_write(bev, bytes, 8 << 20);
  run_ready(base);
  run_for(base, 50);
  assert_true(evbuffer_get_length(bufferevent_get_output(bev)) > 0);
  reset_peer();
  run_until(base, &teller.events);
  assert_int_equal(teller.last_event, BEV_EVENT_WRITING | BEV_EVENT_ERROR);
  assert_int_equal(bufferevent_get_enabled(bev) & EV_WRITE, 0);
  free(bytes);
  close_one();
}

static void a_disabled_writer_keeps_its_bytes(void** state) {
  (void)state;
  open_one(0);
  assert_int_equal(bufferevent_disable(bev, EV_WRITE), 0);
  bufferevent_write(bev, "waiting", 7);
  run_ready(base);
  assert_received(peer, "");
  assert_int_equal(bufferevent_enable(bev, EV_WRITE), 0);
  run_ready(base);
  assert_received(peer, "waiting");
  bufferevent_write(bev, "gone", 4);
  bufferevent_disable(bev, EV_WRITE);
  run_ready(base);
  assert_received(peer, "");
  close_one();
}

static void whole_buffers_move_through(void** state) {
  (void)state;
  open_one(0);
  struct evbuffer* buffer = buffer_in_pieces("piece ", "by ", "piece", NULL);
  assert_int_equal(bufferevent_write_buffer(bev, buffer), 0);
  assert_int_equal(evbuffer_get_length(buffer), 0);
  bufferevent_enable(bev, EV_READ);
  send_text(peer, "incoming");
  run_ready(base);
  assert_received(peer, "piece by piece");
  char four[5] = "";
  assert_int_equal(bufferevent_read(bev, four, 4), 4);
  assert_string_equal(four, "inco");
  assert_int_equal(bufferevent_read_buffer(bev, buffer), 0);
  assert_text(buffer, "ming");
  assert_int_equal(bufferevent_read(bev, four, 4), 0);
  evbuffer_free(buffer);
  close_one();
}

static void a_file_in_the_output_is_sent(void** state) {
  (void)state;
  open_one(0);
  struct evbuffer* output = bufferevent_get_output(bev);
  int file = pattern_file(30000);
  evbuffer_add(output, "<", 1);
  assert_int_equal(evbuffer_add_file(output, file, 0, 30000), 0);
  evbuffer_add(output, ">", 1);
  run_until(base, &teller.writes);
  unsigned char got[30003];
  assert_int_equal(recv(peer, got, sizeof got, MSG_WAITALL), 30002);
  assert_int_equal(got[0], '<');
  for (size_t i = 0; i < 30000; ++i)
    assert_int_equal(got[1 + i], pattern_byte(i));
  assert_int_equal(got[30001], '>');
  assert_false(descriptor_is_open(file));
  close_one();
}

static void one_operation_moves_at_most_what_is_allowed(void** state) {
  (void)state;
  open_one(0);
  assert_int_equal(bufferevent_set_max_single_read(bev, 4), 0);
  assert_int_equal(bufferevent_set_max_single_write(bev, 3), 0);
  assert_int_equal(bufferevent_get_max_single_read(bev), 4);
  assert_int_equal(bufferevent_get_max_to_write(bev), 3);
  bufferevent_enable(bev, EV_READ);
  send_text(peer, "0123456789");
  run_ready(base);
  assert_string_equal(story.text, "x:read(4) x:read(8) x:read(10)");
  story.used = 0;
  bufferevent_setwatermark(bev, EV_WRITE, 100, 0);
  bufferevent_write(bev, "abcdefg", 7);
  run_ready(base);
  assert_string_equal(story.text, "x:write(4) x:write(1) x:write(0)");
  assert_received(peer, "abcdefg");
  assert_int_equal(bufferevent_set_max_single_read(bev, 0), 0);
  assert_int_equal(bufferevent_set_max_single_write(bev, SIZE_MAX), 0);
  assert_int_equal(bufferevent_get_max_single_read(bev), 16384);
  assert_int_equal(bufferevent_get_max_single_write(bev), 16384);
  close_one();
}

static void a_large_stream_arrives_whole(void** state) {
  (void)state;
  base = new_base();
  struct teller sender_teller, teller;
  int pair[2];
  const size_t size = 5 << 20;
  tcp_pair(pair);
  struct bufferevent* sender = bufferevent_socket_new(base, pair[0], BEV_OPT_CLOSE_ON_FREE);
  struct bufferevent* receiver = bufferevent_socket_new(base, pair[1], BEV_OPT_CLOSE_ON_FREE);
  listen_to(&sender_teller, &story, "s", sender);
  bufferevent_setcb(receiver, NULL, NULL, tell_event, memset(&teller, 0, sizeof teller));
  teller.story = &story;
  teller.name = "r";
  unsigned char* bytes = pattern_new(0, size);
  bufferevent_write(sender, bytes, size);
  bufferevent_enable(receiver, EV_READ);
  run_until(base, &sender_teller.writes);
  bufferevent_free(sender);
  run_until(base, &teller.events);
  assert_string_equal(story.text, "s:write(0) r:event(0x11)");
  assert_holds(bufferevent_get_input(receiver), bytes, size);
  free(bytes);
  bufferevent_free(receiver);
  event_base_free(base);
}

const struct CMUnitTest bev_stream_tests[] = {
    cmocka_unit_test(what_the_peer_sends_is_read),
    cmocka_unit_test(what_is_written_leaves_in_the_loop_not_before),
    cmocka_unit_test(what_a_callback_writes_leaves_after_it),
    cmocka_unit_test(enabling_write_with_nothing_to_write_asks_for_bytes_once),
    cmocka_unit_test(the_end_of_the_stream_is_an_event),
    cmocka_unit_test(an_end_is_reported_again_to_who_reads_on),
    cmocka_unit_test(the_end_behind_an_error_is_reported_to_who_reads_on),
    cmocka_unit_test(after_a_half_close_the_other_half_still_works),
    cmocka_unit_test(a_reset_is_an_error_while_reading),
    cmocka_unit_test(a_vanished_reader_is_an_error_while_writing),
    cmocka_unit_test(a_reset_in_the_middle_of_a_long_write_is_an_error),
    cmocka_unit_test(a_disabled_writer_keeps_its_bytes),
    cmocka_unit_test(whole_buffers_move_through),
    cmocka_unit_test(a_file_in_the_output_is_sent),
    cmocka_unit_test(one_operation_moves_at_most_what_is_allowed),
    cmocka_unit_test(a_large_stream_arrives_whole),
};
const size_t bev_stream_test_count = COUNT_OF(bev_stream_tests);
