/* How a connection comes about: in every form, direction and version, by connecting, from a state
 * that is open already, on another descriptor. */
#include "conformance/tls/world.h"

static void both_ends_tell_once_that_they_are_connected(void** state) {
  (void)state;
  FORMS_AND_VERSIONS(form, version) {
    struct ends ends;
    struct event_base* base = new_base();
    open_ends(&ends, base, form, version, BEV_OPT_CLOSE_ON_FREE);
    for (int side = 0; side < 2; ++side)
      bufferevent_enable(ends.bev[side], EV_READ);
    run_until_at_least(base, &ends.teller[client].events, 1);
    run_until_at_least(base, &ends.teller[server].events, 1);
    run_ready(base);
    for (int side = 0; side < 2; ++side) {
      assert_int_equal(ends.teller[side].events, 1);
      assert_int_equal(ends.teller[side].last_event, BEV_EVENT_CONNECTED);
      assert_int_equal(ends.teller[side].reads + ends.teller[side].writes, 0);
      assert_int_equal(SSL_version(bufferevent_openssl_get_ssl(ends.bev[side])), version);
    }
    close_ends(&ends);
    event_base_free(base);
  }
}

/* Nobody has to enable reading for it. */
static void a_handshake_needs_no_reading(void** state) {
  (void)state;
  DESCRIPTOR_FORMS_AND_VERSIONS(form, version) {
    struct ends ends;
    struct event_base* base = new_base();
    open_ends(&ends, base, form, version, BEV_OPT_CLOSE_ON_FREE);
    run_until_at_least(base, &ends.teller[client].events, 1);
    run_until_at_least(base, &ends.teller[server].events, 1);
    bufferevent_write(ends.bev[client], "unread", 6);
    run_ready(base);
    assert_int_equal(ends.teller[server].reads, 0);
    bufferevent_enable(ends.bev[server], EV_READ);
    run_until_at_least(base, &ends.teller[server].reads, 1);
    assert_input(ends.bev[server], "unread");
    close_ends(&ends);
    event_base_free(base);
  }
}

static void a_handshake_waits_while_both_directions_are_disabled(void** state) {
  (void)state;
  for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; ++version) {
    for (int enabled = EV_READ; enabled <= EV_WRITE; enabled *= 2) {
      struct ends ends;
      struct event_base* base = new_base();
      open_ends(&ends, base, on_socket, version, BEV_OPT_CLOSE_ON_FREE);
      bufferevent_disable(ends.bev[server], EV_READ | EV_WRITE);
      bufferevent_enable(ends.bev[client], EV_READ);
      for (int turn = 0; turn < 20; ++turn)
        run_ready(base);
      assert_int_equal(ends.teller[client].events, 0);
      assert_int_equal(ends.teller[server].events, 0);
      assert_int_equal(event_pending(&ends.bev[server]->ev_read, EV_READ, NULL), 0);
      assert_int_equal(event_pending(&ends.bev[server]->ev_write, EV_WRITE, NULL), 0);
      bufferevent_enable(ends.bev[server], (short)enabled);
      run_until_at_least(base, &ends.teller[client].events, 1);
      run_until_at_least(base, &ends.teller[server].events, 1);
      assert_int_equal(bufferevent_get_enabled(ends.bev[server]), enabled);
      close_ends(&ends);
      event_base_free(base);
    }
  }
}

static void what_was_written_before_it_follows_it(void** state) {
  (void)state;
  FORMS_AND_VERSIONS(form, version) {
    struct ends ends;
    struct event_base* base = new_base();
    open_ends(&ends, base, form, version, BEV_OPT_CLOSE_ON_FREE);
    bufferevent_write(ends.bev[client], "early", 5);
    bufferevent_write(ends.bev[server], "bird", 4);
    for (int side = 0; side < 2; ++side)
      bufferevent_enable(ends.bev[side], EV_READ);
    run_until_at_least(base, &ends.teller[client].reads, 1);
    run_until_at_least(base, &ends.teller[server].reads, 1);
    assert_input(ends.bev[server], "early");
    assert_input(ends.bev[client], "bird");
    close_ends(&ends);
    event_base_free(base);
  }
}

