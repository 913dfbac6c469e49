// The fd table towards its front end: what is demanded, held and remembered of each descriptor, and
// what the front end gets back of what the kernel reports. fd_table_kernel.cc has the other side.
#include "core/fd_table.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "core/fd_table_notes.h"

namespace netpoll {

namespace {

constexpr int kSlotStep = 64;

Demand demand_of(const PollDesc& desc) {
  return {.waiter = parked_waiter(desc),
          .modes = desc.registration.wanted,
          .edge = has_flag(desc, kEdgeWanted),
          .exact = desc.registration.exact != 0};
}

// Parks in a gate what is wanted there. True if an edge was remembered while nobody was.
bool park_in(Gate& gate, Waiter* waiter, bool wanted) {
  const bool remembered = gate.remembers();
  if (wanted) {
    gate.park(waiter);
    return remembered;
  }
  if (!remembered) gate.clear();
  return false;
}

}  // namespace

void FdTable::SlotQueue::push(Slot slot) {
  if (size == capacity) {
    const std::uint32_t wider = capacity == 0 ? 16 : capacity * 2;
    void* memory = std::realloc(slots, sizeof(Slot) * wider);
    if (memory == nullptr) {
      overflown = true;
      return;
    }
    slots = static_cast<Slot*>(memory);
    capacity = wider;
  }
  slots[size++] = slot;
}

// Only for the short list of files that never block: a slot may still stand there from a life
// before this one.
bool FdTable::SlotQueue::contains(Slot slot) const {
  for (std::uint32_t i = 0; i < size; ++i) {
    if (slots[i] == slot) return true;
  }
  return false;
}

FdTable::~FdTable() {
  std::free(slots_);
  std::free(instant_.slots);
  std::free(always_ready_.slots);
}

Waiter* FdTable::waiter(int fd) const {
  const Slot slot = slot_of(fd);
  return slot == kNoSlot ? nullptr : parked_waiter(poller_.cache().at(slot));
}

ModeSet FdTable::wanted(int fd) const {
  const Slot slot = slot_of(fd);
  return slot == kNoSlot ? ModeSet{0} : poller_.cache().at(slot).registration.wanted;
}

Demand FdTable::demand(int fd) const {
  const Slot slot = slot_of(fd);
  return slot == kNoSlot ? Demand{} : demand_of(poller_.cache().at(slot));
}

// ---- slots ----

bool FdTable::grow_to(int fd) {
  if (fd < slots_size_) return true;
  if (fd > kHighest) return false;
  const int size = (fd / kSlotStep + 1) * kSlotStep;
  if (size > slots_capacity_) {
    int capacity = slots_capacity_ == 0 ? kSlotStep : slots_capacity_;
    while (capacity < size)
      capacity *= 2;
    void* memory = std::realloc(slots_, sizeof(Slot) * static_cast<unsigned>(capacity));
    if (memory == nullptr) return false;
    slots_ = static_cast<Slot*>(memory);
    slots_capacity_ = capacity;
  }
  // What is behind them is not touched, and costs no memory.
  std::memset(slots_ + slots_size_, 0, sizeof(Slot) * static_cast<unsigned>(size - slots_size_));
  slots_size_ = size;
  return true;
}

Slot FdTable::claim(int fd) {
  if (!grow_to(fd)) return kNoSlot;
  const Slot slot = poller_.cache().allocate(fd);
  slots_[fd] |= slot;
  if (slot != kNoSlot) ++watched_;
  return slot;
}

// Pre: not registered and not in the list of changes.
void FdTable::drop(PollDesc& desc, Slot slot) {
  slots_[desc.fd] &= kLeftBehind;
  --watched_;
  poller_.cache().release(slot);
}

// Nothing and nobody needs the slot any more.
void FdTable::drop_if_idle(PollDesc& desc, Slot slot) {
  const bool needed = desc.registration.wanted != 0 || desc.registration.held;
  if (!needed && !has_flag(desc, kRegistered | kChanged)) drop(desc, slot);
}

// The number names another file now: events of the old one are stale from here on.
void FdTable::renew(PollDesc& desc) {
  desc.info.renew();
  forget_remembered(desc, kAllModes);
  desc.registration.instant = 0;
  desc.registration.end_seen = 0;
}

// ---- notes to self ----

void FdTable::note_change(PollDesc& desc, Slot slot) {
  if (has_flag(desc, kChanged)) return;
  set_flag(desc, kChanged, true);
  desc.registration.next = kNoSlot;
  if (last_change_ == kNoSlot) {
    first_change_ = slot;
  } else {
    poller_.cache().at(last_change_).registration.next = slot;
  }
  last_change_ = slot;
}

void FdTable::note_unverified(PollDesc& desc, Slot slot) {
  if (!has_flag(desc, kUnverified)) ++unverified_;
  set_flag(desc, kUnverified, true);
  note_change(desc, slot);
}

void FdTable::note_verified(PollDesc& desc) {
  if (has_flag(desc, kUnverified)) --unverified_;
  set_flag(desc, kUnverified | kSuspect, false);
  desc.registration.departed = 0;
  desc.registration.said_new = 0;
}

void FdTable::note_told(PollDesc& desc, Interest interest) {
  set_flag(desc, kRegistered, true);
  set_flag(desc, kEdge, interest.edge);
  desc.registration.kernel = interest.modes & kAllModes;
  drop_invalid(desc);
}

// The kernel knows this incarnation no more.
void FdTable::note_gone(PollDesc& desc) {
  note_verified(desc);
  set_flag(desc, kRegistered | kEdge | kReportedInVain, false);
  desc.registration.kernel = 0;
  renew(desc);
}

// ... but the file that it was may live on, and be known under this number still.
void FdTable::note_replaced(PollDesc& desc) {
  note_gone(desc);
  slots_[desc.fd] |= kLeftBehind;
}

void FdTable::note_instant(PollDesc& desc, Slot slot, ModeSet modes) {
  if (desc.registration.instant == 0) instant_.push(slot);
  set_instant(desc, desc.registration.instant | unsigned{modes});
  if (poller_.waiting()) poller_.wake();
}

// ---- what the front end says ----

int FdTable::set_demand(int fd, const Demand& demand, Identity identity) {
  if (fd < 0) return EBADF;
  Slot slot = slot_of(fd);
  if (slot == kNoSlot) {
    if (demand.modes == 0) return 0;
    slot = claim(fd);
    if (slot == kNoSlot) return ENOMEM;
  }
  PollDesc& desc = poller_.cache().at(slot);
  const int error = tell(desc, slot, interest_of(desc, demand), identity);
  if (error == 0) park(desc, slot, demand);
  drop_if_idle(desc, slot);
  return error;
}

void FdTable::lower_demand(int fd, const Demand& demand) {
  const Slot slot = slot_of(fd);
  if (slot == kNoSlot) return;
  PollDesc& desc = poller_.cache().at(slot);
  if (tell(desc, slot, interest_of(desc, demand), Identity::kSame) != 0) note_change(desc, slot);
  park(desc, slot, demand);
  drop_if_idle(desc, slot);
}

// In edge mode a registration only ever grows, unless it is to be exact: what is wanted no more is
// remembered, not removed.
Interest FdTable::interest_of(const PollDesc& desc, const Demand& demand) const {
  if (!poller_.traits().edge) return {demand.modes, false};
  const bool grows = has_flag(desc, kEdge) && !demand.exact;
  const unsigned kept = grows ? desc.registration.kernel : 0u;
  if (demand.modes == 0 && desc.registration.held && kept != 0) return {modes_of(kept), true};
  if (demand.modes == 0 || !demand.edge) return {demand.modes, false};
  return {modes_of(demand.modes | demand.prepaid | kept), true};
}

// The same, for a demand that was stated before.
Interest FdTable::settled_interest(const PollDesc& desc) const {
  return interest_of(desc, demand_of(desc));
}

Interest FdTable::current(const PollDesc& desc) const {
  return {desc.registration.kernel, has_flag(desc, kEdge)};
}

void FdTable::park(PollDesc& desc, Slot slot, const Demand& demand) {
  const ModeSet modes = demand.modes;
  desc.registration.wanted = modes;
  desc.registration.exact = demand.exact;
  set_flag(desc, kEdgeWanted, demand.edge);
  unsigned remembered = 0;
  if (park_in(desc.read, demand.waiter, (modes & kReadGateModes) != 0)) remembered |= kRead;
  if (park_in(desc.write, demand.waiter, (modes & kWrite) != 0)) remembered |= kWrite;
  // A remembered edge is worth nothing in level mode: the kernel says what is ready now.
  if (has_flag(desc, kEdge) && (remembered & modes) != 0) {
    note_instant(desc, slot, modes_of(remembered & modes));
  }
}

void FdTable::remember(int fd, ModeSet modes) {
  const Slot slot = slot_of(fd);
  if (slot == kNoSlot) return;
  PollDesc& desc = poller_.cache().at(slot);
  if (!has_flag(desc, kEdge)) return;
  const unsigned here = modes & desc.registration.wanted;
  if (here != 0) note_instant(desc, slot, modes_of(here));
  remember_unwanted(desc, modes);
}

void FdTable::forget(int fd, ModeSet modes) {
  const Slot slot = slot_of(fd);
  if (slot != kNoSlot) forget_remembered(poller_.cache().at(slot), modes);
}

bool FdTable::end_seen(int fd) const {
  const Slot slot = slot_of(fd);
  if (slot == kNoSlot) return false;
  const PollDesc& desc = poller_.cache().at(slot);
  return desc.registration.end_seen && !has_flag(desc, kSuspect);
}

int FdTable::hold(int fd) {
  if (fd < 0) return EBADF;
  Slot slot = slot_of(fd);
  if (slot == kNoSlot) slot = claim(fd);
  if (slot == kNoSlot) return ENOMEM;
  poller_.cache().at(slot).registration.held = 1;
  return 0;
}

bool FdTable::held(int fd) const {
  const Slot slot = slot_of(fd);
  return slot != kNoSlot && poller_.cache().at(slot).registration.held;
}

void FdTable::release(int fd, bool closing) {
  const Slot slot = slot_of(fd);
  if (slot == kNoSlot) return;
  PollDesc& desc = poller_.cache().at(slot);
  if (!desc.registration.held) return;
  desc.registration.held = 0;
  if (desc.registration.wanted != 0) return;
  if (has_flag(desc, kRegistered)) {
    if (closing && poller_.traits().forgets_closed && !eager_removal_) {
      note_replaced(desc);
    } else if (can_tell()) {
      withdraw(desc, slot);
    } else {
      note_change(desc, slot);
    }
  }
  drop_if_idle(desc, slot);
}

// Decides whether the change from what the kernel knows to `to` is told now, later or never.
int FdTable::tell(PollDesc& desc, Slot slot, Interest to, Identity identity) {
  Registration& registration = desc.registration;
  const bool was_wanted = registration.wanted != 0;
  if (has_flag(desc, kAlwaysReady) && identity != Identity::kSame) {
    set_flag(desc, kAlwaysReady, false);
  }
  if (has_flag(desc, kAlwaysReady)) return 0;

  if (!has_flag(desc, kRegistered)) {
    if (to.modes == 0) return 0;
    if (!can_tell()) return defer(desc, slot, identity);
    if (options_.lazy_additions) {
      if (identity != Identity::kSame) drop_invalid(desc);
      note_change(desc, slot);
      return 0;
    }
    return enter(desc, slot, to);
  }

  if (to.modes == 0) {
    if (can_tell() && (eager_removal_ || (poller_.waiting() && !options_.keep_registrations))) {
      withdraw(desc, slot);
    } else if (!options_.keep_registrations) {
      note_change(desc, slot);
    }
    return 0;
  }

  // What was suspected and then not wanted for a while is no more trusted than before.
  if (has_flag(desc, kSuspect) && identity == Identity::kSame) identity = Identity::kUnknown;
  const bool same_trigger = has_flag(desc, kEdge) == to.edge;
  const bool covered = same_trigger && (to.modes & ~registration.kernel) == 0;
  if (covered && identity == Identity::kSame) {
    const bool trusted = was_wanted || registration.held || options_.keep_registrations;
    if (!trusted) note_unverified(desc, slot);
    if (to.modes == registration.kernel) return 0;
    // Edges that the kernel is to report anew are due during the wait, not after it.
    if (to.edge && poller_.waiting() && can_tell()) return adjust(desc, slot, to);
    note_change(desc, slot);
    return 0;
  }
  if (!can_tell() || options_.lazy_additions) {
    if (!was_wanted) registration.departed = 1;
    return defer(desc, slot, identity);
  }
  return adjust(desc, slot, to);
}

// Leaves the change to the thread that waits, and wakes it.
int FdTable::defer(PollDesc& desc, Slot slot, Identity identity) {
  if (identity != Identity::kSame) {
    drop_invalid(desc);
    if (has_flag(desc, kRegistered)) set_flag(desc, kSuspect, true);
    if (identity == Identity::kNew) desc.registration.said_new = 1;
  }
  note_change(desc, slot);
  if (poller_.waiting()) poller_.wake();
  return 0;
}

// ---- what the kernel says ----

// What one of the unusual has to hear of its event, if anything.
ModeSet FdTable::look_closer(PollDesc& desc, Slot slot, KernelBits bits) {
  const ModeSet modes = options_.readiness[bits];
  const ModeSet wanted = desc.registration.wanted;
  // Stated anew during the wait, when the kernel could not be asked whether this is still the file
  // that it speaks of. It will be before the next wait, and say again what is ready.
  if (has_flag(desc, kSuspect) && wanted != 0) return 0;
  const ModeSet hits = wanted == 0 ? ModeSet{0} : modes_of(modes & (wanted | unsigned{kInvalid}));
  bool in_vain = hits == 0 && wanted == 0;
  if (has_flag(desc, kEdge)) {
    in_vain = hits == 0 && (modes & (remembered(desc) | kWrite)) != 0;
    remember_unwanted(desc, modes);
    if (bits & (kPeerClosed | kHangup | kError | kUrgent)) desc.registration.end_seen = 1;
  }
  if (in_vain) set_flag(desc, kReportedInVain, true);
  // Left behind, or narrowed by another thread during the wait: tell the kernel, or it will report
  // this again and again. Edges may come once before that, for the next watcher.
  if (hits == 0 && (in_vain || !has_flag(desc, kEdge))) note_change(desc, slot);
  return hits;
}

void FdTable::visit_instant(Receive receive, void* visitor) {
  const auto visit_one = [&](PollDesc& desc) {
    // An edge noted before the demand turned to levels, or spoke of what may be another file, is no
    // news: what is ready, the kernel says. One noted before it narrowed waits for the next watcher
    // of that direction.
    const bool told_levels = desc.registration.wanted != 0 && !has_flag(desc, kEdgeWanted);
    const bool edge = has_flag(desc, kEdge) && !told_levels && !has_flag(desc, kSuspect);
    const unsigned wanted = edge ? desc.registration.wanted : 0u;
    const ModeSet modes = modes_of(desc.registration.instant & (wanted | kInvalid));
    if (edge) remember_unwanted(desc, desc.registration.instant);
    desc.registration.instant = 0;
    Waiter* waiter = parked_waiter(desc);
    if (modes != 0 && waiter != nullptr) receive(visitor, waiter, desc.fd, modes);
  };
  for (std::uint32_t i = 0; i < instant_.size; ++i)
    visit_one(poller_.cache().at(instant_.slots[i]));
  instant_.size = 0;
  if (!instant_.overflown) return;
  instant_.overflown = false;
  const Slot end = poller_.cache().end();
  for (Slot slot = 1; slot < end; ++slot)
    visit_one(poller_.cache().at(slot));
}

void FdTable::visit_always_ready(Receive receive, void* visitor) {
  std::uint32_t kept = 0;
  for (std::uint32_t i = 0; i < always_ready_.size; ++i) {
    const Slot slot = always_ready_.slots[i];
    PollDesc& desc = poller_.cache().at(slot);
    if (!has_flag(desc, kAlwaysReady) || desc.registration.wanted == 0) {
      set_flag(desc, kAlwaysReady, false);
      continue;
    }
    always_ready_.slots[kept++] = slot;
    const ModeSet modes = modes_of(desc.registration.wanted & unsigned{kRead | kWrite});
    if (modes != 0) receive(visitor, parked_waiter(desc), desc.fd, modes);
  }
  always_ready_.size = kept;
}

}  // namespace netpoll
