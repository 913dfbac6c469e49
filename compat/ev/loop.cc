#include "compat/ev/loop.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <new>

#include "backends/backends.h"
#include "compat/ev/backend.h"
#include "compat/ev/memory.h"
#include "compat/ev/ready.h"

using namespace pollshim;
using namespace pollshim::ev;

namespace {

// A jump of the wall clock must not go unnoticed for longer than this while somebody minds.
constexpr ev_tstamp kLongestWait = 59.743;
// ... and where the kernel tells us of jumps, only the width of a timeout limits a wait.
constexpr ev_tstamp kLongestToldWait = 1500001.07;

// What a descriptor's state wakes: an error or a hang-up wakes whoever watches it, for whatever.
constexpr netpoll::ReadinessMap kReadiness =
    netpoll::make_readiness_map({.in = netpoll::kRead,
                                 .out = netpoll::kWrite,
                                 .peer_closed = 0,
                                 .hangup = netpoll::kRead | netpoll::kWrite,
                                 .error = netpoll::kRead | netpoll::kWrite});

void collect_figures(const void* at, view::Counters* into) {
  auto& loop = *static_cast<ev_loop*>(const_cast<void*>(at));
  const netpoll::PollerCounters& poller = loop.core.poller().counters();
  into->turns = loop.iteration;
  into->waits = poller.waits;
  into->wakes_asked = loop.wakes_asked;
  into->wakes_written = poller.wakes_written.load(std::memory_order_relaxed);
  into->registrations = poller.registrations;
  into->modifications = poller.modifications;
  into->events_delivered = loop.events_delivered;
  into->stale_dropped = poller.stale;
  into->timers_fired = loop.timers_fired;
  into->timers_pending = loop.timers.size() + loop.periodics.size();
}

}  // namespace

// ---- a turn ----

int ev_loop::run(int run_flags) {
  if (waiting) give_up("ev_run was called while the loop was released to wait");
  ++depth;
  break_how = EVBREAK_CANCEL;
  invoke();  // a nested run does not overtake what was pending before it
  do {
    if (checked_process != 0) notice_fork();
    if (forked) queue(forks, EV_FORK);
    queue(prepares, EV_PREPARE);
    if (break_how != EVBREAK_CANCEL) break;

    if (forked) rebuild_kernel_state();
    ios.pass_on_changes(*this);
    const ev_tstamp steady_before = time.steady();
    update_time();
    wait(time_to_wait(run_flags, steady_before));
    update_time();

    // Behind the descriptors' events and in front of them when invoked: each of these is fed later,
    // and what is fed last is invoked first.
    timers.expire(*this);
    if (!periodics.empty()) periodics.expire(*this);
    idles.feed_if_quiet(*this);
    checks.feed(*this, EV_CHECK);
    invoke();
  } while (active != 0 && break_how == EVBREAK_CANCEL &&
           !(run_flags & (EVRUN_ONCE | EVRUN_NOWAIT)));
  if (break_how == EVBREAK_ONE) break_how = EVBREAK_CANCEL;
  --depth;
  view::paused(view);
  return active;
}

// A phase with nobody in it does not invoke what happens to be pending.
void ev_loop::queue(const PhaseWatchers& watchers, int events) {
  if (watchers.empty()) return;
  watchers.feed(*this, events);
  invoke();
}

void ev_loop::invoke() {
  if (invoke_callback != nullptr) {
    invoke_callback(this);
  } else {
    invoke_pending();
  }
}

void ev_loop::invoke_pending() {
  for (;;) {
    const PendingWatcher due = pending.take();
    if (due.watcher == nullptr) return;
    if (view != nullptr) [[unlikely]] {
      invoke_in_view(due.watcher, due.events);
    } else {
      due.watcher->cb(this, due.watcher, due.events);
    }
  }
}

// Only a view wants to know how many there were.
void ev_loop::invoke_in_view(ev_watcher* watcher, int events) {
  ++events_delivered;
  const view::CallbackScope scope(view, reinterpret_cast<const void*>(watcher->cb));
  watcher->cb(this, watcher, events);
}

// ---- the wait ----

