/* Socket bufferevents: what a new one is, reading, writing, the end of the stream and errors. */
#include "conformance/buffers/stream.h"

static void a_new_one_has_the_documented_defaults(void** state) {
  (void)state;
  struct event_base* base = new_base();
  event_base_priority_init(base, 5);
  int peer;
  struct bufferevent* bev = socket_bev(base, BEV_OPT_CLOSE_ON_FREE, &peer);
  size_t low = 9, high = 9;
  bufferevent_data_cb read_cb = tell_read, write_cb = tell_write;
  bufferevent_event_cb event_cb = tell_event;
  void* context = &low;
  assert_int_equal(bufferevent_get_enabled(bev), EV_WRITE);
  assert_ptr_equal(bufferevent_get_base(bev), base);
  assert_int_equal(bufferevent_get_priority(bev), 2);
  assert_true(bufferevent_getfd(bev) >= 0);
  assert_null(bufferevent_get_underlying(bev));
  assert_int_equal(bufferevent_getwatermark(bev, EV_READ, &low, &high), 0);
  assert_int_equal(low | high, 0);
  low = high = 9;
  assert_int_equal(bufferevent_getwatermark(bev, EV_WRITE, &low, &high), 0);
  assert_int_equal(low | high, 0);
  bufferevent_getcb(bev, &read_cb, &write_cb, &event_cb, &context);
  assert_true(!read_cb && !write_cb && !event_cb && !context);
  assert_int_equal(bufferevent_get_max_single_read(bev), 16384);
  assert_int_equal(bufferevent_get_max_single_write(bev), 16384);
  assert_int_equal(bufferevent_get_max_to_read(bev), 16384);
  assert_int_equal(bufferevent_get_max_to_write(bev), 16384);
  assert_int_equal(bufferevent_get_read_limit(bev), EV_SSIZE_MAX);
  assert_int_equal(bufferevent_get_write_limit(bev), EV_SSIZE_MAX);
  assert_null(bufferevent_get_token_bucket_cfg(bev));
  assert_int_equal(bufferevent_socket_get_dns_error(bev), 0);
  assert_int_equal(evbuffer_get_length(bufferevent_get_input(bev)), 0);
  assert_int_equal(evbuffer_get_length(bufferevent_get_output(bev)), 0);
  assert_int_equal(event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED), 0);
  bufferevent_free(bev);
  close(peer);
  event_base_free(base);
}

static void unlocked_callbacks_need_deferred_ones(void** state) {
  (void)state;
  struct event_base* base = new_base();
  assert_null(bufferevent_socket_new(base, -1, BEV_OPT_UNLOCK_CALLBACKS));
  struct bufferevent* bev =
      bufferevent_socket_new(base, -1, BEV_OPT_UNLOCK_CALLBACKS | BEV_OPT_DEFER_CALLBACKS);
  assert_non_null(bev);
  assert_int_equal(bufferevent_getfd(bev), -1);
  bufferevent_free(bev);
  event_base_free(base);
}

static void a_thread_safe_one_needs_thread_support(void** state) {
  (void)state;
  struct event_base* base = new_base();
  struct bufferevent* pair[2];
  assert_null(bufferevent_socket_new(base, -1, BEV_OPT_THREADSAFE));
  assert_int_equal(bufferevent_pair_new(base, BEV_OPT_THREADSAFE, pair), -1);
  run_ready(base);
  event_base_free(base);
}

