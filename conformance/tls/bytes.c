/* Bytes through a connection: many, both ways, in small pieces and large, past marks, pauses,
 * limits and a peer that is slow; and the traps of bytes that OpenSSL holds inside. */
#include "conformance/tls/world.h"

#include <pthread.h>

/* ---- Many bytes, both ways. */

enum { much = 1 << 21 };

struct flow {
  struct bufferevent* bev;
  size_t sent, received;
  size_t piece;
  int done;
};

static void send_more(struct flow* flow) {
  static unsigned char bytes[70000];
  while (flow->sent < much && evbuffer_get_length(bufferevent_get_output(flow->bev)) < 100000) {
    size_t size = 1 + (flow->sent * 7919 + flow->piece) % sizeof bytes;
    if (size > much - flow->sent) size = much - flow->sent;
    pattern_fill(bytes, flow->sent, size);
    assert_int_equal(bufferevent_write(flow->bev, bytes, size), 0);
    flow->sent += size;
  }
}

static void flow_reads(struct bufferevent* bev, void* context) {
  struct flow* flow = context;
  struct evbuffer* input = bufferevent_get_input(bev);
  unsigned char bytes[4096];
  int count;
  while ((count = evbuffer_remove(input, bytes, sizeof bytes)) > 0) {
    for (int i = 0; i < count; ++i)
      if (bytes[i] != pattern_byte(flow->received + (size_t)i))
        fail_msg("byte %zu is wrong", flow->received + (size_t)i);
    flow->received += (size_t)count;
  }
  flow->done = flow->received >= much;
}

static void flow_writes(struct bufferevent* bev, void* context) {
  (void)bev;
  send_more(context);
}

static void both_ways(int options, size_t high) {
  FORMS_AND_VERSIONS(form, version) {
    struct ends ends;
    struct flow flows[2];
    struct event_base* base = new_base();
    memset(flows, 0, sizeof flows);
    open_ends(&ends, base, form, version, BEV_OPT_CLOSE_ON_FREE | options);
    shake_hands(&ends);
    for (int side = 0; side < 2; ++side) {
      flows[side].bev = ends.bev[side];
      flows[side].piece = (size_t)side * 31;
      bufferevent_setcb(ends.bev[side], flow_reads, flow_writes, tell_event, &flows[side]);
      bufferevent_setwatermark(ends.bev[side], EV_READ, 0, high);
      bufferevent_setwatermark(ends.bev[side], EV_WRITE, 5000, 0);
      send_more(&flows[side]);
    }
    for (int side = 0; side < 2; ++side)
      run_until_at_least(base, &flows[side].done, 1);
    for (int side = 0; side < 2; ++side)
      assert_int_equal(flows[side].received, much);
    close_ends(&ends);
    event_base_free(base);
  }
}

static void many_bytes_go_both_ways(void** state) {
  (void)state;
  both_ways(0, 0);
}
/* Here the original stops for good: see DIFFERENCES.md. */
static void many_bytes_go_both_ways_past_a_mark(void** state) {
  (void)state;
  if (!on_original()) both_ways(0, 777);
}
static void many_bytes_go_both_ways_deferred(void** state) {
  (void)state;
  both_ways(BEV_OPT_DEFER_CALLBACKS, 0);
}
static void many_bytes_go_both_ways_with_locks(void** state) {
  (void)state;
  evthread_use_pthreads();
  both_ways(BEV_OPT_THREADSAFE, 0);
}
static void many_bytes_go_both_ways_unlocked(void** state) {
  (void)state;
  evthread_use_pthreads();
  both_ways(BEV_OPT_THREADSAFE | BEV_OPT_DEFER_CALLBACKS | BEV_OPT_UNLOCK_CALLBACKS, 0);
}

/* OpenSSL alone, blocking, on a thread of its own: it echoes. */
static void* echo_peer(void* context) {
  SSL* ssl = context;
  static char bytes[16384];
  size_t left = much;
  while (left) {
    int count = SSL_read(ssl, bytes, sizeof bytes);
    if (count <= 0 || SSL_write(ssl, bytes, count) != count) return "broken";
    left -= (size_t)count;
  }
  SSL_shutdown(ssl);
  return NULL;
}

