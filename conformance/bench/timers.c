/* Rows `timers` and `scale-timers`: SIZE timers are added, re-armed, cancelled, or expire.
 * The unit is one timer treated so. Timers are visited in an order that is far from that of their
 * memory, and the work is done inside callbacks, a thousand a turn, so that the library's idea of
 * the time is cached but moves, as in a server that re-arms the idle timeout of each busy
 * connection. */
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
static long count, expired;

static struct post_watch turn;
static long position, wanted;
static void (*operation)(struct connection*);

/* Visits every timer once a lap, for sizes that are powers of ten: the stride, the golden section
 * of a million, is coprime to them and leaves nothing for a prefetcher to follow. */
static struct connection* visit(long step) {
  return &connections[(long)(((unsigned long)step * 618033UL) % (unsigned long)count)];
}

void on_posted(struct post_watch* post) {
  (void)post;
  for (long end = position + batch < wanted ? position + batch : wanted; position < end; position++)
    operation(visit(position));
}

void on_timeout(struct timer_watch* watch) {
  (void)watch;
  if (++expired == wanted) loop_stop();
}

/* Applies the operation to so many timers, a batch each turn of the loop. */
static void apply(void (*what)(struct connection*), long times) {
  operation = what;
  wanted = times;
  for (position = 0; position < wanted;) {
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
static void cancel_one(struct connection* one) {
  timer_watch_stop(&one->timer);
}

static void open_timers(const struct bench* bench, long least, long spread) {
  loop_open();
  count = bench->size;
  connections = calloc((size_t)count, sizeof *connections);
  bench_check(connections != NULL);
  uint64_t random = 88172645463325252u;
  for (long i = 0; i < count; i++) {
    random ^= random << 13, random ^= random >> 7, random ^= random << 17;
    connections[i].delay = least + (long)(random % (uint64_t)spread);
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
  apply(add_one, count);
  apply(cancel_one, count);
  long done = 0;
  for (; done < bench->units; done += count) {
    bench_start(bench);
    apply(add_one, count);
    bench_stop(bench);
    apply(cancel_one, count);
  }
  return done;
}

static long cancel(struct bench* bench) {
  open_far_timers(bench);
  long done = 0;
  for (; done < bench->units; done += count) {
    apply(add_one, count);
    bench_start(bench);
    apply(cancel_one, count);
    bench_stop(bench);
  }
  return done;
}

static long rearm(struct bench* bench) {
  open_far_timers(bench);
  apply(add_one, count);
  apply(again_one, count);
  bench_start(bench);
  apply(again_one, bench->units);
  bench_stop(bench);
  return position;
}

static long expire(struct bench* bench) {
  open_timers(bench, 1000, near_microseconds - 1000);
  long done = 0;
  for (; done < bench->units; done += count) {
    expired = 0;
    /* Half of a large set would fall due while the rest is still being added. */
    operation = add_one;
    wanted = count;
    for (position = 0; position < count; position++)
      add_one(visit(position));
    const struct timespec until_all_are_due = {0, near_microseconds * 1000L + 5000000L};
    nanosleep(&until_all_are_due, NULL);
    bench_start(bench);
    loop_run();
    bench_stop(bench);
    bench_check(expired == count);
  }
  return done;
}

int main(int argc, char** argv) {
  static const struct bench_case cases[] = {
      {"add", add}, {"rearm", rearm}, {"cancel", cancel}, {"expire", expire}, {NULL, NULL}};
  return bench_main(argc, argv, cases);
}
