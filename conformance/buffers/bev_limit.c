/* Rate limits of bufferevents and of groups: what is allowed, when it stops, when it goes on. */
#include "conformance/buffers/stream.h"

static const struct timeval tick_length = {0, 100000};

static void a_configuration_must_make_sense(void** state) {
  (void)state;
  assert_null(ev_token_bucket_cfg_new(0, 10, 1, 10, NULL));
  assert_null(ev_token_bucket_cfg_new(1, 10, 0, 10, NULL));
  assert_null(ev_token_bucket_cfg_new(11, 10, 1, 10, NULL));
  assert_null(ev_token_bucket_cfg_new(1, 10, 11, 10, NULL));
  assert_null(ev_token_bucket_cfg_new(1, SIZE_MAX, 1, 10, NULL));
  assert_null(ev_token_bucket_cfg_new(1, 10, 1, SIZE_MAX, NULL));
  struct ev_token_bucket_cfg* config =
      ev_token_bucket_cfg_new(1, EV_RATE_LIMIT_MAX, 1, EV_RATE_LIMIT_MAX, &tick_length);
  assert_non_null(config);
  ev_token_bucket_cfg_free(config);
}

static void a_limit_shows_in_the_getters(void** state) {
  (void)state;
  struct event_base* base = new_base();
  int peer;
  struct bufferevent* bev = socket_bev(base, BEV_OPT_CLOSE_ON_FREE, &peer);
  struct ev_token_bucket_cfg* config = ev_token_bucket_cfg_new(100, 200, 50, 60, NULL);
  assert_int_equal(bufferevent_set_rate_limit(bev, config), 0);
  assert_ptr_equal(bufferevent_get_token_bucket_cfg(bev), config);
  assert_in_range(bufferevent_get_read_limit(bev), 100, 200);
  assert_in_range(bufferevent_get_write_limit(bev), 50, 60);
  assert_in_range(bufferevent_get_max_to_read(bev), 100, 200);
  assert_in_range(bufferevent_get_max_to_write(bev), 50, 60);
  assert_int_equal(bufferevent_set_rate_limit(bev, config), 0);
  assert_int_equal(bufferevent_set_rate_limit(bev, NULL), 0);
  assert_null(bufferevent_get_token_bucket_cfg(bev));
  assert_int_equal(bufferevent_get_read_limit(bev), EV_SSIZE_MAX);
  assert_int_equal(bufferevent_set_rate_limit(bev, NULL), 0);
  bufferevent_free(bev);
  ev_token_bucket_cfg_free(config);
  close(peer);
  event_base_free(base);
}

static void reading_stops_at_the_limit_and_goes_on_with_the_next_tick(void** state) {
  (void)state;
  struct event_base* base = new_base();
  struct story story = {"", 0};
  struct teller teller;
  int peer;
  struct timeval hour = {3600, 0}, soon = {0, 50000};
  struct bufferevent* bev = socket_bev(base, BEV_OPT_CLOSE_ON_FREE, &peer);
  struct ev_token_bucket_cfg* slow = ev_token_bucket_cfg_new(10, 10, 10, 10, &hour);
  struct ev_token_bucket_cfg* fast = ev_token_bucket_cfg_new(8, 8, 8, 8, &soon);
  listen_to(&teller, &story, "x", bev);
  bufferevent_set_rate_limit(bev, slow);
  bufferevent_enable(bev, EV_READ);
  send_text(peer, "0123456789abcdefghijklmn");
  run_ready(base);
  assert_text(bufferevent_get_input(bev), "0123456789");
  assert_int_equal(bufferevent_get_read_limit(bev), 0);
  assert_int_equal(bufferevent_get_max_to_read(bev), 0);
  assert_int_equal(event_pending(&bev->ev_read, EV_READ, NULL), 0);
  assert_int_equal(bufferevent_get_enabled(bev), EV_READ | EV_WRITE);
  run_for(base, 60);
  assert_int_equal(evbuffer_get_length(bufferevent_get_input(bev)), 10);
  bufferevent_set_rate_limit(bev, fast);
  double start = seconds_now();
  while (evbuffer_get_length(bufferevent_get_input(bev)) < 24 && seconds_now() < start + 10)
    run_for(base, 5);
  assert_text(bufferevent_get_input(bev), "0123456789abcdefghijklmn");
  bufferevent_free(bev);
  ev_token_bucket_cfg_free(slow);
  ev_token_bucket_cfg_free(fast);
  close(peer);
  event_base_free(base);
}

