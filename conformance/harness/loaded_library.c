/*
 * Reads /proc/self/maps: the loader's own word on what this process runs, which neither an
 * environment variable nor a link name can fake.
 */
#include "conformance/harness/loaded_library.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_event_library(const char* path) {
  static const char* const beginnings[] = {"libevent", "libev.so", "libpollshim", "libnetpoll"};
  const char* slash = strrchr(path, '/');
  if (slash == NULL) return false;
  for (size_t i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++)
    if (strncmp(slash + 1, beginnings[i], strlen(beginnings[i])) == 0) return true;
  return false;
}

bool only_loaded_from(const char* directory) {
  char wanted[PATH_MAX], line[PATH_MAX + 128];
  bool found = false, strangers = false;
  if (realpath(directory, wanted) == NULL) {
    printf("LIBRARY: there is no directory %s\n", directory);
    return false;
  }
  size_t length = strlen(wanted);
  FILE* maps = fopen("/proc/self/maps", "re");
  if (maps == NULL) {
    printf("LIBRARY: /proc/self/maps cannot be read\n");
    return false;
  }
  while (fgets(line, sizeof line, maps) != NULL) {
    const char* path = strchr(line, '/');
    if (path == NULL) continue;
    line[strcspn(line, "\n")] = '\0';
    if (!is_event_library(path)) continue;
    if (strncmp(path, wanted, length) == 0 && path[length] == '/') {
      found = true;
    } else if (!strangers) {
      strangers = true;
      printf("LIBRARY: %s is loaded, which is not under %s\n", path, wanted);
    }
  }
  fclose(maps);
  if (!found && !strangers) printf("LIBRARY: no event library is loaded at all\n");
  return found && !strangers;
}
