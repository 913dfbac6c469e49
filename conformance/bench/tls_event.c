/* TLS under bufferevents: bufferevent_openssl, accepting. */
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>

#include "conformance/bench/bench.h"
#include "conformance/bench/tls_load.h"
#include "conformance/bench/transport.h"

const struct transport_loads transport_loads = {tls_load_echo, tls_load_send, tls_load_receive};

struct bufferevent* transport_bufferevent(struct event_base* base, int fd) {
  static SSL_CTX* context;
  if (!context) context = tls_server_context();
  SSL* connection = SSL_new(context);
  bench_check(connection != NULL);
  return bufferevent_openssl_socket_new(base, fd, connection, BUFFEREVENT_SSL_ACCEPTING, 0);
}
