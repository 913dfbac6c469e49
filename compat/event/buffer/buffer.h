// An evbuffer: a chain of bytes with what users hang on it: a lock, frozen ends, callbacks, and the
// count of those who hold it. Owns the order of things around an edit: lock, check, edit, tell.
// The C functions and the bufferevents call it; it knows no event loop beyond "run this later".
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "compat/event/buffer/chain.h"
#include "compat/event/lock.h"
#include "event2/buffer.h"
#include "event2/buffer_compat.h"

struct event_base;
struct event_callback;

// One callback of a user. Removed ones stay in the list while callbacks run.
struct evbuffer_cb_entry {
  evbuffer_cb_entry* next;
  evbuffer_cb_func function;
  evbuffer_cb obsolete_function;  // of libevent 1.x; set instead of the other
  void* argument;
  ev_uint32_t flags;
  bool removed;
};

namespace pollshim::event {

class Buffer;

// What a buffer is part of, if it is part of a bufferevent: told of every change at once, after the
// users' own callbacks, and kept alive while deferred callbacks wait.
struct BufferOwner {
  void (*changed)(Buffer& buffer, std::size_t added, std::size_t removed, void* self);
  void (*hold)(void* self);
  void (*let_go)(void* self);
};

class Buffer {
 public:
  // The chain's edits are public: whoever makes one holds the lock, has looked at the frozen ends,
  // and says afterwards what has changed.
  Chain chain;

  bool front_frozen() const { return (hindrances() & kFrontFrozen) != 0; }
  bool back_frozen() const { return (hindrances() & kBackFrozen) != 0; }
  void set_frozen(bool front, bool frozen) {
    set_hindrance(front ? kFrontFrozen : kBackFrozen, frozen);
  }

  // Whether an edit of this end needs no lock, is not refused and nobody wants to hear of it: then
  // it is all there is to do.
  bool front_is_plain() const { return (hindrances() & (kLocked | kWatched | kFrontFrozen)) == 0; }
  bool back_is_plain() const { return (hindrances() & (kLocked | kWatched | kBackFrozen)) == 0; }

  std::uint32_t flags() const { return flags_; }
  void set_flags(std::uint32_t flags) { flags_ = flags; }

  // After an edit. The callbacks may do anything, freeing the buffer included; the caller's hold
  // keeps it alive.
  void tell(std::size_t added, std::size_t removed) {
    if (is_watched()) tell_watchers(added, removed);
  }

  // Whether a sequence of edits has to be told of one by one.
  bool is_watched() const { return (hindrances() & kWatched) != 0; }

  // Whether a user would see how many edits a change was made in.
  bool has_callbacks() const { return callbacks_ != nullptr; }

  void* lock() const { return lock_; }
  bool enable_locking(void* lock);

  void hold() { ++holders_; }
  // Pre: the lock is held. It is given up, and the buffer destroyed if this was the last hold.
  void let_go_and_unlock() {
    if (--holders_ == 0) {
      destroy();
    } else {
      give_up(lock_);
    }
  }
  // By the user: callbacks of a change under way stop here.
  void free_and_unlock() {
    freed_ = true;
    let_go_and_unlock();
  }

  evbuffer_cb_entry* add_callback(evbuffer_cb_func function, evbuffer_cb obsolete, void* argument);
  void remove_callback(evbuffer_cb_entry* entry);
  evbuffer_cb_entry* find_callback(evbuffer_cb_func function, void* argument) const;
  void remove_all_callbacks();
  // False for want of memory.
  bool defer_callbacks(event_base* base);

  void set_owner(const BufferOwner* owner, void* self) {
    owner_ = owner;
    owner_self_ = self;
    note_watchers();
  }

  // ---- Descriptors. The number of bytes moved, 0 at the end of the file, or -1 with errno. Both
  // tell of the change.
  // `most` bytes at most, whose room is made before they are read. `offered`, if there is one, is
  // told how many the kernel was asked for, which may be less. `shelf` is the loop's whose thread
  // this is, if it is one's.
  ssize_t read_from(int fd, std::size_t most, std::size_t* offered = nullptr,
                    ChunkShelf* shelf = nullptr);
  // The same with bytes that are made, not read: `source` puts up to `room` of them where it is
  // told, and its result is the result. Never more than kLandingSize at once.
  using Source = ssize_t (*)(void* self, void* to, std::size_t room);
  ssize_t take_from(std::size_t most, Source source, void* self);
  // Pre: 0 < most <= chain.length().
  ssize_t write_to(int fd, std::size_t most, std::size_t* offered = nullptr,
                   ChunkShelf* shelf = nullptr);

 private:
  struct Deferral;

  static constexpr std::uint8_t kLocked = 1;
  static constexpr std::uint8_t kWatched = 2;
  static constexpr std::uint8_t kFrontFrozen = 4;
  static constexpr std::uint8_t kBackFrozen = 8;
  void set_hindrance(std::uint8_t which, bool there) {
    const unsigned now = there ? hindrances() | unsigned{which} : hindrances() & ~unsigned{which};
    hindrances_.store(static_cast<std::uint8_t>(now), std::memory_order_relaxed);
  }
  [[nodiscard]] unsigned hindrances() const { return hindrances_.load(std::memory_order_relaxed); }
  void note_watchers() { set_hindrance(kWatched, callbacks_ != nullptr || owner_ != nullptr); }

  void tell_watchers(std::size_t added, std::size_t removed);
  void run_callbacks(std::size_t added, std::size_t removed);
  void sweep_callbacks();
  static void run_deferred(event_callback* callback, void* self);
  void destroy();

  evbuffer_cb_entry* callbacks_ = nullptr;
  const BufferOwner* owner_ = nullptr;
  void* owner_self_ = nullptr;
  Deferral* deferral_ = nullptr;  // set once callbacks run from the loop
  void* lock_ = nullptr;
  std::uint32_t holders_ = 1;
  std::uint32_t flags_ = 0;
  std::uint16_t callbacks_running_ = 0;
  bool owns_lock_ = false;
  bool freed_ = false;
  // Changed under the lock, if there is one; that there is one is seen without it.
  std::atomic<std::uint8_t> hindrances_ = 0;
};

// Holds the lock and the buffer for the time of one call.
class BufferGuard {
 public:
  explicit BufferGuard(Buffer* buffer) : buffer_(buffer) {
    acquire(buffer_->lock());
    buffer_->hold();
  }
  ~BufferGuard() { buffer_->let_go_and_unlock(); }
  BufferGuard(const BufferGuard&) = delete;
  BufferGuard& operator=(const BufferGuard&) = delete;

 private:
  Buffer* buffer_;
};

// The same for two buffers, in an order that all threads share. They may be the same one, or share
// a lock.
class BufferPairGuard {
 public:
  BufferPairGuard(Buffer* one, Buffer* other);
  ~BufferPairGuard();
  BufferPairGuard(const BufferPairGuard&) = delete;
  BufferPairGuard& operator=(const BufferPairGuard&) = delete;

 private:
  Buffer* first_;
  Buffer* second_;
};

}  // namespace pollshim::event

struct evbuffer : pollshim::event::Buffer {};
