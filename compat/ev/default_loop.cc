#include "compat/ev/default_loop.h"

#include "compat/ev/loop.h"

// A program that is not position-independent holds a copy of this object, and the loader makes that
// copy the only one: so it is reached by its name, like any other symbol that is exported.
extern "C" {
__attribute__((visibility("default"))) struct ev_loop* ev_default_loop_ptr = nullptr;
}

namespace pollshim::ev {

ev_loop* default_loop(unsigned flags) {
  if (ev_default_loop_ptr == nullptr) {
    ev_default_loop_ptr = ev_loop::make(flags);
    if (ev_default_loop_ptr != nullptr) {
      ev_default_loop_ptr->children.reap_always(*ev_default_loop_ptr);
    }
  }
  return ev_default_loop_ptr;
}

bool is_default_loop(const ev_loop* loop) {
  return loop == ev_default_loop_ptr;
}

void destroy_loop(ev_loop* loop) {
  if (loop == nullptr) return;
  const bool was_default = is_default_loop(loop);
  ev_loop::destroy(loop);
  if (was_default) ev_default_loop_ptr = nullptr;
}

}  // namespace pollshim::ev