ev_tstamp ev_loop::time_to_wait(int run_flags, ev_tstamp steady_before) {
  const bool wants_to_wait = !(run_flags & EVRUN_NOWAIT) && idles.empty() && active != 0;
  if (!wants_to_wait || asyncs.has_news(*this)) return 0.;

  ev_tstamp seconds = periodics.is_told_of_jumps() ? kLongestToldWait : kLongestWait;
  const auto shorten = [&seconds](ev_tstamp to) {
    if (seconds > to) seconds = to;
  };
  if (!timers.empty()) shorten(timers.earliest(time.steady()) - time.steady());
  if (!periodics.empty()) shorten(periodics.earliest() - time.wall());
  if (seconds < timeout_interval) seconds = timeout_interval;
  if (seconds < shortest_wait) seconds = seconds <= 0. ? 0. : shortest_wait;

  // Time for more descriptors to become ready, so that one turn serves them all.
  if (io_interval != 0.) {
    ev_tstamp collect = io_interval - (time.steady() - steady_before);
    if (collect > seconds - shortest_wait) collect = seconds - shortest_wait;
    if (collect > 0.) {
      sleep_for(collect);
      seconds -= collect;
    }
  }
  return seconds;
}

void ev_loop::wait(ev_tstamp seconds) {
  ++iteration;
  const auto sleep_released = [this](auto&& sleep) {
    waiting = true;
    if (release_callback != nullptr) release_callback(this);
    {
      const view::WaitScope scope(view);
      sleep();
    }
    if (acquire_callback != nullptr) acquire_callback(this);
    waiting = false;
  };
  const int error = core.wait(delay_of(seconds), sleep_released, FeedReady(*this));
  if (asyncs.has_news(*this)) asyncs.feed_wake(*this, EV_CUSTOM);
  // What was reported in vain is taken out at once: a loop around this one would hear of it for
  // ever.
  core.fds().reconcile(false);
  if (error != 0) {
    errno = error;
    report_syserr(syserr_message(backend));
  }
}

// ---- forks ----

void ev_loop::notice_fork() {
  const pid_t process = ::getpid();
  if (process == checked_process) return;
  checked_process = process;
  forked = true;
}

void ev_loop::rebuild_kernel_state() {
  while (const int error = core.after_fork(netpoll::Loop::Caught::kKeep)) {
    errno = error;
    report_syserr("(libev) rebuilding the kernel's state after a fork");
  }
  stats.after_fork(*this);
  periodics.after_fork(*this);
  asyncs.after_fork(*this);
  forked = false;
}

// ---- watchers ----

[[gnu::cold]] void ev_loop::refuse(ev_watcher* watcher, int events) {
  pending.feed(watcher, events | EV_ERROR);
}

void ev_loop::resume() {
  const ev_tstamp before = time.steady();
  update_time();
  timers.shift(*this, time.steady() - before);
  periodics.reschedule(*this);
}

// ---- making and destroying ----

int ev_loop::init(unsigned loop_flags) {
  flags = loop_flags;
  if (flags & EVFLAG_FORKCHECK) checked_process = ::getpid();
  const unsigned effective = effective_flags(loop_flags);
  time.start();
  const BackendChoice choice = choose_backend(effective, [this](const netpoll::BackendOps& ops) {
    netpoll::LoopOptions options;
    options.backend = &ops;
    // As in libev: what only asyncs and signals need is made by the first of them.
    options.backend_options.wake = netpoll::WakeKind::kLater;
    // Taking a descriptor out costs nothing where the kernel is handed all of them at every wait.
    options.fds = {.readiness = kReadiness,
                   .lazy_additions = true,
                   .keep_registrations = ops.traits.constant_cost,
                   .emulate_regular_files = true};
    return core.init(options);
  });
  if (choice.mask == 0) return choice.error;
  backend = choice.mask;
  shortest_wait = choice.shortest_wait;
  stats.configure(!(effective & EVFLAG_NOINOTIFY));
  periodics.configure(!(effective & EVFLAG_NOTIMERFD));
  signals.configure((effective & EVFLAG_SIGNALFD) != 0);
  view = view::open_loop(this, core.poller().traits().name, collect_figures);
  return 0;
}

void ev_loop::expect_wakes() {
  while (const int error = core.poller().expect_wakes()) {
    errno = error;
    report_syserr("(libev) error creating signal/async pipe");
  }
}

ev_loop::~ev_loop() = default;

ev_loop* ev_loop::make(unsigned loop_flags) {
  void* const memory = reallocate(nullptr, sizeof(ev_loop));
  if (memory == nullptr) return nullptr;
  auto* loop = new (memory) ev_loop;
  const int error = loop->init(loop_flags);
  if (error == 0) return loop;
  loop->~ev_loop();
  release(memory);
  errno = error;
  return nullptr;
}

void ev_loop::destroy(ev_loop* loop) {
  loop->queue(loop->cleanups, EV_CLEANUP);
  view::close_loop(loop->view);
  loop->children.leave(*loop);
  loop->signals.close(*loop);
  loop->periodics.close();
  loop->stats.close();
  loop->core.shut_down();
  loop->~ev_loop();
  release(loop);
}
