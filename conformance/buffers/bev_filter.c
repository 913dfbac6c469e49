/* Filter bufferevents: bytes changed on their way to and from another bufferevent. */
#include "conformance/buffers/stream.h"

static struct event_base* base;
static struct bufferevent *below, *filter;
static struct story story;
static struct teller teller;
static int peer, freed_contexts;

static enum bufferevent_filter_result shift(struct evbuffer* src, struct evbuffer* dst,
                                            ev_ssize_t limit, int by) {
  size_t n = evbuffer_get_length(src);
  if (limit >= 0 && (size_t)limit < n) n = (size_t)limit;
  if (n == 0) return BEV_NEED_MORE;
  /* An append may run another filter, which takes bytes as well. */
  unsigned char byte;
  for (; n && evbuffer_remove(src, &byte, 1) == 1; --n) {
    byte = (unsigned char)(byte + by);
    evbuffer_add(dst, &byte, 1);
  }
  return BEV_OK;
}

static enum bufferevent_filter_result up(struct evbuffer* src, struct evbuffer* dst,
                                         ev_ssize_t limit, enum bufferevent_flush_mode mode,
                                         void* context) {
  (void)mode, (void)context;
  return shift(src, dst, limit, 1);
}

static enum bufferevent_filter_result down(struct evbuffer* src, struct evbuffer* dst,
                                           ev_ssize_t limit, enum bufferevent_flush_mode mode,
                                           void* context) {
  (void)mode, (void)context;
  return shift(src, dst, limit, -1);
}

/* Lets whole groups of four through; what is left over only when the stream is finished. */
static enum bufferevent_filter_result by_fours(struct evbuffer* src, struct evbuffer* dst,
                                               ev_ssize_t limit, enum bufferevent_flush_mode mode,
                                               void* context) {
  (void)limit;
  tell(context, "mode%d", (int)mode);
  if (evbuffer_get_length(src) >= 4) {
    evbuffer_remove_buffer(src, dst, 4);
    return BEV_OK;
  }
  if (mode != BEV_NORMAL && evbuffer_get_length(src)) {
    evbuffer_add_buffer(dst, src);
    return BEV_OK;
  }
  return BEV_NEED_MORE;
}

static enum bufferevent_filter_result broken(struct evbuffer* src, struct evbuffer* dst,
                                             ev_ssize_t limit, enum bufferevent_flush_mode mode,
                                             void* context) {
  (void)src, (void)dst, (void)limit, (void)mode, (void)context;
  return BEV_ERROR;
}

static void free_context(void* context) {
  (void)context;
  ++freed_contexts;
}

static void open_filter(bufferevent_filter_cb in, bufferevent_filter_cb out, int options) {
  base = new_base();
  memset(&story, 0, sizeof story);
  freed_contexts = 0;
  below = socket_bev(base, BEV_OPT_CLOSE_ON_FREE, &peer);
  filter = bufferevent_filter_new(below, in, out, options, free_context, &story);
  assert_non_null(filter);
  listen_to(&teller, &story, "x", filter);
}

static void close_filter(void) {
  bufferevent_free(filter);
  run_ready(base);
  close(peer);
  event_base_free(base);
}

static void it_stands_on_another_one(void** state) {
  (void)state;
  open_filter(up, down, BEV_OPT_CLOSE_ON_FREE);
  assert_ptr_equal(bufferevent_get_underlying(filter), below);
  assert_int_equal(bufferevent_getfd(filter), bufferevent_getfd(below));
  assert_int_equal(bufferevent_priority_set(filter, 0), -1);
  assert_int_equal(bufferevent_base_set(base, filter), -1);
  assert_ptr_equal(bufferevent_get_base(filter), base);
  assert_int_equal(bufferevent_get_enabled(filter), EV_WRITE);
  assert_int_equal(bufferevent_get_enabled(below), EV_READ | EV_WRITE);
  assert_null(bufferevent_filter_new(NULL, up, down, 0, NULL, NULL));
  close_filter();
}

static void bytes_are_changed_both_ways(void** state) {
  (void)state;
  open_filter(up, down, BEV_OPT_CLOSE_ON_FREE);
  bufferevent_enable(filter, EV_READ);
  send_text(peer, "HAL");
  run_ready(base);
  assert_input(filter, "IBM");
  bufferevent_write(filter, "IBM", 3);
  run_ready(base);
  assert_received(peer, "HAL");
  assert_string_equal(story.text, "x:read(3) x:write(0)");
  close_filter();
}

