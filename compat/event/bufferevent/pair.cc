// Two bufferevents back to back: what one writes the other reads, by moving whole chunks as soon as
// the one may write and the other wants to read. They share a lock, and their callbacks always come
// from the loop, because each acts inside the calls of the other's user.
#include "compat/event/bufferevent/bufferevent.h"
#include "compat/event/memory.h"

namespace pollshim::event {

namespace {

struct PairedBufferEvent : BufferEvent {
  PairedBufferEvent* partner;  // nullptr as soon as nobody holds one of the two
  PairedBufferEvent* sibling;  // until one of the two is freed: shares the lock
};

PairedBufferEvent* as_paired(BufferEvent* bev) {
  return static_cast<PairedBufferEvent*>(bev);
}

// Lock and hold of both for the time of one call.
class PairGuard {
 public:
  explicit PairGuard(PairedBufferEvent* bev) : bev_(bev), partner_(bev->partner) {
    lock_and_hold(bev_);
    if (partner_ != nullptr) lock_and_hold(partner_);
  }
  ~PairGuard() {
    if (partner_ != nullptr) let_go_and_unlock(partner_);
    let_go_and_unlock(bev_);
  }
  PairGuard(const PairGuard&) = delete;
  PairGuard& operator=(const PairGuard&) = delete;

 private:
  static void lock_and_hold(BufferEvent* bev) {
    acquire(bev->lock);
    hold(bev);
  }
  PairedBufferEvent* bev_;
  PairedBufferEvent* partner_;
};

bool may_move(const BufferEvent* from, const BufferEvent* to) {
  return (from->enabled & EV_WRITE) != 0 && (to->enabled & EV_READ) != 0 &&
         to->read_suspended == 0 && from->output->chain.length() != 0;
}

// What stays below the high mark of the reader, or everything.
void move_bytes(BufferEvent* from, BufferEvent* to, bool ignore_mark) {
  const std::size_t mark = to->wm_read.high;
  const std::size_t held = to->input->chain.length();
  const bool is_full = mark != 0 && held >= mark;
  if (is_full && !ignore_mark) return;
  const std::size_t length = from->output->chain.length();
  const std::size_t most = mark == 0 || is_full ? length : mark - held;

  from->output->set_frozen(true, false);
  to->input->set_frozen(false, false);
  if (most >= length) {
    evbuffer_add_buffer(to->input, from->output);
  } else {
    evbuffer_remove_buffer(from->output, to->input, most);
  }
  // Also where there was room and no byte to fill it, as the original has it.
  if (most != 0) {
    restart_read_timer(to);
    if (from->output->chain.length() != 0) {
      restart_write_timer(from);
    } else {
      event_del(&from->ev_write);
    }
  }
  trigger(to, EV_READ);
  trigger(from, EV_WRITE);
  from->output->set_frozen(true, true);
  to->input->set_frozen(false, true);
}

void output_changed(BufferEvent* self, std::size_t added, std::size_t removed) {
  PairedBufferEvent* bev = as_paired(self);
  const PairGuard guard(bev);
  if (added > removed && bev->partner != nullptr && may_move(bev, bev->partner)) {
    move_bytes(bev, bev->partner, false);
  }
}

bool enable_paired(BufferEvent* self, short events) {
  PairedBufferEvent* bev = as_paired(self);
  const PairGuard guard(bev);
  if (events & EV_READ) restart_read_timer(bev);
  if ((events & EV_WRITE) != 0 && bev->output->chain.length() != 0) restart_write_timer(bev);
  if ((events & EV_READ) != 0 && bev->partner != nullptr && may_move(bev->partner, bev)) {
    move_bytes(bev->partner, bev, false);
  }
  if ((events & EV_WRITE) != 0 && bev->partner != nullptr && may_move(bev, bev->partner)) {
    move_bytes(bev, bev->partner, false);
  }
  return true;
}

bool disable_paired(BufferEvent* bev, short events) {
  if (events & EV_READ) event_del(&bev->ev_read);
  if (events & EV_WRITE) event_del(&bev->ev_write);
  return true;
}

int flush_paired(BufferEvent* self, short events, bufferevent_flush_mode mode) {
  PairedBufferEvent* bev = as_paired(self);
  if (bev->partner == nullptr) return -1;
  if (mode == BEV_NORMAL) return 0;
  const PairGuard guard(bev);
  PairedBufferEvent* partner = bev->partner;
  if (events & EV_READ) move_bytes(partner, bev, true);
  if (events & EV_WRITE) move_bytes(bev, partner, true);
  if (mode == BEV_FINISHED) {
    int what = BEV_EVENT_EOF;
    if (events & EV_READ) what |= BEV_EVENT_WRITING;
    if (events & EV_WRITE) what |= BEV_EVENT_READING;
    run_event_callback(partner, static_cast<short>(what));
  }
  return 0;
}

void unlink_paired(BufferEvent* self) {
  PairedBufferEvent* bev = as_paired(self);
  if (bev->partner == nullptr) return;
  bev->partner->partner = nullptr;
  bev->partner = nullptr;
}

// Whoever goes last takes the lock along.
void destroy_paired(BufferEvent* self) {
  PairedBufferEvent* bev = as_paired(self);
  if (bev->sibling == nullptr) return;
  if (bev->owns_lock && bev->sibling->lock == bev->lock) {
    bev->sibling->owns_lock = true;
    bev->owns_lock = false;
  }
  bev->sibling->sibling = nullptr;
  bev->sibling = nullptr;
}

PairedBufferEvent* make_paired(event_base* base, int options) {
  auto* bev = static_cast<PairedBufferEvent*>(allocate_zeroed(1, sizeof(PairedBufferEvent)));
  if (bev == nullptr) return nullptr;
  if (!init_bufferevent(bev, base, &pair_ops, options)) {
    release(bev);
    return nullptr;
  }
  init_timers(bev);
  bev->input->set_frozen(false, true);
  bev->output->set_frozen(true, true);
  return bev;
}

}  // namespace

constinit const bufferevent_ops pair_ops = {
    .name = "pair_elt",
    .enable = enable_paired,
    .disable = disable_paired,
    .read_on = nullptr,
    .adjust_timeouts = adjust_timers,
    .flush = flush_paired,
    .input_changed = nullptr,
    .output_changed = output_changed,
    .set_descriptor = nullptr,
    .get_descriptor = nullptr,
    .underlying = nullptr,
    .cancel = nullptr,
    .unlink = unlink_paired,
    .destroy = destroy_paired,
};

}  // namespace pollshim::event

using namespace pollshim::event;

extern "C" {

int bufferevent_pair_new(event_base* base, int options, bufferevent* pair[2]) {
  options |= BEV_OPT_DEFER_CALLBACKS;
  PairedBufferEvent* one = make_paired(base, options);
  if (one == nullptr) return -1;
  PairedBufferEvent* other = make_paired(base, options & ~BEV_OPT_THREADSAFE);
  if (other == nullptr) {
    bufferevent_free(one);
    return -1;
  }
  if (one->lock != nullptr) enable_locking(other, one->lock);
  one->partner = one->sibling = other;
  other->partner = other->sibling = one;
  pair[0] = one;
  pair[1] = other;
  return 0;
}

bufferevent* bufferevent_pair_get_partner(bufferevent* bev) {
  if (bev->be_ops != &pair_ops) return nullptr;
  const Guard guard(own(bev)->lock);
  return as_paired(own(bev))->partner;
}

}  // extern "C"
