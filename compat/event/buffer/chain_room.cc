// The room behind the bytes of a chain: how it is made, shown and turned into bytes. The numbers
// are libevent's, because programs see them as the extents of evbuffer_reserve_space.
#include "compat/event/buffer/chain.h"

namespace pollshim::event {

namespace {

// More bytes than this are not copied for the sake of room in one piece.
constexpr std::size_t kMostBytesToCopy = 4096;

}  // namespace

Chunk* Chain::make_room(std::size_t size) {
  // The first chunk with room: the tail, or the one behind a full tail.
  Chunk* chunk = tail_;
  if (chunk != nullptr && chunk->room_behind() == 0) chunk = chunk->next;
  const bool is_tail = chunk == tail_;

  if (chunk != nullptr && chunk->writable()) {
    if (chunk->room_behind() >= size) return chunk;
    if (chunk->length != 0) {
      if (chunk->worth_aligning(size)) {
        chunk->align();
        return chunk;
      }
      const bool would_waste_little = chunk->room_behind() < chunk->capacity / 8;
      if (would_waste_little || chunk->length > kMostBytesToCopy ||
          size >= kLargestChunk - chunk->length) {
        if (chunk->next != nullptr && chunk->next->room_behind() >= size) return chunk->next;
      } else if (is_tail) {
        Chunk* larger = make_own_chunk(chunk->length + size);
        if (larger == nullptr) return nullptr;
        std::memcpy(larger->base, chunk->data(), chunk->length);
        larger->length = chunk->length;
        replace_tail(larger);
        return larger;
      }
    }
  }
  Chunk* added = make_own_chunk(size);
  if (added != nullptr) push(added);
  return added;
}

bool Chain::make_room(std::size_t size, int chunks) {
  if (last_ == nullptr || !last_->writable()) {
    Chunk* added = make_own_chunk(size);
    if (added != nullptr) push(added);
    return added != nullptr;
  }
  std::size_t available = 0;
  int used = 0;
  for (Chunk* chunk = tail_; chunk != nullptr && used < chunks; chunk = chunk->next) {
    if (chunk->length == 0) {
      if (chunk->writable()) chunk->front = 0;
      ++used;
    } else if (chunk->room_behind() != 0) {
      ++used;
    }
    available += chunk->room_behind();
    if (available >= size) return true;
  }
  if (used < chunks) {
    Chunk* added = make_own_chunk(size - available);
    if (added != nullptr) link_last(added);
    return added != nullptr;
  }
  // Too many small pieces: one that is large enough takes the place of all empty ones.
  const bool keeps_tail = tail_->length != 0;
  Chunk* added = make_own_chunk(size - (keeps_tail ? tail_->room_behind() : 0));
  if (added == nullptr) return false;
  push(added);
  return true;
}

int Chain::list_room(std::size_t size, iovec* room, int limit) const {
  const Chunk* chunk = tail_;
  if (chunk != nullptr && chunk->room_behind() == 0) chunk = chunk->next;
  int count = 0;
  for (std::size_t listed = 0; chunk != nullptr && count < limit && listed < size;
       chunk = chunk->next) {
    room[count].iov_base = chunk->end();
    room[count].iov_len = chunk->room_behind();
    listed += room[count].iov_len;
    ++count;
  }
  return count;
}

bool Chain::commit(const iovec* pieces, int count, std::size_t* added) {
  // Find the chunk whose room the first piece is; then all must match before any is taken.
  Chunk* start = tail_;
  while (start != nullptr &&
         (pieces[0].iov_base != start->end() || start->room_behind() < pieces[0].iov_len))
    start = start->next;
  Chunk* chunk = start;
  for (int i = 0; i < count; ++i, chunk = chunk->next) {
    if (chunk == nullptr || pieces[i].iov_base != chunk->end() ||
        pieces[i].iov_len > chunk->room_behind())
      return false;
  }
  chunk = start;
  *added = 0;
  for (int i = 0; i < count; ++i, chunk = chunk->next) {
    chunk->length += pieces[i].iov_len;
    *added += pieces[i].iov_len;
  }
  length_ += *added;
  settle_tail();
  return true;
}

void Chain::commit_first(std::size_t size) {
  length_ += size;
  for (Chunk* chunk = tail_; size != 0; chunk = chunk->next) {
    std::size_t here = chunk->room_behind();
    if (here > size) here = size;
    chunk->length += here;
    size -= here;
  }
  settle_tail();
}

void Chain::commit_to(Chunk* chunk, std::size_t size) {
  chunk->length += size;
  length_ += size;
  settle_tail();
}

}  // namespace pollshim::event