/* With the server's last flight or the client's, the first bytes may be in the same packet. */
static void bytes_that_come_with_the_end_of_the_handshake_are_not_forgotten(void** state) {
  (void)state;
  for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; ++version) {
    struct event_base* base = new_base();
    struct teller teller;
    struct story story = {{0}, 0};
    int pair[2];
    tcp_pair(pair);
    struct bufferevent* bev = end_on(base, on_socket, pair[0], session_of(version),
                                     BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
    listen_to(&teller, &story, "it", bev);
    bufferevent_enable(bev, EV_READ);
    /* The peer's bytes are gathered, and the last of them sent in one piece. */
    SSL* peer = session_of(version);
    BIO *inside, *outside;
    BIO_new_bio_pair(&inside, 0, &outside, 0);
    SSL_set_bio(peer, inside, inside);
    SSL_set_connect_state(peer);
    char bytes[32768];
    double end = seconds_now() + 10;
    while (SSL_do_handshake(peer) != 1 && seconds_now() < end) {
      int out = BIO_read(outside, bytes, sizeof bytes);
      if (out > 0) assert_int_equal(send(pair[1], bytes, (size_t)out, 0), out);
      event_base_loop(base, EVLOOP_NONBLOCK);
      ssize_t in = recv(pair[1], bytes, sizeof bytes, MSG_DONTWAIT);
      if (in > 0) assert_int_equal(BIO_write(outside, bytes, (int)in), in);
    }
    if (version == TLS1_3_VERSION) {
      assert_int_equal(SSL_write(peer, "at once", 7), 7);
      int out = BIO_read(outside, bytes, sizeof bytes);
      assert_int_equal(send(pair[1], bytes, (size_t)out, 0), out);
      run_until_at_least(base, &teller.reads, 1);
      assert_string_equal(story.text, "it:event(0x80) it:read(7)");
    }
    bufferevent_free(bev);
    run_ready(base);
    SSL_free(peer);
    BIO_free(outside);
    close(pair[1]);
    event_base_free(base);
  }
}

static void connecting_by_address_includes_the_handshake(void** state) {
  (void)state;
  for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; ++version) {
    struct event_base* base = new_base();
    struct sockaddr_in address;
    struct teller tellers[2];
    int listener = tcp_listener(&address);
    struct bufferevent* bev = bufferevent_openssl_socket_new(
        base, -1, session_of(version), BUFFEREVENT_SSL_CONNECTING, BEV_OPT_CLOSE_ON_FREE);
    assert_non_null(bev);
    assert_int_equal(bufferevent_getfd(bev), -1);
    listen_to(&tellers[0], NULL, "client", bev);
    bufferevent_enable(bev, EV_READ);
    assert_int_equal(bufferevent_socket_connect(bev, (struct sockaddr*)&address, sizeof address),
                     0);
    assert_true(bufferevent_getfd(bev) >= 0);
    assert_int_equal(SSL_get_fd(bufferevent_openssl_get_ssl(bev)), bufferevent_getfd(bev));
    run_ready(base);
    int fd = accept(listener, NULL, NULL);
    evutil_make_socket_nonblocking(fd);
    struct bufferevent* other = bufferevent_openssl_socket_new(
        base, fd, session_of(version), BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
    listen_to(&tellers[1], NULL, "server", other);
    run_until_at_least(base, &tellers[0].events, 1);
    run_until_at_least(base, &tellers[1].events, 1);
    assert_int_equal(tellers[0].last_event, BEV_EVENT_CONNECTED);
    bufferevent_write(other, "hello", 5);
    run_until_at_least(base, &tellers[0].reads, 1);
    assert_input(bev, "hello");
    bufferevent_free(bev);
    bufferevent_free(other);
    run_ready(base);
    close(listener);
    event_base_free(base);
  }
}

