/* Paired bufferevents: two ends in one process, without a descriptor. */
#include "conformance/buffers/stream.h"

static struct event_base* base;
static struct bufferevent* pair[2];
static struct story story;
static struct teller tellers[2];

static void open_pair(int options) {
  base = new_base();
  memset(&story, 0, sizeof story);
  assert_int_equal(bufferevent_pair_new(base, options, pair), 0);
  listen_to(&tellers[0], &story, "a", pair[0]);
  listen_to(&tellers[1], &story, "b", pair[1]);
}

static void close_pair(void) {
  for (int i = 0; i < 2; ++i)
    if (pair[i]) bufferevent_free(pair[i]);
  run_ready(base);
  event_base_free(base);
}

static void each_knows_the_other(void** state) {
  (void)state;
  open_pair(0);
  assert_ptr_equal(bufferevent_pair_get_partner(pair[0]), pair[1]);
  assert_ptr_equal(bufferevent_pair_get_partner(pair[1]), pair[0]);
  assert_int_equal(bufferevent_getfd(pair[0]), -1);
  assert_int_equal(bufferevent_setfd(pair[0], 1), -1);
  assert_null(bufferevent_get_underlying(pair[0]));
  assert_int_equal(bufferevent_priority_set(pair[0], 0), -1);
  assert_int_equal(bufferevent_base_set(base, pair[0]), -1);
  assert_ptr_equal(bufferevent_get_base(pair[1]), base);
  bufferevent_free(pair[1]);
  run_ready(base);
  pair[1] = NULL;
  assert_null(bufferevent_pair_get_partner(pair[0]));
  close_pair();
}

static void a_socket_one_has_no_partner(void** state) {
  (void)state;
  base = new_base();
  struct bufferevent* bev = bufferevent_socket_new(base, -1, 0);
  assert_null(bufferevent_pair_get_partner(bev));
  bufferevent_free(bev);
  event_base_free(base);
}

static void bytes_cross_as_soon_as_the_other_reads(void** state) {
  (void)state;
  open_pair(0);
  bufferevent_write(pair[0], "hello", 5);
  assert_int_equal(evbuffer_get_length(bufferevent_get_output(pair[0])), 5);
  bufferevent_enable(pair[1], EV_READ);
  assert_int_equal(evbuffer_get_length(bufferevent_get_output(pair[0])), 0);
  assert_text(bufferevent_get_input(pair[1]), "hello");
  assert_string_equal(story.text, "");
  run_ready(base);
  assert_string_equal(story.text, "b:read(5) a:write(0)");
  bufferevent_write(pair[0], "more", 4);
  assert_text(bufferevent_get_input(pair[1]), "hellomore");
  close_pair();
}

static void a_disabled_side_neither_gives_nor_takes(void** state) {
  (void)state;
  open_pair(0);
  bufferevent_enable(pair[1], EV_READ);
  bufferevent_disable(pair[0], EV_WRITE);
  bufferevent_write(pair[0], "held", 4);
  run_ready(base);
  assert_int_equal(evbuffer_get_length(bufferevent_get_input(pair[1])), 0);
  bufferevent_enable(pair[0], EV_WRITE);
  assert_text(bufferevent_get_input(pair[1]), "held");
  bufferevent_disable(pair[1], EV_READ);
  bufferevent_write(pair[0], "back", 4);
  assert_int_equal(evbuffer_get_length(bufferevent_get_output(pair[0])), 4);
  bufferevent_enable(pair[1], EV_READ);
  assert_text(bufferevent_get_input(pair[1]), "heldback");
  close_pair();
}

static void the_high_mark_of_the_reader_bounds_what_crosses(void** state) {
  (void)state;
  open_pair(0);
  /* Not the reader: it is called again and again while its input is that full. */
  bufferevent_setcb(pair[1], NULL, NULL, NULL, NULL);
  bufferevent_setwatermark(pair[1], EV_READ, 0, 6);
  bufferevent_enable(pair[1], EV_READ);
  bufferevent_write(pair[0], "0123456789", 10);
  assert_text(bufferevent_get_input(pair[1]), "012345");
  assert_text(bufferevent_get_output(pair[0]), "6789");
  run_ready(base);
  assert_input(pair[1], "012345");
  run_ready(base);
  assert_text(bufferevent_get_input(pair[1]), "6789");
  close_pair();
}