static void writing_stops_at_the_limit_and_goes_on_when_it_is_lifted(void** state) {
  (void)state;
  struct event_base* base = new_base();
  int peer;
  struct timeval hour = {3600, 0};
  struct bufferevent* bev = socket_bev(base, BEV_OPT_CLOSE_ON_FREE, &peer);
  struct ev_token_bucket_cfg* slow = ev_token_bucket_cfg_new(10, 10, 10, 10, &hour);
  bufferevent_set_rate_limit(bev, slow);
  bufferevent_write(bev, "0123456789abcdefghij", 20);
  run_ready(base);
  assert_received(peer, "0123456789");
  assert_int_equal(bufferevent_get_write_limit(bev), 0);
  assert_int_equal(event_pending(&bev->ev_write, EV_WRITE, NULL), 0);
  bufferevent_set_rate_limit(bev, NULL);
  run_ready(base);
  assert_received(peer, "abcdefghij");
  bufferevent_free(bev);
  ev_token_bucket_cfg_free(slow);
  close(peer);
  event_base_free(base);
}

static void the_bucket_can_be_emptied_and_filled_by_hand(void** state) {
  (void)state;
  struct event_base* base = new_base();
  int peer;
  struct timeval hour = {3600, 0};
  struct bufferevent* bev = socket_bev(base, BEV_OPT_CLOSE_ON_FREE, &peer);
  struct ev_token_bucket_cfg* config = ev_token_bucket_cfg_new(10, 1000, 10, 1000, &hour);
  bufferevent_set_rate_limit(bev, config);
  bufferevent_enable(bev, EV_READ);
  assert_int_equal(bufferevent_decrement_read_limit(bev, 15), 0);
  assert_int_equal(bufferevent_get_read_limit(bev), -5);
  assert_int_equal(bufferevent_get_max_to_read(bev), 0);
  assert_int_equal(bufferevent_decrement_write_limit(bev, 10), 0);
  assert_int_equal(bufferevent_get_write_limit(bev), 0);
  send_text(peer, "abcdef");
  bufferevent_write(bev, "uvwxyz", 6);
  run_ready(base);
  assert_int_equal(evbuffer_get_length(bufferevent_get_input(bev)), 0);
  assert_received(peer, "");
  assert_int_equal(bufferevent_decrement_read_limit(bev, -9), 0);
  assert_int_equal(bufferevent_decrement_write_limit(bev, -3), 0);
  run_ready(base);
  assert_text(bufferevent_get_input(bev), "abcd");
  assert_received(peer, "uvw");
  bufferevent_free(bev);
  ev_token_bucket_cfg_free(config);
  close(peer);
  event_base_free(base);
}

static void a_group_counts_what_its_members_move(void** state) {
  (void)state;
  struct event_base* base = new_base();
  struct bufferevent* bevs[3];
  int peers[3];
  ev_uint64_t total_read = 9, total_written = 9;
  struct timeval hour = {3600, 0};
  struct ev_token_bucket_cfg* config = ev_token_bucket_cfg_new(1000, 1000, 1000, 1000, &hour);
  struct bufferevent_rate_limit_group* group = bufferevent_rate_limit_group_new(base, config);
  assert_non_null(group);
  assert_int_equal(bufferevent_rate_limit_group_get_read_limit(group), 1000);
  assert_int_equal(bufferevent_rate_limit_group_get_write_limit(group), 1000);
  for (int i = 0; i < 3; ++i) {
    bevs[i] = socket_bev(base, BEV_OPT_CLOSE_ON_FREE, &peers[i]);
    assert_int_equal(bufferevent_add_to_rate_limit_group(bevs[i], group), 0);
    assert_int_equal(bufferevent_add_to_rate_limit_group(bevs[i], group), 0);
    bufferevent_enable(bevs[i], EV_READ);
    send_text(peers[i], "12345");
    bufferevent_write(bevs[i], "123", 3);
  }
  run_ready(base);
  bufferevent_rate_limit_group_get_totals(group, &total_read, &total_written);
  assert_int_equal(total_read, 15);
  assert_int_equal(total_written, 9);
  assert_int_equal(bufferevent_rate_limit_group_get_read_limit(group), 985);
  assert_int_equal(bufferevent_rate_limit_group_get_write_limit(group), 991);
  bufferevent_rate_limit_group_reset_totals(group);
  bufferevent_rate_limit_group_get_totals(group, &total_read, NULL);
  bufferevent_rate_limit_group_get_totals(group, NULL, &total_written);
  assert_int_equal(total_read + total_written, 0);
  assert_int_equal(bufferevent_remove_from_rate_limit_group(bevs[0]), 0);
  assert_int_equal(bufferevent_remove_from_rate_limit_group(bevs[0]), 0);
  for (int i = 0; i < 3; ++i) {
    bufferevent_free(bevs[i]);
    close(peers[i]);
  }
  run_ready(base);
  bufferevent_rate_limit_group_free(group);
  ev_token_bucket_cfg_free(config);
  event_base_free(base);
}

