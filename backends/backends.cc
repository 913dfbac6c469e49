#include "backends/backends.h"

#include <cstring>

namespace netpoll {

namespace {

constexpr const BackendOps* kAvailable[] = {
#if defined(__linux__)
    &kEpollBackend,
#endif
#if defined(__APPLE__) || defined(__FreeBSD__) || defined(__NetBSD__) || defined(__OpenBSD__) || \
    defined(__DragonFly__)
    &kKqueueBackend,
#endif
    &kPollBackend,
    &kSelectBackend,
};

}  // namespace

BackendList available_backends() {
  return {kAvailable, sizeof kAvailable / sizeof kAvailable[0]};
}

const BackendOps* find_backend(const char* name) {
  for (const BackendOps* ops : kAvailable) {
    if (std::strcmp(ops->traits.name, name) == 0) return ops;
  }
  return std::strcmp(kStubBackend.traits.name, name) == 0 ? &kStubBackend : nullptr;
}

}  // namespace netpoll
