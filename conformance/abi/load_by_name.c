/* load_by_name LIBRARY...: loads each library for itself alone, asks it for its version, and says
 * from which files that took its code. Run by link_gate.py. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

static int ask(const char* library) {
  const char* (*version)(void);
  Dl_info place;
  void* handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
  if (handle == NULL) {
    printf("%s\n", dlerror());
    return 1;
  }
  *(void**)&version = dlsym(handle, "event_get_version");
  if (version == NULL || dladdr(*(void**)&version, &place) == 0) {
    printf("%s has no event_get_version\n", library);
    return 1;
  }
  printf("%s %s\n", strrchr(place.dli_fname, '/') + 1, version());
  return 0;
}

int main(int argc, char** argv) {
  int failed = 0;
  for (int i = 1; i < argc; ++i)
    failed |= ask(argv[i]);
  return failed;
}
