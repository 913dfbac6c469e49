// ev_timer: relative timeouts on a clock that never jumps. The watcher's own `at` is for the
// program to see, and may be written over while the timer is active, which moves nothing. The heap
// remembers when a timer is due, or, of one that ev_timer_again() has put off, a time before that:
// then the watcher's `at` tells the truth, and if that was written over, the mark beside it does.
#pragma once

#include <ev.h>

#include <cstdint>

#include "compat/ev/time.h"
#include "core/timer_heap.h"

struct ev_loop;

namespace pollshim::ev {

class Timers {
 public:
  static void start(ev_loop& loop, ev_timer* watcher);
  static void stop(ev_loop& loop, ev_timer* watcher);
  void again(ev_loop& loop, ev_timer* watcher);
  ev_tstamp remaining(const ev_loop& loop, const ev_timer* watcher) const;

  // Feeds the timers that are due, earliest first to be invoked.
  void expire(ev_loop& loop);
  // Moves every timer by `seconds`.
  void shift(ev_loop& loop, ev_tstamp seconds);

  bool empty() const { return heap_.empty(); }
  std::uint32_t size() const { return heap_.size(); }
  // Pre: not empty.
  ev_tstamp earliest(ev_tstamp now);

  void verify(const ev_loop& loop) const;

 private:
  static void start_in_room(ev_loop& loop, ev_timer* watcher, unsigned lane);
  [[gnu::noinline]] static void make_room_and_start(ev_loop& loop, ev_timer* watcher);
  // What again() comes to where it takes more than to put off.
  [[gnu::noinline]] void start_or_move(ev_loop& loop, ev_timer* watcher);
  [[gnu::noinline]] void move(ev_loop& loop, ev_timer* watcher, ev_tstamp at);
  // If the watcher was put off, the heap is told now, and something else may be first.
  bool corrected(netpoll::TimerId id);
  // The earliest by truth, and the same if it is due; kNoTimer when there is none.
  netpoll::TimerId first(Key limit);
  netpoll::TimerId first_due(Key limit);
  // What `active` holds is the heap's id.
  bool holds(const ev_timer* watcher) const;

  netpoll::TimerHeap heap_;
};

}  // namespace pollshim::ev
