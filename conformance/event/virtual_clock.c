/* The definitions that replace the C library's.  A wait looks at the kernel without waiting; when
 * that finds nothing, the clock is moved to the end of the time limit instead, rounded up to a
 * whole millisecond so that libraries which round differently still agree on the time. poll() and
 * select() report one ready descriptor at a time, in turn: their callers are free to visit several
 * in any order, and the original visits them in a random one. */
#include "conformance/event/virtual_clock.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const long long millisecond = 1000000;
static const long long start = 400000LL * 1000 * 1000000;
static const long long wall_offset = 1700000000LL * 1000 * 1000000;

static long long now = 400000LL * 1000 * 1000000;
static int turn;

long virtual_clock_waits;
long virtual_clock_patience = 1000000;

static void give_up(void) {
  abort();
}
void (*virtual_clock_stuck)(void) = give_up;

void virtual_clock_reset(void) {
  now = start;
  turn = 0;
  virtual_clock_waits = 0;
}

void virtual_clock_advance(long milliseconds) {
  now += milliseconds * millisecond;
}

long long virtual_clock_milliseconds(void) {
  return (now - start) / millisecond;
}

static void count_wait(void) {
  if (++virtual_clock_waits > virtual_clock_patience) virtual_clock_stuck();
}

/* Nothing was ready: lets `nanoseconds` pass, or for ever when negative. */
static void pass(long long nanoseconds) {
  if (nanoseconds < 0) {
    virtual_clock_stuck();
    return;
  }
  now += nanoseconds;
  now = (now + millisecond - 1) / millisecond * millisecond;
}

/* ---- clocks ------------------------------------------------------------------------------------
 */

int clock_gettime(clockid_t clock, struct timespec* time) {
  long long value = now;
  switch (clock) {
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_BOOTTIME:
      break;
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
      value += wall_offset;
      break;
    default:
      return (int)syscall(SYS_clock_gettime, clock, time);
  }
  time->tv_sec = value / 1000000000;
  time->tv_nsec = value % 1000000000;
  return 0;
}

int gettimeofday(struct timeval* restrict time, void* restrict zone) {
  (void)zone;
  time->tv_sec = (now + wall_offset) / 1000000000;
  time->tv_usec = (now + wall_offset) % 1000000000 / 1000;
  return 0;
}

time_t time(time_t* out) {
  time_t seconds = (now + wall_offset) / 1000000000;
  if (out != NULL) *out = seconds;
  return seconds;
}

/* ---- epoll -------------------------------------------------------------------------------------
 */

/* Which descriptor an event is about is known from what it was registered with. */
enum { remembered = 4096 };
static struct {
  int set;
  int fd;
  epoll_data_t data;
} registrations[remembered];
static int registration_count;

int epoll_ctl(int set, int operation, int fd, struct epoll_event* event) {
  int answer = (int)syscall(SYS_epoll_ctl, set, operation, fd, event);
  if (answer != 0 || operation == EPOLL_CTL_DEL || event == NULL) return answer;
  int slot = 0;
  while (slot < registration_count &&
         (registrations[slot].set != set || registrations[slot].data.u64 != event->data.u64))
    slot++;
  if (slot == remembered) abort();
  if (slot == registration_count) registration_count++;
  registrations[slot].set = set;
  registrations[slot].fd = fd;
  registrations[slot].data = event->data;
  return 0;
}

/* A new set forgets what an earlier one of its number was told. */
static int made(int set) {
  int kept = 0;
  for (int slot = 0; slot < registration_count; slot++)
    if (registrations[slot].set != set) registrations[kept++] = registrations[slot];
  registration_count = kept;
  return set;
}
int epoll_create1(int flags) {
  return made((int)syscall(SYS_epoll_create1, flags));
}
int epoll_create(int size) {
  (void)size;
  return epoll_create1(0);
}

static int descriptor_of(int set, epoll_data_t data) {
  for (int slot = 0; slot < registration_count; slot++)
    if (registrations[slot].set == set && registrations[slot].data.u64 == data.u64)
      return registrations[slot].fd;
  return -1;
}

static int wait_on_epoll(int set, struct epoll_event* events, int capacity, long long limit) {
  struct epoll_event all[256];
  int room = capacity < 256 ? capacity : 256;
  count_wait();
  int count = (int)syscall(SYS_epoll_pwait, set, all, room, 0, NULL, 0);
  if (count == 0 && limit != 0) pass(limit);
  for (int i = 1; i < count; i++) {
    struct epoll_event moved = all[i];
    int key = descriptor_of(set, moved.data), hole = i;
    for (; hole > 0 && descriptor_of(set, all[hole - 1].data) > key; hole--)
      all[hole] = all[hole - 1];
    all[hole] = moved;
  }
  if (count > 0) memcpy(events, all, (size_t)count * sizeof *events);
  return count;
}