static void a_spent_group_stops_every_member(void** state) {
  (void)state;
  struct event_base* base = new_base();
  struct bufferevent* bevs[2];
  int peers[2];
  struct timeval hour = {3600, 0};
  struct ev_token_bucket_cfg* config = ev_token_bucket_cfg_new(100, 100, 100, 100, &hour);
  struct bufferevent_rate_limit_group* group = bufferevent_rate_limit_group_new(base, config);
  for (int i = 0; i < 2; ++i) {
    bevs[i] = socket_bev(base, BEV_OPT_CLOSE_ON_FREE, &peers[i]);
    bufferevent_add_to_rate_limit_group(bevs[i], group);
    bufferevent_enable(bevs[i], EV_READ);
  }
  assert_int_equal(bufferevent_rate_limit_group_decrement_read(group, 100), 0);
  assert_int_equal(bufferevent_rate_limit_group_decrement_write(group, 150), 0);
  assert_int_equal(bufferevent_rate_limit_group_get_write_limit(group), -50);
  for (int i = 0; i < 2; ++i) {
    send_text(peers[i], "abc");
    bufferevent_write(bevs[i], "xyz", 3);
    assert_int_equal(event_pending(&bevs[i]->ev_read, EV_READ, NULL), 0);
  }
  run_ready(base);
  for (int i = 0; i < 2; ++i) {
    assert_int_equal(evbuffer_get_length(bufferevent_get_input(bevs[i])), 0);
    assert_received(peers[i], "");
  }
  int late_peer;
  struct bufferevent* late = socket_bev(base, BEV_OPT_CLOSE_ON_FREE, &late_peer);
  bufferevent_enable(late, EV_READ);
  bufferevent_add_to_rate_limit_group(late, group);
  assert_int_equal(event_pending(&late->ev_read, EV_READ, NULL), 0);
  bufferevent_remove_from_rate_limit_group(late);
  assert_int_equal(event_pending(&late->ev_read, EV_READ, NULL), EV_READ);
  bufferevent_rate_limit_group_decrement_read(group, -100);
  bufferevent_rate_limit_group_decrement_write(group, -150);
  run_ready(base);
  for (int i = 0; i < 2; ++i) {
    assert_text(bufferevent_get_input(bevs[i]), "abc");
    assert_received(peers[i], "xyz");
    bufferevent_free(bevs[i]);
    close(peers[i]);
  }
  bufferevent_free(late);
  close(late_peer);
  run_ready(base);
  bufferevent_rate_limit_group_free(group);
  ev_token_bucket_cfg_free(config);
  event_base_free(base);
}

static void a_group_shares_its_limit_among_its_members(void** state) {
  (void)state;
  struct event_base* base = new_base();
  struct bufferevent* bevs[4];
  int peers[4];
  struct timeval hour = {3600, 0};
  struct ev_token_bucket_cfg* config = ev_token_bucket_cfg_new(800, 800, 400, 400, &hour);
  struct bufferevent_rate_limit_group* group = bufferevent_rate_limit_group_new(base, config);
  for (int i = 0; i < 4; ++i) {
    bevs[i] = socket_bev(base, BEV_OPT_CLOSE_ON_FREE, &peers[i]);
    bufferevent_add_to_rate_limit_group(bevs[i], group);
  }
  assert_int_equal(bufferevent_get_max_to_read(bevs[0]), 200);
  assert_int_equal(bufferevent_get_max_to_write(bevs[0]), 100);
  assert_int_equal(bufferevent_rate_limit_group_set_min_share(group, 300), 0);
  assert_int_equal(bufferevent_get_max_to_read(bevs[0]), 300);
  assert_int_equal(bufferevent_rate_limit_group_set_min_share(group, 5000), 0);
  assert_int_equal(bufferevent_get_max_to_read(bevs[0]), 400);
  assert_int_equal(bufferevent_rate_limit_group_set_min_share(group, SIZE_MAX), -1);
  struct ev_token_bucket_cfg* tighter = ev_token_bucket_cfg_new(40, 40, 40, 40, &hour);
  assert_int_equal(bufferevent_rate_limit_group_set_cfg(group, tighter), 0);
  assert_int_equal(bufferevent_rate_limit_group_get_read_limit(group), 40);
  assert_int_equal(bufferevent_get_max_to_read(bevs[0]), 40);
  assert_int_equal(bufferevent_rate_limit_group_set_cfg(NULL, tighter), -1);
  assert_int_equal(bufferevent_rate_limit_group_set_cfg(group, NULL), -1);
  for (int i = 0; i < 4; ++i) {
    bufferevent_free(bevs[i]);
    close(peers[i]);
  }
  run_ready(base);
  bufferevent_rate_limit_group_free(group);
  ev_token_bucket_cfg_free(config);
  ev_token_bucket_cfg_free(tighter);
  event_base_free(base);
}

