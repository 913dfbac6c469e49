// Locks, conditions and thread ids by pthreads: evthread_use_pthreads().
#include <pthread.h>
#include <sys/time.h>

#include <atomic>
#include <cerrno>
#include <cstddef>

#include "compat/event/memory.h"
#include "compat/event/timeval.h"
#include "event2/event.h"
#include "event2/thread.h"

namespace pollshim::event {

namespace {

pthread_mutexattr_t recursive;

// `held` is a hint and no more: whoever finds it set tries for a while before it sleeps.
struct Mutex {
  pthread_mutex_t mutex;
  std::atomic<bool> held;
};

void* allocate_mutex(unsigned type) {
  auto* lock = static_cast<Mutex*>(allocate(sizeof(Mutex)));
  if (lock == nullptr) return nullptr;
  const bool is_recursive = (type & EVTHREAD_LOCKTYPE_RECURSIVE) != 0;
  if (pthread_mutex_init(&lock->mutex, is_recursive ? &recursive : nullptr) != 0) {
    release(lock);
    return nullptr;
  }
  lock->held.store(false, std::memory_order_relaxed);
  return lock;
}

void free_mutex(void* handle, unsigned) {
  auto* lock = static_cast<Mutex*>(handle);
  pthread_mutex_destroy(&lock->mutex);
  release(lock);
}

void pause_processor() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#endif
}

// Whoever holds a lock of ours gives it back within a fraction of a microsecond, unless it has lost
// the processor. To sleep and to be woken takes both sides ten times as long.
[[gnu::noinline]] int lock_held_mutex(pthread_mutex_t* mutex) {
  constexpr int kAttempts = 20;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const int error = pthread_mutex_trylock(mutex);
    if (error != EBUSY) return error;
    for (int i = 0; i <= attempt / 4; ++i)
      pause_processor();
  }
  return pthread_mutex_lock(mutex);
}

int lock_mutex(unsigned mode, void* handle) {
  auto* lock = static_cast<Mutex*>(handle);
  int error;
  if (mode & EVTHREAD_TRY) {
    error = pthread_mutex_trylock(&lock->mutex);
  } else if (__builtin_expect(lock->held.load(std::memory_order_relaxed), 0)) {
    error = lock_held_mutex(&lock->mutex);
  } else {
    error = pthread_mutex_lock(&lock->mutex);
  }
  if (__builtin_expect(error == 0, 1)) lock->held.store(true, std::memory_order_relaxed);
  return error;
}

int unlock_mutex(unsigned, void* handle) {
  auto* lock = static_cast<Mutex*>(handle);
  lock->held.store(false, std::memory_order_relaxed);
  return pthread_mutex_unlock(&lock->mutex);
}

unsigned long thread_id() {
  return static_cast<unsigned long>(pthread_self());
}

void* allocate_condition(unsigned) {
  auto* condition = static_cast<pthread_cond_t*>(allocate(sizeof(pthread_cond_t)));
  if (condition == nullptr) return nullptr;
  if (pthread_cond_init(condition, nullptr) != 0) {
    release(condition);
    return nullptr;
  }
  return condition;
}

void free_condition_variable(void* condition) {
  pthread_cond_destroy(static_cast<pthread_cond_t*>(condition));
  release(condition);
}

int signal_condition(void* handle, int everybody) {
  auto* condition = static_cast<pthread_cond_t*>(handle);
  const int error = everybody ? pthread_cond_broadcast(condition) : pthread_cond_signal(condition);
  return error == 0 ? 0 : -1;
}

// The lock may be a mutex of the program's own, where it has set the locks and not the conditions.
int wait_condition(void* handle, void* lock, const timeval* timeout) {
  static_assert(offsetof(Mutex, mutex) == 0);
  auto* condition = static_cast<pthread_cond_t*>(handle);
  auto* mutex = static_cast<pthread_mutex_t*>(lock);
  if (timeout == nullptr) return pthread_cond_wait(condition, mutex) == 0 ? 0 : -1;
  const timespec limit =
      netpoll::to_timespec(netpoll::add_saturating(netpoll::wall_now(), to_nanoseconds(*timeout)));
  const int error = pthread_cond_timedwait(condition, mutex, &limit);
  if (error == ETIMEDOUT) return 1;
  return error == 0 ? 0 : -1;
}

constexpr evthread_lock_callbacks kLocks = {EVTHREAD_LOCK_API_VERSION,
                                            EVTHREAD_LOCKTYPE_RECURSIVE,
                                            allocate_mutex,
                                            free_mutex,
                                            lock_mutex,
                                            unlock_mutex};
constexpr evthread_condition_callbacks kConditions = {EVTHREAD_CONDITION_API_VERSION,
                                                      allocate_condition, free_condition_variable,
                                                      signal_condition, wait_condition};

}  // namespace

}  // namespace pollshim::event

using namespace pollshim::event;

extern "C" int evthread_use_pthreads(void) {
  if (pthread_mutexattr_init(&recursive) != 0) return -1;
  if (pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE) != 0) return -1;
  evthread_set_lock_callbacks(&kLocks);
  evthread_set_condition_callbacks(&kConditions);
  evthread_set_id_callback(thread_id);
  return 0;
}
