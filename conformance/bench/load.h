/* The load on the rows that serve connections: a process of its own on the other core, which speaks
 * to the kernel alone and so is the same whatever library is measured.
 * It lives until the server's end of its connections closes. */
#ifndef POLLSHIM_CONFORMANCE_BENCH_LOAD_H_
#define POLLSHIM_CONFORMANCE_BENCH_LOAD_H_

#include <sys/socket.h>

enum { message_size = 64 };

/* What the load does with its connections once they stand; returns when the server has gone. */
typedef void load_run(const int* descriptors, int count);

/* Sends a message on every connection and another as soon as it has come back. */
load_run load_echo;
/* Sends without end, in pieces of 256 KiB. */
load_run load_send;
/* Takes whatever comes. */
load_run load_receive;

/* Starts the load and returns the server's ends, non-blocking as the load's are, of `count`
 * connections: over TCP with AF_INET, UNIX streams with AF_UNIX. Call it before the library under
 * test is touched: the load is a fork of this process. */
int* load_start(load_run* run, int family, int count);

#endif
