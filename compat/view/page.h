// The shared page: the layout of the small file through which a process shows its loops to
// `pollshim top`.
//
// Written by the view (publisher), read by the command in another process: both include this header
// and nothing else of each other. One writer per loop slot, the thread that runs the loop; readers
// never block it (a sequence lock). A change of layout is a new kPageVersion. Times are
// CLOCK_MONOTONIC nanoseconds, which are the same in every process.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "compat/view/view.h"

namespace pollshim::view {

inline constexpr char kPageMagic[8] = {'P', 'S', 'H', 'I', 'M', 'T', 'O', 'P'};
inline constexpr uint32_t kPageVersion = 1;
inline constexpr uint32_t kPageLoops = 64;
inline constexpr uint32_t kPageCallbacks = 8;
inline constexpr char kPageDirectory[] = "/dev/shm";
inline constexpr char kPagePrefix[] = "pollshim-top.";  // then PID "." engine

// One of a loop's slowest callbacks. `where` is "symbol" or "file+0xoffset": text, because a reader
// cannot see our symbols.
struct CallbackFigures {
  uint64_t function;
  uint64_t calls;
  uint64_t total_ns;
  uint64_t longest_ns;
  char where[72];
};

// Everything known of one loop at one moment. A multiple of eight bytes, so that it can be copied
// in words.
struct LoopFigures {
  uint64_t id;  // 1, 2, 3 … in the order of opening; never used twice in a process
  uint64_t opened_ns;
  uint64_t taken_ns;
  uint64_t waiting_ns;
  uint64_t callback_ns;
  uint64_t callbacks;
  Counters counters;
  char backend[16];
  CallbackFigures slowest[kPageCallbacks];  // unordered; function 0 means empty
};
static_assert(sizeof(LoopFigures) % 8 == 0 && alignof(LoopFigures) == 8);

enum class LoopState : uint32_t { kFree, kIdle, kWaiting, kInCallback, kClosed };

// One slot. State, since and function change with every wait and callback and stand alone, outside
// the sequence lock: a reader of a stuck loop wants exactly these, and a torn pair of them costs it
// one wrong line for a moment.
struct alignas(64) PageLoop {
  std::atomic<uint32_t> sequence;  // odd while the figures are being written
  std::atomic<LoopState> state;
  std::atomic<uint64_t> since_ns;
  std::atomic<uint64_t> function;
  std::atomic<uint64_t> words[sizeof(LoopFigures) / 8];
};

struct Page {
  char magic[8];
  std::atomic<uint32_t> version;  // stored last, with release: zero means "not yet ready"
  uint32_t page_size;
  uint32_t loop_size;
  uint32_t loop_count;
  uint32_t pid;
  std::atomic<uint32_t> unseen_loops;  // opened while every slot was taken
  uint64_t started_ns;
  char engine[16];
  char engine_version[32];
  char program[64];
  PageLoop loops[kPageLoops];
};
static_assert(std::atomic<uint64_t>::is_always_lock_free && sizeof(std::atomic<uint64_t>) == 8);
static_assert(std::atomic<LoopState>::is_always_lock_free && sizeof(std::atomic<LoopState>) == 4);

// Release and acquire on each word stand in for the fences of the textbook: a reader that sees a
// new word also sees the odd number before it, and looks at the number again only after the last
// word.
inline void write_figures(PageLoop& slot, const LoopFigures& figures) {
  uint64_t words[sizeof(LoopFigures) / 8];
  std::memcpy(words, &figures, sizeof figures);
  uint32_t sequence = slot.sequence.load(std::memory_order_relaxed) | 1U;
  slot.sequence.store(sequence, std::memory_order_relaxed);
  for (size_t i = 0; i < sizeof words / 8; i++)
    slot.words[i].store(words[i], std::memory_order_release);
  slot.sequence.store(sequence + 1, std::memory_order_release);
}

// False if a writer stayed in the way; a writer that died half-way would keep it so for ever, hence
// the bound.
inline bool read_figures(const PageLoop& slot, LoopFigures* figures) {
  uint64_t words[sizeof(LoopFigures) / 8];
  for (int tries = 0; tries < 10000; tries++) {
    uint32_t before = slot.sequence.load(std::memory_order_acquire);
    for (size_t i = 0; i < sizeof words / 8; i++)
      words[i] = slot.words[i].load(std::memory_order_acquire);
    if (before % 2 == 0 && before == slot.sequence.load(std::memory_order_relaxed)) {
      std::memcpy(figures, words, sizeof words);
      return true;
    }
  }
  return false;
}

}  // namespace pollshim::view
