#include "compat/event/bufferevent/services.h"

#include "compat/event/bufferevent/socket.h"
#include "compat/event/log.h"
#include "compat/event/memory.h"
#include "compat/event/own_io.h"

namespace pollshim::event {

namespace {

ssize_t take_from(evbuffer* buffer, std::size_t most, Buffer::Source source, void* self) {
  return buffer->take_from(most, source, self);
}

constexpr Services kServices = {
    .allocate_zeroed = allocate_zeroed,
    .release = release,
    .log_warning = log_warning,
    .acquire = acquire,
    .init_bufferevent = init_bufferevent,
    .enable_locking = enable_locking,
    .hold = hold,
    .let_go_and_unlock = let_go_and_unlock,
    .lock_and_hold_if_alive = lock_and_hold_if_alive,
    .leave_below = leave_below,
    .cancel_lookup = cancel_lookup,
    .trigger = trigger,
    .run_event_callback = run_event_callback,
    .suspend_read = suspend_read,
    .resume_read = resume_read,
    .add_with_timeout = add_with_timeout,
    .adjust_pending_timeouts = adjust_pending_timeouts,
    .init_timers = init_timers,
    .adjust_timers = adjust_timers,
    .restart_read_timer = restart_read_timer,
    .restart_write_timer = restart_write_timer,
    .prefer_edges = prefer_edges,
    .hold_io = hold_io,
    .release_io = release_io,
    .leave_ready = leave_ready,
    .call_again = call_again,
    .end_is_near = end_is_near,
    .add_presumed = add_presumed,
    .await_edge = await_edge,
    .take_from = take_from,
};

}  // namespace

}  // namespace pollshim::event

const pollshim::event::Services* pollshim_event_services_3() {
  return &pollshim::event::kServices;
}
