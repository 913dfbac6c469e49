// The 1.x functions, which work on one base that event_init() made, and the settings and answers
// that belong to the whole library.
#include "compat/event/base.h"
#include "compat/event/buffer/landing.h"
#include "compat/event/buffer/spare.h"
#include "compat/event/debug_mode.h"
#include "compat/event/log.h"
#include "compat/event/memory.h"
#include "event2/event_compat.h"

using namespace pollshim::event;

extern "C" {

event_base* event_init(void) {
  event_base* base = event_base_new_with_config(nullptr);
  if (base == nullptr) fatal(1, "event_init: Unable to construct event_base");
  current_base = base;
  return base;
}

int event_dispatch(void) {
  return event_loop(0);
}
int event_loop(int flags) {
  return event_base_loop(current_base, flags);
}
int event_loopexit(const timeval* delay) {
  return event_base_loopexit(current_base, delay);
}
int event_loopbreak(void) {
  return event_base_loopbreak(current_base);
}

int event_once(evutil_socket_t fd, short events, event_callback_fn callback, void* argument,
               const timeval* timeout) {
  return event_base_once(current_base, fd, events, callback, argument, timeout);
}

const char* event_get_method(void) {
  return event_base_get_method(current_base);
}
int event_priority_init(int count) {
  return event_base_priority_init(current_base, count);
}

void event_set(Event* ev, evutil_socket_t fd, short events, event_callback_fn callback,
               void* argument) {
  const int result = event_assign(ev, current_base, fd, events, callback, argument);
  EVENT_CHECK(result == 0);
}

const char* event_get_version(void) {
  return LIBEVENT_VERSION;
}
ev_uint32_t event_get_version_number(void) {
  return LIBEVENT_VERSION_NUMBER;
}

void event_set_mem_functions(void* (*allocate)(size_t), void* (*reallocate)(void*, size_t),
                             void (*release)(void*)) {
  set_memory_hooks({allocate, reallocate, release});
}

void libevent_global_shutdown(void) {
  release_landing();
  release_spares();
  disable_debug_mode();
  disable_lock_debugging();
}

}  // extern "C"
