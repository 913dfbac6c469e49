/* Locks. The library takes none until it is told how, here, before the first base is made. Programs
 * with POSIX threads call evthread_use_pthreads; with another thread library they hand in
 * callbacks. The int functions return 0, or -1 if the wish came too late or made no sense. */
#ifndef EVENT2_THREAD_H_INCLUDED_
#define EVENT2_THREAD_H_INCLUDED_

#include <event2/visibility.h>

#ifdef __cplusplus
extern "C" {
#endif

struct event_base;
struct timeval;

/* How a lock is to be taken: the mode argument of the lock callbacks. */
#define EVTHREAD_WRITE 0x04
#define EVTHREAD_READ 0x08
#define EVTHREAD_TRY 0x10 /* do not wait: nonzero means that somebody else has it */

#ifndef EVENT__DISABLE_THREAD_SUPPORT

/* Kinds of lock. Support for the first is required; the second is never asked for. */
#define EVTHREAD_LOCKTYPE_RECURSIVE 1
#define EVTHREAD_LOCKTYPE_READWRITE 2

#define EVTHREAD_LOCK_API_VERSION 1

struct evthread_lock_callbacks {
  int lock_api_version;         /* EVTHREAD_LOCK_API_VERSION */
  unsigned supported_locktypes; /* EVTHREAD_LOCKTYPE_* */
  /* A new lock of one of those types, 0 being a plain one; NULL if there is none to be had. */
  void* (*alloc)(unsigned locktype);
  void (*free)(void* lock, unsigned locktype);
  /* Both return 0 when done. */
  int (*lock)(unsigned mode, void* lock);
  int (*unlock)(unsigned mode, void* lock);
};

#define EVTHREAD_CONDITION_API_VERSION 1

struct evthread_condition_callbacks {
  int condition_api_version; /* EVTHREAD_CONDITION_API_VERSION */
  /* condtype is 0. NULL if there is none to be had. */
  void* (*alloc_condition)(unsigned condtype);
  void (*free_condition)(void* cond);
  /* Wake one waiter, or all if broadcast; the lock that goes with cond is held. 0 when done. */
  int (*signal_condition)(void* cond, int broadcast);
  /* Let lock go, wait, take it again. 0 if signalled, 1 if timeout (an interval, or NULL for ever)
   * ran out first, -1 on an error. */
  int (*wait_condition)(void* cond, void* lock, const struct timeval* timeout);
};

/* The structures are copied. Once set they can be set again only to the same; NULL resets, after
 * libevent_global_shutdown. */
EVENT2_EXPORT_SYMBOL
int evthread_set_lock_callbacks(const struct evthread_lock_callbacks* callbacks);
EVENT2_EXPORT_SYMBOL
int evthread_set_condition_callbacks(const struct evthread_condition_callbacks* callbacks);

/* A number that tells the calling thread from all others. */
EVENT2_EXPORT_SYMBOL
void evthread_set_id_callback(unsigned long (*id_fn)(void));

#ifdef EVENT__HAVE_PTHREADS
/* All three at once, for POSIX threads. In the library event_pthreads. */
EVENT2_EXPORT_SYMBOL
int evthread_use_pthreads(void);
#define EVTHREAD_USE_PTHREADS_IMPLEMENTED 1
#endif

/* Watch the locks from now on, and end the program when one is released by a thread that does not
 * hold it, and the like. To be called before any lock has been made. */
EVENT2_EXPORT_SYMBOL
void evthread_enable_lock_debugging(void);
/* As it was once spelled. */
EVENT2_EXPORT_SYMBOL
void evthread_enable_lock_debuging(void);

#endif /* EVENT__DISABLE_THREAD_SUPPORT */

/* Let other threads wake the loop of this base. With locks in use, every base has this already. */
EVENT2_EXPORT_SYMBOL
int evthread_make_base_notifiable(struct event_base* base);

#ifdef __cplusplus
}
#endif

#endif /* EVENT2_THREAD_H_INCLUDED_ */
