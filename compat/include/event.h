/* Everything that libevent 1.x declared in this one header: events, buffers, bufferevents and tags,
 * with the structures laid open and the functions that know only a current base. Programs for 2.x
 * include what they need from <event2/…>. */
#ifndef EVENT1_EVENT_H_INCLUDED_
#define EVENT1_EVENT_H_INCLUDED_

#include <evutil.h>

#include <event2/event.h>
#include <event2/event_compat.h>
#include <event2/event_struct.h>

#include <event2/buffer.h>
#include <event2/buffer_compat.h>

#include <event2/bufferevent.h>
#include <event2/bufferevent_compat.h>
#include <event2/bufferevent_struct.h>

#include <event2/tag.h>
#include <event2/tag_compat.h>

#endif /* EVENT1_EVENT_H_INCLUDED_ */
