// The C functions of event2/bufferevent_ssl.h.
#include "compat/event/tls/tls.h"

using namespace pollshim::event;

namespace {

bool is_tls(const bufferevent* bev) {
  return bev->be_ops == &tls_socket_ops || bev->be_ops == &tls_filter_ops;
}

bufferevent* refuse(SSL* ssl, int options) {
  if ((options & BEV_OPT_CLOSE_ON_FREE) != 0) SSL_free(ssl);
  return nullptr;
}

// Everything but what makes the form. Without a lock: that may have to be the one underneath.
TlsBufferEvent* make(event_base* base, const bufferevent_ops* ops, SSL* ssl,
                     bufferevent_ssl_state state, int options) {
  const Services* engine = pollshim_event_services_3();
  auto* bev = static_cast<TlsBufferEvent*>(engine->allocate_zeroed(1, sizeof(TlsBufferEvent)));
  if (bev == nullptr) return nullptr;
  bev->engine = engine;
  if (!engine->init_bufferevent(bev, base, ops, options & ~BEV_OPT_THREADSAFE)) {
    engine->release(bev);
    return nullptr;
  }
  bev->ssl = ssl;
  bev->first_state = static_cast<std::uint8_t>(state);
  bev->state = bev->first_state;
  // The output may move between two attempts to write the same record.
  SSL_set_mode(ssl, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  return bev;
}

bool is_state(bufferevent_ssl_state state) {
  return state == BUFFEREVENT_SSL_OPEN || state == BUFFEREVENT_SSL_CONNECTING ||
         state == BUFFEREVENT_SSL_ACCEPTING;
}

// Frees what could not begin, but no descriptor: its owner has not given it away yet.
bufferevent* give_up_on(TlsBufferEvent* bev, SSL* ssl, int options) {
  bev->options = static_cast<std::uint16_t>(bev->options & ~BEV_OPT_CLOSE_ON_FREE);
  bufferevent_free(bev);
  return refuse(ssl, options);
}

}  // namespace

extern "C" {

bufferevent* bufferevent_openssl_socket_new(event_base* base, evutil_socket_t fd, SSL* ssl,
                                            bufferevent_ssl_state state, int options) {
  if (ssl == nullptr) return nullptr;
  BIO* bio = SSL_get_wbio(ssl);
  const auto known = bio != nullptr ? static_cast<evutil_socket_t>(BIO_get_fd(bio, nullptr)) : -1;
  if (known >= 0 && fd >= 0 && known != fd) return refuse(ssl, options);
  if (known >= 0) fd = known;
  if (!is_state(state)) return refuse(ssl, options);
  TlsBufferEvent* bev = make(base, &tls_socket_ops, ssl, state, options);
  if (bev == nullptr) return refuse(ssl, options);
  if ((options & BEV_OPT_THREADSAFE) != 0) bev->engine->enable_locking(bev, nullptr);
  const TlsGuard guard(bev);
  if (!start_socket(bev, fd)) return give_up_on(bev, ssl, options);
  return bev;
}

bufferevent* bufferevent_openssl_filter_new(event_base* base, bufferevent* underlying, SSL* ssl,
                                            bufferevent_ssl_state state, int options) {
  if (ssl == nullptr) return nullptr;
  if (underlying == nullptr || !is_state(state)) return refuse(ssl, options);
  TlsBufferEvent* bev = make(base, &tls_filter_ops, ssl, state, options);
  if (bev == nullptr) return refuse(ssl, options);
  bufferevent_incref(underlying);
  bev->underlying = own(underlying);
  if ((options & BEV_OPT_THREADSAFE) != 0) bev->engine->enable_locking(bev, nullptr);
  const TlsGuard guard(bev);
  if (!start_filter(bev)) return give_up_on(bev, ssl, options);
  return bev;
}

SSL* bufferevent_openssl_get_ssl(bufferevent* bufev) {
  return is_tls(bufev) ? as_tls(bufev)->ssl : nullptr;
}

int bufferevent_openssl_get_allow_dirty_shutdown(bufferevent* bev) {
  if (!is_tls(bev)) return -1;
  const TlsGuard guard(as_tls(bev));
  return as_tls(bev)->allow_dirty_shutdown ? 1 : 0;
}

void bufferevent_openssl_set_allow_dirty_shutdown(bufferevent* bev, int allow_dirty_shutdown) {
  if (!is_tls(bev)) return;
  const TlsGuard guard(as_tls(bev));
  as_tls(bev)->allow_dirty_shutdown = allow_dirty_shutdown != 0;
}

unsigned long bufferevent_get_openssl_error(bufferevent* bufev) {
  if (!is_tls(bufev)) return 0;
  auto* bev = as_tls(bufev);
  const TlsGuard guard(bev);
  return bev->error_count != 0 ? bev->errors[--bev->error_count] : 0;
}

// 1 if that was all there was to it: a server has asked its client, or the protocol knows no such
// thing.
int bufferevent_ssl_renegotiate(bufferevent* bufev) {
  if (!is_tls(bufev)) return -1;
  auto* bev = as_tls(bufev);
  const TlsGuard guard(bev);
  if (SSL_renegotiate(bev->ssl) < 0) return -1;
  bev->state = BUFFEREVENT_SSL_CONNECTING;
  return bev->underlying == nullptr ? shake_socket(bev) : shake_filter(bev);
}

}  // extern "C"
