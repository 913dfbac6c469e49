/* How a connection ends: with a goodbye or without, with bytes before it, half of it, by a reset,
 * by a descriptor that is none. And what is told of it, and how often. */
#include "conformance/tls/world.h"

#include <netinet/tcp.h>

static void a_goodbye_is_an_end_of_file(void** state) {
  (void)state;
  for (int dirty = 0; dirty < 2; ++dirty)
    DESCRIPTOR_FORMS_AND_VERSIONS(form, version) {
      struct solo solo;
      struct event_base* base = new_base();
      open_solo(&solo, base, form, version, 0);
      bufferevent_openssl_set_allow_dirty_shutdown(solo.bev, dirty);
      SSL_shutdown(solo.peer);
      run_until_at_least(base, &solo.teller.events, 1);
      peer_closes(&solo);
      assert_string_equal(solo.story.text, "it:event(0x11)");
      assert_int_equal(bufferevent_get_openssl_error(solo.bev), 0);
      close_solo(&solo);
      event_base_free(base);
    }
}

static void a_connection_that_just_ends_is_an_error(void** state) {
  (void)state;
  DESCRIPTOR_FORMS_AND_VERSIONS(form, version) {
    struct solo solo;
    struct event_base* base = new_base();
    open_solo(&solo, base, form, version, 0);
    assert_int_equal(bufferevent_openssl_get_allow_dirty_shutdown(solo.bev), 0);
    peer_closes(&solo);
    run_until_at_least(base, &solo.teller.events, 1);
    run_ready(base);
    if (form == on_socket) {
      assert_string_equal(solo.story.text, "it:event(0x21)");
      assert_true(had_error(solo.bev, SSL_R_UNEXPECTED_EOF_WHILE_READING));
    } else {
      assert_string_equal(solo.story.text, "it:event(0x20)");
    }
    close_solo(&solo);
    event_base_free(base);
  }
}

/* OpenSSL 3 has an error of its own for an end without a goodbye, which the setting does not cover;
 * it does where the end comes from a bufferevent underneath. */
static void a_connection_that_may_just_end_is_an_end_of_file_on_a_bufferevent(void** state) {
  (void)state;
  DESCRIPTOR_FORMS_AND_VERSIONS(form, version) {
    struct solo solo;
    struct event_base* base = new_base();
    open_solo(&solo, base, form, version, 0);
    bufferevent_openssl_set_allow_dirty_shutdown(solo.bev, 2);
    assert_int_equal(bufferevent_openssl_get_allow_dirty_shutdown(solo.bev), 1);
    peer_closes(&solo);
    run_until_at_least(base, &solo.teller.events, 1);
    run_ready(base);
    assert_string_equal(solo.story.text, form == on_socket ? "it:event(0x21)" : "it:event(0x10)");
    close_solo(&solo);
    event_base_free(base);
  }
}

/* The original tells of the end first where it finds both at once: see DIFFERENCES.md. */
static void bytes_that_come_with_the_goodbye_come_before_it(void** state) {
  (void)state;
  DESCRIPTOR_FORMS_AND_VERSIONS(form, version)
  for (int closed = 0; closed < 2; ++closed) {
    struct solo solo;
    struct event_base* base = new_base();
    open_solo(&solo, base, form, version, 0);
    assert_int_equal(SSL_write(solo.peer, "last", 4), 4);
    assert_int_equal(SSL_write(solo.peer, "words", 5), 5);
    SSL_shutdown(solo.peer);
    if (closed) peer_closes(&solo);
    run_until_at_least(base, &solo.teller.events, 1);
    run_ready(base);
    assert_non_null(strstr(solo.story.text, "it:event(0x11)"));
    assert_non_null(strstr(solo.story.text, "it:read(9)"));
    if (!on_original()) {
      assert_int_equal(solo.teller.events, 1);
      assert_null(strstr(strstr(solo.story.text, "0x11"), "read"));
    }
    assert_input(solo.bev, "lastwords");
    close_solo(&solo);
    event_base_free(base);
  }
}

