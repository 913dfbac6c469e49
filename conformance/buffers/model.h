/* The plain byte array that an evbuffer is compared with, and the random script that drives both.
 * model.c owns the array and the comparison, model_operations.c the operations, model_main.c the
 * script. A run prints two digests: of every value the library returned, and of every extent it
 * showed. */
#ifndef CONFORMANCE_BUFFERS_MODEL_H
#define CONFORMANCE_BUFFERS_MODEL_H

#include <event2/buffer.h>
#include <event2/buffer_compat.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define MODEL_SUBJECTS 4
#define MODEL_CAPACITY (1u << 17)

/* One evbuffer and what it has to hold. */
struct subject {
  struct evbuffer* buffer;
  size_t length;
  int frozen_front, frozen_back;
  int shares; /* may hold chunks that other buffers hold as well */
  unsigned char* bytes;
};

struct script {
  uint64_t random;
  uint64_t operation;
  uint64_t values, layout;
  FILE* trace;
  int strict;
  int sockets[2];
  size_t in_socket;
  unsigned char* socket_bytes;
  int file;
  struct subject subjects[MODEL_SUBJECTS];
};

/* A number below `limit`, the next of the script's sequence. */
size_t script_below(struct script* script, size_t limit);
/* Mostly small, sometimes large, never above `limit`. */
size_t script_size(struct script* script, size_t limit);
/* Text with many line endings and repeated letters. */
void script_bytes(struct script* script, unsigned char* to, size_t length);

/* A value that both libraries must agree on. */
void script_value(struct script* script, const char* what, int64_t value);
void script_value_bytes(struct script* script, const char* what, const void* bytes, size_t length);
/* A value that must be this one. */
void script_expect(struct script* script, const char* what, int64_t value, int64_t expected);
void script_expect_bytes(struct script* script, const char* what, const void* bytes,
                         const void* expected, size_t length);
void script_fail(struct script* script, const char* format, ...);

void subject_append(struct script* script, struct subject* subject, const void* bytes, size_t n);
void subject_prepend(struct script* script, struct subject* subject, const void* bytes, size_t n);
void subject_drop(struct subject* subject, size_t n);
/* The buffer holds exactly the array; its extents go into the layout digest. */
void subject_check(struct script* script, struct subject* subject);

/* Runs one random operation on one or two of the subjects. */
void script_step(struct script* script);
extern unsigned char model_pattern[1 << 16];

#endif
