// What a wait finds ready, on its way to the watchers: the core shows it piece by piece, and each
// watcher concerned becomes pending. Used by loop.cc for the wait, and by io.cc, which owns the
// watchers; in a header because it is made for every event.
#pragma once

#include "compat/ev/io.h"
#include "compat/ev/loop.h"

namespace pollshim::ev {

inline void feed_watchers(ev_loop& loop, ev_io* first, int events) {
  for (ev_io* watcher = first; watcher != nullptr; watcher = IoTable::next_of(watcher)) {
    const int hits = watcher->events & events;
    if (hits != 0) loop.feed(head_of(watcher), hits);
  }
}

class FeedReady {
 public:
  explicit FeedReady(ev_loop& loop) : loop_(loop) {}

  void awake() {}
  void ready(netpoll::Waiter* waiter, int fd, netpoll::ModeSet modes) {
    // While nothing has changed since the core was told, the waiter is the first watcher. During
    // the wait another thread may have stopped that one, and it may be gone.
    if ((modes & netpoll::kInvalid) != 0 || loop_.ios.has_changes()) [[unlikely]] {
      return loop_.ios.feed_changed(loop_, fd, modes);
    }
    feed_watchers(loop_, IoTable::watcher_of(waiter), modes);
  }
  void woken() { loop_.asyncs.feed_wake(loop_, EV_READ); }

 private:
  ev_loop& loop_;
};

}  // namespace pollshim::ev
