// The native C API: one netpoller for the process, made by the first call that needs it. A thin
// edge; everything happens in core/netpoller.
#include "netpoll.h"

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <new>

#include "backends/backends.h"
#include "core/netpoller.h"

namespace pollshim::native {

namespace {

using netpoll::ModeSet;
using netpoll::Netpoller;
using netpoll::PollError;

static_assert(NETPOLL_READ == netpoll::kRead && NETPOLL_WRITE == netpoll::kWrite);
static_assert(NETPOLL_CLOSING == static_cast<int>(PollError::kClosing));
static_assert(NETPOLL_TIMEOUT == static_cast<int>(PollError::kTimeout));
static_assert(NETPOLL_NOT_POLLABLE == static_cast<int>(PollError::kNotPollable));
static_assert(sizeof(netpoll_waiter) == sizeof(netpoll::ParkedWaiter));

// Made once, and never taken down: threads may be blocked in it when the process ends.
std::atomic<Netpoller*> the_poller{nullptr};
netpoll::Mutex init_lock;

int fail(int error) {
  errno = error;
  return -1;
}

int result_of(int error) {
  return error == 0 ? 0 : fail(error);
}

// Pre: init_lock is held.
int make_poller(const netpoll::BackendOps& backend) {
  void* memory = std::malloc(sizeof(Netpoller));
  if (memory == nullptr) return ENOMEM;
  auto* poller = new (memory) Netpoller;
  const int error = poller->init(backend);
  if (error != 0) {
    poller->~Netpoller();
    std::free(memory);
    return error;
  }
  the_poller.store(poller, std::memory_order_release);
  return 0;
}

// 0 or an errno. Checked without the lock, then again with it.
int ensure_poller() {
  if (the_poller.load(std::memory_order_acquire) != nullptr) return 0;
  const netpoll::MutexGuard guard(init_lock);
  if (the_poller.load(std::memory_order_relaxed) != nullptr) return 0;
  return make_poller(*netpoll::available_backends().entries[0]);
}

Netpoller* poller() {
  return the_poller.load(std::memory_order_acquire);
}

bool is_direction(int direction) {
  return direction == NETPOLL_READ || direction == NETPOLL_WRITE;
}

int outcome_of(PollError error) {
  switch (error) {
    case PollError::kBusy:
      return fail(EBUSY);
    case PollError::kStale:
      return fail(EBADF);
    case PollError::kParked:
      return NETPOLL_PARKED;
    default:
      return static_cast<int>(error);
  }
}

// What every wait checks first, whatever it then does.
template <class Wait>
int checked_wait(int direction, Wait&& wait) {
  if (!is_direction(direction)) return fail(EINVAL);
  if (poller() == nullptr) return fail(EBADF);
  return outcome_of(wait(*poller(), static_cast<ModeSet>(direction)));
}

}  // namespace

}  // namespace pollshim::native

using namespace pollshim::native;

#define NETPOLL_EXPORT __attribute__((visibility("default")))

extern "C" {

NETPOLL_EXPORT int netpoll_init(const char* name) {
  const netpoll::BackendOps* backend =
      name != nullptr ? netpoll::find_backend(name) : netpoll::available_backends().entries[0];
  if (backend == nullptr) return fail(EINVAL);
  const netpoll::MutexGuard guard(init_lock);
  if (poller() != nullptr) return fail(EALREADY);
  return result_of(make_poller(*backend));
}

NETPOLL_EXPORT int netpoll_open(int fd, netpoll_desc* desc) {
  if (desc == nullptr) return fail(EINVAL);
  if (fd < 0) return fail(EBADF);
  const int error = ensure_poller();
  return error != 0 ? fail(error) : result_of(poller()->open(fd, desc));
}

NETPOLL_EXPORT int netpoll_close(netpoll_desc desc) {
  return poller() != nullptr ? result_of(poller()->close(desc)) : fail(EBADF);
}

NETPOLL_EXPORT int netpoll_reset(netpoll_desc desc, int direction) {
  return checked_wait(direction,
                      [=](Netpoller& self, ModeSet mode) { return self.reset(desc, mode); });
}

NETPOLL_EXPORT int netpoll_wait(netpoll_desc desc, int direction) {
  return checked_wait(direction,
                      [=](Netpoller& self, ModeSet mode) { return self.wait(desc, mode); });
}

NETPOLL_EXPORT int netpoll_wait_canceled(netpoll_desc desc, int direction) {
  return checked_wait(
      direction, [=](Netpoller& self, ModeSet mode) { return self.wait_canceled(desc, mode); });
}

NETPOLL_EXPORT int netpoll_set_deadline(netpoll_desc desc, int64_t nanoseconds, int directions) {
  if (directions < NETPOLL_READ || directions > (NETPOLL_READ | NETPOLL_WRITE)) {
    return fail(EINVAL);
  }
  if (poller() == nullptr) return fail(EBADF);
  return result_of(poller()->set_deadline(desc, nanoseconds, static_cast<ModeSet>(directions)));
}

NETPOLL_EXPORT int netpoll_unblock(netpoll_desc desc) {
  return poller() != nullptr ? result_of(poller()->unblock(desc)) : fail(EBADF);
}

NETPOLL_EXPORT int netpoll_is_poll_descriptor(int fd) {
  return poller() != nullptr && poller()->owns(fd);
}

NETPOLL_EXPORT unsigned netpoll_waiters(void) {
  return poller() != nullptr ? poller()->waiters() : 0;
}

NETPOLL_EXPORT int netpoll_park(netpoll_desc desc, int direction, netpoll_waiter* waiter) {
  if (waiter == nullptr || waiter->ready == nullptr) return fail(EINVAL);
  auto* parked = reinterpret_cast<netpoll::ParkedWaiter*>(waiter);
  return checked_wait(direction,
                      [=](Netpoller& self, ModeSet mode) { return self.park(desc, mode, parked); });
}

NETPOLL_EXPORT int netpoll_settle(netpoll_desc desc, int direction) {
  return checked_wait(direction,
                      [=](Netpoller& self, ModeSet mode) { return self.settle(desc, mode); });
}

NETPOLL_EXPORT int netpoll_poll(int64_t nanoseconds) {
  const int error = ensure_poller();
  if (error != 0) return fail(error);
  const int count = poller()->poll(nanoseconds);
  return count >= 0 ? count : fail(-count);
}

NETPOLL_EXPORT void netpoll_break(void) {
  if (Netpoller* self = poller()) self->wake();
}

NETPOLL_EXPORT int netpoll_after_fork(void) {
  new (&init_lock) netpoll::Mutex;
  return poller() != nullptr ? result_of(poller()->after_fork()) : 0;
}

}  // extern "C"
