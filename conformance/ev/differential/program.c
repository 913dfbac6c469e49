#include "conformance/ev/differential/program.h"

#include <errno.h>
#include <ev.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "conformance/ev/differential/acts.h"
#include "conformance/ev/differential/pipes.h"
#include "conformance/ev/differential/record.h"
#include "conformance/ev/differential/ties.h"
#include "conformance/ev/differential/watchers.h"
#include "conformance/ev/differential/world.h"

/* --- while the loop sleeps --- */

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

/* --- a whole program --- */

static void on_nothing(int signum) {
  (void)signum;
}

void program_prepare(void) {
  open_pipes_and_file();
  world_set_happening(happen);
  world_set_wait_witness(wait_is_seen);
}

static struct ev_loop* make_loop(void) {
  static const unsigned int backends[] = {EVBACKEND_EPOLL, EVBACKEND_EPOLL, EVBACKEND_POLL,
                                          EVBACKEND_SELECT};
  unsigned int flags = EVFLAG_NOENV | backends[below(4)];
  const bool uses_signalfd = one_in(6);
  acts_begin(uses_signalfd);
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
  init_inner_watchers();
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
  begin_record(seed, into);
  ties_begin();
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
    callbacks_left = 150;
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
