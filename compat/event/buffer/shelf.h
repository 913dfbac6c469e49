// What one loop keeps of emptied chunks: the landing of its reads, and small ones that its writes
// have sent, so that a loop whose messages come and go asks the allocator for nothing. Only the
// thread that runs the loop touches it, so there is no lock and no line of memory that loops
// contend for. With the user's own memory functions it keeps nothing.
#pragma once

#include "compat/event/buffer/chunk.h"
#include "compat/event/memory.h"

namespace pollshim::event {

class ChunkShelf {
 public:
  // nullptr for want of memory, or where nothing may be kept: all is the same without, and costs
  // more.
  static ChunkShelf* make();
  static void free(ChunkShelf* shelf);

  // An empty chunk of the smallest size there is, or nullptr if none is kept.
  Chunk* take_small() { return take(small_, small_count_); }
  Chunk* take_landing() { return take(landing_, landing_count_); }

  // Takes over a chunk that nobody needs any more. False if it is to be let go of instead.
  bool keep_small(Chunk* chunk) {
    return chunk->capacity == kSmallCapacity && keep(chunk, small_, small_count_, kMostSmall);
  }
  bool keep_landing(Chunk* chunk) { return keep(chunk, landing_, landing_count_, kMostLandings); }

  static constexpr std::size_t kSmallCapacity = kSmallestAllocation - kChunkHeader;

 private:
  // Enough for what one wait brings: a quarter of a megabyte for a loop, not for a connection.
  static constexpr unsigned kMostSmall = kKeepsEmptied ? 256 : 0;
  static constexpr unsigned kMostLandings = kKeepsEmptied ? 1 : 0;

  static Chunk* take(Chunk*& first, unsigned& count) {
    Chunk* const chunk = first;
    if (chunk == nullptr || !memory_is_default()) return nullptr;
    first = chunk->next;
    chunk->next = nullptr;
    --count;
    return chunk;
  }
  static bool keep(Chunk* chunk, Chunk*& first, unsigned& count, unsigned most) {
    if (count >= most || !memory_is_default() || !is_plain(chunk)) return false;
    chunk->front = chunk->length = 0;
    chunk->next = first;
    first = chunk;
    ++count;
    return true;
  }
  static bool is_plain(const Chunk* chunk) {
    return chunk->writable() && chunk->holders.load(std::memory_order_acquire) == 1;
  }

  Chunk* small_ = nullptr;
  Chunk* landing_ = nullptr;
  unsigned small_count_ = 0;
  unsigned landing_count_ = 0;
};

}  // namespace pollshim::event
