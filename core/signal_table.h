// The process-wide table of watched signals. Any number of loops may watch the same signal; the one
// handler marks it in every loop that does and wakes those loops. The first watcher of a signal
// installs the handler, the last one to leave puts back what was there before.
//
// A SignalSink is one loop's share. The handler reaches sinks through a list that only ever grows,
// of nodes that are never freed, so it takes no lock and needs none.
#pragma once

#include <signal.h>

#include <atomic>
#include <cstdint>

namespace netpoll {

#if defined(NSIG)
inline constexpr int kSignals = NSIG;
#else
inline constexpr int kSignals = 65;
#endif

class SignalSink {
 public:
  SignalSink() = default;
  SignalSink(const SignalSink&) = delete;
  SignalSink& operator=(const SignalSink&) = delete;
  ~SignalSink() { close(); }

  // `wake` is called in the signal handler, after a signal was marked: async-signal-safe code only.
  // 0 or ENOMEM.
  int open(void (*wake)(void* context), void* context);

  // Gives up every signal that is still watched. No handler touches the sink's owner after this.
  void close();
  bool is_open() const { return node_ != nullptr; }

  // 0 or an errno (EINVAL for a number that is no signal or can not be caught). Watching is counted
  // neither here nor there: once for each loop and signal.
  // What was caught stays caught, even if nobody watches by the time it is taken.
  int watch(int signal);
  int unwatch(int signal);
  bool watches(int signal) const;

  // How many times the signal was caught since the last call.
  std::uint32_t take(int signal);
  // Whether any signal was caught since the last call.
  bool take_any();
  bool has_any() const;

  // Counts a signal as caught, as the handler would, for every loop that watches it, and wakes
  // them. Async-signal-safe.
  static void mark_everywhere(int signal);

  // In a forked child: handlers that ran on the parent's other threads are not ours. What is
  // watched stays watched.
  void after_fork();
  // Gives up what was caught: it was the parent's.
  void forget();

  // Public because the handler, a free function, needs it; nobody else does.
  struct Node;

 private:
  Node* node_ = nullptr;
};

}  // namespace netpoll
