// A backend when memory is short: creation says so and leaves nothing behind, and whoever has one
// can wait with what it took then. The allocator of this program is wrapped by the linker, for the
// backends and for the kernel that kqueue(2) is emulated by.
#include <cerrno>
#include <cstddef>

#include "conformance/unit/backend_fixture.h"

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

namespace {

// While it lives, `count` allocations succeed and the others do not.
class Allowance {
 public:
  explicit Allowance(int count) { allocations_left = count; }
  ~Allowance() { allocations_left = kUnlimited; }
};

int create_with(int allocations, const BackendOps& ops, Backend** out) {
  const Allowance allowance(allocations);
  return ops.create({}, out);
}

void creation_without_memory_fails_and_leaves_nothing_behind(void** state) {
  const BackendOps& ops = *static_cast<const Subject*>(*state)->ops;
  const int before = open_descriptors();
  int allowed = 0;
  Backend* backend = nullptr;
  while (const int error = create_with(allowed, ops, &backend)) {
    assert_int_equal(error, ENOMEM);
    assert_null(backend);
    assert_int_equal(open_descriptors(), before);
    assert_in_range(++allowed, 1, 8);
  }
  assert_in_range(allowed, 1, 8);
  ops.destroy(backend);
}

void the_first_wait_needs_no_memory(void** state) {
  Fixture f(state);
  const Pair pair = make_socket_pair();
  const bool watches = f.add(pair.near, kFirst, level(kRead)) == 0;
  pair.write_far();
  f.wake();
  const Allowance none(0);
  assert_int_equal(f.look(), watches ? 2 : 1);
  assert_true(f.woken());
  assert_int_equal(f.bits(kFirst), watches ? kIn : 0);
}

constexpr CMUnitTest kTests[] = {
    cmocka_unit_test(creation_without_memory_fails_and_leaves_nothing_behind),
    cmocka_unit_test(the_first_wait_needs_no_memory),
};

}  // namespace

TestList memory_tests() {
  return {kTests, sizeof kTests / sizeof kTests[0]};
}

}  // namespace netpoll::test
