/* What the buffer suites share: text in and out of an evbuffer, memory hooks that count and fail,
 * socket pairs. Every test file of conformance/buffers includes it, and nothing else of this
 * directory. It uses the public API alone, so that one object file serves the original library and
 * ours. */
#ifndef CONFORMANCE_BUFFERS_SUPPORT_H
#define CONFORMANCE_BUFFERS_SUPPORT_H

#include "conformance/harness/harness.h"

#include <event2/buffer.h>
#include <event2/buffer_compat.h>
#include <event2/event.h>
#include <event2/thread.h>
#include <event2/util.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* A buffer that holds `text`, in one chunk. */
struct evbuffer* buffer_with(const char* text);
/* A buffer that holds the pieces one after the other, each in a chunk of its own; the list ends
 * with NULL. */
struct evbuffer* buffer_in_pieces(const char* first, ...);
/* A buffer that holds the text in chunks of `piece` bytes. */
struct evbuffer* buffer_cut(const char* text, size_t length, size_t piece);
/* The bytes of the buffer are exactly these; looks without changing anything. */
void assert_holds(struct evbuffer* buffer, const void* bytes, size_t length);
void assert_text(struct evbuffer* buffer, const char* text);
/* How many extents the bytes of the buffer lie in. */
int extents_of(struct evbuffer* buffer);
/* Bytes that differ from their neighbours: position n holds a fixed function of n. */
unsigned char pattern_byte(size_t position);
void pattern_fill(unsigned char* to, size_t from, size_t length);
unsigned char* pattern_new(size_t from, size_t length);

/* Memory hooks. Install them before the first call of the library in a test. */
void memory_hooks_install(void);
long memory_outstanding(void);
long memory_requests(void);
/* The request after the next `n` fails, and all later ones too until memory_succeeds. */
void memory_fails_after(long n);
/* The same for that request alone. */
void memory_fails_once_after(long n);
void memory_succeeds(void);
/* How many requests have failed since the last of these two. */
long memory_refused(void);

/* A connected pair of non-blocking stream sockets. */
void stream_pair(int pair[2]);
/* An unlinked temporary file that holds the pattern from 0. */
int pattern_file(size_t length);
/* Whether this number is an open descriptor now. */
int descriptor_is_open(int descriptor);
/* Whether this runs on the original library: for what is listed in DIFFERENCES.md. */
int on_original(void);

#endif
