// The bytes of one buffer: chunks in a row, and the rules for where new bytes go. Owns every edit
// of the row and its chunk policy, which programs see as extents: how large a chunk is made, when
// room is reused, when bytes are moved, when a chunk is never copied. Knows nothing of locks,
// callbacks, freezing or descriptors. Every edit either happens wholly or, for want of memory, not
// at all.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstring>

#include "compat/event/buffer/chunk.h"

namespace pollshim::event {

class ChunkShelf;

// The distance from one byte of a chain to a later one is always walked, so a place is a chunk and
// an offset in it; at the end of the bytes it is no chunk at all.
struct Place {
  Chunk* chunk;
  std::size_t offset;
};

// memcpy, for sizes that are mostly small: no call for those.
inline void copy_bytes(void* to, const void* from, std::size_t size) {
  auto* out = static_cast<unsigned char*>(to);
  const auto* in = static_cast<const unsigned char*>(from);
  struct Sixteen {
    std::uint64_t a, b;
  } head, tail;
  if (size >= 16 && size <= 32) {
    // Two pieces that may overlap; both are read before either is written.
    std::memcpy(&head, in, 16);
    std::memcpy(&tail, in + size - 16, 16);
    std::memcpy(out, &head, 16);
    std::memcpy(out + size - 16, &tail, 16);
  } else {
    std::memcpy(to, from, size);
  }
}

class Chain {
 public:
  Chain() = default;
  Chain(const Chain&) = delete;
  Chain& operator=(const Chain&) = delete;

  std::size_t length() const { return length_; }
  Chunk* first() const { return first_; }
  // Bytes in the first chunk, which may be none though there are more behind.
  std::size_t first_length() const { return first_ != nullptr ? first_->length : 0; }

  // ---- Bytes in. False for want of memory or a size out of reach.
  bool append(const void* bytes, std::size_t size) {
    Chunk* chunk = tail_;
    if (chunk != nullptr && size != 0 && chunk->room_behind() >= size) {
      fill(chunk, bytes, size);
      return true;
    }
    return append_slowly(static_cast<const unsigned char*>(bytes), size, nullptr);
  }
  bool prepend(const void* bytes, std::size_t size);
  // Takes the chunk over. Empty chunks at the end make way for it.
  void push(Chunk* chunk);

  // ---- Bytes out, all of them if `size` is more. Pre: there are any. Small chunks that are empty
  // then are kept by the shelf, if there is one.
  void drop(std::size_t size, ChunkShelf* shelf = nullptr) {
    if (first_ != nullptr && size < first_->length) {
      first_->front += size;
      first_->length -= size;
      length_ -= size;
    } else {
      drop_chunks(size, shelf);
    }
  }
  void clear(ChunkShelf* shelf = nullptr);

  // ---- Whole chunks between two chains.
  void append_all(Chain& from) {
    if (first_ == nullptr) {
      adopt(from);
    } else {
      append_all_behind(from);
    }
  }
  void prepend_all(Chain& from);
  // Moves the first `size` bytes: whole chunks, and a copy of what is cut off. Pre: size less than
  // from.length(). False for want of memory.
  bool append_front_of(Chain& from, std::size_t size);
  // Windows into all chunks of `from`. False for want of memory.
  bool append_shared(Chain& from);
  // Whether append_shared may be asked of it: no windows and no files.
  bool may_be_shared() const;

  // ---- Looking.
  Place place_at(std::size_t position) const;
  // Pre: size bytes follow the place. False if a file could not be read.
  bool copy_out(Place from, void* to, std::size_t size) const;
  // The first `size` bytes side by side. Pre: 0 < size <= length(). nullptr for want of memory.
  unsigned char* pull_up(std::size_t size);

  // ---- Room at the end for bytes that come later.
  // In one chunk: the chunk, or nullptr for want of memory.
  Chunk* make_room(std::size_t size);
  // In up to `chunks` chunks (at least 2). False for want of memory.
  bool make_room(std::size_t size, int chunks);
  // The room that there is, from the end of the bytes on, until it adds up to `size` or `limit`
  // pieces are listed. Gives their number.
  int list_room(std::size_t size, iovec* room, int limit) const;
  // The first pieces of room become bytes. False if these are not pieces of room.
  bool commit(const iovec* pieces, int count, std::size_t* added);
  // As many bytes as were put into the room that list_room showed.
  void commit_first(std::size_t size);
  // Bytes that were put into the room of this chunk, which make_room gave.
  void commit_to(Chunk* chunk, std::size_t size);
  // Whether the row ends in an empty chunk that is not ours to fill.
  bool ends_in_foreign_void() const { return last_ != tail_ && !last_->writable(); }

 private:
  // Pre: the room behind is enough.
  void fill(Chunk* chunk, const void* bytes, std::size_t size) {
    copy_bytes(chunk->end(), bytes, size);
    chunk->length += size;
    length_ += size;
  }
  // A chunk that may be needed can be made beforehand, so that nothing fails halfway.
  bool append_slowly(const unsigned char* bytes, std::size_t size, Chunk* spare);
  void drop_chunks(std::size_t size, ChunkShelf* shelf);
  void append_all_behind(Chain& from);
  void drop_trailing_empty();
  void link_last(Chunk* chunk);
  void replace_tail(Chunk* with);
  void settle_tail();
  void forget() {
    first_ = last_ = tail_ = before_tail_ = nullptr;
    length_ = 0;
  }
  void adopt(Chain& from) {
    first_ = from.first_;
    last_ = from.last_;
    tail_ = from.tail_;
    before_tail_ = from.before_tail_;
    length_ = from.length_;
    from.forget();
  }

  Chunk* first_ = nullptr;
  Chunk* last_ = nullptr;
  // The last chunk with bytes, or the first one when none has any; everything behind it is empty
  // room. And the chunk before that, which a singly linked row can not tell.
  Chunk* tail_ = nullptr;
  Chunk* before_tail_ = nullptr;
  std::size_t length_ = 0;
};

}  // namespace pollshim::event
