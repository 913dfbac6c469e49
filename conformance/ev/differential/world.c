#include "conformance/ev/differential/world.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { MOST_FDS = 1024 };

static int64_t steady = 1000 * INT64_C(1000000000);
static int64_t wall = 1700000000 * INT64_C(1000000000);
static void (*on_sleep)(void);
static void (*on_wait)(long, bool);
static bool unreliable;
static unsigned waits;
static unsigned looks; /* waits since the last one that slept */

/* The libraries open descriptors of their own at different times, so their numbers differ. In what
 * order a wait reports them is settled by what they are. */
static unsigned char kind_of[MOST_FDS];
enum { KIND_PROGRAM, KIND_SIGNALS, KIND_SET, KIND_WAKE };

/* What was registered with epoll, to know which descriptor an event is of. */
struct registration {
  int set;
  int fd;
  uint64_t data;
};
static struct registration registrations[MOST_FDS];
static int registration_count;

static int last_reported = -1;

void world_reset(void) {
  steady = 1000 * INT64_C(1000000000);
  wall = 1700000000 * INT64_C(1000000000);
  last_reported = -1;
  waits = 0;
  looks = 0;
}

void world_advance(int ticks) {
  steady += ticks * WORLD_TICK;
  wall += ticks * WORLD_TICK;
}

void world_jump_wall_clock(int ticks) {
  wall += ticks * WORLD_TICK;
}
void world_set_happening(void (*happening)(void)) {
  on_sleep = happening;
}
void world_set_wait_witness(void (*witness)(long, bool)) {
  on_wait = witness;
}
void world_be_unreliable(void) {
  unreliable = true;
}

static long key_of(int fd) {
  int kind = fd >= 0 && fd < MOST_FDS ? kind_of[fd] : KIND_PROGRAM;
  return kind == KIND_PROGRAM ? fd : (long)kind * MOST_FDS; /* a set has one of each at most */
}

static void note_kind(int fd, int kind) {
  if (fd >= 0 && fd < MOST_FDS) {
    kind_of[fd] = (unsigned char)kind;
  }
}

/* --- clocks
 * --------------------------------------------------------------------------------------------- */

int clock_gettime(clockid_t clock, struct timespec* time) {
  int64_t now = clock == CLOCK_REALTIME ? wall : steady;
  time->tv_sec = now / 1000000000;
  time->tv_nsec = now % 1000000000;
  return 0;
}

int gettimeofday(struct timeval* restrict time, void* restrict zone) {
  (void)zone;
  time->tv_sec = wall / 1000000000;
  time->tv_usec = wall % 1000000000 / 1000;
  return 0;
}

/* Ends a little early, at a whole tick, as a sleep that a signal interrupts. */
int nanosleep(const struct timespec* length, struct timespec* rest) {
  (void)rest;
  world_advance((int)((length->tv_sec * INT64_C(1000000000) + length->tv_nsec) / WORLD_TICK));
  return 0;
}

/* A clock that jumps by our doing cannot tell the kernel, so neither library gets a timerfd. */
int timerfd_create(clockid_t clock, int flags) {
  (void)clock;
  (void)flags;
  errno = ENOSYS;
  return -1;
}

/* --- descriptors
 * ---------------------------------------------------------------------------------------- */

int eventfd(unsigned int count, int flags) {
  int fd = (int)syscall(SYS_eventfd2, count, flags);
  note_kind(fd, KIND_WAKE);
  return fd;
}

int signalfd(int fd, const sigset_t* mask, int flags) {
  int result = (int)syscall(SYS_signalfd4, fd, mask, 8, flags);
  note_kind(result, KIND_SIGNALS);
  return result;
}

int epoll_create1(int flags) {
  int fd = (int)syscall(SYS_epoll_create1, flags);
  note_kind(fd, KIND_SET);
  return fd;
}

