#include "core/poll_cache.h"

#include <cstdlib>
#include <new>

namespace netpoll {

PollCache::~PollCache() {
  for (unsigned segment = 0; segment < kSegments; ++segment) {
    if (segments_[segment].load(std::memory_order_relaxed) != 0)
      std::free(&at(segment_start(segment)));
  }
}

PollDesc* PollCache::find(Slot slot) const {
  if (slot >= end()) return nullptr;
  return &at(slot);
}

bool PollCache::grow() {
  const Slot start = end_.load(std::memory_order_relaxed);
  const unsigned segment = segment_of(start);
  if (segment >= kSegments) return false;
  const Slot size = segment_size(segment);
  auto* base = static_cast<PollDesc*>(std::malloc(sizeof(PollDesc) * size));
  if (base == nullptr) return false;
  segments_[segment].store(
      reinterpret_cast<std::uintptr_t>(base) - std::uintptr_t{start} * sizeof(PollDesc),
      std::memory_order_release);
  // Slots get their content when they are first handed out, so that a large segment costs no more
  // memory than the descriptors that are in use; until then end_ keeps them out of reach.
  segment_end_ = start + size;
  return true;
}

Slot PollCache::allocate(int fd) {
  Slot slot = free_;
  if (slot != kNoSlot) {
    free_ = at(slot).registration.next;
  } else {
    slot = end_.load(std::memory_order_relaxed);
    if (slot == segment_end_ && !grow()) return kNoSlot;
    new (&at(slot)) PollDesc;
    end_.store(slot + 1, std::memory_order_release);
    if (slot == kNoSlot) return allocate(fd);
  }
  PollDesc& desc = at(slot);
  desc.fd = fd;
  desc.registration = Registration{};
  desc.read.clear();
  desc.write.clear();
  Generation generation = desc.info.generation();
  if (generation == 0) generation = 1;
  desc.info.set_event_error(false, 0);
  desc.info.publish(generation, 0);
  ++live_;
  return slot;
}

void PollCache::release(Slot slot) {
  PollDesc& desc = at(slot);
  desc.info.publish(next_generation(desc.info.generation()), 0);
  desc.fd = -1;
  desc.read.clear();
  desc.write.clear();
  desc.registration = Registration{};
  desc.registration.next = free_;
  free_ = slot;
  --live_;
}

}  // namespace netpoll
