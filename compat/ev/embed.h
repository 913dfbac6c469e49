// ev_embed: a loop inside a loop. The inner loop's kernel set is itself a descriptor, readable
// while the inner loop has events; changes that the inner loop has not passed on to it are passed
// on by a prepare watcher before the outer loop waits.
#pragma once

#include <ev.h>

namespace pollshim::ev {

void start_embed(ev_loop& loop, ev_embed* watcher);
void stop_embed(ev_loop& loop, ev_embed* watcher);
void sweep_embed(ev_embed* watcher);

}  // namespace pollshim::ev
