#include "compat/ev/once.h"

#include <cstddef>

#include "compat/ev/loop.h"
#include "compat/ev/memory.h"

namespace pollshim::ev {

struct Once {
  ev_io io;
  ev_timer timer;
  OnceCallback callback;
  void* argument;
  Once* next;
  Once** previous_next;
};

namespace {

template <class Part>
Once* once_of(Part* part, std::size_t offset) {
  return reinterpret_cast<Once*>(reinterpret_cast<char*>(part) - offset);
}

void finish(ev_loop& loop, Once* once, int events) {
  loop.onces.forget(once);
  const Once copy = *once;
  loop.ios.stop(loop, &once->io);
  Timers::stop(loop, &once->timer);
  release(once);
  copy.callback(events, copy.argument);
}

void on_io(ev_loop* loop, ev_io* io, int events) {
  Once* once = once_of(io, offsetof(Once, io));
  finish(*loop, once, events | loop->pending.withdraw(head_of(&once->timer)));
}

void on_timer(ev_loop* loop, ev_timer* timer, int events) {
  Once* once = once_of(timer, offsetof(Once, timer));
  finish(*loop, once, events | loop->pending.withdraw(head_of(&once->io)));
}

}  // namespace

Onces::~Onces() {
  while (Once* once = first_) {
    forget(once);
    release(once);
  }
}

void Onces::forget(Once* once) {
  *once->previous_next = once->next;
  if (once->next != nullptr) once->next->previous_next = once->previous_next;
}

void Onces::start(ev_loop& loop, int fd, int events, ev_tstamp timeout, OnceCallback callback,
                  void* argument) {
  const bool has_timeout = timeout >= 0.;
  if (fd < 0 && !has_timeout) return;  // nothing would ever happen
  auto* once = static_cast<Once*>(reallocate(nullptr, sizeof(Once)));
  if (once == nullptr) {
    callback(EV_ERROR, argument);
    return;
  }
  once->callback = callback;
  once->argument = argument;
  once->next = first_;
  once->previous_next = &first_;
  if (first_ != nullptr) first_->previous_next = &once->next;
  first_ = once;
  ev_init(&once->io, on_io);
  ev_init(&once->timer, on_timer);
  if (fd >= 0) {
    ev_io_set(&once->io, fd, events);
    loop.ios.start(loop, &once->io);
  }
  if (has_timeout) {
    ev_timer_set(&once->timer, timeout, 0.);
    Timers::start(loop, &once->timer);
  }
}

}  // namespace pollshim::ev
