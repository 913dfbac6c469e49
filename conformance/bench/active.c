/* Row `active`: callbacks asked for by hand, and their dispatch. The unit is one activation.
 * `batch` activates SIZE watches before each turn, and `batch-shared` does so on a loop that other
 * threads may use; `chain` has one watch activate the next from its own callback, within a turn. */
#include ENGINE

#include <stdlib.h>

#include "conformance/bench/bench.h"

enum { warm_up_units = 10000 };

static struct post_watch* watches;
static long count, delivered, wanted;
static bool chaining;

void on_posted(struct post_watch* watch) {
  delivered++;
  if (chaining && delivered < wanted)
    post_watch_fire(watch + 1 < watches + count ? watch + 1 : watches);
}

static void open_watches(const struct bench* bench) {
  count = bench->size;
  watches = calloc((size_t)count, sizeof *watches);
  bench_check(watches != NULL);
  for (long i = 0; i < count; i++)
    post_watch_open(&watches[i]);
}

static void run_batches(long units) {
  delivered = 0;
  while (delivered < units) {
    for (long i = 0; i < count; i++)
      post_watch_fire(&watches[i]);
    loop_poll();
  }
}

static void run_chain(long units) {
  delivered = 0;
  wanted = units;
  post_watch_fire(watches);
  loop_poll();
}

static long measure(struct bench* bench, void (*run)(long units)) {
  open_watches(bench);
  run(warm_up_units);
  bench_start(bench);
  run(bench->units);
  bench_stop(bench);
  return delivered;
}

static long batch(struct bench* bench) {
  loop_open();
  return measure(bench, run_batches);
}

static long batch_shared(struct bench* bench) {
  loop_open_shared();
  return measure(bench, run_batches);
}

static long chain(struct bench* bench) {
  loop_open();
  chaining = true;
  return measure(bench, run_chain);
}

int main(int argc, char** argv) {
  static const struct bench_case cases[] = {
      {"batch", batch}, {"batch-shared", batch_shared}, {"chain", chain}, {NULL, NULL}};
  return bench_main(argc, argv, cases);
}
