// The slab of PollDescs (the model's pollCache): type-stable, indexed by slot, never moved. Kernel
// queues may name a slot after it was freed; looking it up always finds a PollDesc, whose
// generation then rejects the stale event. Memory goes back only with the whole cache, when no
// kernel queue is left that could name a slot.
//
// Allocation and release belong to the owner of the poller and take its lock if it has one; lookup
// is safe from any thread at any time.
#pragma once

#include <atomic>

#include "core/poll_desc.h"

namespace netpoll {

class PollCache {
 public:
  PollCache() = default;
  PollCache(const PollCache&) = delete;
  PollCache& operator=(const PollCache&) = delete;
  ~PollCache();

  // A free slot in a generation of its own, or kNoSlot when memory is short.
  Slot allocate(int fd);

  // From here on, every event still in flight for this incarnation is stale.
  void release(Slot slot);

  // Any slot that was ever allocated, free now or not; nullptr for one that never was.
  PollDesc* find(Slot slot) const;

  // The descriptor of a live incarnation, or nullptr for a stale or foreign cookie.
  PollDesc* find_live(Cookie cookie) const {
    if (cookie == kWakeCookie || cookie_slot(cookie) >= end()) return nullptr;
    PollDesc& desc = at(cookie_slot(cookie));
    return desc.info.generation() == cookie_generation(cookie) ? &desc : nullptr;
  }

  // One that was allocated.
  PollDesc& at(Slot slot) const {
    const std::uintptr_t first = segments_[segment_of(slot)].load(std::memory_order_acquire);
    return *reinterpret_cast<PollDesc*>(first + std::uintptr_t{slot} * sizeof(PollDesc));
  }
  Cookie cookie_of(Slot slot) const { return make_cookie(slot, at(slot).info.generation()); }
  std::uint32_t live() const { return live_; }
  Slot end() const { return end_.load(std::memory_order_acquire); }

 private:
  // Segment k holds kFirstSegment << k descriptors: 25 pointers reach every slot, and what is there
  // never moves.
  static constexpr unsigned kFirstSegmentBits = 7;
  static constexpr unsigned kSegments = 25;

  // Slots are numbered through the segments: segment k starts where the ones before it end.
  static constexpr Slot segment_size(unsigned segment) {
    return Slot{1} << (kFirstSegmentBits + segment);
  }
  static constexpr Slot segment_start(unsigned segment) {
    return segment_size(segment) - segment_size(0);
  }
  static constexpr unsigned segment_of(Slot slot) {
    // Never of zero: the compiler need not provide for that.
    return (31 ^ static_cast<unsigned>(__builtin_clz(slot + segment_size(0)))) - kFirstSegmentBits;
  }
  bool grow();

  // Where slot 0 would be if the segment reached that far down; 0 without memory.
  std::atomic<std::uintptr_t> segments_[kSegments] = {};
  std::atomic<Slot> end_{0};  // one past the last slot that has memory
  Slot segment_end_ = 0;      // one past the last slot of the newest segment
  Slot free_ = kNoSlot;
  std::uint32_t live_ = 0;
};

}  // namespace netpoll
