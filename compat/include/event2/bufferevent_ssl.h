/* Bufferevents that speak TLS, by OpenSSL. In the library event_openssl, the only one that needs
 * libssl. An SSL object given to one belongs to it if it has BEV_OPT_CLOSE_ON_FREE. */
#ifndef EVENT2_BUFFEREVENT_SSL_H_INCLUDED_
#define EVENT2_BUFFEREVENT_SSL_H_INCLUDED_

#include <event2/visibility.h>

#include <event2/bufferevent.h>
#include <event2/util.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ssl_st; /* OpenSSL's SSL */

/* How far the handshake is, or which part in it is ours. */
enum bufferevent_ssl_state {
  BUFFEREVENT_SSL_OPEN = 0,
  BUFFEREVENT_SSL_CONNECTING = 1,
  BUFFEREVENT_SSL_ACCEPTING = 2
};

#ifdef EVENT__HAVE_OPENSSL

/* TLS on a socket, or on another bufferevent of the same base. NULL on failure. */
EVENT2_EXPORT_SYMBOL
struct bufferevent* bufferevent_openssl_socket_new(struct event_base* base, evutil_socket_t fd,
                                                   struct ssl_st* ssl,
                                                   enum bufferevent_ssl_state state, int options);
EVENT2_EXPORT_SYMBOL
struct bufferevent* bufferevent_openssl_filter_new(struct event_base* base,
                                                   struct bufferevent* underlying,
                                                   struct ssl_st* ssl,
                                                   enum bufferevent_ssl_state state, int options);

/* The SSL object, still the bufferevent's; NULL if this is not TLS. */
EVENT2_EXPORT_SYMBOL
struct ssl_st* bufferevent_openssl_get_ssl(struct bufferevent* bufev);

/* Takes out one of the errors that OpenSSL reported, the last one first; 0 when there is none left.
 * At most three are kept. */
EVENT2_EXPORT_SYMBOL
unsigned long bufferevent_get_openssl_error(struct bufferevent* bev);

/* A peer that closes the connection without closing TLS first counts as an error, because the data
 * may be cut short; when this is set, as a mere end of file. */
EVENT2_EXPORT_SYMBOL
void bufferevent_openssl_set_allow_dirty_shutdown(struct bufferevent* bev,
                                                  int allow_dirty_shutdown);
EVENT2_EXPORT_SYMBOL
int bufferevent_openssl_get_allow_dirty_shutdown(struct bufferevent* bev);

/* Ask the peer for a new handshake, where the protocol still knows one. 0 or -1. */
EVENT2_EXPORT_SYMBOL
int bufferevent_ssl_renegotiate(struct bufferevent* bev);

#endif /* EVENT__HAVE_OPENSSL */

#ifdef __cplusplus
}
#endif

#endif /* EVENT2_BUFFEREVENT_SSL_H_INCLUDED_ */