static void without_filters_bytes_pass_unchanged(void** state) {
  (void)state;
  open_filter(NULL, NULL, BEV_OPT_CLOSE_ON_FREE);
  bufferevent_enable(filter, EV_READ);
  send_text(peer, "as it is");
  run_ready(base);
  assert_input(filter, "as it is");
  bufferevent_write(filter, "same", 4);
  run_ready(base);
  assert_received(peer, "same");
  close_filter();
}

static void output_is_filtered_at_once_and_sent_in_the_loop(void** state) {
  (void)state;
  open_filter(up, down, BEV_OPT_CLOSE_ON_FREE);
  bufferevent_write(filter, "bcd", 3);
  assert_int_equal(evbuffer_get_length(bufferevent_get_output(filter)), 0);
  assert_text(bufferevent_get_output(below), "abc");
  assert_received(peer, "");
  run_ready(base);
  assert_received(peer, "abc");
  close_filter();
}

static void a_filter_that_needs_more_waits_for_it(void** state) {
  (void)state;
  open_filter(by_fours, NULL, BEV_OPT_CLOSE_ON_FREE);
  bufferevent_enable(filter, EV_READ);
  send_text(peer, "abc");
  run_ready(base);
  send_text(peer, "defghi");
  run_ready(base);
  assert_input(filter, "abcdefgh");
  assert_string_equal(story.text, "mode0 mode0 mode0 mode0 x:read(8)");
  story.used = 0;
  assert_int_equal(bufferevent_flush(filter, EV_READ, BEV_FLUSH), 1);
  assert_input(filter, "i");
  assert_int_equal(bufferevent_flush(filter, EV_READ, BEV_NORMAL), 0);
  assert_string_equal(story.text, "mode1 mode0");
  close_filter();
}

static void a_flush_pushes_the_output_through(void** state) {
  (void)state;
  open_filter(NULL, by_fours, BEV_OPT_CLOSE_ON_FREE);
  bufferevent_write(filter, "abcdef", 6);
  assert_text(bufferevent_get_output(below), "abcd");
  assert_int_equal(bufferevent_flush(filter, EV_WRITE, BEV_FINISHED), 1);
  run_ready(base);
  assert_received(peer, "abcdef");
  close_filter();
}

static void a_disabled_filter_takes_nothing_from_below(void** state) {
  (void)state;
  open_filter(up, down, BEV_OPT_CLOSE_ON_FREE);
  send_text(peer, "abc");
  run_ready(base);
  assert_int_equal(evbuffer_get_length(bufferevent_get_input(filter)), 0);
  bufferevent_enable(filter, EV_READ);
  run_ready(base);
  assert_input(filter, "bcd");
  bufferevent_disable(filter, EV_READ);
  send_text(peer, "def");
  run_ready(base);
  assert_int_equal(evbuffer_get_length(bufferevent_get_input(filter)), 0);
  bufferevent_enable(filter, EV_READ);
  run_ready(base);
  assert_input(filter, "efg");
  close_filter();
}

static void the_high_mark_is_the_limit_of_the_filter(void** state) {
  (void)state;
  open_filter(up, down, BEV_OPT_CLOSE_ON_FREE);
  bufferevent_setcb(filter, NULL, NULL, NULL, NULL);
  bufferevent_setwatermark(filter, EV_READ, 0, 4);
  bufferevent_enable(filter, EV_READ);
  send_text(peer, "abcdefghij");
  run_ready(base);
  assert_input(filter, "bcde");
  run_ready(base);
  assert_input(filter, "fghi");
  run_ready(base);
  assert_input(filter, "jk");
  close_filter();
}

static void a_full_output_below_holds_bytes_back(void** state) {
  (void)state;
  open_filter(up, down, BEV_OPT_CLOSE_ON_FREE);
  bufferevent_setwatermark(below, EV_WRITE, 0, 5);
  bufferevent_write(filter, "bcdefghijk", 10);
  assert_text(bufferevent_get_output(below), "abcde");
  assert_int_equal(evbuffer_get_length(bufferevent_get_output(filter)), 5);
  run_ready(base);
  assert_received(peer, "abcdefghij");
  close_filter();
}

