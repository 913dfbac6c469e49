#include "conformance/ev/differential/watchers.h"

#include <stdint.h>
#include <unistd.h>

#include "conformance/ev/differential/acts.h"
#include "conformance/ev/differential/pipes.h"
#include "conformance/ev/differential/record.h"
#include "conformance/ev/differential/ties.h"
#include "conformance/ev/differential/world.h"

const int signal_numbers[SIGNALS] = {SIGUSR1, SIGUSR2, SIGHUP, SIGURG};

struct ev_loop* main_loop;
struct ev_loop* inner_loop;
ev_io ios[IOS];
ev_timer timers[TIMERS];
ev_periodic periodics[PERIODICS];
ev_idle idles[PHASES];
ev_prepare prepares[PHASES];
ev_check checks[PHASES];
ev_fork forks[PHASES];
ev_cleanup cleanups[2];
ev_signal signals[SIGNALS];
ev_async asyncs[ASYNCS];
ev_embed embed;
ev_io inner_io;
int callbacks_left;

/* What is the same in both libraries about a watcher: for those that live in heaps `active` is
 * not. */
static void called(struct ev_loop* loop, const char* kind, int number, void* watcher, int revents) {
  const ev_watcher* w = watcher;
  note("%s%d %x active %d pending %d count %u depth %u turn %u now %.9f", kind, number,
       (unsigned)revents, w->active != 0, w->pending, ev_pending_count(loop), ev_depth(loop),
       ev_iteration(loop), ev_now(loop));
  if (loop != main_loop) {
    return;
  }
  part_ties(loop);
  if (--callbacks_left <= 0) {
    ev_break(loop, EVBREAK_ALL);
    return;
  }
  for (int count = below(3); count > 0; --count) {
    act(loop, true);
  }
}

#define CALLBACK(type, array)                                              \
  static void on_##type(struct ev_loop* loop, ev_##type* w, int revents) { \
    called(loop, #type, (int)(w - (array)), w, revents);                   \
  }
CALLBACK(timer, timers)
CALLBACK(periodic, periodics)
CALLBACK(idle, idles)
CALLBACK(prepare, prepares)
CALLBACK(check, checks)
CALLBACK(fork, forks)
CALLBACK(cleanup, cleanups)
CALLBACK(signal, signals)
CALLBACK(async, asyncs)
CALLBACK(embed, &embed)

static void on_io(struct ev_loop* loop, ev_io* w, int revents) {
  /* Mostly takes what is there, or the loop would see nothing else. */
  if (loop == main_loop && (revents & EV_READ) && w->fd < FILE_FD && !one_in(4)) {
    char bytes[64];
    note("took %d", (int)read(w->fd, bytes, sizeof bytes));
  }
  called(loop, "io", loop == main_loop ? (int)(w - ios) : 99, w, revents);
}

void on_once(int revents, void* argument) {
  note("once%d %x", (int)(intptr_t)argument, (unsigned)revents);
  part_ties(main_loop);
  if (--callbacks_left <= 0) {
    ev_break(main_loop, EVBREAK_ALL);
  }
}

ev_tstamp soon(ev_periodic* w, ev_tstamp now) {
  int number = (int)(w - periodics);
  return now + (number + 1) * 5 * WORLD_TICK_SECONDS + 3 * BIT * (number + 1);
}

/* Ends a run in which nothing else happens any more. */
static ev_timer guard;

static void on_guard(struct ev_loop* loop, ev_timer* w, int revents) {
  (void)w;
  (void)revents;
  note("guard");
  part_ties(loop);
  ev_break(loop, EVBREAK_ALL);
}

int run_guarded(struct ev_loop* loop, int how) {
  double length = 100 * WORLD_TICK_SECONDS;
  ev_timer_init(&guard, on_guard, length + 725 * BIT, length);
  ev_timer_start(loop, &guard);
  ev_unref(loop);
  int result = ev_run(loop, how);
  ev_ref(loop);
  ev_timer_stop(loop, &guard);
  return result;
}

void init_watchers(void) {
  for (int i = 0; i < IOS; ++i) {
    ev_io_init(&ios[i], on_io, FIRST_FD + below(2 * PIPES), 1 + below(3));
  }
  for (int i = 0; i < TIMERS; ++i) {
    ev_timer_init(&timers[i], on_timer, some_time(20), one_in(2) ? 0. : some_time(10));
  }
  for (int i = 0; i < PERIODICS; ++i) {
    ev_periodic_init(&periodics[i], on_periodic, BIT * (i + 1), 10 * WORLD_TICK_SECONDS, 0);
  }
  for (int i = 0; i < PHASES; ++i) {
    ev_idle_init(&idles[i], on_idle);
    ev_prepare_init(&prepares[i], on_prepare);
    ev_check_init(&checks[i], on_check);
    ev_fork_init(&forks[i], on_fork);
  }
  for (int i = 0; i < 2; ++i) {
    ev_cleanup_init(&cleanups[i], on_cleanup);
  }
  for (int i = 0; i < SIGNALS; ++i) {
    ev_signal_init(&signals[i], on_signal, signal_numbers[below(SIGNALS)]);
  }
  for (int i = 0; i < ASYNCS; ++i) {
    ev_async_init(&asyncs[i], on_async);
    asyncs[i].sent = 0;
  }
}

void init_inner_watchers(void) {
  ev_embed_init(&embed, one_in(2) ? on_embed : 0, inner_loop);
  ev_io_init(&inner_io, on_io, reader_of(0), EV_READ);
}
