#include "conformance/ev/differential/acts.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "conformance/ev/differential/pipes.h"
#include "conformance/ev/differential/record.h"
#include "conformance/ev/differential/ties.h"
#include "conformance/ev/differential/watchers.h"
#include "conformance/ev/differential/world.h"

static bool is_idle(const void* watcher) {
  return !ev_is_active((ev_watcher*)watcher) && !ev_is_pending((ev_watcher*)watcher);
}

static void set_some_priority(void* watcher) {
  if (is_idle(watcher) && one_in(3)) {
    ev_watcher* w = watcher;
    ev_set_priority(w, below(7) - 3); /* the start brings it into range */
  }
}

void act_on_io(struct ev_loop* loop) {
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
  bool was_active[IOS] = {false};
  for (int i = 0; i < IOS; ++i) {
    if (ios[i].fd == reader_of(number) || ios[i].fd == writer_of(number)) {
      was_active[i] = ev_is_active(&ios[i]);
      ev_io_stop(loop, &ios[i]);
    }
  }
  reopen_pipe(number);
  for (int i = 0; i < IOS; ++i) {
    if (was_active[i]) {
      ev_io_set(&ios[i], ios[i].fd, ios[i].events & (EV_READ | EV_WRITE));
      ev_io_start(loop, &ios[i]);
    }
  }
}

void act_on_pipe(struct ev_loop* loop) {
  char bytes[4096];
  int number = below(PIPES);
  int what = below(5);
  note("act on pipe%d %d", number, what);
  switch (what) {
    case 0:
    case 1:
      note("wrote %d", (int)write(writer_of(number), "xyz", (size_t)below(3) + 1));
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

void act_on_timer(struct ev_loop* loop) {
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
        write_over(w, some_time(30));
        ev_timer_start(loop, w);
      }
      break;
    default:
      note("remaining %.9f", ev_timer_remaining(loop, w));
      break;
  }
  part_ties(loop);
}

void act_on_periodic(struct ev_loop* loop) {
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

void act_on_phase(struct ev_loop* loop) {
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

void act_from_outside(struct ev_loop* loop, bool uses_signalfd) {
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
