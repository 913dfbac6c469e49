/* TLS by itself: OpenSSL on the descriptor, driven by readiness alone. */
#include "conformance/bench/bench.h"
#include "conformance/bench/tls_load.h"
#include "conformance/bench/transport.h"

const struct transport_loads transport_loads = {tls_load_echo, tls_load_send, tls_load_receive};

static SSL* ssl_of(struct transport_stream* stream) {
  return (SSL*)stream;
}

struct transport_stream* transport_open(int fd) {
  static SSL_CTX* context;
  if (!context) {
    context = tls_server_context();
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  }
  SSL* connection = SSL_new(context);
  bench_check(connection != NULL && SSL_set_fd(connection, fd) == 1);
  SSL_set_accept_state(connection);
  return (struct transport_stream*)connection;
}

static ssize_t result_of(SSL* connection, int result) {
  if (result > 0) return result;
  const int error = SSL_get_error(connection, result);
  return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

ssize_t transport_read(struct transport_stream* stream, void* into, size_t size) {
  return result_of(ssl_of(stream), SSL_read(ssl_of(stream), into, (int)size));
}

ssize_t transport_write(struct transport_stream* stream, const void* from, size_t size) {
  return result_of(ssl_of(stream), SSL_write(ssl_of(stream), from, (int)size));
}
