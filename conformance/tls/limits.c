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
    cmocka_unit_test(silence_times_out_again_and_again),
    cmocka_unit_test(a_peer_that_takes_nothing_times_out),
};
const size_t limits_test_count = COUNT_OF(limits_tests);
