// The poll(2) backend. Owns an array of pollfds, rebuilt in place as registrations come and go, and
// a wake descriptor in its first entry. The kernel remembers nothing between two waits, so there
// are no edges, no stale registrations, and no word about a closed descriptor before the next wait.
#include <poll.h>

#include <cerrno>
#include <cstdlib>

#include "backends/backends.h"
#include "backends/delay.h"
#include "backends/state.h"
#include "core/wake.h"

namespace netpoll {

namespace {

#if defined(POLLRDHUP)
constexpr short kPeerClosedBit = POLLRDHUP;
#else
constexpr short kPeerClosedBit = 0;
#endif

struct PollBackend {
  WakeDescriptor wake;
  bool precise = false;
  pollfd* polled = nullptr;  // the wake descriptor, then the registrations in no order
  Cookie* cookies = nullptr;
  int polled_size = 0;
  int cookies_size = 0;
  int count = 0;
  int next = 1;            // where the last wait ran out of room for events
  FdArray<int> positions;  // of a descriptor in `polled`; 0 is the wake descriptor's: none
};

using Self = PollBackend;

short to_poll(ModeSet modes) {
  int bits = 0;
  if (modes & kRead) bits |= POLLIN;
  if (modes & kWrite) bits |= POLLOUT;
  if (modes & kClosed) bits |= kPeerClosedBit;
  return static_cast<short>(bits);
}

KernelBits from_poll(short events) {
  unsigned bits = 0;
  if (events & (POLLIN | POLLPRI)) bits |= kIn;
  if (events & POLLOUT) bits |= kOut;
  if (events & kPeerClosedBit) bits |= kPeerClosed;
  if (events & POLLHUP) bits |= kHangup;
  if (events & POLLERR) bits |= kError;
  if (events & POLLNVAL) bits |= kBadDescriptor;
  return static_cast<KernelBits>(bits);
}

bool make_room(PollBackend& poll) {
  return grow_array(poll.polled, poll.polled_size, poll.count + 1) &&
         grow_array(poll.cookies, poll.cookies_size, poll.count + 1);
}

void append(PollBackend& poll, int fd, short events, Cookie cookie) {
  poll.polled[poll.count] = {fd, events, 0};
  poll.cookies[poll.count] = cookie;
  ++poll.count;
}

void free_arrays(PollBackend* poll) {
  std::free(poll->polled);
  std::free(poll->cookies);
  free_state(poll);
}

int poll_create(const BackendOptions& options, Backend** out) {
  auto* poll = make_state<PollBackend>();
  if (poll == nullptr) return ENOMEM;
  poll->precise = options.precise_waits;
  const int error = make_room(*poll) ? poll->wake.open(options.wake) : ENOMEM;
  if (error != 0) {
    free_arrays(poll);
    return error;
  }
  // Without one, the entry is there all the same: poll(2) passes over negative numbers.
  append(*poll, poll->wake.read_end(), POLLIN, kWakeCookie);
  *out = as_backend(poll);
  return 0;
}

void poll_destroy(Backend* backend) {
  state_of<Self>(backend).wake.close();
  free_arrays(&state_of<Self>(backend));
}

int poll_add(Backend* backend, int fd, Cookie cookie, Interest interest) {
  PollBackend& poll = state_of<Self>(backend);
  if (fd < 0) return EBADF;
  if (poll.positions.get(fd) != 0) return EEXIST;
  if (!make_room(poll) || !poll.positions.set(fd, poll.count)) return ENOMEM;
  append(poll, fd, to_poll(interest.modes), cookie);
  return 0;
}

int poll_modify(Backend* backend, int fd, Cookie cookie, Interest, Interest to) {
  PollBackend& poll = state_of<Self>(backend);
  if (fd < 0) return EBADF;
  const int position = poll.positions.get(fd);
  if (position == 0) return ENOENT;
  poll.polled[position].events = to_poll(to.modes);
  poll.cookies[position] = cookie;
  return 0;
}

int poll_remove(Backend* backend, int fd, Interest) {
  PollBackend& poll = state_of<Self>(backend);
  if (fd < 0) return EBADF;
  const int position = poll.positions.get(fd);
  if (position == 0) return ENOENT;
  const int last = --poll.count;
  poll.polled[position] = poll.polled[last];
  poll.cookies[position] = poll.cookies[last];
  poll.positions.set(poll.polled[last].fd, position);
  poll.positions.set(fd, 0);
  return 0;
}

int enter(PollBackend& poll, std::int64_t delay) {
  const auto count = static_cast<nfds_t>(poll.count);
#if defined(__linux__) || defined(__FreeBSD__) || defined(__OpenBSD__)
  if (poll.precise && delay > 0 && delay % kNanosecondsPerMillisecond != 0) {
    const timespec limit = delay_as_timespec(delay);
    return ::ppoll(poll.polled, count, &limit, nullptr);
  }
#endif
  return ::poll(poll.polled, count, delay_in_milliseconds(delay));
}

int poll_wait(Backend* backend, std::int64_t delay, KernelEvent* events, int capacity) {
  PollBackend& poll = state_of<Self>(backend);
  int left = enter(poll, delay);
  if (left < 0) return errno == EINTR ? 0 : -errno;
  int taken = 0;
  if (poll.polled[0].revents != 0) {
    events[taken++] = {kWakeCookie, kIn};
    --left;
  }
  // Goes on behind the last event that found room: none of many busy descriptors is left out twice.
  if (poll.next >= poll.count) poll.next = 1;
  int position = poll.next;
  for (; left > 0 && taken < capacity; ++position) {
    if (position == poll.count) position = 1;
    if (poll.polled[position].revents == 0) continue;
    events[taken++] = {poll.cookies[position], from_poll(poll.polled[position].revents)};
    --left;
  }
  if (left > 0) poll.next = position;
  return taken;
}

void poll_wake(Backend* backend) {
  state_of<Self>(backend).wake.raise();
}

void poll_drain(Backend* backend) {
  state_of<Self>(backend).wake.drain();
}

int poll_reset(Backend* backend, ResetReason reason) {
  PollBackend& poll = state_of<Self>(backend);
  if (reason == ResetReason::kForked) {
    WakeDescriptor fresh;
    const int error = fresh.open_like(poll.wake);
    if (error != 0) return error;
    poll.wake.close();
    poll.wake = fresh;
    poll.polled[0].fd = fresh.read_end();
  }
  poll.count = 1;
  poll.positions.clear();
  return 0;
}

int poll_open_wake(Backend* backend) {
  PollBackend& poll = state_of<Self>(backend);
  if (poll.wake.is_open()) return 0;
  const int error = poll.wake.open();
  if (error == 0) poll.polled[0].fd = poll.wake.read_end();
  return error;
}

bool poll_owns(const Backend* backend, int fd) {
  return state_of<Self>(backend).wake.owns(fd);
}

}  // namespace

const BackendOps kPollBackend = {
    .traits = {.name = "poll",
               .edge = false,
               .peer_closed = kPeerClosedBit != 0,
               .concurrent = false,
               .forgets_closed = false,
               .watches_regular_files = true,
               .constant_cost = false},
    .create = poll_create,
    .destroy = poll_destroy,
    .add = poll_add,
    .modify = poll_modify,
    .remove = poll_remove,
    .wait = poll_wait,
    .wake = poll_wake,
    .drain = poll_drain,
    .reset = poll_reset,
    .owns = poll_owns,
    .open_wake = poll_open_wake,
};

}  // namespace netpoll
