/* Rate limits, timeouts and priorities of TLS bufferevents. */
#include "conformance/tls/world.h"

static void a_rate_limit_counts_bytes_on_the_wire(void** state) {
  (void)state;
  for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; ++version) {
    struct solo solo;
    struct event_base* base = new_base();
    struct timeval tick = {0, 20000};
    char bytes[4000];
    memset(bytes, 'r', sizeof bytes);
    open_solo(&solo, base, on_socket, version, 0);
    struct ev_token_bucket_cfg* limit = ev_token_bucket_cfg_new(1000, 1000, 1000, 1000, &tick);
    assert_int_equal(bufferevent_set_rate_limit(solo.bev, limit), 0);
    double start = seconds_now();
    /* In the original, bytes that OpenSSL holds when the limit is reached are forgotten. */
    if (!on_original())
      for (int i = 0; i < 8; ++i)
        peer_writes(&solo, bytes, 500);
    write_pieces(solo.bev, 40, 100);
    char got[4000];
    assert_int_equal(peer_reads(&solo, got, sizeof got, sizeof got), sizeof got);
    if (!on_original()) run_until_input(base, solo.bev, 4000);
    /* Four thousand bytes and their headers, a thousand at once: three ticks at least, less what
     * the first one lacks. */
    assert_true(seconds_now() - start > 0.035);
    assert_int_equal(solo.teller.events, 0);
    bufferevent_set_rate_limit(solo.bev, NULL);
    close_solo(&solo);
    ev_token_bucket_cfg_free(limit);
    event_base_free(base);
  }
}

/* The original waits for ever: see DIFFERENCES.md. */
static void a_rate_limit_does_not_stop_a_handshake(void** state) {
  (void)state;
  if (on_original()) return;
  struct ends ends;
  struct event_base* base = new_base();
  struct timeval tick = {0, 10000};
  struct ev_token_bucket_cfg* limit = ev_token_bucket_cfg_new(100, 100, 1 << 20, 1 << 20, &tick);
  open_ends(&ends, base, on_socket, TLS1_3_VERSION, BEV_OPT_CLOSE_ON_FREE);
  for (int side = 0; side < 2; ++side)
    bufferevent_set_rate_limit(ends.bev[side], limit);
  for (int side = 0; side < 2; ++side) {
    run_until_at_least(base, &ends.teller[side].events, 1);
    assert_int_equal(ends.teller[side].last_event, BEV_EVENT_CONNECTED);
  }
  for (int side = 0; side < 2; ++side)
    bufferevent_set_rate_limit(ends.bev[side], NULL);
  close_ends(&ends);
  ev_token_bucket_cfg_free(limit);
  event_base_free(base);
}

/* Every member counts what it moves on the wire; the spent group stops them all. */
static void a_group_counts_bytes_on_the_wire(void** state) {
  (void)state;
  for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; ++version) {
    struct ends ends[2];
    struct event_base* base = new_base();
    struct timeval hour = {3600, 0};
    ev_uint64_t read = 0, written = 0;
    struct ev_token_bucket_cfg* limit = ev_token_bucket_cfg_new(5000, 5000, 5000, 5000, &hour);
    struct bufferevent_rate_limit_group* group = bufferevent_rate_limit_group_new(base, limit);
    for (int i = 0; i < 2; ++i) {
      open_ends(&ends[i], base, on_socket, version, BEV_OPT_CLOSE_ON_FREE);
      shake_hands(&ends[i]);
      assert_int_equal(bufferevent_add_to_rate_limit_group(ends[i].bev[client], group), 0);
    }
    for (int i = 0; i < 2; ++i)
      bufferevent_write(ends[i].bev[client], "0123456789", 10);
    for (int i = 0; i < 2; ++i)
      run_until_input(base, ends[i].bev[server], 10);
    bufferevent_rate_limit_group_get_totals(group, &read, &written);
    /* Each record has a header, at least. */
    assert_true(written >= 2 * (10 + 5));
    assert_true(written < 200);
    assert_int_equal(bufferevent_rate_limit_group_get_write_limit(group), 5000 - (int)written);
    for (int i = 0; i < 2; ++i)
      write_pieces(ends[i].bev[client], 100, 1000);
    run_ready(base);
    assert_true(bufferevent_rate_limit_group_get_write_limit(group) <= 0);
    size_t arrived = 0;
    for (int i = 0; i < 2; ++i) {
      assert_true(evbuffer_get_length(bufferevent_get_output(ends[i].bev[client])) > 0);
      arrived += evbuffer_get_length(bufferevent_get_input(ends[i].bev[server]));
      bufferevent_remove_from_rate_limit_group(ends[i].bev[client]);
    }
    /* The last record of each member goes out whole. */
    assert_true(arrived < 5000 + 2 * 16384);
    for (int i = 0; i < 2; ++i) {
      run_until_input(base, ends[i].bev[server], 100010);
      close_ends(&ends[i]);
    }
    bufferevent_rate_limit_group_free(group);
    ev_token_bucket_cfg_free(limit);
    event_base_free(base);
  }
}

