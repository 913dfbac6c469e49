/* Timers that fall due at the same instant.  The original keeps them in a binary heap, where equals
 * come out in any order; we fire the first armed first.  Programs are cut short before it matters.
 */
#ifndef CONFORMANCE_EVENT_DIFFERENTIAL_TIES_H
#define CONFORMANCE_EVENT_DIFFERENTIAL_TIES_H

struct event;
struct event_base;
struct timeval;

void ties_reset(void);
/* Notes a timer that no event can be asked for; true if it ties with another such. */
int ties_note_other(struct event_base* base, const struct timeval* timeout);
/* Whether two of the events, or one of them and one noted, expire together.  Two that were added
 * with the same common timeout (`common[i]`, 0 for none) may: those come in the order of their
 * adding. */
int ties_found(struct event* const* events, const int* common, int count);

#endif
