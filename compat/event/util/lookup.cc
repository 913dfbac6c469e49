// Name lookup by the system's resolver, and what its errors mean.
#include <netdb.h>

#include "event2/util.h"

namespace {

// Marks a list that the library itself allocated. The resolver would refuse a flag that it does not
// know, and programs hand back hints that they got from us.
constexpr unsigned kAllocatedHere = 0x80000000u;

}  // namespace

extern "C" {

int evutil_getaddrinfo(const char* node, const char* service, const evutil_addrinfo* wanted,
                       evutil_addrinfo** result) {
  evutil_addrinfo hints{};
  if (wanted != nullptr) {
    hints = *wanted;
  } else {
    hints.ai_family = PF_UNSPEC;
  }
  hints.ai_flags = static_cast<int>(static_cast<unsigned>(hints.ai_flags) & ~kAllocatedHere);
  return ::getaddrinfo(node, service, &hints, result);
}

void evutil_freeaddrinfo(evutil_addrinfo* list) {
  if (list != nullptr) ::freeaddrinfo(list);
}

const char* evutil_gai_strerror(int error) {
  switch (error) {
    case EVUTIL_EAI_CANCEL:
      return "Request canceled";
    case 0:
      return "No error";
    case EVUTIL_EAI_ADDRFAMILY:
      return "address family for nodename not supported";
    case EVUTIL_EAI_AGAIN:
      return "temporary failure in name resolution";
    case EVUTIL_EAI_BADFLAGS:
      return "invalid value for ai_flags";
    case EVUTIL_EAI_FAIL:
      return "non-recoverable failure in name resolution";
    case EVUTIL_EAI_FAMILY:
      return "ai_family not supported";
    case EVUTIL_EAI_MEMORY:
      return "memory allocation failure";
    case EVUTIL_EAI_NODATA:
      return "no address associated with nodename";
    case EVUTIL_EAI_NONAME:
      return "nodename nor servname provided, or not known";
    case EVUTIL_EAI_SERVICE:
      return "servname not supported for ai_socktype";
    case EVUTIL_EAI_SOCKTYPE:
      return "ai_socktype not supported";
    case EVUTIL_EAI_SYSTEM:
      return "system error";
    default:
      return ::gai_strerror(error);
  }
}

}  // extern "C"