static void a_limit_underneath_holds_for_what_is_above(void** state) {
  (void)state;
  for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; ++version) {
    struct ends ends;
    struct event_base* base = new_base();
    struct timeval tick = {0, 20000};
    struct ev_token_bucket_cfg* limit = ev_token_bucket_cfg_new(1000, 1000, 1000, 1000, &tick);
    unsigned char* bytes = pattern_new(0, 4000);
    open_ends(&ends, base, over_socket, version, BEV_OPT_CLOSE_ON_FREE);
    shake_hands(&ends);
    bufferevent_set_rate_limit(ends.below[server], limit);
    double start = seconds_now();
    bufferevent_write(ends.bev[client], bytes, 4000);
    run_until_input(base, ends.bev[server], 4000);
    assert_true(seconds_now() - start > 0.035);
    assert_holds(bufferevent_get_input(ends.bev[server]), bytes, 4000);
    bufferevent_set_rate_limit(ends.below[server], NULL);
    free(bytes);
    close_ends(&ends);
    ev_token_bucket_cfg_free(limit);
    event_base_free(base);
  }
}

static void priorities_order_connections(void** state) {
  (void)state;
  static const char* const names[] = {"p0", "p1", "p2"};
  struct solo solos[3];
  struct story story = {{0}, 0};
  struct event_base* base = new_base();
  assert_int_equal(event_base_priority_init(base, 3), 0);
  for (int i = 2; i >= 0; --i) {
    open_solo(&solos[i], base, on_socket, TLS1_3_VERSION, 0);
    listen_to(&solos[i].teller, &story, names[i], solos[i].bev);
    assert_int_equal(bufferevent_priority_set(solos[i].bev, i), 0);
    assert_int_equal(bufferevent_get_priority(solos[i].bev), i);
  }
  for (int i = 2; i >= 0; --i)
    assert_int_equal(SSL_write(solos[i].peer, "x", 1), 1);
  run_ready(base);
  assert_string_equal(story.text, "p0:read(1) p1:read(1) p2:read(1)");
  assert_int_equal(bufferevent_priority_set(solos[0].bev, 3), -1);
  for (int i = 0; i < 3; ++i)
    close_solo(&solos[i]);
  event_base_free(base);
}

static void silence_times_out_again_and_again(void** state) {
  (void)state;
  DESCRIPTOR_FORMS_AND_VERSIONS(form, version) {
    struct solo solo;
    struct event_base* base = new_base();
    struct timeval soon = {0, 20000};
    open_solo(&solo, base, form, version, 0);
    bufferevent_set_timeouts(solo.bev, &soon, NULL);
    bufferevent_enable(solo.bev, EV_READ);
    run_until_at_least(base, &solo.teller.events, form == on_socket ? 2 : 1);
    assert_int_equal(solo.teller.last_event, BEV_EVENT_TIMEOUT | BEV_EVENT_READING);
    /* On a descriptor it goes on reading; on another bufferevent it has stopped. */
    assert_int_equal(bufferevent_get_enabled(solo.bev),
                     form == on_socket ? EV_READ | EV_WRITE : EV_WRITE);
    close_solo(&solo);
    event_base_free(base);
  }
}

static void a_peer_that_takes_nothing_times_out(void** state) {
  (void)state;
  struct solo solo;
  struct event_base* base = new_base();
  struct timeval soon = {0, 20000};
  open_solo(&solo, base, on_socket, TLS1_3_VERSION, 0);
  bufferevent_set_timeouts(solo.bev, NULL, &soon);
  run_for(base, 50);
  /* With nothing to write there is nothing to wait for. */
  assert_int_equal(solo.teller.events, 0);
  write_pieces(solo.bev, 1000, 16000);
  run_until_at_least(base, &solo.teller.events, 1);
  assert_int_equal(solo.teller.last_event, BEV_EVENT_TIMEOUT | BEV_EVENT_WRITING);
  close_solo(&solo);
  event_base_free(base);
}

const struct CMUnitTest limits_tests[] = {
    cmocka_unit_test(a_rate_limit_counts_bytes_on_the_wire),
    cmocka_unit_test(a_rate_limit_does_not_stop_a_handshake),
    cmocka_unit_test(a_group_counts_bytes_on_the_wire),
    cmocka_unit_test(a_limit_underneath_holds_for_what_is_above),
    cmocka_unit_test(priorities_order_connections),
    cmocka_unit_test(silence_times_out_again_and_again),
    cmocka_unit_test(a_peer_that_takes_nothing_times_out),
};
const size_t limits_test_count = COUNT_OF(limits_tests);