static long long from_milliseconds(int limit) {
  return limit < 0 ? -1 : limit * millisecond;
}
static long long from_timespec(const struct timespec* limit) {
  return limit == NULL ? -1 : limit->tv_sec * 1000000000LL + limit->tv_nsec;
}

int epoll_wait(int set, struct epoll_event* events, int capacity, int limit) {
  return wait_on_epoll(set, events, capacity, from_milliseconds(limit));
}
int epoll_pwait(int set, struct epoll_event* events, int capacity, int limit,
                const sigset_t* mask) {
  (void)mask;
  return wait_on_epoll(set, events, capacity, from_milliseconds(limit));
}
int epoll_pwait2(int set, struct epoll_event* events, int capacity, const struct timespec* limit,
                 const sigset_t* mask) {
  (void)mask;
  return wait_on_epoll(set, events, capacity, from_timespec(limit));
}

/* ---- whose turn it is
 * ---------------------------------------------------------------------------- */

static void consider(int fd, int* chosen, int* lowest) {
  if (fd < virtual_clock_first_descriptor) return;
  if (fd > turn && (*chosen < 0 || fd < *chosen)) *chosen = fd;
  if (*lowest < 0 || fd < *lowest) *lowest = fd;
}
static void take_turn(int chosen, int lowest) {
  if (lowest >= 0) turn = chosen >= 0 ? chosen : lowest;
}
static int has_turn(int fd) {
  return fd < virtual_clock_first_descriptor || fd == turn;
}

/* ---- poll --------------------------------------------------------------------------------------
 */

static int wait_on_poll(struct pollfd* polled, nfds_t count, long long limit) {
  struct timespec none = {0, 0};
  count_wait();
  int ready = (int)syscall(SYS_ppoll, polled, count, &none, NULL, 0);
  if (ready == 0 && limit != 0) pass(limit);
  if (ready <= 0) return ready;
  int chosen = -1, lowest = -1;
  for (nfds_t i = 0; i < count; i++)
    if (polled[i].revents != 0) consider(polled[i].fd, &chosen, &lowest);
  take_turn(chosen, lowest);
  ready = 0;
  for (nfds_t i = 0; i < count; i++) {
    if (!has_turn(polled[i].fd)) polled[i].revents = 0;
    ready += polled[i].revents != 0;
  }
  return ready;
}

int poll(struct pollfd* polled, nfds_t count, int limit) {
  return wait_on_poll(polled, count, from_milliseconds(limit));
}
int ppoll(struct pollfd* polled, nfds_t count, const struct timespec* limit, const sigset_t* mask) {
  (void)mask;
  return wait_on_poll(polled, count, from_timespec(limit));
}

/* ---- select ------------------------------------------------------------------------------------
 */

static int wait_on_select(int end, fd_set* sets[3], long long limit) {
  struct timespec none = {0, 0};
  count_wait();
  int ready = (int)syscall(SYS_pselect6, end, sets[0], sets[1], sets[2], &none, NULL);
  if (ready == 0 && limit != 0) pass(limit);
  if (ready <= 0) return ready;
  int chosen = -1, lowest = -1;
  for (int fd = 0; fd < end; fd++) {
    int set = 0;
    for (int i = 0; i < 3; i++)
      set |= sets[i] != NULL && FD_ISSET(fd, sets[i]);
    if (set) consider(fd, &chosen, &lowest);
  }
  take_turn(chosen, lowest);
  ready = 0;
  for (int i = 0; i < 3; i++) {
    for (int fd = 0; sets[i] != NULL && fd < end; fd++) {
      if (!has_turn(fd)) FD_CLR(fd, sets[i]);
      ready += FD_ISSET(fd, sets[i]) != 0;
    }
  }
  return ready;
}

int select(int end, fd_set* readable, fd_set* writable, fd_set* exceptional,
           struct timeval* limit) {
  fd_set* sets[3] = {readable, writable, exceptional};
  return wait_on_select(
      end, sets, limit == NULL ? -1 : limit->tv_sec * 1000000000LL + limit->tv_usec * 1000LL);
}
int pselect(int end, fd_set* readable, fd_set* writable, fd_set* exceptional,
            const struct timespec* limit, const sigset_t* mask) {
  (void)mask;
  fd_set* sets[3] = {readable, writable, exceptional};
  return wait_on_select(end, sets, from_timespec(limit));
}
