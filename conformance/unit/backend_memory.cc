// A backend when memory is short: creation says so and leaves nothing behind, and whoever has one
// can wait with what it took then.
#include <cerrno>

#include "conformance/unit/allowance.h"
#include "conformance/unit/backend_fixture.h"

namespace netpoll::test {

namespace {

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
