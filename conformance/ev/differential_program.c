#include "conformance/ev/differential_program.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conformance/ev/differential_world.h"

/* --- chance
 * ------------------------------------------------------------------------------------------------
 */

static uint64_t chance_state;

static uint32_t chance(void) {
  chance_state = chance_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  uint32_t mixed = (uint32_t)((chance_state >> 18 ^ chance_state) >> 27);
  uint32_t turn = (uint32_t)(chance_state >> 59);
  return mixed >> turn | mixed << (-turn & 31);
}
static int below(int limit) {
  return (int)(chance() % (uint32_t)limit);
}
static bool one_in(int many) {
  return below(many) == 0;
}

/* --- the record
 * ---------------------------------------------------------------------------------------------- */

static struct record* record;

static void note(const char* format, ...) __attribute__((format(printf, 1, 2)));
static void note(const char* format, ...) {
  char line[256];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  for (const char* at = line; *at; ++at) {
    record->hash = (record->hash ^ (unsigned char)*at) * UINT64_C(1099511628211);
  }
  ++record->lines;
  if (record->text != NULL) {
    fprintf(record->text, "%s\n", line);
  }
}

/* --- the watchers
 * -------------------------------------------------------------------------------------------- */

enum { PIPES = 4, IOS = 10, TIMERS = 10, PERIODICS = 6, PHASES = 4, SIGNALS = 4, ASYNCS = 4 };
enum { FIRST_FD = 100, FILE_FD = 150 };
enum { MOST_CALLBACKS = 150, DEEPEST = 3 };

static const int signal_numbers[] = {SIGUSR1, SIGUSR2, SIGHUP, SIGURG};

static struct ev_loop* main_loop;
static struct ev_loop* inner_loop;
static ev_io ios[IOS];
static ev_timer timers[TIMERS];
static ev_periodic periodics[PERIODICS];
static ev_idle idles[PHASES];
static ev_prepare prepares[PHASES];
static ev_check checks[PHASES];
static ev_fork forks[PHASES];
static ev_cleanup cleanups[2];
static ev_signal signals[SIGNALS];
static ev_async asyncs[ASYNCS];
static ev_embed embed;
static ev_io inner_io;
static int extra_references;
static int callbacks_left;
static bool at_was_overwritten;
static bool uses_signalfd; /* libev then fails an assertion in ev_feed_signal */
static unsigned moments; /* makes every time of a timer its own */

static int reader_of(int pipe_number) {
  return FIRST_FD + 2 * pipe_number;
}
static int writer_of(int pipe_number) {
  return FIRST_FD + 2 * pipe_number + 1;
}

/* Bits that keep moments apart. Waits are rounded to microseconds, down and up, so 1 would not do. */
#define BIT 4e-6

/* A whole number of ticks and a bit that nobody else has. */
static double some_time(int most_ticks) {
  return below(most_ticks + 1) * WORLD_TICK_SECONDS + BIT * (double)(++moments % 700 + 1);
}

static void act(struct ev_loop* loop, bool inside);

/* libev leaves the order of timers that are due at one moment open, so no two may tie. */
static void part_ties(struct ev_loop* loop) {
  for (int i = 0; i < TIMERS; ++i) {
    for (int j = i + 1; j < TIMERS; ++j) {
      if (ev_is_active(&timers[i]) && ev_is_active(&timers[j]) && timers[i].at == timers[j].at) {
        ev_timer_stop(loop, &timers[j]);
        ev_timer_set(&timers[j], some_time(20), timers[j].repeat);
        ev_timer_start(loop, &timers[j]);
      }
    }
  }
  for (int i = 0; i < PERIODICS; ++i) {
    for (int j = i + 1; j < PERIODICS; ++j) {
      if (ev_is_active(&periodics[i]) && ev_is_active(&periodics[j]) &&
          periodics[i].at == periodics[j].at) {
        ev_periodic_stop(loop, &periodics[j]);
      }
    }
  }
}

/* What is the same in both libraries about a watcher: for those that live in heaps `active` is not.
 */
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

static void on_once(int revents, void* argument) {
  note("once%d %x", (int)(intptr_t)argument, (unsigned)revents);
  part_ties(main_loop);
  if (--callbacks_left <= 0) {
    ev_break(main_loop, EVBREAK_ALL);
  }
}

