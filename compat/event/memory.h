// The user's memory functions (event_set_mem_functions), and what allocates through them. Every
// object that a user can see the address of, or frees through the API, comes from here; the core's
// own storage does not.
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define POLLSHIM_SEES_ADDRESSES true
#elif defined(__has_feature)
#define POLLSHIM_SEES_ADDRESSES __has_feature(address_sanitizer)
#else
#define POLLSHIM_SEES_ADDRESSES false
#endif

namespace pollshim::event {

// As malloc, calloc, realloc and free, through the user's hooks where they are set. Sizes of zero
// give nullptr. A product that overflows gives nullptr with ENOMEM.
void* allocate(std::size_t size);
void* allocate_zeroed(std::size_t count, std::size_t size);
void* reallocate(void* memory, std::size_t size);
void release(void* memory);
char* duplicate_string(const char* text);

// Which hooks are in force, so that their setter is the only writer.
struct MemoryHooks {
  void* (*allocate)(std::size_t);
  void* (*reallocate)(void*, std::size_t);
  void (*release)(void*);
};
void set_memory_hooks(const MemoryHooks& hooks);
// No hooks: memory may be kept for later, since nobody counts it.
bool memory_is_default();
// The address sanitizer is to see every piece of memory come and go.
inline constexpr bool kKeepsEmptied = !POLLSHIM_SEES_ADDRESSES;

}  // namespace pollshim::event
