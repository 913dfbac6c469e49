// The fd table of a loop: which descriptor has which watchers, and what the kernel has to be told
// about it. A front end states its demand for a descriptor after every change of its watchers; the
// table decides when, and whether, that costs a system call:
//
//   * What grows is told at once, so that an error reaches the caller, and only if the kernel does
//     not know it already.
//   * What shrinks is told before the next sleep, once, if it is still so by then.
//   * A descriptor that left and came back may be another file under the same number. One call asks
//     the kernel (modify: ENOENT means a new file, which gets a new generation). The old file may
//     live on with its registration, and the number may come back to it: from then on whatever is
//     told of the number has a generation of its own. Where the front
//     end vouches that it is the same, none is made until the loop is about to sleep: a busy loop
//     that re-adds one-shot watchers makes no calls at all, and no lie survives a sleep.
//   * A registration that can not be removed any more, because its number was closed while a
//     duplicate lives on, would be reported for ever: the kernel set is rebuilt, and if that
//     happens again removal becomes eager.
//
// Edge mode: what was registered once stays registered until the last watcher goes, or for as long
// as the descriptor is held, unless the front end wants it to be exact, and the gates remember
// edges that came while nobody wanted them. A direction that is reported in vain is not asked for
// again until somebody wants it. Level mode: the waiters stay parked and the kernel reports them
// for as long as they are ready. All of one descriptor's watchers share a mode; the front end
// demands edges only when all of them can live with it.
//
// The caller holds the loop's lock. The table knows no watchers, only the Waiter that the front end
// wants back, which stands for all watchers of the descriptor.
#pragma once

#include <cstdint>

#include "core/fd_table_notes.h"
#include "core/poller.h"

namespace netpoll {

struct FdTableOptions {
  ReadinessMap readiness = kNativeReadiness;
  // Additions wait for the next sleep as well, and their errors come back as kInvalid.
  bool lazy_additions = false;
  // The front end is told of every new descriptor, so a registration may stay behind when its last
  // watcher goes: it is removed when it is reported in vain.
  bool keep_registrations = false;
  // Files that the kernel can not watch are ready in every turn, instead of an EPERM.
  bool emulate_regular_files = false;
};

enum class Identity : std::uint8_t {
  kSame,     // the caller vouches that the number still names the file that was watched last
  kUnknown,  // it may have been closed and opened anew
  kNew,      // ... and most likely was: the program says that it names another file
};

struct Demand {
  Waiter* waiter = nullptr;  // handed back when any of `modes` is ready; set when modes != 0
  ModeSet modes = 0;
  bool edge = false;
  // Edge mode: what to tell the kernel beyond `modes`, so that wanting it later costs no call.
  ModeSet prepaid = 0;
  // Edge mode: what is wanted no more is taken back before the next sleep. The kernel looks at the
  // file once more then, and reports edges again that it has reported before.
  bool exact = false;
};

class FdTable {
 public:
  // Beyond it nothing is watched: no kernel has such numbers, and a table for one would be large.
  static constexpr int kHighest = (1 << 27) - 1;

  explicit FdTable(Poller& poller) : poller_(poller) {}
  FdTable(const FdTable&) = delete;
  FdTable& operator=(const FdTable&) = delete;
  ~FdTable();

  // Pre: the poller has its backend.
  void configure(const FdTableOptions& options) {
    options_ = options;
    settles_at_once_ = options.keep_registrations && poller_.traits().tells_known;
  }

  // States what the watchers of `fd` want from now on. 0, or an errno with the old demand still in
  // force (EBADF, EPERM, ENOMEM, ENOSPC …).
  int set_demand(int fd, const Demand& demand, Identity identity);

  // The same, of levels, for a front end that has put its changes off until it is about to sleep:
  // what can be told at once is, even where additions wait for the sleep. What the kernel has
  // against it comes back as kInvalid. 0, or ENOMEM with the old demand still in force.
  int settle_demand(int fd, Waiter* waiter, ModeSet modes, Identity identity);

  // The same when watchers leave and none comes: that can not fail. What the kernel has against it
  // is found out before the next sleep.
  void lower_demand(int fd, const Demand& demand);

  // Pre: anything is demanded of `fd`, in level mode. Whom it is handed back to from now on.
  void hand_over(int fd, Waiter* waiter);

  // What was demanded last; what was prepaid then is not kept.
  Waiter* waiter(int fd) const;
  ModeSet wanted(int fd) const;
  Demand demand(int fd) const;

