// Locks as the user provides them (evthread_set_lock_callbacks, evthread_use_pthreads), or none. A
// lock is an opaque pointer; nullptr is the lock of a single-threaded program, and costs a test.
// Owns the callbacks and the lock debugging; knows nothing of what is locked.
#pragma once

#include "event2/thread.h"

namespace pollshim::event {

struct Threading {
  evthread_lock_callbacks locks;
  evthread_condition_callbacks conditions;
  unsigned long (*thread_id)(void);
};
extern Threading threading;

inline bool locking_enabled() {
  return threading.locks.lock != nullptr;
}
inline unsigned long current_thread() {
  return threading.thread_id != nullptr ? threading.thread_id() : 1;
}
inline bool knows_threads() {
  return threading.thread_id != nullptr;
}

// `type` is EVTHREAD_LOCKTYPE_RECURSIVE or 0. nullptr without locking, or without memory.
inline void* make_lock(unsigned type) {
  return threading.locks.alloc != nullptr ? threading.locks.alloc(type) : nullptr;
}
inline void free_lock(void* lock, unsigned type) {
  if (lock != nullptr && threading.locks.free != nullptr) threading.locks.free(lock, type);
}
inline void acquire(void* lock) {
  if (__builtin_expect(lock != nullptr, 0)) threading.locks.lock(0, lock);
}
inline void give_up(void* lock) {
  if (__builtin_expect(lock != nullptr, 0)) threading.locks.unlock(0, lock);
}
// Acquires only if nobody holds it. True if it did, or if there is no lock.
inline bool try_acquire(void* lock) {
  return lock == nullptr || threading.locks.lock(EVTHREAD_TRY, lock) == 0;
}

class Guard {
 public:
  explicit Guard(void* lock) : lock_(lock) { acquire(lock_); }
  ~Guard() { give_up(lock_); }
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

 private:
  void* lock_;
};

inline void* make_condition() {
  return threading.conditions.alloc_condition != nullptr ? threading.conditions.alloc_condition(0)
                                                         : nullptr;
}
inline void free_condition(void* condition) {
  if (condition != nullptr) threading.conditions.free_condition(condition);
}
inline void broadcast(void* condition) {
  if (condition != nullptr) threading.conditions.signal_condition(condition, 1);
}
// 0 when signalled, 1 at the end of `timeout` (nullptr: none), -1 on an error.
inline int wait_for(void* condition, void* lock, const timeval* timeout) {
  return condition != nullptr ? threading.conditions.wait_condition(condition, lock, timeout) : 0;
}

// Whether anything that a lock would protect exists already: then it is too late for some settings.
void note_lockable_created();
bool lockable_was_created();

// At global shutdown: further callbacks may be set as if the process had just started.
void disable_lock_debugging();

}  // namespace pollshim::event
