/* Row `idle`, its events: resident memory for SIZE watches that wait for descriptors which stay
 * silent, storage of the watch included. The unit is one watch. */
#include ENGINE

#include <stdlib.h>

#include "conformance/bench/bench.h"
#include "conformance/bench/ring.h"

void on_readable(struct io_watch* watch) {
  const bool silent = watch == NULL;
  bench_check(silent);
}

static long event(struct bench* bench) {
  loop_open();
  bench_need_descriptors(bench->size);
  int* descriptors = calloc((size_t)bench->size, sizeof *descriptors);
  bench_check(descriptors != NULL);
  for (long i = 0; i < bench->size; i++)
    descriptors[i] = ring_open_pipe();
  const uint64_t before = bench_resident();
  struct io_watch* watches = calloc((size_t)bench->size, sizeof *watches);
  bench_check(watches != NULL);
  long done = 0;
  bench_start(bench);
  for (; done < bench->size; done++) {
    io_watch_open(&watches[done], descriptors[done]);
    io_watch_start(&watches[done]);
  }
  loop_poll();
  bench_stop(bench);
  bench->bytes = bench_resident() - before;
  return done;
}

int main(int argc, char** argv) {
  static const struct bench_case cases[] = {{"event", event}, {NULL, NULL}};
  return bench_main(argc, argv, cases);
}
