// The default loop: the one that everybody may ask for, and that reaps children whether or not
// anybody watches them. Owns the pointer that the macros of ev.h read.
#pragma once

#include <ev.h>

namespace pollshim::ev {

// Made by the first call; nullptr when that is not possible.
ev_loop* default_loop(unsigned flags);
bool is_default_loop(const ev_loop* loop);

// Any loop, the default one too, which may then be made again.
void destroy_loop(ev_loop* loop);

}  // namespace pollshim::ev
