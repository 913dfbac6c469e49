/* Entry of the torture. Prints a line for each run: the stack, the seed and, where they are to be
 * compared, the digests of what the ends saw.
 * peers [--stack NAME] [--mood storm|calm] [--seed N] [--count N] [--trace FILE] */
#include <event2/thread.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "conformance/buffers/torture/torture.h"

static enum mood mood_of(const char* name) {
  if (!strcmp(name, "calm")) return calm;
  return strcmp(name, "breeze") == 0 ? breeze : storm;
}

int main(int argc, char** argv) {
  const char* name = NULL;
  enum mood mood = storm;
  uint64_t seed = 1, count = 1;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (!strcmp(argv[i], "--stack")) name = argv[i + 1];
    if (!strcmp(argv[i], "--mood")) mood = mood_of(argv[i + 1]);
    if (!strcmp(argv[i], "--seed")) seed = strtoull(argv[i + 1], NULL, 10);
    if (!strcmp(argv[i], "--count")) count = strtoull(argv[i + 1], NULL, 10);
    if (!strcmp(argv[i], "--trace")) trace_file = fopen(argv[i + 1], "w");
  }
  if (trace_file) setvbuf(trace_file, NULL, _IOLBF, 0);
  signal(SIGPIPE, SIG_IGN);
  evthread_use_pthreads();
  for (const struct stack_kind* kind = torture_stacks; kind->name; kind++) {
    if (name && strcmp(name, kind->name) != 0) continue;
    if (mood != storm && kind->original_fails) continue;
    for (uint64_t i = seed; i < seed + count; i++) {
      uint64_t result = torture(kind, mood, i);
      printf(mood == calm ? "%s %" PRIu64 " %016" PRIx64 "\n" : "%s %" PRIu64 " %" PRIu64 "\n",
             kind->name, i, result);
    }
  }
  if (trace_file) fclose(trace_file);
  return 0;
}
