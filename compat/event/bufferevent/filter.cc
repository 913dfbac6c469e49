// A bufferevent whose bytes pass through two functions of its user on their way to and from another
// one, the underlying. It borrows the callbacks of the underlying, pulls input through when there
// is room above and output when there is room below, and reads from below only while it reads
// itself.
#include "compat/event/bufferevent/bufferevent.h"
#include "compat/event/memory.h"

namespace pollshim::event {

namespace {

struct FilterBufferEvent : BufferEvent {
  BufferEvent* underlying;
  bufferevent_filter_cb input_filter;
  bufferevent_filter_cb output_filter;
  void (*free_context)(void*);
  void* context;
  bool filtering_output;  // what is added to the output meanwhile is seen anyway
  bool awaits_room;       // bytes are left below because the input was full

  // The function is at work, and holds bytes that come before all others; and whether there was an
  // occasion for more meanwhile.
  bool in_input_filter;
  bool in_output_filter;
  bool input_again;
  bool output_again;
};

FilterBufferEvent* as_filter(BufferEvent* bev) {
  return static_cast<FilterBufferEvent*>(bev);
}

bufferevent_filter_result pass_on(evbuffer* source, evbuffer* destination, ev_ssize_t limit,
                                  bufferevent_flush_mode, void*) {
  const auto most = static_cast<std::size_t>(limit);
  return evbuffer_remove_buffer(source, destination, most) >= 0 ? BEV_OK : BEV_ERROR;
}

// The room below a high mark, or -1 where there is none or a flush ignores it.
ev_ssize_t room_below(const event_watermark& mark, const evbuffer* buffer,
                      bufferevent_flush_mode mode) {
  if (mode != BEV_NORMAL || mark.high == 0) return -1;
  const std::size_t length = buffer->chain.length();
  return length < mark.high ? static_cast<ev_ssize_t>(mark.high - length) : 0;
}

ev_ssize_t input_room(const FilterBufferEvent* bev, bufferevent_flush_mode mode) {
  return room_below(bev->wm_read, bev->input, mode);
}

ev_ssize_t output_room(const FilterBufferEvent* bev, bufferevent_flush_mode mode) {
  return room_below(bev->underlying->wm_write, bev->underlying->output, mode);
}

// True if the filter has done something.
bool filter_input(FilterBufferEvent* bev, bufferevent_flush_mode mode) {
  if (mode == BEV_NORMAL && ((bev->enabled & EV_READ) == 0 || input_room(bev, mode) == 0)) {
    return false;
  }
  // Bytes that are taken from below can make room for more there, which calls back from within.
  if (bev->in_input_filter) {
    bev->input_again = true;
    return false;
  }
  bool moved = false;
  bool again;
  bev->in_input_filter = true;
  do {
    bev->input_again = false;
    const bufferevent_filter_result result = bev->input_filter(
        bev->underlying->input, bev->input, input_room(bev, mode), mode, bev->context);
    if (result == BEV_OK) moved = true;
    again = result == BEV_OK || (result == BEV_NEED_MORE && bev->input_again);
  } while (again && (bev->enabled & EV_READ) != 0 && bev->underlying->input->chain.length() != 0 &&
           input_room(bev, mode) != 0);
  bev->in_input_filter = false;
  if (moved) restart_read_timer(bev);
  return moved;
}

bool has_more_output(const FilterBufferEvent* bev, bufferevent_flush_mode mode) {
  return (bev->enabled & EV_WRITE) != 0 && bev->output->chain.length() != 0 &&
         output_room(bev, mode) != 0;
}

// The same; calls the write callback whenever the filter has done something. Pre: held.
bool filter_output(FilterBufferEvent* bev, bufferevent_flush_mode mode) {
  if (mode == BEV_NORMAL && !has_more_output(bev, mode)) return false;
  // Bytes that are added below can bring about a call from there, while the function has more to
  // add: that call waits until it is done.
  if (bev->in_output_filter) {
    bev->output_again = true;
    return false;
  }
  bool moved = false;
  bool again;
  bev->filtering_output = true;
  do {
    bool moved_now = false;
    bufferevent_filter_result result;
    do {
      bev->in_output_filter = true;
      bev->output_again = false;
      result = bev->output_filter(bev->output, bev->underlying->output, output_room(bev, mode),
                                  mode, bev->context);
      bev->in_output_filter = false;
      if (result == BEV_OK) moved_now = true;
    } while ((result == BEV_OK || (result == BEV_NEED_MORE && bev->output_again)) &&
             has_more_output(bev, mode));
    if (moved_now) trigger(bev, EV_WRITE);
    again = moved_now && result == BEV_OK && has_more_output(bev, mode);
    moved = moved || moved_now;
  } while (again);
  bev->filtering_output = false;
  if (moved) restart_write_timer(bev);
  return moved;
}

// Pre: held.
void take_input(FilterBufferEvent* bev) {
  while (filter_input(bev, BEV_NORMAL)) {
    trigger(bev, EV_READ);
    if (bev->wm_read.high == 0 || bev->underlying->input->chain.length() == 0) return;
    // What the callback has made room for is not left to wait for more bytes from below.
    bev->awaits_room = input_room(bev, BEV_NORMAL) == 0;
    if (bev->awaits_room) return;
  }
}

// ---- What happens below.

void below_has_read(bufferevent*, void* self) {
  auto* bev = static_cast<FilterBufferEvent*>(self);
  if (!lock_and_hold_if_alive(bev)) return;
  take_input(bev);
  let_go_and_unlock(bev);
}

void below_has_written(bufferevent*, void* self) {
  auto* bev = static_cast<FilterBufferEvent*>(self);
  if (!lock_and_hold_if_alive(bev)) return;
  filter_output(bev, BEV_NORMAL);
  let_go_and_unlock(bev);
}

void below_has_event(bufferevent*, short what, void* self) {
  auto* bev = static_cast<FilterBufferEvent*>(self);
  if (!lock_and_hold_if_alive(bev)) return;
  run_event_callback(bev, what);
  let_go_and_unlock(bev);
}

// ---- Operations.

void input_changed(BufferEvent* self, std::size_t, std::size_t) {
  FilterBufferEvent* bev = as_filter(self);
  if (!bev->awaits_room || input_room(bev, BEV_NORMAL) == 0) return;
  bev->awaits_room = false;
  const BufferEventGuard guard(self);
  if (bev->underlying->input->chain.length() != 0) take_input(bev);
}

void output_changed(BufferEvent* self, std::size_t added, std::size_t) {
  FilterBufferEvent* bev = as_filter(self);
  if (added == 0 || bev->filtering_output) return;
  const BufferEventGuard guard(self);
  filter_output(bev, BEV_NORMAL);
}

bool enable_filter(BufferEvent* bev, short events) {
  if (events & EV_WRITE) restart_write_timer(bev);
  if (events & EV_READ) {
    restart_read_timer(bev);
    resume_read(as_filter(bev)->underlying, kReasonFilter);
  }
  return true;
}

bool disable_filter(BufferEvent* bev, short events) {
  if (events & EV_WRITE) event_del(&bev->ev_write);
  if (events & EV_READ) {
    event_del(&bev->ev_read);
    suspend_read(as_filter(bev)->underlying, kReasonFilter);
  }
  return true;
}

int flush_filter(BufferEvent* self, short events, bufferevent_flush_mode mode) {
  FilterBufferEvent* bev = as_filter(self);
  const BufferEventGuard guard(self);
  bool moved = false;
  if (events & EV_READ) moved = filter_input(bev, mode);
  if (events & EV_WRITE) moved = filter_output(bev, mode) || moved;
  bufferevent_flush(bev->underlying, events, mode);
  return moved ? 1 : 0;
}

bool set_descriptor(BufferEvent* bev, evutil_socket_t fd) {
  return bufferevent_setfd(as_filter(bev)->underlying, fd) == 0;
}

bool get_descriptor(BufferEvent* bev, evutil_socket_t* fd) {
  *fd = bufferevent_getfd(as_filter(bev)->underlying);
  return *fd >= 0;
}

BufferEvent* underlying(BufferEvent* bev) {
  return as_filter(bev)->underlying;
}

void unlink_filter(BufferEvent* bev) {
  leave_below(bev, as_filter(bev)->underlying, below_has_event);
}

void destroy_filter(BufferEvent* self) {
  FilterBufferEvent* bev = as_filter(self);
  if (bev->free_context != nullptr) bev->free_context(bev->context);
}

}  // namespace

constinit const bufferevent_ops filter_ops = {
    .name = "filter",
    .enable = enable_filter,
    .disable = disable_filter,
    .read_on = nullptr,
    .adjust_timeouts = adjust_timers,
    .flush = flush_filter,
    .input_changed = input_changed,
    .output_changed = output_changed,
    .set_descriptor = set_descriptor,
    .get_descriptor = get_descriptor,
    .underlying = underlying,
    .cancel = nullptr,
    .unlink = unlink_filter,
    .destroy = destroy_filter,
};

}  // namespace pollshim::event

