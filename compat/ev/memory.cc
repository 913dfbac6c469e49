#include "compat/ev/memory.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace pollshim::ev {

namespace {

Allocator allocator_in_use = nullptr;
SyserrCallback syserr_callback = nullptr;

}  // namespace

void set_allocator(Allocator allocator) {
  allocator_in_use = allocator;
}

void set_syserr_callback(SyserrCallback callback) {
  syserr_callback = callback;
}

void* reallocate(void* block, std::size_t size) {
  if (size > PTRDIFF_MAX) return nullptr;
  if (allocator_in_use != nullptr) return allocator_in_use(block, static_cast<long>(size));
  return std::realloc(block, size);
}

void release(void* block) {
  if (block == nullptr) return;
  if (allocator_in_use != nullptr) {
    allocator_in_use(block, 0);
  } else {
    std::free(block);
  }
}

void report_syserr(const char* message) {
  if (syserr_callback != nullptr) {
    syserr_callback(message);
    return;
  }
  std::fprintf(stderr, "%s: %s\n", message, std::strerror(errno));
  std::abort();
}

void give_up(const char* message) {
  std::fprintf(stderr, "(libev) %s\n", message);
  std::abort();
}

}  // namespace pollshim::ev
