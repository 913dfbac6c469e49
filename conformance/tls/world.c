/* The helpers that world.h promises. */
#include "conformance/tls/world.h"

#include <openssl/x509.h>

const char* const form_names[form_count] = {"socket", "filter on socket", "filter on pair"};

static SSL_CTX* make_context(int version) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  SSL_CTX* context = SSL_CTX_new(TLS_method());
  assert_non_null(key);
  assert_non_null(certificate);
  assert_non_null(context);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 24 * 3600);
  X509_NAME* name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char*)"localhost", -1, -1,
                             0);
  X509_set_issuer_name(certificate, name);
  X509_set_pubkey(certificate, key);
  assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
  assert_int_equal(SSL_CTX_use_certificate(context, certificate), 1);
  assert_int_equal(SSL_CTX_use_PrivateKey(context, key), 1);
  X509_free(certificate);
  EVP_PKEY_free(key);
  SSL_CTX_set_min_proto_version(context, version);
  SSL_CTX_set_max_proto_version(context, version);
  return context;
}

SSL_CTX* context_of(int version) {
  static SSL_CTX* contexts[2];
  SSL_CTX** context = &contexts[version == TLS1_3_VERSION];
  if (!*context) *context = make_context(version);
  return *context;
}

SSL* session_of(int version) {
  SSL* ssl = SSL_new(context_of(version));
  assert_non_null(ssl);
  return ssl;
}

static enum bufferevent_ssl_state state_of(int side) {
  return side == client ? BUFFEREVENT_SSL_CONNECTING : BUFFEREVENT_SSL_ACCEPTING;
}

struct bufferevent* end_on(struct event_base* base, enum form form, int fd, SSL* ssl,
                           enum bufferevent_ssl_state state, int options) {
  struct bufferevent* bev;
  if (form == on_socket) {
    bev = bufferevent_openssl_socket_new(base, fd, ssl, state, options);
  } else {
    struct bufferevent* below = bufferevent_socket_new(base, fd, options);
    assert_non_null(below);
    bev = bufferevent_openssl_filter_new(base, below, ssl, state, options);
  }
  assert_non_null(bev);
  return bev;
}

void open_ends(struct ends* ends, struct event_base* base, enum form form, int version,
               int options) {
  memset(ends, 0, sizeof *ends);
  ends->base = base;
  ends->fd[0] = ends->fd[1] = -1;
  if (form == over_pair) {
    assert_int_equal(bufferevent_pair_new(base, options | BEV_OPT_DEFER_CALLBACKS, ends->below), 0);
  } else {
    tcp_pair(ends->fd);
  }
  for (int side = 0; side < 2; ++side) {
    SSL* ssl = session_of(version);
    if (form == over_pair) {
      ends->bev[side] =
          bufferevent_openssl_filter_new(base, ends->below[side], ssl, state_of(side), options);
    } else {
      ends->bev[side] = end_on(base, form, ends->fd[side], ssl, state_of(side), options);
      ends->below[side] = bufferevent_get_underlying(ends->bev[side]);
    }
    assert_non_null(ends->bev[side]);
    listen_to(&ends->teller[side], &ends->story, side == client ? "client" : "server",
              ends->bev[side]);
  }
}

void run_until_at_least(struct event_base* base, const int* condition, int wanted) {
  double end = seconds_now() + 10;
  while (*condition < wanted && seconds_now() < end) {
    event_base_loop(base, EVLOOP_NONBLOCK);
    usleep(100);
  }
  if (*condition < wanted) fail_msg("%s", "waited for ten seconds in vain");
}

void run_until_input(struct event_base* base, struct bufferevent* bev, size_t length) {
  double end = seconds_now() + 10;
  struct evbuffer* input = bufferevent_get_input(bev);
  while (evbuffer_get_length(input) < length && seconds_now() < end)
    event_base_loop(base, EVLOOP_NONBLOCK);
  if (evbuffer_get_length(input) < length) fail_msg("%s", "no input within ten seconds");
}

