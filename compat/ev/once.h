// ev_once: one descriptor event or timeout, whichever comes first, without a watcher of the
// program's.
#pragma once

#include <ev.h>

namespace pollshim::ev {

using OnceCallback = void (*)(int events, void* argument);

void start_once(ev_loop& loop, int fd, int events, ev_tstamp timeout, OnceCallback callback,
                void* argument);

}  // namespace pollshim::ev
