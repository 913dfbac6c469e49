#include "conformance/ev/differential/acts.h"

#include <stdint.h>

#include "conformance/ev/differential/pipes.h"
#include "conformance/ev/differential/record.h"
#include "conformance/ev/differential/ties.h"
#include "conformance/ev/differential/watchers.h"
#include "conformance/ev/differential/world.h"

enum { DEEPEST = 3 };

static int extra_references;
static bool uses_signalfd; /* libev then fails an assertion in ev_feed_signal */

void acts_begin(bool with_signalfd) {
  extra_references = 0;
  uses_signalfd = with_signalfd;
}

static bool in_range(const ev_watcher* w) {
  return w->priority >= EV_MINPRI && w->priority <= EV_MAXPRI;
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
      ev_once(loop, one_in(3) ? -1 : reader_of(below(PIPES)), EV_READ, some_time_once(20), on_once,
              (void*)(intptr_t)below(100));
      break;
    case 10:
      if (one_in(4)) {
        ev_set_io_collect_interval(loop, one_in(2) ? 0. : 2 * WORLD_TICK_SECONDS);
        ev_set_timeout_collect_interval(loop, one_in(2) ? 0. : 4 * WORLD_TICK_SECONDS);
      }
      break;
    case 11:
      if (!at_is_written_over()) { /* both take over what was written */
        ev_suspend(loop);
        world_advance(below(10));
        ev_resume(loop);
        part_ties(loop);
      }
      break;
    case 12:
      if (!at_is_written_over()) {
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

void act(struct ev_loop* loop, bool inside) {
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
    act_from_outside(loop, uses_signalfd);
  } else if (what < 90) {
    act_on_pending(loop, inside);
  } else {
    act_on_loop(loop, inside);
  }
}
