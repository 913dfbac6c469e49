/* One side of a comparison: runs programs on the library that this process has loaded, as the
 * driver asks on standard input, and answers on standard output. run SEED COUNT PROFILE      a line
 * "SEED HASH" for each program hash SEED PROFILE MASK      a line with the hash of one program
 * narrowed by MASK show SEED PROFILE MASK      its trace, and a line "end" The first line of all
 * says which file the library was loaded from. */
#include <dlfcn.h>
#include <event2/event.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conformance/event/differential/execute.h"
#include "conformance/event/differential/trace.h"

static void parse_mask(const char* text, uint8_t* mask) {
  memset(mask, 0, mask_bytes);
  for (int i = 0; i < mask_bytes && text[0] != 0 && text[1] != 0; i++, text += 2) {
    unsigned byte = 0;
    sscanf(text, "%2x", &byte);
    mask[i] = (uint8_t)byte;
  }
}

static void run_narrowed(uint64_t seed, int profile, const char* mask_text) {
  struct program program;
  uint8_t mask[mask_bytes];
  parse_mask(mask_text, mask);
  program_generate(&program, seed, profile);
  execute(&program, mask);
}

static void run_range(uint64_t seed, uint64_t count, int profile) {
  for (uint64_t i = 0; i < count; i++) {
    struct program program;
    program_generate(&program, seed + i, profile);
    execute(&program, NULL);
    printf("%" PRIu64 " %s%016" PRIx64 "\n", seed + i, execute_was_spinning() ? "stuck " : "",
           trace_hash());
    fflush(stdout);
  }
}

static void say_which_library(void) {
  char *error = NULL, path[PATH_MAX];
  Dl_info found;
  void* function = dlsym(RTLD_DEFAULT, "event_base_new");
  if (function == NULL || dladdr(function, &found) == 0) error = dlerror();
  if (error != NULL || realpath(found.dli_fname, path) == NULL) exit(2);
  printf("library %s\n", path);
  fflush(stdout);
}

int main(int argc, char** argv) {
  char line[1024];
  say_which_library();
  if (argc > 1 && strcmp(argv[1], "--with-a-difference") == 0) execute_with_a_difference();
  execute_prepare();
  while (fgets(line, sizeof line, stdin) != NULL) {
    uint64_t seed, count;
    int profile;
    char mask[257] = "";
    if (sscanf(line, "run %" SCNu64 " %" SCNu64 " %d", &seed, &count, &profile) == 3) {
      run_range(seed, count, profile);
    } else if (sscanf(line, "hash %" SCNu64 " %d %256s", &seed, &profile, mask) == 3) {
      run_narrowed(seed, profile, mask);
      printf("%s%016" PRIx64 "\n", execute_was_spinning() ? "stuck " : "", trace_hash());
    } else if (sscanf(line, "show %" SCNu64 " %d %256s", &seed, &profile, mask) == 3) {
      run_narrowed(seed, profile, mask);
      printf("%send\n", trace_text());
    } else {
      return 3;
    }
    fflush(stdout);
  }
  return 0;
}
