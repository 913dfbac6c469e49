/* Runs the scenarios of a file and prints their traces; with --check it also compares each with the
 * one recorded in the file, which was read off the original library. */
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conformance/event/order/script.h"

static char* trimmed(char* text) {
  size_t length = strlen(text);
  while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == ' '))
    text[--length] = 0;
  return text + strspn(text, " ");
}

/* The file that the library really came from must lie under `directory`. */
static void prove(const char* directory) {
  Dl_info found;
  char path[PATH_MAX], wanted[PATH_MAX];
  void* function = dlsym(RTLD_DEFAULT, "event_base_new");
  if (function == NULL || dladdr(function, &found) == 0 || !realpath(found.dli_fname, path) ||
      !realpath(directory, wanted) || strncmp(path, wanted, strlen(wanted)) != 0) {
    fprintf(stderr, "order: the library is not the one under %s\n", directory);
    exit(2);
  }
}

int main(int argc, char** argv) {
  char line[2048], name[256] = "", script[2048] = "", trace[8192];
  int checking = 0, count = 0, wrong = 0;
  const char* file = NULL;
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--check") == 0)
      checking = 1;
    else if (strcmp(argv[i], "--library") == 0 && i + 1 < argc)
      prove(argv[++i]);
    else
      file = argv[i];
  }
  FILE* in = file != NULL ? fopen(file, "r") : NULL;
  if (in == NULL) {
    fprintf(stderr, "usage: order [--library DIR] [--check] SCENARIOS\n");
    return 2;
  }
  script_prepare();
  while (fgets(line, sizeof line, in) != NULL) {
    if (line[0] == '#' || line[0] == '\n') continue;
    if (line[0] != ' ') {
      snprintf(name, sizeof name, "%s", trimmed(line));
      continue;
    }
    char* text = trimmed(line);
    if (strncmp(text, "gives", 5) != 0) {
      snprintf(script, sizeof script, "%s", text);
      continue;
    }
    script_run(script, trace, sizeof trace);
    count++;
    const char* result = trace + (trace[0] == ' ');
    printf("%s\n  %s\n  gives %s\n", name, script, result);
    const char* recorded = text + 5 + strspn(text + 5, " ");
    if (checking && strcmp(recorded, result) != 0) {
      printf("  RECORDED %s\n", recorded);
      wrong++;
    }
  }
  fclose(in);
  if (checking) printf("%d passed, %d failed\n", count - wrong, wrong);
  return wrong != 0 || count == 0;
}
