/* What the torture drives: two top ends that are connected somehow, over whatever lies beneath. A
 * kind of stack says how to open both; more kinds (TLS) join by linking a table of their own. The
 * torture knows of a stack only what is written here. */
#ifndef CONFORMANCE_BUFFERS_TORTURE_STACK_H
#define CONFORMANCE_BUFFERS_TORTURE_STACK_H

#include <event2/bufferevent.h>
#include <event2/event.h>

struct stack_kind {
  const char* name;
  /* Both ends, each with CLOSE_ON_FREE in `options`, which its layers hand down: freeing the top
   * frees everything. 0, or -1. */
  int (*open)(struct event_base* base, int options, struct bufferevent* ends[2]);
  /* Everything happens in one process in an order that the API fixes: traces are compared whole.
   * Otherwise the kernel is in between, and only what each end sees for itself is compared. */
  int is_whole;
  /* Freeing one end ends the stream of the other with BEV_EVENT_EOF. */
  int tells_end;
  /* The descriptor below can be shut down for writing. */
  int half_closes;
  int has_filters;
};

/* Ends with NULL. Defined by the program. */
extern const struct stack_kind* const torture_stacks[];

/* stacks.c */
extern const struct stack_kind local_stack, tcp_stack, pair_stack, filter_on_local_stack,
    filter_on_tcp_stack, filter_on_pair_stack, filters_on_pair_stack;

#endif
