/* Bytes through a connection: many, both ways, past marks and pauses; and the traps of bytes that
 * OpenSSL holds inside. */
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
};
const size_t bytes_test_count = COUNT_OF(bytes_tests);