static void connecting_by_name_includes_the_handshake(void** state) {
  (void)state;
  struct event_base* base = new_base();
  struct sockaddr_in address;
  struct teller tellers[2];
  int listener = tcp_listener(&address);
  struct bufferevent* bev = bufferevent_openssl_socket_new(
      base, -1, session_of(TLS1_3_VERSION), BUFFEREVENT_SSL_CONNECTING, BEV_OPT_CLOSE_ON_FREE);
  listen_to(&tellers[0], NULL, "client", bev);
  bufferevent_enable(bev, EV_READ);
  assert_int_equal(
      bufferevent_socket_connect_hostname(bev, NULL, AF_INET, "127.0.0.1", ntohs(address.sin_port)),
      0);
  run_ready(base);
  int fd = accept(listener, NULL, NULL);
  evutil_make_socket_nonblocking(fd);
  struct bufferevent* other = bufferevent_openssl_socket_new(
      base, fd, session_of(TLS1_3_VERSION), BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
  listen_to(&tellers[1], NULL, "server", other);
  run_until_at_least(base, &tellers[0].events, 1);
  assert_int_equal(tellers[0].last_event, BEV_EVENT_CONNECTED);
  assert_int_equal(bufferevent_socket_get_dns_error(bev), 0);
  bufferevent_free(bev);
  bufferevent_free(other);
  run_ready(base);
  close(listener);
  event_base_free(base);
}

static void another_descriptor_begins_another_handshake(void** state) {
  (void)state;
  for (enum form form = on_socket; form < over_pair; ++form) {
    struct ends ends;
    struct event_base* base = new_base();
    int pair[2];
    open_ends(&ends, base, form, TLS1_3_VERSION, BEV_OPT_CLOSE_ON_FREE);
    shake_hands(&ends);
    tcp_pair(pair);
    close(ends.fd[client]);
    close(ends.fd[server]);
    for (int side = 0; side < 2; ++side) {
      assert_int_equal(bufferevent_setfd(ends.bev[side], pair[side]), 0);
      assert_int_equal(bufferevent_getfd(ends.bev[side]), pair[side]);
      ends.fd[side] = pair[side];
    }
    run_until_at_least(base, &ends.teller[client].events, 1);
    run_until_at_least(base, &ends.teller[server].events, 1);
    for (int side = 0; side < 2; ++side)
      assert_int_equal(ends.teller[side].last_event, BEV_EVENT_CONNECTED);
    bufferevent_write(ends.bev[client], "anew", 4);
    run_until_at_least(base, &ends.teller[server].reads, 1);
    assert_input(ends.bev[server], "anew");
    close_ends(&ends);
    event_base_free(base);
  }
}

/* Made by hand before; bytes may be inside already. */
static void an_open_connection_goes_on(void** state) {
  (void)state;
  DESCRIPTOR_FORMS_AND_VERSIONS(form, version) {
    struct event_base* base = new_base();
    struct teller teller;
    char got[64];
    int pair[2];
    SSL* ssl[2] = {session_of(version), session_of(version)};
    tcp_pair(pair);
    for (int i = 0; i < 2; ++i)
      SSL_set_fd(ssl[i], pair[i]);
    SSL_set_connect_state(ssl[0]);
    SSL_set_accept_state(ssl[1]);
    double end = seconds_now() + 10;
    for (int done = 0; done != 3 && seconds_now() < end;)
      for (int i = 0; i < 2; ++i)
        if (SSL_do_handshake(ssl[i]) == 1) done |= 1 << i;
    assert_int_equal(SSL_write(ssl[1], "before", 6), 6);
    if (form == on_socket) {
      /* Half of the record is read, the rest stays inside. */
      while (SSL_read(ssl[0], got, 2) != 2 && seconds_now() < end) {
      }
    }
    struct bufferevent* bev =
        end_on(base, form, pair[0], ssl[0], BUFFEREVENT_SSL_OPEN, BEV_OPT_CLOSE_ON_FREE);
    listen_to(&teller, NULL, "it", bev);
    assert_int_equal(bufferevent_getfd(bev), pair[0]);
    run_ready(base);
    assert_int_equal(teller.reads + teller.events, 0);
    assert_int_equal(SSL_write(ssl[1], "after", 5), 5);
    bufferevent_enable(bev, EV_READ);
    run_until_input(base, bev, form == on_socket ? 9 : 11);
    assert_input(bev, form == on_socket ? "foreafter" : "beforeafter");
    bufferevent_write(bev, "answer", 6);
    int count = 0;
    while ((count = SSL_read(ssl[1], got, sizeof got)) <= 0 && seconds_now() < end)
      event_base_loop(base, EVLOOP_NONBLOCK);
    assert_int_equal(count, 6);
    bufferevent_free(bev);
    run_ready(base);
    SSL_free(ssl[1]);
    close(pair[1]);
    event_base_free(base);
  }
}

const struct CMUnitTest handshake_tests[] = {
    cmocka_unit_test(both_ends_tell_once_that_they_are_connected),
    cmocka_unit_test(a_handshake_needs_no_reading),
    cmocka_unit_test(a_handshake_waits_while_both_directions_are_disabled),
    cmocka_unit_test(what_was_written_before_it_follows_it),
    cmocka_unit_test(bytes_that_come_with_the_end_of_the_handshake_are_not_forgotten),
    cmocka_unit_test(connecting_by_address_includes_the_handshake),
    cmocka_unit_test(connecting_by_name_includes_the_handshake),
    cmocka_unit_test(another_descriptor_begins_another_handshake),
    cmocka_unit_test(an_open_connection_goes_on),
};
const size_t handshake_test_count = COUNT_OF(handshake_tests);
