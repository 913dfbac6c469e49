/* What the bufferevent suites share: a trace of callbacks. It is text, one word for each callback,
 * so that a test reads like its story. */
#ifndef CONFORMANCE_BUFFERS_STREAM_H
#define CONFORMANCE_BUFFERS_STREAM_H

#include "conformance/buffers/turns.h"

#include <event2/bufferevent.h>
#include <event2/bufferevent_compat.h>
#include <event2/bufferevent_struct.h>
#include <event2/event_compat.h>
#include <event2/event_struct.h>

/* A callback's words: "name:read(bytes in input)", "name:write(bytes in output)",
 * "name:event(0xNN)". */
struct story {
  char text[16384];
  size_t used;
};
struct teller {
  struct story* story; /* NULL: only count */
  const char* name;
  struct bufferevent* bev;
  int reads, writes, events;
  short last_event;
  int last_error;
};

void tell(struct story* story, const char* format, ...);
void tell_read(struct bufferevent* bev, void* context);
void tell_write(struct bufferevent* bev, void* context);
void tell_event(struct bufferevent* bev, short what, void* context);
/* Sets the three callbacks. */
void listen_to(struct teller* teller, struct story* story, const char* name,
               struct bufferevent* bev);

/* A bufferevent on one end of a new socket pair; the other end goes to *peer. */
struct bufferevent* socket_bev(struct event_base* base, int options, int* peer);
/* The input of a bufferevent is exactly this; takes it out. */
void assert_input(struct bufferevent* bev, const char* text);

#endif
