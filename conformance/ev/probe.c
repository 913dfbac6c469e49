/*
 * Prints all that a program compiles in from ev.h: sizes, offsets, constants, and what every macro
 * writes into the bytes of a watcher. Compiled twice, against the distribution's header and against
 * ours; the check is that both print the same. With PROBE_EVENT it describes libev's event.h
 * instead.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#ifdef PROBE_EVENT
#include <event.h>
#endif
#include <ev.h>

#define SIZE(type) printf("sizeof %-28s %zu align %zu\n", #type, sizeof(type), __alignof__(type))
#define FIELD(type, field)                                                        \
  printf("%-20s %-14s at %-3zu size %zu\n", #type, #field, offsetof(type, field), \
         sizeof(((type*)0)->field))
#define VALUE(name) printf("%-24s %lld\n", #name, (long long)(name))
#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)
#define EXPANSION(name) printf("%-24s \"%s\"\n", #name, TEXT(name))

/* Values that stand for pointers are made up, so that the two outputs can agree. */
#define POINTER(type, value) ((type)(uintptr_t)(value))

static void dump(const char* title, const void* object, size_t size) {
  const unsigned char* bytes = object;
  printf("%s:", title);
  for (size_t i = 0; i < size; ++i) {
    printf("%s%02x", i % 8 == 0 ? " " : "", bytes[i]);
  }
  printf("\n");
}

