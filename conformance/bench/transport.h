/* What carries the bytes of the rows that serve connections: plain sockets (rows `echo`, `bulk`) or
 * TLS (row `tls`). The work, serve.c and its floor serve_floor.c, is written once; each program
 * links one implementation of the part that it needs. */
#ifndef POLLSHIM_CONFORMANCE_BENCH_TRANSPORT_H_
#define POLLSHIM_CONFORMANCE_BENCH_TRANSPORT_H_

#include <stddef.h>
#include <sys/types.h>

#include "conformance/bench/load.h"

struct bufferevent;
struct event_base;

/* Who is at the other end: plain_*.c, tls_*.c name their loads. */
struct transport_loads {
  load_run *echo, *send, *receive;
};
extern const struct transport_loads transport_loads;

/* For serve.c: a bufferevent over an accepted descriptor. */
struct bufferevent* transport_bufferevent(struct event_base* base, int fd);

/* For serve_floor.c: the same without a library. `read` and `write` answer as their namesakes of
 * the kernel do; 0 means that there is nothing to do just now. */
struct transport_stream;
struct transport_stream* transport_open(int fd);
ssize_t transport_read(struct transport_stream* stream, void* into, size_t size);
ssize_t transport_write(struct transport_stream* stream, const void* from, size_t size);

#endif
