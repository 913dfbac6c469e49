// Whether a bufferevent reads and writes: what its user has enabled, less what suspends it. The
// kind is told only when the outcome changes, or may have.
#include "compat/event/bufferevent/bufferevent.h"

namespace pollshim::event {

namespace {

void suspend(BufferEvent* bev, std::uint16_t* reasons, Reason why, short direction) {
  if (*reasons == 0) bev->be_ops->disable(bev, direction);
  *reasons = static_cast<std::uint16_t>(*reasons | why);
}

void resume(BufferEvent* bev, std::uint16_t* reasons, Reason why, short direction) {
  *reasons = static_cast<std::uint16_t>(*reasons & ~why);
  if (*reasons == 0 && (bev->enabled & direction) != 0) bev->be_ops->enable(bev, direction);
}

}  // namespace

void suspend_read(BufferEvent* bev, Reason why) {
  suspend(bev, &bev->read_suspended, why, EV_READ);
}

void resume_read(BufferEvent* bev, Reason why) {
  const bool was_held_off = (bev->read_suspended & why) != 0;
  resume(bev, &bev->read_suspended, why, EV_READ);
  // No byte will come that could call the filter.
  if (why == kReasonFilter && was_held_off && is_full(bev)) {
    trigger(bev, EV_READ, BEV_TRIG_DEFER_CALLBACKS);
  }
}

void suspend_write(BufferEvent* bev, Reason why) {
  suspend(bev, &bev->write_suspended, why, EV_WRITE);
}

void resume_write(BufferEvent* bev, Reason why) {
  resume(bev, &bev->write_suspended, why, EV_WRITE);
}

bool enable(BufferEvent* bev, short events) {
  if ((events & EV_READ) != 0 && bev->be_ops->read_on != nullptr) bev->be_ops->read_on(bev);
  int possible = events;
  if (bev->read_suspended != 0) possible &= ~EV_READ;
  if (bev->write_suspended != 0) possible &= ~EV_WRITE;
  bev->enabled = static_cast<short>(bev->enabled | events);
  return possible == 0 || bev->be_ops->enable(bev, static_cast<short>(possible));
}

bool disable(BufferEvent* bev, short events) {
  bev->enabled = static_cast<short>(bev->enabled & ~events);
  return bev->be_ops->disable(bev, events);
}

bool disable_hard(BufferEvent* bev, short events) {
  bev->connecting = false;
  return disable(bev, events);
}

bool is_full(const BufferEvent* bev) {
  return bev->wm_read.high != 0 && (bev->enabled & EV_READ) != 0 &&
         bev->input->chain.length() >= bev->wm_read.high;
}

void check_input_mark(BufferEvent* bev) {
  if (bev->wm_read.high != 0 && bev->input->chain.length() >= bev->wm_read.high) {
    suspend_read(bev, kReasonWatermark);
  } else {
    resume_read(bev, kReasonWatermark);
  }
}

}  // namespace pollshim::event
