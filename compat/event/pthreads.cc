// Locks, conditions and thread ids by pthreads: evthread_use_pthreads().
#include <pthread.h>
#include <sys/time.h>

#include <cerrno>
#include <new>

#include "compat/event/lock.h"
#include "compat/event/memory.h"
#include "compat/event/timeval.h"
#include "event2/event.h"
#include "event2/thread.h"

// The thread sanitizer finds locks that are taken in two orders, if they are mutexes.
#if defined(__SANITIZE_THREAD__)
#define POLLSHIM_SEES_THREADS true
#elif defined(__has_feature)
#define POLLSHIM_SEES_THREADS __has_feature(thread_sanitizer)
#else
#define POLLSHIM_SEES_THREADS false
#endif
#if defined(__linux__) && !POLLSHIM_SEES_THREADS
#define POLLSHIM_OWN_LOCKS true
#include "compat/event/thread_lock.h"
#else
#define POLLSHIM_OWN_LOCKS false
#endif

namespace pollshim::event {

namespace {

#if POLLSHIM_OWN_LOCKS

void* allocate_lock(unsigned type) {
  void* const memory = allocate(sizeof(ThreadLock));
  if (memory == nullptr) return nullptr;
  return new (memory) ThreadLock((type & EVTHREAD_LOCKTYPE_RECURSIVE) != 0);
}

void free_lock(void* handle, unsigned) {
  release(handle);
}

[[gnu::noinline]] int take_any_lock(unsigned mode, ThreadLock& lock) {
  if (mode & EVTHREAD_TRY) return lock.try_lock() ? 0 : EBUSY;
  lock.lock();
  return 0;
}

int take_lock(unsigned mode, void* handle) {
  auto& lock = *static_cast<ThreadLock*>(handle);
  return lock.lock_at_once() ? 0 : take_any_lock(mode, lock);
}

int give_lock_back(unsigned, void* handle) {
  static_cast<ThreadLock*>(handle)->unlock();
  return 0;
}

#endif

pthread_mutexattr_t recursive;

void* allocate_mutex(unsigned type) {
  auto* mutex = static_cast<pthread_mutex_t*>(allocate(sizeof(pthread_mutex_t)));
  if (mutex == nullptr) return nullptr;
  const bool is_recursive = (type & EVTHREAD_LOCKTYPE_RECURSIVE) != 0;
  if (pthread_mutex_init(mutex, is_recursive ? &recursive : nullptr) != 0) {
    release(mutex);
    return nullptr;
  }
  return mutex;
}

void free_mutex(void* handle, unsigned) {
  pthread_mutex_destroy(static_cast<pthread_mutex_t*>(handle));
  release(handle);
}

int lock_mutex(unsigned mode, void* handle) {
  auto* mutex = static_cast<pthread_mutex_t*>(handle);
  return (mode & EVTHREAD_TRY) ? pthread_mutex_trylock(mutex) : pthread_mutex_lock(mutex);
}

int unlock_mutex(unsigned, void* handle) {
  return pthread_mutex_unlock(static_cast<pthread_mutex_t*>(handle));
}

unsigned long thread_id() {
  return static_cast<unsigned long>(pthread_self());
}

// The mutex is for locks of ours, with which pthreads can not wait: it is held from before such a
// lock is given back until the wait has begun, and by whoever signals.
struct Condition {
  pthread_cond_t changed;
  pthread_mutex_t mutex;
};

void* allocate_condition(unsigned) {
  auto* condition = static_cast<Condition*>(allocate(sizeof(Condition)));
  if (condition == nullptr) return nullptr;
  if (pthread_cond_init(&condition->changed, nullptr) != 0) {
    release(condition);
    return nullptr;
  }
  pthread_mutex_init(&condition->mutex, nullptr);
  return condition;
}

void free_condition_variable(void* handle) {
  auto* condition = static_cast<Condition*>(handle);
  pthread_mutex_destroy(&condition->mutex);
  pthread_cond_destroy(&condition->changed);
  release(condition);
}

int signal_condition(void* handle, int everybody) {
  auto* condition = static_cast<Condition*>(handle);
  pthread_mutex_lock(&condition->mutex);
  const int error = everybody ? pthread_cond_broadcast(&condition->changed)
                              : pthread_cond_signal(&condition->changed);
  pthread_mutex_unlock(&condition->mutex);
  return error == 0 ? 0 : -1;
}

int wait_with_mutex(pthread_cond_t* changed, pthread_mutex_t* mutex, const timeval* timeout) {
  if (timeout == nullptr) return pthread_cond_wait(changed, mutex) == 0 ? 0 : -1;
  const timespec limit =
      netpoll::to_timespec(netpoll::add_saturating(netpoll::wall_now(), to_nanoseconds(*timeout)));
  const int error = pthread_cond_timedwait(changed, mutex, &limit);
  if (error == ETIMEDOUT) return 1;
  return error == 0 ? 0 : -1;
}

// The mutex may be the program's own, where it has set the locks and not the conditions.
int wait_for_mutex(void* handle, void* mutex, const timeval* timeout) {
  auto* condition = static_cast<Condition*>(handle);
  return wait_with_mutex(&condition->changed, static_cast<pthread_mutex_t*>(mutex), timeout);
}

constexpr evthread_lock_callbacks kMutexes = {EVTHREAD_LOCK_API_VERSION,
                                              EVTHREAD_LOCKTYPE_RECURSIVE,
                                              allocate_mutex,
                                              free_mutex,
                                              lock_mutex,
                                              unlock_mutex};
constexpr evthread_condition_callbacks kMutexConditions = {
    EVTHREAD_CONDITION_API_VERSION, allocate_condition, free_condition_variable, signal_condition,
    wait_for_mutex};

#if POLLSHIM_OWN_LOCKS

int wait_for_lock(void* handle, void* lock, const timeval* timeout) {
  auto* condition = static_cast<Condition*>(handle);
  pthread_mutex_lock(&condition->mutex);
  static_cast<ThreadLock*>(lock)->unlock();
  const int result = wait_with_mutex(&condition->changed, &condition->mutex, timeout);
  pthread_mutex_unlock(&condition->mutex);
  static_cast<ThreadLock*>(lock)->lock();
  return result;
}

constexpr evthread_lock_callbacks kLocks = {EVTHREAD_LOCK_API_VERSION,
                                            EVTHREAD_LOCKTYPE_RECURSIVE,
                                            allocate_lock,
                                            free_lock,
                                            take_lock,
                                            give_lock_back};
constexpr evthread_condition_callbacks kConditions = {EVTHREAD_CONDITION_API_VERSION,
                                                      allocate_condition, free_condition_variable,
                                                      signal_condition, wait_for_lock};

#else

constexpr const evthread_lock_callbacks& kLocks = kMutexes;
constexpr const evthread_condition_callbacks& kConditions = kMutexConditions;

#endif

// Conditions of the program's own wait with what the original hands out, which is a mutex.
bool program_has_conditions() {
  const auto allocate_theirs = threading.conditions.alloc_condition;
  return allocate_theirs != nullptr && allocate_theirs != allocate_condition;
}

}  // namespace

}  // namespace pollshim::event

using namespace pollshim::event;

extern "C" int evthread_use_pthreads(void) {
  if (pthread_mutexattr_init(&recursive) != 0) return -1;
  if (pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE) != 0) return -1;
  const bool mutexes = program_has_conditions();
  const bool refused = evthread_set_lock_callbacks(mutexes ? &kMutexes : &kLocks) != 0;
  evthread_set_condition_callbacks(mutexes || refused ? &kMutexConditions : &kConditions);
  evthread_set_id_callback(thread_id);
  return 0;
}
