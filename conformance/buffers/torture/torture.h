/* The two-peer torture: random calls on both ends of a stack, from outside and from inside their
 * callbacks. Each byte has to arrive once and in order, and nothing may be left waiting when
 * nothing hinders it. torture.c owns the run, side.c what is done to one end and what it sees.
 * Time is that of the virtual clock, so limits and timeouts cost none. */
#ifndef CONFORMANCE_BUFFERS_TORTURE_TORTURE_H
#define CONFORMANCE_BUFFERS_TORTURE_TORTURE_H

#include "conformance/buffers/torture/stack.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Storms: anything at any time. Breezes: the same, but for what the original does not survive.
 * Calm: one call, then turns until all is quiet, and little at once, so that what an end sees does
 * not depend on how fast the kernel moves bytes. */
enum mood { storm, breeze, calm };

struct side {
  int index;
  const struct stack_kind* kind;
  enum mood mood;
  struct side* other;
  struct bufferevent* bev; /* NULL once freed */
  uint64_t random;
  size_t sent, received;
  size_t waiting; /* of what was sent, when it was last quiet */
  int depth;      /* of calls made inside callbacks */
  int connected;  /* as reported, where the stack does */
  int ended;      /* an end or an error was reported */
  int free_next;  /* in its next callback: 1 itself, 2 both, 3 the other one */
  struct ev_token_bucket_cfg* limit;
  struct ev_token_bucket_cfg* limit_below; /* not its own */
};

/* A number below `limit`. */
size_t random_below(uint64_t* random, size_t limit);

void side_open(struct side* side, struct bufferevent* bev);
void side_close(struct side* side);
/* One random call. */
void side_act(struct side* side, uint64_t* random);
/* The same on a layer beneath it, if there is one. */
void side_hinder_below(struct side* side, uint64_t* random);
/* Takes away whatever hinders it, and takes all bytes out. */
void side_unhinder(struct side* side);
/* Appends bytes of its stream. */
void side_write(struct side* side, size_t size);
/* How many of these have not come to the input of the other end yet. */
size_t side_in_flight(const struct side* side);

/* A line of the trace: what is done to an end, and what it sees of its input or of its output. */
enum about { about_calls, about_input, about_output, about_all };
void trace(struct side* side, enum about about, const char* format, ...);
extern FILE* trace_file; /* NULL: digests only */

/* Gives how many bytes have arrived; when all is calm, a digest of what was seen: of a whole stack
 * in the order of the trace, otherwise of each end's input, and of each end's output, by itself. */
uint64_t torture(const struct stack_kind* kind, enum mood mood, uint64_t seed);
/* The run that is under way has failed: says so and ends the process. */
void torture_fail(const char* format, ...);

#endif
