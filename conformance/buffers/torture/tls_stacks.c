/* Stacks with TLS in them: on descriptors, on other bufferevents, and beneath or on top of filters.
 * The certificate is made on the spot, and its signatures have one size, so that a seed puts the
 * same number of bytes on the wire each time. */
#include "conformance/buffers/torture/layers.h"

#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdint.h>
#include <stdlib.h>

static SSL_CTX* make_context(int version) {
  EVP_PKEY* key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
  X509* certificate = X509_new();
  SSL_CTX* context = SSL_CTX_new(TLS_method());
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 24 * 3600);
  X509_set_pubkey(certificate, key);
  if (X509_sign(certificate, key, NULL) <= 0 ||
      SSL_CTX_use_certificate(context, certificate) != 1 ||
      SSL_CTX_use_PrivateKey(context, key) != 1) {
    ERR_print_errors_fp(stderr);
    exit(1);
  }
  SSL_CTX_set_min_proto_version(context, version);
  SSL_CTX_set_max_proto_version(context, version);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return context;
}

static SSL* session_of(int version) {
  static SSL_CTX* contexts[2];
  SSL_CTX** context = &contexts[version == TLS1_3_VERSION];
  if (*context == NULL) *context = make_context(version);
  return SSL_new(*context);
}

static enum bufferevent_ssl_state state_of(int end) {
  return end == 0 ? BUFFEREVENT_SSL_CONNECTING : BUFFEREVENT_SSL_ACCEPTING;
}

// ---- The two forms.

static int open_on_descriptors(struct event_base* base, int options, int version,
                               connector* connect_them, struct bufferevent* ends[2]) {
  int fds[2];
  if (connect_them(fds) != 0) return -1;
  for (int i = 0; i < 2; i++) {
    ends[i] =
        bufferevent_openssl_socket_new(base, fds[i], session_of(version), state_of(i), options);
    if (ends[i] == NULL) return -1;
  }
  return 0;
}

static int put_tls_on(int opened, struct event_base* base, int options, int version,
                      struct bufferevent* ends[2]) {
  if (opened != 0) return -1;
  for (int i = 0; i < 2; i++) {
    ends[i] =
        bufferevent_openssl_filter_new(base, ends[i], session_of(version), state_of(i), options);
    if (ends[i] == NULL) return -1;
  }
  return 0;
}

// ---- What an end can do.

static void send_close_notify(struct bufferevent* end) {
  SSL* ssl = bufferevent_openssl_get_ssl(end);
  // A change of keys that has not left yet goes first.
  if (SSL_in_init(ssl)) SSL_do_handshake(ssl);
  SSL_shutdown(ssl);
  ERR_clear_error();
}

// The last change asks the other end to change its keys as well. OpenSSL ends the connection with
// "bad length" when it owes that while a record of its own waits for room and any other message of
// this sort comes in: so the client alone asks, once, and is silent after it.
static void change_keys(struct bufferevent* end) {
  enum { changes = 4 };
  SSL* ssl = bufferevent_openssl_get_ssl(end);
  intptr_t done = (intptr_t)SSL_get_app_data(ssl);
  int last = done + 1 == changes && !SSL_is_server(ssl);
  int how = last ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED;
  // Not before the handshake is over, nor while a record waits for room.
  if (done < changes && SSL_key_update(ssl, how) == 1) SSL_set_app_data(ssl, (void*)(done + 1));
  ERR_clear_error();
}

// ---- The kinds, of each for both versions.

#define BOTH_VERSIONS(name, how)                                                                  \
  static int open_1_2_##name(struct event_base* base, int options, struct bufferevent* ends[2]) { \
    int version = TLS1_2_VERSION;                                                                 \
    return how;                                                                                   \
  }                                                                                               \
  static int open_1_3_##name(struct event_base* base, int options, struct bufferevent* ends[2]) { \
    int version = TLS1_3_VERSION;                                                                 \
    return how;                                                                                   \
  }

BOTH_VERSIONS(local, open_on_descriptors(base, options, version, connect_local, ends))
BOTH_VERSIONS(tcp, open_on_descriptors(base, options, version, connect_tcp, ends))
BOTH_VERSIONS(local_socket, put_tls_on(open_sockets(base, options, connect_local, ends), base,
                                       options, version, ends))
BOTH_VERSIONS(tcp_socket, put_tls_on(open_sockets(base, options, connect_tcp, ends), base, options,
                                     version, ends))
BOTH_VERSIONS(pair,
              put_tls_on(bufferevent_pair_new(base, options, ends), base, options, version, ends))
BOTH_VERSIONS(filter, put_tls_on(put_filters_on(open_sockets(base, options, connect_tcp, ends),
                                                options, ends),
                                 base, options, version, ends))
BOTH_VERSIONS(under_filter,
              put_filters_on(open_on_descriptors(base, options, version, connect_tcp, ends),
                             options, ends))

#define ON_DESCRIPTORS .has_records = 1, .tells_end = 1
// The filter's callback leads back into OpenSSL while that writes to the filter.
#define ON_FILTER ON_DESCRIPTORS, .has_filters = 1, .original_fails = 1

static const struct stack_kind kinds[] = {
    {"tls1.2-on-local", open_1_2_local, ON_DESCRIPTORS, .say_goodbye = send_close_notify},
    {"tls1.3-on-local", open_1_3_local, ON_DESCRIPTORS, .say_goodbye = send_close_notify,
     .disturb = change_keys},
    {"tls1.2-on-tcp", open_1_2_tcp, ON_DESCRIPTORS, .say_goodbye = shut_down_writing},
    {"tls1.3-on-tcp", open_1_3_tcp, ON_DESCRIPTORS, .say_goodbye = send_close_notify,
     .disturb = change_keys},
    {"tls1.2-on-local-socket", open_1_2_local_socket, ON_DESCRIPTORS,
     .say_goodbye = send_close_notify},
    {"tls1.3-on-local-socket", open_1_3_local_socket, ON_DESCRIPTORS,
     .say_goodbye = send_close_notify, .disturb = change_keys},
    {"tls1.2-on-tcp-socket", open_1_2_tcp_socket, ON_DESCRIPTORS, .say_goodbye = shut_down_writing},
    {"tls1.3-on-tcp-socket", open_1_3_tcp_socket, ON_DESCRIPTORS, .say_goodbye = send_close_notify,
     .disturb = change_keys},
    {"tls1.2-on-pair", open_1_2_pair, .has_records = 1},
    {"tls1.3-on-pair", open_1_3_pair, .has_records = 1, .disturb = change_keys},
    {"tls1.2-on-filter", open_1_2_filter, ON_FILTER},
    {"tls1.3-on-filter", open_1_3_filter, ON_FILTER, .disturb = change_keys},
    {"filter-on-tls1.2", open_1_2_under_filter, ON_DESCRIPTORS, .has_filters = 1},
    {"filter-on-tls1.3", open_1_3_under_filter, ON_DESCRIPTORS, .has_filters = 1},
    {.name = NULL},
};
const struct stack_kind* const torture_stacks = kinds;