static void events_below_are_told_above(void** state) {
  (void)state;
  open_filter(up, down, BEV_OPT_CLOSE_ON_FREE);
  bufferevent_enable(filter, EV_READ);
  send_text(peer, "abc");
  shutdown(peer, SHUT_WR);
  run_ready(base);
  assert_string_equal(story.text, "x:read(3) x:event(0x11)");
  close_filter();
}

static void a_broken_filter_moves_nothing(void** state) {
  (void)state;
  open_filter(broken, broken, BEV_OPT_CLOSE_ON_FREE);
  bufferevent_enable(filter, EV_READ);
  send_text(peer, "abc");
  bufferevent_write(filter, "def", 3);
  run_ready(base);
  assert_int_equal(evbuffer_get_length(bufferevent_get_input(filter)), 0);
  assert_int_equal(evbuffer_get_length(bufferevent_get_output(filter)), 3);
  assert_string_equal(story.text, "");
  close_filter();
}

static void the_context_is_freed_with_it_and_below_only_if_asked(void** state) {
  (void)state;
  open_filter(up, down, BEV_OPT_CLOSE_ON_FREE);
  int fd = bufferevent_getfd(below);
  bufferevent_free(filter);
  run_ready(base);
  assert_int_equal(freed_contexts, 1);
  assert_false(descriptor_is_open(fd));
  close(peer);
  event_base_free(base);

  open_filter(up, down, 0);
  fd = bufferevent_getfd(below);
  bufferevent_free(filter);
  run_ready(base);
  assert_int_equal(freed_contexts, 1);
  assert_true(descriptor_is_open(fd));
  bufferevent_data_cb read_cb = tell_read;
  bufferevent_getcb(below, &read_cb, NULL, NULL, NULL);
  assert_true(read_cb == NULL);
  send_text(peer, "plain");
  run_ready(base);
  assert_input(below, "plain");
  bufferevent_free(below);
  run_ready(base);
  close(peer);
  event_base_free(base);
}

static void silence_times_out(void** state) {
  (void)state;
  open_filter(up, down, BEV_OPT_CLOSE_ON_FREE);
  struct timeval short_time = {0, 50000};
  bufferevent_set_timeouts(filter, &short_time, NULL);
  double start = seconds_now();
  bufferevent_enable(filter, EV_READ);
  run_until(base, &teller.events);
  assert_true(seconds_now() - start >= 0.044);
  assert_string_equal(story.text, "x:event(0x41)");
  close_filter();
}

static void filters_stand_on_filters_and_on_pairs(void** state) {
  (void)state;
  base = new_base();
  memset(&story, 0, sizeof story);
  struct bufferevent *pair[2], *left, *right;
  struct teller tellers[2];
  assert_int_equal(bufferevent_pair_new(base, 0, pair), 0);
  left = bufferevent_filter_new(pair[0], up, down, BEV_OPT_CLOSE_ON_FREE, NULL, NULL);
  left = bufferevent_filter_new(left, up, down, BEV_OPT_CLOSE_ON_FREE, NULL, NULL);
  right = bufferevent_filter_new(pair[1], up, down, BEV_OPT_CLOSE_ON_FREE, NULL, NULL);
  right = bufferevent_filter_new(right, up, down, BEV_OPT_CLOSE_ON_FREE, NULL, NULL);
  listen_to(&tellers[0], &story, "l", left);
  listen_to(&tellers[1], &story, "r", right);
  bufferevent_enable(left, EV_READ);
  bufferevent_enable(right, EV_READ);
  bufferevent_write(left, "through and through", 19);
  run_ready(base);
  assert_input(right, "through and through");
  bufferevent_write(right, "and back", 8);
  run_ready(base);
  assert_input(left, "and back");
  bufferevent_free(left);
  bufferevent_free(right);
  run_ready(base);
  event_base_free(base);
}

