// What the fd table notes in a PollDesc, in words: flags, parked waiters, edges in the gates. For
// the fd table alone, on the thread that holds the loop's lock.
#pragma once

#include "core/poll_desc.h"

namespace netpoll {

inline constexpr ModeSet kReadGateModes = kRead | kClosed;  // the peer's close shares the read gate

constexpr ModeSet modes_of(unsigned bits) {
  return static_cast<ModeSet>(bits);
}

inline Waiter* parked_waiter(const PollDesc& desc) {
  Waiter* waiter = desc.read.parked();
  return waiter != nullptr ? waiter : desc.write.parked();
}

inline void set_flag(PollDesc& desc, unsigned flag, bool on) {
  const unsigned flags = desc.registration.flags;
  desc.registration.flags = static_cast<std::uint8_t>(on ? flags | flag : flags & ~flag);
}

inline bool has_flag(const PollDesc& desc, unsigned flag) {
  return (desc.registration.flags & flag) != 0;
}

// Edge mode: keeps in the gates what came while nobody was parked there, for whoever comes next.
inline void remember_unwanted(PollDesc& desc, unsigned modes) {
  if ((modes & kRead) && desc.read.parked() == nullptr) desc.read.remember();
  if ((modes & kWrite) && desc.write.parked() == nullptr) desc.write.remember();
}

// Edge mode: what was reported while nobody wanted it.
inline ModeSet remembered(const PollDesc& desc) {
  return modes_of((desc.read.remembers() ? kReadGateModes : 0u) |
                  (desc.write.remembers() ? kWrite : 0u));
}

// What FdTable::park() comes to where levels are reported: nothing is remembered then.
inline void park_for_levels(PollDesc& desc, Waiter* waiter, ModeSet modes) {
  desc.registration.wanted = modes;
  desc.registration.exact = 0;
  desc.read.park((modes & kReadGateModes) != 0 ? waiter : nullptr);
  desc.write.park((modes & kWrite) != 0 ? waiter : nullptr);
}

inline bool was_same(const PollDesc& desc) {
  const Registration& registration = desc.registration;
  return registration.departed ? registration.was_same_departed : registration.was_same;
}

inline void note_whether_same(PollDesc& desc, bool same) {
  if (!has_flag(desc, kSuspect)) return;
  if (desc.registration.departed) {
    desc.registration.was_same_departed = same;
  } else {
    desc.registration.was_same = same;
  }
}

inline void set_instant(PollDesc& desc, unsigned modes) {
  desc.registration.instant = modes & (kAllModes | kInvalid);
}

inline void forget_remembered(PollDesc& desc, unsigned modes) {
  if ((modes & kRead) && desc.read.remembers()) desc.read.clear();
  if ((modes & kWrite) && desc.write.remembers()) desc.write.clear();
  set_instant(desc, desc.registration.instant & ~modes);
}

// News that the number was closed is out of date once it names something else.
inline void drop_invalid(PollDesc& desc) {
  set_instant(desc, desc.registration.instant & ~unsigned{kInvalid});
}

}  // namespace netpoll
