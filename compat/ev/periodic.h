// ev_periodic: moments of the wall clock. When that clock jumps, every moment that depends on it is
// computed anew; a timerfd that the kernel cancels on a jump ends a wait for that, where there is
// one.
#pragma once

#include <ev.h>

#include <cstdint>

#include "compat/ev/time.h"
#include "core/timer_heap.h"

struct ev_loop;

namespace pollshim::ev {

class Periodics {
 public:
  void configure(bool may_use_timerfd) { may_use_timerfd_ = may_use_timerfd; }
  void close();

  void start(ev_loop& loop, ev_periodic* watcher);
  void stop(ev_loop& loop, ev_periodic* watcher);
  void again(ev_loop& loop, ev_periodic* watcher);

  // Feeds what is due, earliest first to be invoked.
  void expire(ev_loop& loop);
  // The wall clock has jumped.
  void reschedule(ev_loop& loop);
  void after_fork(ev_loop& loop);

  bool empty() const { return heap_.empty(); }
  std::uint32_t size() const { return heap_.size(); }
  ev_tstamp earliest() { return moment_of(heap_.earliest()); }

  // Whether the kernel ends a wait when the wall clock jumps.
  bool is_told_of_jumps() const { return timerfd_ >= 0; }

  void verify(const ev_loop& loop) const;

 private:
  void open_timerfd(ev_loop& loop);
  void arm_timerfd(const ev_loop& loop);
  static void on_timerfd(ev_loop* loop, ev_io* watcher, int events);
  bool holds(const ev_periodic* watcher) const;

  netpoll::TimerHeap heap_;
  bool may_use_timerfd_ = true;
  int timerfd_ = -1;
  ev_io timerfd_watcher_ = {};
};

}  // namespace pollshim::ev
