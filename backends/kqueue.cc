// The kqueue backend, for the BSDs and macOS. Owns one kqueue; everything else is the contract of
// core/backend.h. A direction is a filter of its own: kRead and kClosed are EVFILT_READ, kWrite is
// EVFILT_WRITE, and an edge is EV_CLEAR. kqueue knows descriptors by number and forgets them when
// the number is closed, so there are no registrations that outlive their descriptor.
#include <fcntl.h>
#include <sys/event.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "backends/backends.h"
#include "backends/delay.h"
#include "backends/kqueue_cookies.h"
#include "backends/kqueue_wake.h"
#include "backends/state.h"

namespace netpoll {

namespace {

// A mark beside a cookie, in the bits that no generation reaches.
constexpr Cookie kStandIn = Cookie{1} << 63;
static_assert(kGenerationMask < (std::uint32_t{1} << 31));

constexpr int kFirstRoom = 64;

struct KqueueBackend {
  int set = -1;
  pid_t owner = -1;  // a kqueue is not inherited: in a child its number may be anybody's
  bool close_on_exec = true;
  KqueueWake wake;
  KqueueCookies cookies;
  struct kevent* buffer = nullptr;
  int buffer_size = 0;
};

using Self = KqueueBackend;

// ---- telling the kernel ----

struct Filter {
  short number;
  ModeSet modes;  // any of these makes it wanted
};
constexpr Filter kFilters[] = {{EVFILT_WRITE, kWrite}, {EVFILT_READ, kRead | kClosed}};

constexpr bool wants(Interest interest, const Filter& filter) {
  return (interest.modes & filter.modes) != 0;
}

// The changes of one descriptor, made in one call and in order: the first that fails ends it.
class Changes {
 public:
  Changes(int fd, UserData data) : fd_(fd), data_(data) {}

  void push(short filter, unsigned flags, unsigned fflags = 0, int parameter = 0) {
    struct kevent& change = list_[count_++];
    change = {};
    change.ident = static_cast<decltype(change.ident)>(fd_);
    change.filter = static_cast<decltype(change.filter)>(filter);
    change.flags = static_cast<decltype(change.flags)>(flags);
    change.fflags = static_cast<decltype(change.fflags)>(fflags);
    change.data = parameter;
    change.udata = data_;
  }

  void push_additions(Interest interest) {
    const unsigned flags = EV_ADD | (interest.edge ? unsigned{EV_CLEAR} : 0u);
    for (const Filter& filter : kFilters) {
      if (!wants(interest, filter)) continue;
      // Waiting for the peer's close alone: no amount of data is enough to be told of.
      const bool close_only = filter.number == EVFILT_READ && (interest.modes & kRead) == 0;
      if (close_only) {
        push(filter.number, flags, NOTE_LOWAT, INT32_MAX);
      } else {
        push(filter.number, flags);
      }
    }
  }

  void push_removals(Interest interest) {
    for (const Filter& filter : kFilters) {
      if (wants(interest, filter)) push(filter.number, EV_DELETE);
    }
  }

  int apply(int set) {
    if (::kevent(set, list_, count_, nullptr, 0, nullptr) == 0) return 0;
    return errno == EINTR ? apply_again(set) : errno;
  }

 private:
  // Interrupted somewhere on the way: some of the changes may have been made, and doing them twice
  // is harmless but for a removal, which then finds nothing.
  int apply_again(int set) {
    for (int i = 0; i < count_; ++i) {
      while (::kevent(set, &list_[i], 1, nullptr, 0, nullptr) < 0) {
        if (errno == EINTR) continue;
        if (errno == ENOENT && (list_[i].flags & EV_DELETE)) break;
        return errno;
      }
    }
    return 0;
  }

  static constexpr int kMost = 4;  // each filter out and in again

