// A PollDesc is one incarnation of one watched descriptor: its two gates, its published info word
// and what the kernel has been told about it. The slab in poll_cache owns the storage; a poller and
// its fd table own the content. 32 bytes, two to a cache line: an idle descriptor costs no more.
//
// Deadlines are the cold half of the model's pollDesc and live beside it, in core/deadline, only
// for pollers whose waiters have them.
#pragma once

#include <cstdint>

#include "core/gate.h"
#include "core/info_word.h"
#include "core/modes.h"

namespace netpoll {

using InfoWord = BasicInfoWord<StdAtomic>;
using Slot = std::uint32_t;
inline constexpr Slot kNoSlot = 0;  // also the wake descriptor's cookie: no descriptor ever has it

// What the kernel hands back with an event. The generation tells a stale one apart.
using Cookie = std::uint64_t;
inline constexpr Cookie kWakeCookie = 0;
constexpr Cookie make_cookie(Slot slot, Generation generation) {
  return static_cast<Cookie>(generation) << 32 | slot;
}
constexpr Slot cookie_slot(Cookie cookie) {
  return static_cast<Slot>(cookie);
}
constexpr Generation cookie_generation(Cookie cookie) {
  return static_cast<Generation>(cookie >> 32);
}

// The result of asking whether a waiter may go on. The first four are numbered as the native API
// reports them.
enum class PollError : std::uint8_t {
  kNone = 0,
  kClosing = 1,
  kTimeout = 2,
  kNotPollable = 3,
  kBusy,    // somebody else waits in this direction
  kStale,   // no such descriptor, or not any more
  kParked,  // not over yet: the continuation is, or has to be, parked
};

// State of a descriptor's registration. Guarded by the poller's owner (a loop's lock, or the native
// poller's), never touched by the kernel side.
struct Registration {
  ModeSet wanted = 0;             // what the watchers want now
  ModeSet kernel : 4 = 0;         // what the kernel was last told
  std::uint8_t held : 1 = 0;      // edge mode: stays registered while nobody wants anything
  std::uint8_t end_seen : 1 = 0;  // edge mode: no edge will tell of all that is left to read
  std::uint8_t exact : 1 = 0;     // edge mode: the kernel is to know nothing but what is wanted
  std::uint8_t departed : 1 = 0;  // a suspect that nobody wanted: its number may have a new file
  std::uint8_t flags = 0;         // kRegistered and friends
  ModeSet instant : 4 = 0;  // ready without asking the kernel: edges remembered, failures to report
  std::uint8_t said_new : 1 = 0;  // a suspect of which the front end says that it is a new file
  // What the last doubts came to, of a suspect that somebody wanted all the time, and of one that
  // was departed: it was the same file after all.
  std::uint8_t was_same : 1 = 0;
  std::uint8_t was_same_departed : 1 = 0;
  Slot next = kNoSlot;  // links the cache's free list, or the fd table's list of changes
};

inline constexpr std::uint8_t kRegistered = 1;    // the kernel knows the descriptor
inline constexpr std::uint8_t kEdge = 2;          // ... and reports edges, not levels
inline constexpr std::uint8_t kChanged = 4;       // stands in the fd table's list of changes
inline constexpr std::uint8_t kUnverified = 8;    // re-added on trust: verify before sleeping
inline constexpr std::uint8_t kAlwaysReady = 16;  // a file the kernel can not watch: never blocks
inline constexpr std::uint8_t kEdgeWanted = 32;   // all of its watchers want edges
inline constexpr std::uint8_t kSuspect = 64;      // may be another file by now: ask the kernel
inline constexpr std::uint8_t kReportedInVain = 128;  // the kernel reports it and nobody wants it

struct PollDesc {
  Gate read;
  Gate write;
  InfoWord info;
  int fd = -1;
  Registration registration;

  Gate& gate(ModeSet mode) { return mode == kWrite ? write : read; }

  // Whether a waiter in this direction has to give up, and why. Errors of writing are left for
  // write(2) to report more precisely.
  PollError check(ModeSet mode) const {
    const std::uint32_t flags = info.flags();
    if (flags & kInfoClosing) return PollError::kClosing;
    const std::uint32_t expired = mode == kWrite ? kInfoWriteExpired : kInfoReadExpired;
    if (flags & expired) return PollError::kTimeout;
    if (mode != kWrite && (flags & kInfoEventError)) return PollError::kNotPollable;
    return PollError::kNone;
  }
};
static_assert(sizeof(void*) != 8 || sizeof(PollDesc) == 32);

}  // namespace netpoll
