/* What stacks are made of: connected descriptors, bufferevents on them, filters on those. Used by
 * the files that define kinds of stacks, and by nothing else. */
#ifndef CONFORMANCE_BUFFERS_TORTURE_LAYERS_H
#define CONFORMANCE_BUFFERS_TORTURE_LAYERS_H

#include "conformance/buffers/torture/stack.h"

/* Two descriptors, nonblocking, one connected to the other. 0, or -1. */
typedef int connector(int fds[2]);
connector connect_local, connect_tcp;

/* 0, or -1. */
int open_sockets(struct event_base* base, int options, connector* connect_them,
                 struct bufferevent* ends[2]);

/* On top of both ends if `opened`, the result of what opened them, is 0. 0, or -1. */
int put_filters_on(int opened, int options, struct bufferevent* ends[2]);

/* A goodbye: of the descriptor below. */
void shut_down_writing(struct bufferevent* end);

#endif
