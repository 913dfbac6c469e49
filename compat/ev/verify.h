// ev_verify: whether a loop's data still agree with its watchers. Whatever does not is damage that
// the program did, so it ends the process, as libev does.
#pragma once

#include <ev.h>

#include "compat/ev/memory.h"

struct ev_loop;

namespace pollshim::ev {

void verify_watcher(const ev_loop& loop, const ev_watcher* watcher);
void verify_loop(const ev_loop& loop);

}  // namespace pollshim::ev