static void the_struct_shows_what_the_functions_set(void** state) {
  (void)state;
  struct event_base* base = new_base();
  int peer;
  struct bufferevent* bev = socket_bev(base, BEV_OPT_CLOSE_ON_FREE, &peer);
  struct timeval read_timeout = {3, 4}, write_timeout = {5, 6};
  struct teller teller;
  struct story story = {"", 0};
  listen_to(&teller, &story, "x", bev);
  bufferevent_setwatermark(bev, EV_READ, 1, 2);
  bufferevent_setwatermark(bev, EV_WRITE, 3, 4);
  bufferevent_set_timeouts(bev, &read_timeout, &write_timeout);
  bufferevent_enable(bev, EV_READ);
  assert_ptr_equal(bev->ev_base, base);
  assert_ptr_equal(bev->input, bufferevent_get_input(bev));
  assert_ptr_equal(bev->output, bufferevent_get_output(bev));
  assert_int_equal(bev->wm_read.low, 1);
  assert_int_equal(bev->wm_read.high, 2);
  assert_int_equal(bev->wm_write.low, 3);
  assert_int_equal(bev->wm_write.high, 4);
  assert_int_equal(bev->timeout_read.tv_sec, 3);
  assert_int_equal(bev->timeout_write.tv_usec, 6);
  assert_int_equal(bev->enabled, EV_READ | EV_WRITE);
  assert_true(bev->readcb == tell_read && bev->writecb == tell_write && bev->errorcb == tell_event);
  assert_ptr_equal(bev->cbarg, &teller);
  assert_int_equal(event_get_fd(&bev->ev_read), bufferevent_getfd(bev));
  assert_int_equal(event_get_fd(&bev->ev_write), bufferevent_getfd(bev));
  assert_ptr_equal(event_get_base(&bev->ev_read), base);
  assert_int_equal(event_get_events(&bev->ev_read) & EV_READ, EV_READ);
  assert_int_equal(event_pending(&bev->ev_read, EV_READ, NULL), EV_READ);
  bufferevent_free(bev);
  close(peer);
  event_base_free(base);
}

static void its_events_count_like_any_others(void** state) {
  (void)state;
  struct event_base* base = new_base();
  struct timeval long_time = {1000, 0};
  int peer;
  struct bufferevent* bev = socket_bev(base, BEV_OPT_CLOSE_ON_FREE, &peer);
  bufferevent_enable(bev, EV_READ);
  assert_int_equal(event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED), 1);
  bufferevent_set_timeouts(bev, &long_time, NULL);
  assert_int_equal(event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED), 2);
  assert_int_equal(event_pending(&bev->ev_read, EV_READ | EV_TIMEOUT, NULL), EV_READ | EV_TIMEOUT);
  assert_int_equal(event_pending(&bev->ev_write, EV_WRITE, NULL), 0);
  bufferevent_write(bev, "x", 1);
  assert_int_equal(event_pending(&bev->ev_write, EV_WRITE, NULL), EV_WRITE);
  run_ready(base);
  assert_int_equal(event_pending(&bev->ev_write, EV_WRITE, NULL), 0);
  bufferevent_disable(bev, EV_READ);
  assert_int_equal(event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED), 0);
  assert_int_equal(event_pending(&bev->ev_read, EV_READ | EV_TIMEOUT, NULL), 0);
  bufferevent_free(bev);
  close(peer);
  event_base_free(base);
}

static void a_loop_lives_as_long_as_one_reads(void** state) {
  (void)state;
  struct event_base* base = new_base();
  int peer;
  struct bufferevent* bev = socket_bev(base, BEV_OPT_CLOSE_ON_FREE, &peer);
  assert_int_equal(event_base_dispatch(base), 1);
  struct story story = {"", 0};
  struct teller teller;
  listen_to(&teller, &story, "x", bev);
  bufferevent_enable(bev, EV_READ);
  close(peer);
  assert_int_equal(event_base_dispatch(base), 1);
  assert_string_equal(story.text, "x:event(0x11)");
  bufferevent_free(bev);
  event_base_free(base);
}

static void what_the_peer_sends_is_read(void** state) {
  (void)state;
  struct event_base* base = new_base();
  struct story story = {"", 0};
  struct teller teller;
  int peer;
  struct bufferevent* bev = socket_bev(base, BEV_OPT_CLOSE_ON_FREE, &peer);
  listen_to(&teller, &story, "x", bev);
  send_text(peer, "before");
  run_ready(base);
  assert_string_equal(story.text, "");
  bufferevent_enable(bev, EV_READ);
  run_ready(base);
  send_text(peer, " after");
  run_ready(base);
  assert_string_equal(story.text, "x:read(6) x:read(12)");
  assert_input(bev, "before after");
  bufferevent_free(bev);
  close(peer);
  event_base_free(base);
}

