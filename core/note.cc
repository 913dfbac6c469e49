#include "core/note.h"

#include <cerrno>
#include <ctime>

#include "core/clock.h"

#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace netpoll {

#if defined(__linux__)

Note::Note() = default;
Note::~Note() = default;

// What a signaller wrote before must be seen after: it may have found the word set and woken
// nobody. A plain store could be overtaken by the loads that follow it.
void Note::clear() {
  word_.exchange(0, std::memory_order_seq_cst);
}

void Note::signal() {
  const int saved = errno;
  if (word_.exchange(1, std::memory_order_seq_cst) == 0) {
    ::syscall(SYS_futex, &word_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
  }
  errno = saved;
}

bool Note::sleep(std::int64_t delay) {
  const std::int64_t deadline = delay < 0 ? -1 : add_saturating(monotonic_now(), delay);
  while (!signalled()) {
    timespec limit;
    timespec* limit_or_none = nullptr;
    if (deadline >= 0) {
      const std::int64_t left = deadline - monotonic_now();
      if (left <= 0) return signalled();
      limit = to_timespec(left);
      limit_or_none = &limit;
    }
    ::syscall(SYS_futex, &word_, FUTEX_WAIT_PRIVATE, 0, limit_or_none, nullptr, 0);
  }
  return true;
}

#else

Note::Note() {
  pthread_mutex_init(&mutex_, nullptr);
  pthread_cond_init(&condition_, nullptr);
}

Note::~Note() {
  pthread_cond_destroy(&condition_);
  pthread_mutex_destroy(&mutex_);
}

void Note::clear() {
  pthread_mutex_lock(&mutex_);
  word_.store(0, std::memory_order_relaxed);
  pthread_mutex_unlock(&mutex_);
}

void Note::signal() {
  pthread_mutex_lock(&mutex_);
  word_.store(1, std::memory_order_release);
  pthread_cond_signal(&condition_);
  pthread_mutex_unlock(&mutex_);
}

bool Note::sleep(std::int64_t delay) {
  pthread_mutex_lock(&mutex_);
  // The condition takes the wall clock, so a jump of that clock is corrected by looking at the
  // monotonic one again.
  const std::int64_t deadline = delay < 0 ? -1 : add_saturating(monotonic_now(), delay);
  while (!signalled()) {
    if (deadline < 0) {
      pthread_cond_wait(&condition_, &mutex_);
      continue;
    }
    const std::int64_t left = deadline - monotonic_now();
    if (left <= 0) break;
    const timespec limit = to_timespec(add_saturating(wall_now(), left));
    pthread_cond_timedwait(&condition_, &mutex_, &limit);
  }
  const bool result = signalled();
  pthread_mutex_unlock(&mutex_);
  return result;
}

#endif

}  // namespace netpoll
