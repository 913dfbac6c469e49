/* What most tests of socket bufferevents play with: one of them on its base, its peer, and the
 * story that its callbacks tell. For files whose tests need no second one; each test opens it and
 * closes it. */
#ifndef CONFORMANCE_BUFFERS_ONE_BEV_H
#define CONFORMANCE_BUFFERS_ONE_BEV_H

#include "conformance/buffers/stream.h"

extern struct event_base* base;
extern struct bufferevent* bev;
extern struct story story;
extern struct teller teller;
extern int peer; /* -1: there is none, or no more */

/* On a socket pair, over TCP, or without a descriptor. It is called "x" in the story, and closes
 * its descriptor. */
void open_one(int options);
void open_tcp(int options);
void open_unconnected(int options);
void close_peer(void);
/* The peer vanishes with a reset. */
void reset_peer(void);
void close_one(void);

#endif
