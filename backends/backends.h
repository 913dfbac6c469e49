// The list of backends that this build has, in order of preference. Front ends choose from it by
// name or by trait; each entry lives in a file of its own beside this one.
#pragma once

#include <cstddef>

#include "core/backend.h"

namespace netpoll {

extern const BackendOps kEpollBackend;
extern const BackendOps kKqueueBackend;
extern const BackendOps kPollBackend;
extern const BackendOps kSelectBackend;
extern const BackendOps kStubBackend;

// Every backend of this build that watches descriptors, best first.
struct BackendList {
  const BackendOps* const* entries;
  std::size_t count;
};
BackendList available_backends();

// nullptr for a name that this build does not have ("stub" is found too).
const BackendOps* find_backend(const char* name);

}  // namespace netpoll
