/* The load of the TLS row, and the server's half of what both sides must agree on: the context.
 * It speaks OpenSSL directly on blocking sockets, one after the other, and knows no event library.
 */
#ifndef POLLSHIM_CONFORMANCE_BENCH_TLS_LOAD_H_
#define POLLSHIM_CONFORMANCE_BENCH_TLS_LOAD_H_

#include <openssl/ssl.h>

#include "conformance/bench/load.h"

/* The same as their namesakes in load.h, inside TLS. */
load_run tls_load_echo, tls_load_send, tls_load_receive;

/* A server's context with a certificate made for this run. */
SSL_CTX* tls_server_context(void);

#endif