static void deferred_callbacks_reach_the_filters_user(void** state) {
  (void)state;
  open_filter(up, down, BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
  bufferevent_enable(filter, EV_READ);
  send_text(peer, "abc");
  shutdown(peer, SHUT_WR);
  run_ready(base);
  bufferevent_write(filter, "x", 1);
  assert_string_equal(story.text, "x:read(3) x:event(0x11)");
  run_ready(base);
  assert_string_equal(story.text, "x:read(3) x:event(0x11) x:write(0)");
  close_filter();
}

/* In the original what is full underneath calls the filter again and again: the loop spins. */
static void what_is_full_below_waits_for_a_filter_that_rests(void** state) {
  (void)state;
  if (on_original()) return;
  struct bufferevent* pair[2];
  base = new_base();
  bufferevent_pair_new(base, BEV_OPT_CLOSE_ON_FREE, pair);
  filter = bufferevent_filter_new(pair[1], up, down, BEV_OPT_CLOSE_ON_FREE, NULL, NULL);
  bufferevent_setwatermark(pair[1], EV_READ, 0, 4);
  bufferevent_enable(filter, EV_READ);
  bufferevent_write(pair[0], "12345678", 8);
  bufferevent_disable(filter, EV_READ);
  run_ready(base);
  assert_int_equal(evbuffer_get_length(bufferevent_get_input(pair[1])), 4);
  bufferevent_enable(filter, EV_READ);
  run_ready(base);
  assert_input(filter, "23456789");
  bufferevent_free(filter);
  bufferevent_free(pair[0]);
  run_ready(base);
  event_base_free(base);
}

/* What is underneath goes on, and calls the filter on top, while that has bytes in its hands. In
 * the original the loop spins before it comes to this. */
static void bytes_stay_in_order_where_taking_them_makes_room_below(void** state) {
  (void)state;
  if (on_original()) return;
  struct bufferevent* pair[2];
  base = new_base();
  bufferevent_pair_new(base, BEV_OPT_CLOSE_ON_FREE, pair);
  below = bufferevent_filter_new(pair[1], up, down, BEV_OPT_CLOSE_ON_FREE, NULL, NULL);
  filter = bufferevent_filter_new(below, up, down, BEV_OPT_CLOSE_ON_FREE, NULL, NULL);
  bufferevent_setwatermark(below, EV_READ, 0, 4);
  bufferevent_enable(filter, EV_READ);
  bufferevent_write(pair[0], "0123456789", 10);
  bufferevent_disable(filter, EV_READ);
  run_ready(base);
  assert_int_equal(evbuffer_get_length(bufferevent_get_input(below)), 4);
  bufferevent_enable(filter, EV_READ);
  run_ready(base);
  assert_input(filter, "23456789:;");
  bufferevent_free(filter);
  bufferevent_free(pair[0]);
  run_ready(base);
  event_base_free(base);
}

static enum bufferevent_filter_result in_two_steps(struct evbuffer* src, struct evbuffer* dst,
                                                   ev_ssize_t limit,
                                                   enum bufferevent_flush_mode mode,
                                                   void* context) {
  char bytes[2];
  (void)limit, (void)mode, (void)context;
  int count = evbuffer_remove(src, bytes, 2);
  for (int i = 0; i < count; ++i)
    evbuffer_add(dst, bytes + i, 1);
  return count > 0 ? BEV_OK : BEV_NEED_MORE;
}

/* In the original the filter underneath calls for the next bytes when it has got the first. */
static void bytes_stay_in_order_where_adding_them_makes_room_below(void** state) {
  (void)state;
  struct bufferevent* pair[2];
  base = new_base();
  bufferevent_pair_new(base, BEV_OPT_CLOSE_ON_FREE, pair);
  below = bufferevent_filter_new(pair[1], NULL, NULL, BEV_OPT_CLOSE_ON_FREE, NULL, NULL);
  filter = bufferevent_filter_new(below, NULL, in_two_steps, BEV_OPT_CLOSE_ON_FREE, NULL, NULL);
  bufferevent_enable(pair[0], EV_READ);
  bufferevent_write(filter, "012345", 6);
  run_ready(base);
  assert_input(pair[0], on_original() ? "023451" : "012345");
  bufferevent_free(filter);
  bufferevent_free(pair[0]);
  run_ready(base);
  event_base_free(base);
}

static enum bufferevent_filter_result by_ones(struct evbuffer* src, struct evbuffer* dst,
                                              ev_ssize_t limit, enum bufferevent_flush_mode mode,
                                              void* context) {
  (void)limit, (void)mode, (void)context;
  return evbuffer_remove_buffer(src, dst, 1) > 0 ? BEV_OK : BEV_NEED_MORE;
}

static void take_all(struct bufferevent* bev, void* taken);

/* Each of them makes room below for the next, which is an occasion for one more call. The original
 * calls within the call, and crashes. */
static void any_number_of_small_steps_is_taken(void** state) {
  (void)state;
  enum { size = 400000 };
  if (on_original()) return;
  struct bufferevent* pair[2];
  size_t taken = 0;
  base = new_base();
  bufferevent_pair_new(base, BEV_OPT_CLOSE_ON_FREE, pair);
  below = bufferevent_filter_new(pair[0], NULL, NULL, BEV_OPT_CLOSE_ON_FREE, NULL, NULL);
  filter = bufferevent_filter_new(below, NULL, by_ones, BEV_OPT_CLOSE_ON_FREE, NULL, NULL);
  bufferevent_setcb(pair[1], take_all, NULL, NULL, &taken);
  bufferevent_enable(pair[1], EV_READ);
  unsigned char* bytes = pattern_new(0, size);
  bufferevent_write(filter, bytes, size);
  run_ready(base);
  assert_int_equal(taken, size);
  free(bytes);
  bufferevent_free(filter);
  bufferevent_free(pair[1]);
  run_ready(base);
  event_base_free(base);
}

static void take_all(struct bufferevent* bev, void* taken) {
  struct evbuffer* input = bufferevent_get_input(bev);
  *(size_t*)taken += evbuffer_get_length(input);
  evbuffer_drain(input, SIZE_MAX);
}

/* The original leaves the rest underneath until more comes, which may be never. */
static void room_that_the_read_callback_makes_is_used(void** state) {
  (void)state;
  struct bufferevent* pair[2];
  size_t taken = 0;
  base = new_base();
  bufferevent_pair_new(base, BEV_OPT_CLOSE_ON_FREE, pair);
  filter = bufferevent_filter_new(pair[1], up, down, BEV_OPT_CLOSE_ON_FREE, NULL, NULL);
  bufferevent_setcb(filter, take_all, NULL, NULL, &taken);
  bufferevent_setwatermark(filter, EV_READ, 0, 4);
  bufferevent_enable(filter, EV_READ);
  bufferevent_write(pair[0], "0123456789", 10);
  run_ready(base);
  assert_int_equal(taken, on_original() ? 4 : 10);
  bufferevent_free(filter);
  bufferevent_free(pair[0]);
  run_ready(base);
  event_base_free(base);
}

const struct CMUnitTest bev_filter_tests[] = {
    cmocka_unit_test(it_stands_on_another_one),
    cmocka_unit_test(bytes_are_changed_both_ways),
    cmocka_unit_test(without_filters_bytes_pass_unchanged),
    cmocka_unit_test(output_is_filtered_at_once_and_sent_in_the_loop),
    cmocka_unit_test(a_filter_that_needs_more_waits_for_it),
    cmocka_unit_test(a_flush_pushes_the_output_through),
    cmocka_unit_test(a_disabled_filter_takes_nothing_from_below),
    cmocka_unit_test(the_high_mark_is_the_limit_of_the_filter),
    cmocka_unit_test(a_full_output_below_holds_bytes_back),
    cmocka_unit_test(events_below_are_told_above),
    cmocka_unit_test(a_broken_filter_moves_nothing),
    cmocka_unit_test(the_context_is_freed_with_it_and_below_only_if_asked),
    cmocka_unit_test(silence_times_out),
    cmocka_unit_test(filters_stand_on_filters_and_on_pairs),
    cmocka_unit_test(deferred_callbacks_reach_the_filters_user),
    cmocka_unit_test(what_is_full_below_waits_for_a_filter_that_rests),
    cmocka_unit_test(bytes_stay_in_order_where_taking_them_makes_room_below),
    cmocka_unit_test(bytes_stay_in_order_where_adding_them_makes_room_below),
    cmocka_unit_test(any_number_of_small_steps_is_taken),
    cmocka_unit_test(room_that_the_read_callback_makes_is_used),
};
const size_t bev_filter_test_count = COUNT_OF(bev_filter_tests);
