// What the engine behind libevent's names says of itself to the view.
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "compat/view/view.h"

extern "C" const char** event_get_supported_methods();

namespace pollshim::view {
namespace {

// EVENT_NOEPOLL for "epoll", and so on: a base made now would pass the method over.
bool excluded(const char* method) {
  char variable[64] = "EVENT_NO";
  size_t length = strlen(variable);
  for (; *method != '\0' && length < sizeof variable - 1; method++) {
    variable[length++] = static_cast<char>(toupper(static_cast<unsigned char>(*method)));
  }
  variable[length] = '\0';
  return secure_getenv(variable) != nullptr;
}

// The list is in the order of preference, and the same in every environment.
const char* first_backend() {
  const char** methods = event_get_supported_methods();
  while (methods != nullptr && *methods != nullptr && excluded(*methods))
    methods++;
  return methods != nullptr && *methods != nullptr ? *methods : "none";
}

}  // namespace

const Engine engine = {"libevent", "2.1.12-stable", first_backend};

}  // namespace pollshim::view
