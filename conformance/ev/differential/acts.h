/*
 * What a program may do next, from outside of a run or inside a callback: one thing, by chance, to
 * a watcher (act_on_watchers.c), to what is pending or to the loop (act_on_loop.c).
 */
#ifndef CONFORMANCE_EV_DIFFERENTIAL_ACTS_H
#define CONFORMANCE_EV_DIFFERENTIAL_ACTS_H

#include <ev.h>
#include <stdbool.h>

/* For a loop that may use signalfd or not. */
void acts_begin(bool uses_signalfd);
void act(struct ev_loop* loop, bool inside);

/* Its parts, by what they do something to. */
void act_on_io(struct ev_loop* loop);
void act_on_pipe(struct ev_loop* loop);
void act_on_timer(struct ev_loop* loop);
void act_on_periodic(struct ev_loop* loop);
void act_on_phase(struct ev_loop* loop);
void act_from_outside(struct ev_loop* loop, bool uses_signalfd);

#endif
