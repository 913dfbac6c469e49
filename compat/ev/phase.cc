#include "compat/ev/phase.h"

#include "compat/ev/loop.h"
#include "compat/ev/memory.h"
#include "compat/ev/verify.h"

namespace pollshim::ev {

PhaseWatchers::~PhaseWatchers() {
  release(watchers_);
}

bool PhaseWatchers::start(ev_loop& loop, ev_watcher* watcher) {
  if (watcher->active != 0) return false;
  if (!grow(watchers_, capacity_, size_ + 1)) {
    loop.refuse(watcher);
    return false;
  }
  if (!loop.start(watcher, static_cast<int>(size_ + 1))) return false;
  watchers_[size_++] = watcher;
  return true;
}

bool PhaseWatchers::stop(ev_loop& loop, ev_watcher* watcher) {
  loop.pending.withdraw(watcher);
  if (watcher->active == 0) return false;
  const auto position = static_cast<std::uint32_t>(watcher->active) - 1;
  if (position >= size_ || watchers_[position] != watcher) {
    give_up("a watcher was changed while active");
  }
  ev_watcher* const last = watchers_[--size_];
  watchers_[position] = last;
  last->active = static_cast<int>(position + 1);
  loop.stop(watcher);
  return true;
}

void PhaseWatchers::feed(ev_loop& loop, int events) const {
  for (std::uint32_t position = 0; position < size_; ++position)
    loop.feed(watchers_[position], events);
}

void PhaseWatchers::verify(const ev_loop& loop) const {
  for (std::uint32_t position = 0; position < size_; ++position) {
    verify_watcher(loop, watchers_[position]);
    if (watchers_[position]->active != static_cast<int>(position + 1)) {
      give_up("a watcher's active field was changed");
    }
  }
}

void Idles::start(ev_loop& loop, ev_idle* watcher) {
  if (lanes_[PendingQueue::lane_of(head_of(watcher))].start(loop, head_of(watcher))) ++size_;
}

void Idles::stop(ev_loop& loop, ev_idle* watcher) {
  if (lanes_[PendingQueue::lane_of(head_of(watcher))].stop(loop, head_of(watcher))) --size_;
}

void Idles::feed_if_quiet(ev_loop& loop) const {
  if (size_ == 0) return;
  for (unsigned lane = kPriorities; lane-- > 0;) {
    if (loop.pending.any_at_or_above(lane)) return;
    if (lanes_[lane].empty()) continue;
    lanes_[lane].feed(loop, EV_IDLE);
    return;
  }
}

void Idles::verify(const ev_loop& loop) const {
  for (const PhaseWatchers& lane : lanes_)
    lane.verify(loop);
}

}  // namespace pollshim::ev
