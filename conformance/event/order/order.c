/* Runs the scenarios of a file and prints their traces; with --check it also compares each with the
 * one recorded in the file, which was read off the original library (unless a line says "ours
 * gives"). */
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

static int is_ours(void) {
  void* engine = dlopen("libpollshim-event.so.1", RTLD_LAZY | RTLD_NOLOAD);
  if (engine != NULL) dlclose(engine);
  return engine != NULL;
}

struct scenario {
  char name[256];
  char script[2048];
  char recorded[2048];
};

static struct totals {
  int count;
  int wrong;
} totals;

static void run(struct scenario* scenario, int checking) {
  char trace[8192];
  if (scenario->script[0] == 0) return;
  script_run(scenario->script, trace, sizeof trace);
  const char* result = trace + (trace[0] == ' ');
  printf("%s\n  %s\n  gives %s\n", scenario->name, scenario->script, result);
  totals.count++;
  if (checking && strcmp(scenario->recorded, result) != 0) {
    printf("  RECORDED %s\n", scenario->recorded);
    totals.wrong++;
  }
  scenario->script[0] = scenario->recorded[0] = 0;
}

/* The text after a word that begins a line, or NULL. */
static const char* after(const char* text, const char* word) {
  size_t length = strlen(word);
  return strncmp(text, word, length) == 0 ? text + length + strspn(text + length, " ") : NULL;
}

int main(int argc, char** argv) {
  char line[2048];
  struct scenario scenario = {"", "", ""};
  int checking = 0, ours = is_ours();
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
      run(&scenario, checking);
      snprintf(scenario.name, sizeof scenario.name, "%s", trimmed(line));
      continue;
    }
    char* text = trimmed(line);
    const char* recorded = after(text, "gives");
    if (recorded == NULL) recorded = ours ? after(text, "ours gives") : NULL;
    if (recorded != NULL)
      snprintf(scenario.recorded, sizeof scenario.recorded, "%s", recorded);
    else if (after(text, "ours gives") == NULL)
      snprintf(scenario.script, sizeof scenario.script, "%s", text);
  }
  run(&scenario, checking);
  fclose(in);
  if (checking) printf("%d passed, %d failed\n", totals.count - totals.wrong, totals.wrong);
  return totals.wrong != 0 || totals.count == 0;
}
