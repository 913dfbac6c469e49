#include "compat/ev/child.h"

#include <sys/wait.h>

#include "compat/ev/loop.h"
#include "compat/ev/memory.h"
#include "core/lock.h"

namespace pollshim::ev {

namespace {

netpoll::Mutex loops_lock;
ev_loop* loops_with_children = nullptr;  // guarded by loops_lock

ev_child* next_of(const ev_child* watcher) {
  return reinterpret_cast<ev_child*>(watcher->next);
}

}  // namespace

Children::Children() {
  ev_signal_init(&signal_watcher_, on_signal, SIGCHLD);
  ev_set_priority(&signal_watcher_, kHighestPriority);
}

void Children::listen(ev_loop& loop) {
  if (signal_watcher_.active != 0) return;
  loop.signals.start(loop, &signal_watcher_);
  if (signal_watcher_.active == 0) return;
  --loop.active;
  // A child may have ended before anybody listened, and its signal is gone.
  if (!reaps_always_) loop.feed(head_of(&signal_watcher_), EV_SIGNAL);
}

void Children::reap_always(ev_loop& loop) {
  reaps_always_ = true;
  listen(loop);
}

void Children::join(ev_loop& loop) {
  loop.expect_wakes();  // by a loop that reaps for this one
  const netpoll::MutexGuard guard(loops_lock);
  if (joined_) return;
  joined_ = true;
  next_loop_ = loops_with_children;
  loops_with_children = &loop;
}

void Children::leave(ev_loop& loop) {
  if (signal_watcher_.active != 0) {
    ++loop.active;
    loop.signals.stop(loop, &signal_watcher_);
  }
  const netpoll::MutexGuard guard(loops_lock);
  for (ev_loop** link = &loops_with_children; *link != nullptr;
       link = &(*link)->children.next_loop_) {
    if (*link != &loop) continue;
    *link = next_loop_;
    break;
  }
  joined_ = false;
  release(delivered_);
  delivered_ = nullptr;
  delivered_size_ = delivered_capacity_ = 0;
}

void Children::start(ev_loop& loop, ev_child* watcher) {
  if (watcher->active != 0) return;
  listen(loop);
  join(loop);
  if (!loop.start(head_of(watcher), 1)) return;
  ev_child*& first = first_[static_cast<unsigned>(watcher->pid) % kBuckets];
  watcher->next = reinterpret_cast<ev_watcher_list*>(first);
  first = watcher;
  ++size_;
}

void Children::stop(ev_loop& loop, ev_child* watcher) {
  loop.pending.withdraw(head_of(watcher));
  if (watcher->active == 0) return;
  ev_child*& first = first_[static_cast<unsigned>(watcher->pid) % kBuckets];
  ev_child* previous = nullptr;
  ev_child* candidate = first;
  while (candidate != nullptr && candidate != watcher) {
    previous = candidate;
    candidate = next_of(candidate);
  }
  if (candidate != nullptr) {
    if (previous != nullptr) {
      previous->next = watcher->next;
    } else {
      first = next_of(watcher);
    }
    --size_;
  }
  loop.stop(head_of(watcher));
  if (size_ != 0 || reaps_always_ || signal_watcher_.active == 0) return;
  ++loop.active;
  loop.signals.stop(loop, &signal_watcher_);
}

void Children::feed(ev_loop& loop, unsigned bucket, const Status& status) {
  const bool lives_on = WIFSTOPPED(status.status) || WIFCONTINUED(status.status);
  for (ev_child* watcher = first_[bucket]; watcher != nullptr; watcher = next_of(watcher)) {
    if (watcher->pid != status.process && watcher->pid != 0) continue;
    if (lives_on && !(watcher->flags & 1)) continue;
    // Before the next child is reaped this one must be told of, so it has the reaper's priority.
    if (watcher->priority != kHighestPriority && watcher->pending == 0) {
      loop.pending.unreserve(PendingQueue::lane_of(head_of(watcher)));
      watcher->priority = kHighestPriority;
      const unsigned lane = PendingQueue::lane_of(head_of(watcher));
      if (loop.pending.make_room(lane)) loop.pending.reserve(lane);
    }
    watcher->rpid = status.process;
    watcher->rstatus = status.status;
    loop.feed(head_of(watcher), EV_CHILD);
  }
}

void Children::feed(ev_loop& loop, const Status& status) {
  feed(loop, static_cast<unsigned>(status.process) % kBuckets, status);
  if (static_cast<unsigned>(status.process) % kBuckets != 0) feed(loop, 0, status);
}

// One child at a time: its watchers are called before the next one is reaped.
void Children::on_signal(ev_loop* loop, ev_signal* watcher, int) {
  Status status{};
  status.process = ::waitpid(-1, &status.status, WNOHANG | WUNTRACED | WCONTINUED);
  if (status.process <= 0) return;
  loop->feed(head_of(watcher), EV_SIGNAL);
  loop->children.deliver_to_others(*loop, status);
  loop->children.feed(*loop, status);
}

void Children::deliver_to_others(ev_loop& reaper, const Status& status) {
  const netpoll::MutexGuard guard(loops_lock);
  for (ev_loop* loop = loops_with_children; loop != nullptr; loop = loop->children.next_loop_) {
    Children& other = loop->children;
    if (loop == &reaper) continue;
    if (!grow(other.delivered_, other.delivered_capacity_, other.delivered_size_ + 1)) continue;
    other.delivered_[other.delivered_size_++] = status;
    loop->asyncs.notify(*loop);
  }
}

void Children::reap_delivered(ev_loop& loop) {
  for (;;) {
    Status status;
    {
      const netpoll::MutexGuard guard(loops_lock);
      if (delivered_size_ == 0) return;
      status = delivered_[0];
      for (std::uint32_t i = 1; i < delivered_size_; ++i)
        delivered_[i - 1] = delivered_[i];
      --delivered_size_;
    }
    feed(loop, status);
    if (size_ == 0) continue;
    // A watcher holds one status: the callbacks run before the next one overwrites it.
    const netpoll::MutexGuard guard(loops_lock);
    if (delivered_size_ != 0) loop.asyncs.notify(loop);
    return;
  }
}

}  // namespace pollshim::ev
