// The two hooks of the process: the allocator that the program may bring, and what is told of
// system calls that fail for good. Whatever libev's interface makes visible is allocated here, the
// core's own storage is not. Knows no loop.
#pragma once

#include <ev.h>

#include <cstddef>
#include <cstdint>

namespace pollshim::ev {

using Allocator = void* (*)(void* block, long size)EV_NOEXCEPT;
using SyserrCallback = void (*)(const char* message) EV_NOEXCEPT;

void set_allocator(Allocator allocator);
void set_syserr_callback(SyserrCallback callback);

// As realloc; nullptr when memory is short, with the old block still there.
void* reallocate(void* block, std::size_t size);
void release(void* block);

// Makes room for `needed` elements. False when memory is short, with nothing changed.
template <class T>
bool grow(T*& array, std::uint32_t& capacity, std::uint32_t needed) {
  if (needed <= capacity) return true;
  std::uint32_t wider = capacity == 0 ? 8 : capacity;
  while (wider < needed) {
    if (wider > INT32_MAX / 2) return false;
    wider *= 2;
  }
  // NOLINTNEXTLINE(bugprone-sizeof-expression): the elements may well be pointers.
  void* const block = reallocate(static_cast<void*>(array), sizeof(T) * std::size_t{wider});
  if (block == nullptr) return false;
  array = static_cast<T*>(block);
  capacity = wider;
  return true;
}

// A system call failed and the loop can not go on without it: the program's callback may mend what
// is wrong, and without one the process ends.
void report_syserr(const char* message);

// The program broke a rule after which nothing sensible can follow.
[[noreturn]] void give_up(const char* message);

}  // namespace pollshim::ev
