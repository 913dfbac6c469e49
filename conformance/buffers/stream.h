/* What the bufferevent suites share: a loop that is never waited for in vain, a trace of callbacks,
 * and pairs of connected sockets. The trace is text, one word for each callback, so that a test
 * reads like its story. */
#ifndef CONFORMANCE_BUFFERS_STREAM_H
#define CONFORMANCE_BUFFERS_STREAM_H

#include "conformance/buffers/support.h"

#include <event2/bufferevent.h>
#include <event2/bufferevent_compat.h>
#include <event2/bufferevent_struct.h>
#include <event2/event_compat.h>
#include <event2/event_struct.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <signal.h>

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

/* A base whose process ignores SIGPIPE. */
struct event_base* new_base(void);
/* Runs what is ready and what that makes ready, without waiting. */
void run_ready(struct event_base* base);
/* Runs until *condition is not 0; fails after ten seconds. */
void run_until(struct event_base* base, const int* condition);
void run_for(struct event_base* base, int milliseconds);
/* A bufferevent on one end of a new socket pair; the other end goes to *peer. */
struct bufferevent* socket_bev(struct event_base* base, int options, int* peer);
/* Bytes of text to a descriptor; all of them. */
void send_text(int descriptor, const char* text);
/* What the descriptor holds now is exactly this. */
void assert_received(int descriptor, const char* text);
/* The input of a bufferevent is exactly this; takes it out. */
void assert_input(struct bufferevent* bev, const char* text);
/* Fills the socket until it takes no more; gives the number of bytes. */
size_t clog_socket(int descriptor);
void drain_descriptor(int descriptor);
/* Connected TCP sockets over loopback, non-blocking. */
void tcp_pair(int pair[2]);
int tcp_listener(struct sockaddr_in* address);

double seconds_now(void);

#endif
