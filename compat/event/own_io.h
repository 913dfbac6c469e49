// Events of our own that do the reading and writing themselves: those of bufferevents and
// listeners. They see every byte and every EAGAIN of their descriptor, so they can do with edges,
// and with fewer calls into the kernel than a stranger's events: what was registered once stays,
// what is ready is remembered, and output is tried before anybody waits for it.
//
// All of it works, with levels, where the backend has no edges or a user's own event watches the
// same descriptor. The functions take the base's lock themselves.
#pragma once

#include "event2/event_struct.h"

struct event_base;

namespace pollshim::event {

// To be said of a persistent event before it is added for the first time, and again when it moves
// to another base. Its callback must read, or write, until it meets EAGAIN, a short read without an
// end_is_near(), or says leave_ready().
void prefer_edges(struct ::event* ev);
// The opposite, for both events of a descriptor of which nobody can tell that it has been read to
// the end but by another read, which edges would take and levels do not: from here on the kernel
// says what is ready. The reader's callback may be running. False, and all is as it was, if the
// kernel refused.
bool prefer_levels(struct ::event* reader, struct ::event* writer);

// As long as a descriptor is held it stays registered while none of its events is pending, and an
// edge that comes then is kept for the next event. To be released when its number changes hands,
// and before it is closed; if it is `closing`, next and by us, the kernel need not be told.
void hold_io(event_base* base, int fd);
void release_io(event_base* base, int fd, bool closing);

// The caller stopped before EAGAIN: its event, if it is still pending or when it is added the next
// time, is to be called again without asking the kernel.
void leave_ready(event_base* base, int fd, short events);

// The callback of a pending event runs once more, in the next turn, whatever the kernel says: for
// bytes that were taken from the descriptor but not delivered.
void call_again(struct ::event* ev);

// The peer has closed, or the descriptor failed: no edge will come any more, so whoever reads goes
// on until it has seen the end itself. The same where urgent data has come, at which reads stop.
bool end_is_near(event_base* base, int fd);

// Adds an event (EV_WRITE) as event_add() does, on the presumption that its descriptor is ready:
// the kernel is not asked, and the callback runs later in this turn, or in the next. That callback
// either deletes the event or calls await_edge().
int add_presumed(struct ::event* ev, const timeval* timeout);
// The presumption was wrong (EAGAIN): the event, still pending, now waits for an edge. -1 if the
// kernel refused.
int await_edge(struct ::event* ev);

}  // namespace pollshim::event