int close(int fd) {
  note_kind(fd, KIND_PROGRAM);
  int kept = 0;
  for (int i = 0; i < registration_count; ++i) {
    if (registrations[i].set != fd && registrations[i].fd != fd) {
      registrations[kept++] = registrations[i];
    }
  }
  registration_count = kept;
  return (int)syscall(SYS_close, fd);
}

static struct registration* find_registration(int set, int fd) {
  for (int i = 0; i < registration_count; ++i) {
    if (registrations[i].set == set && registrations[i].fd == fd) {
      return &registrations[i];
    }
  }
  return NULL;
}

int epoll_ctl(int set, int operation, int fd, struct epoll_event* event) {
  int result = (int)syscall(SYS_epoll_ctl, set, operation, fd, event);
  if (result == 0 && operation != EPOLL_CTL_DEL) {
    struct registration* found = find_registration(set, fd);
    if (found == NULL && registration_count < MOST_FDS) {
      found = &registrations[registration_count++];
    }
    if (found != NULL) {
      *found = (struct registration){set, fd, event->data.u64};
    }
  }
  return result;
}

static int fd_of(int set, uint64_t data) {
  for (int i = 0; i < registration_count; ++i) {
    if (registrations[i].set == set && registrations[i].data == data) {
      return registrations[i].fd;
    }
  }
  return MOST_FDS - 1;
}

/* --- waits
 * ---------------------------------------------------------------------------------------------- */

/* The libraries round a wait in ways that differ by a millisecond at most, and all that is waited
 * for lies within two milliseconds behind a tick. */
static void witness(int64_t nanoseconds) {
  bool blocks = nanoseconds != 0;
  long ticks = nanoseconds < 0 ? -1 : (long)((nanoseconds + 4000000) / WORLD_TICK);
  if (on_wait != NULL) {
    on_wait(blocks ? ticks : 0, blocks);
  }
  ++waits;
  /* Time goes by even for a loop that never sleeps: what is due now, and not before now, waits for
   * that. */
  if (++looks == 4) {
    looks = 0;
    world_advance(1);
  }
}

/* Time goes by; something may happen in it. */
static void sleep_through(void) {
  looks = 0;
  if (on_sleep != NULL) {
    on_sleep();
  }
  world_advance(1);
}

static bool errs(void) {
  return unreliable && waits % 97 == 96;
}

static int wait_set;
static int by_key(const void* a, const void* b) {
  long left = key_of(fd_of(wait_set, ((const struct epoll_event*)a)->data.u64));
  long right = key_of(fd_of(wait_set, ((const struct epoll_event*)b)->data.u64));
  return left < right ? -1 : left > right;
}

int epoll_wait(int set, struct epoll_event* events, int most, int timeout) {
  witness(timeout < 0 ? -1 : timeout * INT64_C(1000000));
  int count = (int)syscall(SYS_epoll_wait, set, events, most, 0);
  if (count == 0 && timeout != 0) {
    sleep_through();
    count = (int)syscall(SYS_epoll_wait, set, events, most, 0);
  }
  if (count > 1) {
    wait_set = set;
    qsort(events, (size_t)count, sizeof *events, by_key);
  }
  return count > 0 && errs() ? count - 1 : count;
}

/* In what order the entries of an array are looked at is a library's own affair, so a wait reports
 * one descriptor: the next one behind the last. */
static int choose_next(const long* keys, int count) {
  int best = -1;
  int least = -1;
  for (int i = 0; i < count; ++i) {
    if (least < 0 || keys[i] < keys[least]) {
      least = i;
    }
    if (keys[i] > last_reported && (best < 0 || keys[i] < keys[best])) {
      best = i;
    }
  }
  return best >= 0 ? best : least;
}

