// Timeouts of bufferevents: as part of the events that watch a descriptor, or, where there is none,
// as two events that watch nothing but the time.
#include "compat/event/bufferevent/bufferevent.h"

namespace pollshim::event {

namespace {

void time_out(BufferEvent* bev, short direction, short what) {
  const BufferEventGuard guard(bev);
  disable(bev, direction);
  run_event_callback(bev, static_cast<short>(BEV_EVENT_TIMEOUT | what));
}

void read_timed_out(evutil_socket_t, short, void* self) {
  time_out(static_cast<BufferEvent*>(self), EV_READ, BEV_EVENT_READING);
}

void write_timed_out(evutil_socket_t, short, void* self) {
  time_out(static_cast<BufferEvent*>(self), EV_WRITE, BEV_EVENT_WRITING);
}

bool adjust_timer(Event* timer, bool runs, const timeval& timeout) {
  return (runs && is_set(timeout) ? event_add(timer, &timeout) : event_del(timer)) == 0;
}

bool adjust_pending(Event* ev, short direction, const timeval& timeout) {
  if (!event_pending(ev, direction, nullptr)) return true;
  if (is_set(timeout)) return event_add(ev, &timeout) == 0;
  event_remove_timer(ev);
  return true;
}

}  // namespace

int add_with_timeout(Event* ev, const timeval& timeout) {
  return event_add(ev, is_set(timeout) ? &timeout : nullptr);
}

void init_timers(BufferEvent* bev) {
  event_assign(&bev->ev_read, bev->ev_base, -1, EV_FINALIZE, read_timed_out, bev);
  event_assign(&bev->ev_write, bev->ev_base, -1, EV_FINALIZE, write_timed_out, bev);
}

bool adjust_timers(BufferEvent* bev) {
  const bool reads = (bev->enabled & EV_READ) != 0 && bev->read_suspended == 0;
  const bool writes = (bev->enabled & EV_WRITE) != 0 && bev->write_suspended == 0 &&
                      bev->output->chain.length() != 0;
  const bool read_done = adjust_timer(&bev->ev_read, reads, bev->timeout_read);
  return adjust_timer(&bev->ev_write, writes, bev->timeout_write) && read_done;
}

void restart_read_timer(BufferEvent* bev) {
  if (is_set(bev->timeout_read)) event_add(&bev->ev_read, &bev->timeout_read);
}

void restart_write_timer(BufferEvent* bev) {
  if (is_set(bev->timeout_write)) event_add(&bev->ev_write, &bev->timeout_write);
}

bool adjust_pending_timeouts(BufferEvent* bev) {
  const bool read_done = adjust_pending(&bev->ev_read, EV_READ, bev->timeout_read);
  return adjust_pending(&bev->ev_write, EV_WRITE, bev->timeout_write) && read_done;
}

}  // namespace pollshim::event
