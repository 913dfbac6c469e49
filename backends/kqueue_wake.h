// How a wait in kevent(2) is ended from elsewhere. Two ways with one interface: EVFILT_USER, which
// costs no descriptor, and a wake descriptor for systems that lack it. Used by kqueue.cc alone.
//
// The contract says that a wake stays raised until drain(). A user event that was fetched is gone,
// so FilterWake remembers it; a readable descriptor stays readable by itself.
#pragma once

#include <sys/event.h>

#include <atomic>
#include <cerrno>

#include "core/wake.h"

namespace netpoll {

inline int trigger_user_event(int set, std::uintptr_t ident, unsigned short flags,
                              unsigned int fflags) {
  struct kevent change {};
  change.ident = static_cast<decltype(change.ident)>(ident);
  change.filter = EVFILT_USER;
  change.flags = static_cast<decltype(change.flags)>(flags);
  change.fflags = static_cast<decltype(change.fflags)>(fflags);
  // Seen to be interrupted on FreeBSD and macOS, although nothing sleeps here.
  while (::kevent(set, &change, 1, nullptr, 0, nullptr) < 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

class FilterWake {
 public:
  int open() {
    seen_ = false;
    raised_.store(false, std::memory_order_seq_cst);
    return 0;
  }
  void close() {}
  void adopt(FilterWake&) { open(); }

  int enter(int set) const { return trigger_user_event(set, kIdent, EV_ADD | EV_CLEAR, 0); }
  bool is_source_of(const struct kevent& event) const { return event.filter == EVFILT_USER; }
  bool owns(int) const { return false; }

  // The event was fetched from the kernel: from now on this object reports it.
  void note_fetched() { seen_ = true; }
  bool fetched() const { return seen_; }

  // Async-signal-safe. One trigger is enough until the next drain().
  void raise(int set) {
    const int saved = errno;
    if (!raised_.exchange(true, std::memory_order_seq_cst)) trigger(set);
    errno = saved;
  }
  // An exchange, so that what a waker wrote before is seen after: it may have found the flag up and
  // gone without a trigger.
  void drain() {
    seen_ = false;
    raised_.exchange(false, std::memory_order_seq_cst);
  }

  // The set was replaced under its number. A trigger that went to the old one is repeated; whoever
  // raises after this look goes to the new one.
  void follow(int set) const {
    if (!seen_ && raised_.load(std::memory_order_seq_cst)) trigger(set);
  }

 private:
  static constexpr std::uintptr_t kIdent = 1;

  static void trigger(int set) { trigger_user_event(set, kIdent, 0, NOTE_TRIGGER); }

  bool seen_ = false;  // touched by the waiting thread alone
  std::atomic<bool> raised_{false};
};

class DescriptorWake {
 public:
  int open() { return descriptor_.open(); }
  void close() { descriptor_.close(); }
  // Takes the place of this one, which is closed.
  void adopt(DescriptorWake& fresh) {
    descriptor_.close();
    descriptor_ = fresh.descriptor_;
  }

  // Without EV_CLEAR: some systems do not report an event again that a wait has seen and left.
  int enter(int set) const {
    struct kevent change {};
    change.ident = static_cast<decltype(change.ident)>(descriptor_.read_end());
    change.filter = EVFILT_READ;
    change.flags = EV_ADD;
    return ::kevent(set, &change, 1, nullptr, 0, nullptr) < 0 ? errno : 0;
  }
  bool is_source_of(const struct kevent& event) const {
    return event.filter == EVFILT_READ &&
           event.ident == static_cast<decltype(event.ident)>(descriptor_.read_end());
  }
  bool owns(int fd) const { return descriptor_.owns(fd); }

  void note_fetched() {}
  bool fetched() const { return false; }
  void raise(int) { descriptor_.raise(); }
  void drain() { descriptor_.drain(); }
  void follow(int) const {}

 private:
  WakeDescriptor descriptor_;
};

#if defined(EVFILT_USER) && !defined(NETPOLL_KQUEUE_WITHOUT_USER_FILTER)
using KqueueWake = FilterWake;
#else
using KqueueWake = DescriptorWake;
#endif

}  // namespace netpoll
