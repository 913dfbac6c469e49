/* How a connection fails to come about: refused, not trusted, not understood, given up. */
#include "conformance/tls/world.h"

static void a_refused_connection_is_an_error(void** state) {
  (void)state;
  struct event_base* base = new_base();
  struct sockaddr_in address;
  struct teller teller;
  close(tcp_listener(&address));
  struct bufferevent* bev = bufferevent_openssl_socket_new(
      base, -1, session_of(TLS1_3_VERSION), BUFFEREVENT_SSL_CONNECTING, BEV_OPT_CLOSE_ON_FREE);
  listen_to(&teller, NULL, "it", bev);
  bufferevent_enable(bev, EV_READ);
  bufferevent_socket_connect(bev, (struct sockaddr*)&address, sizeof address);
  run_until_at_least(base, &teller.events, 1);
  assert_int_equal(teller.last_event & BEV_EVENT_ERROR, BEV_EVENT_ERROR);
  assert_int_equal(teller.last_error, ECONNREFUSED);
  bufferevent_free(bev);
  run_ready(base);
  event_base_free(base);
}

static void a_certificate_that_is_not_trusted_fails_both_ends(void** state) {
  (void)state;
  FORMS_AND_VERSIONS(form, version) {
    struct ends ends;
    struct event_base* base = new_base();
    open_ends(&ends, base, form, version, BEV_OPT_CLOSE_ON_FREE);
    SSL_set_verify(bufferevent_openssl_get_ssl(ends.bev[client]), SSL_VERIFY_PEER, NULL);
    for (int side = 0; side < 2; ++side)
      bufferevent_enable(ends.bev[side], EV_READ);
    run_until_at_least(base, &ends.teller[client].events, 1);
    assert_int_equal(ends.teller[client].last_event, BEV_EVENT_ERROR | BEV_EVENT_READING);
    assert_true(had_error(ends.bev[client], SSL_R_CERTIFICATE_VERIFY_FAILED));
    assert_int_equal(bufferevent_get_openssl_error(ends.bev[client]), 0);
    run_until_at_least(base, &ends.teller[server].events, 1);
    assert_int_equal(ends.teller[server].last_event, BEV_EVENT_ERROR | BEV_EVENT_READING);
    assert_true(had_error(ends.bev[server], SSL_R_TLSV1_ALERT_UNKNOWN_CA));
    close_ends(&ends);
    event_base_free(base);
  }
}

static void versions_that_do_not_meet_are_an_error(void** state) {
  (void)state;
  for (enum form form = on_socket; form < over_pair; ++form) {
    struct event_base* base = new_base();
    struct bufferevent* bev[2];
    struct teller teller[2];
    int pair[2];
    tcp_pair(pair);
    for (int side = 0; side < 2; ++side) {
      bev[side] = end_on(base, form, pair[side], session_of(side ? TLS1_3_VERSION : TLS1_2_VERSION),
                         side ? BUFFEREVENT_SSL_ACCEPTING : BUFFEREVENT_SSL_CONNECTING,
                         BEV_OPT_CLOSE_ON_FREE);
      listen_to(&teller[side], NULL, "it", bev[side]);
    }
    run_until_at_least(base, &teller[0].events, 1);
    run_until_at_least(base, &teller[1].events, 1);
    for (int side = 0; side < 2; ++side) {
      assert_int_equal(teller[side].last_event, BEV_EVENT_ERROR | BEV_EVENT_READING);
      assert_int_not_equal(bufferevent_get_openssl_error(bev[side]), 0);
      bufferevent_free(bev[side]);
    }
    run_ready(base);
    event_base_free(base);
  }
}

static void a_peer_that_speaks_plainly_is_an_error(void** state) {
  (void)state;
  DESCRIPTOR_FORMS_AND_VERSIONS(form, version)
  for (int side = 0; side < 2; ++side) {
    struct event_base* base = new_base();
    struct teller teller;
    int pair[2];
    tcp_pair(pair);
    struct bufferevent* bev =
        end_on(base, form, pair[0], session_of(version),
               side == server ? BUFFEREVENT_SSL_ACCEPTING : BUFFEREVENT_SSL_CONNECTING,
               BEV_OPT_CLOSE_ON_FREE);
    listen_to(&teller, NULL, "it", bev);
    bufferevent_enable(bev, EV_READ);
    send_text(pair[1], "NOT A HANDSHAKE AT ALL, BUT PLAIN TEXT\r\n\r\n");
    run_until_at_least(base, &teller.events, 1);
    run_ready(base);
    assert_int_equal(teller.events, 1);
    assert_int_equal(teller.last_event, BEV_EVENT_ERROR | BEV_EVENT_READING);
    assert_int_not_equal(bufferevent_get_openssl_error(bev), 0);
    bufferevent_free(bev);
    run_ready(base);
    close(pair[1]);
    event_base_free(base);
  }
}

static void a_peer_that_closes_in_the_middle_is_an_error(void** state) {
  (void)state;
  DESCRIPTOR_FORMS_AND_VERSIONS(form, version)
  for (int sent = 0; sent < 2; ++sent) {
    struct event_base* base = new_base();
    struct teller teller;
    int pair[2];
    tcp_pair(pair);
    struct bufferevent* bev = end_on(base, form, pair[0], session_of(version),
                                     BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
    listen_to(&teller, NULL, "it", bev);
    bufferevent_enable(bev, EV_READ);
    run_ready(base);
    /* The first bytes of a greeting. */
    if (sent) assert_int_equal(send(pair[1], "\x16\x03\x01\x02\x00\x01", 6, 0), 6);
    run_ready(base);
    assert_int_equal(teller.events, 0);
    close(pair[1]);
    run_until_at_least(base, &teller.events, 1);
    assert_int_equal(teller.last_event & (BEV_EVENT_ERROR | BEV_EVENT_EOF), BEV_EVENT_ERROR);
    bufferevent_free(bev);
    run_ready(base);
    event_base_free(base);
  }
}

static void a_silent_peer_times_out(void** state) {
  (void)state;
  struct event_base* base = new_base();
  struct timeval soon = {0, 20000};
  struct teller teller;
  int pair[2];
  tcp_pair(pair);
  struct bufferevent* bev = end_on(base, on_socket, pair[0], session_of(TLS1_3_VERSION),
                                   BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
  listen_to(&teller, NULL, "it", bev);
  bufferevent_set_timeouts(bev, &soon, &soon);
  bufferevent_enable(bev, EV_READ);
  /* Again and again: nobody has stopped it. */
  run_until_at_least(base, &teller.events, 2);
  assert_int_equal(teller.last_event, BEV_EVENT_TIMEOUT);
  bufferevent_free(bev);
  run_ready(base);
  close(pair[1]);
  event_base_free(base);
}

const struct CMUnitTest refusal_tests[] = {
    cmocka_unit_test(a_refused_connection_is_an_error),
    cmocka_unit_test(a_certificate_that_is_not_trusted_fails_both_ends),
    cmocka_unit_test(versions_that_do_not_meet_are_an_error),
    cmocka_unit_test(a_peer_that_speaks_plainly_is_an_error),
    cmocka_unit_test(a_peer_that_closes_in_the_middle_is_an_error),
    cmocka_unit_test(a_silent_peer_times_out),
};
const size_t refusal_test_count = COUNT_OF(refusal_tests);
