/*
 * A program that publishes its loops for `pollshim top`, held until it is let go.
 */
#ifndef POLLSHIM_CONFORMANCE_SWAP_PUBLISHER_H
#define POLLSHIM_CONFORMANCE_SWAP_PUBLISHER_H

#include <sys/types.h>

struct publisher {
  pid_t pid;
  int hold;
  char directory[32];
};

/* Starts a program that says something on standard output once its loop turns, and ends when its
 * standard input does. Its page is in a directory of its own. */
void publisher_start(struct publisher* publisher, const char* const arguments[]);
/* It ends, and well. */
void publisher_let_go(struct publisher* publisher);

#endif
