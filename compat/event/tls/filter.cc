// TLS on another bufferevent, whose input holds what came in and whose output takes what goes out.
// It borrows the callbacks of the one underneath, which reads only while somebody up here wants
// bytes. Anything below may call back while OpenSSL is at work, or while a callback of the user's
// runs; such an occasion is remembered and taken when that is done.
#include "compat/event/tls/tls.h"
#include "compat/event/tls/wire.h"

namespace pollshim::event {

namespace {

void run(TlsBufferEvent* bev);

bool has_input(const TlsBufferEvent* bev) {
  return bev->underlying->input->chain.length() != 0 || has_pending(bev);
}

bool heard_goodbye(const TlsBufferEvent* bev) {
  return (SSL_get_shutdown(bev->ssl) & SSL_RECEIVED_SHUTDOWN) != 0;
}

// An end that was told before is found again without a byte from below.
bool may_find_something(const TlsBufferEvent* bev) {
  return has_input(bev) || bev->failed || heard_goodbye(bev);
}

void read_all(TlsBufferEvent* bev) {
  // The user's callback may drain what it is told of, which makes room for more: not in there, but
  // here.
  bev->reading = true;
  while (is_open(bev) &&
         (bev->read_wants_write || (wants_to_read(bev) && may_find_something(bev)))) {
    const ev_ssize_t most = how_much_to_read(bev);
    if (most <= 0 || read_some(bev, static_cast<std::size_t>(most)) != Reading::kMore) break;
  }
  bev->reading = false;
}

// What is underneath has ended. What it had brought before comes first, but only if somebody reads.
void report_end_below(TlsBufferEvent* bev) {
  const bool pending = is_open(bev) && !bev->read_over && has_input(bev) &&
                       ((bev->enabled & EV_READ) == 0 || bev->read_suspended != 0);
  const int what = bev->below_what;
  if (what == 0 || pending) return;
  bev->below_what = 0;
  // After a goodbye that is no news, even if somebody wants to hear the goodbye again.
  if ((bev->read_over || heard_goodbye(bev)) && (bev->failed || (what & BEV_EVENT_EOF) != 0))
    return;
  bev->read_over = bev->write_over = true;
  int told = what;
  if ((what & BEV_EVENT_EOF) != 0) {
    told = bev->allow_dirty_shutdown ? BEV_EVENT_EOF : BEV_EVENT_ERROR;
  }
  bev->failed = (told & BEV_EVENT_ERROR) != 0;
  watch_below(bev);
  bev->engine->run_event_callback(bev, static_cast<short>(told), 0);
}

// Takes its turn, now or when what is at work has ended.
void run(TlsBufferEvent* bev) {
  bev->again = true;
  if (bev->talking || bev->reading) return;
  while (bev->again) {
    bev->again = false;
    if (!is_open(bev) && !bev->read_over) continue_handshake(bev);
    if (is_open(bev)) {
      write_some(bev);
      read_all(bev);
      if (!bev->read_wants_write && !bev->write_wants_read && wants_to_write(bev)) write_some(bev);
    }
    watch_below(bev);
    report_end_below(bev);
  }
}

// ---- What happens below.

void below_is_ready(bufferevent*, void* self) {
  auto* bev = static_cast<TlsBufferEvent*>(self);
  const Services* engine = bev->engine;
  if (!engine->lock_and_hold_if_alive(bev)) return;
  run(bev);
  engine->let_go_and_unlock(bev);
}

void note_event_below(TlsBufferEvent* bev, short what) {
  if ((what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) != 0) {
    bev->below_what = static_cast<short>(bev->below_what | what);
  } else if ((what & BEV_EVENT_TIMEOUT) != 0) {
    // Not of our making.
    return bev->engine->run_event_callback(bev, what, 0);
  }
  run(bev);
}

void below_has_event(bufferevent*, short what, void* self) {
  auto* bev = static_cast<TlsBufferEvent*>(self);
  const Services* engine = bev->engine;
  if (!engine->lock_and_hold_if_alive(bev)) return;
  note_event_below(bev, what);
  engine->let_go_and_unlock(bev);
}

// ---- Operations.

void output_changed(BufferEvent* self, std::size_t added, std::size_t) {
  auto* bev = as_tls(self);
  if (added == 0 || !is_open(bev)) return;
  bev->write_over = false;
  const TlsGuard guard(bev);
  run(bev);
}

bool enable_filter(BufferEvent* self, short events) {
  auto* bev = as_tls(self);
  const TlsGuard guard(bev);
  if (events & EV_READ) bev->engine->restart_read_timer(bev);
  if (events & EV_WRITE) {
    bev->engine->restart_write_timer(bev);
    if (!bev->failed) bev->write_over = false;
  }
  run(bev);
  return true;
}

bool disable_filter(BufferEvent* self, short events) {
  auto* bev = as_tls(self);
  if (events & EV_WRITE) event_del(&bev->ev_write);
  if ((events & EV_READ) == 0) return true;
  event_del(&bev->ev_read);
  if (is_open(bev) && !bev->write_wants_read) {
    bev->engine->suspend_read(bev->underlying, kReasonFilter);
  }
  return true;
}

// An end of what is underneath was told as such and is not found again.
void read_on(BufferEvent* self) {
  forget_end(as_tls(self));
}

bool adjust_timeouts(BufferEvent* bev) {
  return as_tls(bev)->engine->adjust_timers(bev);
}

int flush_filter(BufferEvent*, short, bufferevent_flush_mode) {
  return 0;
}

BufferEvent* underlying(BufferEvent* bev) {
  return as_tls(bev)->underlying;
}

bool get_descriptor(BufferEvent* bev, evutil_socket_t* fd) {
  *fd = bufferevent_getfd(as_tls(bev)->underlying);
  return *fd >= 0;
}

bool set_wire(TlsBufferEvent* bev) {
  BIO* bio = make_filter_wire(bev);
  if (bio == nullptr) return false;
  if (bev->wire != nullptr) {
    detach_wire(bev->wire);
    BIO_free(bev->wire);
  }
  BIO_up_ref(bio);
  SSL_set_bio(bev->ssl, bio, bio);
  bev->wire = bio;
  return true;
}

void borrow_callbacks(TlsBufferEvent* bev) {
  bufferevent_setcb(bev->underlying, below_is_ready, below_is_ready, below_has_event, bev);
}

bool set_descriptor(BufferEvent* self, evutil_socket_t fd) {
  auto* bev = as_tls(self);
  const TlsGuard guard(bev);
  if (!set_wire(bev)) return false;
  if (!begin_session(bev, static_cast<bufferevent_ssl_state>(bev->first_state))) return false;
  borrow_callbacks(bev);
  if (fd < 0) return true;
  if (bufferevent_setfd(bev->underlying, fd) != 0) return false;
  run(bev);
  return !bev->failed;
}

void unlink_filter(BufferEvent* self) {
  auto* bev = as_tls(self);
  bev->engine->leave_below(bev, bev->underlying, below_has_event);
}

// The SSL object may be gone already if it is the user's.
void destroy_filter(BufferEvent* self) {
  auto* bev = as_tls(self);
  if (bev->wire != nullptr) detach_wire(bev->wire);
  if ((bev->options & BEV_OPT_CLOSE_ON_FREE) != 0 && bev->ssl != nullptr) SSL_free(bev->ssl);
  BIO_free(bev->wire);
}

}  // namespace

constinit const bufferevent_ops tls_filter_ops = {
    .name = "ssl",
    .enable = enable_filter,
    .disable = disable_filter,
    .read_on = read_on,
    .adjust_timeouts = adjust_timeouts,
    .flush = flush_filter,
    .input_changed = nullptr,
    .output_changed = output_changed,
    .set_descriptor = set_descriptor,
    .get_descriptor = get_descriptor,
    .underlying = underlying,
    .cancel = nullptr,
    .unlink = unlink_filter,
    .destroy = destroy_filter,
};

void watch_below(TlsBufferEvent* bev) {
  BufferEvent* below = bev->underlying;
  const bool suspended = (below->read_suspended & kReasonFilter) != 0;
  if (wants_to_read(bev) == !suspended) return;
  if (suspended) {
    bev->engine->resume_read(below, kReasonFilter);
  } else {
    bev->engine->suspend_read(below, kReasonFilter);
  }
}

int shake_filter(TlsBufferEvent* bev) {
  run(bev);
  return bev->failed ? -1 : 0;
}

bool start_filter(TlsBufferEvent* bev) {
  bev->engine->init_timers(bev);
  if (!set_wire(bev)) return false;
  if (!begin_session(bev, static_cast<bufferevent_ssl_state>(bev->first_state))) return false;
  borrow_callbacks(bev);
  bufferevent_setwatermark(bev->underlying, EV_READ, 0, 0);
  bufferevent_enable(bev->underlying, EV_READ | EV_WRITE);
  watch_below(bev);
  return true;
}

}  // namespace pollshim::event