static void the_low_mark_of_the_reader_delays_its_callback(void** state) {
  (void)state;
  open_pair(0);
  bufferevent_setwatermark(pair[1], EV_READ, 5, 0);
  bufferevent_enable(pair[1], EV_READ);
  bufferevent_write(pair[0], "abc", 3);
  run_ready(base);
  assert_string_equal(story.text, "a:write(0)");
  bufferevent_write(pair[0], "de", 2);
  run_ready(base);
  assert_string_equal(story.text, "a:write(0) b:read(5) a:write(0)");
  close_pair();
}

static void a_flush_forces_bytes_across(void** state) {
  (void)state;
  open_pair(0);
  bufferevent_write(pair[0], "pushed", 6);
  assert_int_equal(bufferevent_flush(pair[0], EV_WRITE, BEV_NORMAL), 0);
  assert_int_equal(evbuffer_get_length(bufferevent_get_input(pair[1])), 0);
  assert_int_equal(bufferevent_flush(pair[0], EV_WRITE, BEV_FLUSH), 0);
  assert_text(bufferevent_get_input(pair[1]), "pushed");
  run_ready(base);
  assert_string_equal(story.text, "b:read(6) a:write(0)");
  close_pair();
}

static void a_finishing_flush_ends_the_stream(void** state) {
  (void)state;
  open_pair(0);
  bufferevent_enable(pair[1], EV_READ);
  bufferevent_write(pair[0], "end", 3);
  assert_int_equal(bufferevent_flush(pair[0], EV_WRITE, BEV_FINISHED), 0);
  run_ready(base);
  assert_string_equal(story.text, "b:read(3) b:event(0x11) a:write(0)");
  story.used = 0;
  assert_int_equal(bufferevent_flush(pair[0], EV_READ, BEV_FINISHED), 0);
  run_ready(base);
  assert_non_null(strstr(story.text, "b:event(0x12)"));
  bufferevent_free(pair[1]);
  pair[1] = NULL;
  run_ready(base);
  assert_int_equal(bufferevent_flush(pair[0], EV_WRITE, BEV_FLUSH), -1);
  close_pair();
}

static void writing_to_a_partner_that_is_gone_keeps_the_bytes(void** state) {
  (void)state;
  open_pair(0);
  bufferevent_enable(pair[1], EV_READ);
  bufferevent_free(pair[1]);
  pair[1] = NULL;
  run_ready(base);
  assert_int_equal(bufferevent_write(pair[0], "alone", 5), 0);
  assert_int_equal(bufferevent_enable(pair[0], EV_READ | EV_WRITE), 0);
  run_ready(base);
  assert_int_equal(evbuffer_get_length(bufferevent_get_output(pair[0])), 5);
  assert_string_equal(story.text, "");
  close_pair();
}

static void silence_times_out_on_either_side(void** state) {
  (void)state;
  open_pair(0);
  struct timeval short_time = {0, 50000};
  bufferevent_set_timeouts(pair[1], &short_time, NULL);
  bufferevent_enable(pair[1], EV_READ);
  double start = seconds_now();
  run_until(base, &tellers[1].events);
  assert_true(seconds_now() - start >= 0.044);
  assert_string_equal(story.text, "b:event(0x41)");
  assert_int_equal(bufferevent_get_enabled(pair[1]), EV_WRITE);
  bufferevent_write(pair[0], "stuck", 5);
  bufferevent_set_timeouts(pair[0], NULL, &short_time);
  run_until(base, &tellers[0].events);
  assert_string_equal(story.text, "b:event(0x41) a:event(0x42)");
  assert_int_equal(bufferevent_get_enabled(pair[0]), 0);
  close_pair();
}

