#include "compat/event/buffer/chain.h"

#include "compat/event/buffer/shelf.h"

namespace pollshim::event {

namespace {

// A full chunk is followed by one twice its size, up to this.
constexpr std::size_t kLargestGrowth = 4096;
// Nor does a large piece of foreign memory ask for a large chunk behind it.
constexpr std::size_t kLargestForeignGrowth = 65536;

bool takes_without_new_chunk(const Chunk* tail, std::size_t size) {
  return tail != nullptr && tail->writable() &&
         (tail->room_behind() >= size || tail->worth_aligning(size));
}

// The size to ask for when `size` bytes do not fit behind `tail`.
std::size_t size_behind(const Chunk* tail, std::size_t size) {
  if (tail == nullptr || !tail->has_memory()) return size;
  std::size_t grown = tail->capacity;
  if (tail->backing != Backing::kOwn && grown > kLargestForeignGrowth)
    grown = kLargestForeignGrowth;
  if (grown <= kLargestGrowth / 2) grown *= 2;
  return grown > size ? grown : size;
}

// Their owners are told, and may use the buffer: it has to be whole again by now.
void release_row(Chunk* chunk, ChunkShelf* shelf = nullptr) {
  while (chunk != nullptr) {
    Chunk* next = chunk->next;
    if (shelf == nullptr || !shelf->keep_small(chunk)) let_go(chunk);
    chunk = next;
  }
}

}  // namespace

// ---- The row.

void Chain::clear(ChunkShelf* shelf) {
  Chunk* chunk = first_;
  forget();
  release_row(chunk, shelf);
}

// Afterwards either there is nothing, or the last chunk is the last one with bytes.
void Chain::drop_trailing_empty() {
  if (tail_ == nullptr) return;
  if (tail_->length == 0) {
    clear();
    return;
  }
  Chunk* empty = tail_->next;
  tail_->next = nullptr;
  last_ = tail_;
  release_row(empty);
}

void Chain::link_last(Chunk* chunk) {
  if (last_ != nullptr) {
    last_->next = chunk;
  } else {
    first_ = tail_ = chunk;
    before_tail_ = nullptr;
  }
  last_ = chunk;
}

void Chain::push(Chunk* chunk) {
  // A lone empty chunk is dropped as well, which is what makes an empty reference vanish.
  drop_trailing_empty();
  Chunk* before = last_;
  link_last(chunk);
  if (chunk->length != 0 && before != nullptr) {
    before_tail_ = before;
    tail_ = chunk;
  }
  length_ += chunk->length;
}

// Moves the tail on to the last chunk with bytes, after some of the room got bytes.
void Chain::settle_tail() {
  if (tail_ == nullptr) return;
  Chunk* before = tail_;
  for (Chunk* chunk = tail_->next; chunk != nullptr; chunk = chunk->next) {
    if (chunk->length != 0) {
      before_tail_ = before;
      tail_ = chunk;
    }
    before = chunk;
  }
}

void Chain::replace_tail(Chunk* with) {
  with->next = tail_->next;
  if (before_tail_ != nullptr) {
    before_tail_->next = with;
  } else {
    first_ = with;
  }
  if (last_ == tail_) last_ = with;
  let_go(tail_);
  tail_ = with;
}

// ---- Bytes in.

bool Chain::append_slowly(const unsigned char* bytes, std::size_t size, Chunk* spare) {
  if (size > SIZE_MAX - length_) return false;
  if (takes_without_new_chunk(tail_, size)) {
    if (tail_->room_behind() < size) tail_->align();
    if (size != 0) fill(tail_, bytes, size);
    return true;
  }
  Chunk* added = spare != nullptr ? spare : make_own_chunk(size_behind(tail_, size));
  if (added == nullptr) return false;
  std::size_t here = 0;
  if (tail_ != nullptr) {
    here = tail_->room_behind();
    if (here != 0) fill(tail_, bytes, here);
  }
  added->length = size - here;
  if (added->length != 0) std::memcpy(added->base, bytes + here, added->length);
  push(added);
  return true;
}

bool Chain::prepend(const void* bytes, std::size_t size) {
  if (size > SIZE_MAX - length_) return false;
  Chunk* chunk = first_;
  if (chunk == nullptr) {
    chunk = make_own_chunk(size);
    if (chunk == nullptr) return false;
    link_last(chunk);
  }
  const auto* from = static_cast<const unsigned char*>(bytes);
  std::size_t spill = size;
  if (chunk->writable()) {
    const std::size_t front = chunk->length == 0 ? chunk->capacity : chunk->front;
    spill = size > front ? size - front : 0;
  }
  Chunk* added = nullptr;
  if (spill != 0) {
    added = make_own_chunk(spill);
    if (added == nullptr) return false;
  }
  if (const std::size_t here = size - spill; here != 0) {
    if (chunk->length == 0) chunk->front = chunk->capacity;
    chunk->front -= here;
    chunk->length += here;
    std::memcpy(chunk->data(), from + spill, here);
  }
  if (added != nullptr) {
    added->front = added->capacity - spill;
    added->length = spill;
    std::memcpy(added->data(), from, spill);
    added->next = chunk;
    first_ = added;
    if (tail_ == chunk) {
      if (chunk->length != 0) {
        before_tail_ = added;
      } else {
        tail_ = added;
      }
    }
  }
  length_ += size;
  return true;
}

// ---- Bytes out.

void Chain::drop_chunks(std::size_t size, ChunkShelf* shelf) {
  if (size >= length_) {
    clear(shelf);
    return;
  }
  length_ -= size;
  Chunk* dropped = first_;
  Chunk* last_dropped = nullptr;
  Chunk* chunk = first_;
  while (size >= chunk->length) {
    size -= chunk->length;
    last_dropped = chunk;
    chunk = chunk->next;
  }
  first_ = chunk;
  chunk->front += size;
  chunk->length -= size;
  if (last_dropped == nullptr) return;
  if (before_tail_ == last_dropped) before_tail_ = nullptr;
  last_dropped->next = nullptr;
  release_row(dropped, shelf);
}

// ---- Whole chunks between two chains.

void Chain::append_all_behind(Chain& from) {
  drop_trailing_empty();
  if (first_ == nullptr) {
    adopt(from);
    return;
  }
  before_tail_ = from.before_tail_ != nullptr ? from.before_tail_ : last_;
  last_->next = from.first_;
  tail_ = from.tail_;
  last_ = from.last_;
  length_ += from.length_;
  from.forget();
}

void Chain::prepend_all(Chain& from) {
  if (length_ == 0) {
    clear();
    adopt(from);
    return;
  }
  if (before_tail_ == nullptr) before_tail_ = from.last_;
  from.last_->next = first_;
  first_ = from.first_;
  length_ += from.length_;
  from.forget();
}

bool Chain::append_front_of(Chain& from, std::size_t size) {
  // Chunks up to `previous` move, the first `rest` bytes of `cut` are copied.
  std::size_t whole = 0;
  Chunk* previous = nullptr;
  Chunk* new_tail = nullptr;
  Chunk* before_new_tail = nullptr;
  Chunk* cut = from.first_;
  while (cut->length <= size - whole) {
    if (cut->length != 0) {
      before_new_tail = previous;
      new_tail = cut;
    }
    whole += cut->length;
    previous = cut;
    cut = cut->next;
  }
  const std::size_t rest = size - whole;

  // What can fail comes first.
  if (rest != 0 && !cut->make_visible()) return false;
  const Chunk* future_tail = new_tail;
  if (new_tail == nullptr) future_tail = previous == nullptr || length_ != 0 ? tail_ : from.first_;
  Chunk* spare = nullptr;
  if (!takes_without_new_chunk(future_tail, rest)) {
    spare = make_own_chunk(size_behind(future_tail, rest));
    if (spare == nullptr) return false;
  }

  if (previous != nullptr) {
    drop_trailing_empty();
    Chunk* old_last = last_;
    Chunk* moved = from.first_;
    from.first_ = cut;
    if (from.before_tail_ == previous) from.before_tail_ = nullptr;
    from.length_ -= whole;
    previous->next = nullptr;
    link_last(moved);
    last_ = previous;
    if (new_tail != nullptr) {
      tail_ = new_tail;
      before_tail_ = before_new_tail != nullptr ? before_new_tail : old_last;
    }
    length_ += whole;
  }
  append_slowly(rest != 0 ? cut->data() : nullptr, rest, spare);
  from.drop(rest);
  return true;
}

bool Chain::may_be_shared() const {
  for (const Chunk* chunk = first_; chunk != nullptr; chunk = chunk->next) {
    if (chunk->backing != Backing::kOwn && chunk->backing != Backing::kReference) return false;
  }
  return true;
}

bool Chain::append_shared(Chain& from) {
  Chain windows;
  for (Chunk* chunk = from.first_; chunk != nullptr; chunk = chunk->next) {
    if (chunk->length == 0) continue;
    Chunk* window = make_shared_chunk(chunk);
    if (window == nullptr) {
      windows.clear();
      return false;
    }
    windows.push(window);
  }
  append_all(windows);
  return true;
}

// ---- Looking.

Place Chain::place_at(std::size_t position) const {
  Chunk* chunk = first_;
  while (chunk != nullptr && position >= chunk->length) {
    position -= chunk->length;
    chunk = chunk->next;
  }
  return {chunk, chunk != nullptr ? position : 0};
}

bool Chain::copy_out(Place from, void* to, std::size_t size) const {
  auto* out = static_cast<unsigned char*>(to);
  Chunk* chunk = from.chunk;
  std::size_t offset = from.offset;
  while (size != 0) {
    if (!chunk->make_visible()) return false;
    std::size_t here = chunk->length - offset;
    if (here > size) here = size;
    if (here != 0) std::memcpy(out, chunk->data() + offset, here);
    out += here;
    size -= here;
    offset = 0;
    chunk = chunk->next;
  }
  return true;
}

unsigned char* Chain::pull_up(std::size_t size) {
  Chunk* chunk = first_;
  if (chunk->length >= size) return chunk->make_visible() ? chunk->data() : nullptr;
  for (std::size_t seen = 0; seen < size; chunk = chunk->next) {
    if (!chunk->make_visible()) return nullptr;
    seen += chunk->length;
  }

  Chunk* target = first_;
  std::size_t missing = size;
  if (target->writable() && target->capacity - target->front >= size) {
    missing -= target->length;
    chunk = target->next;
  } else {
    target = make_own_chunk(size);
    if (target == nullptr) return nullptr;
    chunk = first_;
    first_ = target;
  }
  // Chunks that go in wholly are eaten, and empty ones on the way; a part of the next may follow.
  Chunk* const eaten = chunk;
  Chunk* last_eaten = nullptr;
  bool ate_tail = false;
  bool ate_before_tail = before_tail_ == target;
  for (; chunk != nullptr && chunk->length <= missing; chunk = chunk->next) {
    if (chunk->length != 0) std::memcpy(target->end(), chunk->data(), chunk->length);
    target->length += chunk->length;
    missing -= chunk->length;
    ate_tail |= chunk == tail_;
    ate_before_tail |= chunk == before_tail_;
    last_eaten = chunk;
  }
  if (missing != 0) {
    std::memcpy(target->end(), chunk->data(), missing);
    target->length += missing;
    chunk->front += missing;
    chunk->length -= missing;
  }
  target->next = chunk;
  if (chunk == nullptr) last_ = target;
  if (ate_tail) {
    tail_ = target;
    before_tail_ = nullptr;
  } else if (ate_before_tail) {
    before_tail_ = target;
  }
  if (last_eaten != nullptr) {
    last_eaten->next = nullptr;
    release_row(eaten);
  }
  return target->data();
}

}  // namespace pollshim::event
