/*
 * <sys/event.h> for Linux: the part of kqueue(2) that kqueue_emulation.cc provides, so that the
 * kqueue backend can be compiled and run where there is no kqueue. For tests alone. The numbers are
 * FreeBSD's; nothing depends on them.
 *
 * With KQUEUE_NARROW_USER_DATA, udata is a 32-bit integer as on some 32-bit systems: struct and
 * function are then called narrow_kevent, and the program's own words for them are replaced.
 */
#ifndef POLLSHIM_CONFORMANCE_UNIT_KQUEUE_SYS_EVENT_H
#define POLLSHIM_CONFORMANCE_UNIT_KQUEUE_SYS_EVENT_H

/* Like any header of the system, it is not the place for the program's own warnings. */
#pragma GCC system_header

#include <stdint.h>
#include <time.h>

#define EVFILT_READ (-1)
#define EVFILT_WRITE (-2)
#define EVFILT_TIMER (-7)
#define EVFILT_USER (-11)

#define EV_ADD 0x0001
#define EV_DELETE 0x0002
#define EV_ENABLE 0x0004
#define EV_DISABLE 0x0008
#define EV_ONESHOT 0x0010
#define EV_CLEAR 0x0020
#define EV_RECEIPT 0x0040
#define EV_ERROR 0x4000
#define EV_EOF 0x8000

#define NOTE_LOWAT 0x00000001
#define NOTE_TRIGGER 0x01000000
#define NOTE_MSECONDS 0x00000002
#define NOTE_USECONDS 0x00000004
#define NOTE_NSECONDS 0x00000008

struct kevent {
  uintptr_t ident;
  short filter;
  unsigned short flags;
  unsigned int fflags;
  intptr_t data;
  void* udata;
};

#ifdef __cplusplus
extern "C" {
#endif

int kqueue(void);
int kevent(int kq, const struct kevent* changes, int change_count, struct kevent* events,
           int event_count, const struct timespec* timeout);

#ifdef KQUEUE_NARROW_USER_DATA
struct narrow_kevent {
  uintptr_t ident;
  short filter;
  unsigned short flags;
  unsigned int fflags;
  intptr_t data;
  uint32_t udata;
};

int narrow_kevent(int kq, const struct narrow_kevent* changes, int change_count,
                  struct narrow_kevent* events, int event_count, const struct timespec* timeout);
#endif

#ifdef __cplusplus
}
#endif

#ifdef KQUEUE_NARROW_USER_DATA
#define kevent narrow_kevent
#endif

#endif
