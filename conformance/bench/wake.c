/* Row `wake`: four threads activate watches of a loop that runs in a fifth. The unit is one
 * activation, each delivered exactly once.
 * In `sleeping` the loop has nothing else to do and the whole process is counted; in `busy` it
 * never sleeps, so only the activating threads are. SIZE is how many watches a thread activates
 * before it waits for all of them to have been delivered.
 * What is called for that depends on who comes first. `asleep` and `held` are for counting: there
 * one thread activates a watch only when the loop is known to sleep, or to be in a callback. */
#include ENGINE

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

/* Whether callbacks wait until the caller lets go, and which of them does so right now. */
enum { not_held, hold_next, held_now };
static _Atomic int hold;
static _Atomic long seen; /* what is delivered, for the counted cases */
static bool counted;

/* Only the busy loop watches a descriptor; its byte is never read. */
void on_readable(struct io_watch* watch) {
  (void)watch;
}

static void be_held(void) {
  int expected = hold_next;
  if (!atomic_compare_exchange_strong(&hold, &expected, held_now)) return;
  while (atomic_load(&hold) == held_now)
    sched_yield();
}

void on_woken(struct wake_watch* watch) {
  if (counted) {
    be_held();
    if (++delivered == wanted) loop_stop();
    atomic_store(&seen, delivered);
    return;
  }
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

/* Whether the loop's thread, which is the first of the process, sleeps in the kernel. Nobody else
 * is inside the library then, so it is no lock that it waits for. */
static bool loop_sleeps(void) {
  static int stat = -1;
  char text[512];
  if (stat < 0) {
    snprintf(text, sizeof text, "/proc/self/task/%d/stat", getpid());
    bench_check((stat = open(text, O_RDONLY | O_CLOEXEC)) >= 0);
  }
  const ssize_t length = pread(stat, text, sizeof text - 1, 0);
  bench_check(length > 0);
  text[length] = '\0';
  const char* name_end = strrchr(text, ')');
  return name_end && name_end[2] == 'S';
}

/* What the callers of the counted cases ask the kernel for is pread() and sched_yield(), which no
 * library here has any use for. */
static void await_sleep_after(long deliveries) {
  while (atomic_load(&seen) != deliveries || !loop_sleeps())
    sched_yield();
}

static void* call_when_asleep(void* argument) {
  struct caller* caller = argument;
  bench_pin_load();
  for (long i = 0; i < caller->rounds * burst; i++) {
    await_sleep_after(i);
    wake_watch_fire(&caller->targets[i % burst].wake);
  }
  return NULL;
}

/* The first activation of a round finds the loop asleep; the others find it in that one's callback.
 */
static void* call_when_held(void* argument) {
  struct caller* caller = argument;
  bench_pin_load();
  for (long round = 0; round < caller->rounds; round++) {
    await_sleep_after(round * burst);
    atomic_store(&hold, hold_next);
    wake_watch_fire(&caller->targets[0].wake);
    while (atomic_load(&hold) != held_now)
      sched_yield();
    for (long i = 1; i < burst; i++)
      wake_watch_fire(&caller->targets[i].wake);
    atomic_store(&hold, not_held);
  }
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

static long count(struct bench* bench, void* (*caller)(void*)) {
  pthread_t thread;
  counted = true;
  open_callers(bench);
  callers[0].rounds = bench->units / burst;
  wanted = callers[0].rounds * burst;
  bench_start(bench);
  bench_check(pthread_create(&thread, NULL, caller, &callers[0]) == 0);
  loop_run();
  bench_check(pthread_join(thread, NULL) == 0);
  bench_stop(bench);
  return delivered;
}

static long asleep(struct bench* bench) {
  return count(bench, call_when_asleep);
}

static long held(struct bench* bench) {
  return count(bench, call_when_held);
}

int main(int argc, char** argv) {
  static const struct bench_case cases[] = {
      {"sleeping", sleeping}, {"busy", busy}, {"asleep", asleep}, {"held", held}, {NULL, NULL}};
  return bench_main(argc, argv, cases);
}
