/* Socket bufferevents: what a new one is, what its struct shows, its descriptor, its end. */
#include "conformance/buffers/one_bev.h"

static void a_new_one_has_the_documented_defaults(void** state) {
  (void)state;
  base = new_base();
  event_base_priority_init(base, 5);
  bev = socket_bev(base, BEV_OPT_CLOSE_ON_FREE, &peer);
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
  close_one();
}

static void unlocked_callbacks_need_deferred_ones(void** state) {
  (void)state;
  base = new_base();
  assert_null(bufferevent_socket_new(base, -1, BEV_OPT_UNLOCK_CALLBACKS));
  bev = bufferevent_socket_new(base, -1, BEV_OPT_UNLOCK_CALLBACKS | BEV_OPT_DEFER_CALLBACKS);
  assert_non_null(bev);
  assert_int_equal(bufferevent_getfd(bev), -1);
  bufferevent_free(bev);
  event_base_free(base);
}

static void a_thread_safe_one_needs_thread_support(void** state) {
  (void)state;
  base = new_base();
  struct bufferevent* pair[2];
  assert_null(bufferevent_socket_new(base, -1, BEV_OPT_THREADSAFE));
  assert_int_equal(bufferevent_pair_new(base, BEV_OPT_THREADSAFE, pair), -1);
  run_ready(base);
  event_base_free(base);
}

static void the_struct_shows_what_the_functions_set(void** state) {
  (void)state;
  open_one(0);
  struct timeval read_timeout = {3, 4}, write_timeout = {5, 6};
  bufferevent_setwatermark(bev, EV_READ, 1, 2);
  bufferevent_setwatermark(bev, EV_WRITE, 3, 4);
  bufferevent_set_timeouts(bev, &read_timeout, &write_timeout);
  bufferevent_enable(bev, EV_READ);
  assert_ptr_equal(bev->ev_base, base);
  assert_ptr_equal(bev->input, bufferevent_get_input(bev));
  assert_ptr_equal(bev->output, bufferevent_get_output(bev));
  assert_ptr_equal(EVBUFFER_INPUT(bev), bev->input);
  assert_ptr_equal(EVBUFFER_OUTPUT(bev), bev->output);
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
  close_one();
}

static void those_of_one_kind_share_their_operations(void** state) {
  (void)state;
  open_one(0);
  struct bufferevent *same = bufferevent_socket_new(base, -1, 0), *pair[2];
  assert_int_equal(bufferevent_pair_new(base, 0, pair), 0);
  assert_non_null(bev->be_ops);
  assert_ptr_equal(same->be_ops, bev->be_ops);
  assert_ptr_equal(pair[0]->be_ops, pair[1]->be_ops);
  assert_ptr_not_equal(pair[0]->be_ops, bev->be_ops);
  bufferevent_free(same);
  bufferevent_free(pair[0]);
  bufferevent_free(pair[1]);
  close_one();
}

static void its_events_count_like_any_others(void** state) {
  (void)state;
  struct timeval long_time = {1000, 0};
  open_one(0);
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
  close_one();
}

static void a_loop_lives_as_long_as_one_reads(void** state) {
  (void)state;
  base = new_base();
  bev = socket_bev(base, BEV_OPT_CLOSE_ON_FREE, &peer);
  assert_int_equal(event_base_dispatch(base), 1);
  listen_to(&teller, &story, "x", bev);
  bufferevent_enable(bev, EV_READ);
  close(peer);
  assert_int_equal(event_base_dispatch(base), 1);
  assert_string_equal(story.text, "x:event(0x11)");
  bufferevent_free(bev);
  event_base_free(base);
}

static void a_dead_descriptor_can_not_be_enabled(void** state) {
  (void)state;
  base = new_base();
  bev = socket_bev(base, 0, &peer);
  close(bufferevent_getfd(bev));
  assert_int_equal(bufferevent_enable(bev, EV_READ), -1);
  bufferevent_free(bev);
  close(peer);
  event_base_free(base);
}

