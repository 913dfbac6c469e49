/* Row `churn`: every round, each of SIZE watches is deleted, assigned and added again, then 100
 * events are delivered; all of it counts. The unit is one watch renewed.
 * This is what a program does that keeps no state about its interest, and where a library that
 * tells the kernel of every change pays most. */
#include ENGINE

#include "conformance/bench/ring.h"

enum { active_pipes = 100 };

void on_readable(struct io_watch* watch) {
  ring_receive((struct ring_pipe*)watch);
}

static void one_round(void) {
  for (long i = 0; i < ring.count; i++)
    io_watch_renew(&ring.pipes[i].watch, ring.pipes[i].fd);
  bench_check(ring_run(ring.active) == ring.active);
}

static long renew(struct bench* bench) {
  loop_open();
  ring_open(bench->size, active_pipes);
  for (long i = 0; i < ring.count; i++) {
    io_watch_open(&ring.pipes[i].watch, ring.pipes[i].fd);
    io_watch_start(&ring.pipes[i].watch);
  }
  one_round();
  long done = 0;
  bench_start(bench);
  for (; done < bench->units; done += ring.count)
    one_round();
  bench_stop(bench);
  return done;
}

int main(int argc, char** argv) {
  static const struct bench_case cases[] = {{"renew", renew}, {NULL, NULL}};
  return bench_main(argc, argv, cases);
}
