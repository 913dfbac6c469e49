// "Run this later in the loop": callbacks that are not events but share their run queue, their
// priorities and the rule that a turn runs at most so many of them. Buffers, bufferevents and
// everything else that must not call its user from inside the user's own call rides on this.
// Implemented by the base; see base.h for its lock.
#pragma once

#include <cstdint>

#include "event2/event_struct.h"

struct event_base;

namespace pollshim::event {

using DeferredFunction = void (*)(event_callback* self, void* argument);

// Prepares `callback`; it must not be scheduled. The memory stays the caller's, and must live until
// the callback has run or was cancelled.
void init_deferred(event_callback* callback, std::uint8_t priority, DeferredFunction function,
                   void* argument);
void set_deferred_priority(event_callback* callback, std::uint8_t priority);

// True if it was not scheduled before. It runs once, in this turn or the next. Any thread.
bool schedule_deferred(event_base* base, event_callback* callback);
void cancel_deferred(event_base* base, event_callback* callback);

// Cancels `count` callbacks (events among them) and runs `finalizer` once none of them can be
// running any more: through the loop, on the first of them or on the one that runs right now.
void finalize_callbacks(event_base* base, int count, event_callback** callbacks,
                        void (*finalizer)(event_callback* self, void* argument));

// The priority that a base gives to callbacks that ask for none: its lowest.
std::uint8_t lowest_priority(event_base* base);

// Counts towards what keeps a loop from exiting for want of events.
void add_virtual_event(event_base* base);
void remove_virtual_event(event_base* base);

}  // namespace pollshim::event