static void many_bytes_come_back_from_openssl_alone(void** state) {
  (void)state;
  DESCRIPTOR_FORMS_AND_VERSIONS(form, version) {
    struct solo solo;
    struct flow flow = {0};
    pthread_t thread;
    void* complaint;
    struct event_base* base = new_base();
    open_solo(&solo, base, form, version, 0);
    evutil_make_socket_closeonexec(solo.peer_fd);
    fcntl(solo.peer_fd, F_SETFL, fcntl(solo.peer_fd, F_GETFL) & ~O_NONBLOCK);
    SSL_clear_mode(solo.peer, SSL_MODE_ENABLE_PARTIAL_WRITE);
    assert_int_equal(pthread_create(&thread, NULL, echo_peer, solo.peer), 0);
    flow.bev = solo.bev;
    bufferevent_setcb(solo.bev, flow_reads, flow_writes, NULL, &flow);
    send_more(&flow);
    run_until_at_least(base, &flow.done, 1);
    pthread_join(thread, &complaint);
    assert_null(complaint);
    assert_int_equal(flow.received, much);
    close_solo(&solo);
    event_base_free(base);
  }
}

/* ---- What OpenSSL holds inside is not forgotten. */

static void a_high_mark_holds_and_nothing_is_left_behind(void** state) {
  (void)state;
  if (on_original()) return;
  FORMS_AND_VERSIONS(form, version) {
    struct ends ends;
    struct event_base* base = new_base();
    size_t got = 0;
    unsigned char* bytes = pattern_new(0, 40000);
    open_ends(&ends, base, form, version, BEV_OPT_CLOSE_ON_FREE);
    shake_hands(&ends);
    bufferevent_setcb(ends.bev[server], NULL, NULL, tell_event, &ends.teller[server]);
    bufferevent_setwatermark(ends.bev[server], EV_READ, 0, 1000);
    bufferevent_write(ends.bev[client], bytes, 40000);
    double end = seconds_now() + 10;
    while (got < 40000 && seconds_now() < end) {
      unsigned char piece[40000];
      struct evbuffer* input = bufferevent_get_input(ends.bev[server]);
      run_ready(base);
      size_t length = evbuffer_get_length(input);
      assert_true(length <= 1000);
      if (length > 990) length -= 7; /* never all of it, so that it stays close to the mark */
      evbuffer_remove(input, piece, length);
      assert_memory_equal(piece, bytes + got, length);
      got += length;
    }
    assert_int_equal(got, 40000);
    free(bytes);
    close_ends(&ends);
    event_base_free(base);
  }
}

static struct bufferevent* paused;
static int pauses;
static void pause_reading(struct bufferevent* bev, void* context) {
  (void)context;
  paused = bev;
  ++pauses;
  bufferevent_disable(bev, EV_READ);
}

static void a_pause_in_the_middle_of_a_record_loses_nothing(void** state) {
  (void)state;
  FORMS_AND_VERSIONS(form, version) {
    struct ends ends;
    struct event_base* base = new_base();
    unsigned char* bytes = pattern_new(0, 60000);
    open_ends(&ends, base, form, version, BEV_OPT_CLOSE_ON_FREE);
    shake_hands(&ends);
    pauses = 0;
    struct bufferevent* bev = ends.bev[server];
    bufferevent_setcb(bev, pause_reading, NULL, tell_event, &ends.teller[server]);
    bufferevent_set_max_single_read(bev, 500);
    bufferevent_write(ends.bev[client], bytes, 60000);
    /* Nothing more is sent from here on: all that comes was inside or in the socket. */
    double end = seconds_now() + 10;
    struct evbuffer* input = bufferevent_get_input(bev);
    while (evbuffer_get_length(input) < 60000 && seconds_now() < end) {
      run_ready(base);
      bufferevent_enable(bev, EV_READ);
    }
    assert_holds(input, bytes, 60000);
    assert_int_equal(ends.teller[server].events, 0);
    free(bytes);
    close_ends(&ends);
    event_base_free(base);
  }
}

