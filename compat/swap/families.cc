// SONAMEs and the place of our libraries. See families.h.
#include "compat/swap/families.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

namespace pollshim::swap {
namespace {

bool starts_with(const char* text, const char* start) {
  return strncmp(text, start, strlen(start)) == 0;
}

bool has_libraries(const char* directory) {
  for (const Replaceable& each : kReplaceable) {
    if (access(format("%s/%s", directory, each.soname), R_OK) == 0) return true;
  }
  return false;
}

const char* directory_of_command() {
  char path[PATH_MAX];
  ssize_t length = readlink("/proc/self/exe", path, sizeof path);
  if (length <= 0 || static_cast<size_t>(length) == sizeof path) return nullptr;
  return directory_of(copy_text({path, static_cast<size_t>(length)}));
}

const char* find_our_directory() {
  const char* wanted = getenv("POLLSHIM_LIBRARIES");
  if (wanted != nullptr && *wanted != '\0') {
    if (has_libraries(wanted)) return real_path(wanted);
    fprintf(stderr, "pollshim: no library of ours in POLLSHIM_LIBRARIES=%s\n", wanted);
    return nullptr;
  }
  if (const char* here = directory_of_command()) {
    const char* beside = format("%s/../lib/pollshim", here);
    if (has_libraries(beside)) return real_path(beside);
  }
  if (has_libraries(POLLSHIM_INSTALLED_LIBRARIES)) return POLLSHIM_INSTALLED_LIBRARIES;
  fprintf(stderr,
          "pollshim: our libraries are neither beside this command nor in %s "
          "(POLLSHIM_LIBRARIES=DIRECTORY says where they are)\n",
          POLLSHIM_INSTALLED_LIBRARIES);
  return nullptr;
}

}  // namespace

const Replaceable* replaceable(const char* soname) {
  for (const Replaceable& each : kReplaceable) {
    if (same(each.soname, soname)) return &each;
  }
  return nullptr;
}

// libevent_core-2.0.so.5, libevent-2.2.so.1, libevent-1.4.so.2, libevent.so.7 (other systems'
// naming), libev.so.3. libevent_glib.so and other libraries with such a start are somebody else's.
bool is_other_series(const char* soname) {
  if (replaceable(soname) != nullptr) return false;
  if (starts_with(soname, "libev.so.")) return true;
  static constexpr const char* stems[] = {"libevent",         "libevent_core",
                                          "libevent_extra",   "libevent_openssl",
                                          "libevent_mbedtls", "libevent_pthreads"};
  for (const char* stem : stems) {
    if (!starts_with(soname, stem)) continue;
    const char* rest = soname + strlen(stem);
    if (starts_with(rest, ".so") || (*rest == '-' && isdigit(static_cast<unsigned char>(rest[1]))))
      return true;
  }
  return false;
}

Family family_of_symbol(const char* name) {
  if (starts_with(name, "ev_")) return Family::kLibev;
  static constexpr const char* starts[] = {
      "event_", "evbuffer_", "bufferevent_", "evhttp_",         "evutil_",   "evdns_",  "evrpc_",
      "evtag_", "evthread_", "evmap_",       "evconnlistener_", "libevent_", "evkeyval"};
  for (const char* start : starts) {
    if (starts_with(name, start)) return Family::kLibevent;
  }
  return Family::kNone;
}

const char* our_directory() {
  static const char* directory = nullptr;
  static bool looked = false;
  if (!looked) directory = find_our_directory();
  looked = true;
  return directory;
}

const char* our_library(const char* soname) {
  const char* directory = our_directory();
  if (directory == nullptr) return nullptr;
  const char* path = format("%s/%s", directory, soname);
  return access(path, R_OK) == 0 ? path : nullptr;
}

}  // namespace pollshim::swap
