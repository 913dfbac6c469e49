#include "compat/event/buffer/chunk.h"

#include <cstring>
#include <new>

#include "compat/event/buffer/file_segment.h"
#include "compat/event/buffer/spare.h"
#include "compat/event/memory.h"

namespace pollshim::event {

namespace {

// What stands behind the header of a chunk that has no memory of its own.
struct ReferenceTail {
  evbuffer_ref_cleanup_cb cleanup;
  void* argument;
};
struct SharedTail {
  Chunk* source;
};
struct FileTail {
  FileSegment* segment;
};

template <class Tail>
Tail* tail_of(const Chunk* chunk) {
  return reinterpret_cast<Tail*>(const_cast<Chunk*>(chunk) + 1);
}

Chunk* construct(void* memory, Backing backing) {
  if (memory == nullptr) return nullptr;
  auto* chunk = new (memory) Chunk;
  chunk->next = nullptr;
  chunk->base = nullptr;
  chunk->front = 0;
  chunk->length = 0;
  chunk->capacity = 0;
  chunk->holders.store(1, std::memory_order_relaxed);
  chunk->backing = backing;
  chunk->sealed = false;
  return chunk;
}

template <class Tail>
Chunk* construct_with_tail(Backing backing, const Tail& tail) {
  Chunk* chunk = construct(allocate(sizeof(Chunk) + sizeof(Tail)), backing);
  if (chunk != nullptr) *tail_of<Tail>(chunk) = tail;
  return chunk;
}

}  // namespace

std::size_t capacity_for(std::size_t size) {
  if (size > kLargestChunk - kChunkHeader) return 0;
  const std::size_t needed = size + kChunkHeader;
  if (needed >= kLargestChunk / 2) return size;
  std::size_t allocation = kSmallestAllocation;
  while (allocation < needed)
    allocation <<= 1;
  return allocation - kChunkHeader;
}

Chunk* make_own_chunk(std::size_t size) {
  const std::size_t capacity = capacity_for(size);
  return capacity != 0 ? make_exact_chunk(capacity) : nullptr;
}

Chunk* make_exact_chunk(std::size_t capacity) {
  void* memory = take_spare(capacity);
  if (memory == nullptr) memory = allocate(sizeof(Chunk) + capacity);
  Chunk* chunk = construct(memory, Backing::kOwn);
  if (chunk == nullptr) return nullptr;
  chunk->base = reinterpret_cast<unsigned char*>(chunk + 1);
  chunk->capacity = capacity;
  return chunk;
}

Chunk* make_reference_chunk(const void* bytes, std::size_t length, evbuffer_ref_cleanup_cb cleanup,
                            void* argument) {
  Chunk* chunk = construct_with_tail(Backing::kReference, ReferenceTail{cleanup, argument});
  if (chunk == nullptr) return nullptr;
  chunk->base = static_cast<unsigned char*>(const_cast<void*>(bytes));
  chunk->capacity = length;
  chunk->length = length;
  return chunk;
}

void abandon_reference_chunk(Chunk* chunk) {
  release(chunk);
}

Chunk* make_shared_chunk(Chunk* source) {
  Chunk* chunk = construct_with_tail(Backing::kShared, SharedTail{source});
  if (chunk == nullptr) return nullptr;
  source->holders.fetch_add(1, std::memory_order_relaxed);
  source->sealed = true;
  chunk->base = source->base;
  chunk->front = source->front;
  chunk->length = source->length;
  chunk->capacity = source->capacity;
  return chunk;
}

Chunk* make_file_chunk(FileSegment* segment, std::size_t offset, std::size_t length, bool direct) {
  Chunk* chunk =
      construct_with_tail(direct ? Backing::kSendfile : Backing::kFile, FileTail{segment});
  if (chunk == nullptr) return nullptr;
  if (direct) {
    chunk->front = segment->file_offset() + offset;
    chunk->capacity = chunk->front + length;
  } else {
    chunk->base = segment->contents() + offset;
    chunk->capacity = length;
  }
  chunk->length = length;
  return chunk;
}

FileSegment* segment_of(const Chunk* chunk) {
  return tail_of<FileTail>(chunk)->segment;
}

void Chunk::align() {
  std::memmove(base, base + front, length);
  front = 0;
}

bool Chunk::bring_in_file() {
  FileSegment* segment = segment_of(this);
  if (!segment->materialize()) return false;
  const std::size_t offset = front - segment->file_offset();
  base = segment->contents() + offset;
  front = 0;
  capacity = length;
  backing = Backing::kFile;
  return true;
}

void destroy_chunk(Chunk* chunk) {
  switch (chunk->backing) {
    case Backing::kOwn:
      if (keep_spare(chunk)) return;
      break;
    case Backing::kReference: {
      const ReferenceTail tail = *tail_of<ReferenceTail>(chunk);
      if (tail.cleanup != nullptr) tail.cleanup(chunk->base, chunk->capacity, tail.argument);
      break;
    }
    case Backing::kShared:
      let_go(tail_of<SharedTail>(chunk)->source);
      break;
    case Backing::kFile:
    case Backing::kSendfile:
      tail_of<FileTail>(chunk)->segment->let_go();
      break;
  }
  release(chunk);
}

}  // namespace pollshim::event
