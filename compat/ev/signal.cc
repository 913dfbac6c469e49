#include "compat/ev/signal.h"

#include <unistd.h>

#include <cerrno>

#if defined(__linux__)
#include <sys/signalfd.h>
#endif

#include "compat/ev/loop.h"

namespace pollshim::ev {

namespace {

bool is_signal(int signal) {
  return signal > 0 && signal < netpoll::kSignals;
}

ev_signal* next_of(const ev_signal* watcher) {
  return reinterpret_cast<ev_signal*>(watcher->next);
}

sigset_t only(int signal) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  return set;
}

}  // namespace

void mark_signal(int signal) {
  netpoll::SignalSink::mark_everywhere(signal);
}

void Signals::start(ev_loop& loop, ev_signal* watcher) {
  if (watcher->active != 0) return;
  const int signal = watcher->signum;
  if (!is_signal(signal) || (first_[signal] == nullptr && catch_signal(loop, signal) != 0)) {
    loop.refuse(head_of(watcher));
    return;
  }
  if (!loop.start(head_of(watcher), 1)) {
    if (first_[signal] == nullptr) release_signal(loop, signal);
    return;
  }
  watcher->next = reinterpret_cast<ev_watcher_list*>(first_[signal]);
  first_[signal] = watcher;
}

void Signals::stop(ev_loop& loop, ev_signal* watcher) {
  loop.pending.withdraw(head_of(watcher));
  if (watcher->active == 0) return;
  loop.stop(head_of(watcher));
  const int signal = watcher->signum;
  if (!is_signal(signal)) return;
  ev_signal* previous = nullptr;
  ev_signal* candidate = first_[signal];
  while (candidate != nullptr && candidate != watcher) {
    previous = candidate;
    candidate = next_of(candidate);
  }
  if (candidate == nullptr) return;
  if (previous != nullptr) {
    previous->next = watcher->next;
    return;
  }
  first_[signal] = next_of(watcher);
  if (first_[signal] != nullptr) return;
  release_signal(loop, signal);
}

// ---- catching ----

int Signals::catch_signal(ev_loop& loop, int signal) {
  if (open_signalfd(loop)) {
#if defined(__linux__)
    const sigset_t set = only(signal);
    sigaddset(&signalfd_set_, signal);
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    ::signalfd(signalfd_, &signalfd_set_, 0);
#endif
    return 0;
  }
  const int error = loop.core.watch_signal(signal);
  if (error != 0) return error;
  sink_ = &loop.core.signals();
  if (loop.flags & EVFLAG_NOSIGMASK) {
    const sigset_t set = only(signal);
    ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
  }
  return 0;
}

void Signals::release_signal(ev_loop& loop, int signal) {
  if (signalfd_ >= 0) {
#if defined(__linux__)
    const sigset_t set = only(signal);
    sigdelset(&signalfd_set_, signal);
    ::signalfd(signalfd_, &signalfd_set_, 0);
    ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
#endif
    return;
  }
  // The core puts back what it found. A program written for libev expects the default action.
  struct sigaction before {
  }, after{};
  ::sigaction(signal, nullptr, &before);
  loop.core.unwatch_signal(signal);
  ::sigaction(signal, nullptr, &after);
  if (after.sa_handler != before.sa_handler) ::signal(signal, SIG_DFL);
}

bool Signals::open_signalfd(ev_loop& loop) {
  if (signalfd_ >= 0) return true;
  if (!may_use_signalfd_) return false;
  may_use_signalfd_ = false;
#if defined(__linux__)
  sigemptyset(&signalfd_set_);
  signalfd_ = ::signalfd(-1, &signalfd_set_, SFD_NONBLOCK | SFD_CLOEXEC);
  if (signalfd_ < 0) return false;
  ev_io_init(&signalfd_watcher_, on_signalfd, signalfd_, EV_READ);
  ev_set_priority(&signalfd_watcher_, kHighestPriority);
  loop.ios.start(loop, &signalfd_watcher_);
  --loop.active;
  return true;
#else
  return false;
#endif
}

void Signals::on_signalfd(ev_loop* loop, ev_io*, int) {
#if defined(__linux__)
  signalfd_siginfo infos[4];
  ssize_t got;
  do {
    got = ::read(loop->signals.signalfd_, infos, sizeof infos);
    for (ssize_t i = 0; i < got / static_cast<ssize_t>(sizeof infos[0]); ++i)
      loop->signals.feed(*loop, static_cast<int>(infos[i].ssi_signo));
  } while (got == static_cast<ssize_t>(sizeof infos));
#endif
}

void Signals::close(ev_loop& loop) {
  for (int signal = 1; signal < netpoll::kSignals && sink_ != nullptr; ++signal) {
    if (first_[signal] != nullptr && sink_->watches(signal)) release_signal(loop, signal);
    first_[signal] = nullptr;
  }
  if (signalfd_ >= 0) ::close(signalfd_);
  signalfd_ = -1;
}

// ---- delivering ----

void Signals::feed(ev_loop& loop, int signal) {
  // What was caught while nobody is here stays for the next watcher.
  if (!is_signal(signal) || first_[signal] == nullptr) return;
  if (sink_ != nullptr) sink_->take(signal);
  for (ev_signal* watcher = first_[signal]; watcher != nullptr; watcher = next_of(watcher))
    loop.feed(head_of(watcher), EV_SIGNAL);
}

bool Signals::has_news(const ev_loop&) const {
  return sink_ != nullptr && sink_->has_any();
}

void Signals::feed_caught(ev_loop& loop) {
  if (sink_ == nullptr || !sink_->take_any()) return;
  // Fed last is invoked first, so low numbers come first.
  for (int signal = netpoll::kSignals; --signal > 0;) {
    if (first_[signal] != nullptr && sink_->take(signal) != 0) feed(loop, signal);
  }
}

}  // namespace pollshim::ev
