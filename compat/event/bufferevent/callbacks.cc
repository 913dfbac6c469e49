// When the user's three callbacks run: at once, or from the loop, with the lock held or without.
// What waits for the loop is remembered by kind, so that many occasions make one call.
#include <cerrno>

#include "compat/event/bufferevent/bufferevent.h"
#include "compat/event/deferred.h"

namespace pollshim::event {

namespace {

// A callback can drain too little of an input that is over its high mark, where a kind has
// overshot it: reading rests, so nobody would ever call again. Therefore it is called again here;
// but a filter that does not read now would be called in vain, and calls when it does.
void call_again_if_full(BufferEvent* bev) {
  if (is_full(bev) && (bev->read_suspended & kReasonFilter) == 0) {
    trigger(bev, EV_READ, BEV_TRIG_DEFER_CALLBACKS);
  }
}

// Gives up the lock for the time of a callback, if the user wants that.
class MaybeUnlocked {
 public:
  explicit MaybeUnlocked(BufferEvent* bev)
      : lock_((bev->options & BEV_OPT_UNLOCK_CALLBACKS) != 0 ? bev->lock : nullptr) {
    give_up(lock_);
  }
  ~MaybeUnlocked() { acquire(lock_); }
  MaybeUnlocked(const MaybeUnlocked&) = delete;
  MaybeUnlocked& operator=(const MaybeUnlocked&) = delete;

 private:
  void* lock_;
};

void call_data_callback(BufferEvent* bev, bufferevent_data_cb callback) {
  void* const argument = bev->cbarg;
  const MaybeUnlocked unlocked(bev);
  callback(bev, argument);
}

void call_event_callback(BufferEvent* bev, short what) {
  const bufferevent_event_cb callback = bev->errorcb;
  void* const argument = bev->cbarg;
  const MaybeUnlocked unlocked(bev);
  callback(bev, what, argument);
}

// The hold that came with being scheduled ends here. Callbacks may be taken away by the ones
// before.
void run_deferred_callbacks(event_callback*, void* self) {
  auto* bev = static_cast<BufferEvent*>(self);
  acquire(bev->lock);
  // The connection was there before any byte.
  if ((bev->deferred_events & BEV_EVENT_CONNECTED) != 0 && bev->errorcb != nullptr) {
    bev->deferred_events = static_cast<short>(bev->deferred_events & ~BEV_EVENT_CONNECTED);
    call_event_callback(bev, BEV_EVENT_CONNECTED);
  }
  if (bev->read_deferred && bev->readcb != nullptr) {
    bev->read_deferred = false;
    call_data_callback(bev, bev->readcb);
    call_again_if_full(bev);
  }
  if (bev->write_deferred && bev->writecb != nullptr) {
    bev->write_deferred = false;
    call_data_callback(bev, bev->writecb);
  }
  if (bev->deferred_events != 0 && bev->errorcb != nullptr) {
    const short what = bev->deferred_events;
    errno = bev->deferred_errno;
    bev->deferred_events = 0;
    bev->deferred_errno = 0;
    call_event_callback(bev, what);
  }
  let_go_and_unlock(bev);
}

void schedule(BufferEvent* bev) {
  if (schedule_deferred(bev->ev_base, &bev->deferred)) hold(bev);
}

bool is_deferred(const BufferEvent* bev, int options) {
  return ((bev->options | options) & BEV_OPT_DEFER_CALLBACKS) != 0;
}

}  // namespace

void init_deferred_callbacks(BufferEvent* bev) {
  const int priority = event_base_get_npriorities(bev->ev_base) / 2;
  init_deferred(&bev->deferred, static_cast<std::uint8_t>(priority), run_deferred_callbacks, bev);
}

void run_read_callback(BufferEvent* bev, int options) {
  if (bev->readcb == nullptr) return;
  if (is_deferred(bev, options)) {
    bev->read_deferred = true;
    schedule(bev);
  } else {
    bev->readcb(bev, bev->cbarg);
    call_again_if_full(bev);
  }
}

void run_write_callback(BufferEvent* bev, int options) {
  if (bev->writecb == nullptr) return;
  if (is_deferred(bev, options)) {
    bev->write_deferred = true;
    schedule(bev);
  } else {
    bev->writecb(bev, bev->cbarg);
  }
}

void run_event_callback(BufferEvent* bev, short what, int options) {
  if (bev->errorcb == nullptr) return;
  if (is_deferred(bev, options)) {
    bev->deferred_events = static_cast<short>(bev->deferred_events | what);
    bev->deferred_errno = errno;
    schedule(bev);
  } else {
    bev->errorcb(bev, what, bev->cbarg);
  }
}

void trigger(BufferEvent* bev, short events, int options) {
  const bool always = (options & BEV_TRIG_IGNORE_WATERMARKS) != 0;
  if ((events & EV_READ) != 0 && (always || bev->input->chain.length() >= bev->wm_read.low)) {
    run_read_callback(bev, options);
  }
  if ((events & EV_WRITE) != 0 && (always || bev->output->chain.length() <= bev->wm_write.low)) {
    run_write_callback(bev, options);
  }
}

}  // namespace pollshim::event
