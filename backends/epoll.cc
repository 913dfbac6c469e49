// The epoll backend. Owns one epoll descriptor and one to wake it; everything else is the contract
// of core/backend.h.
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "backends/backends.h"
#include "backends/delay.h"
#include "backends/state.h"
#include "core/wake.h"

namespace netpoll {

namespace {

constexpr int kFirstRoom = 64;

struct EpollBackend {
  int set = -1;
  WakeDescriptor wake;
  bool precise = false;
  bool close_on_exec = true;
  epoll_event* buffer = nullptr;
  int buffer_size = 0;
};

using Self = EpollBackend;

constexpr std::uint32_t epoll_bits(unsigned modes, bool edge) {
  std::uint32_t bits = edge ? EPOLLET : 0u;
  if (modes & kRead) bits |= edge ? EPOLLIN | EPOLLPRI : EPOLLIN;
  if (modes & kWrite) bits |= EPOLLOUT;
  if (modes & kClosed) bits |= EPOLLRDHUP;
  return bits;
}

// Both translations are made for every call and every event, and are nothing but a look into a
// table.
struct Requests {
  std::uint32_t level[kAllModes + 1];
  std::uint32_t edge[kAllModes + 1];
};
constexpr Requests kRequests = [] {
  Requests requests{};
  for (unsigned modes = 0; modes <= kAllModes; ++modes) {
    requests.level[modes] = epoll_bits(modes, false);
    requests.edge[modes] = epoll_bits(modes, true);
  }
  return requests;
}();

std::uint32_t to_epoll(Interest interest) {
  return (interest.edge ? kRequests.edge : kRequests.level)[interest.modes & kAllModes];
}

// All that may be reported but EPOLLRDHUP, which is far away from the others.
constexpr std::uint32_t kLowBits = EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLERR | EPOLLHUP;
static_assert(kLowBits == 31 && EPOLLRDHUP > kLowBits);
struct Reports {
  KernelBits bits[kLowBits + 1];
};
constexpr Reports kReports = [] {
  Reports reports{};
  for (std::uint32_t events = 0; events <= kLowBits; ++events) {
    unsigned bits = 0;
    if (events & EPOLLIN) bits |= kIn;
    if (events & EPOLLPRI) bits |= kUrgent;
    if (events & EPOLLOUT) bits |= kOut;
    if (events & EPOLLHUP) bits |= kHangup;
    if (events & EPOLLERR) bits |= kError;
    reports.bits[events] = static_cast<KernelBits>(bits);
  }
  return reports;
}();

KernelBits from_epoll(std::uint32_t events) {
  const unsigned peer_closed = (events & EPOLLRDHUP) != 0 ? kPeerClosed : 0u;
  return static_cast<KernelBits>(kReports.bits[events & kLowBits] | peer_closed);
}

int control(int set, int operation, int fd, Cookie cookie, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = cookie;
  return ::epoll_ctl(set, operation, fd, &event) == 0 ? 0 : errno;
}

// The wake descriptor goes in at its well-known cookie, level-triggered: not draining it leaves it
// raised.
int watch_wake(int set, const WakeDescriptor& wake) {
  return control(set, EPOLL_CTL_ADD, wake.read_end(), kWakeCookie, EPOLLIN);
}

// A fresh set, with the wake descriptor in it if there is one.
int open_set(const EpollBackend& epoll, const WakeDescriptor& wake, int* out) {
  const int set = ::epoll_create1(epoll.close_on_exec ? EPOLL_CLOEXEC : 0);
  if (set < 0) return errno;
  const int error = wake.is_open() ? watch_wake(set, wake) : 0;
  if (error != 0) {
    ::close(set);
    return error;
  }
  *out = set;
  return 0;
}

bool make_room(EpollBackend& epoll, int capacity) {
  if (epoll.buffer_size >= capacity) return true;
  void* memory = std::realloc(epoll.buffer, sizeof(epoll_event) * static_cast<unsigned>(capacity));
  if (memory == nullptr) return false;
  epoll.buffer = static_cast<epoll_event*>(memory);
  epoll.buffer_size = capacity;
  return true;
}

int epoll_create(const BackendOptions& options, Backend** out) {
  auto* epoll = make_state<EpollBackend>();
  if (epoll == nullptr) return ENOMEM;
  epoll->precise = options.precise_waits;
  epoll->close_on_exec = options.close_on_exec;
  // Room from the start: a loop that is short of memory goes on with what it has.
  int error = make_room(*epoll, kFirstRoom) ? epoll->wake.open(options.wake) : ENOMEM;
  if (error == 0) {
    error = open_set(*epoll, epoll->wake, &epoll->set);
    if (error != 0) epoll->wake.close();
  }
  if (error != 0) {
    std::free(epoll->buffer);
    free_state(epoll);
    return error;
  }
  *out = as_backend(epoll);
  return 0;
}

void epoll_destroy(Backend* backend) {
  EpollBackend& epoll = state_of<Self>(backend);
  epoll.wake.close();
  ::close(epoll.set);
  std::free(epoll.buffer);
  free_state(&epoll);
}

int epoll_add(Backend* backend, int fd, Cookie cookie, Interest interest) {
  return control(state_of<Self>(backend).set, EPOLL_CTL_ADD, fd, cookie, to_epoll(interest));
}

// A file that can not be watched at all was never in the set: it is new under this number.
int unknown_if_unwatchable(int error) {
  return error == EPERM ? ENOENT : error;
}

int epoll_modify(Backend* backend, int fd, Cookie cookie, Interest, Interest to) {
  const int set = state_of<Self>(backend).set;
  return unknown_if_unwatchable(control(set, EPOLL_CTL_MOD, fd, cookie, to_epoll(to)));
}

int epoll_remove(Backend* backend, int fd, Interest) {
  const int set = state_of<Self>(backend).set;
  return unknown_if_unwatchable(control(set, EPOLL_CTL_DEL, fd, 0, 0));
}

// What the newer system calls take for a time, whatever the C library's own is as wide as.
struct KernelTime {
  std::int64_t seconds;
  std::int64_t nanoseconds;
};

int enter(EpollBackend& epoll, std::int64_t delay, int capacity) {
#if defined(SYS_epoll_pwait2)
  // Only where precision was asked for, and only when a millisecond is too coarse: a sandbox that
  // knows nothing of this call stays content otherwise. One that forbids it may say so with EPERM,
  // which the call itself never does.
  if (epoll.precise && delay > 0 && delay % kNanosecondsPerMillisecond != 0) {
    const timespec time = delay_as_timespec(delay);
    const KernelTime limit = {time.tv_sec, time.tv_nsec};
    const long got =
        ::syscall(SYS_epoll_pwait2, epoll.set, epoll.buffer, capacity, &limit, nullptr, 0);
    if (got >= 0 || (errno != ENOSYS && errno != EPERM)) return static_cast<int>(got);
    epoll.precise = false;
  }
#endif
  return ::epoll_wait(epoll.set, epoll.buffer, capacity, delay_in_milliseconds(delay));
}

int epoll_wait_events(Backend* backend, std::int64_t delay, KernelEvent* events, int capacity) {
  EpollBackend& epoll = state_of<Self>(backend);
  make_room(epoll, capacity);
  if (capacity > epoll.buffer_size) capacity = epoll.buffer_size;
  const int count = enter(epoll, delay, capacity);
  if (count < 0) return errno == EINTR ? 0 : -errno;
  for (int i = 0; i < count; ++i) {
    events[i] = {epoll.buffer[i].data.u64, from_epoll(epoll.buffer[i].events)};
  }
  return count;
}

void epoll_wake(Backend* backend) {
  state_of<Self>(backend).wake.raise();
}
void epoll_drain(Backend* backend) {
  state_of<Self>(backend).wake.drain();
}

int epoll_reset(Backend* backend, ResetReason reason) {
  EpollBackend& epoll = state_of<Self>(backend);
  const bool forked = reason == ResetReason::kForked;
  WakeDescriptor fresh;
  int error = forked ? fresh.open_like(epoll.wake) : 0;
  if (error != 0) return error;
  int set;
  error = open_set(epoll, forked ? fresh : epoll.wake, &set);
  if (error != 0) {
    if (forked) fresh.close();
    return error;
  }
  // Without a fork, another thread may be in wake(): not even the same value may be written there.
  if (forked) {
    epoll.wake.close();
    epoll.wake = fresh;
  }
  ::close(epoll.set);
  epoll.set = set;
  return 0;
}

int epoll_open_wake(Backend* backend) {
  EpollBackend& epoll = state_of<Self>(backend);
  if (epoll.wake.is_open()) return 0;
  WakeDescriptor fresh;
  int error = fresh.open();
  if (error != 0) return error;
  error = watch_wake(epoll.set, fresh);
  if (error != 0) {
    fresh.close();
    return error;
  }
  epoll.wake = fresh;
  return 0;
}

bool epoll_owns(const Backend* backend, int fd) {
  return fd >= 0 && (fd == state_of<Self>(backend).set || state_of<Self>(backend).wake.owns(fd));
}

int epoll_descriptor(const Backend* backend) {
  return state_of<Self>(backend).set;
}

}  // namespace

const BackendOps kEpollBackend = {
    .traits = {.name = "epoll",
               .edge = true,
               .peer_closed = true,
               .concurrent = true,
               .forgets_closed = true,
               .watches_regular_files = false,
               .constant_cost = true,
               .tells_known = true},
    .create = epoll_create,
    .destroy = epoll_destroy,
    .add = epoll_add,
    .modify = epoll_modify,
    .remove = epoll_remove,
    .wait = epoll_wait_events,
    .wake = epoll_wake,
    .drain = epoll_drain,
    .reset = epoll_reset,
    .owns = epoll_owns,
    .descriptor = epoll_descriptor,
    .open_wake = epoll_open_wake,
};

}  // namespace netpoll