/* The last bytes are held back by the mark when the peer goes. */
static void bytes_held_back_by_a_mark_come_before_the_end(void** state) {
  (void)state;
  for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; ++version)
    for (int clean = 0; clean < 2; ++clean) {
      struct solo solo;
      struct event_base* base = new_base();
      char bytes[3000];
      memset(bytes, 'x', sizeof bytes);
      open_solo(&solo, base, on_socket, version, 0);
      bufferevent_setwatermark(solo.bev, EV_READ, 0, 100);
      bufferevent_setcb(solo.bev, NULL, NULL, tell_event, &solo.teller);
      for (int i = 0; i < 3; ++i)
        peer_writes(&solo, bytes, sizeof bytes);
      if (clean) SSL_shutdown(solo.peer);
      peer_closes(&solo);
      run_ready(base);
      assert_int_equal(solo.teller.events, 0);
      size_t got = 0;
      double end = seconds_now() + 10;
      while (!solo.teller.events && seconds_now() < end) {
        struct evbuffer* input = bufferevent_get_input(solo.bev);
        got += evbuffer_get_length(input);
        evbuffer_drain(input, evbuffer_get_length(input));
        event_base_loop(base, EVLOOP_NONBLOCK);
      }
      got += evbuffer_get_length(bufferevent_get_input(solo.bev));
      assert_int_equal(got, 9000);
      assert_int_equal(solo.teller.last_event & ~BEV_EVENT_READING,
                       clean ? BEV_EVENT_EOF : BEV_EVENT_ERROR);
      close_solo(&solo);
      event_base_free(base);
    }
}

static void who_has_heard_the_goodbye_may_still_speak(void** state) {
  (void)state;
  DESCRIPTOR_FORMS_AND_VERSIONS(form, version) {
    struct solo solo;
    char got[16];
    struct event_base* base = new_base();
    open_solo(&solo, base, form, version, 0);
    SSL_shutdown(solo.peer);
    run_until_at_least(base, &solo.teller.events, 1);
    assert_int_equal(bufferevent_write(solo.bev, "farewell", 8), 0);
    assert_int_equal(peer_reads(&solo, got, sizeof got, 8), 8);
    assert_memory_equal(got, "farewell", 8);
    close_solo(&solo);
    event_base_free(base);
  }
}

static void its_own_goodbye_reaches_the_peer(void** state) {
  (void)state;
  DESCRIPTOR_FORMS_AND_VERSIONS(form, version) {
    struct solo solo;
    char got[16];
    struct event_base* base = new_base();
    open_solo(&solo, base, form, version, 0);
    bufferevent_write(solo.bev, "bye", 3);
    run_ready(base);
    SSL_shutdown(bufferevent_openssl_get_ssl(solo.bev));
    assert_int_equal(peer_reads(&solo, got, sizeof got, 3), 3);
    double end = seconds_now() + 10;
    int count;
    while ((count = SSL_read(solo.peer, got, sizeof got)) < 0 && seconds_now() < end)
      event_base_loop(base, EVLOOP_NONBLOCK);
    assert_int_equal(SSL_get_error(solo.peer, count), SSL_ERROR_ZERO_RETURN);
    close_solo(&solo);
    event_base_free(base);
  }
}

static void a_reset_is_an_error(void** state) {
  (void)state;
  DESCRIPTOR_FORMS_AND_VERSIONS(form, version) {
    struct solo solo;
    struct event_base* base = new_base();
    open_solo(&solo, base, form, version, 0);
    peer_resets(&solo);
    run_until_at_least(base, &solo.teller.events, 1);
    run_ready(base);
    assert_int_equal(solo.teller.events, 1);
    assert_int_equal(solo.teller.last_event, BEV_EVENT_ERROR | BEV_EVENT_READING);
    assert_int_equal(solo.teller.last_error, ECONNRESET);
    close_solo(&solo);
    event_base_free(base);
  }
}

static void a_reset_in_the_middle_of_writing_is_an_error(void** state) {
  (void)state;
  DESCRIPTOR_FORMS_AND_VERSIONS(form, version) {
    struct solo solo;
    struct event_base* base = new_base();
    char* bytes = calloc(1, 1 << 24);
    open_solo(&solo, base, form, version, 0);
    bufferevent_disable(solo.bev, EV_READ);
    bufferevent_write(solo.bev, bytes, 1 << 24);
    run_ready(base);
    assert_int_equal(solo.teller.events, 0);
    peer_resets(&solo);
    run_until_at_least(base, &solo.teller.events, 1);
    assert_int_equal(solo.teller.last_event & ~(BEV_EVENT_READING | BEV_EVENT_WRITING),
                     BEV_EVENT_ERROR);
    assert_true(evbuffer_get_length(bufferevent_get_output(solo.bev)) > 0 || form != on_socket);
    free(bytes);
    close_solo(&solo);
    event_base_free(base);
  }
}

