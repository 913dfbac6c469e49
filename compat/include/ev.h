/*
 * ev.h - the libev 4.33 interface of pollshim.
 *
 * Owns every name, constant, watcher layout and macro that a program written for libev 4 compiles in.
 * Included by applications (C and C++) and by the library itself. The macros below run inside the
 * caller, so the meaning of each watcher field they touch is part of the ABI: it must never change.
 */
#ifndef EV_H_
#define EV_H_

/* --- language ---------------------------------------------------------------------------------- */

#ifdef __cplusplus
#define EV_CPP(x) x
#if __cplusplus >= 201103L
#define EV_NOEXCEPT noexcept
#else
#define EV_NOEXCEPT
#endif
#else
#define EV_CPP(x)
#define EV_NOEXCEPT
#endif
#define EV_THROW EV_NOEXCEPT /* the spelling used before 4.25 */

#if defined __cplusplus || __STDC_VERSION__ >= 199901L
#define EV_INLINE static inline
#elif __GNUC__ >= 3
#define EV_INLINE static __inline__ /* the plain keyword is refused by -std=c89 */
#else
#define EV_INLINE static
#endif

#ifdef EV_API_STATIC
#define EV_API_DECL static
#else
#define EV_API_DECL extern
#endif

EV_CPP(extern "C" {)

/* --- what a program may configure before including this file ------------------------------------ */

/* Names from before 4.0 (ev_loop, EV_TIMEOUT, ...) are provided unless EV_COMPAT3 is 0. */
#ifndef EV_COMPAT3
#define EV_COMPAT3 1
#endif

/* EV_FEATURES switches groups of the interface; the library itself always has all of them. */
#ifndef EV_FEATURES
#ifdef __OPTIMIZE_SIZE__
#define EV_FEATURES 0x7c
#else
#define EV_FEATURES 0x7f
#endif
#endif
#define EV_FEATURE_CODE ((EV_FEATURES) & 1)
#define EV_FEATURE_DATA ((EV_FEATURES) & 2)
#define EV_FEATURE_CONFIG ((EV_FEATURES) & 4)
#define EV_FEATURE_API ((EV_FEATURES) & 8)
#define EV_FEATURE_WATCHERS ((EV_FEATURES) & 16)
#define EV_FEATURE_BACKENDS ((EV_FEATURES) & 32)
#define EV_FEATURE_OS ((EV_FEATURES) & 64)

/* Both ends belong to the range; a watcher of higher priority is invoked earlier. */
#ifndef EV_MINPRI
#define EV_MINPRI (EV_FEATURE_CONFIG ? -2 : 0)
#endif
#ifndef EV_MAXPRI
#define EV_MAXPRI (EV_FEATURE_CONFIG ? +2 : 0)
#endif

/* More than one loop. The shared library is built with it, so 0 only fits a private build. */
#ifndef EV_MULTIPLICITY
#define EV_MULTIPLICITY EV_FEATURE_CONFIG
#endif

#ifndef EV_PROTOTYPES
#define EV_PROTOTYPES 1
#endif
#ifndef EV_WALK_ENABLE
#define EV_WALK_ENABLE 0
#endif

#ifndef EV_PERIODIC_ENABLE
#define EV_PERIODIC_ENABLE EV_FEATURE_WATCHERS
#endif
#ifndef EV_STAT_ENABLE
#define EV_STAT_ENABLE EV_FEATURE_WATCHERS
#endif
#ifndef EV_PREPARE_ENABLE
#define EV_PREPARE_ENABLE EV_FEATURE_WATCHERS
#endif
#ifndef EV_CHECK_ENABLE
#define EV_CHECK_ENABLE EV_FEATURE_WATCHERS
#endif
#ifndef EV_IDLE_ENABLE
#define EV_IDLE_ENABLE EV_FEATURE_WATCHERS
#endif
#ifndef EV_FORK_ENABLE
#define EV_FORK_ENABLE EV_FEATURE_WATCHERS
#endif
#ifndef EV_CLEANUP_ENABLE
#define EV_CLEANUP_ENABLE EV_FEATURE_WATCHERS
#endif
#ifndef EV_SIGNAL_ENABLE
#define EV_SIGNAL_ENABLE EV_FEATURE_WATCHERS
#endif
#ifndef EV_CHILD_ENABLE
#ifdef _WIN32
#define EV_CHILD_ENABLE 0
#else
#define EV_CHILD_ENABLE EV_FEATURE_WATCHERS
#endif
#endif
#ifndef EV_ASYNC_ENABLE
#define EV_ASYNC_ENABLE EV_FEATURE_WATCHERS
#endif
#ifndef EV_EMBED_ENABLE
#define EV_EMBED_ENABLE EV_FEATURE_WATCHERS
#endif
#if EV_CHILD_ENABLE && !EV_SIGNAL_ENABLE
/* A child is noticed through SIGCHLD. */
#undef EV_SIGNAL_ENABLE
#define EV_SIGNAL_ENABLE 1
#endif

/* --- basic types -------------------------------------------------------------------------------- */

/* Seconds, either since the epoch or as a length of time. */
#ifndef EV_TSTAMP_T
#define EV_TSTAMP_T double
#endif
typedef EV_TSTAMP_T ev_tstamp;

#include <string.h> /* memmove, in the callback macros */

/* A flag that a signal handler or another thread may set. */
#ifndef EV_ATOMIC_T
#include <signal.h>
#define EV_ATOMIC_T sig_atomic_t volatile
#endif

#if EV_STAT_ENABLE
#ifdef _WIN32
#include <sys/types.h>
#include <time.h>
#endif
#include <sys/stat.h>
#endif

/* --- how a loop is passed around: P in a parameter list, A in an argument list, _ with a comma --- */

#if EV_MULTIPLICITY
struct ev_loop;
#define EV_P struct ev_loop *loop
#define EV_P_ EV_P,
#define EV_A loop
#define EV_A_ EV_A,
#define EV_DEFAULT ev_default_loop (0)
#define EV_DEFAULT_ EV_DEFAULT,
#define EV_DEFAULT_UC ev_default_loop_uc_ () /* quicker; the default loop must exist already */
#define EV_DEFAULT_UC_ EV_DEFAULT_UC,
#else
#define EV_P void
#define EV_P_
#define EV_A
#define EV_A_
#define EV_DEFAULT
#define EV_DEFAULT_
#define EV_DEFAULT_UC
#define EV_DEFAULT_UC_
#undef EV_EMBED_ENABLE /* embedding takes two loops */
#endif

/* --- constants ---------------------------------------------------------------------------------- */

#define EV_VERSION_MAJOR 4
#define EV_VERSION_MINOR 33

/* What a watcher waits for, and what its callback is told. */
enum
{
  EV_UNDEF = (int)0xFFFFFFFF, /* never a valid set */
  EV_NONE = 0x00,
  EV_READ = 0x01,
  EV_WRITE = 0x02,
  EV__IOFDSET = 0x80, /* set by ev_io_set: the descriptor may be a new one */
  EV_IO = EV_READ,    /* the type of an ev_io, where a type is asked for */
  EV_TIMER = 0x00000100,
#if EV_COMPAT3
  EV_TIMEOUT = EV_TIMER,
#endif
  EV_PERIODIC = 0x00000200,
  EV_SIGNAL = 0x00000400,
  EV_CHILD = 0x00000800,
  EV_STAT = 0x00001000,
  EV_IDLE = 0x00002000,
  EV_PREPARE = 0x00004000,
  EV_CHECK = 0x00008000,
  EV_EMBED = 0x00010000,
  EV_FORK = 0x00020000,
  EV_CLEANUP = 0x00040000,
  EV_ASYNC = 0x00080000,
  EV_CUSTOM = 0x01000000,      /* never set by the library */
  EV_ERROR = (int)0x80000000   /* the watcher was stopped because of an error */
};

/* Flags of ev_default_loop and ev_loop_new. */
enum
{
  EVFLAG_AUTO = 0x00000000U,
  EVFLAG_NOINOTIFY = 0x00100000U, /* ev_stat: poll only */
#if EV_COMPAT3
  EVFLAG_NOSIGFD = 0,
#endif
  EVFLAG_SIGNALFD = 0x00200000U,  /* receive signals by signalfd */
  EVFLAG_NOSIGMASK = 0x00400000U, /* leave the signal mask to the program */
  EVFLAG_NOTIMERFD = 0x00800000U, /* ev_periodic: notice clock jumps without a timerfd */
  EVFLAG_NOENV = 0x01000000U,     /* ignore LIBEV_FLAGS */
  EVFLAG_FORKCHECK = 0x02000000U  /* compare the process id in every iteration */
};

/* Backends, to be combined with the flags above. */
enum
{
  EVBACKEND_SELECT = 0x00000001U,
  EVBACKEND_POLL = 0x00000002U,
  EVBACKEND_EPOLL = 0x00000004U,
  EVBACKEND_KQUEUE = 0x00000008U,
  EVBACKEND_DEVPOLL = 0x00000010U,
  EVBACKEND_PORT = 0x00000020U,
  EVBACKEND_LINUXAIO = 0x00000040U,
  EVBACKEND_IOURING = 0x00000080U,
  EVBACKEND_ALL = 0x000000FFU,
  EVBACKEND_MASK = 0x0000FFFFU /* room for those to come */
};

/* Flags of ev_run. */
enum
{
  EVRUN_NOWAIT = 1, /* one iteration that does not block */
  EVRUN_ONCE = 2    /* one iteration that may block */
};

/* How far ev_break goes. */
enum
{
  EVBREAK_CANCEL = 0,
  EVBREAK_ONE = 1, /* the innermost ev_run */
  EVBREAK_ALL = 2  /* every nested ev_run */
};

/* --- watchers ----------------------------------------------------------------------------------- */

/* A program may add its own members to every watcher; it then needs a library of its own too. */
#ifndef EV_COMMON
#define EV_COMMON void *data;
#endif
#ifndef EV_CB_DECLARE
#define EV_CB_DECLARE(type) void (*cb)(EV_P_ struct type *w, int revents);
#endif
#ifndef EV_CB_INVOKE
#define EV_CB_INVOKE(watcher, revents) (watcher)->cb (EV_A_ (watcher), (revents))
#endif
#define EV_CB(type, name) void name (EV_P_ struct ev_##type *w, int revents)

#if EV_MINPRI == EV_MAXPRI
#define EV_DECL_PRIORITY
#elif !defined(EV_DECL_PRIORITY)
#define EV_DECL_PRIORITY int priority;
#endif

/*
 * The head of every watcher.
 *   active   0 while stopped; otherwise not 0, and the value belongs to the loop
 *   pending  0, or 1 + the position in the loop's list of pending watchers of this priority
 *   data     the program's own
 * Members named "fixed" may be read at any time and changed only while the watcher is stopped.
 */
#define EV_WATCHER(type)                                                                           \
  int active;                                                                                      \
  int pending;                                                                                     \
  EV_DECL_PRIORITY                                                                                 \
  EV_COMMON                                                                                        \
  EV_CB_DECLARE (type)

/* Several of these may hang on one descriptor, signal or process. */
#define EV_WATCHER_LIST(type)                                                                      \
  EV_WATCHER (type)                                                                                \
  struct ev_watcher_list *next;

/* at: while stopped, seconds from the start; while active, the moment of the next expiry. */
#define EV_WATCHER_TIME(type)                                                                      \
  EV_WATCHER (type)                                                                                \
  ev_tstamp at;

typedef struct ev_watcher
{
  EV_WATCHER (ev_watcher)
} ev_watcher;

typedef struct ev_watcher_list
{
  EV_WATCHER_LIST (ev_watcher_list)
} ev_watcher_list;

typedef struct ev_watcher_time
{
  EV_WATCHER_TIME (ev_watcher_time)
} ev_watcher_time;

/* A descriptor can be read or written: EV_READ, EV_WRITE. */
typedef struct ev_io
{
  EV_WATCHER_LIST (ev_io)

  int fd;     /* fixed */
  int events; /* fixed */
} ev_io;

/* Time has passed, unmoved by changes of the wall clock: EV_TIMER. */
typedef struct ev_timer
{
  EV_WATCHER_TIME (ev_timer)

  ev_tstamp repeat; /* seconds between expiries, 0 for one; may be changed while active */
} ev_timer;

/* The wall clock reached a moment: EV_PERIODIC. The three members may be changed while active;
   they count from the next expiry or ev_periodic_again on. */
typedef struct ev_periodic
{
  EV_WATCHER_TIME (ev_periodic)

  ev_tstamp offset;
  ev_tstamp interval;
  ev_tstamp (*reschedule_cb)(struct ev_periodic *w, ev_tstamp now) EV_NOEXCEPT;
} ev_periodic;

/* A signal arrived: EV_SIGNAL. */
typedef struct ev_signal
{
  EV_WATCHER_LIST (ev_signal)

  int signum; /* fixed */
} ev_signal;

/* A child process changed state: EV_CHILD. Its priority is always EV_MAXPRI when invoked. */
typedef struct ev_child
{
  EV_WATCHER_LIST (ev_child)

  int flags;   /* 1: also when stopped or continued */
  int pid;     /* fixed; 0 for any child */
  int rpid;    /* whose status it is */
  int rstatus; /* the status, for the macros of sys/wait.h */
} ev_child;

#if EV_STAT_ENABLE
#ifdef _WIN32
typedef struct _stati64 ev_statdata;
#else
typedef struct stat ev_statdata;
#endif

/* What lstat says about a path changed: EV_STAT. A path that is missing has st_nlink 0. */
typedef struct ev_stat
{
  EV_WATCHER_LIST (ev_stat)

  ev_timer timer;     /* the library's */
  ev_tstamp interval; /* fixed */
  const char *path;   /* fixed */
  ev_statdata prev;   /* before the change */
  ev_statdata attr;   /* now */

  int wd; /* the library's */
} ev_stat;
#endif

/* Nothing of this or a higher priority is pending: EV_IDLE. */
typedef struct ev_idle
{
  EV_WATCHER (ev_idle)
} ev_idle;

/* The loop is about to wait: EV_PREPARE. */
typedef struct ev_prepare
{
  EV_WATCHER (ev_prepare)
} ev_prepare;

/* The loop has just waited: EV_CHECK. */
typedef struct ev_check
{
  EV_WATCHER (ev_check)
} ev_check;

/* The loop goes on in a forked child: EV_FORK. */
typedef struct ev_fork
{
  EV_WATCHER (ev_fork)
} ev_fork;

/* The loop is about to be destroyed: EV_CLEANUP. */
typedef struct ev_cleanup
{
  EV_WATCHER (ev_cleanup)
} ev_cleanup;

#if EV_EMBED_ENABLE
/* Another loop has events: EV_EMBED. Without a callback that loop is run by the library. */
typedef struct ev_embed
{
  EV_WATCHER (ev_embed)

  struct ev_loop *other; /* fixed */

#undef EV_IO_ENABLE
#define EV_IO_ENABLE 1
#undef EV_PREPARE_ENABLE
#define EV_PREPARE_ENABLE 1
  /* the library's, some of them kept for the layout alone */
  ev_io io;
  ev_prepare prepare;
  ev_check check;
  ev_timer timer;
  ev_periodic periodic;
  ev_idle idle;
  ev_fork fork;
  ev_cleanup cleanup;
} ev_embed;
#endif

#if EV_ASYNC_ENABLE
/* Some thread or signal handler called ev_async_send: EV_ASYNC. */
typedef struct ev_async
{
  EV_WATCHER (ev_async)

  EV_ATOMIC_T sent;
} ev_async;
#endif

/* Room for any watcher; the common head is then at the same place in all of them. */
union ev_any_watcher
{
  struct ev_watcher w;
  struct ev_watcher_list wl;

  struct ev_io io;
  struct ev_timer timer;
  struct ev_periodic periodic;
  struct ev_signal signal;
  struct ev_child child;
#if EV_STAT_ENABLE
  struct ev_stat stat;
#endif
#if EV_IDLE_ENABLE
  struct ev_idle idle;
#endif
  struct ev_prepare prepare;
  struct ev_check check;
#if EV_FORK_ENABLE
  struct ev_fork fork;
#endif
#if EV_CLEANUP_ENABLE
  struct ev_cleanup cleanup;
#endif
#if EV_EMBED_ENABLE
  struct ev_embed embed;
#endif
#if EV_ASYNC_ENABLE
  struct ev_async async;
#endif
};

/* --- the library as a whole --------------------------------------------------------------------- */

#if EV_PROTOTYPES
EV_API_DECL int ev_version_major (void) EV_NOEXCEPT;
EV_API_DECL int ev_version_minor (void) EV_NOEXCEPT;

EV_API_DECL unsigned int ev_supported_backends (void) EV_NOEXCEPT;
EV_API_DECL unsigned int ev_recommended_backends (void) EV_NOEXCEPT;
EV_API_DECL unsigned int ev_embeddable_backends (void) EV_NOEXCEPT;

EV_API_DECL ev_tstamp ev_time (void) EV_NOEXCEPT; /* the wall clock, asked of the system */
EV_API_DECL void ev_sleep (ev_tstamp delay) EV_NOEXCEPT;

/* cb works like realloc, and like free for size 0. */
EV_API_DECL void ev_set_allocator (void *(*cb)(void *ptr, long size) EV_NOEXCEPT) EV_NOEXCEPT;

/* cb is told of a system call that failed for good; it should mend things, since the call is repeated. */
EV_API_DECL void ev_set_syserr_cb (void (*cb)(const char *msg) EV_NOEXCEPT) EV_NOEXCEPT;

/* --- loops -------------------------------------------------------------------------------------- */

#if EV_MULTIPLICITY

/* The default loop, created by the first call. Child watchers live on it. */
EV_API_DECL struct ev_loop *ev_default_loop (unsigned int flags EV_CPP (= 0)) EV_NOEXCEPT;

#ifdef EV_API_STATIC
EV_API_DECL struct ev_loop *ev_default_loop_ptr;
#endif

EV_INLINE struct ev_loop *
ev_default_loop_uc_ (void) EV_NOEXCEPT
{
  extern struct ev_loop *ev_default_loop_ptr;

  return ev_default_loop_ptr;
}

EV_INLINE int
ev_is_default_loop (EV_P) EV_NOEXCEPT
{
  return EV_A == EV_DEFAULT_UC;
}

EV_API_DECL struct ev_loop *ev_loop_new (unsigned int flags EV_CPP (= 0)) EV_NOEXCEPT;

EV_API_DECL ev_tstamp ev_now (EV_P) EV_NOEXCEPT; /* the time at which this iteration began */

#else

EV_API_DECL int ev_default_loop (unsigned int flags EV_CPP (= 0)) EV_NOEXCEPT;

EV_API_DECL ev_tstamp ev_rt_now;

EV_INLINE ev_tstamp
ev_now (void) EV_NOEXCEPT
{
  return ev_rt_now;
}

EV_INLINE int
ev_is_default_loop (void) EV_NOEXCEPT
{
  return 1;
}

#endif /* EV_MULTIPLICITY */

EV_API_DECL void ev_loop_destroy (EV_P);
EV_API_DECL void ev_loop_fork (EV_P) EV_NOEXCEPT; /* the next iteration builds the kernel state anew */
EV_API_DECL unsigned int ev_backend (EV_P) EV_NOEXCEPT;
EV_API_DECL void ev_now_update (EV_P) EV_NOEXCEPT;

#if EV_WALK_ENABLE
EV_API_DECL void ev_walk (EV_P_ int types, void (*cb)(EV_P_ int type, void *w)) EV_NOEXCEPT;
#endif

/* Runs until no active watcher holds the loop or ev_break is called; 0 if nothing is active. */
EV_API_DECL int ev_run (EV_P_ int flags EV_CPP (= 0));
EV_API_DECL void ev_break (EV_P_ int how EV_CPP (= EVBREAK_ONE)) EV_NOEXCEPT;

/* Every active watcher holds the loop; ev_unref after a start lets go of it, ev_ref before the stop. */
EV_API_DECL void ev_ref (EV_P) EV_NOEXCEPT;
EV_API_DECL void ev_unref (EV_P) EV_NOEXCEPT;

/* One event without a watcher; fd < 0 or timeout < 0 leave that half out. */
EV_API_DECL void ev_once (EV_P_ int fd, int events, ev_tstamp timeout, void (*cb)(int revents, void *arg), void *arg) EV_NOEXCEPT;

EV_API_DECL void ev_invoke_pending (EV_P);

#if EV_FEATURE_API
EV_API_DECL unsigned int ev_iteration (EV_P) EV_NOEXCEPT; /* how often the loop has polled */
EV_API_DECL unsigned int ev_depth (EV_P) EV_NOEXCEPT;     /* how many ev_run are nested now */
EV_API_DECL void ev_verify (EV_P) EV_NOEXCEPT;            /* aborts if the loop's data are damaged */

/* Trade latency for fewer iterations. */
EV_API_DECL void ev_set_io_collect_interval (EV_P_ ev_tstamp interval) EV_NOEXCEPT;
EV_API_DECL void ev_set_timeout_collect_interval (EV_P_ ev_tstamp interval) EV_NOEXCEPT;

EV_API_DECL void ev_set_userdata (EV_P_ void *data) EV_NOEXCEPT;
EV_API_DECL void *ev_userdata (EV_P) EV_NOEXCEPT;

/* For a loop shared by threads: what invokes pending watchers, and what brackets the waiting. */
typedef void (*ev_loop_callback)(EV_P);
EV_API_DECL void ev_set_invoke_pending_cb (EV_P_ ev_loop_callback invoke_pending_cb) EV_NOEXCEPT;
EV_API_DECL void ev_set_loop_release_cb (EV_P_ void (*release)(EV_P) EV_NOEXCEPT, void (*acquire)(EV_P) EV_NOEXCEPT) EV_NOEXCEPT;

EV_API_DECL unsigned int ev_pending_count (EV_P) EV_NOEXCEPT;

/* Timers do not advance between the two. */
EV_API_DECL void ev_suspend (EV_P) EV_NOEXCEPT;
EV_API_DECL void ev_resume (EV_P) EV_NOEXCEPT;
#endif
#endif /* EV_PROTOTYPES */

/* --- initialising and inspecting a watcher ------------------------------------------------------- */
/* A macro may evaluate its watcher argument more than once, the others once. */

#define ev_priority(ev) (+(((ev_watcher *)(void *)(ev))->priority))
#define ev_set_priority(ev, pri) ((ev_watcher *)(void *)(ev))->priority = (pri)
#if EV_MINPRI == EV_MAXPRI
#undef ev_priority
#undef ev_set_priority
#define ev_priority(ev) ((ev), EV_MINPRI)
#define ev_set_priority(ev, pri) ((ev), (pri))
#endif

/* The callback's type differs from watcher to watcher; memmove moves it without breaking aliasing. */
#define ev_cb_(ev) (ev)->cb
#define ev_cb(ev) (memmove (&ev_cb_ (ev), &((ev_watcher *)(ev))->cb, sizeof (ev_cb_ (ev))), (ev)->cb)
#ifndef ev_set_cb
#define ev_set_cb(ev, cb_) (ev_cb_ (ev) = (cb_), memmove (&((ev_watcher *)(ev))->cb, &ev_cb_ (ev), sizeof (ev_cb_ (ev))))
#endif

#define ev_is_pending(ev) (0 + ((ev_watcher *)(void *)(ev))->pending)
#define ev_is_active(ev) (0 + ((ev_watcher *)(void *)(ev))->active)

/* ev_init, then ev_TYPE_set; or both at once by ev_TYPE_init. */
#define ev_init(ev, cb_)                                                                           \
  do                                                                                               \
    {                                                                                              \
      ((ev_watcher *)(void *)(ev))->active = ((ev_watcher *)(void *)(ev))->pending = 0;            \
      ev_set_priority ((ev), 0);                                                                   \
      ev_set_cb ((ev), cb_);                                                                       \
    }                                                                                              \
  while (0)

/* ev_io_modify keeps the descriptor, so that the kernel need not be told again. */
#define ev_io_modify(ev, events_) do { (ev)->events = ((ev)->events & EV__IOFDSET) | (events_); } while (0)
#define ev_io_set(ev, fd_, events_) do { (ev)->fd = (fd_); (ev)->events = (events_) | EV__IOFDSET; } while (0)
#define ev_timer_set(ev, after_, repeat_) do { ((ev_watcher_time *)(ev))->at = (after_); (ev)->repeat = (repeat_); } while (0)
#define ev_periodic_set(ev, ofs_, ival_, rcb_) do { (ev)->offset = (ofs_); (ev)->interval = (ival_); (ev)->reschedule_cb = (rcb_); } while (0)
#define ev_signal_set(ev, signum_) do { (ev)->signum = (signum_); } while (0)
#define ev_child_set(ev, pid_, trace_) do { (ev)->pid = (pid_); (ev)->flags = !!(trace_); } while (0)
#define ev_stat_set(ev, path_, interval_) do { (ev)->path = (path_); (ev)->interval = (interval_); (ev)->wd = -2; } while (0)
#define ev_embed_set(ev, other_) do { (ev)->other = (other_); } while (0)
/* These have nothing to set. */
#define ev_idle_set(ev)
#define ev_prepare_set(ev)
#define ev_check_set(ev)
#define ev_fork_set(ev)
#define ev_cleanup_set(ev)
#define ev_async_set(ev)

#define ev_io_init(ev, cb, fd, events) do { ev_init ((ev), (cb)); ev_io_set ((ev), (fd), (events)); } while (0)
#define ev_timer_init(ev, cb, after, repeat) do { ev_init ((ev), (cb)); ev_timer_set ((ev), (after), (repeat)); } while (0)
#define ev_periodic_init(ev, cb, ofs, ival, rcb) do { ev_init ((ev), (cb)); ev_periodic_set ((ev), (ofs), (ival), (rcb)); } while (0)
#define ev_signal_init(ev, cb, signum) do { ev_init ((ev), (cb)); ev_signal_set ((ev), (signum)); } while (0)
#define ev_child_init(ev, cb, pid, trace) do { ev_init ((ev), (cb)); ev_child_set ((ev), (pid), (trace)); } while (0)
#define ev_stat_init(ev, cb, path, interval) do { ev_init ((ev), (cb)); ev_stat_set ((ev), (path), (interval)); } while (0)
#define ev_idle_init(ev, cb) do { ev_init ((ev), (cb)); ev_idle_set ((ev)); } while (0)
#define ev_prepare_init(ev, cb) do { ev_init ((ev), (cb)); ev_prepare_set ((ev)); } while (0)
#define ev_check_init(ev, cb) do { ev_init ((ev), (cb)); ev_check_set ((ev)); } while (0)
#define ev_embed_init(ev, cb, other) do { ev_init ((ev), (cb)); ev_embed_set ((ev), (other)); } while (0)
#define ev_fork_init(ev, cb) do { ev_init ((ev), (cb)); ev_fork_set ((ev)); } while (0)
#define ev_cleanup_init(ev, cb) do { ev_init ((ev), (cb)); ev_cleanup_set ((ev)); } while (0)
#define ev_async_init(ev, cb) do { ev_init ((ev), (cb)); ev_async_set ((ev)); } while (0)

#define ev_periodic_at(ev) (+((ev_watcher_time *)(ev))->at)
#if EV_ASYNC_ENABLE
#define ev_async_pending(w) (+(w)->sent)
#endif

/* --- starting, stopping and feeding watchers ------------------------------------------------------ */
/* Starting an active watcher and stopping a stopped one do nothing; stopping also clears what is pending. */

#if EV_PROTOTYPES
EV_API_DECL void ev_feed_event (EV_P_ void *w, int revents) EV_NOEXCEPT;
EV_API_DECL void ev_feed_fd_event (EV_P_ int fd, int revents) EV_NOEXCEPT;
#if EV_SIGNAL_ENABLE
EV_API_DECL void ev_feed_signal (int signum) EV_NOEXCEPT; /* may be called from a signal handler */
EV_API_DECL void ev_feed_signal_event (EV_P_ int signum) EV_NOEXCEPT;
#endif
EV_API_DECL void ev_invoke (EV_P_ void *w, int revents);
EV_API_DECL int ev_clear_pending (EV_P_ void *w) EV_NOEXCEPT; /* the events that were pending */

EV_API_DECL void ev_io_start (EV_P_ ev_io *w) EV_NOEXCEPT;
EV_API_DECL void ev_io_stop (EV_P_ ev_io *w) EV_NOEXCEPT;

EV_API_DECL void ev_timer_start (EV_P_ ev_timer *w) EV_NOEXCEPT;
EV_API_DECL void ev_timer_stop (EV_P_ ev_timer *w) EV_NOEXCEPT;
EV_API_DECL void ev_timer_again (EV_P_ ev_timer *w) EV_NOEXCEPT; /* start or restart after repeat seconds; stop without one */
EV_API_DECL ev_tstamp ev_timer_remaining (EV_P_ ev_timer *w) EV_NOEXCEPT;

#if EV_PERIODIC_ENABLE
EV_API_DECL void ev_periodic_start (EV_P_ ev_periodic *w) EV_NOEXCEPT;
EV_API_DECL void ev_periodic_stop (EV_P_ ev_periodic *w) EV_NOEXCEPT;
EV_API_DECL void ev_periodic_again (EV_P_ ev_periodic *w) EV_NOEXCEPT;
#endif

#if EV_SIGNAL_ENABLE
EV_API_DECL void ev_signal_start (EV_P_ ev_signal *w) EV_NOEXCEPT;
EV_API_DECL void ev_signal_stop (EV_P_ ev_signal *w) EV_NOEXCEPT;
#endif

#if EV_CHILD_ENABLE
EV_API_DECL void ev_child_start (EV_P_ ev_child *w) EV_NOEXCEPT;
EV_API_DECL void ev_child_stop (EV_P_ ev_child *w) EV_NOEXCEPT;
#endif

#if EV_STAT_ENABLE
EV_API_DECL void ev_stat_start (EV_P_ ev_stat *w) EV_NOEXCEPT;
EV_API_DECL void ev_stat_stop (EV_P_ ev_stat *w) EV_NOEXCEPT;
EV_API_DECL void ev_stat_stat (EV_P_ ev_stat *w) EV_NOEXCEPT; /* refresh attr now */
#endif

#if EV_IDLE_ENABLE
EV_API_DECL void ev_idle_start (EV_P_ ev_idle *w) EV_NOEXCEPT;
EV_API_DECL void ev_idle_stop (EV_P_ ev_idle *w) EV_NOEXCEPT;
#endif

#if EV_PREPARE_ENABLE
EV_API_DECL void ev_prepare_start (EV_P_ ev_prepare *w) EV_NOEXCEPT;
EV_API_DECL void ev_prepare_stop (EV_P_ ev_prepare *w) EV_NOEXCEPT;
#endif

#if EV_CHECK_ENABLE
EV_API_DECL void ev_check_start (EV_P_ ev_check *w) EV_NOEXCEPT;
EV_API_DECL void ev_check_stop (EV_P_ ev_check *w) EV_NOEXCEPT;
#endif

#if EV_FORK_ENABLE
EV_API_DECL void ev_fork_start (EV_P_ ev_fork *w) EV_NOEXCEPT;
EV_API_DECL void ev_fork_stop (EV_P_ ev_fork *w) EV_NOEXCEPT;
#endif

#if EV_CLEANUP_ENABLE
EV_API_DECL void ev_cleanup_start (EV_P_ ev_cleanup *w) EV_NOEXCEPT;
EV_API_DECL void ev_cleanup_stop (EV_P_ ev_cleanup *w) EV_NOEXCEPT;
#endif

#if EV_EMBED_ENABLE
EV_API_DECL void ev_embed_start (EV_P_ ev_embed *w) EV_NOEXCEPT;
EV_API_DECL void ev_embed_stop (EV_P_ ev_embed *w) EV_NOEXCEPT;
EV_API_DECL void ev_embed_sweep (EV_P_ ev_embed *w) EV_NOEXCEPT;
#endif

#if EV_ASYNC_ENABLE
EV_API_DECL void ev_async_start (EV_P_ ev_async *w) EV_NOEXCEPT;
EV_API_DECL void ev_async_stop (EV_P_ ev_async *w) EV_NOEXCEPT;
EV_API_DECL void ev_async_send (EV_P_ ev_async *w) EV_NOEXCEPT; /* any thread, any signal handler */
#endif

/* --- the names of libev 3 ------------------------------------------------------------------------ */

#if EV_COMPAT3
#define EVLOOP_NONBLOCK EVRUN_NOWAIT
#define EVLOOP_ONESHOT EVRUN_ONCE
#define EVUNLOOP_CANCEL EVBREAK_CANCEL
#define EVUNLOOP_ONE EVBREAK_ONE
#define EVUNLOOP_ALL EVBREAK_ALL

EV_INLINE void ev_loop (EV_P_ int flags) { ev_run (EV_A_ flags); }
EV_INLINE void ev_unloop (EV_P_ int how) { ev_break (EV_A_ how); }
EV_INLINE void ev_default_destroy (void) { ev_loop_destroy (EV_DEFAULT); }
EV_INLINE void ev_default_fork (void) { ev_loop_fork (EV_DEFAULT); }
#if EV_FEATURE_API
EV_INLINE unsigned int ev_loop_count (EV_P) { return ev_iteration (EV_A); }
EV_INLINE unsigned int ev_loop_depth (EV_P) { return ev_depth (EV_A); }
EV_INLINE void ev_loop_verify (EV_P) { ev_verify (EV_A); }
#endif
#else
typedef struct ev_loop ev_loop;
#endif
#endif /* EV_PROTOTYPES */

EV_CPP (})

#endif