static void what_is_written_leaves_in_the_loop_not_before(void** state) {
  (void)state;
  struct event_base* base = new_base();
  struct story story = {"", 0};
  struct teller teller;
  int peer;
  struct bufferevent* bev = socket_bev(base, BEV_OPT_CLOSE_ON_FREE, &peer);
  listen_to(&teller, &story, "x", bev);
  assert_int_equal(bufferevent_write(bev, "one ", 4), 0);
  assert_int_equal(bufferevent_write(bev, "two", 3), 0);
  assert_int_equal(evbuffer_get_length(bufferevent_get_output(bev)), 7);
  assert_received(peer, "");
  run_ready(base);
  assert_received(peer, "one two");
  assert_string_equal(story.text, "x:write(0)");
  bufferevent_free(bev);
  close(peer);
  event_base_free(base);
}

static void write_in_read_callback(struct bufferevent* bev, void* context) {
  tell_read(bev, context);
  bufferevent_write_buffer(bev, bufferevent_get_input(bev));
  tell(((struct teller*)context)->story, "left(%zu)",
       evbuffer_get_length(bufferevent_get_output(bev)));
}

static void what_a_callback_writes_leaves_after_it(void** state) {
  (void)state;
  struct event_base* base = new_base();
  struct story story = {"", 0};
  struct teller teller;
  int peer;
  struct bufferevent* bev = socket_bev(base, BEV_OPT_CLOSE_ON_FREE, &peer);
  listen_to(&teller, &story, "x", bev);
  bufferevent_setcb(bev, write_in_read_callback, tell_write, tell_event, &teller);
  bufferevent_enable(bev, EV_READ);
  send_text(peer, "echo");
  run_ready(base);
  assert_received(peer, "echo");
  assert_string_equal(story.text, "x:read(4) left(4) x:write(0)");
  bufferevent_free(bev);
  close(peer);
  event_base_free(base);
}

static void enabling_write_with_nothing_to_write_asks_for_bytes_once(void** state) {
  (void)state;
  struct event_base* base = new_base();
  struct story story = {"", 0};
  struct teller teller;
  int peer;
  struct bufferevent* bev = socket_bev(base, BEV_OPT_CLOSE_ON_FREE, &peer);
  listen_to(&teller, &story, "x", bev);
  run_ready(base);
  assert_string_equal(story.text, "");
  bufferevent_enable(bev, EV_WRITE);
  assert_string_equal(story.text, "");
  run_ready(base);
  assert_string_equal(story.text, "x:write(0)");
  bufferevent_free(bev);
  close(peer);
  event_base_free(base);
}