static void ping_pong(struct bufferevent* bev, void* context) {
  struct teller* teller = context;
  if (++teller->reads < 500) bufferevent_write_buffer(bev, bufferevent_get_input(bev));
}

static void callbacks_that_answer_each_other_do_not_recurse(void** state) {
  (void)state;
  open_pair(0);
  for (int i = 0; i < 2; ++i) {
    bufferevent_setcb(pair[i], ping_pong, NULL, NULL, &tellers[i]);
    bufferevent_enable(pair[i], EV_READ);
  }
  bufferevent_write(pair[0], "ball", 4);
  for (int i = 0; i < 2000 && tellers[0].reads < 499; ++i)
    event_base_loop(base, EVLOOP_NONBLOCK);
  assert_true(tellers[0].reads >= 499);
  close_pair();
}

static void a_large_stream_crosses_whole(void** state) {
  (void)state;
  evthread_use_pthreads();
  open_pair(BEV_OPT_THREADSAFE);
  bufferevent_setcb(pair[0], NULL, NULL, NULL, NULL);
  bufferevent_setcb(pair[1], NULL, NULL, NULL, NULL);
  const size_t size = 3 << 20;
  unsigned char* bytes = pattern_new(0, size);
  size_t sent = 0, got = 0;
  bufferevent_setwatermark(pair[1], EV_READ, 0, 5000);
  bufferevent_enable(pair[1], EV_READ);
  while (got < size) {
    size_t n = sent % 7919 + 1;
    if (n > size - sent) n = size - sent;
    if (n && evbuffer_get_length(bufferevent_get_output(pair[0])) < 20000) {
      bufferevent_write(pair[0], bytes + sent, n);
      sent += n;
    }
    unsigned char out[3000];
    size_t taken = bufferevent_read(pair[1], out, sizeof out);
    assert_memory_equal(out, bytes + got, taken);
    got += taken;
    event_base_loop(base, EVLOOP_NONBLOCK);
  }
  free(bytes);
  close_pair();
}

/* The original leaves the writer's timer alone when its bytes have crossed, and restarts the
 * reader's. */
static void a_writer_that_is_done_does_not_time_out(void** state) {
  (void)state;
  open_pair(0);
  struct timeval soon = {0, 20000};
  bufferevent_write(pair[0], "abc", 3);
  bufferevent_set_timeouts(pair[0], NULL, &soon);
  bufferevent_enable(pair[1], EV_READ);
  run_for(base, 80);
  assert_text(bufferevent_get_input(pair[1]), "abc");
  if (on_original()) {
    assert_string_equal(story.text, "b:read(3) a:write(0) a:event(0x42)");
    assert_int_equal(bufferevent_get_enabled(pair[0]), 0);
  } else {
    assert_string_equal(story.text, "b:read(3) a:write(0)");
    assert_int_equal(bufferevent_get_enabled(pair[0]), EV_WRITE);
  }
  close_pair();
}

const struct CMUnitTest bev_pair_tests[] = {
    cmocka_unit_test(a_writer_that_is_done_does_not_time_out),
    cmocka_unit_test(each_knows_the_other),
    cmocka_unit_test(a_socket_one_has_no_partner),
    cmocka_unit_test(bytes_cross_as_soon_as_the_other_reads),
    cmocka_unit_test(a_disabled_side_neither_gives_nor_takes),
    cmocka_unit_test(the_high_mark_of_the_reader_bounds_what_crosses),
    cmocka_unit_test(the_low_mark_of_the_reader_delays_its_callback),
    cmocka_unit_test(a_flush_forces_bytes_across),
    cmocka_unit_test(a_finishing_flush_ends_the_stream),
    cmocka_unit_test(writing_to_a_partner_that_is_gone_keeps_the_bytes),
    cmocka_unit_test(silence_times_out_on_either_side),
    cmocka_unit_test(callbacks_that_answer_each_other_do_not_recurse),
    cmocka_unit_test(a_large_stream_crosses_whole),
};
const size_t bev_pair_test_count = COUNT_OF(bev_pair_tests);
