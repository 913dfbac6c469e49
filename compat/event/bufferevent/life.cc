// From the first allocation to the last: who holds a bufferevent, and how it comes apart once
// nobody does. It is freed by the loop, on a callback of its own, because callbacks of it may be
// running on the loop's thread while another thread lets go of it.
#include "compat/event/bufferevent/bufferevent.h"
#include "compat/event/deferred.h"
#include "compat/event/log.h"
#include "compat/event/memory.h"

namespace pollshim::event {

namespace {

void buffer_changed(Buffer& buffer, std::size_t added, std::size_t removed, void* self) {
  auto* bev = static_cast<BufferEvent*>(self);
  if (&buffer == bev->input) {
    if (bev->marks_input) check_input_mark(bev);
    if (bev->be_ops->input_changed != nullptr) bev->be_ops->input_changed(bev, added, removed);
  } else if (bev->be_ops->output_changed != nullptr) {
    bev->be_ops->output_changed(bev, added, removed);
  }
}

void hold_for_buffer(void* self) {
  hold(static_cast<BufferEvent*>(self));
}

void let_go_for_buffer(void* self) {
  let_go(static_cast<BufferEvent*>(self));
}

constexpr BufferOwner kOwnerOfBuffers = {buffer_changed, hold_for_buffer, let_go_for_buffer};

void free_buffer(evbuffer* buffer) {
  if (buffer == nullptr) return;
  buffer->set_owner(nullptr, nullptr);
  evbuffer_free(buffer);
}

void free_buffers(BufferEvent* bev) {
  free_buffer(bev->input);
  free_buffer(bev->output);
  bev->input = bev->output = nullptr;
}

// Runs in the loop when nothing else of the bufferevent can.
void finish(event_callback*, void* self) {
  auto* bev = static_cast<BufferEvent*>(self);
  void* const lock = bev->lock;
  acquire(lock);
  BufferEvent* underlying = underlying_of(bev);
  if (bev->be_ops->destroy != nullptr) bev->be_ops->destroy(bev);
  free_buffers(bev);
  if (bev->rate_limit != nullptr) bev->rate_limit->drop(bev);
  release(bev->peer_address);
  // A lock that was made for a filter and lent to what is underneath goes on there.
  const bool lent = bev->owns_lock && underlying != nullptr && underlying->lock == lock;
  if (lent) underlying->owns_lock = true;
  const bool owns_lock = bev->owns_lock && !lent;
  give_up(lock);
  if (owns_lock) free_lock(lock, EVTHREAD_LOCKTYPE_RECURSIVE);
  release(bev);
  // Not before, because the lock may be that of what was underneath.
  if (underlying != nullptr) let_go(underlying);
}

void take_apart(BufferEvent* bev) {
  if (bev->be_ops->unlink != nullptr) bev->be_ops->unlink(bev);
  event_callback* callbacks[4] = {&bev->ev_read.ev_evcallback, &bev->ev_write.ev_evcallback,
                                  &bev->deferred};
  int count = 3;
  if (bev->rate_limit != nullptr) {
    event_callback* refill = bev->rate_limit->refill_callback(bev);
    if (refill != nullptr) callbacks[count++] = refill;
  }
  finalize_callbacks(bev->ev_base, count, callbacks, finish);
}

}  // namespace

bool init_bufferevent(BufferEvent* bev, event_base* base, const bufferevent_ops* ops, int options) {
  if ((options & (BEV_OPT_DEFER_CALLBACKS | BEV_OPT_UNLOCK_CALLBACKS)) ==
      BEV_OPT_UNLOCK_CALLBACKS) {
    log_warning("UNLOCK_CALLBACKS requires DEFER_CALLBACKS");
    return false;
  }
  bev->ev_base = base;
  bev->be_ops = ops;
  bev->options = static_cast<std::uint16_t>(options);
  bev->holders = 1;
  bev->max_single_read = bev->max_single_write = kMostAtOnce;
  // So that bufferevent_write alone suffices; reading has to be asked for.
  bev->enabled = EV_WRITE;
  bev->input = evbuffer_new();
  bev->output = evbuffer_new();
  const bool complete = bev->input != nullptr && bev->output != nullptr &&
                        ((options & BEV_OPT_THREADSAFE) == 0 || enable_locking(bev, nullptr));
  if (!complete) {
    free_buffers(bev);
    return false;
  }
  init_deferred_callbacks(bev);
  bev->input->set_owner(&kOwnerOfBuffers, bev);
  bev->output->set_owner(&kOwnerOfBuffers, bev);
  return true;
}

bool enable_locking(BufferEvent* bev, void* lock) {
  if (bev->lock != nullptr) return false;
  BufferEvent* underlying = underlying_of(bev);
  if (lock == nullptr && underlying != nullptr) lock = underlying->lock;
  const bool is_new = lock == nullptr;
  if (is_new) lock = make_lock(EVTHREAD_LOCKTYPE_RECURSIVE);
  if (lock == nullptr) return false;
  bev->lock = lock;
  bev->owns_lock = is_new;
  bev->input->enable_locking(lock);
  bev->output->enable_locking(lock);
  if (underlying != nullptr && underlying->lock == nullptr) enable_locking(underlying, lock);
  return true;
}

bool let_go_and_unlock(BufferEvent* bev) {
  void* const lock = bev->lock;
  const bool last = --bev->holders == 0;
  if (last) take_apart(bev);
  give_up(lock);
  return last;
}

bool lock_and_hold_if_alive(BufferEvent* bev) {
  void* const lock = bev->lock;
  acquire(lock);
  if (bev->holders > 0) {
    hold(bev);
    return true;
  }
  give_up(lock);
  return false;
}

void leave_below(BufferEvent* bev, BufferEvent* below, bufferevent_event_cb borrowed) {
  if (bev->options & BEV_OPT_CLOSE_ON_FREE) {
    // Its own hold goes with the last memory; what goes here was the user's.
    if (below->holders < 2) {
      log_warning("BEV_OPT_CLOSE_ON_FREE set on an bufferevent with too few references");
    } else {
      bufferevent_free(below);
    }
    return;
  }
  if (below->errorcb == borrowed) bufferevent_setcb(below, nullptr, nullptr, nullptr, nullptr);
  resume_read(below, kReasonFilter);
}

void hold_unlocked(BufferEvent* bev) {
  const Guard guard(bev->lock);
  hold(bev);
}

bool let_go(BufferEvent* bev) {
  acquire(bev->lock);
  return let_go_and_unlock(bev);
}

}  // namespace pollshim::event
