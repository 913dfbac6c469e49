#include "compat/ev/io.h"

#include <fcntl.h>

#include "compat/ev/loop.h"
#include "compat/ev/memory.h"
#include "compat/ev/ready.h"
#include "compat/ev/verify.h"

namespace pollshim::ev {

namespace {

constexpr int kBothWays = EV_READ | EV_WRITE;
static_assert(EV_READ == netpoll::kRead && EV_WRITE == netpoll::kWrite);

// Growing the table this far for the sake of one number is not done before the number is known to
// be a descriptor at all.
constexpr int kPlausible = 1 << 16;

// What the table grows by at least, so that it does not grow for every new descriptor.
constexpr std::uint32_t kStep = 64;

bool is_sound(const ev_io* watcher) {
  return watcher->fd >= 0 && (watcher->events & ~(EV__IOFDSET | kBothWays)) == 0;
}

}  // namespace

IoTable::~IoTable() {
  release(descriptors_);
}

void IoTable::make_room_and_start(ev_loop& loop, ev_io* watcher) {
  const unsigned lane = PendingQueue::lane_of(head_of(watcher));
  if (is_sound(watcher) && reach(watcher->fd) && loop.pending.make_room(lane)) {
    watcher->priority = PendingQueue::priority_of(lane);
    start_in_room(loop, watcher, lane);
  } else {
    loop.refuse(head_of(watcher), kBothWays);
  }
}

// Makes the table long enough for `fd`.
bool IoTable::reach(int fd) {
  const auto needed = (static_cast<std::uint32_t>(fd) / kStep + 1) * kStep;
  if (needed <= size_) return true;
  if (fd >= kPlausible && ::fcntl(fd, F_GETFD) == -1) return false;
  if (!grow(descriptors_, capacity_, needed)) return false;
  for (Descriptor* added = descriptors_ + size_; added != descriptors_ + needed; ++added)
    *added = {nullptr, kNoDescriptor, 0, 0};
  size_ = needed;
  return true;
}

inline void IoTable::note_change(Descriptor& descriptor, int fd, unsigned change) {
  const unsigned before = descriptor.change;
  descriptor.change = static_cast<std::uint8_t>(before | change);
  if (before != 0) return;
  descriptor.next_changed = kNoDescriptor;
  (last_changed_ == kNoDescriptor ? first_changed_ : descriptors_[last_changed_].next_changed) = fd;
  last_changed_ = fd;
}

void IoTable::start(ev_loop& loop, ev_io* watcher) {
  if (watcher->active != 0) return;
  const unsigned lane = PendingQueue::lane_of(head_of(watcher));
  const bool is_usual = PendingQueue::is_in_range(watcher->priority) && is_sound(watcher) &&
                        static_cast<std::uint32_t>(watcher->fd) < size_ &&
                        loop.pending.has_room(lane);
  if (!is_usual) [[unlikely]]
    return make_room_and_start(loop, watcher);
  start_in_room(loop, watcher, lane);
}

inline void IoTable::start_in_room(ev_loop& loop, ev_io* watcher, unsigned lane) {
  loop.count_in_lane(head_of(watcher), lane, 1);
  Descriptor& descriptor = descriptors_[watcher->fd];
  const bool is_new = (watcher->events & EV__IOFDSET) != 0;
  note_change(descriptor, watcher->fd, is_new ? kChanged | kNewFile : kChanged);
  watcher->events &= ~EV__IOFDSET;
  watcher->next = reinterpret_cast<ev_watcher_list*>(descriptor.first);
  descriptor.first = watcher;
}

void IoTable::stop(ev_loop& loop, ev_io* watcher) {
  loop.pending.withdraw(head_of(watcher));
  if (watcher->active == 0) return;
  loop.stop(head_of(watcher));
  const int fd = watcher->fd;
  if (static_cast<std::uint32_t>(fd) >= size_) [[unlikely]]
    return;
  Descriptor& descriptor = descriptors_[fd];
  note_change(descriptor, fd, kChanged);
  ev_io* candidate = descriptor.first;
  if (candidate == watcher) [[likely]] {
    descriptor.first = next_of(watcher);
    return;
  }
  for (; candidate != nullptr; candidate = next_of(candidate)) {
    if (next_of(candidate) != watcher) continue;
    candidate->next = watcher->next;
    return;
  }
}

void IoTable::pass_on_changes(ev_loop& loop) {
  // Watchers that kill() stops are changes as well: they come behind those of now.
  while (first_changed_ != kNoDescriptor) {
    const int fd = first_changed_;
    Descriptor& descriptor = descriptors_[fd];
    first_changed_ = descriptor.next_changed;
    if (first_changed_ == kNoDescriptor) last_changed_ = kNoDescriptor;
    if (!tell(loop, fd, descriptor)) kill(loop, fd);
  }
}

bool IoTable::tell(ev_loop& loop, int fd, Descriptor& descriptor) {
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
  netpoll::FdTable& fds = loop.core.fds();
  netpoll::Waiter* const waiter = waiter_of(descriptor.first);
  if (wanted == descriptor.told && !is_new) {
    if (wanted != 0) fds.hand_over(fd, waiter);
    return true;
  }
  if (wanted == 0 && descriptor.told == 0) return true;
  const int error = fds.settle_demand(fd, waiter, static_cast<netpoll::ModeSet>(wanted), identity);
  if (error != 0) return false;
  descriptor.told = static_cast<std::uint8_t>(wanted);
  return true;
}

void IoTable::feed_changed(ev_loop& loop, int fd, netpoll::ModeSet modes) {
  if (modes & netpoll::kInvalid) return kill(loop, fd);
  // One that changed during the wait, by another thread, is asked about anew.
  const Descriptor& descriptor = descriptors_[fd];
  if (descriptor.change == 0) feed_watchers(loop, descriptor.first, modes);
}

void IoTable::feed(ev_loop& loop, int fd, int events) {
  if (fd < 0 || static_cast<std::uint32_t>(fd) >= size_) return;
  feed_watchers(loop, descriptors_[fd].first, events);
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
