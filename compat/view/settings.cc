// The view's settings: names and meanings of the POLLSHIM_* variables that concern it.
//
// Read on first use rather than by a constructor, because a program may make its loop in a
// constructor that runs before ours.
#include "compat/view/settings.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "compat/view/page.h"

namespace pollshim::view {
namespace {

Settings the_settings;
pthread_once_t read_once = PTHREAD_ONCE_INIT;

// An empty value or "0" is off, so that a wrapper script can switch a variable off without
// unsetting it.
const char* value_of(const char* name) {
  const char* value = secure_getenv(name);
  return value != nullptr && *value != '\0' && strcmp(value, "0") != 0 ? value : nullptr;
}

void read_environment() {
  the_settings.verbose = value_of("POLLSHIM_VERBOSE") != nullptr;
  if (const char* stats = value_of("POLLSHIM_STATS")) {
    the_settings.stats = true;
    the_settings.stats_file = strcmp(stats, "1") == 0 ? nullptr : stats;
  }
  if (const char* stall = value_of("POLLSHIM_STALL_MS")) {
    char* end;
    double milliseconds = strtod(stall, &end);
    if (*end == '\0' && milliseconds > 0 && milliseconds < 1e9) {
      the_settings.stall_ns = static_cast<uint64_t>(milliseconds * 1e6);
    }
  }
  if (const char* top = value_of("POLLSHIM_TOP"))
    the_settings.top = *top == '/' ? top : kPageDirectory;
}

}  // namespace

const Settings& settings() {
  pthread_once(&read_once, read_environment);
  return the_settings;
}

}  // namespace pollshim::view
