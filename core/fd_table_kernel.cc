// The fd table towards the kernel: how a change is told, in how few calls, and what is done about a
// file that has come in place of another and a registration that can not be removed. It decides
// nothing that a front end would notice, but the errors.
#include <cerrno>

#include "core/fd_table.h"
#include "core/fd_table_notes.h"

namespace netpoll {

// ---- what the kernel is told ----

int FdTable::enter(PollDesc& desc, Slot slot, Interest interest) {
  int error = poller_.add(slot, interest);
  // Registered after all: the number was closed and came back to the same open file, by dup2().
  if (error == EEXIST) error = poller_.modify(slot, interest, interest);
  return entered(desc, slot, interest, error);
}

// What comes of an addition that the kernel answered with `error`.
int FdTable::entered(PollDesc& desc, Slot slot, Interest interest, int error) {
  if (error == EPERM && options_.emulate_regular_files) {
    set_flag(desc, kAlwaysReady, true);
    if (!always_ready_.contains(slot)) always_ready_.push(slot);
    return 0;
  }
  if (error != 0) return error;
  note_told(desc, interest);
  return 0;
}

// Where a front end speaks of every new file and nobody wanted the old one any more, adding it is
// most likely the one call that it takes. If it is the old one after all, the kernel says so, and
// may know all there is to know: all but the tag, if it is a file from further back.
int FdTable::add_suspect(PollDesc& desc, Slot slot, Interest to) {
  // The generation is published behind the call, and only if the file is new: nobody looks at what
  // the kernel reports without the loop's lock, which the caller holds.
  const Cookie renewed = make_cookie(slot, next_generation(desc.info.generation()));
  const int error = poller_.add_as(renewed, desc.fd, to);
  note_whether_same(desc, error == EEXIST);
  if (error == EEXIST) {
    note_verified(desc);
    const Interest now = current(desc);
    const bool told = !now.edge && to.modes == now.modes && !left_behind(desc);
    return told ? 0 : adjust(desc, slot, to);
  }
  note_replaced(desc);  // and renewed, to the generation that the kernel was given
  return entered(desc, slot, to, error);
}

// Nearly always the descriptor is registered and nothing is out of the ordinary about it. Then
// nobody wants it any more, and it stays behind; or it was wanted all the time, and only for what
// changes; or it is wanted as the kernel knows it, and one call tells whether its number has a new
// file.
int FdTable::settle_demand(int fd, Waiter* waiter, ModeSet modes, Identity identity) {
  const Slot entry =
      static_cast<unsigned>(fd) < static_cast<unsigned>(slots_size_) ? slots_[fd] : 0;
  const Slot slot = entry & ~kLeftBehind;
  if (slot == kNoSlot || !settles_at_once_ || poller_.waiting()) [[unlikely]] {
    return settle_unusual_demand(fd, waiter, modes, identity);
  }
  const bool was_left_behind = entry != slot;
  PollDesc& desc = poller_.cache().at(slot);
  Registration& registration = desc.registration;
  const bool ordinary = registration.flags == kRegistered && registration.instant == 0;
  if (ordinary && modes == 0) {
    park_for_levels(desc, nullptr, 0);
    return 0;
  }
  if (ordinary && modes == registration.kernel && identity != Identity::kSame && !was_left_behind) {
    park_for_levels(desc, waiter, modes);
    const Cookie renewed = make_cookie(slot, next_generation(desc.info.generation()));
    const int error = poller_.add_as(renewed, fd, {modes, false});
    if (error != EEXIST) [[unlikely]]
      settle_new_file(desc, slot, error);
    return 0;
  }
  if (ordinary && modes != registration.kernel && identity == Identity::kSame) {
    park_for_levels(desc, waiter, modes);
    if (was_left_behind) renew(desc);
    const int error = poller_.modify(slot, {registration.kernel, false}, {modes, false});
    if (error == 0) [[likely]] {
      registration.kernel = modes & kAllModes;
    } else {
      settle_refused(desc, slot, error);
    }
    return 0;
  }
  return settle_unusual_demand(fd, waiter, modes, identity);
}

int FdTable::settle_unusual_demand(int fd, Waiter* waiter, ModeSet modes, Identity identity) {
  return set_demand(fd, {waiter, modes}, identity);
}

void FdTable::settle_new_file(PollDesc& desc, Slot slot, int error) {
  note_replaced(desc);
  if (entered(desc, slot, {desc.registration.wanted, false}, error) != 0) {
    note_instant(desc, slot, kInvalid);
  }
}

void FdTable::settle_refused(PollDesc& desc, Slot slot, int error) {
  if (refused(desc, slot, {desc.registration.wanted, false}, error) != 0) {
    note_instant(desc, slot, kInvalid);
  }
}

int FdTable::adjust(PollDesc& desc, Slot slot, Interest to) {
  // Where the modes change and it was wanted until now, changing it is: most often a program stops
  // and starts a watcher to that end.
  const bool adding_is_best = desc.registration.departed ||
                              (!has_flag(desc, kEdge) && to.modes == desc.registration.kernel);
  // A number that has had another file before takes two calls where the guess is wrong, so it is
  // added only if the program calls it new, and did not the last time to no purpose.
  const bool said_new = desc.registration.said_new && !was_same(desc);
  const bool likely_new = said_new || !left_behind(desc);
  const bool may_be_new = has_flag(desc, kSuspect) && options_.keep_registrations && likely_new;
  if (may_be_new && adding_is_best && !to.edge && poller_.traits().tells_known) {
    return add_suspect(desc, slot, to);
  }
  // What this changes may be a registration from further back. The one that the table has in mind
  // belongs to somebody else then: it must not have the same tag, and what it said counts no more.
  // If it is the same after all, the kernel says all of it again.
  if (left_behind(desc)) renew(desc);
  const int error = poller_.modify(slot, current(desc), to);
  note_whether_same(desc, error == 0);
  if (error == 0) {
    note_verified(desc);
    note_told(desc, to);
    return 0;
  }
  return refused(desc, slot, to, error);
}

// What comes of a change that the kernel answered with `error`.
int FdTable::refused(PollDesc& desc, Slot slot, Interest to, int error) {
  if (error != ENOENT && error != EBADF) return error;
  note_replaced(desc);
  return error == ENOENT ? enter(desc, slot, to) : error;
}

// Failure is the normal course of a close before the last watcher goes; the generation sees to it
// that nothing comes of a registration that lives on.
int FdTable::withdraw(PollDesc& desc, Slot slot) {
  const int error = poller_.remove(slot, current(desc));
  if (error == 0) {
    note_gone(desc);
  } else {
    note_replaced(desc);
  }
  return error;
}

void FdTable::reconcile_noted(bool may_sleep) {
  settle_changes(may_sleep);
  if (!zombie_) return;
  rebuild_after_zombie();
  settle_changes(may_sleep);
}

void FdTable::settle_changes(bool may_sleep) {
  Slot slot = first_change_;
  first_change_ = last_change_ = kNoSlot;
  while (slot != kNoSlot) {
    PollDesc& desc = poller_.cache().at(slot);
    const Slot next = desc.registration.next;
    set_flag(desc, kChanged, false);
    bring_up_to_date(desc, slot, may_sleep);
    slot = next;
  }
}

void FdTable::distrust_departed() {
  for (Slot slot = first_change_; slot != kNoSlot;) {
    PollDesc& desc = poller_.cache().at(slot);
    const bool departed = desc.registration.wanted == 0 && !desc.registration.held;
    if (departed && has_flag(desc, kRegistered)) set_flag(desc, kSuspect, true);
    slot = desc.registration.next;
  }
}

// Edge mode: a sender goes on, and a local socket tells that it is writable whenever its peer has
// read. What was reported in vain is asked for again when somebody wants it: the kernel will then
// say anew what is ready.
Interest FdTable::without_what_is_vain(PollDesc& desc, Interest interest) {
  const unsigned vain = remembered(desc) & ~unsigned{desc.registration.wanted};
  forget_remembered(desc, vain);
  return {modes_of(interest.modes & ~vain), interest.edge};
}

void FdTable::bring_up_to_date(PollDesc& desc, Slot slot, bool may_sleep) {
  const bool in_vain = has_flag(desc, kReportedInVain);
  set_flag(desc, kReportedInVain, false);
  Interest to = settled_interest(desc);
  if (in_vain && to.edge) to = without_what_is_vain(desc, to);
  if (to.modes == 0) {
    if (has_flag(desc, kRegistered) && (in_vain || !options_.keep_registrations)) {
      const int error = withdraw(desc, slot);
      if (in_vain && (error == ENOENT || error == EBADF)) zombie_ = true;
    }
    drop_if_idle(desc, slot);
    return;
  }
  int error = 0;
  if (!has_flag(desc, kRegistered)) {
    if (!has_flag(desc, kAlwaysReady)) error = enter(desc, slot, to);
  } else if (has_flag(desc, kSuspect) || has_flag(desc, kEdge) != to.edge ||
             to.modes != desc.registration.kernel) {
    error = adjust(desc, slot, to);
  } else if (has_flag(desc, kUnverified)) {
    if (may_sleep) {
      error = adjust(desc, slot, to);
    } else {
      note_change(desc, slot);
    }
  }
  if (error != 0) note_instant(desc, slot, kInvalid);
}

// ---- registrations that can not be removed ----

void FdTable::note_stale(Cookie cookie) {
  if (stale_now_ == kWakeCookie) stale_now_ = cookie;
  // Once may be a change that another thread made during the wait. The same one twice in a row is
  // a registration that outlived its descriptor, and will be reported for as long as it is ready.
  if (cookie == stale_before_) zombie_ = true;
}

void FdTable::rebuild_after_zombie() {
  zombie_ = false;
  stale_now_ = stale_before_ = kWakeCookie;
  if (poller_.counters().rebuilds != 0) remove_eagerly();
  reset(ResetReason::kZombies);
}

int FdTable::reset(ResetReason reason) {
  const int error = poller_.reset(reason);
  if (error != 0) return error;
  for (int fd = 0; fd < slots_size_; ++fd)
    slots_[fd] &= ~kLeftBehind;
  const Slot end = poller_.cache().end();
  for (Slot slot = 1; slot < end; ++slot) {
    PollDesc& desc = poller_.cache().at(slot);
    if (desc.fd < 0) continue;
    const bool was_registered = has_flag(desc, kRegistered);
    const Interest to = settled_interest(desc);
    note_verified(desc);
    set_flag(desc, kRegistered | kEdge | kReportedInVain, false);
    desc.registration.kernel = 0;
    desc.registration.end_seen = 0;  // of what may be another file by now; the kernel will tell
    if (to.modes == 0) {
      drop_if_idle(desc, slot);
    } else if (was_registered && options_.lazy_additions) {
      note_change(desc, slot);  // the front end may have news of it by then
    } else if (was_registered && enter(desc, slot, to) != 0) {
      note_instant(desc, slot, kInvalid);
    }
  }
  return 0;
}

}  // namespace netpoll
