/* What can be asked and set, arguments that are none, and asking for a new handshake. */
#include "conformance/tls/world.h"

static void what_is_no_tls_has_no_answers(void** state) {
  (void)state;
  struct event_base* base = new_base();
  int peer;
  struct bufferevent* plain = socket_bev(base, BEV_OPT_CLOSE_ON_FREE, &peer);
  assert_null(bufferevent_openssl_get_ssl(plain));
  assert_int_equal(bufferevent_openssl_get_allow_dirty_shutdown(plain), -1);
  bufferevent_openssl_set_allow_dirty_shutdown(plain, 1);
  assert_int_equal(bufferevent_openssl_get_allow_dirty_shutdown(plain), -1);
  assert_int_equal(bufferevent_get_openssl_error(plain), 0);
  assert_int_equal(bufferevent_ssl_renegotiate(plain), -1);
  bufferevent_free(plain);
  run_ready(base);
  close(peer);
  event_base_free(base);
}

static void a_filter_on_nothing_is_refused(void** state) {
  (void)state;
  struct event_base* base = new_base();
  SSL* ssl = session_of(TLS1_3_VERSION);
  assert_null(bufferevent_openssl_filter_new(base, NULL, ssl, BUFFEREVENT_SSL_CONNECTING, 0));
  /* Given away, it is gone even so: a leak checker would see it. */
  assert_null(bufferevent_openssl_filter_new(base, NULL, ssl, BUFFEREVENT_SSL_CONNECTING,
                                             BEV_OPT_CLOSE_ON_FREE));
  event_base_free(base);
}

static void two_descriptors_are_one_too_many(void** state) {
  (void)state;
  struct event_base* base = new_base();
  int pair[2];
  tcp_pair(pair);
  SSL* ssl = session_of(TLS1_3_VERSION);
  SSL_set_fd(ssl, pair[0]);
  assert_null(bufferevent_openssl_socket_new(base, pair[1], ssl, BUFFEREVENT_SSL_CONNECTING, 0));
  /* One of them, said twice or once, will do. */
  struct bufferevent* bev =
      bufferevent_openssl_socket_new(base, pair[0], ssl, BUFFEREVENT_SSL_CONNECTING, 0);
  assert_non_null(bev);
  assert_int_equal(bufferevent_getfd(bev), pair[0]);
  bufferevent_free(bev);
  run_ready(base);
  bev = bufferevent_openssl_socket_new(base, -1, ssl, BUFFEREVENT_SSL_CONNECTING,
                                       BEV_OPT_CLOSE_ON_FREE);
  assert_int_equal(bufferevent_getfd(bev), pair[0]);
  bufferevent_free(bev);
  run_ready(base);
  assert_false(descriptor_is_open(pair[0]));
  close(pair[1]);
  event_base_free(base);
}

/* The descriptor that an SSL object brought along serves as well as any. */
static void a_descriptor_set_before_carries_the_connection(void** state) {
  (void)state;
  for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; ++version) {
    struct ends ends;
    struct event_base* base = new_base();
    memset(&ends, 0, sizeof ends);
    ends.base = base;
    tcp_pair(ends.fd);
    for (int side = 0; side < 2; ++side) {
      SSL* ssl = session_of(version);
      SSL_set_fd(ssl, ends.fd[side]);
      ends.bev[side] = bufferevent_openssl_socket_new(
          base, side ? -1 : ends.fd[side], ssl,
          side ? BUFFEREVENT_SSL_ACCEPTING : BUFFEREVENT_SSL_CONNECTING, BEV_OPT_CLOSE_ON_FREE);
      listen_to(&ends.teller[side], &ends.story, "it", ends.bev[side]);
    }
    shake_hands(&ends);
    char* bytes = malloc(100000);
    pattern_fill((unsigned char*)bytes, 0, 100000);
    for (int side = 0; side < 2; ++side)
      bufferevent_write(ends.bev[side], bytes, 100000);
    for (int side = 0; side < 2; ++side) {
      run_until_input(base, ends.bev[side], 100000);
      assert_holds(bufferevent_get_input(ends.bev[side]), bytes, 100000);
    }
    free(bytes);
    close_ends(&ends);
    event_base_free(base);
  }
}