using namespace pollshim::event;

extern "C" bufferevent* bufferevent_filter_new(bufferevent* below,
                                               bufferevent_filter_cb input_filter,
                                               bufferevent_filter_cb output_filter, int options,
                                               void (*free_context)(void*), void* ctx) {
  if (below == nullptr) return nullptr;
  auto* bev = static_cast<FilterBufferEvent*>(allocate_zeroed(1, sizeof(FilterBufferEvent)));
  if (bev == nullptr) return nullptr;
  // The lock is that of what is underneath, which has to be known by then.
  if (!init_bufferevent(bev, below->ev_base, &filter_ops, options & ~BEV_OPT_THREADSAFE)) {
    release(bev);
    return nullptr;
  }
  bev->underlying = own(below);
  if (options & BEV_OPT_THREADSAFE) enable_locking(bev, nullptr);
  bev->input_filter = input_filter != nullptr ? input_filter : pass_on;
  bev->output_filter = output_filter != nullptr ? output_filter : pass_on;
  bev->free_context = free_context;
  bev->context = ctx;
  bufferevent_setcb(below, below_has_read, below_has_written, below_has_event, bev);
  init_timers(bev);
  hold_unlocked(own(below));
  bufferevent_enable(below, EV_READ | EV_WRITE);
  const Guard guard(own(below)->lock);
  suspend_read(own(below), kReasonFilter);
  return bev;
}
