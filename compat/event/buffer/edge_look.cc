// The C functions that look into an evbuffer: lengths, extents, positions, searches and lines.
// Each takes the lock, asks one of the rooms beside this one and converts the answer.
#include "compat/event/buffer/buffer.h"
#include "compat/event/buffer/search.h"
#include "compat/event/log.h"
#include "compat/event/memory.h"

using namespace pollshim::event;

namespace {

constexpr evbuffer_ptr kNowhere = {-1, {nullptr, 0}};

evbuffer_ptr to_pointer(const Position& position) {
  return {static_cast<ev_ssize_t>(position.offset), {position.place.chunk, position.place.offset}};
}

// Pre: the pointer is none that says "not found".
Position to_position(const evbuffer_ptr& pointer) {
  return {{static_cast<Chunk*>(pointer.internal_.chain), pointer.internal_.pos_in_chain},
          static_cast<size_t>(pointer.pos)};
}

Position start_of(const evbuffer* buf) {
  return {{buf->chain.first(), 0}, 0};
}

// The place `distance` bytes behind this one, no chunk at the end. False if it is beyond the end.
bool walk(Place* place, size_t distance) {
  Chunk* chunk = place->chunk;
  size_t offset = place->offset;
  while (chunk != nullptr && distance >= chunk->length - offset) {
    distance -= chunk->length - offset;
    offset = 0;
    chunk = chunk->next;
  }
  *place = {chunk, chunk != nullptr ? offset + distance : 0};
  return chunk != nullptr || distance == 0;
}

evbuffer_iovec extent_of(Chunk* chunk, size_t offset) {
  if (!chunk->make_visible()) return {nullptr, chunk->length - offset};
  return {chunk->data() + offset, chunk->length - offset};
}

unsigned char* pull_up(evbuffer* buf, size_t size) {
  if (size == 0 || size > buf->chain.length()) return nullptr;
  return buf->chain.pull_up(size);
}

// Pre: the lock is held.
evbuffer_ptr search(evbuffer* buf, const void* what, size_t len, const evbuffer_ptr* start,
                    const evbuffer_ptr* end) {
  if (len == 0) return start != nullptr ? *start : to_pointer(start_of(buf));
  if (start != nullptr && start->pos < 0) return kNowhere;
  Position at = start != nullptr ? to_position(*start) : start_of(buf);
  size_t limit = buf->chain.length();
  if (end != nullptr) {
    if (end->pos < 0) return kNowhere;
    if (static_cast<size_t>(end->pos) < limit) limit = static_cast<size_t>(end->pos);
  }
  if (at.offset > limit) return kNowhere;
  return find_bytes(&at, limit, what, len) ? to_pointer(at) : kNowhere;
}

}  // namespace