static void a_group_fills_up_again_with_time(void** state) {
  (void)state;
  struct event_base* base = new_base();
  struct story story = {"", 0};
  struct teller teller;
  int peer;
  struct timeval short_tick = {0, 40000};
  struct bufferevent* bev = socket_bev(base, BEV_OPT_CLOSE_ON_FREE, &peer);
  struct ev_token_bucket_cfg* config = ev_token_bucket_cfg_new(100, 100, 100, 100, &short_tick);
  struct bufferevent_rate_limit_group* group = bufferevent_rate_limit_group_new(base, config);
  listen_to(&teller, &story, "x", bev);
  teller.story = NULL;
  bufferevent_add_to_rate_limit_group(bev, group);
  unsigned char* bytes = pattern_new(0, 500);
  double start = seconds_now();
  bufferevent_write(bev, bytes, 500);
  run_until(base, &teller.writes);
  /* Five times a hundred bytes, one of them at once: at least three whole ticks. */
  assert_true(seconds_now() - start >= 0.110);
  unsigned char got[501];
  assert_int_equal(recv(peer, got, sizeof got, 0), 500);
  assert_memory_equal(got, bytes, 500);
  free(bytes);
  bufferevent_free(bev);
  run_ready(base);
  bufferevent_rate_limit_group_free(group);
  ev_token_bucket_cfg_free(config);
  close(peer);
  event_base_free(base);
}

static void a_member_moves_from_group_to_group(void** state) {
  (void)state;
  struct event_base* base = new_base();
  int peer;
  struct timeval hour = {3600, 0};
  struct bufferevent* bev = socket_bev(base, BEV_OPT_CLOSE_ON_FREE, &peer);
  struct ev_token_bucket_cfg* config = ev_token_bucket_cfg_new(100, 100, 100, 100, &hour);
  struct bufferevent_rate_limit_group* first = bufferevent_rate_limit_group_new(base, config);
  struct bufferevent_rate_limit_group* second = bufferevent_rate_limit_group_new(base, config);
  bufferevent_add_to_rate_limit_group(bev, first);
  bufferevent_add_to_rate_limit_group(bev, second);
  bufferevent_write(bev, "abc", 3);
  run_ready(base);
  assert_int_equal(bufferevent_rate_limit_group_get_write_limit(first), 100);
  assert_int_equal(bufferevent_rate_limit_group_get_write_limit(second), 97);
  bufferevent_rate_limit_group_free(first);
  bufferevent_free(bev);
  run_ready(base);
  bufferevent_rate_limit_group_free(second);
  ev_token_bucket_cfg_free(config);
  close(peer);
  event_base_free(base);
}

const struct CMUnitTest bev_limit_tests[] = {
    cmocka_unit_test(a_configuration_must_make_sense),
    cmocka_unit_test(a_limit_shows_in_the_getters),
    cmocka_unit_test(reading_stops_at_the_limit_and_goes_on_with_the_next_tick),
    cmocka_unit_test(writing_stops_at_the_limit_and_goes_on_when_it_is_lifted),
    cmocka_unit_test(the_bucket_can_be_emptied_and_filled_by_hand),
    cmocka_unit_test(a_group_counts_what_its_members_move),
    cmocka_unit_test(a_spent_group_stops_every_member),
    cmocka_unit_test(a_group_shares_its_limit_among_its_members),
    cmocka_unit_test(a_group_fills_up_again_with_time),
    cmocka_unit_test(a_member_moves_from_group_to_group),
};
const size_t bev_limit_test_count = COUNT_OF(bev_limit_tests);
