// Which backend a loop runs on: the EVBACKEND_ bits, the flags that LIBEV_FLAGS may replace, and
// the core's backends behind them. Knows no loop.
#pragma once

#include <ev.h>

#include <cerrno>

#include "core/backend.h"

namespace pollshim::ev {

unsigned supported_backends();
unsigned recommended_backends();
unsigned embeddable_backends();

// The flags of the program, or those of LIBEV_FLAGS where that counts, with a backend among them.
unsigned effective_flags(unsigned flags);

struct Backend {
  unsigned mask;
  const char* name;         // in the core's list
  const char* failed_wait;  // what a syserr callback is told
  // A wait may end this much too soon by its backend's rounding, so shorter ones are not asked for.
  ev_tstamp shortest_wait;
};
struct BackendList {
  const Backend* entries;
  unsigned count;
};
BackendList known_backends();  // best first

const char* syserr_message(unsigned mask);

struct BackendChoice {
  unsigned mask;  // 0: none
  int error;
  ev_tstamp shortest_wait;
};

// Tries those of `flags`, best first, until `open` returns 0 for one.
const netpoll::BackendOps* find_core_backend(const Backend& backend);
template <class Open>
BackendChoice choose_backend(unsigned flags, Open&& open) {
  BackendChoice choice = {0, ENOSYS, 0.};
  // There is no io_uring behind this interface: such a loop runs on epoll and says so, which is
  // what libev itself does where the kernel lets it down.
  if (flags & EVBACKEND_IOURING) flags |= EVBACKEND_EPOLL;
  const BackendList list = known_backends();
  for (unsigned i = 0; i < list.count; ++i) {
    const Backend& backend = list.entries[i];
    if (!(flags & backend.mask)) continue;
    const netpoll::BackendOps* ops = find_core_backend(backend);
    if (ops == nullptr) continue;
    choice.error = open(*ops);
    if (choice.error == 0) return {backend.mask, 0, backend.shortest_wait};
  }
  return choice;
}

}  // namespace pollshim::ev
