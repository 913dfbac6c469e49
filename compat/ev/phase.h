// Watchers that wait for a phase of the turn and for nothing else: ev_prepare, ev_check, ev_fork
// and ev_cleanup, each an array in which `active` is a watcher's position plus one; and ev_idle,
// which has such an array for each priority. A watcher that stops leaves its place to the last one.
#pragma once

#include <ev.h>

#include <cstdint>

#include "compat/ev/pending.h"

struct ev_loop;

namespace pollshim::ev {

class PhaseWatchers {
 public:
  PhaseWatchers() = default;
  PhaseWatchers(const PhaseWatchers&) = delete;
  PhaseWatchers& operator=(const PhaseWatchers&) = delete;
  ~PhaseWatchers();

  // False if the watcher was active already, or had to be refused.
  bool start(ev_loop& loop, ev_watcher* watcher);
  // False if it was not active.
  bool stop(ev_loop& loop, ev_watcher* watcher);

  void feed(ev_loop& loop, int events) const;

  bool empty() const { return size_ == 0; }
  std::uint32_t size() const { return size_; }
  ev_watcher* at(std::uint32_t position) const { return watchers_[position]; }

  void verify(const ev_loop& loop) const;

 private:
  ev_watcher** watchers_ = nullptr;
  std::uint32_t size_ = 0;
  std::uint32_t capacity_ = 0;
};

class Idles {
 public:
  void start(ev_loop& loop, ev_idle* watcher);
  void stop(ev_loop& loop, ev_idle* watcher);

  // Feeds the idle watchers of the highest priority that has any, unless something of that priority
  // or a higher one is pending.
  void feed_if_quiet(ev_loop& loop) const;

  bool empty() const { return size_ == 0; }
  void verify(const ev_loop& loop) const;

 private:
  PhaseWatchers lanes_[kPriorities];
  std::uint32_t size_ = 0;
};

}  // namespace pollshim::ev
