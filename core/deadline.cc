#include "core/deadline.h"

#include <cerrno>
#include <cstdlib>
#include <new>

namespace netpoll {

Deadlines::~Deadlines() {
  std::free(halves_);
}

bool Deadlines::open(Slot slot) {
  if (slot >= size_) {
    Slot wider = size_ == 0 ? 64 : size_;
    while (wider <= slot)
      wider *= 2;
    void* memory = std::realloc(static_cast<void*>(halves_), sizeof(ColdHalf) * wider);
    if (memory == nullptr) return false;
    halves_ = static_cast<ColdHalf*>(memory);
    size_ = wider;
  }
  new (&halves_[slot]) ColdHalf;
  return true;
}

// Timers carry the slot and the direction instead of an address: a slot's number stays good for as
// long as its timer is armed.
void* Deadlines::owner_of(Slot slot, bool write) {
  return reinterpret_cast<void*>(std::uintptr_t{slot} << 1 | (write ? 1u : 0u));
}

void Deadlines::publish(Slot slot) {
  const ColdHalf& half = halves_[slot];
  std::uint32_t flags = 0;
  if (half.closing) flags |= kInfoClosing;
  if (half.read_at < 0) flags |= kInfoReadExpired;
  if (half.write_at < 0) flags |= kInfoWriteExpired;
  PollDesc& desc = cache_.at(slot);
  desc.info.publish(desc.info.generation(), flags);
}

int Deadlines::arm(TimerId& timer, Slot slot, bool write, Nanoseconds when) {
  if (timer != kNoTimer) return timers_.move(timer, when) ? 0 : ENOMEM;
  timer = timers_.arm(owner_of(slot, write), when);
  return timer != kNoTimer ? 0 : ENOMEM;
}

void Deadlines::stop(TimerId& timer) {
  if (timer == kNoTimer) return;
  timers_.cancel(timer);
  timer = kNoTimer;
}

int Deadlines::settle_timers(Slot slot) {
  ColdHalf& half = halves_[slot];
  const bool both = half.read_at > 0 && half.read_at == half.write_at;
  int error = 0;
  if (half.read_at > 0) {
    error = arm(half.read_timer, slot, false, half.read_at);
  } else {
    stop(half.read_timer);
  }
  if (half.write_at > 0 && !both) {
    const int write_error = arm(half.write_timer, slot, true, half.write_at);
    if (error == 0) error = write_error;
  } else {
    stop(half.write_timer);
  }
  return error;
}

int Deadlines::set(Slot slot, Nanoseconds delay, ModeSet modes, Nanoseconds now, Unblocked& freed) {
  ColdHalf& half = halves_[slot];
  if (half.closing) return 0;
  const Nanoseconds at =
      delay > 0 ? add_saturating(now, delay) : (delay < 0 ? kPassed : Nanoseconds{0});
  if (at > 0 && !timers_.reserve(2)) return ENOMEM;
  if (modes & kRead) half.read_at = at;
  if (modes & kWrite) half.write_at = at;
  publish(slot);
  const int error = settle_timers(slot);
  // Published before unblocking: a waiter on its way in sees the bit, one that is in is freed here.
  PollDesc& desc = cache_.at(slot);
  if (half.read_at < 0) freed.add(desc.read.unblock(false));
  if (half.write_at < 0) freed.add(desc.write.unblock(false));
  return error;
}

bool Deadlines::evict(Slot slot, Unblocked& freed) {
  ColdHalf& half = halves_[slot];
  if (half.closing) return false;
  half.closing = true;
  publish(slot);
  PollDesc& desc = cache_.at(slot);
  freed.add(desc.read.unblock(false));
  freed.add(desc.write.unblock(false));
  stop(half.read_timer);
  stop(half.write_timer);
  return true;
}

bool Deadlines::expire_one(Nanoseconds now, Unblocked& freed) {
  void* owner = timers_.pop_due(now);
  if (owner == nullptr) return false;
  const auto word = reinterpret_cast<std::uintptr_t>(owner);
  const Slot slot = static_cast<Slot>(word >> 1);
  const bool write_only = (word & 1) != 0;
  ColdHalf& half = halves_[slot];
  const bool both = !write_only && half.read_at == half.write_at;
  (write_only ? half.write_timer : half.read_timer) = kNoTimer;
  if (!write_only) half.read_at = kPassed;
  if (write_only || both) half.write_at = kPassed;
  publish(slot);
  PollDesc& desc = cache_.at(slot);
  if (!write_only) freed.add(desc.read.unblock(false));
  if (write_only || both) freed.add(desc.write.unblock(false));
  return true;
}

}  // namespace netpoll