  int fd_;
  UserData data_;
  struct kevent list_[kMost];
  int count_ = 0;
};

int remove_filter(KqueueBackend& kqueue, int fd, short filter) {
  Changes change(fd, {});
  change.push(filter, EV_DELETE);
  return change.apply(kqueue.set);
}

// What to do when a list of changes failed in its additions: either it can be had in another way,
// or nothing of it may stay.
//
// EPIPE: FreeBSD and macOS refuse to watch a pipe for writing that nobody reads any more, where
// others report an error at once. Its read filter stands in, which reports just that as EV_EOF; the
// cookie is marked, so that translate() knows for whom it speaks.
int mend_addition(KqueueBackend& kqueue, int fd, Cookie cookie, Interest interest, int error) {
  if (error == EPIPE) {
    if (!kqueue.cookies.remember(fd, cookie | kStandIn)) return ENOMEM;
    // An earlier one may be there, and would keep its trigger.
    remove_filter(kqueue, fd, EVFILT_READ);
    Changes stand_in(fd, kqueue.cookies.pack(cookie | kStandIn));
    stand_in.push(EVFILT_READ, EV_ADD | (interest.edge ? unsigned{EV_CLEAR} : 0u));
    error = stand_in.apply(kqueue.set);
  }
  if (error != 0) {
    for (const Filter& filter : kFilters)
      remove_filter(kqueue, fd, filter.number);
  }
  return error;
}

int kqueue_add(Backend* backend, int fd, Cookie cookie, Interest interest) {
  KqueueBackend& kqueue = state_of<Self>(backend);
  if (fd < 0) return EBADF;
  if (!kqueue.cookies.remember(fd, cookie)) return ENOMEM;
  Changes changes(fd, kqueue.cookies.pack(cookie));
  changes.push_additions(interest);
  const int error = changes.apply(kqueue.set);
  return error == 0 ? 0 : mend_addition(kqueue, fd, cookie, interest, error);
}

// Adding a filter that is there already only updates it, and would take a file that is new under
// this number for the old one. So what is kept is enabled first, which fails with ENOENT where
// there is nothing; and what changes between edge and level has to be made anew.
int kqueue_modify(Backend* backend, int fd, Cookie cookie, Interest from, Interest to) {
  KqueueBackend& kqueue = state_of<Self>(backend);
  if (fd < 0) return EBADF;
  if (!kqueue.cookies.remember(fd, cookie)) return ENOMEM;
  Changes changes(fd, kqueue.cookies.pack(cookie));
  for (const Filter& filter : kFilters) {
    if (!wants(from, filter)) continue;
    const bool kept = wants(to, filter) && from.edge == to.edge;
    changes.push(filter.number, kept ? EV_ENABLE : EV_DELETE);
  }
  changes.push_additions(to);
  int error = changes.apply(kqueue.set);
  // A missing write filter may have had a stand-in; to the caller the descriptor is to be added.
  if (error == ENOENT && wants(from, kFilters[0])) remove_filter(kqueue, fd, EVFILT_READ);
  if (error == 0 || error == ENOENT || error == EBADF) return error;
  error = mend_addition(kqueue, fd, cookie, to, error);
  if (error != 0) {
    Changes back(fd, kqueue.cookies.pack(cookie));
    back.push_additions(from);
    back.apply(kqueue.set);
  }
  return error;
}

int kqueue_remove(Backend* backend, int fd, Interest from) {
  KqueueBackend& kqueue = state_of<Self>(backend);
  if (fd < 0) return EBADF;
  Changes changes(fd, {});
  changes.push_removals(from);
  const int error = changes.apply(kqueue.set);
  if (error != ENOENT || !(from.modes & kWrite)) return error;
  // The read filter may have stood in for it; see mend_addition().
  return remove_filter(kqueue, fd, EVFILT_READ);
}

// ---- the set ----

// A fresh kqueue with the wake facility in it.
int open_set(const KqueueWake& wake, bool close_on_exec, int* out) {
  const int set = ::kqueue();
  if (set < 0) return errno;
  if (close_on_exec) ::fcntl(set, F_SETFD, FD_CLOEXEC);
  const int error = wake.enter(set);
  if (error != 0) {
    ::close(set);
    return error;
  }
  *out = set;
  return 0;
}

int kqueue_create(const BackendOptions& options, Backend** out) {
  auto* kqueue = make_state<KqueueBackend>();
  if (kqueue == nullptr) return ENOMEM;
  kqueue->close_on_exec = options.close_on_exec;
  kqueue->owner = ::getpid();
  // Room from the start: a loop that is short of memory goes on with what it has.
  const bool roomy = grow_array(kqueue->buffer, kqueue->buffer_size, kFirstRoom);
  int error = roomy ? kqueue->wake.open() : ENOMEM;
  if (error == 0) {
    error = open_set(kqueue->wake, options.close_on_exec, &kqueue->set);
    if (error != 0) kqueue->wake.close();
  }
  if (error != 0) {
    std::free(kqueue->buffer);
    free_state(kqueue);
    return error;
  }
  *out = as_backend(kqueue);
  return 0;
}

void close_set(KqueueBackend& kqueue) {
  if (kqueue.owner == ::getpid()) ::close(kqueue.set);
}

void kqueue_destroy(Backend* backend) {
  KqueueBackend& kqueue = state_of<Self>(backend);
  kqueue.wake.close();
  close_set(kqueue);
  std::free(kqueue.buffer);
  free_state(&kqueue);
}

// Another thread may be in wake() with the number of the old set in its hand, so the fresh one
// takes over that number.
int replace_set(KqueueBackend& kqueue) {
  int fresh;
  const int error = open_set(kqueue.wake, kqueue.close_on_exec, &fresh);
  if (error != 0) return error;
  int moved;
  do {
    moved = ::dup2(fresh, kqueue.set);
  } while (moved < 0 && errno == EINTR);
  const int failure = moved < 0 ? errno : 0;
  ::close(fresh);
  if (failure != 0) return failure;
  if (kqueue.close_on_exec) ::fcntl(kqueue.set, F_SETFD, FD_CLOEXEC);
  kqueue.wake.follow(kqueue.set);
  return 0;
}

int renew_set_and_wake(KqueueBackend& kqueue) {
  KqueueWake wake;
  int error = wake.open();
  if (error != 0) return error;
  int fresh;
  error = open_set(wake, kqueue.close_on_exec, &fresh);
  if (error != 0) {
    wake.close();
    return error;
  }
  close_set(kqueue);
  kqueue.wake.adopt(wake);
  kqueue.set = fresh;
  kqueue.owner = ::getpid();
  return 0;
}

int kqueue_reset(Backend* backend, ResetReason reason) {
  KqueueBackend& kqueue = state_of<Self>(backend);
  const bool forked = reason == ResetReason::kForked;
  const int error = forked ? renew_set_and_wake(kqueue) : replace_set(kqueue);
  if (error == 0) kqueue.cookies.clear();
  return error;
}

// ---- waiting ----

// EV_EOF of the read filter is the peer's close. In edge mode it wakes writers too: some systems
// never raise the write filter of a pipe whose reader has gone. In level mode the write filter has
// to speak for itself, or a writer whose buffer is full would spin. An error of a connection comes
// with EV_EOF and means that both directions are over.
constexpr unsigned kOwnNotes = NOTE_LOWAT;  // asked for by push_additions(), no error number

KernelBits from_kevent(const struct kevent& event) {
  if (event.flags & EV_ERROR) return kError;
  const bool end = (event.flags & EV_EOF) != 0;
  unsigned bits = event.filter == EVFILT_WRITE ? kOut : kIn;
  if (end && event.filter == EVFILT_READ) bits |= kPeerClosed;
  if (end && (event.flags & EV_CLEAR)) bits |= kOut;
  if (end && (event.fflags & ~kOwnNotes) != 0) bits |= kHangup | kError;
  return static_cast<KernelBits>(bits);
}

bool ended(const struct kevent& event) {
  return (event.flags & EV_EOF) != 0;
}

// Turns what was fetched into events. The two filters of a descriptor often come one behind the
// other: then they are one event, and a hang-up if both directions have ended.
int translate(KqueueBackend& kqueue, int fetched, KernelEvent* events, int count) {
  for (int i = 0; i < fetched; ++i) {
    const struct kevent& event = kqueue.buffer[i];
    if (kqueue.wake.is_source_of(event)) {
      kqueue.wake.note_fetched();
      events[count++] = {kWakeCookie, kIn};
      continue;
    }
    const Cookie marked = kqueue.cookies.unpack(static_cast<int>(event.ident), event.udata);
    const Cookie cookie = marked & ~kStandIn;
    unsigned bits = marked & kStandIn ? kOut | kHangup : from_kevent(event);
    if (i > 0 && count > 0 && events[count - 1].cookie == cookie) {
      if (ended(event) && ended(kqueue.buffer[i - 1])) bits |= kHangup;
      bits |= events[--count].bits;
    }
    events[count++] = {cookie, static_cast<KernelBits>(bits)};
  }
  return count;
}

int kqueue_wait(Backend* backend, std::int64_t delay, KernelEvent* events, int capacity) {
  KqueueBackend& kqueue = state_of<Self>(backend);
  grow_array(kqueue.buffer, kqueue.buffer_size, capacity);
  if (capacity > kqueue.buffer_size) capacity = kqueue.buffer_size;
  int count = 0;
  if (kqueue.wake.fetched()) {
    events[count++] = {kWakeCookie, kIn};
    delay = 0;
  }
  if (count == capacity) return count;
  const timespec limit = delay_as_timespec(delay < 0 ? 0 : delay);
  const int fetched = ::kevent(kqueue.set, nullptr, 0, kqueue.buffer, capacity - count,
                               delay < 0 ? nullptr : &limit);
  if (fetched >= 0) return translate(kqueue, fetched, events, count);
  // Some systems report the end of a short delay as an error.
  return errno == EINTR || errno == ETIMEDOUT ? count : -errno;
}

void kqueue_wake(Backend* backend) {
  KqueueBackend& kqueue = state_of<Self>(backend);
  kqueue.wake.raise(kqueue.set);
}

void kqueue_drain(Backend* backend) {
  state_of<Self>(backend).wake.drain();
}

bool kqueue_owns(const Backend* backend, int fd) {
  const KqueueBackend& kqueue = state_of<Self>(backend);
  return fd >= 0 && (fd == kqueue.set || kqueue.wake.owns(fd));
}

}  // namespace

// Regular files are watched in kqueue's own way: readable until their end, not beyond.
const BackendOps kKqueueBackend = {
    .traits = {.name = "kqueue",
               .edge = true,
               .peer_closed = true,
               .concurrent = KqueueCookies::kConcurrent,
               .forgets_closed = true,
               .watches_regular_files = false,
               .constant_cost = true},
    .create = kqueue_create,
    .destroy = kqueue_destroy,
    .add = kqueue_add,
    .modify = kqueue_modify,
    .remove = kqueue_remove,
    .wait = kqueue_wait,
    .wake = kqueue_wake,
    .drain = kqueue_drain,
    .reset = kqueue_reset,
    .owns = kqueue_owns,
};

}  // namespace netpoll
