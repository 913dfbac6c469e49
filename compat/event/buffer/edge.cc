// The C functions that change an evbuffer. Each takes the lock, looks whether the end concerned is
// frozen, makes one edit and tells of it; what an edit does is written in the rooms beside this
// one.
#include <cerrno>
#include <climits>
#include <cstdio>
#include <new>

#include "compat/event/buffer/buffer.h"
#include "compat/event/buffer/file_segment.h"
#include "compat/event/memory.h"

using namespace pollshim::event;

namespace {

// The callbacks' flags that belong to the user.
constexpr ev_uint32_t kUserFlags = 0xffff;
// What evbuffer_read takes at once, as it always did.
constexpr int kMostReadAtOnce = 4096;
// Room for a short formatted string without trying twice.
constexpr std::size_t kFirstFormatRoom = 64;

// Pre: both are plain at the ends concerned.
int move_plain(evbuffer* outbuf, evbuffer* inbuf) {
  if (inbuf->chain.length() == 0 || outbuf == inbuf) return 0;
  if (inbuf->chain.length() > SIZE_MAX - outbuf->chain.length()) return -1;
  outbuf->chain.append_all(inbuf->chain);
  return 0;
}

}  // namespace

extern "C" {

// ---- Life and locking.

evbuffer* evbuffer_new(void) {
  void* memory = allocate(sizeof(evbuffer));
  return memory != nullptr ? new (memory) evbuffer : nullptr;
}

void evbuffer_free(evbuffer* buf) {
  acquire(buf->lock());
  buf->free_and_unlock();
}

int evbuffer_enable_locking(evbuffer* buf, void* lock) {
  return buf->enable_locking(lock) ? 0 : -1;
}

void evbuffer_lock(evbuffer* buf) {
  acquire(buf->lock());
}

void evbuffer_unlock(evbuffer* buf) {
  give_up(buf->lock());
}

int evbuffer_set_flags(evbuffer* buf, ev_uint64_t flags) {
  Guard guard(buf->lock());
  buf->set_flags(buf->flags() | static_cast<ev_uint32_t>(flags));
  return 0;
}

int evbuffer_clear_flags(evbuffer* buf, ev_uint64_t flags) {
  Guard guard(buf->lock());
  buf->set_flags(buf->flags() & ~static_cast<ev_uint32_t>(flags));
  return 0;
}

int evbuffer_freeze(evbuffer* buf, int at_front) {
  Guard guard(buf->lock());
  buf->set_frozen(at_front != 0, true);
  return 0;
}

int evbuffer_unfreeze(evbuffer* buf, int at_front) {
  Guard guard(buf->lock());
  buf->set_frozen(at_front != 0, false);
  return 0;
}

// ---- Bytes in.

int evbuffer_add(evbuffer* buf, const void* data, size_t datlen) {
  if (buf->back_is_plain()) return buf->chain.append(data, datlen) ? 0 : -1;
  BufferGuard guard(buf);
  if (buf->back_frozen() || !buf->chain.append(data, datlen)) return -1;
  buf->tell(datlen, 0);
  return 0;
}

int evbuffer_prepend(evbuffer* buf, const void* data, size_t size) {
  if (size == 0) return 0;
  BufferGuard guard(buf);
  if (buf->front_frozen() || !buf->chain.prepend(data, size)) return -1;
  buf->tell(size, 0);
  return 0;
}

size_t evbuffer_add_iovec(evbuffer* buf, evbuffer_iovec* vec, int n_vec) {
  BufferGuard guard(buf);
  size_t total = 0;
  for (int i = 0; i < n_vec; ++i) {
    if (__builtin_add_overflow(total, vec[i].iov_len, &total)) return 0;
  }
  if (!buf->chain.make_room(total, 2) || buf->back_frozen()) return 0;
  size_t done = 0;
  for (int i = 0; i < n_vec; ++i) {
    if (!buf->chain.append(vec[i].iov_base, vec[i].iov_len)) break;
    buf->tell(vec[i].iov_len, 0);
    done += vec[i].iov_len;
  }
  return done;
}

int evbuffer_add_vprintf(evbuffer* buf, const char* fmt, va_list ap) {
  BufferGuard guard(buf);
  if (buf->back_frozen()) return -1;
  Chunk* chunk = buf->chain.make_room(kFirstFormatRoom);
  while (chunk != nullptr) {
    va_list arguments;
    va_copy(arguments, ap);
    const size_t room = chunk->room_behind();
    const int length = std::vsnprintf(reinterpret_cast<char*>(chunk->end()), room, fmt, arguments);
    va_end(arguments);
    if (length < 0) return -1;
    const auto size = static_cast<size_t>(length);
    if (size < room) {
      buf->chain.commit_to(chunk, size);
      buf->tell(size, 0);
      return length;
    }
    chunk = buf->chain.make_room(size + 1);
  }
  return -1;
}

int evbuffer_add_printf(evbuffer* buf, const char* fmt, ...) {
  va_list arguments;
  va_start(arguments, fmt);
  const int result = evbuffer_add_vprintf(buf, fmt, arguments);
  va_end(arguments);
  return result;
}

int evbuffer_add_reference(evbuffer* buf, const void* data, size_t datlen,
                           evbuffer_ref_cleanup_cb cleanup, void* argument) {
  Chunk* chunk = make_reference_chunk(data, datlen, cleanup, argument);
  if (chunk == nullptr) return -1;
  BufferGuard guard(buf);
  if (buf->back_frozen() || datlen > SIZE_MAX - buf->chain.length()) {
    abandon_reference_chunk(chunk);
    return -1;
  }
  buf->chain.push(chunk);
  buf->tell(datlen, 0);
  return 0;
}

// ---- Room.

int evbuffer_expand(evbuffer* buf, size_t datlen) {
  Guard guard(buf->lock());
  return buf->chain.make_room(datlen) != nullptr ? 0 : -1;
}

int evbuffer_reserve_space(evbuffer* buf, ev_ssize_t size, evbuffer_iovec* vec, int n_vec) {
  Guard guard(buf->lock());
  if (buf->back_frozen() || n_vec < 1 || size < 0) return -1;
  const auto wanted = static_cast<size_t>(size);
  if (n_vec == 1) {
    const Chunk* chunk = buf->chain.make_room(wanted);
    if (chunk == nullptr) return -1;
    vec[0] = {chunk->end(), chunk->room_behind()};
    return 1;
  }
  if (!buf->chain.make_room(wanted, n_vec)) return -1;
  return buf->chain.list_room(wanted, vec, n_vec);
}

int evbuffer_commit_space(evbuffer* buf, evbuffer_iovec* vec, int n_vecs) {
  BufferGuard guard(buf);
  if (buf->back_frozen()) return -1;
  if (n_vecs <= 0) return n_vecs == 0 ? 0 : -1;
  size_t added = 0;
  if (!buf->chain.commit(vec, n_vecs, &added)) return -1;
  buf->tell(added, 0);
  return 0;
}

// ---- Whole buffers.

int evbuffer_add_buffer(evbuffer* outbuf, evbuffer* inbuf) {
  if (outbuf->back_is_plain() && inbuf->front_is_plain()) return move_plain(outbuf, inbuf);
  BufferPairGuard guard(inbuf, outbuf);
  const size_t size = inbuf->chain.length();
  if (size == 0 || outbuf == inbuf) return 0;
  if (outbuf->back_frozen() || inbuf->front_frozen()) return -1;
  if (size > SIZE_MAX - outbuf->chain.length()) return -1;
  outbuf->chain.append_all(inbuf->chain);
  inbuf->tell(0, size);
  outbuf->tell(size, 0);
  return 0;
}

int evbuffer_prepend_buffer(evbuffer* outbuf, evbuffer* inbuf) {
  BufferPairGuard guard(inbuf, outbuf);
  const size_t size = inbuf->chain.length();
  if (size == 0 || outbuf == inbuf) return 0;
  if (outbuf->front_frozen() || inbuf->front_frozen()) return -1;
  if (size > SIZE_MAX - outbuf->chain.length()) return -1;
  outbuf->chain.prepend_all(inbuf->chain);
  inbuf->tell(0, size);
  outbuf->tell(size, 0);
  return 0;
}

int evbuffer_add_buffer_reference(evbuffer* outbuf, evbuffer* inbuf) {
  BufferPairGuard guard(inbuf, outbuf);
  const size_t size = inbuf->chain.length();
  if (size == 0) return 0;
  if (outbuf->back_frozen() || outbuf == inbuf || !inbuf->chain.may_be_shared()) return -1;
  if (size > SIZE_MAX - outbuf->chain.length()) return -1;
  if (!outbuf->chain.append_shared(inbuf->chain)) return -1;
  outbuf->tell(size, 0);
  return 0;
}

int evbuffer_remove_buffer(evbuffer* src, evbuffer* dst, size_t datlen) {
  BufferPairGuard guard(src, dst);
  if (datlen == 0 || dst == src) return 0;
  if (dst->back_frozen() || src->front_frozen()) return -1;
  if (datlen >= src->chain.length()) {
    datlen = src->chain.length();
    if (datlen == 0) return 0;
    dst->chain.append_all(src->chain);
    src->tell(0, datlen);
    dst->tell(datlen, 0);
  } else {
    if (!dst->chain.append_front_of(src->chain, datlen)) return -1;
    dst->tell(datlen, 0);
    src->tell(0, datlen);
  }
  return static_cast<int>(datlen);
}

// ---- Bytes out.

int evbuffer_drain(evbuffer* buf, size_t len) {
  if (buf->front_is_plain()) {
    if (buf->chain.length() != 0) buf->chain.drop(len);
    return 0;
  }
  BufferGuard guard(buf);
  const size_t length = buf->chain.length();
  if (length == 0) return 0;
  if (buf->front_frozen()) return -1;
  if (len > length) len = length;
  buf->chain.drop(len);
  buf->tell(0, len);
  return 0;
}

int evbuffer_remove(evbuffer* buf, void* data, size_t datlen) {
  BufferGuard guard(buf);
  if (datlen > buf->chain.length()) datlen = buf->chain.length();
  if (datlen == 0) return 0;
  if (buf->front_frozen() || !buf->chain.copy_out(buf->chain.place_at(0), data, datlen)) return -1;
  buf->chain.drop(datlen);
  buf->tell(0, datlen);
  return static_cast<int>(datlen);
}

// ---- Files.

evbuffer_file_segment* evbuffer_file_segment_new(int fd, ev_off_t offset, ev_off_t length,
                                                 unsigned flags) {
  return static_cast<evbuffer_file_segment*>(FileSegment::make(fd, offset, length, flags));
}

void evbuffer_file_segment_add_cleanup_cb(evbuffer_file_segment* seg,
                                          evbuffer_file_segment_cleanup_cb cb, void* arg) {
  seg->set_cleanup(cb, arg);
}

void evbuffer_file_segment_free(evbuffer_file_segment* seg) {
  seg->let_go();
}

// A failure takes the caller's hold on the segment away, as callers of libevent have learnt.
int evbuffer_add_file_segment(evbuffer* buf, evbuffer_file_segment* seg, ev_off_t offset,
                              ev_off_t length) {
  BufferGuard guard(buf);
  const bool direct = (buf->flags() & EVBUFFER_FLAG_DRAINS_TO_FD) != 0 && seg->may_be_sent();
  const auto whole = static_cast<ev_off_t>(seg->length());
  const bool inside = offset >= 0 && offset <= whole && length <= whole - offset;
  Chunk* chunk = nullptr;
  if (inside && !buf->back_frozen() && (direct || seg->materialize())) {
    if (length < 0) length = whole - offset;
    chunk = make_file_chunk(seg, static_cast<size_t>(offset), static_cast<size_t>(length), direct);
  }
  if (chunk == nullptr) {
    seg->let_go();
    return -1;
  }
  seg->hold();
  buf->chain.push(chunk);
  buf->tell(static_cast<size_t>(length), 0);
  return 0;
}

int evbuffer_add_file(evbuffer* buf, int fd, ev_off_t offset, ev_off_t length) {
  evbuffer_file_segment* segment =
      evbuffer_file_segment_new(fd, offset, length, EVBUF_FS_CLOSE_ON_FREE);
  if (segment == nullptr) return -1;
  const int result = evbuffer_add_file_segment(buf, segment, 0, length);
  if (result == 0) segment->let_go();
  return result;
}

// ---- Descriptors.

int evbuffer_read(evbuffer* buf, evutil_socket_t fd, int howmuch) {
  BufferGuard guard(buf);
  if (buf->back_frozen()) return -1;
  if (howmuch < 0 || howmuch > kMostReadAtOnce) howmuch = kMostReadAtOnce;
  if (howmuch == 0) return 0;
  return static_cast<int>(buf->read_from(fd, static_cast<size_t>(howmuch)));
}

int evbuffer_write_atmost(evbuffer* buf, evutil_socket_t fd, ev_ssize_t howmuch) {
  BufferGuard guard(buf);
  if (buf->front_frozen()) return -1;
  size_t most = buf->chain.length();
  if (howmuch >= 0 && static_cast<size_t>(howmuch) < most) most = static_cast<size_t>(howmuch);
  if (most == 0) return -1;
  return static_cast<int>(buf->write_to(fd, most));
}

int evbuffer_write(evbuffer* buf, evutil_socket_t fd) {
  return evbuffer_write_atmost(buf, fd, -1);
}

// ---- Callbacks.

evbuffer_cb_entry* evbuffer_add_cb(evbuffer* buf, evbuffer_cb_func cb, void* cbarg) {
  Guard guard(buf->lock());
  return buf->add_callback(cb, nullptr, cbarg);
}

int evbuffer_setcb(evbuffer* buf, evbuffer_cb cb, void* cbarg) {
  Guard guard(buf->lock());
  buf->remove_all_callbacks();
  return cb == nullptr || buf->add_callback(nullptr, cb, cbarg) != nullptr ? 0 : -1;
}

int evbuffer_remove_cb_entry(evbuffer* buf, evbuffer_cb_entry* ent) {
  Guard guard(buf->lock());
  buf->remove_callback(ent);
  return 0;
}

int evbuffer_remove_cb(evbuffer* buf, evbuffer_cb_func cb, void* cbarg) {
  Guard guard(buf->lock());
  evbuffer_cb_entry* entry = buf->find_callback(cb, cbarg);
  if (entry == nullptr) return -1;
  buf->remove_callback(entry);
  return 0;
}

int evbuffer_cb_set_flags(evbuffer* buf, evbuffer_cb_entry* cb, ev_uint32_t flags) {
  Guard guard(buf->lock());
  cb->flags |= flags & kUserFlags;
  return 0;
}

int evbuffer_cb_clear_flags(evbuffer* buf, evbuffer_cb_entry* cb, ev_uint32_t flags) {
  Guard guard(buf->lock());
  cb->flags &= ~(flags & kUserFlags);
  return 0;
}

int evbuffer_defer_callbacks(evbuffer* buf, event_base* base) {
  BufferGuard guard(buf);
  return buf->defer_callbacks(base) ? 0 : -1;
}

}  // extern "C"
