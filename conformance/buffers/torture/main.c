/* Entry of the torture. Prints a line for each run: the stack, the seed and, where they are to be
 * compared, the digests of what the ends saw.
 * peers [--stack NAME] [--mood storm|calm] [--seed N] [--count N] [--trace FILE] */
#include <event2/thread.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "conformance/buffers/torture/torture.h"

const struct stack_kind* const torture_stacks[] = {&local_stack,
                                                   &tcp_stack,
                                                   &pair_stack,
                                                   &filter_on_local_stack,
                                                   &filter_on_tcp_stack,
                                                   &filter_on_pair_stack,
                                                   &filters_on_pair_stack,
                                                   NULL};

int main(int argc, char** argv) {
  const char* name = NULL;
  enum mood mood = storm;
  uint64_t seed = 1, count = 1;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (!strcmp(argv[i], "--stack")) name = argv[i + 1];
    if (!strcmp(argv[i], "--mood")) mood = strcmp(argv[i + 1], "calm") == 0 ? calm : storm;
    if (!strcmp(argv[i], "--seed")) seed = strtoull(argv[i + 1], NULL, 10);
    if (!strcmp(argv[i], "--count")) count = strtoull(argv[i + 1], NULL, 10);
    if (!strcmp(argv[i], "--trace")) trace_file = fopen(argv[i + 1], "w");
  }
  if (trace_file) setvbuf(trace_file, NULL, _IOLBF, 0);
  signal(SIGPIPE, SIG_IGN);
  evthread_use_pthreads();
  for (const struct stack_kind* const* kind = torture_stacks; *kind; kind++) {
    if (name && strcmp(name, (*kind)->name) != 0) continue;
    for (uint64_t i = seed; i < seed + count; i++) {
      uint64_t digest = torture(*kind, mood, i);
      printf("%s %" PRIu64, (*kind)->name, i);
      if (mood == calm) printf(" %016" PRIx64, digest);
      putchar('\n');
    }
  }
  if (trace_file) fclose(trace_file);
  return 0;
}
