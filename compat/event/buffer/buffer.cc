// The life of a buffer and its callbacks: who is told of a change, when, and with which numbers.
#include "compat/event/buffer/buffer.h"

#include <new>

#include "compat/event/deferred.h"
#include "compat/event/memory.h"
#include "event2/event.h"

namespace pollshim::event {

// What happened since the callbacks last ran, and the ticket to run them from the loop.
struct Buffer::Deferral {
  event_base* base;
  event_callback callback;
  std::size_t added;
  std::size_t removed;
  bool scheduled;  // the buffer and its owner are held until it has run
};

bool Buffer::enable_locking(void* lock) {
  if (lock_ != nullptr) return false;
  owns_lock_ = lock == nullptr;
  lock_ = lock != nullptr ? lock : make_lock(EVTHREAD_LOCKTYPE_RECURSIVE);
  set_hindrance(kLocked, lock_ != nullptr);
  return lock_ != nullptr;
}

void Buffer::destroy() {
  if (deferral_ != nullptr) {
    cancel_deferred(deferral_->base, &deferral_->callback);
    release(deferral_);
    deferral_ = nullptr;
  }
  remove_all_callbacks();
  chain.clear();
  void* const lock = lock_;
  const bool owned = owns_lock_;
  give_up(lock);
  if (owned) free_lock(lock, EVTHREAD_LOCKTYPE_RECURSIVE);
  release(static_cast<evbuffer*>(this));
}

// ---- The list of callbacks; the newest comes first.

evbuffer_cb_entry* Buffer::add_callback(evbuffer_cb_func function, evbuffer_cb obsolete,
                                        void* argument) {
  void* memory = allocate(sizeof(evbuffer_cb_entry));
  if (memory == nullptr) return nullptr;
  callbacks_ = new (memory)
      evbuffer_cb_entry{callbacks_, function, obsolete, argument, EVBUFFER_CB_ENABLED, false};
  note_watchers();
  return callbacks_;
}

void Buffer::remove_callback(evbuffer_cb_entry* entry) {
  entry->removed = true;
  entry->flags = 0;
  sweep_callbacks();
}

void Buffer::remove_all_callbacks() {
  for (evbuffer_cb_entry* entry = callbacks_; entry != nullptr; entry = entry->next) {
    entry->removed = true;
    entry->flags = 0;
  }
  sweep_callbacks();
}

evbuffer_cb_entry* Buffer::find_callback(evbuffer_cb_func function, void* argument) const {
  for (evbuffer_cb_entry* entry = callbacks_; entry != nullptr; entry = entry->next) {
    if (!entry->removed && entry->obsolete_function == nullptr && entry->function == function &&
        entry->argument == argument)
      return entry;
  }
  return nullptr;
}

void Buffer::sweep_callbacks() {
  if (callbacks_running_ != 0) return;
  for (evbuffer_cb_entry** link = &callbacks_; *link != nullptr;) {
    evbuffer_cb_entry* entry = *link;
    if (entry->removed) {
      *link = entry->next;
      release(entry);
    } else {
      link = &entry->next;
    }
  }
  note_watchers();
}

void Buffer::run_callbacks(std::size_t added, std::size_t removed) {
  const std::size_t now = chain.length();
  const evbuffer_cb_info info = {now + removed - added, added, removed};
  const bool was_freed = freed_;
  ++callbacks_running_;
  for (evbuffer_cb_entry* entry = callbacks_; entry != nullptr; entry = entry->next) {
    if ((entry->flags & EVBUFFER_CB_ENABLED) == 0) continue;
    auto* self = static_cast<evbuffer*>(this);
    if (entry->obsolete_function != nullptr) {
      entry->obsolete_function(self, info.orig_size, now, entry->argument);
    } else if (entry->function != nullptr) {
      entry->function(self, &info, entry->argument);
    }
    // Whoever frees the buffer wants to hear no more of it.
    if (freed_ && !was_freed) break;
  }
  --callbacks_running_;
  sweep_callbacks();
}

void Buffer::tell_watchers(std::size_t added, std::size_t removed) {
  if (added == 0 && removed == 0) return;
  if (callbacks_ != nullptr) {
    if (deferral_ == nullptr) {
      run_callbacks(added, removed);
    } else {
      deferral_->added += added;
      deferral_->removed += removed;
      if (schedule_deferred(deferral_->base, &deferral_->callback)) {
        deferral_->scheduled = true;
        hold();
        if (owner_ != nullptr) owner_->hold(owner_self_);
      }
    }
  }
  if (owner_ != nullptr) owner_->changed(*this, added, removed, owner_self_);
}

bool Buffer::defer_callbacks(event_base* base) {
  if (deferral_ == nullptr) {
    deferral_ = static_cast<Deferral*>(allocate_zeroed(1, sizeof(Deferral)));
    if (deferral_ == nullptr) return false;
  } else {
    cancel_deferred(deferral_->base, &deferral_->callback);
    if (deferral_->scheduled) {
      deferral_->scheduled = false;
      --holders_;
      if (owner_ != nullptr) owner_->let_go(owner_self_);
    }
  }
  deferral_->base = base;
  const int priorities = event_base_get_npriorities(base);
  init_deferred(&deferral_->callback, static_cast<std::uint8_t>(priorities / 2), run_deferred,
                this);
  return true;
}

void Buffer::run_deferred(event_callback*, void* self) {
  auto* buffer = static_cast<Buffer*>(self);
  acquire(buffer->lock_);
  const BufferOwner* owner = buffer->owner_;
  void* owner_self = buffer->owner_self_;
  const std::size_t added = buffer->deferral_->added;
  const std::size_t removed = buffer->deferral_->removed;
  buffer->deferral_->added = buffer->deferral_->removed = 0;
  buffer->deferral_->scheduled = false;
  if (added != 0 || removed != 0) buffer->run_callbacks(added, removed);
  buffer->let_go_and_unlock();
  if (owner != nullptr) owner->let_go(owner_self);
}

// ---- Two buffers at once.

BufferPairGuard::BufferPairGuard(Buffer* one, Buffer* other) {
  const bool in_order = reinterpret_cast<std::uintptr_t>(one->lock()) <=
                        reinterpret_cast<std::uintptr_t>(other->lock());
  first_ = in_order ? one : other;
  second_ = in_order ? other : one;
  acquire(first_->lock());
  if (second_->lock() != first_->lock()) acquire(second_->lock());
  first_->hold();
  second_->hold();
}

BufferPairGuard::~BufferPairGuard() {
  // Each lets go under a lock of its own; one that both share is taken once more for that.
  if (second_->lock() == first_->lock()) acquire(second_->lock());
  second_->let_go_and_unlock();
  first_->let_go_and_unlock();
}

}  // namespace pollshim::event
