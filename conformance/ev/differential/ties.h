/*
 * Moments that tie. libev leaves the order of timers that are due at one moment open, and so do we,
 * so no two may be: times are drawn apart, and timers that tie all the same are moved apart. No
 * ev_once ties with a timer.
 */
#ifndef CONFORMANCE_EV_DIFFERENTIAL_TIES_H
#define CONFORMANCE_EV_DIFFERENTIAL_TIES_H

#include <ev.h>
#include <stdbool.h>

/* Bits that keep moments apart. Waits are rounded to microseconds, down and up, so 1 would not do.
 */
#define BIT 4e-6

void ties_begin(void);

/* A whole number of ticks and a bit that hardly anybody else has. */
double some_time(int most_ticks);
/* ... for ev_once, whose timer nobody can look at. */
double some_time_once(int most_ticks);

/* Writes over the time of an active timer, which changes nothing about when it is due. */
void write_over(ev_timer* w, double at);

/* ev_suspend, ev_resume and ev_verify go by what was written. */
bool at_is_written_over(void);

void part_ties(struct ev_loop* loop);

#endif
