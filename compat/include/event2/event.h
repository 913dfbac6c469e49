/* Bases and events: the heart of the library. A base watches descriptors, signals and the clock; an
 * event says what to wait for and whom to call. An event is assigned once, is pending from
 * event_add until it fires (or until event_del, if EV_PERSIST), and is active from the moment it
 * fires until its callback is called. Functions returning int answer 0, or -1 when they refused or
 * failed, unless they say otherwise. Any thread may call any of them once thread.h has been asked
 * for locks. */
#ifndef EVENT2_EVENT_H_INCLUDED_
#define EVENT2_EVENT_H_INCLUDED_

#include <event2/visibility.h>

#include <stdio.h>
#include <sys/time.h>
#include <sys/types.h>

#include <event2/util.h>

#ifdef __cplusplus
extern "C" {
#endif

struct event;        /* laid open in event_struct.h, for those who must embed one */
struct event_base;   /* opaque */
struct event_config; /* opaque */

/* ---- Which library this is. */

#define LIBEVENT_VERSION EVENT__VERSION                /* of these headers, as a string */
#define LIBEVENT_VERSION_NUMBER EVENT__NUMERIC_VERSION /* 0x02010c00 is 2.1.12; low byte unused */

/* The same two of the library that is running. */
EVENT2_EXPORT_SYMBOL
const char* event_get_version(void);
EVENT2_EXPORT_SYMBOL
ev_uint32_t event_get_version_number(void);

/* The running library's sizeof(struct event), for memory handed to event_assign. */
EVENT2_EXPORT_SYMBOL
size_t event_get_struct_event_size(void);

/* ---- Before the first base: memory, messages, debugging. All of this is process-wide. */

#ifndef EVENT__DISABLE_MM_REPLACEMENT
/* Allocate with these instead of malloc, realloc and free; a NULL one means the system's. Call it
 * before the library has allocated anything. What the library hands out to be freed by the caller
 * comes from here too. */
EVENT2_EXPORT_SYMBOL
void event_set_mem_functions(void* (*malloc_fn)(size_t sz),
                             void* (*realloc_fn)(void* ptr, size_t sz), void (*free_fn)(void* ptr));
#define EVENT_SET_MEM_FUNCTIONS_IMPLEMENTED
#endif

#define EVENT_LOG_DEBUG 0
#define EVENT_LOG_MSG 1
#define EVENT_LOG_WARN 2
#define EVENT_LOG_ERR 3
/* Their names in 1.4. */
#define _EVENT_LOG_DEBUG EVENT_LOG_DEBUG
#define _EVENT_LOG_MSG EVENT_LOG_MSG
#define _EVENT_LOG_WARN EVENT_LOG_WARN
#define _EVENT_LOG_ERR EVENT_LOG_ERR

/* Receives one message, without a newline. It must not call the library. */
typedef void (*event_log_cb)(int severity, const char* msg);

/* Messages go to cb instead of stderr; NULL puts stderr back. */
EVENT2_EXPORT_SYMBOL
void event_set_log_callback(event_log_cb cb);

/* Called when the library cannot go on, after it has logged the reason. */
typedef void (*event_fatal_cb)(int err);

/* cb runs where the library would simply exit or abort; NULL puts that back. If cb returns, the
 * process exits with err. */
EVENT2_EXPORT_SYMBOL
void event_set_fatal_callback(event_fatal_cb cb);

#define EVENT_DBG_NONE 0
#define EVENT_DBG_ALL 0xffffffffu

/* Log every step at EVENT_LOG_DEBUG. Nothing between NONE and ALL has a meaning. */
EVENT2_EXPORT_SYMBOL
void event_enable_debug_logging(ev_uint32_t which);

/* Remember every assigned event and end the program on the misuse of one: assigned anew while
 * added, used before it was assigned. Fatal itself if a base or an event exists already. */
EVENT2_EXPORT_SYMBOL
void event_enable_debug_mode(void);

/* In debug mode, forget an event that is not added and whose memory is about to serve otherwise. */
EVENT2_EXPORT_SYMBOL
void event_debug_unassign(struct event* ev);

/* Give back what the process as a whole holds, locks included, for leak checkers. Free the bases
 * first, and call nothing afterwards that expects them. */
EVENT2_EXPORT_SYMBOL
void libevent_global_shutdown(void);

/* ---- Choosing what a base is made of. */

/* What a readiness mechanism can do. */
enum event_method_feature {
  EV_FEATURE_ET = 0x01,         /* edge-triggered events */
  EV_FEATURE_O1 = 0x02,         /* cost follows what is ready, not what is watched */
  EV_FEATURE_FDS = 0x04,        /* any descriptor, not only sockets */
  EV_FEATURE_EARLY_CLOSE = 0x08 /* EV_CLOSED */
};

enum event_base_config_flag {
  EVENT_BASE_FLAG_NOLOCK = 0x01,               /* one thread only: no lock, no notification */
  EVENT_BASE_FLAG_IGNORE_ENV = 0x02,           /* EVENT_NOEPOLL and the like mean nothing */
  EVENT_BASE_FLAG_STARTUP_IOCP = 0x04,         /* for Windows; accepted and without effect */
  EVENT_BASE_FLAG_NO_CACHE_TIME = 0x08,        /* read the clock for each callback */
  EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST = 0x10, /* batch interest changes */
  EVENT_BASE_FLAG_PRECISE_TIMER = 0x20         /* the finest clock rather than the cheapest */
};

/* An empty wish list, or NULL when memory is short. It may be freed as soon as the base exists. */
EVENT2_EXPORT_SYMBOL
struct event_config* event_config_new(void);
EVENT2_EXPORT_SYMBOL
void event_config_free(struct event_config* cfg);

/* Not this mechanism ("epoll", "poll", "select" …). The name is copied. */
EVENT2_EXPORT_SYMBOL
int event_config_avoid_method(struct event_config* cfg, const char* method);

/* Only a mechanism with all of these EV_FEATURE_*; replaces what was required before. */
EVENT2_EXPORT_SYMBOL
int event_config_require_features(struct event_config* cfg, int feature);

/* Add one EVENT_BASE_FLAG_*. */
EVENT2_EXPORT_SYMBOL
int event_config_set_flag(struct event_config* cfg, int flag);

EVENT2_EXPORT_SYMBOL
int event_config_set_num_cpus_hint(struct event_config* cfg, int cpus);

/* Look for new events again after max_interval (NULL: never), or after max_callbacks callbacks
 * (negative: never), instead of first finishing the priority at hand. Holds for min_priority and
 * the less urgent ones. */
EVENT2_EXPORT_SYMBOL
int event_config_set_max_dispatch_interval(struct event_config* cfg,
                                           const struct timeval* max_interval, int max_callbacks,
                                           int min_priority);

/* ---- The life of a base. */

/* NULL when there is no mechanism to be had, none that suits cfg, or no memory. */
EVENT2_EXPORT_SYMBOL
struct event_base* event_base_new(void);
EVENT2_EXPORT_SYMBOL
struct event_base* event_base_new_with_config(const struct event_config* cfg);

/* Removes the events that are left, without freeing them, runs finalizers that are due, closes no
 * descriptor of the caller's. */
EVENT2_EXPORT_SYMBOL
void event_base_free(struct event_base* base);
/* The same, except that finalizers stay uncalled. */
EVENT2_EXPORT_SYMBOL
void event_base_free_nofinalize(struct event_base* base);

/* In a child after fork, before anything else: take up every event again in kernel objects of the
 * child's own. -1 if some event could not be. */
EVENT2_EXPORT_SYMBOL
int event_reinit(struct event_base* base);

/* The mechanism in use, and all that this build has in order of preference, ended by NULL. */
EVENT2_EXPORT_SYMBOL
const char* event_base_get_method(const struct event_base* base);
EVENT2_EXPORT_SYMBOL
const char** event_get_supported_methods(void);

/* The EV_FEATURE_* of the mechanism in use. */
EVENT2_EXPORT_SYMBOL
int event_base_get_features(const struct event_base* base);

/* ---- Running it. */

#define EVLOOP_ONCE 0x01             /* wait until something is active, run that, return */
#define EVLOOP_NONBLOCK 0x02         /* run what is ready now, without waiting */
#define EVLOOP_NO_EXIT_ON_EMPTY 0x04 /* stay even when nothing is pending */

/* Wait and call callbacks, until told to stop or, by default, until nothing is pending or active.
 * Returns 0, 1 if there was nothing (left) to wait for, -1 on an error of the mechanism or if the
 * loop is running already. event_base_dispatch is the loop without flags. */
EVENT2_EXPORT_SYMBOL
int event_base_loop(struct event_base* base, int flags);
EVENT2_EXPORT_SYMBOL
int event_base_dispatch(struct event_base* base);

/* Finish the turn in which tv has run out, or the present one if tv is NULL, and return. */
EVENT2_EXPORT_SYMBOL
int event_base_loopexit(struct event_base* base, const struct timeval* tv);

/* Return right after the callback that is running; what else is active waits for the next loop. */
EVENT2_EXPORT_SYMBOL
int event_base_loopbreak(struct event_base* base);

/* Look for new events right after the callback that is running. No effect outside a loop. */
EVENT2_EXPORT_SYMBOL
int event_base_loopcontinue(struct event_base* base);

/* Whether the loop was last asked to stop so; true until it is entered again. */
EVENT2_EXPORT_SYMBOL
int event_base_got_exit(struct event_base* base);
EVENT2_EXPORT_SYMBOL
int event_base_got_break(struct event_base* base);

/* ---- Making events. */

/* Bits of an event's interest, and of what its callback is told. */
#define EV_TIMEOUT 0x01 /* told only: asking is what a timeout in event_add does */
#define EV_READ 0x02
#define EV_WRITE 0x04
#define EV_SIGNAL 0x08   /* the descriptor argument is a signal number; stands alone */
#define EV_PERSIST 0x10  /* stays pending after it fired; a timeout starts again each time */
#define EV_ET 0x20       /* edge-triggered, where the mechanism can */
#define EV_FINALIZE 0x40 /* event_del does not wait for the callback: see event_finalize */
#define EV_CLOSED 0x80   /* the peer has closed, learnt without reading what it sent before */

/* Called with the descriptor or signal, the EV_* that happened, and the argument given. */
typedef void (*event_callback_fn)(evutil_socket_t fd, short events, void* arg);

/* An event of base on fd (or a signal, or -1 for timeouts and manual activation only). All events
 * of one descriptor are edge-triggered or none is. event_new returns NULL on bad arguments or lack
 * of memory; event_assign fills memory of the caller's in, which must not be pending. */
EVENT2_EXPORT_SYMBOL
struct event* event_new(struct event_base* base, evutil_socket_t fd, short events,
                        event_callback_fn callback, void* arg);
EVENT2_EXPORT_SYMBOL
int event_assign(struct event* ev, struct event_base* base, evutil_socket_t fd, short events,
                 event_callback_fn callback, void* arg);

/* Undo event_new: event_del first, if need be. */
EVENT2_EXPORT_SYMBOL
void event_free(struct event* ev);

/* Pass the result as arg, and the callback gets the event itself. */
EVENT2_EXPORT_SYMBOL
void* event_self_cbarg(void);

/* Move an event that is neither pending nor active to another base, at its middle priority. */
EVENT2_EXPORT_SYMBOL
int event_base_set(struct event_base* base, struct event* ev);

/* One call of callback, for EV_READ, EV_WRITE or EV_TIMEOUT, with no event to look after. A
 * timeout of NULL is none at all for a descriptor, and at once for EV_TIMEOUT alone. */
EVENT2_EXPORT_SYMBOL
int event_base_once(struct event_base* base, evutil_socket_t fd, short events,
                    event_callback_fn callback, void* arg, const struct timeval* timeout);

/* ---- Using events. */

/* Make pending, and let it fire after timeout too unless that is NULL. Adding again replaces the
 * timeout only if one is given. */
EVENT2_EXPORT_SYMBOL
int event_add(struct event* ev, const struct timeval* timeout);

/* Drop the timeout; the rest stays pending. */
EVENT2_EXPORT_SYMBOL
int event_remove_timer(struct event* ev);

/* Neither pending nor active any more. When the callback is running in another thread, event_del
 * waits for it unless the event has EV_FINALIZE; the other two always or never wait. */
EVENT2_EXPORT_SYMBOL
int event_del(struct event* ev);
EVENT2_EXPORT_SYMBOL
int event_del_block(struct event* ev);
EVENT2_EXPORT_SYMBOL
int event_del_noblock(struct event* ev);

/* Have the callback called with the EV_* in res, pending or not. ncalls counts for signals only. */
EVENT2_EXPORT_SYMBOL
void event_active(struct event* ev, int res, short ncalls);

/* The same for every pending event on a descriptor with one of events, or on a signal. */
EVENT2_EXPORT_SYMBOL
void event_base_active_by_fd(struct event_base* base, evutil_socket_t fd, short events);
EVENT2_EXPORT_SYMBOL
void event_base_active_by_signal(struct event_base* base, int sig);

typedef void (*event_finalize_callback_fn)(struct event* ev, void* arg);

/* Retire an event whose callback may be running: del it, let nothing revive it, and call the
 * finalizer with its argument once no callback can be running. The second form then frees it. The
 * flags are 0. */
EVENT2_EXPORT_SYMBOL
int event_finalize(unsigned flags, struct event* ev, event_finalize_callback_fn callback);
EVENT2_EXPORT_SYMBOL
int event_free_finalize(unsigned flags, struct event* ev, event_finalize_callback_fn callback);

/* Names for an event that only waits for time: no EV_PERSIST … */
#define evtimer_new(b, cb, arg) event_new((b), -1, 0, (cb), (arg))
#define evtimer_assign(ev, b, cb, arg) event_assign((ev), (b), -1, 0, (cb), (arg))
#define evtimer_add(ev, tv) event_add((ev), (tv))
#define evtimer_del(ev) event_del(ev)
#define evtimer_pending(ev, tv) event_pending((ev), EV_TIMEOUT, (tv))
#define evtimer_initialized(ev) event_initialized(ev)

/* … for a signal, always persistent … */
#define evsignal_new(b, x, cb, arg) event_new((b), (x), EV_SIGNAL | EV_PERSIST, (cb), (arg))
#define evsignal_assign(ev, b, x, cb, arg) \
  event_assign((ev), (b), (x), EV_SIGNAL | EV_PERSIST, cb, (arg))
#define evsignal_add(ev, tv) event_add((ev), (tv))
#define evsignal_del(ev) event_del(ev)
#define evsignal_pending(ev, tv) event_pending((ev), EV_SIGNAL, (tv))
#define evsignal_initialized(ev) event_initialized(ev)

/* … and for one that the program itself sets off. */
#define evuser_new(b, cb, arg) event_new((b), -1, 0, (cb), (arg))
#define evuser_trigger(ev) event_active((ev), 0, 0)
#define evuser_del(ev) event_del(ev)
#define evuser_pending(ev, tv) event_pending((ev), 0, (tv))
#define evuser_initialized(ev) event_initialized(ev)

/* ---- Asking events. */

/* Which of the given EV_* the event is waiting or active for; 0 if none. With EV_TIMEOUT among
 * them and pending, *tv gets the wall-clock time at which it runs out, unless tv is NULL. */
EVENT2_EXPORT_SYMBOL
int event_pending(const struct event* ev, short events, struct timeval* tv);

/* Tells an assigned event from zeroed memory, and from nothing else. */
EVENT2_EXPORT_SYMBOL
int event_initialized(const struct event* ev);

/* What it was assigned with. An out pointer may be NULL. */
EVENT2_EXPORT_SYMBOL
void event_get_assignment(const struct event* ev, struct event_base** base_out,
                          evutil_socket_t* fd_out, short* events_out,
                          event_callback_fn* callback_out, void** arg_out);
EVENT2_EXPORT_SYMBOL
struct event_base* event_get_base(const struct event* ev);
EVENT2_EXPORT_SYMBOL
evutil_socket_t event_get_fd(const struct event* ev);
#define event_get_signal(ev) ((int)event_get_fd(ev))
EVENT2_EXPORT_SYMBOL
short event_get_events(const struct event* ev);
EVENT2_EXPORT_SYMBOL
event_callback_fn event_get_callback(const struct event* ev);
EVENT2_EXPORT_SYMBOL
void* event_get_callback_arg(const struct event* ev);
EVENT2_EXPORT_SYMBOL
int event_get_priority(const struct event* ev);

/* ---- Priorities: 0 is the most urgent, and runs as long as anything of it is active. */

#define EVENT_MAX_PRIORITIES 256

/* How many there are; 1 at first. Only while nothing is active. */
EVENT2_EXPORT_SYMBOL
int event_base_priority_init(struct event_base* base, int npriorities);
EVENT2_EXPORT_SYMBOL
int event_base_get_npriorities(struct event_base* base);

/* An event starts in the middle. Not while it is active. */
EVENT2_EXPORT_SYMBOL
int event_priority_set(struct event* ev, int priority);

/* ---- The time. */

/* A stand-in for duration, to be passed to event_add wherever many events share it: they then queue
 * up behind a single timer. Belongs to the base; NULL if it cannot be made. */
EVENT2_EXPORT_SYMBOL
const struct timeval* event_base_init_common_timeout(struct event_base* base,
                                                     const struct timeval* duration);

/* The wall-clock time at which this round of callbacks began; outside of callbacks, or with a NULL
 * base, the time now. */
EVENT2_EXPORT_SYMBOL
int event_base_gettimeofday_cached(struct event_base* base, struct timeval* tv);

/* Make "this round of callbacks" begin now: for use inside a long one. */
EVENT2_EXPORT_SYMBOL
int event_base_update_cache_time(struct event_base* base);

/* The clock that the base's timeouts run by. */
EVENT2_EXPORT_SYMBOL
int event_gettime_monotonic(struct event_base* base, struct timeval* tp);

/* ---- Looking inside a base. */

/* What to count: any of these together. */
#define EVENT_BASE_COUNT_ACTIVE 1U  /* queued to have their callbacks called */
#define EVENT_BASE_COUNT_VIRTUAL 2U /* reasons to stay in the loop that are not events */
#define EVENT_BASE_COUNT_ADDED 4U   /* added; one with a timeout and a descriptor counts twice */

/* The number now, and the highest so far, which clear then resets. */
EVENT2_EXPORT_SYMBOL
int event_base_get_num_events(struct event_base* base, unsigned int flags);
EVENT2_EXPORT_SYMBOL
int event_base_get_max_events(struct event_base* base, unsigned int flags, int clear);

/* Inside a callback, the event it belongs to. */
EVENT2_EXPORT_SYMBOL
struct event* event_base_get_running_event(struct event_base* base);

typedef int (*event_base_foreach_event_cb)(const struct event_base* base, const struct event* ev,
                                           void* arg);

/* Call fn for each event that is added or active, the library's own among them, until it returns
 * something other than 0, and return that. fn holds the base's lock and must change nothing. */
EVENT2_EXPORT_SYMBOL
int event_base_foreach_event(struct event_base* base, event_base_foreach_event_cb fn, void* arg);

/* One line for each such event, for people. */
EVENT2_EXPORT_SYMBOL
void event_base_dump_events(struct event_base* base, FILE* output);

#ifdef __cplusplus
}
#endif

#endif /* EVENT2_EVENT_H_INCLUDED_ */
