/* Row `oneshot`: SIZE non-persistent read events, each added again by its own callback.
 * The unit is one event delivered and renewed. */
#include ENGINE

#include "conformance/bench/ring.h"

enum { warm_up_events = 20000 };

void on_readable(struct io_watch* watch) {
  ring_receive((struct ring_pipe*)watch);
  io_watch_restart(watch);
}

static long restart(struct bench* bench) {
  loop_open();
  ring_open(bench->size, bench->size);
  for (long i = 0; i < ring.count; i++) {
    io_watch_open_once(&ring.pipes[i].watch, ring.pipes[i].fd);
    io_watch_start(&ring.pipes[i].watch);
  }
  bench_check(ring_run(warm_up_events) == warm_up_events);
  bench_start(bench);
  const long done = ring_run(bench->units);
  bench_stop(bench);
  return done;
}

int main(int argc, char** argv) {
  static const struct bench_case cases[] = {{"restart", restart}, {NULL, NULL}};
  return bench_main(argc, argv, cases);
}
