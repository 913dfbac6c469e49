// What the tests of backends share: the subjects that each of them is run on, one created backend
// with what its last wait brought, and the descriptors that tests play with. One test library for
// all backends: a test asks the subject's traits what to expect, never its name, unless a kernel
// has a view of its own on some kind of file.
#pragma once

#include <pthread.h>

#include <cstddef>

#include "backends/backends.h"
#include "conformance/harness/harness.h"
#include "core/backend.h"

namespace netpoll {

extern const BackendOps kNarrowKqueueBackend;  // kqueue.cc with 32-bit udata and a wake descriptor

namespace test {

struct Subject {
  const char* label;
  const BackendOps* ops;
};

inline constexpr std::int64_t kMicrosecond = 1'000;
inline constexpr std::int64_t kMillisecond = 1'000'000;
inline constexpr std::int64_t kSecond = 1'000'000'000;
inline constexpr std::int64_t kGenerous = 10 * kSecond;  // longer than anything takes that works

inline constexpr Cookie kFirst = make_cookie(1, 1);
inline constexpr Cookie kOther = make_cookie(2, 1);

constexpr Interest level(unsigned modes) {
  return {static_cast<ModeSet>(modes), false};
}
constexpr Interest edge(unsigned modes) {
  return {static_cast<ModeSet>(modes), true};
}

class Fixture {
 public:
  static constexpr int kCapacity = 32;

  explicit Fixture(void** state, BackendOptions options = {});
  ~Fixture();
  Fixture(const Fixture&) = delete;
  Fixture& operator=(const Fixture&) = delete;

  const BackendTraits& traits() const { return ops->traits; }
  bool is(const char* name) const;
  bool is_kqueue() const { return is("kqueue"); }
  bool is_narrow() const { return ops == &kNarrowKqueueBackend; }

  // Thin covers of the provide-list; those with `must` fail the test on an error.
  int add(int fd, Cookie cookie, Interest interest);
  void must_add(int fd, Cookie cookie, Interest interest);
  int modify(int fd, Cookie cookie, Interest from, Interest to);
  void must_modify(int fd, Cookie cookie, Interest from, Interest to);
  int remove(int fd, Interest from);
  void must_remove(int fd, Interest from);
  void wake() { ops->wake(backend); }
  void drain() { ops->drain(backend); }

  // Keeps the events for the questions below. Returns their number; never an error.
  int wait(std::int64_t delay, int capacity = kCapacity);
  int look() { return wait(0); }

  // The bits that the last wait reported for a cookie, all its events taken together.
  unsigned bits(Cookie cookie) const;
  int reports(Cookie cookie) const;
  bool woken() const { return reports(kWakeCookie) != 0; }

  const BackendOps* ops;
  Backend* backend = nullptr;
  KernelEvent events[kCapacity];
  int count = 0;
};

// Two connected descriptors, non-blocking. What is written to the second is read from the first.
struct Pair {
  int near = -1;
  int far = -1;

  void close_near();
  void close_far();
  void write_far(std::size_t bytes = 1) const;
  void drain_near() const;
  void fill_near() const;  // until nothing more can be written to the near end
  void drain_far() const;
};
Pair make_socket_pair();
Pair make_pipe_to_read();   // near: read end
Pair make_pipe_to_write();  // near: write end
Pair make_tcp_pair();       // over loopback

int open_descriptors();  // how many this process has
std::int64_t monotonic_nanoseconds();

// A thread that runs one function, joined at the end.
class Thread {
 public:
  template <class Function>
  explicit Thread(Function& function) {
    const auto run = [](void* argument) -> void* {
      (*static_cast<Function*>(argument))();
      return nullptr;
    };
    failed_ = pthread_create(&thread_, nullptr, run, &function);
    assert_int_equal(failed_, 0);
  }
  ~Thread() { join(); }
  void join() {
    if (failed_ == 0) pthread_join(thread_, nullptr);
    failed_ = -1;
  }
  pthread_t id() const { return thread_; }

 private:
  pthread_t thread_;
  int failed_;
};

// The lists of tests, one for each source file, for subjects with descriptors and for all.
struct TestList {
  const CMUnitTest* tests;
  std::size_t count;
};
TestList readiness_tests();
TestList registration_tests();
TestList mapping_tests();
TestList wait_tests();
TestList life_tests();
TestList memory_tests();
TestList stub_tests();
TestList kqueue_tests();

}  // namespace test
}  // namespace netpoll
