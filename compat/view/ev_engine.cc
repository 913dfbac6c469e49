// What libev's engine says of itself to the view.
#include "compat/view/view.h"

#include <stdlib.h>

extern "C" unsigned int ev_recommended_backends();

namespace pollshim::view {
namespace {

// Bits of ev.h, best last. LIBEV_FLAGS narrows the choice, as in ev_default_loop.
const char* first_backend() {
  unsigned offered = ev_recommended_backends();
  if (const char* flags = secure_getenv("LIBEV_FLAGS")) {
    unsigned wanted = static_cast<unsigned>(strtoul(flags, nullptr, 0)) & 0xffU;
    if (wanted != 0) offered = wanted;
  }
  static constexpr const char* names[] = {"select",  "poll", "epoll",    "kqueue",
                                          "devpoll", "port", "linuxaio", "io_uring"};
  for (unsigned bit = 8; bit-- > 0;) {
    if ((offered >> bit & 1U) != 0) return names[bit];
  }
  return "none";
}

}  // namespace

const Engine engine = {"libev", "4.33", first_backend};

}  // namespace pollshim::view
