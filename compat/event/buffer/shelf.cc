#include "compat/event/buffer/shelf.h"

#include <cstdlib>
#include <new>

namespace pollshim::event {

namespace {

// What is kept came from the C library, whatever memory functions are in force by now.
void free_row(Chunk* chunk) {
  while (chunk != nullptr) {
    Chunk* const next = chunk->next;
    std::free(chunk);
    chunk = next;
  }
}

}  // namespace

ChunkShelf* ChunkShelf::make() {
  if (!memory_is_default()) return nullptr;
  void* memory = std::malloc(sizeof(ChunkShelf));
  return memory != nullptr ? new (memory) ChunkShelf : nullptr;
}

void ChunkShelf::free(ChunkShelf* shelf) {
  if (shelf == nullptr) return;
  free_row(shelf->small_);
  free_row(shelf->landing_);
  std::free(shelf);
}

}  // namespace pollshim::event
