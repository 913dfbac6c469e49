#include "conformance/ev/differential/record.h"

#include <stdarg.h>
#include <stdio.h>

#include "conformance/ev/differential/program.h"

static struct record* record;

static uint64_t chance_state;

static uint32_t chance(void) {
  chance_state = chance_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  uint32_t mixed = (uint32_t)((chance_state >> 18 ^ chance_state) >> 27);
  uint32_t turn = (uint32_t)(chance_state >> 59);
  return mixed >> turn | mixed << (-turn & 31);
}
int below(int limit) {
  return (int)(chance() % (uint32_t)limit);
}
bool one_in(int many) {
  return below(many) == 0;
}

void begin_record(uint64_t seed, struct record* into) {
  record = into;
  chance_state = seed * UINT64_C(0x9e3779b97f4a7c15) + 12345;
  chance();
}

void note(const char* format, ...) {
  char line[256];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  for (const char* at = line; *at; ++at) {
    record->hash = (record->hash ^ (unsigned char)*at) * UINT64_C(1099511628211);
  }
  ++record->lines;
  if (record->text != NULL) {
    fprintf(record->text, "%s\n", line);
  }
}
