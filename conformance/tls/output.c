/* Output on its way: in small pieces, from a file, to a peer that is slow, taken back. */
#include "conformance/tls/world.h"

static size_t count_records(struct solo* solo, size_t wanted) {
  char bytes[20000];
  size_t records = 0, got = 0;
  double end = seconds_now() + 10;
  while (got < wanted && seconds_now() < end) {
    /* One call of SSL_read never goes past the end of a record. */
    int count = SSL_read(solo->peer, bytes, sizeof bytes);
    if (count > 0) {
      got += (size_t)count;
      ++records;
    }
    event_base_loop(solo->base, EVLOOP_NONBLOCK);
  }
  assert_int_equal(got, wanted);
  return records;
}

static void small_pieces_share_a_record(void** state) {
  (void)state;
  DESCRIPTOR_FORMS_AND_VERSIONS(form, version) {
    struct solo solo;
    struct event_base* base = new_base();
    open_solo(&solo, base, form, version, 0);
    write_pieces(solo.bev, 100, 150);
    assert_int_equal(count_records(&solo, 15000), on_original() ? 100 : 1);
    write_pieces(solo.bev, 3, 16384);
    assert_int_equal(count_records(&solo, 3 * 16384), 3);
    write_pieces(solo.bev, 5, 10000);
    size_t records = count_records(&solo, 50000);
    if (!on_original()) assert_int_equal(records, 4);
    close_solo(&solo);
    event_base_free(base);
  }
}

static void a_slow_peer_gets_it_all(void** state) {
  (void)state;
  DESCRIPTOR_FORMS_AND_VERSIONS(form, version) {
    struct solo solo;
    struct event_base* base = new_base();
    size_t size = 6000000;
    unsigned char* bytes = pattern_new(0, size);
    char* got = malloc(size);
    open_solo(&solo, base, form, version, 0);
    bufferevent_write(solo.bev, bytes, size);
    run_ready(base);
    /* It is blocked, and says nothing of having written it all. What is underneath takes all. */
    assert_int_equal(solo.teller.writes, form == on_socket ? 0 : 1);
    assert_int_equal(peer_reads(&solo, got, size, size), size);
    assert_memory_equal(got, bytes, size);
    run_until_at_least(base, &solo.teller.writes, 1);
    assert_int_equal(evbuffer_get_length(bufferevent_get_output(solo.bev)), 0);
    assert_int_equal(solo.teller.events, 0);
    free(bytes);
    free(got);
    close_solo(&solo);
    event_base_free(base);
  }
}

static void disabling_writing_holds_the_output_back(void** state) {
  (void)state;
  DESCRIPTOR_FORMS_AND_VERSIONS(form, version) {
    struct solo solo;
    char got[8];
    struct event_base* base = new_base();
    open_solo(&solo, base, form, version, 0);
    bufferevent_disable(solo.bev, EV_WRITE);
    bufferevent_write(solo.bev, "held", 4);
    run_ready(base);
    assert_int_equal(SSL_read(solo.peer, got, sizeof got), -1);
    bufferevent_enable(solo.bev, EV_WRITE);
    assert_int_equal(peer_reads(&solo, got, sizeof got, 4), 4);
    close_solo(&solo);
    event_base_free(base);
  }
}

/* In the original that is an error of OpenSSL's, and the end of the connection. */
static void output_taken_back_while_it_is_blocked_does_no_harm(void** state) {
  (void)state;
  if (on_original()) return;
  for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; ++version) {
    struct solo solo;
    struct event_base* base = new_base();
    char* got = malloc(1 << 24);
    open_solo(&solo, base, on_socket, version, 0);
    struct evbuffer* output = bufferevent_get_output(solo.bev);
    write_pieces(solo.bev, 1000, 16000);
    run_ready(base);
    size_t left = evbuffer_get_length(output);
    assert_true(left > 0);
    evbuffer_drain(output, left - 10);
    size_t sent = (size_t)1000 * 16000 - left;
    assert_true(peer_reads(&solo, got, 1 << 24, sent + 10) >= sent + 10);
    run_ready(base);
    assert_int_equal(solo.teller.events, 0);
    assert_int_equal(evbuffer_get_length(output), 0);
    free(got);
    close_solo(&solo);
    event_base_free(base);
  }
}

static void a_file_may_be_the_output(void** state) {
  (void)state;
  DESCRIPTOR_FORMS_AND_VERSIONS(form, version) {
    struct solo solo;
    char got[50000];
    struct event_base* base = new_base();
    unsigned char* bytes = pattern_new(0, 50000);
    open_solo(&solo, base, form, version, 0);
    assert_int_equal(
        evbuffer_add_file(bufferevent_get_output(solo.bev), pattern_file(50000), 0, 50000), 0);
    assert_int_equal(peer_reads(&solo, got, sizeof got, sizeof got), sizeof got);
    assert_memory_equal(got, bytes, sizeof got);
    free(bytes);
    close_solo(&solo);
    event_base_free(base);
  }
}

/* Both directions blocked, then new keys: one direction needs the other. */
static void new_keys_in_the_middle_disturb_nobody(void** state) {
  (void)state;
  for (enum form form = on_socket; form < over_pair; ++form) {
    struct solo solo;
    struct event_base* base = new_base();
    size_t size = 3000000;
    unsigned char* bytes = pattern_new(0, size);
    char* got = malloc(size);
    open_solo(&solo, base, form, TLS1_3_VERSION, 0);
    bufferevent_write(solo.bev, bytes, size);
    run_ready(base);
    assert_int_equal(SSL_key_update(solo.peer, SSL_KEY_UPDATE_REQUESTED), 1);
    peer_writes(&solo, "with new keys", 13);
    run_ready(base);
    assert_int_equal(peer_reads(&solo, got, size, size), size);
    assert_memory_equal(got, bytes, size);
    run_until_input(base, solo.bev, 13);
    assert_input(solo.bev, "with new keys");
    assert_int_equal(solo.teller.events, 0);
    free(bytes);
    free(got);
    close_solo(&solo);
    event_base_free(base);
  }
}

const struct CMUnitTest output_tests[] = {
    cmocka_unit_test(small_pieces_share_a_record),
    cmocka_unit_test(a_slow_peer_gets_it_all),
    cmocka_unit_test(disabling_writing_holds_the_output_back),
    cmocka_unit_test(output_taken_back_while_it_is_blocked_does_no_harm),
    cmocka_unit_test(a_file_may_be_the_output),
    cmocka_unit_test(new_keys_in_the_middle_disturb_nobody),
};
const size_t output_test_count = COUNT_OF(output_tests);
