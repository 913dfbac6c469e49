/*
 * The watchers of a program, the loops that they are of, and their callbacks, which note what they
 * are told and then do something, see acts.h.
 */
#ifndef CONFORMANCE_EV_DIFFERENTIAL_WATCHERS_H
#define CONFORMANCE_EV_DIFFERENTIAL_WATCHERS_H

#include <ev.h>
#include <stdbool.h>

enum { IOS = 10, TIMERS = 10, PERIODICS = 6, PHASES = 4, SIGNALS = 4, ASYNCS = 4 };

extern const int signal_numbers[SIGNALS];

extern struct ev_loop* main_loop;
extern struct ev_loop* inner_loop; /* or NULL */
extern ev_io ios[IOS];
extern ev_timer timers[TIMERS];
extern ev_periodic periodics[PERIODICS];
extern ev_idle idles[PHASES];
extern ev_prepare prepares[PHASES];
extern ev_check checks[PHASES];
extern ev_fork forks[PHASES];
extern ev_cleanup cleanups[2];
extern ev_signal signals[SIGNALS];
extern ev_async asyncs[ASYNCS];
extern ev_embed embed;
extern ev_io inner_io;

/* How many callbacks the run may still see: it is broken off by the last of them. */
extern int callbacks_left;

void init_watchers(void);
void init_inner_watchers(void);

/* For ev_once; the argument is a number that tells one from another. */
void on_once(int revents, void* argument);

/* A reschedule callback. */
ev_tstamp soon(ev_periodic* w, ev_tstamp now);

/* ev_run, ended after a while if nothing else happens any more. */
int run_guarded(struct ev_loop* loop, int how);

#endif
