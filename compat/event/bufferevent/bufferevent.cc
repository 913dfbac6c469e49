// The C functions that all kinds of bufferevents share. Each takes the lock, asks the rooms beside
// this one or the kind's operations, and converts the answer.
#include "compat/event/bufferevent/bufferevent.h"
#include "compat/event/bufferevent/socket.h"
#include "compat/event/deferred.h"
#include "event2/bufferevent_compat.h"

using namespace pollshim::event;

namespace {

constexpr int kTriggerOptions = BEV_TRIG_IGNORE_WATERMARKS | BEV_TRIG_DEFER_CALLBACKS;

int result_of(bool done) {
  return done ? 0 : -1;
}

}  // namespace

extern "C" {

// ---- Life and locking.

bufferevent* bufferevent_new(evutil_socket_t fd, bufferevent_data_cb readcb,
                             bufferevent_data_cb writecb, bufferevent_event_cb errorcb,
                             void* cbarg) {
  bufferevent* bev = bufferevent_socket_new(nullptr, fd, 0);
  if (bev != nullptr) bufferevent_setcb(bev, readcb, writecb, errorcb, cbarg);
  return bev;
}

void bufferevent_free(bufferevent* bufev) {
  BufferEvent* bev = own(bufev);
  acquire(bev->lock);
  bufferevent_setcb(bev, nullptr, nullptr, nullptr, nullptr);
  if (bev->be_ops->cancel != nullptr) bev->be_ops->cancel(bev);
  let_go_and_unlock(bev);
}

void bufferevent_incref(bufferevent* bufev) {
  hold_unlocked(own(bufev));
}

int bufferevent_decref(bufferevent* bufev) {
  return let_go(own(bufev)) ? 1 : 0;
}

void bufferevent_lock(bufferevent* bufev) {
  acquire(own(bufev)->lock);
  hold(own(bufev));
}

void bufferevent_unlock(bufferevent* bufev) {
  let_go_and_unlock(own(bufev));
}

// ---- What it is made of.

event_base* bufferevent_get_base(bufferevent* bev) {
  return bev->ev_base;
}

int bufferevent_base_set(event_base* base, bufferevent* bufev) {
  const Guard guard(own(bufev)->lock);
  return result_of(bufev->be_ops == &socket_ops && move_socket(own(bufev), base));
}

int bufferevent_priority_set(bufferevent* bufev, int pri) {
  BufferEvent* bev = own(bufev);
  const Guard guard(bev->lock);
  if (bev->be_ops == &pair_ops || bev->be_ops == &filter_ops) return -1;
  if (event_priority_set(&bev->ev_read, pri) != 0) return -1;
  if (event_priority_set(&bev->ev_write, pri) != 0) return -1;
  set_deferred_priority(&bev->deferred, static_cast<std::uint8_t>(pri));
  return 0;
}

int bufferevent_get_priority(const bufferevent* bufev) {
  return event_initialized(&bufev->ev_read) ? event_get_priority(&bufev->ev_read)
                                            : event_base_get_npriorities(bufev->ev_base) / 2;
}

int bufferevent_setfd(bufferevent* bufev, evutil_socket_t fd) {
  const Guard guard(own(bufev)->lock);
  const auto set = bufev->be_ops->set_descriptor;
  return result_of(set != nullptr && set(own(bufev), fd));
}

evutil_socket_t bufferevent_getfd(bufferevent* bufev) {
  const Guard guard(own(bufev)->lock);
  const auto get = bufev->be_ops->get_descriptor;
  evutil_socket_t fd = -1;
  return get != nullptr && get(own(bufev), &fd) ? fd : -1;
}

bufferevent* bufferevent_get_underlying(bufferevent* bufev) {
  const Guard guard(own(bufev)->lock);
  return underlying_of(own(bufev));
}

evbuffer* bufferevent_get_input(bufferevent* bev) {
  return bev->input;
}

evbuffer* bufferevent_get_output(bufferevent* bev) {
  return bev->output;
}

// ---- Callbacks.

void bufferevent_setcb(bufferevent* bufev, bufferevent_data_cb readcb, bufferevent_data_cb writecb,
                       bufferevent_event_cb eventcb, void* cbarg) {
  const Guard guard(own(bufev)->lock);
  bufev->readcb = readcb;
  bufev->writecb = writecb;
  bufev->errorcb = eventcb;
  bufev->cbarg = cbarg;
}

void bufferevent_getcb(bufferevent* bufev, bufferevent_data_cb* readcb_ptr,
                       bufferevent_data_cb* writecb_ptr, bufferevent_event_cb* eventcb_ptr,
                       void** cbarg_ptr) {
  const Guard guard(own(bufev)->lock);
  if (readcb_ptr != nullptr) *readcb_ptr = bufev->readcb;
  if (writecb_ptr != nullptr) *writecb_ptr = bufev->writecb;
  if (eventcb_ptr != nullptr) *eventcb_ptr = bufev->errorcb;
  if (cbarg_ptr != nullptr) *cbarg_ptr = bufev->cbarg;
}

void bufferevent_trigger(bufferevent* bufev, short iotype, int options) {
  const BufferEventGuard guard(bufev);
  trigger(own(bufev), iotype, options & kTriggerOptions);
}

void bufferevent_trigger_event(bufferevent* bufev, short what, int options) {
  const BufferEventGuard guard(bufev);
  run_event_callback(own(bufev), what, options & kTriggerOptions);
}

// ---- Bytes.

int bufferevent_write(bufferevent* bufev, const void* data, size_t size) {
  return evbuffer_add(bufev->output, data, size);
}

int bufferevent_write_buffer(bufferevent* bufev, evbuffer* buf) {
  return evbuffer_add_buffer(bufev->output, buf);
}

size_t bufferevent_read(bufferevent* bufev, void* data, size_t size) {
  return static_cast<size_t>(evbuffer_remove(bufev->input, data, size));
}

int bufferevent_read_buffer(bufferevent* bufev, evbuffer* buf) {
  return evbuffer_add_buffer(buf, bufev->input);
}

int bufferevent_flush(bufferevent* bufev, short iotype, bufferevent_flush_mode mode) {
  const BufferEventGuard guard(bufev);
  const auto flush = bufev->be_ops->flush;
  return flush != nullptr ? flush(own(bufev), iotype, mode) : -1;
}

// ---- What it does, and when.

int bufferevent_enable(bufferevent* bufev, short event) {
  const BufferEventGuard guard(bufev);
  return result_of(enable(own(bufev), event));
}

int bufferevent_disable(bufferevent* bufev, short event) {
  const Guard guard(own(bufev)->lock);
  return result_of(disable(own(bufev), event));
}

short bufferevent_get_enabled(bufferevent* bufev) {
  const Guard guard(own(bufev)->lock);
  return bufev->enabled;
}

int bufferevent_set_timeouts(bufferevent* bufev, const timeval* timeout_read,
                             const timeval* timeout_write) {
  const Guard guard(own(bufev)->lock);
  bufev->timeout_read = timeout_read != nullptr ? *timeout_read : timeval{};
  bufev->timeout_write = timeout_write != nullptr ? *timeout_write : timeval{};
  const auto adjust = bufev->be_ops->adjust_timeouts;
  return result_of(adjust == nullptr || adjust(own(bufev)));
}

void bufferevent_settimeout(bufferevent* bufev, int timeout_read, int timeout_write) {
  const timeval read = {timeout_read, 0};
  const timeval write = {timeout_write, 0};
  bufferevent_set_timeouts(bufev, &read, &write);
}

void bufferevent_setwatermark(bufferevent* bufev, short events, size_t lowmark, size_t highmark) {
  BufferEvent* bev = own(bufev);
  const Guard guard(bev->lock);
  if (events & EV_WRITE) bev->wm_write = {lowmark, highmark};
  if (events & EV_READ) {
    bev->wm_read = {lowmark, highmark};
    bev->marks_input = highmark != 0;
    check_input_mark(bev);
  }
}

int bufferevent_getwatermark(bufferevent* bufev, short events, size_t* lowmark, size_t* highmark) {
  if (events != EV_READ && events != EV_WRITE) return -1;
  const Guard guard(own(bufev)->lock);
  const event_watermark& marks = events == EV_WRITE ? bufev->wm_write : bufev->wm_read;
  if (lowmark != nullptr) *lowmark = marks.low;
  if (highmark != nullptr) *highmark = marks.high;
  return 0;
}

}  // extern "C"
