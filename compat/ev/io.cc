#include "compat/ev/io.h"

#include <fcntl.h>

#include <cstring>

#include "compat/ev/loop.h"
#include "compat/ev/memory.h"
#include "compat/ev/verify.h"

namespace pollshim::ev {

namespace {

constexpr int kBothWays = EV_READ | EV_WRITE;
static_assert(EV_READ == netpoll::kRead && EV_WRITE == netpoll::kWrite);

// Growing the table this far for the sake of one number is not done before the number is known to
// be a descriptor at all.
constexpr int kPlausible = 1 << 16;

// The core hands this back, and nothing is read from it: the descriptor itself says whose it is.
netpoll::Waiter* waiter_of(ev_loop& loop) {
  return reinterpret_cast<netpoll::Waiter*>(&loop);
}

ev_io* next_of(const ev_io* watcher) {
  return reinterpret_cast<ev_io*>(watcher->next);
}

}  // namespace

IoTable::~IoTable() {
  release(descriptors_);
  release(changed_);
}

bool IoTable::make_room(int fd) {
  const auto needed = static_cast<std::uint32_t>(fd) + 1;
  if (needed <= size_) return true;
  if (fd >= kPlausible && ::fcntl(fd, F_GETFD) == -1) return false;
  std::uint32_t capacity = size_;
  if (!grow(descriptors_, capacity, needed)) return false;
  std::memset(static_cast<void*>(descriptors_ + size_), 0, sizeof(Descriptor) * (capacity - size_));
  size_ = capacity;
  return true;
}

bool IoTable::note_change(int fd, unsigned change) {
  Descriptor& descriptor = descriptors_[fd];
  if (descriptor.change == 0) {
    if (!grow(changed_, changed_capacity_, changed_size_ + 1)) return false;
    changed_[changed_size_++] = fd;
  }
  descriptor.change = static_cast<std::uint8_t>(descriptor.change | change);
  return true;
}

void IoTable::start(ev_loop& loop, ev_io* watcher) {
  if (watcher->active != 0) return;
  const int fd = watcher->fd;
  const bool is_new = (watcher->events & EV__IOFDSET) != 0;
  const bool is_sound = fd >= 0 && (watcher->events & ~(EV__IOFDSET | kBothWays)) == 0;
  if (!is_sound || !make_room(fd) || !note_change(fd, is_new ? kChanged | kNewFile : kChanged)) {
    loop.refuse(head_of(watcher), kBothWays);
    return;
  }
  if (!loop.start(head_of(watcher), 1)) return;
  watcher->next = reinterpret_cast<ev_watcher_list*>(descriptors_[fd].first);
  descriptors_[fd].first = watcher;
  watcher->events &= ~EV__IOFDSET;
}

void IoTable::stop(ev_loop& loop, ev_io* watcher) {
  loop.pending.withdraw(head_of(watcher));
  if (watcher->active == 0) return;
  const int fd = watcher->fd;
  if (fd >= 0 && static_cast<std::uint32_t>(fd) < size_) {
    ev_io* previous = nullptr;
    ev_io* candidate = descriptors_[fd].first;
    while (candidate != nullptr && candidate != watcher) {
      previous = candidate;
      candidate = next_of(candidate);
    }
    if (candidate != nullptr && previous != nullptr) {
      previous->next = watcher->next;
    } else if (candidate != nullptr) {
      descriptors_[fd].first = next_of(watcher);
    }
    // Without memory for the note the kernel goes on reporting, which is put right when it does.
    note_change(fd, kChanged);
  }
  loop.stop(head_of(watcher));
}

void IoTable::pass_on_changes(ev_loop& loop) {
  // Watchers that kill() stops are changes as well: they come behind those of now.
  for (std::uint32_t i = 0; i < changed_size_; ++i) {
    const int fd = changed_[i];
    Descriptor& descriptor = descriptors_[fd];
    // Where nobody watched for a while, the number may have been closed and opened again, and not
    // every program says so by ev_io_set; libev asks the kernel in this case as well.
    const bool is_new = (descriptor.change & kNewFile) != 0;
    const netpoll::Identity identity = is_new                 ? netpoll::Identity::kNew
                                       : descriptor.told == 0 ? netpoll::Identity::kUnknown
                                                              : netpoll::Identity::kSame;
    descriptor.change = 0;
    unsigned wanted = 0;
    for (const ev_io* watcher = descriptor.first; watcher != nullptr; watcher = next_of(watcher))
      wanted |= static_cast<unsigned>(watcher->events & kBothWays);
    if (wanted == descriptor.told && (wanted == 0 || !is_new)) continue;
    const netpoll::Demand demand = {waiter_of(loop), static_cast<netpoll::ModeSet>(wanted), false};
    const int error = loop.core.fds().set_demand(fd, demand, identity);
    if (error == 0) {
      descriptor.told = static_cast<std::uint8_t>(wanted);
    } else {
      kill(loop, fd);
    }
  }
  changed_size_ = 0;
}

void IoTable::feed_ready(ev_loop& loop) {
  const netpoll::WaiterList& ready = loop.core.ready();
  const std::uint32_t wake_place = loop.core.fds().wake_place();
  std::uint32_t place = 0;
  for (const netpoll::ReadyWaiter& waiter : ready) {
    if (place++ == wake_place) loop.asyncs.feed_wake(loop, EV_READ);
    const int fd = loop.core.poller().cache().at(waiter.slot).fd;
    if (waiter.modes & netpoll::kInvalid) {
      kill(loop, fd);
    } else if (descriptors_[fd].change == 0) {
      // One that changed during the wait, by another thread, is asked about anew.
      feed(loop, fd, waiter.modes & kBothWays);
    }
  }
  if (wake_place != netpoll::FdTable::kNoPlace && wake_place >= ready.size()) {
    loop.asyncs.feed_wake(loop, EV_READ);
  }
  if (loop.asyncs.has_news(loop)) loop.asyncs.feed_wake(loop, EV_CUSTOM);
}

void IoTable::feed(ev_loop& loop, int fd, int events) {
  if (fd < 0 || static_cast<std::uint32_t>(fd) >= size_) return;
  for (ev_io* watcher = descriptors_[fd].first; watcher != nullptr; watcher = next_of(watcher)) {
    const int hits = watcher->events & events;
    if (hits != 0) loop.feed(head_of(watcher), hits);
  }
}

// The descriptor is of no use: its watchers are stopped and told so.
void IoTable::kill(ev_loop& loop, int fd) {
  while (ev_io* watcher = descriptors_[fd].first) {
    stop(loop, watcher);
    loop.feed(head_of(watcher), EV_ERROR | kBothWays);
  }
}

void IoTable::verify(const ev_loop& loop) const {
  for (std::uint32_t fd = 0; fd < size_; ++fd) {
    const ev_io* slow = descriptors_[fd].first;
    bool step = false;
    for (const ev_io* watcher = descriptors_[fd].first; watcher != nullptr;
         watcher = next_of(watcher)) {
      verify_watcher(loop, head_of(watcher));
      if (watcher->active != 1) give_up("an inactive watcher is on a descriptor's list");
      if (watcher->fd != static_cast<int>(fd)) give_up("a watcher is on another descriptor's list");
      if (step) slow = next_of(slow);
      step = !step;
      if (next_of(watcher) == slow) give_up("a descriptor's list of watchers never ends");
    }
  }
}

}  // namespace pollshim::ev