static void without_a_descriptor_enabling_does_no_harm(void** state) {
  (void)state;
  base = new_base();
  bev = bufferevent_socket_new(base, -1, 0);
  listen_to(&teller, &story, "x", bev);
  assert_int_equal(bufferevent_enable(bev, EV_READ | EV_WRITE), 0);
  assert_int_equal(bufferevent_write(bev, "kept", 4), 0);
  run_ready(base);
  assert_int_equal(evbuffer_get_length(bufferevent_get_output(bev)), 4);
  assert_string_equal(story.text, "");
  bufferevent_free(bev);
  event_base_free(base);
}

static void the_user_can_not_meddle_with_the_far_ends(void** state) {
  (void)state;
  open_one(0);
  assert_int_equal(evbuffer_add(bufferevent_get_input(bev), "x", 1), -1);
  bufferevent_write(bev, "abc", 3);
  assert_int_equal(evbuffer_drain(bufferevent_get_output(bev), 1), -1);
  assert_int_equal(evbuffer_prepend(bufferevent_get_output(bev), "x", 1), -1);
  run_ready(base);
  assert_received(peer, "abc");
  close_one();
}

static void the_descriptor_is_closed_only_if_asked(void** state) {
  (void)state;
  base = new_base();
  for (int close_it = 0; close_it < 2; ++close_it) {
    bev = socket_bev(base, close_it ? BEV_OPT_CLOSE_ON_FREE : 0, &peer);
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
  base = new_base();
  int first_peer, pair[2];
  bev = socket_bev(base, BEV_OPT_CLOSE_ON_FREE, &first_peer);
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
  base = new_base();
  bev = socket_bev(base, 0, &peer);
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
  open_one(0);
  bufferevent_write(bev, "abc", 3);
  assert_int_equal(bufferevent_flush(bev, EV_READ | EV_WRITE, BEV_NORMAL), 0);
  assert_int_equal(bufferevent_flush(bev, EV_READ | EV_WRITE, BEV_FLUSH), 0);
  assert_int_equal(bufferevent_flush(bev, EV_READ | EV_WRITE, BEV_FINISHED), 0);
  assert_received(peer, "");
  close_one();
}

static void holding_and_letting_go_are_counted(void** state) {
  (void)state;
  base = new_base();
  bev = socket_bev(base, BEV_OPT_CLOSE_ON_FREE, &peer);
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
  open_one(0);
  bufferevent_lock(bev);
  bufferevent_write(bev, "x", 1);
  bufferevent_unlock(bev);
  run_ready(base);
  assert_received(peer, "x");
  close_one();
}

const struct CMUnitTest bev_socket_tests[] = {
    cmocka_unit_test(a_new_one_has_the_documented_defaults),
    cmocka_unit_test(unlocked_callbacks_need_deferred_ones),
    cmocka_unit_test(a_thread_safe_one_needs_thread_support),
    cmocka_unit_test(the_struct_shows_what_the_functions_set),
    cmocka_unit_test(those_of_one_kind_share_their_operations),
    cmocka_unit_test(its_events_count_like_any_others),
    cmocka_unit_test(a_loop_lives_as_long_as_one_reads),
    cmocka_unit_test(a_dead_descriptor_can_not_be_enabled),
    cmocka_unit_test(without_a_descriptor_enabling_does_no_harm),
    cmocka_unit_test(the_user_can_not_meddle_with_the_far_ends),
    cmocka_unit_test(the_descriptor_is_closed_only_if_asked),
    cmocka_unit_test(another_descriptor_takes_over),
    cmocka_unit_test(a_taken_away_descriptor_goes_quiet),
    cmocka_unit_test(a_flush_does_nothing_and_says_so),
    cmocka_unit_test(holding_and_letting_go_are_counted),
    cmocka_unit_test(locking_without_threads_only_holds),
};
const size_t bev_socket_test_count = COUNT_OF(bev_socket_tests);
