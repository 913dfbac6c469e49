/* What both halves of the listener suite share: one listener on loopback and what its callbacks
 * saw. */
#ifndef CONFORMANCE_BUFFERS_LISTENER_WORLD_H
#define CONFORMANCE_BUFFERS_LISTENER_WORLD_H

#include "conformance/buffers/turns.h"

#include <event2/listener.h>

extern struct event_base* base;
extern struct sockaddr_in loopback;

/* Filled by accepted() and failed(), which expect it as their argument. */
extern struct listener_seen {
  int calls, errors, last_fd;
  int fds[64];
  struct sockaddr_storage from;
  int from_length;
  struct evconnlistener* listener;
  int act_at; /* the call in which to do this: */
  enum { act_nothing, act_disable, act_free, act_mute } act;
} seen;

void accepted(struct evconnlistener* listener, evutil_socket_t fd, struct sockaddr* address,
              int length, void* arg);
void failed(struct evconnlistener* listener, void* arg);

void start(void);
/* Starts, and listens on a port that loopback then has. */
struct evconnlistener* listen_with(unsigned flags);
int dial(void);
void finish(struct evconnlistener* listener);

#endif
