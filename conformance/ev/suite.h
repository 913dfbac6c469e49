/*
 * What every file of the libev suite shares: loops of the backend under test, a trace of callbacks,
 * pipes, and a way to look at scenarios that end their process. Compiled against the distribution's
 * ev.h and nothing of ours, so that one binary judges both libraries.
 */
#ifndef CONFORMANCE_EV_SUITE_H
#define CONFORMANCE_EV_SUITE_H

#include <ev.h>
#include <stdbool.h>

#include "conformance/harness/harness.h"

/* A dynamic loop of the backend that LIBEV_FLAGS asks for. */
struct ev_loop* make_loop(void);

/* The one way in which the two libraries may differ is listed in conformance/DIFFERENCES.md. */
bool on_pollshim(void);

/* The trace: words, separated by blanks. */
void note(const char* format, ...) __attribute__((format(printf, 1, 2)));
const char* trace(void);
#define assert_trace(expected)              \
  do {                                      \
    assert_string_equal(trace(), expected); \
    clear_trace();                          \
  } while (0)
void clear_trace(void);

/* Callbacks that write data (a word) and the events to the trace, as "word:read+write". */
void note_io(EV_P_ ev_io* w, int revents);
void note_timer(EV_P_ ev_timer* w, int revents);
void note_periodic(EV_P_ ev_periodic* w, int revents);
void note_signal(EV_P_ ev_signal* w, int revents);
void note_child(EV_P_ ev_child* w, int revents);
void note_stat(EV_P_ ev_stat* w, int revents);
void note_idle(EV_P_ ev_idle* w, int revents);
void note_prepare(EV_P_ ev_prepare* w, int revents);
void note_check(EV_P_ ev_check* w, int revents);
void note_embed(EV_P_ ev_embed* w, int revents);
void note_fork(EV_P_ ev_fork* w, int revents);
void note_cleanup(EV_P_ ev_cleanup* w, int revents);
void note_async(EV_P_ ev_async* w, int revents);
const char* events_name(int revents);

/* A started watcher with note_io for its callback. */
ev_io* start_io(EV_P_ ev_io* w, const char* name, int fd, int events);

/* Runs the loop until nothing holds it, ev_break is called, or `seconds` are over: false then. */
bool run_for(EV_P_ double seconds);
/* Runs the loop once at a time until `*count` reaches `goal`; false after five seconds. */
bool run_until(EV_P_ const int* count, int goal);

struct pipe_ends {
  int reader;
  int writer;
};
struct pipe_ends make_pipe(void);
void put_byte(int fd);
void take_byte(int fd);
struct pipe_ends make_socket_pair(void);
void fill(int fd);

double seconds_now(void); /* monotonic */

/* Runs `scenario` in a forked child with its standard error thrown away; the status of waitpid. */
int end_of(void (*scenario)(void));
bool ends_in_abort(void (*scenario)(void));

/* The epoll descriptor that `make` opened, found by looking at the table before and after. */
int new_epoll_descriptor(struct ev_loop* (*make)(void), struct ev_loop** loop);

#endif
