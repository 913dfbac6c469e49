// ThreadLock: the lock that evthread_use_pthreads() hands out. It is one word that is taken and
// given back in place. A thread sleeps in the kernel only behind one that has kept the lock for
// longer than any code of ours does, and a process with one thread does without atomic
// instructions.
//
// Used by pthreads.cc alone, where there is a futex; knows nothing of what is locked.
#pragma once

#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>

#include "core/lock_word.h"

#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#endif

namespace pollshim::event {

class ThreadLock {
 public:
  explicit ThreadLock(bool recursive) : recursive_(recursive) {}
  ThreadLock(const ThreadLock&) = delete;
  ThreadLock& operator=(const ThreadLock&) = delete;

  // What nearly every lock() comes to: nobody has it, and it is one that nobody takes twice.
  bool lock_at_once() { return !recursive_ && take(); }

  void lock() {
    if (recursive_ && taken_again()) return;
    if (__builtin_expect(!take(), 0)) take_when_free();
    if (recursive_) holder_.store(pthread_self(), std::memory_order_relaxed);
  }

  bool try_lock() {
    if (recursive_ && taken_again()) return true;
    if (!take()) return false;
    if (recursive_) holder_.store(pthread_self(), std::memory_order_relaxed);
    return true;
  }

  void unlock() {
    if (recursive_ && depth_ != 0) {
      --depth_;
      return;
    }
    if (recursive_) holder_.store(pthread_t{}, std::memory_order_relaxed);
    if (has_one_thread()) {
      word_.give_back_alone();
    } else if (__builtin_expect(word_.give_back(), 0)) {
      futex(FUTEX_WAKE_PRIVATE, 1);
    }
  }

 private:
  static bool has_one_thread() {
#if __has_include(<sys/single_threaded.h>)
    return __libc_single_threaded != 0;
#else
    return false;
#endif
  }

  // Only the thread that holds the lock can find itself there.
  bool taken_again() {
    if (holder_.load(std::memory_order_relaxed) != pthread_self()) return false;
    ++depth_;
    return true;
  }

  bool take() {
    return has_one_thread() ? word_.try_take_alone() : word_.try_take();
  }

  // Whoever holds a lock of ours gives it back within a fraction of a microsecond, unless it has
  // lost the processor. To sleep and to be woken takes both sides ten times as long.
  [[gnu::noinline]] void take_when_free() {
    constexpr int kAttempts = 60;
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      pause_processor();
      if (word_.looks_free() && take()) return;
    }
    while (!word_.take_or_announce())
      futex(FUTEX_WAIT_PRIVATE, netpoll::LockWord::kAwaited);
  }

  static void pause_processor() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
  }

  void futex(int operation, std::uint32_t value) {
    const int saved = errno;
    ::syscall(SYS_futex, &word_.word(), operation, value, nullptr, nullptr, 0);
    errno = saved;
  }

  netpoll::LockWord word_;
  std::uint32_t depth_ = 0;  // of a recursive lock: how often it was taken again
  std::atomic<pthread_t> holder_{};
  bool recursive_;
};

}  // namespace pollshim::event
