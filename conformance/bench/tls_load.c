/* TLS clients for the TLS row, and the certificate of its servers.
 * All connections belong to one thread: the handshakes are done side by side on non-blocking
 * sockets, or a server that serves one connection after the other could wait for ever. */
#include "conformance/bench/tls_load.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "conformance/bench/bench.h"

enum { piece_size = 64 * 1024, batch = 256, certificate_seconds = 24 * 3600 };

static char piece[piece_size];

SSL_CTX* tls_server_context(void) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  bench_check(key != NULL && certificate != NULL && context != NULL);
  X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate), certificate_seconds);
  X509_NAME* name = X509_get_subject_name(certificate);
  bench_check(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                         (const unsigned char*)"localhost", -1, -1, 0));
  bench_check(X509_set_issuer_name(certificate, name) && X509_set_pubkey(certificate, key));
  bench_check(X509_sign(certificate, key, EVP_sha256()) > 0);
  bench_check(SSL_CTX_use_certificate(context, certificate) &&
              SSL_CTX_use_PrivateKey(context, key));
  X509_free(certificate);
  EVP_PKEY_free(key);
  return context;
}

static bool wants_to_wait(SSL* connection, int result) {
  const int error = SSL_get_error(connection, result);
  return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

/* Each serves one connection as far as it goes now; false when the server has gone. */
typedef bool serve_one(SSL* connection);

static bool answer(SSL* connection) {
  int got;
  /* No message of its own has been sent until the first answer could come: a fresh connection, one
   * whose application data pointer is unset, sends one unasked. */
  if (!SSL_get_app_data(connection)) {
    SSL_set_app_data(connection, connection);
    if (SSL_write(connection, piece, message_size) != message_size) return false;
  }
  while ((got = SSL_read(connection, piece, message_size)) > 0)
    if (got != message_size || SSL_write(connection, piece, got) != got) return false;
  return wants_to_wait(connection, got);
}

static bool push(SSL* connection) {
  const int sent = SSL_write(connection, piece, piece_size);
  return sent > 0 || wants_to_wait(connection, sent);
}

static bool pull(SSL* connection) {
  const int got = SSL_read(connection, piece, piece_size);
  return got > 0 || wants_to_wait(connection, got);
}

static SSL* open_connection(SSL_CTX* context, int fd) {
  SSL* connection = SSL_new(context);
  bench_check(connection != NULL && SSL_set_fd(connection, fd) == 1);
  SSL_set_connect_state(connection);
  return connection;
}

static void serve_all(const int* descriptors, int count, uint32_t events, serve_one* serve) {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  const int set = epoll_create1(EPOLL_CLOEXEC);
  bench_check(context != NULL && set >= 0);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  for (int i = 0; i < count; i++) {
    struct epoll_event interest = {.events = EPOLLIN | events};
    interest.data.ptr = open_connection(context, descriptors[i]);
    bench_check(epoll_ctl(set, EPOLL_CTL_ADD, descriptors[i], &interest) == 0);
    SSL_do_handshake(interest.data.ptr);
  }
  for (;;) {
    struct epoll_event ready[batch];
    const int found = epoll_wait(set, ready, batch, -1);
    for (int i = 0; i < found; i++) {
      SSL* connection = ready[i].data.ptr;
      const int shaken = SSL_do_handshake(connection);
      if (shaken == 1 ? !serve(connection) : !wants_to_wait(connection, shaken)) return;
    }
  }
}

void tls_load_echo(const int* descriptors, int count) {
  serve_all(descriptors, count, 0, answer);
}
void tls_load_send(const int* descriptors, int count) {
  serve_all(descriptors, count, EPOLLOUT, push);
}
void tls_load_receive(const int* descriptors, int count) {
  serve_all(descriptors, count, 0, pull);
}
