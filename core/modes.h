// The vocabulary of readiness: what a kernel reports, what a waiter waits for, and the tables that
// turn the first into the second. Everybody may include this; it knows nothing but numbers.
//
// A kernel report says what happened to a descriptor. Which directions that wakes is a matter of
// contract, and the contracts differ (a hang-up wakes both directions for one front end, and is a
// third direction for another), so each front end brings a table of its own.
#pragma once

#include <cstdint>

namespace netpoll {

// Directions that a waiter may wait for. kInvalid is never waited for: it is reported to every
// waiter of a descriptor that the kernel says does not exist.
using ModeSet = std::uint8_t;
inline constexpr ModeSet kRead = 1;
inline constexpr ModeSet kWrite = 2;
inline constexpr ModeSet kClosed = 4;
inline constexpr ModeSet kInvalid = 8;
inline constexpr ModeSet kAllModes = kRead | kWrite | kClosed;

// What a backend reports, in words that every kernel can be translated into.
using KernelBits = std::uint8_t;
inline constexpr KernelBits kIn = 1;
inline constexpr KernelBits kOut = 2;
inline constexpr KernelBits kPeerClosed = 4;  // the peer has shut down its sending side
inline constexpr KernelBits kHangup = 8;
inline constexpr KernelBits kError = 16;
inline constexpr KernelBits kBadDescriptor = 32;
// Urgent data is among what waits to be read. Wakes nobody, so the tables know nothing of it; only
// edges report it, where a read that stops at the urgent mark must not pass for the last one.
inline constexpr KernelBits kUrgent = 64;
inline constexpr unsigned kKernelBitCombinations = 64;

// One row for each combination of kernel bits, computed at compile time by its front end.
struct ReadinessMap {
  ModeSet modes[kKernelBitCombinations];

  constexpr ModeSet operator[](KernelBits bits) const {
    return modes[bits & (kKernelBitCombinations - 1)];
  }
};

// Builds a table from one rule for each kernel bit: the modes which that bit alone makes ready.
struct ReadinessRules {
  ModeSet in, out, peer_closed, hangup, error;
};

constexpr ReadinessMap make_readiness_map(const ReadinessRules& rules) {
  ReadinessMap map{};
  for (unsigned bits = 0; bits < kKernelBitCombinations; ++bits) {
    unsigned modes = 0;
    if (bits & kIn) modes |= rules.in;
    if (bits & kOut) modes |= rules.out;
    if (bits & kPeerClosed) modes |= rules.peer_closed;
    if (bits & kHangup) modes |= rules.hangup;
    if (bits & kError) modes |= rules.error;
    if (bits & kBadDescriptor) modes |= kRead | kWrite | kInvalid;
    map.modes[bits] = static_cast<ModeSet>(modes);
  }
  return map;
}

// The netpoller's own contract: a waiter must wake for anything that makes its next attempt at
// I/O return, be it data, an end of file or an error.
inline constexpr ReadinessMap kNativeReadiness = make_readiness_map({.in = kRead,
                                                                     .out = kWrite,
                                                                     .peer_closed = kRead,
                                                                     .hangup = kRead | kWrite,
                                                                     .error = kRead | kWrite});

}  // namespace netpoll
