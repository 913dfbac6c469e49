// The netpoller as the model describes it, for threads: descriptors are opened once, and a thread
// that finds one not ready blocks until it is, or its deadline passes, or somebody closes it.
//
// There is no poller thread. Whoever has to wait first leads: it waits in the kernel on behalf of
// everybody, wakes those whose descriptors became ready, and hands the lead on when its own turn
// has come. Followers sleep on a note of their own.
//
// All functions may be called from any thread. At most one waiter for each descriptor and
// direction; a second one is refused. The owner of a descriptor evicts it, lets its waiters leave,
// closes it here, and only then closes the file.
#pragma once

#include <pthread.h>

#include <atomic>

#include "core/deadline.h"
#include "core/lock.h"
#include "core/note.h"
#include "core/poller.h"
#include "core/waiter.h"

namespace netpoll {

// A continuation parked in a gate. `ready` is called once, on the thread that polls, with no lock
// held, and may free the object.
struct ParkedWaiter {
  void (*ready)(ParkedWaiter* self);
};

class Netpoller {
 public:
  Netpoller();
  Netpoller(const Netpoller&) = delete;
  Netpoller& operator=(const Netpoller&) = delete;
  ~Netpoller();

  // 0, or an errno with nothing left behind.
  int init(const BackendOps& backend);
  bool initialized() const { return poller_.initialized(); }
  void shut_down();

  // 0 or an errno: EPERM for a file that is always ready, so that the caller goes on blocking.
  int open(int fd, Cookie* out);
  // EBADF for a stale cookie, EBUSY while it is not evicted or somebody waits.
  int close(Cookie cookie);

  // Forgets a remembered edge, before the first attempt of an operation.
  PollError reset(Cookie cookie, ModeSet mode);

  // Blocks the calling thread. `mode` is kRead or kWrite.
  PollError wait(Cookie cookie, ModeSet mode);
  // The same, but only readiness ends it: for an operation that the kernel still works on.
  PollError wait_canceled(Cookie cookie, ModeSet mode);

  // Parks a continuation instead of the thread. kNone: an edge was remembered, nothing is parked.
  // kParked: `waiter->ready` will be called; call settle() from there or after.
  PollError park(Cookie cookie, ModeSet mode, ParkedWaiter* waiter);
  // What became of a parked wait: kNone when ready, kParked for a false alarm (park again).
  PollError settle(Cookie cookie, ModeSet mode);

  int set_deadline(Cookie cookie, Nanoseconds delay, ModeSet modes);
  // Evicts: everybody who waits, now or later, gets kClosing.
  int unblock(Cookie cookie);

  // Waits in the kernel once and wakes whoever became ready. The number of those, or -errno; 0 at
  // once when another thread leads.
  int poll(Nanoseconds delay);
  // Ends a poll() under way, or makes the next one short. Async-signal-safe.
  void wake() { poller_.wake(); }

  bool owns(int fd) const { return poller_.owns(fd); }
  // Whether the cookie names a descriptor that is open here.
  bool is_open(Cookie cookie) const { return poller_.cache().find_live(cookie) != nullptr; }
  std::uint32_t waiters() const { return waiters_.load(std::memory_order_relaxed); }
  PollerCounters& counters() { return poller_.counters(); }

  // In a forked child, in which no other thread exists: what was open is registered anew.
  int after_fork();

 private:
  struct ThreadWaiter;

  PollDesc* find(Cookie cookie) const { return poller_.cache().find_live(cookie); }
  PollError block(PollDesc& desc, Slot slot, ModeSet mode, bool whatever_happens);
  void sleep(ThreadWaiter& self);
  void follow(ThreadWaiter& self);
  void hand_on_the_lead();
  int poll_as_leader(Nanoseconds delay);
  Nanoseconds delay_until_deadline(Nanoseconds delay);
  void collect(Nanoseconds now);
  void make_ready(Cookie cookie, PollDesc& desc, KernelBits bits);
  void wake_freed(const Unblocked& freed);
  void call(Waiter* waiter);

  bool registers_edges() const { return poller_.traits().edge; }
  bool may_change_now() const { return !poller_.waiting() || poller_.traits().concurrent; }
  void arm(PollDesc& desc, Slot slot, ModeSet mode);
  void note_change(PollDesc& desc, Slot slot);
  void apply(PollDesc& desc, Slot slot);
  void apply_changes();

  Poller poller_;
  Deadlines deadlines_;
  Mutex mutex_;
  pthread_cond_t changes_applied_;
  Slot first_change_ = kNoSlot;
  Nanoseconds sleeps_until_ = 0;
  bool led_ = false;  // somebody waits in the kernel, or is about to
  ThreadWaiter* followers_ = nullptr;
  WaiterList ready_;  // the leader's
  std::atomic<std::uint32_t> waiters_{0};
};

}  // namespace netpoll
