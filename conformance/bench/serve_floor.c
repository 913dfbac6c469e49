/* Rows `echo`, `bulk` and `tls`, the floor: the work of serve.c with one read and one write for
 * each message, or one of 64 KiB for each readiness of a stream, and the kernel told of each
 * connection once. */
#include <sys/epoll.h>

#include "conformance/bench/bench.h"
#include "conformance/bench/transport.h"

enum {
  mebibyte = 1024 * 1024,
  warm_up_messages = 5000,
  warm_up_bytes = 8 * mebibyte,
  piece_size = 64 * 1024,
  batch = 256
};

static int set;
static char piece[piece_size];

/* Each handles one readiness and returns the bytes that have been served. */
typedef ssize_t serve_one(struct transport_stream* stream);

static ssize_t answer(struct transport_stream* stream) {
  const ssize_t got = transport_read(stream, piece, message_size);
  if (got > 0) bench_check(transport_write(stream, piece, (size_t)got) == got);
  return got;
}
static ssize_t drop(struct transport_stream* stream) {
  return transport_read(stream, piece, piece_size);
}
static ssize_t push(struct transport_stream* stream) {
  return transport_write(stream, piece, piece_size);
}

static long serve(serve_one* handle, long more) {
  struct epoll_event ready[batch];
  long bytes = 0;
  while (bytes < more) {
    const int found = epoll_wait(set, ready, batch, -1);
    for (int i = 0; i < found && bytes < more; i++) {
      const ssize_t served = handle(ready[i].data.ptr);
      bench_check(served >= 0);
      bytes += served;
    }
  }
  return bytes;
}

static long measure(struct bench* bench, load_run* load, int family, serve_one* handle,
                    long warm_up, long unit) {
  const int* descriptors = load_start(load, family, (int)bench->size);
  bench_check((set = epoll_create1(EPOLL_CLOEXEC)) >= 0);
  for (long i = 0; i < bench->size; i++) {
    struct epoll_event interest = {.events = handle == push ? EPOLLIN | EPOLLOUT : EPOLLIN};
    interest.data.ptr = transport_open(descriptors[i]);
    bench_check(epoll_ctl(set, EPOLL_CTL_ADD, descriptors[i], &interest) == 0);
  }
  serve(handle, warm_up);
  bench_start(bench);
  const long bytes = serve(handle, bench->units * unit);
  bench_stop(bench);
  return bytes / unit;
}

static long echo(struct bench* bench) {
  return measure(bench, transport_loads.echo, AF_INET, answer, warm_up_messages * message_size,
                 message_size);
}
static long echo_local(struct bench* bench) {
  return measure(bench, transport_loads.echo, AF_UNIX, answer, warm_up_messages * message_size,
                 message_size);
}
static long receive_stream(struct bench* bench) {
  return measure(bench, transport_loads.send, AF_INET, drop, warm_up_bytes, mebibyte);
}
static long send_stream(struct bench* bench) {
  return measure(bench, transport_loads.receive, AF_INET, push, warm_up_bytes, mebibyte);
}

int main(int argc, char** argv) {
  static const struct bench_case cases[] = {{"echo", echo},
                                            {"echo-local", echo_local},
                                            {"receive", receive_stream},
                                            {"send", send_stream},
                                            {NULL, NULL}};
  return bench_main(argc, argv, cases);
}
