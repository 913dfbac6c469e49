#include "compat/event/buffer/spare.h"

#include <cstdlib>

#include "compat/event/memory.h"

namespace pollshim::event {

namespace {

std::atomic<Chunk*> spares[kMostSpares];

bool is_kept(std::size_t capacity) {
  return kKeepsEmptied && capacity >= kLeastSpare && capacity <= kLargestSpare &&
         memory_is_default();
}

}  // namespace

Chunk* take_spare(std::size_t capacity) {
  if (!is_kept(capacity)) return nullptr;
  for (std::atomic<Chunk*>& spare : spares) {
    if (spare.load(std::memory_order_relaxed) == nullptr) continue;
    Chunk* const chunk = spare.exchange(nullptr, std::memory_order_acquire);
    if (chunk == nullptr || chunk->capacity == capacity) return chunk;
    // Other sizes are asked for by now, and of those the next one will be emptied.
    std::free(chunk);
  }
  return nullptr;
}

bool keep_spare(Chunk* chunk) {
  if (!is_kept(chunk->capacity)) return false;
  for (std::atomic<Chunk*>& spare : spares) {
    Chunk* nothing = nullptr;
    if (spare.load(std::memory_order_relaxed) == nullptr &&
        spare.compare_exchange_strong(nothing, chunk, std::memory_order_release,
                                      std::memory_order_relaxed))
      return true;
  }
  return false;
}

void release_spares() {
  for (std::atomic<Chunk*>& spare : spares)
    std::free(spare.exchange(nullptr, std::memory_order_acquire));
}

}  // namespace pollshim::event
