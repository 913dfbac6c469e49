// A note: a one-shot event that one thread sleeps on and anybody may signal (the model's note). It
// is what parked threads and the descriptor-less backend sleep on. Signalling is async-signal-safe
// where the system has a futex; elsewhere the note is a mutex and a condition.
#pragma once

#include <atomic>
#include <cstdint>

#if !defined(__linux__)
#include <pthread.h>
#endif

namespace netpoll {

class Note {
 public:
  Note();
  ~Note();  // NOLINT(performance-trivially-destructible): where there is a futex, but not elsewhere
  Note(const Note&) = delete;
  Note& operator=(const Note&) = delete;

  // Makes the note ready for another use. Nobody sleeps on it.
  void clear();

  // Wakes the sleeper, now or when it comes. Signalling twice is as good as once.
  void signal();

  // Sleeps until the note is signalled, at most `delay` nanoseconds (negative: for ever). True if
  // it was signalled. Signal handlers do not end the sleep.
  bool sleep(std::int64_t delay);

  bool signalled() const { return word_.load(std::memory_order_acquire) != 0; }

 private:
  std::atomic<std::uint32_t> word_{0};
#if !defined(__linux__)
  pthread_mutex_t mutex_;
  pthread_cond_t condition_;
#endif
};

}  // namespace netpoll
