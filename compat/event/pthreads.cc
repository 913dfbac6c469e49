// Locks, conditions and thread ids by pthreads: evthread_use_pthreads().
#include <pthread.h>
#include <sys/time.h>

#include <cerrno>

#include "compat/event/memory.h"
#include "compat/event/timeval.h"
#include "event2/event.h"
#include "event2/thread.h"

namespace pollshim::event {

namespace {

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

void free_mutex(void* mutex, unsigned) {
  pthread_mutex_destroy(static_cast<pthread_mutex_t*>(mutex));
  release(mutex);
}

int lock_mutex(unsigned mode, void* handle) {
  auto* mutex = static_cast<pthread_mutex_t*>(handle);
  return (mode & EVTHREAD_TRY) ? pthread_mutex_trylock(mutex) : pthread_mutex_lock(mutex);
}

int unlock_mutex(unsigned, void* mutex) {
  return pthread_mutex_unlock(static_cast<pthread_mutex_t*>(mutex));
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

int wait_condition(void* handle, void* lock, const timeval* timeout) {
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
