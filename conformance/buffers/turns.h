/* What the suites of everything with a loop share: a loop that is never waited for in vain, pairs
 * of connected sockets, and bytes through them. Knows of no bufferevent. */
#ifndef CONFORMANCE_BUFFERS_TURNS_H
#define CONFORMANCE_BUFFERS_TURNS_H

#include "conformance/buffers/support.h"

#include <netinet/in.h>
#include <signal.h>

/* A base whose process ignores SIGPIPE. */
struct event_base* new_base(void);
/* Runs what is ready and what that makes ready, without waiting. */
void run_ready(struct event_base* base);
/* Runs until *condition is not 0; fails after ten seconds. */
void run_until(struct event_base* base, const int* condition);
void run_for(struct event_base* base, int milliseconds);
/* Bytes of text to a descriptor; all of them. */
void send_text(int descriptor, const char* text);
/* What the descriptor holds now is exactly this. */
void assert_received(int descriptor, const char* text);
/* Fills the socket until it takes no more; gives the number of bytes. */
size_t clog_socket(int descriptor);
void drain_descriptor(int descriptor);
/* Connected TCP sockets over loopback, non-blocking. */
void tcp_pair(int pair[2]);
int tcp_listener(struct sockaddr_in* address);

double seconds_now(void);

#endif