static void single_reads_are_as_small_as_asked_for(void** state) {
  (void)state;
  for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; ++version) {
    struct solo solo;
    struct event_base* base = new_base();
    char bytes[5000];
    memset(bytes, 'x', sizeof bytes);
    open_solo(&solo, base, on_socket, version, 0);
    bufferevent_set_max_single_read(solo.bev, 2000);
    peer_writes(&solo, bytes, sizeof bytes);
    run_until_input(base, solo.bev, 5000);
    run_ready(base);
    /* The original finishes what it has begun, ours comes back. */
    if (!on_original())
      assert_string_equal(solo.story.text, "it:read(2000) it:read(4000) it:read(5000)");
    close_solo(&solo);
    event_base_free(base);
  }
}

/* ---- Output. */

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

static void add_pieces(struct bufferevent* bev, int count, size_t size) {
  static char bytes[20000];
  struct evbuffer* pieces = evbuffer_new();
  for (int i = 0; i < count; ++i)
    evbuffer_add_reference(pieces, bytes, size, NULL, NULL);
  assert_int_equal(bufferevent_write_buffer(bev, pieces), 0);
  evbuffer_free(pieces);
}

static void small_pieces_share_a_record(void** state) {
  (void)state;
  DESCRIPTOR_FORMS_AND_VERSIONS(form, version) {
    struct solo solo;
    struct event_base* base = new_base();
    open_solo(&solo, base, form, version, 0);
    add_pieces(solo.bev, 100, 150);
    assert_int_equal(count_records(&solo, 15000), on_original() ? 100 : 1);
    add_pieces(solo.bev, 3, 16384);
    assert_int_equal(count_records(&solo, 3 * 16384), 3);
    add_pieces(solo.bev, 5, 10000);
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
    add_pieces(solo.bev, 1000, 16000);
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

/* ---- Limits and timeouts. */

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
    add_pieces(solo.bev, 40, 100);
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
  add_pieces(solo.bev, 1000, 16000);
  run_until_at_least(base, &solo.teller.events, 1);
  assert_int_equal(solo.teller.last_event, BEV_EVENT_TIMEOUT | BEV_EVENT_WRITING);
  close_solo(&solo);
  event_base_free(base);
}

const struct CMUnitTest bytes_tests[] = {
    cmocka_unit_test(many_bytes_go_both_ways),
    cmocka_unit_test(many_bytes_go_both_ways_past_a_mark),
    cmocka_unit_test(many_bytes_go_both_ways_deferred),
    cmocka_unit_test(many_bytes_go_both_ways_with_locks),
    cmocka_unit_test(many_bytes_go_both_ways_unlocked),
    cmocka_unit_test(many_bytes_come_back_from_openssl_alone),
    cmocka_unit_test(a_high_mark_holds_and_nothing_is_left_behind),
    cmocka_unit_test(a_pause_in_the_middle_of_a_record_loses_nothing),
    cmocka_unit_test(single_reads_are_as_small_as_asked_for),
    cmocka_unit_test(small_pieces_share_a_record),
    cmocka_unit_test(a_slow_peer_gets_it_all),
    cmocka_unit_test(disabling_writing_holds_the_output_back),
    cmocka_unit_test(output_taken_back_while_it_is_blocked_does_no_harm),
    cmocka_unit_test(a_file_may_be_the_output),
    cmocka_unit_test(new_keys_in_the_middle_disturb_nobody),
    cmocka_unit_test(a_rate_limit_counts_bytes_on_the_wire),
    cmocka_unit_test(a_rate_limit_does_not_stop_a_handshake),
    cmocka_unit_test(silence_times_out_again_and_again),
    cmocka_unit_test(a_peer_that_takes_nothing_times_out),
};
const size_t bytes_test_count = COUNT_OF(bytes_tests);
