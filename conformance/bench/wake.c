/* Row `wake`: four threads activate watches of a loop that runs in a fifth. The unit is one
 * activation, each delivered exactly once.
 * In `sleeping` the loop has nothing else to do and the whole process is counted; in `busy` it
 * never sleeps, so only the activating threads are. SIZE is how many watches a thread activates
 * before it waits for all of them to have been delivered. */
#include ENGINE

#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "conformance/bench/bench.h"

enum { caller_count = 4, warm_up_rounds = 20 };

struct caller {
  pthread_t thread;
  struct target* targets;
  long rounds, delivered;
  sem_t all_delivered;
  uint64_t cpu;
};

struct target {
  struct wake_watch wake; /* first: a watch is cast to its target */
  struct caller* caller;
};

static struct caller callers[caller_count];
static long burst, delivered, wanted;

/* Only the busy loop watches a descriptor; its byte is never read. */
void on_readable(struct io_watch* watch) {
  (void)watch;
}

void on_woken(struct wake_watch* watch) {
  struct caller* caller = ((struct target*)watch)->caller;
  if (++caller->delivered % burst == 0) sem_post(&caller->all_delivered);
  if (++delivered == wanted) loop_stop();
}

static void* call(void* argument) {
  struct caller* caller = argument;
  bench_pin_load();
  const uint64_t start = bench_clock(CLOCK_THREAD_CPUTIME_ID);
  for (long round = 0; round < caller->rounds; round++) {
    for (long i = 0; i < burst; i++)
      wake_watch_fire(&caller->targets[i].wake);
    while (sem_wait(&caller->all_delivered) != 0)
      continue;
  }
  caller->cpu = bench_clock(CLOCK_THREAD_CPUTIME_ID) - start;
  return NULL;
}

static void open_callers(const struct bench* bench) {
  loop_open_shared();
  burst = bench->size;
  for (int i = 0; i < caller_count; i++) {
    callers[i].targets = calloc((size_t)burst, sizeof *callers[i].targets);
    bench_check(callers[i].targets != NULL);
    bench_check(sem_init(&callers[i].all_delivered, 0, 0) == 0);
    for (long target = 0; target < burst; target++) {
      callers[i].targets[target].caller = &callers[i];
      wake_watch_open(&callers[i].targets[target].wake);
    }
  }
}

/* Returns the processor time of the calling threads. */
static uint64_t run(long rounds) {
  uint64_t cpu = 0;
  delivered = 0;
  wanted = rounds * burst * caller_count;
  for (int i = 0; i < caller_count; i++) {
    callers[i].rounds = rounds;
    bench_check(pthread_create(&callers[i].thread, NULL, call, &callers[i]) == 0);
  }
  loop_run();
  for (int i = 0; i < caller_count; i++) {
    bench_check(pthread_join(callers[i].thread, NULL) == 0);
    cpu += callers[i].cpu;
  }
  return cpu;
}

static uint64_t measure(struct bench* bench) {
  run(warm_up_rounds);
  bench_start(bench);
  const uint64_t callers_cpu = run(bench->units / (burst * caller_count));
  bench_stop(bench);
  return callers_cpu;
}

static long sleeping(struct bench* bench) {
  open_callers(bench);
  measure(bench);
  return delivered;
}

static long busy(struct bench* bench) {
  static struct io_watch always_ready;
  int ends[2];
  open_callers(bench);
  bench_check(pipe(ends) == 0 && write(ends[1], "", 1) == 1);
  io_watch_open(&always_ready, ends[0]);
  io_watch_start(&always_ready);
  bench->cpu = measure(bench);
  return delivered;
}

int main(int argc, char** argv) {
  static const struct bench_case cases[] = {{"sleeping", sleeping}, {"busy", busy}, {NULL, NULL}};
  return bench_main(argc, argv, cases);
}
