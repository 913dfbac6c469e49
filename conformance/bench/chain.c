/* Rows `chain` and `scale-io`: 100 bytes walk round SIZE watched pipes; only the dispatch counts.
 * The unit is one event delivered. All but a hundred of the descriptors are idle at any time, so
 * the cost against SIZE is what idle descriptors cost. */
#include ENGINE

#include "conformance/bench/ring.h"

enum { active_pipes = 100, warm_up_events = 20000 };

void on_readable(struct io_watch* watch) {
  ring_receive((struct ring_pipe*)watch);
}

static long dispatch(struct bench* bench) {
  loop_open();
  ring_open(bench->size, active_pipes);
  for (long i = 0; i < ring.count; i++) {
    io_watch_open(&ring.pipes[i].watch, ring.pipes[i].fd);
    io_watch_start(&ring.pipes[i].watch);
  }
  bench_check(ring_run(warm_up_events) == warm_up_events);
  bench_start(bench);
  const long done = ring_run(bench->units);
  bench_stop(bench);
  return done;
}

int main(int argc, char** argv) {
  static const struct bench_case cases[] = {{"dispatch", dispatch}, {NULL, NULL}};
  return bench_main(argc, argv, cases);
}
