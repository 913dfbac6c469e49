/* The byte array beside each evbuffer, the random numbers of the script, and the two digests. */
#include "conformance/buffers/model.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static uint64_t next_random(struct script* script) {
  uint64_t z = (script->random += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

size_t script_below(struct script* script, size_t limit) {
  return limit ? (size_t)(next_random(script) % limit) : 0;
}

size_t script_size(struct script* script, size_t limit) {
  static const size_t ceilings[] = {2, 8, 60, 300, 1100, 2100, 5000};
  size_t ceiling = ceilings[script_below(script, sizeof ceilings / sizeof ceilings[0])];
  return script_below(script, (ceiling < limit ? ceiling : limit) + 1);
}

void script_bytes(struct script* script, unsigned char* to, size_t length) {
  static const char letters[16] = "aaabbbcd\r\n\r\n\n\0xy";
  uint64_t bits = 0;
  for (size_t i = 0; i < length; ++i) {
    if (i % 16 == 0) bits = next_random(script);
    to[i] = (unsigned char)letters[bits & 15];
    bits >>= 4;
  }
}

static uint64_t digest(uint64_t state, const void* bytes, size_t length) {
  const unsigned char* at = bytes;
  for (size_t i = 0; i < length; ++i)
    state = (state ^ at[i]) * 0x100000001b3u;
  return state;
}

void script_value(struct script* script, const char* what, int64_t value) {
  script->values = digest(script->values, &value, sizeof value);
  if (script->trace) fprintf(script->trace, "  %s %lld\n", what, (long long)value);
}

void script_value_bytes(struct script* script, const char* what, const void* bytes, size_t length) {
  script->values = digest(script->values, bytes, length);
  if (script->trace)
    fprintf(script->trace, "  %s %zu bytes %016llx\n", what, length,
            (unsigned long long)digest(0, bytes, length));
}

void script_fail(struct script* script, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fprintf(stderr, "operation %llu: ", (unsigned long long)script->operation);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
  if (script->trace) fflush(script->trace);
  exit(1);
}

void script_expect(struct script* script, const char* what, int64_t value, int64_t expected) {
  script_value(script, what, value);
  if (value != expected)
    script_fail(script, "%s is %lld, expected %lld", what, (long long)value, (long long)expected);
}

void script_expect_bytes(struct script* script, const char* what, const void* bytes,
                         const void* expected, size_t length) {
  script_value_bytes(script, what, bytes, length);
  if (memcmp(bytes, expected, length) != 0) script_fail(script, "%s has other bytes", what);
}

static void make_sure_it_fits(struct script* script, struct subject* subject, size_t n) {
  if (subject->length + n > MODEL_CAPACITY) script_fail(script, "the model is full");
}

void subject_append(struct script* script, struct subject* subject, const void* bytes, size_t n) {
  make_sure_it_fits(script, subject, n);
  memcpy(subject->bytes + subject->length, bytes, n);
  subject->length += n;
}

void subject_prepend(struct script* script, struct subject* subject, const void* bytes, size_t n) {
  make_sure_it_fits(script, subject, n);
  memmove(subject->bytes + n, subject->bytes, subject->length);
  memcpy(subject->bytes, bytes, n);
  subject->length += n;
}

void subject_drop(struct subject* subject, size_t n) {
  memmove(subject->bytes, subject->bytes + n, subject->length - n);
  subject->length -= n;
}

void subject_check(struct script* script, struct subject* subject) {
  struct evbuffer_iovec extents[4096];
  size_t seen = 0;
  if (subject->length == 0) subject->shares = 0;
  if (evbuffer_get_length(subject->buffer) != subject->length)
    script_fail(script, "length is %zu, expected %zu", evbuffer_get_length(subject->buffer),
                subject->length);
  int count = evbuffer_peek(subject->buffer, -1, NULL, NULL, 0);
  if (count > 4096) script_fail(script, "%d extents", count);
  evbuffer_peek(subject->buffer, (ev_ssize_t)subject->length, NULL, extents, 4096);
  if (script->trace) fputs("  extents", script->trace);
  for (int i = 0; i < count; ++i) {
    uint64_t length = extents[i].iov_len;
    if (seen + length > subject->length) script_fail(script, "the extents hold too much");
    if (length && memcmp(extents[i].iov_base, subject->bytes + seen, length) != 0)
      script_fail(script, "extent %d at %zu has other bytes", i, seen);
    seen += length;
    script->layout = digest(script->layout, &length, sizeof length);
    if (script->trace) fprintf(script->trace, " %zu", (size_t)length);
  }
  if (script->trace) fputc('\n', script->trace);
  if (seen != subject->length) script_fail(script, "the extents hold %zu bytes", seen);
}