static void nonsense_in_the_middle_is_an_error(void** state) {
  (void)state;
  DESCRIPTOR_FORMS_AND_VERSIONS(form, version) {
    struct solo solo;
    struct event_base* base = new_base();
    open_solo(&solo, base, form, version, 0);
    send_text(solo.peer_fd, "this is no record, whatever it is meant to be");
    run_until_at_least(base, &solo.teller.events, 1);
    run_ready(base);
    assert_string_equal(solo.story.text, "it:event(0x21)");
    assert_int_not_equal(bufferevent_get_openssl_error(solo.bev), 0);
    close_solo(&solo);
    event_base_free(base);
  }
}

/* A record whose bytes were changed on the way. */
static void a_damaged_record_is_an_error_after_what_came_before(void** state) {
  (void)state;
  DESCRIPTOR_FORMS_AND_VERSIONS(form, version) {
    struct solo solo;
    struct event_base* base = new_base();
    open_solo(&solo, base, form, version, 0);
    assert_int_equal(SSL_write(solo.peer, "good", 4), 4);
    unsigned char bad[64] = {23, 3, 3, 0, sizeof bad - 5};
    memset(bad + 5, 7, sizeof bad - 5);
    assert_int_equal(send(solo.peer_fd, bad, sizeof bad, 0), sizeof bad);
    run_until_at_least(base, &solo.teller.events, 1);
    assert_int_equal(solo.teller.last_event, BEV_EVENT_ERROR | BEV_EVENT_READING);
    assert_non_null(strstr(solo.story.text, "it:read(4)"));
    if (!on_original()) assert_string_equal(solo.story.text, "it:read(4) it:event(0x21)");
    assert_true(had_error(solo.bev, SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC));
    close_solo(&solo);
    event_base_free(base);
  }
}

static void a_descriptor_that_is_none_is_an_error(void** state) {
  (void)state;
  struct event_base* base = new_base();
  struct teller teller;
  int fd = dup(0);
  close(fd);
  struct bufferevent* bev = bufferevent_openssl_socket_new(base, fd, session_of(TLS1_3_VERSION),
                                                           BUFFEREVENT_SSL_CONNECTING, 0);
  assert_non_null(bev);
  listen_to(&teller, NULL, "it", bev);
  int enabled = bufferevent_enable(bev, EV_READ | EV_WRITE);
  run_ready(base);
  /* It depends on the backend who notices. */
  assert_true(enabled == -1 || (teller.last_event & BEV_EVENT_ERROR));
  SSL_free(bufferevent_openssl_get_ssl(bev));
  bufferevent_free(bev);
  run_ready(base);
  event_base_free(base);
}

static void the_errors_are_taken_one_by_one_the_last_first(void** state) {
  (void)state;
  struct solo solo;
  struct event_base* base = new_base();
  open_solo(&solo, base, on_socket, TLS1_3_VERSION, 0);
  send_text(solo.peer_fd, "nonsense nonsense");
  run_until_at_least(base, &solo.teller.events, 1);
  unsigned long first = bufferevent_get_openssl_error(solo.bev);
  assert_int_equal(ERR_GET_LIB(first), ERR_LIB_SSL);
  assert_int_equal(bufferevent_get_openssl_error(solo.bev), SSL_ERROR_SSL);
  assert_int_equal(bufferevent_get_openssl_error(solo.bev), 0);
  assert_int_equal(bufferevent_get_openssl_error(solo.bev), 0);
  assert_int_equal(ERR_peek_error(), 0);
  close_solo(&solo);
  event_base_free(base);
}

const struct CMUnitTest closing_tests[] = {
    cmocka_unit_test(a_goodbye_is_an_end_of_file),
    cmocka_unit_test(a_connection_that_just_ends_is_an_error),
    cmocka_unit_test(a_connection_that_may_just_end_is_an_end_of_file_on_a_bufferevent),
    cmocka_unit_test(bytes_that_come_with_the_goodbye_come_before_it),
    cmocka_unit_test(bytes_held_back_by_a_mark_come_before_the_end),
    cmocka_unit_test(who_has_heard_the_goodbye_may_still_speak),
    cmocka_unit_test(its_own_goodbye_reaches_the_peer),
    cmocka_unit_test(a_reset_is_an_error),
    cmocka_unit_test(a_reset_in_the_middle_of_writing_is_an_error),
    cmocka_unit_test(nonsense_in_the_middle_is_an_error),
    cmocka_unit_test(a_damaged_record_is_an_error_after_what_came_before),
    cmocka_unit_test(a_descriptor_that_is_none_is_an_error),
    cmocka_unit_test(the_errors_are_taken_one_by_one_the_last_first),
};
const size_t closing_test_count = COUNT_OF(closing_tests);
