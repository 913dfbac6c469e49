#include "compat/event/memory.h"

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace pollshim::event {

namespace {

MemoryHooks hooks_in_force = {nullptr, nullptr, nullptr};

}  // namespace

void set_memory_hooks(const MemoryHooks& hooks) {
  hooks_in_force = hooks;
}

bool memory_is_default() {
  return hooks_in_force.allocate == nullptr && hooks_in_force.release == nullptr;
}

void* allocate(std::size_t size) {
  if (size == 0) return nullptr;
  return hooks_in_force.allocate != nullptr ? hooks_in_force.allocate(size) : std::malloc(size);
}

void* allocate_zeroed(std::size_t count, std::size_t size) {
  if (count == 0 || size == 0) return nullptr;
  std::size_t total;
  if (__builtin_mul_overflow(count, size, &total)) {
    errno = ENOMEM;
    return nullptr;
  }
  if (hooks_in_force.allocate == nullptr) return std::calloc(count, size);
  void* memory = hooks_in_force.allocate(total);
  if (memory != nullptr) std::memset(memory, 0, total);
  return memory;
}

void* reallocate(void* memory, std::size_t size) {
  return hooks_in_force.reallocate != nullptr ? hooks_in_force.reallocate(memory, size)
                                              : std::realloc(memory, size);
}

void release(void* memory) {
  if (hooks_in_force.release != nullptr) {
    hooks_in_force.release(memory);
  } else {
    std::free(memory);
  }
}

char* duplicate_string(const char* text) {
  if (text == nullptr) {
    errno = EINVAL;
    return nullptr;
  }
  const std::size_t size = std::strlen(text) + 1;
  auto* copy = static_cast<char*>(allocate(size));
  if (copy == nullptr) {
    errno = ENOMEM;
    return nullptr;
  }
  std::memcpy(copy, text, size);
  return copy;
}

}  // namespace pollshim::event
