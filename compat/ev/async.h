// What reaches a loop from outside of its turn: ev_async, and the one place at which a loop that
// was woken looks at everything that may have come: asyncs, signals, and children that another loop
// has reaped. libev does that in the callback of a watcher of the highest priority, and the order
// in which callbacks run shows it, so it is a watcher here too.
#pragma once

#include <ev.h>

#include <atomic>
#include <cstdint>

#include "compat/ev/phase.h"

struct ev_loop;

namespace pollshim::ev {

class Asyncs {
 public:
  Asyncs();

  void start(ev_loop& loop, ev_async* watcher);
  void stop(ev_loop& loop, ev_async* watcher);

  // Any thread, any signal handler.
  void send(ev_loop& loop, ev_async* watcher);
  // The same for another loop that has left something for this one.
  void notify(ev_loop& loop);

  // Whether anything has come that the loop has not looked at.
  bool has_news(const ev_loop& loop) const;

  // Makes the loop look, in its turn.
  void feed_wake(ev_loop& loop, int events);
  void after_fork(ev_loop& loop);

  void verify(const ev_loop& loop) const { watchers_.verify(loop); }

 private:
  static void look(ev_loop* loop, ev_watcher* watcher, int events);

  PhaseWatchers watchers_;
  bool was_used_ = false;
  std::atomic<bool> sent_{false};
  ev_watcher wake_watcher_;
};

}  // namespace pollshim::ev