static void what_it_is_made_of_can_be_asked(void** state) {
  (void)state;
  FORMS_AND_VERSIONS(form, version) {
    struct ends ends;
    struct event_base* base = new_base();
    open_ends(&ends, base, form, version, BEV_OPT_CLOSE_ON_FREE);
    for (int side = 0; side < 2; ++side) {
      struct bufferevent* bev = ends.bev[side];
      SSL* ssl = bufferevent_openssl_get_ssl(bev);
      assert_non_null(ssl);
      assert_ptr_equal(bufferevent_get_base(bev), base);
      assert_ptr_equal(bufferevent_get_underlying(bev), ends.below[side]);
      assert_int_equal(bufferevent_getfd(bev), ends.fd[side]);
      assert_int_equal(SSL_get_fd(ssl), form == on_socket ? ends.fd[side] : -1);
      assert_true(SSL_get_mode(ssl) & SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
      assert_false(SSL_get_mode(ssl) & SSL_MODE_ENABLE_PARTIAL_WRITE);
      assert_int_equal(bufferevent_get_enabled(bev), EV_WRITE);
      assert_int_equal(bufferevent_openssl_get_allow_dirty_shutdown(bev), 0);
      assert_int_equal(bufferevent_flush(bev, EV_READ | EV_WRITE, BEV_FLUSH), 0);
      assert_int_equal(bufferevent_priority_set(bev, 0), 0);
      assert_int_equal(bufferevent_base_set(base, bev), -1);
    }
    close_ends(&ends);
    event_base_free(base);
  }
}

static void without_being_told_to_it_closes_and_frees_nothing(void** state) {
  (void)state;
  for (enum form form = on_socket; form < over_pair; ++form) {
    struct ends ends;
    struct event_base* base = new_base();
    SSL* ssl[2];
    open_ends(&ends, base, form, TLS1_3_VERSION, 0);
    shake_hands(&ends);
    for (int side = 0; side < 2; ++side) {
      ssl[side] = bufferevent_openssl_get_ssl(ends.bev[side]);
      bufferevent_free(ends.bev[side]);
    }
    run_ready(base);
    for (int side = 0; side < 2; ++side)
      assert_true(descriptor_is_open(ends.fd[side]));
    if (form == on_socket) {
      /* The connection goes on by hand. */
      char got[8];
      assert_int_equal(SSL_write(ssl[client], "hello", 5), 5);
      double end = seconds_now() + 10;
      int count;
      while ((count = SSL_read(ssl[server], got, sizeof got)) < 0 && seconds_now() < end) {
      }
      assert_int_equal(count, 5);
    }
    for (int side = 0; side < 2; ++side) {
      SSL_free(ssl[side]);
      if (ends.below[side]) bufferevent_free(ends.below[side]);
      close(ends.fd[side]);
    }
    run_ready(base);
    event_base_free(base);
  }
}

/* As its owner may: the bufferevent that is freed afterwards does not look at it. */
static void an_ssl_object_of_the_users_may_go_first(void** state) {
  (void)state;
  for (enum form form = on_socket; form < over_pair; ++form) {
    struct ends ends;
    struct event_base* base = new_base();
    open_ends(&ends, base, form, TLS1_3_VERSION, 0);
    shake_hands(&ends);
    for (int side = 0; side < 2; ++side) {
      SSL_free(bufferevent_openssl_get_ssl(ends.bev[side]));
      bufferevent_free(ends.bev[side]);
      if (ends.below[side]) bufferevent_free(ends.below[side]);
      close(ends.fd[side]);
    }
    run_ready(base);
    event_base_free(base);
  }
}

/* ---- Once more. */

/* On another bufferevent the original waits for the next bytes, and then lets no client begin. */
static int begins_at_once(enum form form) {
  return form == on_socket || !on_original();
}

static void a_server_may_ask_for_a_new_handshake(void** state) {
  (void)state;
  for (enum form form = on_socket; form < form_count; ++form) {
    struct ends ends;
    struct event_base* base = new_base();
    open_ends(&ends, base, form, TLS1_2_VERSION, BEV_OPT_CLOSE_ON_FREE);
    shake_hands(&ends);
    SSL* ssl = bufferevent_openssl_get_ssl(ends.bev[server]);
    assert_int_equal(SSL_num_renegotiations(ssl), 0);
    /* Asked for: that is all there is to do for the server. */
    assert_int_equal(bufferevent_ssl_renegotiate(ends.bev[server]), form == on_socket);
    assert_int_equal(ends.teller[server].events, begins_at_once(form));
    run_ready(base);
    bufferevent_write(ends.bev[client], "question", 8);
    run_until_at_least(base, &ends.teller[server].reads, 1);
    bufferevent_write(ends.bev[server], "answer", 6);
    run_until_at_least(base, &ends.teller[client].reads, 1);
    assert_input(ends.bev[server], "question");
    assert_input(ends.bev[client], "answer");
    assert_int_equal(SSL_num_renegotiations(ssl), 1);
    assert_int_equal(ends.teller[server].events, 1);
    assert_int_equal(ends.teller[server].last_event, BEV_EVENT_CONNECTED);
    assert_int_equal(ends.teller[client].events, 0);
    close_ends(&ends);
    event_base_free(base);
  }
}

static void a_client_may_where_the_server_lets_it(void** state) {
  (void)state;
  for (enum form form = on_socket; form < form_count && begins_at_once(form); ++form) {
    struct ends ends;
    struct event_base* base = new_base();
    open_ends(&ends, base, form, TLS1_2_VERSION, BEV_OPT_CLOSE_ON_FREE);
    SSL_set_options(bufferevent_openssl_get_ssl(ends.bev[server]),
                    SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
    shake_hands(&ends);
    assert_int_equal(bufferevent_ssl_renegotiate(ends.bev[client]), 0);
    run_until_at_least(base, &ends.teller[client].events, 1);
    assert_int_equal(ends.teller[client].last_event, BEV_EVENT_CONNECTED);
    for (int side = 0; side < 2; ++side)
      bufferevent_write(ends.bev[side], "as before", 9);
    for (int side = 0; side < 2; ++side) {
      run_until_at_least(base, &ends.teller[side].reads, 1);
      assert_input(ends.bev[side], "as before");
    }
    assert_int_equal(SSL_num_renegotiations(bufferevent_openssl_get_ssl(ends.bev[client])) +
                         SSL_num_renegotiations(bufferevent_openssl_get_ssl(ends.bev[server])),
                     1);
    close_ends(&ends);
    event_base_free(base);
  }
}

static void a_client_that_may_not_loses_the_connection(void** state) {
  (void)state;
  for (enum form form = on_socket; form < form_count && begins_at_once(form); ++form) {
    struct ends ends;
    struct event_base* base = new_base();
    open_ends(&ends, base, form, TLS1_2_VERSION, BEV_OPT_CLOSE_ON_FREE);
    shake_hands(&ends);
    assert_int_equal(bufferevent_ssl_renegotiate(ends.bev[client]), 0);
    run_until_at_least(base, &ends.teller[client].events, 1);
    assert_int_equal(ends.teller[client].last_event, BEV_EVENT_ERROR | BEV_EVENT_READING);
    assert_true(had_error(ends.bev[client], SSL_R_NO_RENEGOTIATION));
    close_ends(&ends);
    event_base_free(base);
  }
}

/* TLS 1.3 knows no such thing: the connection stays as it is, and that is told at once. */
static void in_tls_1_3_there_is_nothing_to_do(void** state) {
  (void)state;
  for (enum form form = on_socket; form < form_count && begins_at_once(form); ++form) {
    struct ends ends;
    struct event_base* base = new_base();
    open_ends(&ends, base, form, TLS1_3_VERSION, BEV_OPT_CLOSE_ON_FREE);
    shake_hands(&ends);
    for (int side = 0; side < 2; ++side) {
      assert_int_equal(bufferevent_ssl_renegotiate(ends.bev[side]), form == on_socket);
      assert_int_equal(ends.teller[side].events, 1);
      assert_int_equal(ends.teller[side].last_event, BEV_EVENT_CONNECTED);
    }
    bufferevent_write(ends.bev[client], "as before", 9);
    run_until_at_least(base, &ends.teller[server].reads, 1);
    assert_input(ends.bev[server], "as before");
    close_ends(&ends);
    event_base_free(base);
  }
}

const struct CMUnitTest settings_tests[] = {
    cmocka_unit_test(what_is_no_tls_has_no_answers),
    cmocka_unit_test(a_filter_on_nothing_is_refused),
    cmocka_unit_test(two_descriptors_are_one_too_many),
    cmocka_unit_test(a_descriptor_set_before_carries_the_connection),
    cmocka_unit_test(what_it_is_made_of_can_be_asked),
    cmocka_unit_test(without_being_told_to_it_closes_and_frees_nothing),
    cmocka_unit_test(an_ssl_object_of_the_users_may_go_first),
    cmocka_unit_test(a_server_may_ask_for_a_new_handshake),
    cmocka_unit_test(a_client_may_where_the_server_lets_it),
    cmocka_unit_test(a_client_that_may_not_loses_the_connection),
    cmocka_unit_test(in_tls_1_3_there_is_nothing_to_do),
};
const size_t settings_test_count = COUNT_OF(settings_tests);
