#include "core/loop.h"

namespace netpoll {

int Loop::init(const LoopOptions& options) {
  const int error = poller_.init(*options.backend, options.backend_options);
  if (error == 0) fds_.configure(options.fds);
  return error;
}

void Loop::shut_down() {
  signals_.close();
  poller_.shut_down();
}

int Loop::watch_signal(int signal) {
  if (!signals_.is_open()) {
    const int unwakeable = poller_.expect_wakes();
    if (unwakeable != 0) return unwakeable;
    const auto wake_loop = [](void* loop) { static_cast<Loop*>(loop)->wake(); };
    const int error = signals_.open(wake_loop, this);
    if (error != 0) return error;
  }
  return signals_.watch(signal);
}

int Loop::unwatch_signal(int signal) {
  return signals_.is_open() ? signals_.unwatch(signal) : 0;
}

int Loop::after_fork(Caught caught) {
  signals_.after_fork();
  if (caught == Caught::kForget) signals_.forget();
  trusted_turns_ = pause_ = 0;
  return fds_.reset(ResetReason::kForked);
}

}  // namespace netpoll
