// The thread callbacks, and the debugging wrapper around them: a lock that knows who holds it and
// how often, and ends the process when it is used against its rules.
#include "compat/event/lock.h"

#include <atomic>

#include "compat/event/debug_mode.h"
#include "compat/event/log.h"
#include "compat/event/memory.h"

namespace pollshim::event {

Threading threading = {};

namespace {

bool debugging = false;
// Set by every thread that makes something, and waited for by nobody.
std::atomic<bool> lockable_created{false};

// The user's callbacks, while `threading` holds the wrappers.
evthread_lock_callbacks real_locks = {};
evthread_condition_callbacks real_conditions = {};

constexpr unsigned kSignature = 0xdeb0b10c;
constexpr unsigned kBuriedSignature = 0x12300fda;

struct DebugLock {
  unsigned signature;
  unsigned type;
  unsigned long holder;
  int count;
  void* real;
};

void* allocate_debug_lock(unsigned type) {
  auto* lock = static_cast<DebugLock*>(allocate(sizeof(DebugLock)));
  if (lock == nullptr) return nullptr;
  *lock = {kSignature, type, 0, 0, nullptr};
  if (real_locks.alloc != nullptr) {
    // Recursive, so that a second entry by the same thread is caught here and does not deadlock.
    lock->real = real_locks.alloc(type | EVTHREAD_LOCKTYPE_RECURSIVE);
    if (lock->real == nullptr) {
      release(lock);
      return nullptr;
    }
  }
  return lock;
}

void free_debug_lock(void* handle, unsigned type) {
  auto* lock = static_cast<DebugLock*>(handle);
  EVENT_CHECK(lock->count == 0);
  EVENT_CHECK(type == lock->type);
  EVENT_CHECK(lock->signature == kSignature);
  if (real_locks.free != nullptr) {
    real_locks.free(lock->real, lock->type | EVTHREAD_LOCKTYPE_RECURSIVE);
  }
  lock->signature = kBuriedSignature;
  release(lock);
}

void note_locked(DebugLock* lock) {
  EVENT_CHECK(lock->signature == kSignature);
  ++lock->count;
  if (!(lock->type & EVTHREAD_LOCKTYPE_RECURSIVE)) EVENT_CHECK(lock->count == 1);
  if (!knows_threads()) return;
  const unsigned long me = current_thread();
  if (lock->count > 1) EVENT_CHECK(lock->holder == me);
  lock->holder = me;
}

void check_mode(const DebugLock* lock, unsigned mode) {
  const bool shared = (mode & (EVTHREAD_READ | EVTHREAD_WRITE)) != 0;
  EVENT_CHECK(shared == ((lock->type & EVTHREAD_LOCKTYPE_READWRITE) != 0));
}

void note_unlocked(unsigned mode, DebugLock* lock) {
  EVENT_CHECK(lock->signature == kSignature);
  check_mode(lock, mode);
  if (knows_threads()) {
    EVENT_CHECK(lock->holder == current_thread());
    if (lock->count == 1) lock->holder = 0;
  }
  --lock->count;
  EVENT_CHECK(lock->count >= 0);
}

int lock_debug_lock(unsigned mode, void* handle) {
  auto* lock = static_cast<DebugLock*>(handle);
  check_mode(lock, mode);
  const int result = real_locks.lock != nullptr ? real_locks.lock(mode, lock->real) : 0;
  if (result == 0) note_locked(lock);
  return result;
}

int unlock_debug_lock(unsigned mode, void* handle) {
  auto* lock = static_cast<DebugLock*>(handle);
  note_unlocked(mode, lock);
  return real_locks.unlock != nullptr ? real_locks.unlock(mode, lock->real) : 0;
}

int wait_debug_condition(void* condition, void* handle, const timeval* timeout) {
  auto* lock = static_cast<DebugLock*>(handle);
  EVENT_CHECK(lock);
  EVENT_CHECK(lock->signature == kSignature);
  EVENT_CHECK(lock->count > 0);
  note_unlocked(0, lock);
  const int result = real_conditions.wait_condition(condition, lock->real, timeout);
  note_locked(lock);
  return result;
}

void refuse_if_too_late() {
  if (debug_mode_on && lockable_created.load(std::memory_order_relaxed)) {
    fatal(static_cast<int>(1), "evthread initialization must be called BEFORE anything else!");
  }
}

bool same(const evthread_lock_callbacks& a, const evthread_lock_callbacks& b) {
  return a.lock_api_version == b.lock_api_version &&
         a.supported_locktypes == b.supported_locktypes && a.alloc == b.alloc && a.free == b.free &&
         a.lock == b.lock && a.unlock == b.unlock;
}

bool same(const evthread_condition_callbacks& a, const evthread_condition_callbacks& b) {
  return a.condition_api_version == b.condition_api_version &&
         a.alloc_condition == b.alloc_condition && a.free_condition == b.free_condition &&
         a.signal_condition == b.signal_condition && a.wait_condition == b.wait_condition;
}

}  // namespace

void note_lockable_created() {
  lockable_created.store(true, std::memory_order_relaxed);
}
bool lockable_was_created() {
  return lockable_created.load(std::memory_order_relaxed);
}
void disable_lock_debugging() {
  debugging = false;
}

}  // namespace pollshim::event