static int poll_once(struct pollfd* polled, nfds_t size) {
  long keys[MOST_FDS];
  nfds_t places[MOST_FDS];
  int count = 0;
  struct timespec none = {0, 0};
  if (syscall(SYS_ppoll, polled, size, &none, NULL, 8) < 0) {
    return -1;
  }
  for (nfds_t i = 0; i < size && count < MOST_FDS; ++i) {
    if (polled[i].revents != 0) {
      keys[count] = key_of(polled[i].fd);
      places[count++] = i;
    }
  }
  if (count == 0) {
    return 0;
  }
  int chosen = choose_next(keys, count);
  last_reported = (int)keys[chosen];
  for (int i = 0; i < count; ++i) {
    if (i != chosen) {
      polled[places[i]].revents = 0;
    }
  }
  return 1;
}

int poll(struct pollfd* polled, nfds_t size, int timeout) {
  witness(timeout < 0 ? -1 : timeout * INT64_C(1000000));
  int count = poll_once(polled, size);
  if (count == 0 && timeout != 0) {
    sleep_through();
    count = poll_once(polled, size);
  }
  if (count > 0 && errs()) {
    for (nfds_t i = 0; i < size; ++i) {
      polled[i].revents = 0;
    }
    return 0;
  }
  return count;
}

/* A library's sets may be longer than fd_set, or shorter. */
static bool is_in(const fd_set* set, int fd) {
  const unsigned long* words = (const unsigned long*)set;
  return set != NULL && (words[fd / 64] >> (fd % 64) & 1) != 0;
}
static void clear_set(fd_set* set, int size) {
  if (set != NULL) {
    memset(set, 0, (size_t)((size + 63) / 64) * 8);
  }
}
static void put_in(fd_set* set, int fd) {
  ((unsigned long*)set)[fd / 64] |= 1ul << (fd % 64);
}

static int select_once(int size, fd_set* readable, fd_set* writable) {
  struct pollfd polled[MOST_FDS];
  int count = 0;
  for (int fd = 0; fd < size && count < MOST_FDS; ++fd) {
    short events =
        (short)((is_in(readable, fd) ? POLLIN : 0) | (is_in(writable, fd) ? POLLOUT : 0));
    if (events != 0) {
      polled[count++] = (struct pollfd){fd, events, 0};
    }
  }
  int ready = poll_once(polled, (nfds_t)count);
  if (ready > 0 && errs()) {
    ready = 0;
  }
  clear_set(readable, size);
  clear_set(writable, size);
  int bits = 0;
  for (int i = 0; i < count && ready > 0; ++i) {
    short broken = polled[i].revents & (POLLERR | POLLHUP);
    if ((polled[i].events & POLLIN) && (polled[i].revents & (POLLIN | broken))) {
      put_in(readable, polled[i].fd);
      ++bits;
    }
    if ((polled[i].events & POLLOUT) && (polled[i].revents & (POLLOUT | broken))) {
      put_in(writable, polled[i].fd);
      ++bits;
    }
  }
  return bits;
}

int select(int size, fd_set* restrict readable, fd_set* restrict writable,
           fd_set* restrict exceptional, struct timeval* restrict timeout) {
  unsigned long saved_readable[MOST_FDS / 64];
  unsigned long saved_writable[MOST_FDS / 64];
  size_t bytes = (size_t)((size + 63) / 64) * 8;
  int64_t length = -1;
  if (timeout != NULL) {
    length = timeout->tv_sec * INT64_C(1000000000) + timeout->tv_usec * INT64_C(1000);
    if (length <= 2000) {
      length = 0; /* libev rounds down, and looks once more instead */
    }
  }
  witness(length);
  clear_set(exceptional, size);
  if (readable != NULL) {
    memcpy(saved_readable, readable, bytes);
  }
  if (writable != NULL) {
    memcpy(saved_writable, writable, bytes);
  }
  int count = select_once(size, readable, writable);
  if (count == 0 && length != 0) {
    sleep_through();
    if (readable != NULL) {
      memcpy(readable, saved_readable, bytes);
    }
    if (writable != NULL) {
      memcpy(writable, saved_writable, bytes);
    }
    count = select_once(size, readable, writable);
  }
  return count;
}
