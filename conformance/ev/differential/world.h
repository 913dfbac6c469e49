/*
 * The world in which a random program runs: a clock that only this file moves, and waits that never
 * sleep. It stands between a library and the C library, under the names of the system's own
 * functions, so it works alike for the distribution's libev and for ours. What the libraries may do
 * in either order is put into one.
 */
#ifndef CONFORMANCE_EV_DIFFERENTIAL_WORLD_H
#define CONFORMANCE_EV_DIFFERENTIAL_WORLD_H

#include <stdbool.h>
#include <stdint.h>

/* All times are multiples of this, in nanoseconds: a 64th of a second is exact in a double. */
#define WORLD_TICK INT64_C(15625000)
#define WORLD_TICK_SECONDS (1. / 64.)

/* A new world: the clocks at their start, nothing remembered of descriptors. */
void world_reset(void);
void world_advance(int ticks);
void world_jump_wall_clock(int ticks);

/* Called when a library is about to sleep with nothing ready. */
void world_set_happening(void (*happening)(void));

/* Called for every wait, with its length in ticks, rounded down; 0 for one that does not block. */
void world_set_wait_witness(void (*witness)(long ticks, bool blocks));

/* Makes the world err once in a while, so that a comparison has something to find. */
void world_be_unreliable(void);

#endif
