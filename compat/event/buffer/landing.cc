#include "compat/event/buffer/landing.h"

#include <cstdlib>

#include "compat/event/buffer/shelf.h"
#include "compat/event/memory.h"

namespace pollshim::event {

namespace {

std::atomic<Chunk*> kept{nullptr};

}  // namespace

Chunk* take_landing(ChunkShelf* shelf) {
  if (shelf != nullptr) {
    if (Chunk* landing = shelf->take_landing()) return landing;
  } else if (memory_is_default()) {
    if (Chunk* landing = kept.exchange(nullptr, std::memory_order_acquire)) return landing;
  }
  return make_exact_chunk(kLandingSize);
}

void return_landing(Chunk* landing, ChunkShelf* shelf) {
  if (shelf != nullptr) {
    if (shelf->keep_landing(landing)) return;
  } else if (memory_is_default()) {
    landing->next = nullptr;
    landing->front = landing->length = 0;
    Chunk* nothing = nullptr;
    if (kept.compare_exchange_strong(nothing, landing, std::memory_order_release,
                                     std::memory_order_relaxed))
      return;
  }
  let_go(landing);
}

void release_landing() {
  // It came from the C library, whatever memory functions are in force by now.
  std::free(kept.exchange(nullptr, std::memory_order_acquire));
}

}  // namespace pollshim::event