static void the_end_of_the_stream_is_an_event(void** state) {
  (void)state;
  struct event_base* base = new_base();
  struct story story = {"", 0};
  struct teller teller;
  int peer;
  struct bufferevent* bev = socket_bev(base, BEV_OPT_CLOSE_ON_FREE, &peer);
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

static void after_a_half_close_the_other_half_still_works(void** state) {
  (void)state;
  struct event_base* base = new_base();
  struct story story = {"", 0};
  struct teller teller;
  int peer;
  struct bufferevent* bev = socket_bev(base, BEV_OPT_CLOSE_ON_FREE, &peer);
  listen_to(&teller, &story, "x", bev);
  bufferevent_enable(bev, EV_READ);
  send_text(peer, "question");
  shutdown(peer, SHUT_WR);
  run_ready(base);
  bufferevent_write(bev, "answer", 6);
  run_ready(base);
  assert_received(peer, "answer");
  assert_string_equal(story.text, "x:read(8) x:event(0x11) x:write(0)");
  bufferevent_free(bev);
  close(peer);
  event_base_free(base);
}

static void a_reset_is_an_error_while_reading(void** state) {
  (void)state;
  struct event_base* base = new_base();
  struct story story = {"", 0};
  struct teller teller;
  struct linger now = {1, 0};
  int pair[2];
  tcp_pair(pair);
  struct bufferevent* bev = bufferevent_socket_new(base, pair[0], BEV_OPT_CLOSE_ON_FREE);
  listen_to(&teller, &story, "x", bev);
  bufferevent_enable(bev, EV_READ);
  setsockopt(pair[1], SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close(pair[1]);
  run_until(base, &teller.events);
  assert_string_equal(story.text, "x:event(0x21)");
  assert_int_equal(teller.last_error, ECONNRESET);
  assert_int_equal(bufferevent_get_enabled(bev), EV_WRITE);
  bufferevent_free(bev);
  event_base_free(base);
}

static void a_vanished_reader_is_an_error_while_writing(void** state) {
  (void)state;
  struct event_base* base = new_base();
  struct story story = {"", 0};
  struct teller teller;
  int peer;
  struct bufferevent* bev = socket_bev(base, BEV_OPT_CLOSE_ON_FREE, &peer);
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
  struct event_base* base = new_base();
  struct story story = {"", 0};
  struct teller teller;
  struct linger now = {1, 0};
  int pair[2];
  tcp_pair(pair);
  struct bufferevent* bev = bufferevent_socket_new(base, pair[0], BEV_OPT_CLOSE_ON_FREE);
  listen_to(&teller, &story, "x", bev);
  unsigned char* bytes = pattern_new(0, 8 << 20);
  bufferevent_write(bev, bytes, 8 << 20);
  run_ready(base);
  run_for(base, 50);
  assert_true(evbuffer_get_length(bufferevent_get_output(bev)) > 0);
  setsockopt(pair[1], SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close(pair[1]);
  run_until(base, &teller.events);
  assert_int_equal(teller.last_event, BEV_EVENT_WRITING | BEV_EVENT_ERROR);
  assert_int_equal(bufferevent_get_enabled(bev) & EV_WRITE, 0);
  free(bytes);
  bufferevent_free(bev);
  event_base_free(base);
}

static void a_dead_descriptor_can_not_be_enabled(void** state) {
  (void)state;
  struct event_base* base = new_base();
  int peer;
  struct bufferevent* bev = socket_bev(base, 0, &peer);
  close(bufferevent_getfd(bev));
  assert_int_equal(bufferevent_enable(bev, EV_READ), -1);
  bufferevent_free(bev);
  close(peer);
  event_base_free(base);
}

static void without_a_descriptor_enabling_does_no_harm(void** state) {
  (void)state;
  struct event_base* base = new_base();
  struct story story = {"", 0};
  struct teller teller;
  struct bufferevent* bev = bufferevent_socket_new(base, -1, 0);
  listen_to(&teller, &story, "x", bev);
  assert_int_equal(bufferevent_enable(bev, EV_READ | EV_WRITE), 0);
  assert_int_equal(bufferevent_write(bev, "kept", 4), 0);
  run_ready(base);
  assert_int_equal(evbuffer_get_length(bufferevent_get_output(bev)), 4);
  assert_string_equal(story.text, "");
  bufferevent_free(bev);
  event_base_free(base);
}

static void a_disabled_writer_keeps_its_bytes(void** state) {
  (void)state;
  struct event_base* base = new_base();
  int peer;
  struct bufferevent* bev = socket_bev(base, BEV_OPT_CLOSE_ON_FREE, &peer);
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
  bufferevent_free(bev);
  close(peer);
  event_base_free(base);
}

static void whole_buffers_move_through(void** state) {
  (void)state;
  struct event_base* base = new_base();
  int peer;
  struct bufferevent* bev = socket_bev(base, BEV_OPT_CLOSE_ON_FREE, &peer);
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
  bufferevent_free(bev);
  close(peer);
  event_base_free(base);
}

static void a_file_in_the_output_is_sent(void** state) {
  (void)state;
  struct event_base* base = new_base();
  struct story story = {"", 0};
  struct teller teller;
  int peer;
  struct bufferevent* bev = socket_bev(base, BEV_OPT_CLOSE_ON_FREE, &peer);
  listen_to(&teller, &story, "x", bev);
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
  bufferevent_free(bev);
  close(peer);
  event_base_free(base);
}

static void the_user_can_not_meddle_with_the_far_ends(void** state) {
  (void)state;
  struct event_base* base = new_base();
  int peer;
  struct bufferevent* bev = socket_bev(base, BEV_OPT_CLOSE_ON_FREE, &peer);
  assert_int_equal(evbuffer_add(bufferevent_get_input(bev), "x", 1), -1);
  bufferevent_write(bev, "abc", 3);
  assert_int_equal(evbuffer_drain(bufferevent_get_output(bev), 1), -1);
  assert_int_equal(evbuffer_prepend(bufferevent_get_output(bev), "x", 1), -1);
  run_ready(base);
  assert_received(peer, "abc");
  bufferevent_free(bev);
  close(peer);
  event_base_free(base);
}

static void the_descriptor_is_closed_only_if_asked(void** state) {
  (void)state;
  struct event_base* base = new_base();
  for (int close_it = 0; close_it < 2; ++close_it) {
    int peer;
    struct bufferevent* bev = socket_bev(base, close_it ? BEV_OPT_CLOSE_ON_FREE : 0, &peer);
    int fd = bufferevent_getfd(bev);
    bufferevent_enable(bev, EV_READ | EV_WRITE);
    bufferevent_free(bev);
    run_ready(base);
    assert_int_equal(descriptor_is_open(fd), !close_it);
    if (!close_it) close(fd);
    close(peer);
  }
  event_base_free(base);
}

static void another_descriptor_takes_over(void** state) {
  (void)state;
  struct event_base* base = new_base();
  struct story story = {"", 0};
  struct teller teller;
  int first_peer, pair[2];
  struct bufferevent* bev = socket_bev(base, BEV_OPT_CLOSE_ON_FREE, &first_peer);
  int first = bufferevent_getfd(bev);
  listen_to(&teller, &story, "x", bev);
  bufferevent_enable(bev, EV_READ);
  run_ready(base);
  stream_pair(pair);
  assert_int_equal(bufferevent_setfd(bev, pair[0]), 0);
  assert_int_equal(bufferevent_getfd(bev), pair[0]);
  send_text(first_peer, "old");
  send_text(pair[1], "new");
  bufferevent_write(bev, "out", 3);
  run_ready(base);
  assert_received(pair[1], "out");
  assert_received(first_peer, "");
  assert_input(bev, "new");
  assert_true(descriptor_is_open(first));
  close(first);
  bufferevent_free(bev);
  close(first_peer);
  close(pair[1]);
  event_base_free(base);
}

static void a_taken_away_descriptor_goes_quiet(void** state) {
  (void)state;
  struct event_base* base = new_base();
  struct story story = {"", 0};
  struct teller teller;
  int peer;
  struct bufferevent* bev = socket_bev(base, 0, &peer);
  int fd = bufferevent_getfd(bev);
  listen_to(&teller, &story, "x", bev);
  bufferevent_enable(bev, EV_READ);
  run_ready(base);
  assert_int_equal(bufferevent_setfd(bev, -1), 0);
  assert_int_equal(bufferevent_getfd(bev), -1);
  send_text(peer, "unheard");
  run_ready(base);
  story.used = 0;
  story.text[0] = 0;
  assert_int_equal(bufferevent_setfd(bev, fd), 0);
  run_ready(base);
  assert_non_null(strstr(story.text, "x:read(7)"));
  close(fd);
  bufferevent_free(bev);
  close(peer);
  event_base_free(base);
}

static void a_flush_does_nothing_and_says_so(void** state) {
  (void)state;
  struct event_base* base = new_base();
  int peer;
  struct bufferevent* bev = socket_bev(base, BEV_OPT_CLOSE_ON_FREE, &peer);
  bufferevent_write(bev, "abc", 3);
  assert_int_equal(bufferevent_flush(bev, EV_READ | EV_WRITE, BEV_NORMAL), 0);
  assert_int_equal(bufferevent_flush(bev, EV_READ | EV_WRITE, BEV_FLUSH), 0);
  assert_int_equal(bufferevent_flush(bev, EV_READ | EV_WRITE, BEV_FINISHED), 0);
  assert_received(peer, "");
  bufferevent_free(bev);
  close(peer);
  event_base_free(base);
}

static void one_operation_moves_at_most_what_is_allowed(void** state) {
  (void)state;
  struct event_base* base = new_base();
  struct story story = {"", 0};
  struct teller teller;
  int peer;
  struct bufferevent* bev = socket_bev(base, BEV_OPT_CLOSE_ON_FREE, &peer);
  listen_to(&teller, &story, "x", bev);
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
  bufferevent_free(bev);
  close(peer);
  event_base_free(base);
}

static void holding_and_letting_go_are_counted(void** state) {
  (void)state;
  struct event_base* base = new_base();
  int peer;
  struct bufferevent* bev = socket_bev(base, BEV_OPT_CLOSE_ON_FREE, &peer);
  int fd = bufferevent_getfd(bev);
  bufferevent_incref(bev);
  assert_int_equal(bufferevent_decref(bev), 0);
  bufferevent_incref(bev);
  bufferevent_free(bev);
  run_ready(base);
  assert_true(descriptor_is_open(fd));
  bufferevent_write(bev, "still here", 10);
  run_ready(base);
  assert_received(peer, "still here");
  assert_int_equal(bufferevent_decref(bev), 1);
  run_ready(base);
  assert_false(descriptor_is_open(fd));
  close(peer);
  event_base_free(base);
}

static void locking_without_threads_only_holds(void** state) {
  (void)state;
  struct event_base* base = new_base();
  int peer;
  struct bufferevent* bev = socket_bev(base, BEV_OPT_CLOSE_ON_FREE, &peer);
  bufferevent_lock(bev);
  bufferevent_write(bev, "x", 1);
  bufferevent_unlock(bev);
  run_ready(base);
  assert_received(peer, "x");
  bufferevent_free(bev);
  close(peer);
  event_base_free(base);
}

static void a_large_stream_arrives_whole(void** state) {
  (void)state;
  struct event_base* base = new_base();
  struct story story = {"", 0};
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

const struct CMUnitTest bev_socket_tests[] = {
    cmocka_unit_test(a_new_one_has_the_documented_defaults),
    cmocka_unit_test(unlocked_callbacks_need_deferred_ones),
    cmocka_unit_test(a_thread_safe_one_needs_thread_support),
    cmocka_unit_test(the_struct_shows_what_the_functions_set),
    cmocka_unit_test(its_events_count_like_any_others),
    cmocka_unit_test(a_loop_lives_as_long_as_one_reads),
    cmocka_unit_test(what_the_peer_sends_is_read),
    cmocka_unit_test(what_is_written_leaves_in_the_loop_not_before),
    cmocka_unit_test(what_a_callback_writes_leaves_after_it),
    cmocka_unit_test(enabling_write_with_nothing_to_write_asks_for_bytes_once),
    cmocka_unit_test(the_end_of_the_stream_is_an_event),
    cmocka_unit_test(after_a_half_close_the_other_half_still_works),
    cmocka_unit_test(a_reset_is_an_error_while_reading),
    cmocka_unit_test(a_vanished_reader_is_an_error_while_writing),
    cmocka_unit_test(a_reset_in_the_middle_of_a_long_write_is_an_error),
    cmocka_unit_test(a_dead_descriptor_can_not_be_enabled),
    cmocka_unit_test(without_a_descriptor_enabling_does_no_harm),
    cmocka_unit_test(a_disabled_writer_keeps_its_bytes),
    cmocka_unit_test(whole_buffers_move_through),
    cmocka_unit_test(a_file_in_the_output_is_sent),
    cmocka_unit_test(the_user_can_not_meddle_with_the_far_ends),
    cmocka_unit_test(the_descriptor_is_closed_only_if_asked),
    cmocka_unit_test(another_descriptor_takes_over),
    cmocka_unit_test(a_taken_away_descriptor_goes_quiet),
    cmocka_unit_test(a_flush_does_nothing_and_says_so),
    cmocka_unit_test(one_operation_moves_at_most_what_is_allowed),
    cmocka_unit_test(holding_and_letting_go_are_counted),
    cmocka_unit_test(locking_without_threads_only_holds),
    cmocka_unit_test(a_large_stream_arrives_whole),
};
const size_t bev_socket_test_count = COUNT_OF(bev_socket_tests);
