/*
 * The SONAMEs of libevent, loaded and asked by hand. For the suites of many faces.
 */
#ifndef POLLSHIM_CONFORMANCE_SWAP_FACES_H
#define POLLSHIM_CONFORMANCE_SWAP_FACES_H

#include <dlfcn.h>
#include <stdlib.h>

#include "conformance/harness/harness.h"

static const char* const faces[] = {
    "libevent-2.1.so.7",         "libevent_core-2.1.so.7",
    "libevent_extra-2.1.so.7",   "libevent_pthreads-2.1.so.7",
#ifdef WITH_TLS
    "libevent_openssl-2.1.so.7",
#endif
};
enum { FACES = sizeof faces / sizeof faces[0] };

/* Whatever is linked must be in the process, or a test would compare a thing with itself. */
static inline void* handle_of(const char* soname, int mode) {
  void* handle = dlopen(soname, mode);
  if (handle == NULL) fail_msg("%s", dlerror());
  return handle;
}

static inline void* symbol(void* handle, const char* name) {
  void* found = dlsym(handle, name);
  if (found == NULL) fail_msg("%s", dlerror());
  return found;
}

static unsigned allocations;
static void* count_allocation(size_t size) {
  allocations++;
  return malloc(size);
}
static inline void* count_reallocation(void* memory, size_t size) {
  return realloc(memory, size);
}

#endif