static ev_tstamp soon(ev_periodic* w, ev_tstamp now) {
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

static int run_guarded(struct ev_loop* loop, int how) {
  double length = 100 * WORLD_TICK_SECONDS;
  ev_timer_init(&guard, on_guard, length + 725 * BIT, length);
  ev_timer_start(loop, &guard);
  ev_unref(loop);
  int result = ev_run(loop, how);
  ev_ref(loop);
  ev_timer_stop(loop, &guard);
  return result;
}

/* --- what may be done to them
 * ----------------------------------------------------------------------------------- */

static bool is_idle(const void* watcher) {
  return !ev_is_active((ev_watcher*)watcher) && !ev_is_pending((ev_watcher*)watcher);
}

static void set_some_priority(void* watcher) {
  if (is_idle(watcher) && one_in(3)) {
    ev_watcher* w = watcher;
    ev_set_priority(w, below(7) - 3); /* the start brings it into range */
  }
}

static bool in_range(const ev_watcher* w) {
  return w->priority >= EV_MINPRI && w->priority <= EV_MAXPRI;
}

static void act_on_io(struct ev_loop* loop) {
  ev_io* w = &ios[below(IOS)];
  int what = below(7);
  note("act on io%d %d", (int)(w - ios), what);
  switch (what) {
    case 0:
    case 1:
    case 2:
      if (is_idle(w) && !one_in(3)) {
        set_some_priority(w);
        int fd = one_in(12) ? FILE_FD : FIRST_FD + below(2 * PIPES);
        ev_io_set(w, fd, 1 + below(3));
      } else if (!ev_is_active(w) && one_in(2)) {
        ev_io_modify(w, 1 + below(3));
      }
      ev_io_start(loop, w);
      note("io%d fd %d events %x", (int)(w - ios), w->fd, (unsigned)w->events);
      break;
    case 3:
      ev_io_stop(loop, w);
      break;
    case 4:
      ev_io_stop(loop, w);
      ev_io_start(loop, w);
      break;
    case 5:
      ev_feed_fd_event(loop, FIRST_FD + below(2 * PIPES + 2), below(4));
      break;
    default:
      ev_io_stop(loop, w);
      ev_io_set(w, w->fd, w->events & (EV_READ | EV_WRITE));
      ev_io_start(loop, w);
      break;
  }
}

static void replace_pipe(struct ev_loop* loop, int number) {
  int fresh[2];
  bool was_active[IOS] = {false};
  for (int i = 0; i < IOS; ++i) {
    if (ios[i].fd == reader_of(number) || ios[i].fd == writer_of(number)) {
      was_active[i] = ev_is_active(&ios[i]);
      ev_io_stop(loop, &ios[i]);
    }
  }
  if (pipe2(fresh, O_NONBLOCK | O_CLOEXEC) != 0) {
    abort();
  }
  /* Closed first, so that the kernel's sets forget the old ones. */
  close(reader_of(number));
  close(writer_of(number));
  dup2(fresh[0], reader_of(number));
  dup2(fresh[1], writer_of(number));
  close(fresh[0]);
  close(fresh[1]);
  for (int i = 0; i < IOS; ++i) {
    if (was_active[i]) {
      ev_io_set(&ios[i], ios[i].fd, ios[i].events & (EV_READ | EV_WRITE));
      ev_io_start(loop, &ios[i]);
    }
  }
}

static void act_on_pipe(struct ev_loop* loop) {
  char bytes[4096];
  int number = below(PIPES);
  int what = below(5);
  note("act on pipe%d %d", number, what);
  switch (what) {
    case 0:
    case 1:
      note("wrote %d", (int)write(writer_of(number), "xyz", (size_t)(1 + below(3))));
      break;
    case 2:
      note("read %d", (int)read(reader_of(number), bytes, 64));
      break;
    case 3:
      if (one_in(3)) {
        memset(bytes, 0, sizeof bytes);
        while (write(writer_of(number), bytes, sizeof bytes) > 0) {
        }
      } else {
        while (read(reader_of(number), bytes, sizeof bytes) > 0) {
        }
      }
      break;
    default:
      if (one_in(3)) {
        replace_pipe(loop, number);
      }
      break;
  }
}

static void act_on_timer(struct ev_loop* loop) {
  ev_timer* w = &timers[below(TIMERS)];
  int what = below(9);
  note("act on timer%d %d", (int)(w - timers), what);
  switch (what) {
    case 0:
    case 1:
    case 2:
      if (!ev_is_active(w)) {
        set_some_priority(w);
        ev_timer_set(w, one_in(8) ? -some_time(5) : some_time(30), one_in(2) ? 0. : some_time(20));
      }
      ev_timer_start(loop, w);
      break;
    case 3:
      ev_timer_stop(loop, w);
      note("left %.9f", w->at);
      break;
    case 4:
    case 5:
      ev_timer_again(loop, w);
      break;
    case 6:
      w->repeat = one_in(2) ? 0. : some_time(20);
      break;
    case 7:
      if (one_in(4) && ev_is_active(w)) {
        ev_timer_set(w, some_time(30), w->repeat); /* has no effect on when it fires */
        ev_timer_start(loop, w);
        at_was_overwritten = true;
      }
      break;
    default:
      note("remaining %.9f", ev_timer_remaining(loop, w));
      break;
  }
  part_ties(loop);
}

static void act_on_periodic(struct ev_loop* loop) {
  ev_periodic* w = &periodics[below(PERIODICS)];
  double own = BIT * (double)(w - periodics + 1);
  int what = below(6);
  note("act on periodic%d %d", (int)(w - periodics), what);
  switch (what) {
    case 0:
    case 1:
      if (is_idle(w)) {
        set_some_priority(w);
      }
      if (one_in(3)) {
        ev_periodic_set(w, ev_now(loop) + some_time(30) - 3 * WORLD_TICK_SECONDS, 0., 0);
      } else {
        ev_periodic_set(w, below(64) * WORLD_TICK_SECONDS + own,
                        (1 + below(30)) * WORLD_TICK_SECONDS, one_in(4) ? soon : 0);
      }
      ev_periodic_start(loop, w);
      break;
    case 2:
      ev_periodic_stop(loop, w);
      break;
    case 3:
      ev_periodic_again(loop, w);
      break;
    case 4:
      w->interval = one_in(3) ? 0. : (1 + below(30)) * WORLD_TICK_SECONDS;
      break;
    default:
      note("at %.9f", ev_periodic_at(w));
      break;
  }
  part_ties(loop);
}

#define START_OR_STOP(type, array, size)                                \
  {                                                                     \
    int number = below(size);                                           \
    if (one_in(2)) {                                                    \
      set_some_priority(&(array)[number]);                              \
      ev_##type##_start(loop, &(array)[number]);                        \
    } else {                                                            \
      ev_##type##_stop(loop, &(array)[number]);                         \
    }                                                                   \
    note(#type "%d active %d", number, ev_is_active(&(array)[number])); \
  }

static void act_on_phase(struct ev_loop* loop) {
  switch (below(8)) {
    case 0:
      START_OR_STOP(idle, idles, PHASES)
      break;
    case 1:
    case 2:
      START_OR_STOP(prepare, prepares, PHASES)
      break;
    case 3:
    case 4:
      START_OR_STOP(check, checks, PHASES)
      break;
    case 5:
      START_OR_STOP(fork, forks, PHASES)
      break;
    case 6:
      START_OR_STOP(cleanup, cleanups, 2)
      break;
    default:
      for (int i = 0; i < PHASES; ++i) {
        ev_idle_stop(loop, &idles[i]); /* nothing ever sleeps beside them */
      }
      break;
  }
}

static void act_from_outside(struct ev_loop* loop) {
  int what = below(7);
  note("act from outside %d", what);
  switch (what) {
    case 0:
    case 1:
      START_OR_STOP(signal, signals, SIGNALS)
      break;
    case 2: {
      int number = below(SIGNALS);
      for (int i = 0; i < SIGNALS; ++i) {
        if (ev_is_active(&signals[i]) && signals[i].signum == signal_numbers[number]) {
          raise(signal_numbers[number]);
          break;
        }
      }
      break;
    }
    case 3:
      if (one_in(2) && !uses_signalfd) {
        ev_feed_signal(signal_numbers[below(SIGNALS)]);
      } else {
        ev_feed_signal_event(loop, signal_numbers[below(SIGNALS)]);
      }
      break;
    case 4:
      START_OR_STOP(async, asyncs, ASYNCS)
      break;
    default:
      if (ev_is_active(&asyncs[0]) || ev_is_active(&asyncs[1])) {
        ev_async_send(loop, &asyncs[below(ASYNCS)]);
      }
      break;
  }
}

static ev_watcher* some_watcher(void) {
  switch (below(8)) {
    case 0:
      return (ev_watcher*)&ios[below(IOS)];
    case 1:
      return (ev_watcher*)&periodics[below(PERIODICS)];
    case 2:
      return (ev_watcher*)&idles[below(PHASES)];
    case 3:
      return (ev_watcher*)&prepares[below(PHASES)];
    case 4:
      return (ev_watcher*)&checks[below(PHASES)];
    case 5:
      return (ev_watcher*)&asyncs[below(ASYNCS)];
    default:
      return (ev_watcher*)&timers[below(TIMERS)];
  }
}

static void act_on_pending(struct ev_loop* loop, bool inside) {
  ev_watcher* w = some_watcher();
  if (!in_range(w)) {
    return; /* libev looks at the priority before any start has corrected it */
  }
  switch (below(6)) {
    case 0:
    case 1:
    case 2:
      ev_feed_event(loop, w, 1 << below(20));
      note("fed, pending %d", w->pending);
      break;
    case 3:
      note("cleared %x", (unsigned)ev_clear_pending(loop, w));
      break;
    case 4:
      if (ev_depth(loop) < DEEPEST) {
        ev_invoke(loop, w, EV_CUSTOM);
      }
      break;
    default:
      if (!inside || one_in(3)) {
        ev_invoke_pending(loop);
      }
      break;
  }
}

static void act_on_loop(struct ev_loop* loop, bool inside) {
  int what = below(14);
  note("act on loop %d", what);
  switch (what) {
    case 0:
      ev_now_update(loop);
      break;
    case 1:
      world_advance(below(6));
      break;
    case 2:
      if (one_in(4)) {
        world_jump_wall_clock(below(400) - 200);
      }
      break;
    case 3:
      if (one_in(3)) {
        ev_loop_fork(loop);
      }
      break;
    case 4:
      if (inside) {
        static const int ways[] = {EVBREAK_ONE, EVBREAK_ONE, EVBREAK_ALL, EVBREAK_CANCEL};
        ev_break(loop, ways[below(4)]);
      }
      break;
    case 5:
    case 6:
      if (inside && ev_depth(loop) < DEEPEST) {
        note("in");
        note("out %d", ev_run(loop, one_in(2) ? EVRUN_NOWAIT : EVRUN_ONCE));
      }
      break;
    case 7:
      if (extra_references < 3) {
        ev_ref(loop);
        ++extra_references;
      }
      break;
    case 8:
      if (extra_references > 0) {
        ev_unref(loop);
        --extra_references;
      }
      break;
    case 9:
      ev_once(loop, one_in(3) ? -1 : reader_of(below(PIPES)), EV_READ, some_time(20), on_once,
              (void*)(intptr_t)below(100));
      break;
    case 10:
      if (one_in(4)) {
        ev_set_io_collect_interval(loop, one_in(2) ? 0. : 2 * WORLD_TICK_SECONDS);
        ev_set_timeout_collect_interval(loop, one_in(2) ? 0. : 4 * WORLD_TICK_SECONDS);
      }
      break;
    case 11:
      if (!at_was_overwritten) { /* both take over what was written */
        ev_suspend(loop);
        world_advance(below(10));
        ev_resume(loop);
        part_ties(loop);
      }
      break;
    case 12:
      if (!at_was_overwritten) {
        ev_verify(loop);
      }
      break;
    default:
      if (inner_loop != NULL) {
        if (one_in(2)) {
          ev_embed_start(loop, &embed);
        } else {
          ev_embed_stop(loop, &embed);
        }
        if (one_in(2)) {
          ev_io_start(inner_loop, &inner_io);
        } else {
          ev_io_stop(inner_loop, &inner_io);
        }
      }
      break;
  }
}

static void act(struct ev_loop* loop, bool inside) {
  int what = below(100);
  if (what < 20) {
    act_on_io(loop);
  } else if (what < 32) {
    act_on_pipe(loop);
  } else if (what < 50) {
    act_on_timer(loop);
  } else if (what < 60) {
    act_on_periodic(loop);
  } else if (what < 71) {
    act_on_phase(loop);
  } else if (what < 80) {
    act_from_outside(loop);
  } else if (what < 90) {
    act_on_pending(loop, inside);
  } else {
    act_on_loop(loop, inside);
  }
}

/* --- while the loop sleeps
 * ------------------------------------------------------------------------------------------ */

static void happen(void) {
  switch (below(6)) {
    case 0:
      note("while it slept: byte");
      if (write(writer_of(below(PIPES)), "!", 1) < 0 && errno != EAGAIN) {
        abort();
      }
      break;
    case 1:
      if (ev_is_active(&asyncs[0])) {
        note("while it slept: send");
        ev_async_send(main_loop, &asyncs[0]);
      }
      break;
    case 2:
      if (ev_is_active(&signals[0])) {
        note("while it slept: signal");
        raise(signals[0].signum);
      }
      break;
    default:
      break;
  }
}

static void wait_is_seen(long ticks, bool blocks) {
  if (blocks) {
    note("waits %ld", ticks);
  } else {
    note("looks");
  }
}

/* --- a whole program
 * --------------------------------------------------------------------------------------------- */

static void on_nothing(int signum) {
  (void)signum;
}

void program_prepare(void) {
  int ends[2];
  for (int number = 0; number < PIPES; ++number) {
    if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) {
      abort();
    }
    dup2(ends[0], reader_of(number));
    dup2(ends[1], writer_of(number));
    close(ends[0]);
    close(ends[1]);
  }
  char path[] = "/tmp/ev-differential-XXXXXX";
  int fd = mkstemp(path);
  unlink(path);
  dup2(fd, FILE_FD);
  close(fd);
  world_set_happening(happen);
  world_set_wait_witness(wait_is_seen);
}

static void empty_pipes(void) {
  char bytes[4096];
  for (int number = 0; number < PIPES; ++number) {
    while (read(reader_of(number), bytes, sizeof bytes) > 0) {
    }
  }
}

static void init_watchers(void) {
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

static struct ev_loop* make_loop(void) {
  static const unsigned int backends[] = {EVBACKEND_EPOLL, EVBACKEND_EPOLL, EVBACKEND_POLL,
                                          EVBACKEND_SELECT};
  unsigned int flags = EVFLAG_NOENV | backends[below(4)];
  uses_signalfd = one_in(6);
  /* A signal that was not read yet comes through when the last watcher's stop unblocks it. */
  for (int i = 0; i < SIGNALS; ++i) {
    signal(signal_numbers[i], uses_signalfd ? SIG_IGN : SIG_DFL);
  }
  if (uses_signalfd) {
    flags |= EVFLAG_SIGNALFD;
  }
  if (one_in(6)) {
    flags |= EVFLAG_FORKCHECK;
  }
  note("backend %x", flags);
  return one_in(4) ? ev_default_loop(flags) : ev_loop_new(flags);
}

static void make_inner_loop(void) {
  inner_loop = one_in(4) ? ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV) : NULL;
  if (inner_loop == NULL) {
    return;
  }
  ev_embed_init(&embed, one_in(2) ? on_embed : 0, inner_loop);
  ev_io_init(&inner_io, on_io, reader_of(0), EV_READ);
}

static void tear_down(void) {
  callbacks_left = 0;
  if (inner_loop != NULL) {
    ev_embed_stop(main_loop, &embed);
    ev_io_stop(inner_loop, &inner_io);
    ev_loop_destroy(inner_loop);
  }
  for (int i = 0; i < SIGNALS; ++i) {
    ev_signal_stop(main_loop, &signals[i]);
  }
  ev_loop_destroy(main_loop);
  /* A signal that is still under way must not reach the next program. */
  sigset_t all;
  sigemptyset(&all);
  for (int i = 0; i < SIGNALS; ++i) {
    signal(signal_numbers[i], SIG_IGN);
    sigaddset(&all, signal_numbers[i]);
  }
  sigprocmask(SIG_UNBLOCK, &all, NULL);
  for (int i = 0; i < SIGNALS; ++i) {
    signal(signal_numbers[i], SIG_DFL);
  }
}

void program_run(uint64_t seed, struct record* into) {
  record = into;
  chance_state = seed * UINT64_C(0x9e3779b97f4a7c15) + 12345;
  chance();
  extra_references = 0;
  at_was_overwritten = false;
  moments = 0;
  world_reset();
  empty_pipes();
  signal(SIGPIPE, on_nothing);
  init_watchers();
  main_loop = make_loop();
  make_inner_loop();
  for (int round = 2 + below(12); round > 0; --round) {
    for (int count = below(12); count > 0; --count) {
      act(main_loop, false);
    }
    part_ties(main_loop);
    callbacks_left = MOST_CALLBACKS;
    static const int ways[] = {0, EVRUN_ONCE, EVRUN_NOWAIT, EVRUN_ONCE};
    int how = ways[below(4)];
    if (how == 0) {
      callbacks_left = 30; /* ends by ev_break, or because nothing holds the loop */
    }
    note("run %d", how);
    note("ran %d", run_guarded(main_loop, how));
  }
  tear_down();
  note("end");
}