/* `what` is done to a watcher full of rubbish, which shows each byte that it leaves alone. */
#define EFFECT(type, what)               \
  do {                                   \
    type w;                              \
    memset(&w, 0xa5, sizeof w);          \
    what;                                \
    dump(#type " " #what, &w, sizeof w); \
  } while (0)

#ifndef PROBE_EVENT

#define HEAD_FIELDS(type) \
  SIZE(type);             \
  FIELD(type, active);    \
  FIELD(type, pending);   \
  FIELD(type, priority);  \
  FIELD(type, data);      \
  FIELD(type, cb)

static void layouts(void) {
  SIZE(ev_tstamp);
  SIZE(EV_ATOMIC_T);
  SIZE(ev_statdata);
  SIZE(union ev_any_watcher);
  HEAD_FIELDS(ev_watcher);
  HEAD_FIELDS(ev_watcher_list);
  FIELD(ev_watcher_list, next);
  HEAD_FIELDS(ev_watcher_time);
  FIELD(ev_watcher_time, at);
  HEAD_FIELDS(ev_io);
  FIELD(ev_io, next);
  FIELD(ev_io, fd);
  FIELD(ev_io, events);
  HEAD_FIELDS(ev_timer);
  FIELD(ev_timer, at);
  FIELD(ev_timer, repeat);
  HEAD_FIELDS(ev_periodic);
  FIELD(ev_periodic, at);
  FIELD(ev_periodic, offset);
  FIELD(ev_periodic, interval);
  FIELD(ev_periodic, reschedule_cb);
  HEAD_FIELDS(ev_signal);
  FIELD(ev_signal, next);
  FIELD(ev_signal, signum);
  HEAD_FIELDS(ev_child);
  FIELD(ev_child, next);
  FIELD(ev_child, flags);
  FIELD(ev_child, pid);
  FIELD(ev_child, rpid);
  FIELD(ev_child, rstatus);
  HEAD_FIELDS(ev_stat);
  FIELD(ev_stat, next);
  FIELD(ev_stat, timer);
  FIELD(ev_stat, interval);
  FIELD(ev_stat, path);
  FIELD(ev_stat, prev);
  FIELD(ev_stat, attr);
  FIELD(ev_stat, wd);
  HEAD_FIELDS(ev_idle);
  HEAD_FIELDS(ev_prepare);
  HEAD_FIELDS(ev_check);
  HEAD_FIELDS(ev_fork);
  HEAD_FIELDS(ev_cleanup);
  HEAD_FIELDS(ev_embed);
  FIELD(ev_embed, other);
  FIELD(ev_embed, io);
  FIELD(ev_embed, prepare);
  FIELD(ev_embed, check);
  FIELD(ev_embed, timer);
  FIELD(ev_embed, periodic);
  FIELD(ev_embed, idle);
  FIELD(ev_embed, fork);
  FIELD(ev_embed, cleanup);
  HEAD_FIELDS(ev_async);
  FIELD(ev_async, sent);
  FIELD(union ev_any_watcher, w);
  FIELD(union ev_any_watcher, wl);
  FIELD(union ev_any_watcher, io);
  FIELD(union ev_any_watcher, timer);
  FIELD(union ev_any_watcher, periodic);
  FIELD(union ev_any_watcher, signal);
  FIELD(union ev_any_watcher, child);
  FIELD(union ev_any_watcher, stat);
  FIELD(union ev_any_watcher, idle);
  FIELD(union ev_any_watcher, prepare);
  FIELD(union ev_any_watcher, check);
  FIELD(union ev_any_watcher, fork);
  FIELD(union ev_any_watcher, cleanup);
  FIELD(union ev_any_watcher, embed);
  FIELD(union ev_any_watcher, async);
}

static void constants(void) {
  VALUE(EV_VERSION_MAJOR);
  VALUE(EV_VERSION_MINOR);
  VALUE(EV_UNDEF);
  VALUE(EV_NONE);
  VALUE(EV_READ);
  VALUE(EV_WRITE);
  VALUE(EV__IOFDSET);
  VALUE(EV_IO);
  VALUE(EV_TIMER);
  VALUE(EV_PERIODIC);
  VALUE(EV_SIGNAL);
  VALUE(EV_CHILD);
  VALUE(EV_STAT);
  VALUE(EV_IDLE);
  VALUE(EV_PREPARE);
  VALUE(EV_CHECK);
  VALUE(EV_EMBED);
  VALUE(EV_FORK);
  VALUE(EV_CLEANUP);
  VALUE(EV_ASYNC);
  VALUE(EV_CUSTOM);
  VALUE(EV_ERROR);
  VALUE(EVFLAG_AUTO);
  VALUE(EVFLAG_NOENV);
  VALUE(EVFLAG_FORKCHECK);
  VALUE(EVFLAG_NOINOTIFY);
  VALUE(EVFLAG_SIGNALFD);
  VALUE(EVFLAG_NOSIGMASK);
  VALUE(EVFLAG_NOTIMERFD);
  VALUE(EVBACKEND_SELECT);
  VALUE(EVBACKEND_POLL);
  VALUE(EVBACKEND_EPOLL);
  VALUE(EVBACKEND_KQUEUE);
  VALUE(EVBACKEND_DEVPOLL);
  VALUE(EVBACKEND_PORT);
  VALUE(EVBACKEND_LINUXAIO);
  VALUE(EVBACKEND_IOURING);
  VALUE(EVBACKEND_ALL);
  VALUE(EVBACKEND_MASK);
  VALUE(EVRUN_NOWAIT);
  VALUE(EVRUN_ONCE);
  VALUE(EVBREAK_CANCEL);
  VALUE(EVBREAK_ONE);
  VALUE(EVBREAK_ALL);
  VALUE(EV_MINPRI);
  VALUE(EV_MAXPRI);
  VALUE(EV_FEATURES);
  VALUE(EV_FEATURE_CODE);
  VALUE(EV_FEATURE_DATA);
  VALUE(EV_FEATURE_CONFIG);
  VALUE(EV_FEATURE_API);
  VALUE(EV_FEATURE_WATCHERS);
  VALUE(EV_FEATURE_BACKENDS);
  VALUE(EV_FEATURE_OS);
  VALUE(EV_COMPAT3);
  VALUE(EV_MULTIPLICITY);
  VALUE(EV_PROTOTYPES);
  VALUE(EV_PERIODIC_ENABLE);
  VALUE(EV_STAT_ENABLE);
  VALUE(EV_PREPARE_ENABLE);
  VALUE(EV_CHECK_ENABLE);
  VALUE(EV_IDLE_ENABLE);
  VALUE(EV_FORK_ENABLE);
  VALUE(EV_CLEANUP_ENABLE);
  VALUE(EV_SIGNAL_ENABLE);
  VALUE(EV_CHILD_ENABLE);
  VALUE(EV_ASYNC_ENABLE);
  VALUE(EV_EMBED_ENABLE);
  VALUE(EV_IO_ENABLE);
  VALUE(EV_WALK_ENABLE);
#if EV_COMPAT3
  VALUE(EV_TIMEOUT);
  VALUE(EVFLAG_NOSIGFD);
  VALUE(EVLOOP_NONBLOCK);
  VALUE(EVLOOP_ONESHOT);
  VALUE(EVUNLOOP_CANCEL);
  VALUE(EVUNLOOP_ONE);
  VALUE(EVUNLOOP_ALL);
#endif
  EXPANSION(EV_P);
  EXPANSION(EV_A);
  EXPANSION(EV_DEFAULT);
  EXPANSION(EV_DEFAULT_UC);
  EXPANSION(EV_TSTAMP_T);
  EXPANSION(EV_ATOMIC_T);
  EXPANSION(EV_COMMON);
  EXPANSION(EV_DECL_PRIORITY);
  EXPANSION(EV_API_DECL);
}

typedef void (*io_cb)(EV_P_ ev_io*, int);
typedef void (*timer_cb)(EV_P_ ev_timer*, int);
typedef void (*periodic_cb)(EV_P_ ev_periodic*, int);
typedef void (*signal_cb)(EV_P_ ev_signal*, int);
typedef void (*child_cb)(EV_P_ ev_child*, int);
typedef void (*stat_cb)(EV_P_ ev_stat*, int);
typedef void (*idle_cb)(EV_P_ ev_idle*, int);
typedef void (*prepare_cb)(EV_P_ ev_prepare*, int);
typedef void (*check_cb)(EV_P_ ev_check*, int);
typedef void (*fork_cb)(EV_P_ ev_fork*, int);
typedef void (*cleanup_cb)(EV_P_ ev_cleanup*, int);
typedef void (*embed_cb)(EV_P_ ev_embed*, int);
typedef void (*async_cb)(EV_P_ ev_async*, int);
typedef ev_tstamp (*moment_cb)(ev_periodic*, ev_tstamp);

static void effects(void) {
  EFFECT(ev_io, ev_init(&w, POINTER(io_cb, 0x1111)));
  EFFECT(ev_io, ev_io_set(&w, 7, EV_READ | EV_WRITE));
  EFFECT(ev_io, w.events = EV_READ; ev_io_set(&w, 7, 0));
  EFFECT(ev_io, w.events = EV_READ; ev_io_modify(&w, EV_WRITE));
  EFFECT(ev_io, w.events = EV__IOFDSET; ev_io_modify(&w, EV_WRITE));
  EFFECT(ev_io, ev_io_init(&w, POINTER(io_cb, 0x2222), 9, EV_READ));
  EFFECT(ev_timer, ev_timer_set(&w, 1.5, 2.5));
  EFFECT(ev_timer, ev_timer_init(&w, POINTER(timer_cb, 0x3333), 1., 0.));
  EFFECT(ev_periodic, ev_periodic_set(&w, 1.5, 2.5, POINTER(moment_cb, 0x4444)));
  EFFECT(ev_periodic, ev_periodic_init(&w, POINTER(periodic_cb, 0x5555), 1., 2., 0));
  EFFECT(ev_signal, ev_signal_set(&w, 10));
  EFFECT(ev_signal, ev_signal_init(&w, POINTER(signal_cb, 0x6666), 12));
  EFFECT(ev_child, ev_child_set(&w, 4711, 17));
  EFFECT(ev_child, ev_child_init(&w, POINTER(child_cb, 0x7777), 4711, 0));
  EFFECT(ev_stat, ev_stat_set(&w, POINTER(const char*, 0x8888), 3.));
  EFFECT(ev_stat, ev_stat_init(&w, POINTER(stat_cb, 0x9999), POINTER(const char*, 0x8888), 3.));
  EFFECT(ev_idle, ev_idle_set(&w));
  EFFECT(ev_idle, ev_idle_init(&w, POINTER(idle_cb, 0xaaaa)));
  EFFECT(ev_prepare, ev_prepare_set(&w));
  EFFECT(ev_prepare, ev_prepare_init(&w, POINTER(prepare_cb, 0xbbbb)));
  EFFECT(ev_check, ev_check_set(&w));
  EFFECT(ev_check, ev_check_init(&w, POINTER(check_cb, 0xcccc)));
  EFFECT(ev_fork, ev_fork_set(&w));
  EFFECT(ev_fork, ev_fork_init(&w, POINTER(fork_cb, 0xdddd)));
  EFFECT(ev_cleanup, ev_cleanup_set(&w));
  EFFECT(ev_cleanup, ev_cleanup_init(&w, POINTER(cleanup_cb, 0xeeee)));
  EFFECT(ev_embed, ev_embed_set(&w, POINTER(struct ev_loop*, 0xffff)));
  EFFECT(ev_embed, ev_embed_init(&w, POINTER(embed_cb, 0x1212), POINTER(struct ev_loop*, 0xffff)));
  EFFECT(ev_async, ev_async_set(&w));
  EFFECT(ev_async, ev_async_init(&w, POINTER(async_cb, 0x3434)));
  EFFECT(ev_timer, ev_set_priority(&w, -2));
  EFFECT(ev_timer, ev_set_cb(&w, POINTER(timer_cb, 0x5656)));
  EFFECT(ev_timer, ev_cb_(&w) = POINTER(timer_cb, 0x7878));
}

static void readings(void) {
  ev_timer timer;
  ev_periodic periodic;
  ev_async async;
  memset(&timer, 0, sizeof timer);
  memset(&periodic, 0, sizeof periodic);
  memset(&async, 0, sizeof async);
  timer.active = 3;
  timer.pending = 5;
  timer.priority = -1;
  timer.cb = POINTER(timer_cb, 0x9090);
  periodic.at = 12.25;
  async.sent = 1;
  VALUE(ev_is_active(&timer));
  VALUE(ev_is_pending(&timer));
  VALUE(ev_priority(&timer));
  VALUE((uintptr_t)ev_cb(&timer));
  VALUE(ev_async_pending(&async));
  printf("ev_periodic_at %.17g\n", ev_periodic_at(&periodic));
}

static int invoked;
static void on_timer(EV_P_ ev_timer* w, int revents) {
  (void)w;
#if EV_MULTIPLICITY
  (void)loop;
#endif
  invoked = revents;
}
static EV_CB(timer, declared_by_macro);
static EV_CB(timer, declared_by_macro) {
  (void)loop;
  (void)w;
  invoked = revents + 1;
}

static void calls(void) {
  struct ev_loop* loop = NULL;
  ev_timer timer;
  ev_timer_init(&timer, on_timer, 0., 0.);
  EV_CB_INVOKE(&timer, EV_CUSTOM);
  VALUE(invoked);
  ev_set_cb(&timer, declared_by_macro);
  EV_CB_INVOKE(&timer, EV_CUSTOM);
  VALUE(invoked);
}

int main(void) {
  layouts();
  constants();
  effects();
  readings();
  calls();
  return 0;
}

#else

typedef void (*event_cb)(int, short, void*);

static void record(const char* what) {
  printf("%s\n", what);
}

/* Every function-like macro of event.h stands for one call; what it calls is taken apart as text.
 */
#define CALL(name, ...) record(#name " -> " TEXT(name(__VA_ARGS__)))

int main(void) {
  struct event event;
  SIZE(struct event);
  FIELD(struct event, iosig);
  FIELD(struct event, iosig.io);
  FIELD(struct event, iosig.sig);
  FIELD(struct event, to);
  FIELD(struct event, ev_base);
  FIELD(struct event, ev_callback);
  FIELD(struct event, ev_arg);
  FIELD(struct event, ev_fd);
  FIELD(struct event, ev_pri);
  FIELD(struct event, ev_res);
  FIELD(struct event, ev_flags);
  FIELD(struct event, ev_events);
  VALUE(EVLIST_TIMEOUT);
  VALUE(EVLIST_INSERTED);
  VALUE(EVLIST_SIGNAL);
  VALUE(EVLIST_ACTIVE);
  VALUE(EVLIST_INTERNAL);
  VALUE(EVLIST_INIT);
  VALUE(EV_TIMEOUT);
  VALUE(EV_READ);
  VALUE(EV_WRITE);
  VALUE(EV_SIGNAL);
  VALUE(EV_PERSIST);
  VALUE(EV_ET);
  VALUE(EVLOOP_NONBLOCK);
  VALUE(EVLOOP_ONESHOT);
  VALUE(EVLOOP_ONCE);
  VALUE(_EVENT_LOG_DEBUG);
  VALUE(_EVENT_LOG_MSG);
  VALUE(_EVENT_LOG_WARN);
  VALUE(_EVENT_LOG_ERR);
  memset(&event, 0, sizeof event);
  event.ev_fd = 77;
  event.ev_flags = EVLIST_INIT | EVLIST_ACTIVE;
  VALUE(EVENT_SIGNAL(&event));
  VALUE(EVENT_FD(&event));
  VALUE(event_initialized(&event));
  VALUE(evtimer_initialized(&event));
  VALUE(timeout_initialized(&event));
  VALUE(signal_initialized(&event));
  CALL(evtimer_add, e, t);
  CALL(evtimer_set, e, c, d);
  CALL(evtimer_del, e);
  CALL(evtimer_pending, e, t);
  CALL(timeout_add, e, t);
  CALL(timeout_set, e, c, d);
  CALL(timeout_del, e);
  CALL(timeout_pending, e, t);
  CALL(signal_add, e, t);
  CALL(signal_set, e, s, c, d);
  CALL(signal_del, e);
  CALL(signal_pending, e, t);
  return 0;
}

#endif
