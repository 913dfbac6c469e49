/* netpoll.h - threads that wait for descriptors.
 *
 * A descriptor is opened here once. A thread that finds it not ready waits, and is woken when it is
 * ready, when a deadline passes, or when the descriptor is unblocked to be closed. Readiness is
 * remembered: an edge that came while nobody waited lets the next waiter through at once, so always
 * try first, wait after EAGAIN, and try again.
 *
 * All functions may be called from any thread; netpoll_break() from signal handlers too. One waiter
 * at a time for each direction of a descriptor.
 *
 * The order of closing: netpoll_unblock(), let every waiter return, netpoll_close(), close(2).
 */
#ifndef NETPOLL_H_INCLUDED
#define NETPOLL_H_INCLUDED

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An open descriptor. 0 is never one, and a closed one never comes back. */
typedef uint64_t netpoll_desc;

/* Directions, to be combined where a function takes several. */
#define NETPOLL_READ 1
#define NETPOLL_WRITE 2

/* What a wait came to. Misuse is reported as -1 with errno instead: EBADF for a descriptor that is
 * not open here, EBUSY when somebody else waits in this direction, EINVAL for a bad direction. */
#define NETPOLL_READY 0
#define NETPOLL_CLOSING 1      /* unblocked; do not try again */
#define NETPOLL_TIMEOUT 2      /* the deadline has passed, even if the descriptor is ready by now */
#define NETPOLL_NOT_POLLABLE 3 /* the kernel reports an error and nothing else */
#define NETPOLL_PARKED 4       /* netpoll_park(): the waiter will be called */

/* Chooses the backend by name ("epoll", "kqueue", "poll", "select"; NULL for the best) before the
 * first netpoll_open(), which otherwise makes that choice itself. 0, or -1 with errno: EINVAL for a
 * name that this build does not have, EALREADY when the choice was made, EMFILE and the like. */
int netpoll_init(const char* name);

/* Opens a non-blocking descriptor. 0, or -1 with errno; EPERM for a file that is always ready. */
int netpoll_open(int fd, netpoll_desc* desc);

/* Forgets the descriptor; the file stays open. 0, or -1 with errno: EBUSY before netpoll_unblock(),
 * or while a waiter has not returned. */
int netpoll_close(netpoll_desc desc);

/* Before the first attempt of a new operation: drops a remembered edge. NETPOLL_READY, or what a
 * wait would report at once. */
int netpoll_reset(netpoll_desc desc, int direction);

/* Blocks the calling thread until the descriptor is ready, and reports why it came back. */
int netpoll_wait(netpoll_desc desc, int direction);

/* The same, but deaf to deadlines and closing: for an operation that was canceled and that the
 * kernel has yet to let go. */
int netpoll_wait_canceled(netpoll_desc desc, int direction);

/* Sets the deadline of the directions named: `nanoseconds` from now, 0 for none, negative for one
 * that has passed already. Waiters whose deadline passes return NETPOLL_TIMEOUT, and so does
 * everybody after them until the deadline is set anew. 0, or -1 with errno. */
int netpoll_set_deadline(netpoll_desc desc, int64_t nanoseconds, int directions);

/* Lets go of everybody who waits, now and later, with NETPOLL_CLOSING. 0, or -1 with errno:
 * EALREADY for the second time. */
int netpoll_unblock(netpoll_desc desc);

/* 1 if `fd` is one of the poller's own descriptors, which must not be touched; else 0. */
int netpoll_is_poll_descriptor(int fd);

/* How many threads and parked waiters are waiting. */
unsigned netpoll_waiters(void);

/* For programs that schedule their own work instead of blocking threads. */

typedef struct netpoll_waiter {
  /* Called once, by the thread that polls, when the wait is over; may free the waiter. */
  void (*ready)(struct netpoll_waiter* self);
} netpoll_waiter;

/* Parks a waiter. NETPOLL_PARKED, or what netpoll_wait() would have reported at once. */
int netpoll_park(netpoll_desc desc, int direction, netpoll_waiter* waiter);

/* What a parked wait came to, once it was called: NETPOLL_PARKED for a false alarm, after which it
 * has to be parked again. */
int netpoll_settle(netpoll_desc desc, int direction);

/* Waits in the kernel once, for at most `nanoseconds` (negative: for ever; 0: not at all), and runs
 * the waiters that became ready. Returns their number, or -1 with errno. A thread that is blocked
 * in netpoll_wait() polls for everybody already; then this returns 0 at once. */
int netpoll_poll(int64_t nanoseconds);

/* Ends a netpoll_poll() under way, or makes the next one return at once. However many calls there
 * are, a sleep costs one system call. Async-signal-safe. */
void netpoll_break(void);

/* In a child after fork(), before anything else here: what was open stays open and belongs to the
 * child alone. 0, or -1 with errno. */
int netpoll_after_fork(void);

#ifdef __cplusplus
}
#endif

#endif /* NETPOLL_H_INCLUDED */
