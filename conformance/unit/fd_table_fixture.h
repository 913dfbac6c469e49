// A loop over the fake backend, and the words that the tests of the fd table speak.
#pragma once

#include "conformance/unit/core_tests.h"
#include "conformance/unit/fake_backend.h"
#include "conformance/unit/ready_list.h"
#include "core/fd_table.h"
#include "core/loop.h"

namespace netpoll::test {

inline constexpr int kFd = 5;
inline int places[4];
inline Waiter* const kWaiter = reinterpret_cast<Waiter*>(&places[0]);
inline Waiter* const kOtherWaiter = reinterpret_cast<Waiter*>(&places[1]);

struct Table {
  explicit Table(const FdTableOptions& options = {}, const BackendOps& backend = kFakeBackend) {
    assert_int_equal(loop.init({.backend = &backend, .backend_options = {}, .fds = options}), 0);
  }
  ~Table() { loop.shut_down(); }

  int demand(unsigned modes, Identity identity = Identity::kSame, Waiter* waiter = kWaiter,
             bool edge = false) {
    return loop.fds().set_demand(
        kFd, {modes != 0 ? waiter : nullptr, static_cast<ModeSet>(modes), edge, 0}, identity);
  }
  void leave() { assert_int_equal(demand(0), 0); }
  void turn(Nanoseconds delay = -1) {
    list.clear();
    assert_int_equal(loop.wait(delay, kSleepInKernel, list), 0);
  }
  FakeCalls& calls() { return fake()->calls; }
  std::uint32_t ready() { return list.size(); }
  const Ready& first() { return *list.begin(); }
  Cookie cookie() { return fake()->cookie; }

  Loop loop;
  ReadyList list;
};

}  // namespace netpoll::test
