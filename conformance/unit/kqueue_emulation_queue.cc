#include "conformance/unit/kqueue_emulation_queue.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <ctime>

#include "conformance/unit/kqueue_emulation.h"

namespace kqueue_emulation {

namespace {

std::atomic<int> failing_filter{0};
std::atomic<int> failing_error{0};

Knote* find_knote(Queue& queue, uintptr_t ident, short filter) {
  for (int i = 0; i < queue.count; ++i) {
    Knote& knote = queue.knotes[i];
    if (knote.wanted.ident == ident && knote.wanted.filter == filter) return &knote;
  }
  return nullptr;
}

void ring(const Queue& queue) {
  const std::uint64_t one = 1;
  (void)!write(queue.bell, &one, sizeof one);
}

void silence(const Queue& queue) {
  std::uint64_t count;
  (void)!read(queue.bell, &count, sizeof count);
}

// ---- what a knote watches ----

bool is_descriptor_filter(short filter) {
  return filter == EVFILT_READ || filter == EVFILT_WRITE;
}

mode_t kind_of(uintptr_t ident) {
  struct stat status;
  return fstat(static_cast<int>(ident), &status) == 0 ? status.st_mode & S_IFMT : 0;
}

int epoll_of(const Queue& queue, const Knote& knote) {
  return knote.wanted.filter == EVFILT_READ ? queue.readers : queue.writers;
}

int tell_epoll(const Queue& queue, const Knote& knote, int operation) {
  epoll_event event{};
  event.data.u64 = knote.wanted.ident;
  if (knote.wanted.filter == EVFILT_WRITE) {
    event.events = EPOLLOUT;
  } else {
    event.events = knote.wanted.fflags & NOTE_LOWAT ? EPOLLRDHUP : EPOLLIN | EPOLLRDHUP;
  }
  if (knote.wanted.flags & EV_CLEAR) event.events |= EPOLLET;
  const int fd = static_cast<int>(knote.wanted.ident);
  return epoll_ctl(epoll_of(queue, knote), operation, fd, &event) == 0 ? 0 : errno;
}

// FreeBSD refuses to watch a pipe for writing that nobody reads.
bool is_broken_pipe(const Knote& knote) {
  pollfd polled = {static_cast<int>(knote.wanted.ident), POLLOUT, 0};
  return knote.wanted.filter == EVFILT_WRITE && kind_of(knote.wanted.ident) == S_IFIFO &&
         poll(&polled, 1, 0) == 1 && (polled.revents & POLLERR) != 0;
}

int attach(Queue& queue, Knote& knote) {
  if (is_descriptor_filter(knote.wanted.filter)) {
    if (is_broken_pipe(knote)) return EPIPE;
    const int error = tell_epoll(queue, knote, EPOLL_CTL_ADD);
    knote.in_epoll = error == 0;
    if (error == 0) return 0;
    if (error != EPERM || kind_of(knote.wanted.ident) != S_IFREG) return error;
    knote.active = true;
    ring(queue);
    return 0;
  }
  if (knote.wanted.filter == EVFILT_USER) return 0;
  if (knote.wanted.filter != EVFILT_TIMER) return EINVAL;
  Nanoseconds unit = 1000000;
  if (knote.wanted.fflags & NOTE_USECONDS) unit = 1000;
  if (knote.wanted.fflags & NOTE_NSECONDS) unit = 1;
  knote.period = knote.wanted.data > 0 ? knote.wanted.data * unit : unit;
  knote.due = now() + knote.period;
  ring(queue);
  return 0;
}

// What is ready now is reported again, also to a knote with EV_CLEAR.
int touch(Queue& queue, Knote& knote) {
  if (knote.in_epoll) return tell_epoll(queue, knote, EPOLL_CTL_MOD);
  return knote.wanted.filter == EVFILT_USER ? 0 : attach(queue, knote);
}

void remove_knote(Queue& queue, Knote* knote) {
  if (knote->in_epoll) tell_epoll(queue, *knote, EPOLL_CTL_DEL);
  *knote = queue.knotes[--queue.count];
}

// ---- changes ----

int injected_failure(const struct kevent& change) {
  if (failing_filter.load() != change.filter) return 0;
  failing_filter.store(0);
  return failing_error.load();
}

int add_knote(Queue& queue, const struct kevent& change) {
  const int failure = injected_failure(change);
  if (failure != 0) return failure;
  if (queue.count == queue.room) {
    const int room = queue.room == 0 ? 64 : queue.room * 2;
    void* memory = std::realloc(queue.knotes, sizeof(Knote) * static_cast<unsigned>(room));
    if (memory == nullptr) return ENOMEM;
    queue.knotes = static_cast<Knote*>(memory);
    queue.room = room;
  }
  Knote& knote = queue.knotes[queue.count];
  knote = {};
  knote.wanted = change;
  const int error = attach(queue, knote);
  if (error == 0) ++queue.count;
  return error;
}

// As in the real one, neither EV_CLEAR nor EV_ONESHOT changes in a knote that exists.
int update_knote(Queue& queue, Knote& knote, const struct kevent& change) {
  if (change.flags & EV_DISABLE) {
    if (knote.in_epoll) tell_epoll(queue, knote, EPOLL_CTL_DEL);
    knote.in_epoll = false;
    knote.disabled = true;
    return 0;
  }
  if (change.flags & EV_ADD) {
    const int failure = injected_failure(change);
    if (failure != 0) return failure;
    knote.wanted.fflags = change.fflags;
    knote.wanted.data = change.data;
    knote.wanted.udata = change.udata;
  }
  if (knote.wanted.filter == EVFILT_USER && (change.fflags & NOTE_TRIGGER)) {
    knote.active = true;
    ring(queue);
    return 0;
  }
  if (knote.disabled && (change.flags & EV_ENABLE)) {
    knote.disabled = false;
    return attach(queue, knote);
  }
  return knote.disabled ? 0 : touch(queue, knote);
}

// ---- events ----

struct Harvest {
  struct kevent* events;
  int room;
  int count = 0;
  bool full() const { return count == room; }
};

// True if the knote has gone with it.
bool report(Queue& queue, Knote* knote, Harvest& harvest, unsigned flags, unsigned fflags,
            intptr_t data) {
  struct kevent& event = harvest.events[harvest.count++];
  event = knote->wanted;
  event.flags = static_cast<unsigned short>((event.flags & (EV_CLEAR | EV_ONESHOT)) | flags);
  event.fflags = fflags;
  event.data = data;
  if (!(knote->wanted.flags & EV_ONESHOT)) return false;
  remove_knote(queue, knote);
  return true;
}

intptr_t bytes_to_read(int fd) {
  int bytes = 0;
  return ioctl(fd, FIONREAD, &bytes) == 0 ? bytes : 0;
}

void report_from_epoll(Queue& queue, short filter, std::uint32_t bits, uintptr_t ident,
                       Harvest& harvest) {
  Knote* knote = find_knote(queue, ident, filter);
  if (knote == nullptr) return;
  const bool is_pipe = kind_of(ident) == S_IFIFO;
  const bool is_socket = kind_of(ident) == S_IFSOCK;
  const bool end = (bits & (EPOLLRDHUP | EPOLLHUP)) != 0 || (is_pipe && (bits & EPOLLERR));
  // Which error it is can not be asked without taking it away from the program.
  const bool broken = is_socket && (bits & EPOLLERR) && (bits & EPOLLHUP);
  report(queue, knote, harvest, end ? EV_EOF : 0, broken ? ECONNRESET : 0,
         filter == EVFILT_READ ? bytes_to_read(static_cast<int>(ident)) : 0);
}

void harvest_epoll(Queue& queue, short filter, Harvest& harvest) {
  constexpr int kMost = 64;
  epoll_event ready[kMost];
  const int room = harvest.room - harvest.count;
  const int set = filter == EVFILT_READ ? queue.readers : queue.writers;
  const int count = room == 0 ? 0 : epoll_wait(set, ready, room < kMost ? room : kMost, 0);
  for (int i = 0; i < count; ++i)
    report_from_epoll(queue, filter, ready[i].events, ready[i].data.u64, harvest);
}

void harvest_file(Queue& queue, Knote* knote, Harvest& harvest) {
  struct stat status;
  const int fd = static_cast<int>(knote->wanted.ident);
  if (!knote->active || fstat(fd, &status) != 0) return;
  const off_t left = status.st_size - lseek(fd, 0, SEEK_CUR);
  if (knote->wanted.filter == EVFILT_READ && left <= 0) return;
  if (knote->wanted.flags & EV_CLEAR) knote->active = false;
  report(queue, knote, harvest, 0, 0, left);
}

void harvest_others(Queue& queue, Harvest& harvest) {
  silence(queue);
  for (int i = queue.count - 1; i >= 0 && !harvest.full(); --i) {
    Knote* knote = &queue.knotes[i];
    if (knote->disabled) continue;
    if (is_descriptor_filter(knote->wanted.filter)) {
      if (!knote->in_epoll) harvest_file(queue, knote, harvest);
    } else if (knote->wanted.filter == EVFILT_USER) {
      if (!knote->active) continue;
      if (knote->wanted.flags & EV_CLEAR) knote->active = false;
      report(queue, knote, harvest, 0, 0, 0);
    } else {
      const Nanoseconds late = now() - knote->due;
      if (late < 0) continue;
      const Nanoseconds expirations = late / knote->period + 1;
      knote->due += expirations * knote->period;
      report(queue, knote, harvest, 0, 0, expirations);
    }
  }
  // What found no room is looked at again.
  if (harvest.full()) ring(queue);
}

}  // namespace

// ---- what kqueue_emulation.cc calls ----

int apply_change(Queue& queue, const struct kevent& change) {
  if (is_descriptor_filter(change.filter) && fcntl(static_cast<int>(change.ident), F_GETFD) < 0)
    return EBADF;
  Knote* knote = find_knote(queue, change.ident, change.filter);
  if (knote == nullptr) return change.flags & EV_ADD ? add_knote(queue, change) : ENOENT;
  if (change.flags & EV_DELETE) {
    remove_knote(queue, knote);
    return 0;
  }
  return update_knote(queue, *knote, change);
}

// Each source comes first in turn, so that none starves the others of a small array.
int harvest(Queue& queue, struct kevent* events, int room) {
  Harvest taken{events, room};
  const unsigned first = queue.turn++;
  for (unsigned i = 0; i < 3; ++i) {
    switch ((first + i) % 3) {
      case 0:
        harvest_others(queue, taken);
        break;
      case 1:
        harvest_epoll(queue, EVFILT_READ, taken);
        break;
      default:
        harvest_epoll(queue, EVFILT_WRITE, taken);
        break;
    }
  }
  return taken.count;
}

Nanoseconds next_look(const Queue& queue, Nanoseconds deadline) {
  for (int i = 0; i < queue.count; ++i) {
    const Knote& knote = queue.knotes[i];
    if (knote.wanted.filter != EVFILT_TIMER || knote.disabled) continue;
    if (deadline < 0 || knote.due < deadline) deadline = knote.due;
  }
  return deadline;
}

void forget_descriptor(Queue& queue, int fd) {
  for (int i = queue.count - 1; i >= 0; --i) {
    Knote& knote = queue.knotes[i];
    if (is_descriptor_filter(knote.wanted.filter) &&
        knote.wanted.ident == static_cast<uintptr_t>(fd))
      remove_knote(queue, &knote);
  }
}

Nanoseconds now() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * Nanoseconds{1000000000} + time.tv_nsec;
}

void fail_next_addition(int filter, int error) {
  failing_error.store(error);
  failing_filter.store(filter);
}

}  // namespace kqueue_emulation
