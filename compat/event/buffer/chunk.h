// One piece of a buffer's bytes: a window into memory of its own, of the caller, of a file or of
// another chunk. Owns what backs the window and how that is given back; chunks are held by count,
// so bytes that several buffers show live until the last of them lets go.
// Knows nothing of chains, buffers, locks or callbacks.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "event2/buffer.h"

namespace pollshim::event {

class FileSegment;

enum class Backing : std::uint8_t {
  kOwn,        // memory behind the chunk itself
  kReference,  // memory of the caller, who is told when it is free again
  kShared,     // a window into another chunk, which is held
  kFile,       // the contents of a file segment, mapped or read in
  kSendfile,   // a range of a file that nobody has looked at: there is no memory yet
};

// The header takes 48 bytes on 64-bit machines, of an allocation that is a power of two: programs
// see the remaining sizes through evbuffer_reserve_space, so both are fixed.
struct Chunk {
  Chunk* next;
  unsigned char* base;   // where the memory begins; nullptr for kSendfile
  std::size_t front;     // unused bytes before the first one; for kSendfile its place in the file
  std::size_t length;    // bytes held
  std::size_t capacity;  // front + length + the room behind
  std::atomic<std::uint32_t> holders;
  Backing backing;
  bool sealed;  // others look at these bytes too: never written again, not even in the room behind

  unsigned char* data() const { return base + front; }
  unsigned char* end() const { return base + front + length; }
  bool writable() const { return backing == Backing::kOwn && !sealed; }
  std::size_t room_behind() const { return writable() ? capacity - front - length : 0; }
  bool has_memory() const { return backing != Backing::kSendfile; }

  // Moving the bytes to the front makes room for `wanted` more without costing too much. Pre:
  // writable.
  bool worth_aligning(std::size_t wanted) const {
    return capacity - length >= wanted && length < capacity / 2 && length <= kMostBytesToAlign;
  }
  void align();

  // Gives a kSendfile chunk memory to look at. False if the file can not be read.
  bool make_visible() { return has_memory() || bring_in_file(); }
  bool bring_in_file();

  static constexpr std::size_t kMostBytesToAlign = 2048;
};

inline constexpr std::size_t kChunkHeader = 48;
inline constexpr std::size_t kSmallestAllocation = sizeof(void*) == 8 ? 1024 : 512;
inline constexpr std::size_t kLargestChunk = SIZE_MAX / 2;
static_assert(sizeof(void*) != 8 || sizeof(Chunk) == kChunkHeader);

// How much room an own chunk made for `size` bytes has; 0 when `size` is out of reach.
std::size_t capacity_for(std::size_t size);

// All of these give a chunk without bytes or with all of them, held once, or nullptr for want of
// memory.
Chunk* make_own_chunk(std::size_t size);
Chunk* make_exact_chunk(std::size_t capacity);
Chunk* make_reference_chunk(const void* bytes, std::size_t length, evbuffer_ref_cleanup_cb cleanup,
                            void* argument);
Chunk* make_shared_chunk(Chunk* source);
// Takes over the caller's hold on the segment, unless it fails.
Chunk* make_file_chunk(FileSegment* segment, std::size_t offset, std::size_t length, bool direct);

// Forgets a reference chunk that was never used: the caller is not told.
void abandon_reference_chunk(Chunk* chunk);

FileSegment* segment_of(const Chunk* chunk);

void destroy_chunk(Chunk* chunk);
inline void let_go(Chunk* chunk) {
  if (chunk->holders.load(std::memory_order_acquire) == 1 ||
      chunk->holders.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    destroy_chunk(chunk);
  }
}

}  // namespace pollshim::event
