/* A clock that moves only when everybody waits.  The program that links virtual_clock.c replaces
 * the C library's clocks and waits for every library it loads, so a loop whose next timer is an
 * hour away gets there at once, and two libraries given the same calls see the same times. Ready
 * descriptors are reported in order of their number, which the kernel does not promise. */
#ifndef CONFORMANCE_EVENT_VIRTUAL_CLOCK_H
#define CONFORMANCE_EVENT_VIRTUAL_CLOCK_H

/* The time of a fresh start: some days after boot, on a whole millisecond. */
void virtual_clock_reset(void);
void virtual_clock_advance(long milliseconds);
long long virtual_clock_milliseconds(void);

/* Called instead of waiting for ever: nothing is ready, no time limit, nobody could end it. */
extern void (*virtual_clock_stuck)(void);

/* Descriptors of the program itself start at this number; those below are the library's own, and
 * poll() and select() always report them. */
enum { virtual_clock_first_descriptor = 100 };

/* Waits answered since the reset. */
extern long virtual_clock_waits;

/* Waits after which the caller is taken to spin, and virtual_clock_stuck is called each time. */
extern long virtual_clock_patience;

#endif
