// ev_timer: relative timeouts on a clock that never jumps. The heap remembers the time that a timer
// was started with; the watcher's own `at` is for the program to see, and may meanwhile have been
// written over.
#pragma once

#include <ev.h>

#include <cstdint>

#include "compat/ev/time.h"
#include "core/timer_heap.h"

struct ev_loop;

namespace pollshim::ev {

class Timers {
 public:
  void start(ev_loop& loop, ev_timer* watcher);
  void stop(ev_loop& loop, ev_timer* watcher);
  void again(ev_loop& loop, ev_timer* watcher);
  ev_tstamp remaining(const ev_loop& loop, const ev_timer* watcher) const;

  // Feeds the timers that are due, earliest first to be invoked.
  void expire(ev_loop& loop);
  // Moves every timer by `seconds`.
  void shift(ev_loop& loop, ev_tstamp seconds);

  bool empty() const { return heap_.empty(); }
  std::uint32_t size() const { return heap_.size(); }
  ev_tstamp earliest();

  void verify(const ev_loop& loop) const;

 private:
  [[gnu::noinline]] void make_room_and_start(ev_loop& loop, ev_timer* watcher);
  // What `active` holds is the heap's id.
  bool holds(const ev_timer* watcher) const;

  netpoll::TimerHeap heap_;
};

}  // namespace pollshim::ev