extern "C" {

size_t evbuffer_get_length(const evbuffer* buf) {
  Guard guard(buf->lock());
  return buf->chain.length();
}

size_t evbuffer_get_contiguous_space(const evbuffer* buf) {
  Guard guard(buf->lock());
  return buf->chain.first_length();
}

ev_ssize_t evbuffer_copyout_from(evbuffer* buf, const evbuffer_ptr* pos, void* data_out,
                                 size_t datlen) {
  Guard guard(buf->lock());
  const size_t length = buf->chain.length();
  Position from = start_of(buf);
  if (pos != nullptr) {
    if (pos->pos < 0 || datlen > static_cast<size_t>(EV_SSIZE_MAX - pos->pos)) return -1;
    from = to_position(*pos);
    if (from.offset > length) return -1;
  }
  if (datlen > length - from.offset) datlen = length - from.offset;
  if (datlen == 0) return 0;
  if (buf->front_frozen() || !buf->chain.copy_out(from.place, data_out, datlen)) return -1;
  return static_cast<ev_ssize_t>(datlen);
}

ev_ssize_t evbuffer_copyout(evbuffer* buf, void* data_out, size_t datlen) {
  return evbuffer_copyout_from(buf, nullptr, data_out, datlen);
}

unsigned char* evbuffer_pullup(evbuffer* buf, ev_ssize_t size) {
  Guard guard(buf->lock());
  return pull_up(buf, size < 0 ? buf->chain.length() : static_cast<size_t>(size));
}

int evbuffer_peek(evbuffer* buf, ev_ssize_t len, evbuffer_ptr* start_at, evbuffer_iovec* vec_out,
                  int n_vec) {
  if (start_at != nullptr && start_at->internal_.chain == nullptr) return 0;
  Guard guard(buf->lock());
  Place place = {buf->chain.first(), 0};
  size_t left = buf->chain.length();
  bool first_is_due = false;
  if (start_at != nullptr) {
    place = to_position(*start_at).place;
    left -= static_cast<size_t>(start_at->pos);
    first_is_due = true;
  }
  // Without extents to fill, "as much as you can" means all there is.
  if (n_vec <= 0 && len < 0) len = static_cast<ev_ssize_t>(left);
  int count = 0;
  size_t seen = 0;
  for (Chunk* chunk = place.chunk; chunk != nullptr; chunk = chunk->next) {
    if (!first_is_due && len >= 0 && seen >= static_cast<size_t>(len)) break;
    first_is_due = false;
    if (count < n_vec) {
      vec_out[count] = extent_of(chunk, place.offset);
    } else if (len < 0) {
      break;
    }
    ++count;
    seen += chunk->length - place.offset;
    place.offset = 0;
  }
  return count;
}

int evbuffer_ptr_set(evbuffer* buf, evbuffer_ptr* ptr, size_t position, evbuffer_ptr_how how) {
  Guard guard(buf->lock());
  Position at = start_of(buf);
  if (how == EVBUFFER_PTR_ADD) {
    if (ptr->pos < 0 || position > SIZE_MAX - static_cast<size_t>(ptr->pos)) return -1;
    at = to_position(*ptr);
  }
  const bool is_known = how == EVBUFFER_PTR_SET || how == EVBUFFER_PTR_ADD;
  if (!is_known || !walk(&at.place, position)) {
    *ptr = kNowhere;
    return -1;
  }
  at.offset += position;
  *ptr = to_pointer(at);
  return 0;
}

evbuffer_ptr evbuffer_search_range(evbuffer* buf, const char* what, size_t len,
                                   const evbuffer_ptr* start, const evbuffer_ptr* end) {
  Guard guard(buf->lock());
  return search(buf, what, len, start, end);
}

evbuffer_ptr evbuffer_search(evbuffer* buf, const char* what, size_t len,
                             const evbuffer_ptr* start) {
  Guard guard(buf->lock());
  return search(buf, what, len, start, nullptr);
}

unsigned char* evbuffer_find(evbuffer* buf, const unsigned char* what, size_t len) {
  Guard guard(buf->lock());
  const evbuffer_ptr at = search(buf, what, len, nullptr, nullptr);
  if (at.pos < 0) return nullptr;
  const auto offset = static_cast<size_t>(at.pos);
  unsigned char* bytes = pull_up(buf, offset + len);
  return bytes != nullptr ? bytes + offset : nullptr;
}

evbuffer_ptr evbuffer_search_eol(evbuffer* buf, evbuffer_ptr* start, size_t* eol_len_out,
                                 evbuffer_eol_style eol_style) {
  FoundLine hit = {false, {}, 0};
  if (start == nullptr || start->internal_.chain != nullptr) {
    Guard guard(buf->lock());
    const Position from = start != nullptr ? to_position(*start) : start_of(buf);
    hit = find_line_ending(buf->chain, from, eol_style);
  }
  if (eol_len_out != nullptr) *eol_len_out = hit.found ? hit.ending : 0;
  return hit.found ? to_pointer(hit.at) : kNowhere;
}

char* evbuffer_readln(evbuffer* buf, size_t* n_read_out, evbuffer_eol_style eol_style) {
  if (n_read_out != nullptr) *n_read_out = 0;
  BufferGuard guard(buf);
  if (buf->front_frozen()) return nullptr;
  const FoundLine hit = find_line_ending(buf->chain, start_of(buf), eol_style);
  if (!hit.found) return nullptr;
  const size_t length = hit.at.offset;
  auto* line = static_cast<char*>(allocate(length + 1));
  if (line == nullptr) {
    log_warning_errno("%s: out of memory", __func__);
    return nullptr;
  }
  if (!buf->chain.copy_out(start_of(buf).place, line, length)) {
    release(line);
    return nullptr;
  }
  line[length] = '\0';
  if (n_read_out != nullptr) *n_read_out = length;
  // The line and its ending are told of apart; a watcher may even take the ending away in between.
  if (buf->is_watched() && length != 0) {
    buf->chain.drop(length);
    buf->tell(0, length);
    const size_t rest = hit.ending < buf->chain.length() ? hit.ending : buf->chain.length();
    buf->chain.drop(rest);
    buf->tell(0, rest);
  } else {
    buf->chain.drop(length + hit.ending);
    buf->tell(0, length + hit.ending);
  }
  return line;
}

char* evbuffer_readline(evbuffer* buf) {
  return evbuffer_readln(buf, nullptr, EVBUFFER_EOL_ANY);
}

}  // extern "C"
