#include "compat/ev/backend.h"

#include <unistd.h>

#include <cstdlib>

#include "backends/backends.h"

namespace pollshim::ev {

namespace {

constexpr Backend kBackends[] = {
    {EVBACKEND_KQUEUE, "kqueue", "(libev) kqueue kevent", 1e-9},
    {EVBACKEND_EPOLL, "epoll", "(libev) epoll_wait", 1e-3},
    {EVBACKEND_POLL, "poll", "(libev) poll", 1e-3},
    {EVBACKEND_SELECT, "select", "(libev) select", 1e-6},
};

// A program with more rights than its user does not listen to its user's environment.
bool has_borrowed_rights() {
  return ::getuid() != ::geteuid() || ::getgid() != ::getegid();
}

}  // namespace

BackendList known_backends() {
  return {kBackends, sizeof kBackends / sizeof kBackends[0]};
}

const netpoll::BackendOps* find_core_backend(const Backend& backend) {
  return netpoll::find_backend(backend.name);
}

unsigned supported_backends() {
  unsigned masks = 0;
  for (const Backend& backend : kBackends) {
    if (find_core_backend(backend) != nullptr) masks |= backend.mask;
  }
  return masks;
}

// libev recommends kqueue nowhere but on NetBSD, because of what it does with terminals and files.
unsigned recommended_backends() {
#if defined(__NetBSD__)
  return supported_backends();
#else
  return supported_backends() & ~unsigned{EVBACKEND_KQUEUE};
#endif
}

unsigned embeddable_backends() {
  return EVBACKEND_EPOLL | EVBACKEND_KQUEUE | EVBACKEND_PORT | EVBACKEND_IOURING;
}

unsigned effective_flags(unsigned flags) {
  if (!(flags & EVFLAG_NOENV) && !has_borrowed_rights()) {
    const char* const given = std::getenv("LIBEV_FLAGS");
    if (given != nullptr) flags = static_cast<unsigned>(std::strtol(given, nullptr, 10));
  }
  if (!(flags & EVBACKEND_MASK)) flags |= recommended_backends();
  return flags;
}

const char* syserr_message(unsigned mask) {
  for (const Backend& backend : kBackends) {
    if (backend.mask == mask) return backend.failed_wait;
  }
  return "(libev) system error";
}

}  // namespace pollshim::ev
