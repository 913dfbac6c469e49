// The stub backend: no descriptors, only time and wake-ups. Loops that have nothing but timers ride
// on it, and so does a system on which no other backend works. It sleeps on a note, so it owns no
// descriptor, can not run out of them, and asks nothing of a sandbox but a futex.
#include <cerrno>

#include "backends/backends.h"
#include "backends/state.h"
#include "core/note.h"

namespace netpoll {

namespace {

struct StubBackend {
  Note note;
};

int stub_create(const BackendOptions&, Backend** out) {
  auto* stub = make_state<StubBackend>();
  if (stub == nullptr) return ENOMEM;
  *out = as_backend(stub);
  return 0;
}

void stub_destroy(Backend* backend) {
  free_state(&state_of<StubBackend>(backend));
}

// No kind of file can be watched here, which is what EPERM says; and so none was ever added.
int stub_add(Backend*, int fd, Cookie, Interest) {
  return fd < 0 ? EBADF : EPERM;
}

int stub_modify(Backend*, int fd, Cookie, Interest, Interest) {
  return fd < 0 ? EBADF : ENOENT;
}

int stub_remove(Backend*, int fd, Interest) {
  return fd < 0 ? EBADF : ENOENT;
}

// A signal handler does not end the sleep by itself: there is no system call for it to interrupt.
// One that wants the loop calls wake(), as the signal table does.
int stub_wait(Backend* backend, std::int64_t delay, KernelEvent* events, int capacity) {
  Note& note = state_of<StubBackend>(backend).note;
  const bool raised = delay == 0 ? note.signalled() : note.sleep(delay);
  if (!raised || capacity < 1) return 0;
  events[0] = {kWakeCookie, kIn};
  return 1;
}

void stub_wake(Backend* backend) {
  state_of<StubBackend>(backend).note.signal();
}

void stub_drain(Backend* backend) {
  state_of<StubBackend>(backend).note.clear();
}

int stub_reset(Backend* backend, ResetReason reason) {
  if (reason == ResetReason::kForked) state_of<StubBackend>(backend).note.clear();
  return 0;
}

bool stub_owns(const Backend*, int) {
  return false;
}

}  // namespace

const BackendOps kStubBackend = {
    .traits = {.name = "stub",
               .edge = false,
               .peer_closed = false,
               .concurrent = false,
               .forgets_closed = false,
               .watches_regular_files = false,
               .constant_cost = true},
    .create = stub_create,
    .destroy = stub_destroy,
    .add = stub_add,
    .modify = stub_modify,
    .remove = stub_remove,
    .wait = stub_wait,
    .wake = stub_wake,
    .drain = stub_drain,
    .reset = stub_reset,
    .owns = stub_owns,
};

}  // namespace netpoll