using namespace pollshim::event;

extern "C" {

void evthread_set_id_callback(unsigned long (*id)(void)) {
  threading.thread_id = id;
}

int evthread_set_lock_callbacks(const evthread_lock_callbacks* callbacks) {
  evthread_lock_callbacks& target = debugging ? real_locks : threading.locks;
  refuse_if_too_late();
  if (callbacks == nullptr) {
    if (target.alloc != nullptr) {
      log_warning(
          "Trying to disable lock functions after they have been set up will probaby not work.");
    }
    target = {};
    return 0;
  }
  if (target.alloc != nullptr) {
    if (same(target, *callbacks)) return 0;
    log_warning("Can't change lock callbacks once they have been initialized.");
    return -1;
  }
  if (callbacks->alloc == nullptr || callbacks->free == nullptr || callbacks->lock == nullptr ||
      callbacks->unlock == nullptr) {
    return -1;
  }
  target = *callbacks;
  return 0;
}

int evthread_set_condition_callbacks(const evthread_condition_callbacks* callbacks) {
  evthread_condition_callbacks& target = debugging ? real_conditions : threading.conditions;
  refuse_if_too_late();
  if (callbacks == nullptr) {
    if (target.alloc_condition != nullptr) {
      log_warning(
          "Trying to disable condition functions after they have been set up will probaby "
          "not work.");
    }
    target = {};
    return 0;
  }
  if (target.alloc_condition != nullptr) {
    if (same(target, *callbacks)) return 0;
    log_warning("Can't change condition callbacks once they have been initialized.");
    return -1;
  }
  if (callbacks->alloc_condition != nullptr && callbacks->free_condition != nullptr &&
      callbacks->signal_condition != nullptr && callbacks->wait_condition != nullptr) {
    target = *callbacks;
  }
  if (debugging) {
    threading.conditions.alloc_condition = callbacks->alloc_condition;
    threading.conditions.free_condition = callbacks->free_condition;
    threading.conditions.signal_condition = callbacks->signal_condition;
  }
  return 0;
}

void evthread_enable_lock_debugging(void) {
  if (debugging) return;
  real_locks = threading.locks;
  real_conditions = threading.conditions;
  threading.locks = {EVTHREAD_LOCK_API_VERSION, EVTHREAD_LOCKTYPE_RECURSIVE,
                     allocate_debug_lock,       free_debug_lock,
                     lock_debug_lock,           unlock_debug_lock};
  threading.conditions.wait_condition = wait_debug_condition;
  debugging = true;
}

// The spelling that the first releases had.
void evthread_enable_lock_debuging(void) {
  evthread_enable_lock_debugging();
}

}  // extern "C"
