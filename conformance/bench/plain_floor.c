/* Plain sockets by themselves: the stream is the descriptor. */
#include <stdlib.h>
#include <unistd.h>

#include "conformance/bench/bench.h"
#include "conformance/bench/transport.h"

const struct transport_loads transport_loads = {load_echo, load_send, load_receive};

struct transport_stream {
  int fd;
};

struct transport_stream* transport_open(int fd) {
  struct transport_stream* stream = malloc(sizeof *stream);
  bench_check(stream != NULL);
  stream->fd = fd;
  return stream;
}

ssize_t transport_read(struct transport_stream* stream, void* into, size_t size) {
  return read(stream->fd, into, size);
}

ssize_t transport_write(struct transport_stream* stream, const void* from, size_t size) {
  return write(stream->fd, from, size);
}