void shake_hands(struct ends* ends) {
  for (int side = 0; side < 2; ++side)
    bufferevent_enable(ends->bev[side], EV_READ | EV_WRITE);
  run_until_at_least(ends->base, &ends->teller[client].events, 1);
  run_until_at_least(ends->base, &ends->teller[server].events, 1);
  for (int side = 0; side < 2; ++side)
    assert_int_equal(ends->teller[side].last_event, BEV_EVENT_CONNECTED);
  run_ready(ends->base);
  for (int side = 0; side < 2; ++side)
    ends->teller[side].events = ends->teller[side].reads = ends->teller[side].writes = 0;
  ends->story.used = 0;
  ends->story.text[0] = 0;
}

void close_ends(struct ends* ends) {
  for (int side = 0; side < 2; ++side)
    if (ends->bev[side]) bufferevent_free(ends->bev[side]);
  run_ready(ends->base);
  for (int side = 0; side < 2; ++side)
    if (ends->fd[side] >= 0) assert_false(descriptor_is_open(ends->fd[side]));
}

void open_solo(struct solo* solo, struct event_base* base, enum form form, int version,
               int options) {
  int pair[2];
  memset(solo, 0, sizeof *solo);
  tcp_pair(pair);
  solo->base = base;
  solo->fd = pair[0];
  solo->peer_fd = pair[1];
  solo->peer = session_of(version);
  SSL_set_fd(solo->peer, solo->peer_fd);
  SSL_set_connect_state(solo->peer);
  SSL_set_mode(solo->peer, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  solo->bev = end_on(base, form, solo->fd, session_of(version), BUFFEREVENT_SSL_ACCEPTING,
                     options | BEV_OPT_CLOSE_ON_FREE);
  listen_to(&solo->teller, &solo->story, "it", solo->bev);
  bufferevent_enable(solo->bev, EV_READ | EV_WRITE);
  double end = seconds_now() + 10;
  while ((SSL_do_handshake(solo->peer) != 1 || solo->teller.events == 0) && seconds_now() < end)
    event_base_loop(base, EVLOOP_NONBLOCK);
  assert_int_equal(solo->teller.last_event, BEV_EVENT_CONNECTED);
  run_ready(base);
  /* Tickets, if there are any: a peer that closes with bytes unread resets the connection. */
  char none;
  assert_int_equal(SSL_read(solo->peer, &none, 1), -1);
  solo->teller.events = 0;
  solo->story.used = 0;
  solo->story.text[0] = 0;
}

size_t peer_reads(struct solo* solo, char* to, size_t room, size_t wanted) {
  size_t got = 0;
  double end = seconds_now() + 10;
  while (got < wanted && seconds_now() < end) {
    int count = SSL_read(solo->peer, to + got, (int)(room - got));
    if (count > 0) got += (size_t)count;
    event_base_loop(solo->base, EVLOOP_NONBLOCK);
  }
  return got;
}

void peer_writes(struct solo* solo, const void* bytes, size_t size) {
  size_t sent = 0;
  double end = seconds_now() + 10;
  while (sent < size && seconds_now() < end) {
    int count = SSL_write(solo->peer, (const char*)bytes + sent, (int)(size - sent));
    if (count > 0) sent += (size_t)count;
    if (count <= 0) event_base_loop(solo->base, EVLOOP_NONBLOCK);
  }
  assert_int_equal(sent, size);
}

void peer_closes(struct solo* solo) {
  close(solo->peer_fd);
  solo->peer_fd = -1;
}

void peer_resets(struct solo* solo) {
  struct linger now = {1, 0};
  setsockopt(solo->peer_fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  peer_closes(solo);
}

void write_pieces(struct bufferevent* bev, int count, size_t size) {
  static char bytes[20000];
  struct evbuffer* pieces = evbuffer_new();
  for (int i = 0; i < count; ++i)
    evbuffer_add_reference(pieces, bytes, size, NULL, NULL);
  assert_int_equal(bufferevent_write_buffer(bev, pieces), 0);
  evbuffer_free(pieces);
}

void close_solo(struct solo* solo) {
  if (solo->bev) bufferevent_free(solo->bev);
  run_ready(solo->base);
  assert_false(descriptor_is_open(solo->fd));
  SSL_free(solo->peer);
  if (solo->peer_fd >= 0) close(solo->peer_fd);
}

int had_error(struct bufferevent* bev, int reason) {
  unsigned long error;
  int found = 0;
  while ((error = bufferevent_get_openssl_error(bev)) != 0)
    found |= ERR_GET_REASON(error) == reason;
  return found;
}
