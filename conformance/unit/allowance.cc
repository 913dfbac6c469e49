#include "conformance/unit/allowance.h"

#include <cstddef>

namespace {

constexpr int kUnlimited = -1;
int allocations_left = kUnlimited;

bool may_allocate() {
  if (allocations_left == kUnlimited) return true;
  if (allocations_left == 0) return false;
  --allocations_left;
  return true;
}

}  // namespace

extern "C" {
void* __real_malloc(std::size_t size);
void* __real_calloc(std::size_t count, std::size_t size);
void* __real_realloc(void* memory, std::size_t size);
void* __wrap_malloc(std::size_t size);
void* __wrap_calloc(std::size_t count, std::size_t size);
void* __wrap_realloc(void* memory, std::size_t size);

void* __wrap_malloc(std::size_t size) {
  return may_allocate() ? __real_malloc(size) : nullptr;
}
void* __wrap_calloc(std::size_t count, std::size_t size) {
  return may_allocate() ? __real_calloc(count, size) : nullptr;
}
void* __wrap_realloc(void* memory, std::size_t size) {
  return may_allocate() ? __real_realloc(memory, size) : nullptr;
}
}

namespace netpoll::test {

Allowance::Allowance(int count) {
  allocations_left = count;
}
Allowance::~Allowance() {
  allocations_left = kUnlimited;
}

}  // namespace netpoll::test
