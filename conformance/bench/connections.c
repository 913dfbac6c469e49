/* Row `idle`, its connections: resident memory for SIZE bufferevents with nothing to do. The unit
 * is one bufferevent. `fresh` ones have never carried a byte; `used` ones have each received and
 * sent one message of 64 bytes, so what a library keeps after use is seen too. */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "conformance/bench/bench.h"

enum { message_size = 64 };

static struct event_base* base;
static long received, wanted;

static void on_message(struct bufferevent* connection, void* unused) {
  struct evbuffer* input = bufferevent_get_input(connection);
  (void)unused;
  if (evbuffer_get_length(input) < message_size) return;
  evbuffer_drain(input, message_size);
  if (++received == wanted) event_base_loopbreak(base);
}

static struct bufferevent** open_connections(struct bench* bench, uint64_t* before) {
  bench_check((base = event_base_new()) != NULL);
  bench_need_descriptors(bench->size);
  int(*pairs)[2] = calloc((size_t)bench->size / 2, sizeof *pairs);
  struct bufferevent** connections = calloc((size_t)bench->size, sizeof(struct bufferevent*));
  bench_check(pairs != NULL && connections != NULL);
  for (long i = 0; i < bench->size / 2; i++)
    bench_check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pairs[i]) == 0);
  *before = bench_resident();
  for (long i = 0; i < bench->size; i++) {
    connections[i] = bufferevent_socket_new(base, pairs[i / 2][i % 2], 0);
    bench_check(connections[i] != NULL);
    bufferevent_setcb(connections[i], on_message, NULL, NULL, NULL);
    bench_check(bufferevent_enable(connections[i], EV_READ | EV_WRITE) == 0);
  }
  event_base_loop(base, EVLOOP_NONBLOCK);
  return connections;
}

static long fresh(struct bench* bench) {
  uint64_t before;
  bench_start(bench);
  open_connections(bench, &before);
  bench_stop(bench);
  bench->bytes = bench_resident() - before;
  return bench->size;
}

static long used(struct bench* bench) {
  static const char message[message_size];
  uint64_t before;
  bench_start(bench);
  struct bufferevent** connections = open_connections(bench, &before);
  wanted = bench->size;
  for (long i = 0; i < bench->size; i++)
    bench_check(bufferevent_write(connections[i], message, sizeof message) == 0);
  event_base_dispatch(base);
  event_base_loop(base, EVLOOP_NONBLOCK);
  bench_stop(bench);
  bench->bytes = bench_resident() - before;
  return received;
}

int main(int argc, char** argv) {
  static const struct bench_case cases[] = {{"fresh", fresh}, {"used", used}, {NULL, NULL}};
  return bench_main(argc, argv, cases);
}