  // Edge mode: a reader or writer that stops before it has met EAGAIN leaves its readiness behind,
  // for the next watcher of that direction. One that has met it takes what was left there away.
  void remember(int fd, ModeSet modes);
  void forget(int fd, ModeSet modes);
  // Edge mode: the kernel has reported the end of this descriptor, in either direction, of which no
  // edge will tell again; or urgent data, at which reads stop though more is there. Whoever reads
  // goes on until it has met EAGAIN or the end.
  bool end_seen(int fd) const;

  // Edge mode: a registration that is held outlives its watchers, and coming back costs nothing.
  // The holder vouches that the number keeps its meaning until the release; if it closes the number
  // right after that, the kernel need not be told. 0 or ENOMEM.
  int hold(int fd);
  bool held(int fd) const;
  void release(int fd, bool closing);

  // Brings the kernel up to date. `may_sleep` says that the loop will block after this, so that
  // registrations which are trusted but not verified have to be verified now.
  void reconcile(bool may_sleep) {
    if (first_change_ != kNoSlot || zombie_) reconcile_noted(may_sleep);
  }
  // Time passes in which the front end sees nothing: whatever has left by now, and is still
  // registered, may come back as another file, whatever the front end vouches for then.
  void distrust_departed();
  bool has_unverified() const { return unverified_ != 0; }

  // Whether visit_ready() has something to say without asking the kernel.
  bool has_instant() const { return instant_.has_any() | always_ready_.has_any(); }

  // Hands out what the last wait has brought, in the kernel's order, and behind it what is ready
  // without asking the kernel: `visitor.ready(waiter, fd, modes)`, and `visitor.woken()` where a
  // wake-up was reported. Waiters of a descriptor that proved to be closed get kInvalid. There is
  // no list in between, so that an event touches nothing but its descriptor and its waiter. The
  // visitor must not call the table. True if it was called at all.
  template <class Visitor>
  bool visit_ready(Visitor&& visitor);

  // In a forked child: registers everything anew, lazy additions by the next wait. 0, or the errno
  // that kept the kernel set from being made, with everything as it was. Descriptors that could not
  // be registered are reported as kInvalid by the next visit_ready().
  int reset(ResetReason reason);

  // One past the highest descriptor that may have watchers, for walking all of them.
  int end() const { return slots_size_; }
  std::uint32_t watched() const { return watched_; }
  bool eager_removal() const { return eager_removal_; }
  // From now on the last watcher's departure is told to the kernel at once.
  void remove_eagerly() {
    eager_removal_ = true;
    settles_at_once_ = false;
  }

 private:
  // A list of slots outside of the descriptors, for the rare kinds of work. When memory is too
  // short for it, `overflown` makes its reader look at every descriptor instead.
  struct SlotQueue {
    Slot* slots = nullptr;
    std::uint32_t size = 0;
    std::uint32_t capacity = 0;
    bool overflown = false;
    void push(Slot slot);
    bool has_any() const { return (size | std::uint32_t{overflown}) != 0; }
    bool contains(Slot slot) const;
  };

  // Beside its slot: the number has named a file that may still be registered under it.
  static constexpr Slot kLeftBehind = Slot{1} << 31;

  Slot slot_of(int fd) const {
    return fd >= 0 && fd < slots_size_ ? slots_[fd] & ~kLeftBehind : kNoSlot;
  }
  bool left_behind(const PollDesc& desc) const { return (slots_[desc.fd] & kLeftBehind) != 0; }
  Slot claim(int fd);
  bool grow_to(int fd);
  void drop(PollDesc& desc, Slot slot);
  void drop_if_idle(PollDesc& desc, Slot slot);
  void renew(PollDesc& desc);

