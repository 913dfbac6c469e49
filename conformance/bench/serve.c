/* Rows `echo`, `bulk` and `tls`: a server of bufferevents over SIZE connections.
 * `echo` sends every message of 64 bytes back, and the unit is one message; `echo-local` does so
 * over UNIX sockets, where less of the cost is the kernel's. `receive` drops what comes, `send`
 * appends another 64 KiB whenever its output has run dry, and their unit is one MiB summed over
 * the connections. */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "conformance/bench/bench.h"
#include "conformance/bench/transport.h"

enum {
  mebibyte = 1024 * 1024,
  warm_up_messages = 5000,
  warm_up_bytes = 8 * mebibyte,
  piece_size = 64 * 1024
};

static struct event_base* base;
static char piece[piece_size];
static long bytes, wanted;

static void count(size_t more) {
  bytes += (long)more;
  if (bytes >= wanted) event_base_loopbreak(base);
}

static void on_message(struct bufferevent* connection, void* unused) {
  struct evbuffer* input = bufferevent_get_input(connection);
  const size_t length = evbuffer_get_length(input);
  (void)unused;
  bench_check(bufferevent_write_buffer(connection, input) == 0);
  count(length);
}

static void on_input(struct bufferevent* connection, void* unused) {
  struct evbuffer* input = bufferevent_get_input(connection);
  const size_t length = evbuffer_get_length(input);
  (void)unused;
  bench_check(evbuffer_drain(input, length) == 0);
  count(length);
}

static void on_drained(struct bufferevent* connection, void* unused) {
  (void)unused;
  bench_check(bufferevent_write(connection, piece, sizeof piece) == 0);
  count(sizeof piece);
}

static void on_event(struct bufferevent* connection, short what, void* unused) {
  (void)connection, (void)unused;
  bench_check(what == BEV_EVENT_CONNECTED);
}

static void open_connections(const struct bench* bench, const int* descriptors,
                             bufferevent_data_cb on_read, bufferevent_data_cb on_write) {
  bench_check((base = event_base_new()) != NULL);
  for (long i = 0; i < bench->size; i++) {
    struct bufferevent* connection = transport_bufferevent(base, descriptors[i]);
    bench_check(connection != NULL);
    bufferevent_setcb(connection, on_read, on_write, on_event, NULL);
    bench_check(bufferevent_enable(connection, EV_READ | EV_WRITE) == 0);
    if (on_write) on_write(connection, NULL);
  }
}

/* Serves until so many more bytes have gone by, and returns how many did. */
static long serve(long more) {
  const long before = bytes;
  wanted = bytes + more;
  bench_check(event_base_dispatch(base) == 0);
  return bytes - before;
}

static long measure(struct bench* bench, long warm_up, long unit) {
  serve(warm_up);
  bench_start(bench);
  const long served = serve(bench->units * unit);
  bench_stop(bench);
  return served / unit;
}

static long echo(struct bench* bench) {
  const int* descriptors = load_start(transport_loads.echo, AF_INET, (int)bench->size);
  open_connections(bench, descriptors, on_message, NULL);
  return measure(bench, warm_up_messages * message_size, message_size);
}

static long echo_local(struct bench* bench) {
  const int* descriptors = load_start(transport_loads.echo, AF_UNIX, (int)bench->size);
  open_connections(bench, descriptors, on_message, NULL);
  return measure(bench, warm_up_messages * message_size, message_size);
}

static long receive_stream(struct bench* bench) {
  const int* descriptors = load_start(transport_loads.send, AF_INET, (int)bench->size);
  open_connections(bench, descriptors, on_input, NULL);
  return measure(bench, warm_up_bytes, mebibyte);
}

static long send_stream(struct bench* bench) {
  const int* descriptors = load_start(transport_loads.receive, AF_INET, (int)bench->size);
  open_connections(bench, descriptors, NULL, on_drained);
  return measure(bench, warm_up_bytes, mebibyte);
}

int main(int argc, char** argv) {
  static const struct bench_case cases[] = {{"echo", echo},
                                            {"echo-local", echo_local},
                                            {"receive", receive_stream},
                                            {"send", send_stream},
                                            {NULL, NULL}};
  return bench_main(argc, argv, cases);
}
