/* What carries a connection besides a stream socket that OpenSSL reads itself: datagrams, with a
 * BIO of ours or one that the program chose, and the kernel's own TLS where there is any. */
#include "conformance/tls/world.h"

static void datagram_pair(int pair[2]) {
  struct sockaddr_in address[2];
  socklen_t size = sizeof address[0];
  memset(address, 0, sizeof address);
  for (int i = 0; i < 2; ++i) {
    pair[i] = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    address[i].sin_family = AF_INET;
    address[i].sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(pair[i], (struct sockaddr*)&address[i], size), 0);
    assert_int_equal(getsockname(pair[i], (struct sockaddr*)&address[i], &size), 0);
  }
  for (int i = 0; i < 2; ++i)
    assert_int_equal(connect(pair[i], (struct sockaddr*)&address[1 - i], size), 0);
}

static SSL_CTX* datagram_context(void) {
  SSL_CTX *context = SSL_CTX_new(DTLS_method()), *like = context_of(TLS1_2_VERSION);
  assert_int_equal(SSL_CTX_use_certificate(context, SSL_CTX_get0_certificate(like)), 1);
  assert_int_equal(SSL_CTX_use_PrivateKey(context, SSL_CTX_get0_privatekey(like)), 1);
  return context;
}

static void bring_a_datagram_bio(SSL* ssl, int fd) {
  struct sockaddr_in peer;
  socklen_t size = sizeof peer;
  BIO* bio = BIO_new_dgram(fd, BIO_NOCLOSE);
  BIO_ADDR* address = BIO_ADDR_new();
  assert_int_equal(getpeername(fd, (struct sockaddr*)&peer, &size), 0);
  BIO_ADDR_rawmake(address, AF_INET, &peer.sin_addr, sizeof peer.sin_addr, peer.sin_port);
  BIO_ctrl_set_connected(bio, address);
  BIO_ADDR_free(address);
  SSL_set_bio(ssl, bio, bio);
}

static void open_on(struct ends* ends, struct event_base* base, SSL* ssl[2], enum form form) {
  ends->base = base;
  for (int side = 0; side < 2; ++side) {
    ends->bev[side] =
        end_on(base, form, ends->fd[side], ssl[side],
               side == client ? BUFFEREVENT_SSL_CONNECTING : BUFFEREVENT_SSL_ACCEPTING,
               BEV_OPT_CLOSE_ON_FREE);
    listen_to(&ends->teller[side], &ends->story, "it", ends->bev[side]);
  }
  shake_hands(ends);
}

static void datagrams_carry_a_connection(void** state) {
  (void)state;
  for (int brought = 0; brought < 2; ++brought) {
    struct ends ends;
    SSL* ssl[2];
    SSL_CTX* context = datagram_context();
    struct event_base* base = new_base();
    memset(&ends, 0, sizeof ends);
    datagram_pair(ends.fd);
    for (int side = 0; side < 2; ++side) {
      ssl[side] = SSL_new(context);
      if (brought) bring_a_datagram_bio(ssl[side], ends.fd[side]);
    }
    open_on(&ends, base, ssl, on_socket);
    for (int side = 0; side < 2; ++side)
      for (int i = 0; i < 5; ++i) {
        bufferevent_write(ends.bev[side], "one of five ", 12);
        event_base_loop(base, EVLOOP_NONBLOCK);
      }
    for (int side = 0; side < 2; ++side) {
      run_until_input(base, ends.bev[side], 60);
      assert_input(ends.bev[side], "one of five one of five one of five one of five one of five ");
    }
    close_ends(&ends);
    event_base_free(base);
    SSL_CTX_free(context);
  }
}

/* Where the kernel knows nothing of it, OpenSSL goes on by itself. */
static void kernel_tls_may_be_asked_for(void** state) {
  (void)state;
  DESCRIPTOR_FORMS_AND_VERSIONS(form, version) {
    struct ends ends;
    SSL* ssl[2];
    struct event_base* base = new_base();
    unsigned char* bytes = pattern_new(0, 300000);
    memset(&ends, 0, sizeof ends);
    tcp_pair(ends.fd);
    for (int side = 0; side < 2; ++side) {
      ssl[side] = session_of(version);
      SSL_set_options(ssl[side], SSL_OP_ENABLE_KTLS);
    }
    open_on(&ends, base, ssl, form);
    for (int side = 0; side < 2; ++side)
      bufferevent_write(ends.bev[side], bytes, 300000);
    for (int side = 0; side < 2; ++side) {
      run_until_input(base, ends.bev[side], 300000);
      assert_holds(bufferevent_get_input(ends.bev[side]), bytes, 300000);
    }
    ends.teller[server].events = 0;
    SSL_shutdown(ssl[client]);
    run_until_at_least(base, &ends.teller[server].events, 1);
    assert_int_equal(ends.teller[server].last_event, BEV_EVENT_EOF | BEV_EVENT_READING);
    free(bytes);
    close_ends(&ends);
    event_base_free(base);
  }
}

const struct CMUnitTest transports_tests[] = {
    cmocka_unit_test(datagrams_carry_a_connection),
    cmocka_unit_test(kernel_tls_may_be_asked_for),
};
const size_t transports_test_count = COUNT_OF(transports_tests);
