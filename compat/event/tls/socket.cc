// TLS on a descriptor. As the plain kind it rides on edges: registered once, output tried before
// anybody waits for room, and what was not read remembered instead of asked for again. What OpenSSL
// has taken from the descriptor and not yet delivered counts as not read.
#include <openssl/bio.h>
#include <unistd.h>

#include "compat/event/tls/tls.h"
#include "compat/event/tls/wire.h"

namespace pollshim::event {

namespace {

void time_out(TlsBufferEvent* bev, int direction) {
  // Nobody stops: the timeout runs anew.
  const int what = is_open(bev) ? BEV_EVENT_TIMEOUT | direction : BEV_EVENT_TIMEOUT;
  bev->engine->run_event_callback(bev, static_cast<short>(what), 0);
}

// ev_write is pending from here on, and waits for an edge.
void wait_for_room(TlsBufferEvent* bev) {
  Event* ev = &bev->ev_write;
  if (!event_pending(ev, EV_WRITE, nullptr)) bev->engine->add_with_timeout(ev, bev->timeout_write);
  bev->engine->await_edge(ev);
}

int shake_hands(TlsBufferEvent* bev) {
  const int result = continue_handshake(bev);
  if (result == 0 && bev->handshake_writes) wait_for_room(bev);
  return result;
}

void read_once(TlsBufferEvent* bev) {
  const ev_ssize_t most = wants_to_read(bev) || bev->read_wants_write ? how_much_to_read(bev) : 0;
  if (most <= 0) {
    bev->engine->leave_ready(bev->ev_read.ev_base, bev->ev_read.ev_fd, EV_READ);
    return;
  }
  read_some(bev, static_cast<std::size_t>(most));
  if (bev->read_wants_write) wait_for_room(bev);
}

void write_once(TlsBufferEvent* bev) {
  switch (write_some(bev)) {
    case Writing::kBlocked:
      if (!bev->write_wants_read) wait_for_room(bev);
      break;
    case Writing::kMore:
      if (event_pending(&bev->ev_write, EV_WRITE, nullptr) &&
          bev->engine->await_edge(&bev->ev_write) == 0) {
        bev->engine->leave_ready(bev->ev_write.ev_base, bev->ev_write.ev_fd, EV_WRITE);
      }
      break;
    case Writing::kAll:
      break;
  }
}

void read_ready(evutil_socket_t, short events, void* self) {
  auto* bev = static_cast<TlsBufferEvent*>(self);
  const TlsGuard guard(bev);
  if (events == EV_TIMEOUT) return time_out(bev, BEV_EVENT_READING);
  if (!is_open(bev)) {
    shake_hands(bev);
  } else {
    if (bev->write_wants_read) write_once(bev);
    if (is_open(bev) && !bev->write_wants_read) read_once(bev);
  }
  watch_socket(bev);
}

void write_ready(evutil_socket_t, short events, void* self) {
  auto* bev = static_cast<TlsBufferEvent*>(self);
  const TlsGuard guard(bev);
  if (events == EV_TIMEOUT) return time_out(bev, BEV_EVENT_WRITING);
  bev->connecting = false;
  if (!is_open(bev)) {
    shake_hands(bev);
  } else {
    if (bev->read_wants_write) read_once(bev);
    if (is_open(bev) && !bev->read_wants_write) write_once(bev);
  }
  watch_socket(bev);
}

// ---- Waiting.

bool start_writing(TlsBufferEvent* bev) {
  Event* ev = &bev->ev_write;
  // Whether there is room for a handshake, or for what a reader has to send, only the kernel knows.
  const bool presumed = is_open(bev) && !bev->read_wants_write;
  if (!presumed) return bev->engine->add_with_timeout(ev, bev->timeout_write) == 0;
  const timeval& timeout = bev->timeout_write;
  return bev->engine->add_presumed(ev, is_set(timeout) ? &timeout : nullptr) == 0;
}

// `anew`: timeouts start over. False if an event can not be added.
bool watch_events(TlsBufferEvent* bev, short anew) {
  if (bev->ev_read.ev_fd < 0) return true;
  bool done = true;
  const bool reads = event_pending(&bev->ev_read, EV_READ, nullptr) != 0;
  if (!wants_to_read(bev)) {
    if (reads) event_del(&bev->ev_read);
  } else if (!reads || (anew & EV_READ) != 0) {
    done = bev->engine->add_with_timeout(&bev->ev_read, bev->timeout_read) == 0;
    if (done && !reads && is_open(bev) && has_pending(bev)) bev->engine->call_again(&bev->ev_read);
  }
  const bool writes = event_pending(&bev->ev_write, EV_WRITE, nullptr) != 0;
  if (!wants_to_write(bev)) {
    if (writes) event_del(&bev->ev_write);
  } else if (!writes) {
    done = start_writing(bev) && done;
  } else if ((anew & EV_WRITE) != 0) {
    done = bev->engine->add_with_timeout(&bev->ev_write, bev->timeout_write) == 0 && done;
  }
  return done;
}

void output_changed(BufferEvent* self, std::size_t added, std::size_t) {
  auto* bev = as_tls(self);
  if (added == 0 || !is_open(bev)) return;
  bev->write_over = false;
  if (!event_pending(&bev->ev_write, EV_WRITE, nullptr)) watch_socket(bev);
}

bool enable_socket(BufferEvent* self, short events) {
  auto* bev = as_tls(self);
  if ((events & EV_WRITE) != 0 && !bev->failed) bev->write_over = false;
  return watch_events(bev, events);
}

// The reason for it may be noted only after this. A direction that needs the other is not disabled
// by it.
bool disable_socket(BufferEvent* self, short events) {
  auto* bev = as_tls(self);
  if (!is_open(bev)) return watch_events(bev, 0);
  const bool done =
      (events & EV_READ) == 0 || bev->write_wants_read || event_del(&bev->ev_read) == 0;
  if ((events & EV_WRITE) == 0 || bev->read_wants_write) return done;
  return event_del(&bev->ev_write) == 0 && done;
}

// No edge tells of an end once more. After a goodbye only what the kernel knows of counts: the peer
// may still listen, and who speaks to it and enables reading now and then has heard the goodbye.
void read_on(BufferEvent* self) {
  auto* bev = as_tls(self);
  if (!forget_end(bev)) return;
  const Event& ev = bev->ev_read;
  if (bev->failed || bev->engine->end_is_near(ev.ev_base, ev.ev_fd)) {
    bev->engine->leave_ready(ev.ev_base, ev.ev_fd, EV_READ);
  }
}

int flush_socket(BufferEvent*, short, bufferevent_flush_mode) {
  return 0;
}

// ---- The descriptor.

void take_descriptor(TlsBufferEvent* bev, evutil_socket_t fd) {
  constexpr short kAlways = EV_PERSIST | EV_FINALIZE;
  event_assign(&bev->ev_read, bev->ev_base, fd, EV_READ | kAlways, read_ready, bev);
  event_assign(&bev->ev_write, bev->ev_base, fd, EV_WRITE | kAlways, write_ready, bev);
  bev->engine->prefer_edges(&bev->ev_read);
  bev->engine->prefer_edges(&bev->ev_write);
  if (fd >= 0) bev->engine->hold_io(bev->ev_read.ev_base, fd);
}

void leave_descriptor(TlsBufferEvent* bev, bool closing) {
  event_del(&bev->ev_read);
  event_del(&bev->ev_write);
  const evutil_socket_t fd = bev->ev_read.ev_fd;
  if (fd >= 0) bev->engine->release_io(bev->ev_read.ev_base, fd, closing);
}

// Datagrams and the kernel's own TLS need what only OpenSSL's BIO can do.
bool needs_plain_wire(SSL* ssl) {
  return SSL_is_dtls(ssl) != 0 || (SSL_get_options(ssl) & SSL_OP_ENABLE_KTLS) != 0;
}

void drop_wire(TlsBufferEvent* bev) {
  if (bev->wire == nullptr) return;
  detach_wire(bev->wire);
  BIO_free(bev->wire);
  bev->wire = nullptr;
}

bool set_wire(TlsBufferEvent* bev, evutil_socket_t fd) {
  if (needs_plain_wire(bev->ssl)) {
    BIO* bio = BIO_new_socket(fd, BIO_NOCLOSE);
    if (bio == nullptr) return false;
    drop_wire(bev);
    SSL_set_bio(bev->ssl, bio, bio);
    return true;
  }
  BIO* bio = make_socket_wire(bev, fd);
  if (bio == nullptr) return false;
  drop_wire(bev);
  BIO_up_ref(bio);
  SSL_set_bio(bev->ssl, bio, bio);
  bev->wire = bio;
  // A header and its record in one read.
  SSL_set_read_ahead(bev->ssl, 1);
  return true;
}

bool set_socket(BufferEvent* self, evutil_socket_t fd) {
  auto* bev = as_tls(self);
  leave_descriptor(bev, false);
  const bool done =
      set_wire(bev, fd) && begin_session(bev, static_cast<bufferevent_ssl_state>(bev->first_state));
  take_descriptor(bev, fd);
  if (!done) return false;
  return watch_events(bev, 0);
}

bool get_socket(BufferEvent* bev, evutil_socket_t* fd) {
  *fd = bev->ev_read.ev_fd;
  return true;
}

void cancel(BufferEvent* bev) {
  as_tls(bev)->engine->cancel_lookup(bev);
}

bool adjust_timeouts(BufferEvent* bev) {
  return as_tls(bev)->engine->adjust_pending_timeouts(bev);
}

void unlink_socket(BufferEvent* bev) {
  leave_descriptor(as_tls(bev), (bev->options & BEV_OPT_CLOSE_ON_FREE) != 0);
}

// The SSL object may be gone already if it is the user's.
void destroy_socket(BufferEvent* self) {
  auto* bev = as_tls(self);
  if ((bev->options & BEV_OPT_CLOSE_ON_FREE) != 0 && bev->ssl != nullptr) {
    BIO* bio = SSL_get_wbio(bev->ssl);
    const auto fd = bio != nullptr ? static_cast<evutil_socket_t>(BIO_get_fd(bio, nullptr)) : -1;
    if (fd >= 0) close(fd);
    SSL_free(bev->ssl);
  }
  drop_wire(bev);
}

}  // namespace

constinit const bufferevent_ops tls_socket_ops = {
    .name = "ssl",
    .enable = enable_socket,
    .disable = disable_socket,
    .read_on = read_on,
    .adjust_timeouts = adjust_timeouts,
    .flush = flush_socket,
    .input_changed = nullptr,
    .output_changed = output_changed,
    .set_descriptor = set_socket,
    .get_descriptor = get_socket,
    .underlying = nullptr,
    .cancel = cancel,
    .unlink = unlink_socket,
    .destroy = destroy_socket,
};

int shake_socket(TlsBufferEvent* bev) {
  const int result = shake_hands(bev);
  watch_socket(bev);
  return result;
}

void watch_socket(TlsBufferEvent* bev) {
  watch_events(bev, 0);
}

bool start_socket(TlsBufferEvent* bev, evutil_socket_t fd) {
  take_descriptor(bev, -1);
  // An SSL object that has a descriptor already keeps its BIO.
  BIO* bio = SSL_get_wbio(bev->ssl);
  const bool has_descriptor = bio != nullptr && BIO_get_fd(bio, nullptr) >= 0;
  if (has_descriptor) {
    BIO_set_close(bio, BIO_NOCLOSE);
  } else if (fd >= 0 && !set_wire(bev, fd)) {
    return false;
  }
  if (!begin_session(bev, static_cast<bufferevent_ssl_state>(bev->first_state))) return false;
  take_descriptor(bev, fd);
  // A descriptor that can not be watched is told of when it is enabled.
  watch_socket(bev);
  return true;
}

}  // namespace pollshim::event
