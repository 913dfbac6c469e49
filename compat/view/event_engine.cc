// What the engine behind libevent's names says of itself to the view.
#include "compat/view/view.h"

extern "C" const char** event_get_supported_methods();

namespace pollshim::view {
namespace {

// The list is in the order of preference and heeds the EVENT_NO… variables.
const char* first_backend() {
  const char** methods = event_get_supported_methods();
  return methods != nullptr && methods[0] != nullptr ? methods[0] : "none";
}

}  // namespace

const Engine engine = {"libevent", "2.1.12-stable", first_backend};

}  // namespace pollshim::view
