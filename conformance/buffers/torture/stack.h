/* What the torture drives: two top ends that are connected somehow, over whatever lies beneath. A
 * kind of stack says how to open both; a program brings a table of kinds. The torture knows of a
 * stack only what is written here. */
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
   * Otherwise only what each end sees for itself is compared. */
  int is_whole;
  /* Freeing one end ends the stream of the other. */
  int tells_end;
  int has_filters; /* and how many, one on the other */
  /* Both ends report BEV_EVENT_CONNECTED before the first byte arrives, and bytes travel in
   * records: how several that wait are read, and what they cost on the wire, is up to the library.
   * When all is calm there is one at a time, and nothing that counts or cuts bytes. */
  int has_records;
  /* The original does not survive the stack itself: there are storms with ours, and nothing else.
   */
  int original_fails;
  /* Ends the stream of the other end, with all bytes before it. NULL: that can not be done. */
  void (*say_goodbye)(struct bufferevent* end);
  /* Something that an end may do at any time without its bytes being any different. Or NULL. */
  void (*disturb)(struct bufferevent* end);
};

/* Ends with one that has no name. Defined by the program's file of kinds. */
extern const struct stack_kind* const torture_stacks;

#endif
