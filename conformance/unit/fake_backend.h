// A backend of the tests' own: it watches nothing, counts what it is told, answers with the errors
// it was given, and reports the events that a test has put into it.
#pragma once

#include "core/backend.h"

namespace netpoll::test {

struct FakeCalls {
  int add = 0;
  int modify = 0;
  int remove = 0;
  int wait = 0;
  int wake = 0;
  int drain = 0;
  int reset = 0;
  int changes() const { return add + modify + remove; }
};

// One at a time; made by the poller through the operations below.
struct FakeBackend {
  FakeCalls calls;
  // What the next calls return; 0 again after one use, unless `sticky`.
  int add_error = 0;
  int modify_error = 0;
  int remove_error = 0;
  int reset_error = 0;
  // What was told last.
  int fd = -1;
  Cookie cookie = 0;
  Interest interest{};
  std::int64_t delay = 0;
  // What the next wait reports, and what it does before it does so.
  KernelEvent pending[256];
  int pending_count = 0;
  void (*during_wait)() = nullptr;

  void report(Cookie event_cookie, unsigned bits) {
    pending[pending_count++] = {event_cookie, static_cast<KernelBits>(bits)};
  }
};

// The one that is alive, or nullptr.
FakeBackend* fake();

extern const BackendOps kFakeBackend;       // edges, concurrent: as epoll
extern const BackendOps kFakeLevelBackend;  // neither: as poll

}  // namespace netpoll::test
