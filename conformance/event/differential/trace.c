/* A fixed buffer: what does not fit is left out on both sides alike. */
#include "conformance/event/differential/trace.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static char text[1 << 17];
static size_t length;

void trace_clear(void) {
  length = 0;
  text[0] = 0;
}

void trace(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int count = vsnprintf(text + length, sizeof text - length, format, arguments);
  va_end(arguments);
  if (count > 0 && (size_t)count < sizeof text - length)
    length += (size_t)count;
  else
    text[length] = 0;
}

const char* trace_text(void) {
  return text;
}

uint64_t trace_hash(void) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (size_t i = 0; i < length; i++)
    hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3u;
  return hash;
}