  // Another thread may be waiting in a backend that can not be told anything meanwhile.
  bool can_tell() const { return !poller_.waiting() || poller_.traits().concurrent; }
  int tell(PollDesc& desc, Slot slot, Interest to, Identity identity);
  int defer(PollDesc& desc, Slot slot, Identity identity);
  int enter(PollDesc& desc, Slot slot, Interest interest);
  int entered(PollDesc& desc, Slot slot, Interest interest, int error);
  int add_suspect(PollDesc& desc, Slot slot, Interest to);
  int adjust(PollDesc& desc, Slot slot, Interest to);
  int refused(PollDesc& desc, Slot slot, Interest to, int error);
  [[gnu::noinline]] int settle_unusual_demand(int fd, Waiter* waiter, ModeSet modes,
                                              Identity identity);
  [[gnu::noinline]] void settle_new_file(PollDesc& desc, Slot slot, int error);
  [[gnu::noinline]] void settle_refused(PollDesc& desc, Slot slot, int error);
  int withdraw(PollDesc& desc, Slot slot);
  void reconcile_noted(bool may_sleep);
  void settle_changes(bool may_sleep);
  void bring_up_to_date(PollDesc& desc, Slot slot, bool may_sleep);
  Interest without_what_is_vain(PollDesc& desc, Interest interest);
  void park(PollDesc& desc, Slot slot, const Demand& demand);
  Interest interest_of(const PollDesc& desc, const Demand& demand) const;
  Interest settled_interest(const PollDesc& desc) const;
  Interest current(const PollDesc& desc) const;

  void note_change(PollDesc& desc, Slot slot);
  void note_unverified(PollDesc& desc, Slot slot);
  void note_verified(PollDesc& desc);
  void note_told(PollDesc& desc, Interest interest);
  void note_gone(PollDesc& desc);
  void note_replaced(PollDesc& desc);
  void note_instant(PollDesc& desc, Slot slot, ModeSet modes);

  // One that is ready without asking the kernel, for a visitor of whatever kind.
  using Receive = void (*)(void* visitor, Waiter* waiter, int fd, ModeSet modes);

  void begin_visit();
  [[gnu::noinline]] ModeSet look_closer(PollDesc& desc, Slot slot, KernelBits bits);
  [[gnu::noinline]] void visit_instant(Receive receive, void* visitor);
  [[gnu::noinline]] void visit_always_ready(Receive receive, void* visitor);
  [[gnu::noinline]] void note_stale(Cookie cookie);
  void rebuild_after_zombie();

  Poller& poller_;
  FdTableOptions options_;
  Slot* slots_ = nullptr;  // indexed by descriptor, with kLeftBehind
  int slots_size_ = 0;
  int slots_capacity_ = 0;
  std::uint32_t watched_ = 0;
  Slot first_change_ = kNoSlot;  // linked through Registration::next, oldest first
  Slot last_change_ = kNoSlot;
  SlotQueue instant_;
  SlotQueue always_ready_;
  std::uint32_t unverified_ = 0;
  Cookie stale_now_ = kWakeCookie;     // the first stale event of this wait
  Cookie stale_before_ = kWakeCookie;  // ... and of the one before
  bool zombie_ = false;
  bool eager_removal_ = false;
  bool settles_at_once_ = false;  // registrations may stay behind, and adding tells known files
};

inline void FdTable::hand_over(int fd, Waiter* waiter) {
  PollDesc& desc = poller_.cache().at(slot_of(fd));
  if (desc.read.parked() != nullptr) desc.read.park(waiter);
  if (desc.write.parked() != nullptr) desc.write.park(waiter);
}

inline void FdTable::begin_visit() {
  if (poller_.wait_was_full()) poller_.double_event_capacity();
  stale_before_ = stale_now_;
  stale_now_ = kWakeCookie;
}

template <class Visitor>
bool FdTable::visit_ready(Visitor&& visitor) {
  bool visited = false;
  auto ready = [&](Waiter* waiter, int fd, ModeSet modes) {
    visited = true;
    visitor.ready(waiter, fd, modes);
  };
  begin_visit();
  poller_.for_each_event(
      [&](Cookie cookie, PollDesc& desc, KernelBits bits) {
        const ModeSet wanted = desc.registration.wanted;
        ModeSet hits = modes_of(options_.readiness[bits] & (wanted | unsigned{kInvalid}));
        const bool ordinary = !has_flag(desc, kSuspect | kEdge) && wanted != 0 && hits != 0;
        if (!ordinary) [[unlikely]] {
          hits = look_closer(desc, cookie_slot(cookie), bits);
          if (hits == 0) return;
        }
        ready(parked_waiter(desc), desc.fd, hits);
      },
      [&](Cookie cookie) { note_stale(cookie); },
      [&] {
        visited = true;
        visitor.woken();
      });
  if (has_instant()) [[unlikely]] {
    const Receive receive = [](void* context, Waiter* waiter, int fd, ModeSet modes) {
      (*static_cast<decltype(ready)*>(context))(waiter, fd, modes);
    };
    visit_instant(receive, &ready);
    visit_always_ready(receive, &ready);
  }
  return visited;
}

}  // namespace netpoll
