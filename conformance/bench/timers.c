/* Rows `timers` and `scale-timers`: SIZE timers are added, re-armed, cancelled, or expire.
 * The unit is one timer treated so. The work is done inside callbacks, a thousand a turn, so that
 * the library's idea of the time is cached but moves. `rearm` is the idle timeout of a server, the
 * same for all connections, started again for whichever is busy, and `rearm-varied`
 * sets another time each time; the other cases have delays of all kinds, and visit the timers in an
 * order that is far from that of their memory. */
#include ENGINE

#include <stdlib.h>
#include <time.h>

#include "conformance/bench/bench.h"

enum { batch = 1000, far_seconds = 60, near_microseconds = 20000 };

/* What a timer belongs to: a connection, of a size that does not flatter the cache. */
struct connection {
  struct timer_watch timer;
  long delay;
};

static struct connection* connections;
static long count, stride, position, expired;
static uint64_t random_state = 88172645463325252u;

static struct post_watch turn;
static long done, wanted;
static void (*operation)(struct connection*);
static struct connection* (*next)(void);

/* Visits every timer once a lap, for sizes that are powers of ten: the stride, the golden section
 * of such a size, has no factor in common with it and leaves nothing for a prefetcher to follow. */
static struct connection* next_connection(void) {
  position += stride;
  if (position >= count) position -= count;
  return &connections[position];
}

static uint64_t next_random(void) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return random_state;
}

static struct connection* random_connection(void) {
  return &connections[(next_random() >> 32) * (uint64_t)count >> 32];
}

void on_posted(struct post_watch* post) {
  (void)post;
  for (long end = done + batch < wanted ? done + batch : wanted; done < end; done++)
    operation(next());
}

void on_timeout(struct timer_watch* watch) {
  (void)watch;
  if (++expired == wanted) loop_stop();
}

/* Applies the operation to so many timers, a batch each turn of the loop. */
static void apply(void (*what)(struct connection*), struct connection* (*to)(void), long times) {
  operation = what;
  next = to;
  wanted = times;
  for (done = 0; done < wanted;) {
    post_watch_fire(&turn);
    loop_poll();
  }
}

static void add_one(struct connection* one) {
  timer_watch_start(&one->timer, one->delay);
}
static void again_one(struct connection* one) {
  timer_watch_again(&one->timer, one->delay);
}
/* Sooner than before as often as later. */
static void again_varied(struct connection* one) {
  const long more = (long)((next_random() >> 32) * (far_seconds * 1000000L) >> 32);
  timer_watch_again(&one->timer, far_seconds * 1000000L + more);
}
static void cancel_one(struct connection* one) {
  timer_watch_stop(&one->timer);
}

static long coprime_stride(long size) {
  const long section = (long)((double)size * 0.618034) | 1;
  return section % 5 == 0 ? section + 2 : section;
}

static void open_timers(const struct bench* bench, long least, long spread) {
  loop_open();
  count = bench->size;
  stride = coprime_stride(count);
  connections = calloc((size_t)count, sizeof *connections);
  bench_check(connections != NULL);
  for (long i = 0; i < count; i++) {
    connections[i].delay = least + (long)(next_random() % (uint64_t)spread);
    timer_watch_open(&connections[i].timer);
  }
  post_watch_open(&turn);
  loop_poll();
}

static void open_far_timers(const struct bench* bench) {
  open_timers(bench, far_seconds * 1000000L, far_seconds * 1000000L);
}

static long add(struct bench* bench) {
  open_far_timers(bench);
  /* The library's own growth belongs to the first lap, which is not counted. */
  apply(add_one, next_connection, count);
  apply(cancel_one, next_connection, count);
  long added = 0;
  for (; added < bench->units; added += count) {
    bench_start(bench);
    apply(add_one, next_connection, count);
    bench_stop(bench);
    apply(cancel_one, next_connection, count);
  }
  return added;
}

static long cancel(struct bench* bench) {
  open_far_timers(bench);
  long cancelled = 0;
  for (; cancelled < bench->units; cancelled += count) {
    apply(add_one, next_connection, count);
    bench_start(bench);
    apply(cancel_one, next_connection, count);
    bench_stop(bench);
  }
  return cancelled;
}

static long measure_rearm(struct bench* bench, void (*again)(struct connection*)) {
  apply(add_one, next_connection, count);
  apply(again, random_connection, count);
  bench_start(bench);
  apply(again, random_connection, bench->units);
  bench_stop(bench);
  return done;
}

static long rearm(struct bench* bench) {
  open_timers(bench, far_seconds * 1000000L, 1);
  return measure_rearm(bench, again_one);
}

static long rearm_varied(struct bench* bench) {
  open_far_timers(bench);
  return measure_rearm(bench, again_varied);
}

static long expire(struct bench* bench) {
  open_timers(bench, 1000, near_microseconds - 1000);
  long total = 0;
  for (; total < bench->units; total += count) {
    expired = 0;
    wanted = count;
    /* Outside of the loop, which would call the first ones while the last are being added. */
    for (long i = 0; i < count; i++)
      add_one(next_connection());
    const struct timespec until_all_are_due = {0, near_microseconds * 1000L + 5000000L};
    nanosleep(&until_all_are_due, NULL);
    bench_start(bench);
    loop_run();
    bench_stop(bench);
    bench_check(expired == count);
  }
  return total;
}

int main(int argc, char** argv) {
  static const struct bench_case cases[] = {
      {"add", add},       {"rearm", rearm},   {"rearm-varied", rearm_varied},
      {"cancel", cancel}, {"expire", expire}, {NULL, NULL}};
  return bench_main(argc, argv, cases);
}
