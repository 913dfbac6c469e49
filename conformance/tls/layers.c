/* TLS on another bufferevent: what a direction that rests means underneath, and filters there. */
#include "conformance/tls/world.h"

#define UPPER_FORMS(form) for (enum form form = over_socket; form < form_count; ++form)

static void open_quiet_ends(struct ends* ends, enum form form) {
  open_ends(ends, new_base(), form, TLS1_3_VERSION, BEV_OPT_CLOSE_ON_FREE);
  shake_hands(ends);
}

static void close_all(struct ends* ends) {
  close_ends(ends);
  event_base_free(ends->base);
}

/* The original starts the timer with the first byte of output, whatever is enabled. */
static void a_write_timeout_rests_while_writing_is_disabled(void** state) {
  (void)state;
  struct timeval soon = {0, 10000};
  UPPER_FORMS(form) {
    struct ends ends;
    open_quiet_ends(&ends, form);
    bufferevent_disable(ends.bev[client], EV_WRITE);
    bufferevent_set_timeouts(ends.bev[client], NULL, &soon);
    bufferevent_write(ends.bev[client], "late", 4);
    run_for(ends.base, 100);
    assert_int_equal(ends.teller[client].events, on_original() ? 1 : 0);
    bufferevent_set_timeouts(ends.bev[client], NULL, NULL);
    bufferevent_enable(ends.bev[client], EV_WRITE);
    run_until_at_least(ends.base, &ends.teller[server].reads, 1);
    assert_input(ends.bev[server], "late");
    close_all(&ends);
  }
}

/* The original lets what is beneath read again, and holds nobody off any more. */
static void disabling_writing_does_not_read(void** state) {
  (void)state;
  UPPER_FORMS(form) {
    struct ends ends;
    open_quiet_ends(&ends, form);
    struct evbuffer* below = bufferevent_get_input(ends.below[server]);
    bufferevent_disable(ends.bev[server], EV_READ);
    bufferevent_disable(ends.bev[server], EV_WRITE);
    bufferevent_write(ends.bev[client], "held off", 8);
    run_until_at_least(ends.base, &ends.teller[client].writes, 1);
    run_ready(ends.base);
    if (on_original())
      run_until_input(ends.base, ends.below[server], 1);
    else
      assert_int_equal(evbuffer_get_length(below), 0);
    bufferevent_enable(ends.bev[server], EV_READ);
    run_until_at_least(ends.base, &ends.teller[server].reads, 1);
    assert_input(ends.bev[server], "held off");
    close_all(&ends);
  }
}

static enum bufferevent_filter_result pass(struct evbuffer* from, struct evbuffer* to,
                                           ev_ssize_t limit, enum bufferevent_flush_mode mode,
                                           void* unused) {
  (void)limit, (void)mode, (void)unused;
  return evbuffer_remove_buffer(from, to, 100) > 0 ? BEV_OK : BEV_NEED_MORE;
}

/* The original's handshake calls itself through the filter's callbacks, and fails or crashes. */
static void it_may_ride_on_a_filter(void** state) {
  (void)state;
  enum { size = 100000 };
  if (on_original()) return;
  for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; ++version) {
    struct ends ends;
    struct event_base* base = new_base();
    unsigned char* bytes = pattern_new(0, size);
    memset(&ends, 0, sizeof ends);
    ends.base = base;
    tcp_pair(ends.fd);
    for (int side = 0; side < 2; ++side) {
      struct bufferevent* below =
          bufferevent_filter_new(bufferevent_socket_new(base, ends.fd[side], BEV_OPT_CLOSE_ON_FREE),
                                 pass, pass, BEV_OPT_CLOSE_ON_FREE, NULL, NULL);
      ends.bev[side] = bufferevent_openssl_filter_new(
          base, below, session_of(version),
          side == client ? BUFFEREVENT_SSL_CONNECTING : BUFFEREVENT_SSL_ACCEPTING,
          BEV_OPT_CLOSE_ON_FREE);
      listen_to(&ends.teller[side], &ends.story, "it", ends.bev[side]);
    }
    shake_hands(&ends);
    for (int side = 0; side < 2; ++side)
      bufferevent_write(ends.bev[side], bytes, size);
    for (int side = 0; side < 2; ++side) {
      run_until_input(base, ends.bev[side], size);
      assert_holds(bufferevent_get_input(ends.bev[side]), bytes, size);
    }
    free(bytes);
    close_all(&ends);
  }
}

const struct CMUnitTest layers_tests[] = {
    cmocka_unit_test(a_write_timeout_rests_while_writing_is_disabled),
    cmocka_unit_test(disabling_writing_does_not_read),
    cmocka_unit_test(it_may_ride_on_a_filter),
};
const size_t layers_test_count = COUNT_OF(layers_tests);
