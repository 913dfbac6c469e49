/* A listener: accepts every connection that comes to a socket, and hands each over. */
#ifndef EVENT2_LISTENER_H_INCLUDED_
#define EVENT2_LISTENER_H_INCLUDED_

#include <event2/visibility.h>

#include <event2/event.h>

#ifdef __cplusplus
extern "C" {
#endif

struct evconnlistener; /* opaque */
struct sockaddr;

#define LEV_OPT_LEAVE_SOCKETS_BLOCKING (1u << 0) /* accepted sockets block */
#define LEV_OPT_CLOSE_ON_FREE (1u << 1)          /* close the socket with the listener */
#define LEV_OPT_CLOSE_ON_EXEC (1u << 2)          /* accepted sockets, and our own, end at exec */
#define LEV_OPT_REUSEABLE (1u << 3)              /* SO_REUSEADDR */
#define LEV_OPT_THREADSAFE (1u << 4)             /* have a lock */
#define LEV_OPT_DISABLED (1u << 5)               /* wait for evconnlistener_enable */
#define LEV_OPT_DEFERRED_ACCEPT (1u << 6) /* only with data: evconnlistener_new_bind, if at all */
#define LEV_OPT_REUSEABLE_PORT (1u << 7)  /* SO_REUSEPORT */
#define LEV_OPT_BIND_IPV6ONLY (1u << 8)   /* IPV6_V6ONLY */

/* fd is the callback's to close; addr is good for the duration of the call. */
typedef void (*evconnlistener_cb)(struct evconnlistener* listener, evutil_socket_t fd,
                                  struct sockaddr* addr, int socklen, void* user_arg);

/* accept failed in a way that trying again will not mend; errno says how. */
typedef void (*evconnlistener_errorcb)(struct evconnlistener* listener, void* user_arg);

/* On a bound, non-blocking socket of the caller's, or on one made for an address. backlog goes to
 * listen(): -1 is a sensible default, and 0 on a socket of the caller's says that it listens
 * already. Without a callback it stays disabled. NULL on failure. */
EVENT2_EXPORT_SYMBOL
struct evconnlistener* evconnlistener_new(struct event_base* base, evconnlistener_cb callback,
                                          void* arg, unsigned flags, int backlog,
                                          evutil_socket_t socket);
EVENT2_EXPORT_SYMBOL
struct evconnlistener* evconnlistener_new_bind(struct event_base* base, evconnlistener_cb callback,
                                               void* arg, unsigned flags, int backlog,
                                               const struct sockaddr* address, int length);

/* May be called from its own callback. */
EVENT2_EXPORT_SYMBOL
void evconnlistener_free(struct evconnlistener* listener);

/* Connections queue up in the kernel meanwhile. 0 or -1. */
EVENT2_EXPORT_SYMBOL
int evconnlistener_disable(struct evconnlistener* listener);
EVENT2_EXPORT_SYMBOL
int evconnlistener_enable(struct evconnlistener* listener);

EVENT2_EXPORT_SYMBOL
void evconnlistener_set_cb(struct evconnlistener* listener, evconnlistener_cb callback, void* arg);
EVENT2_EXPORT_SYMBOL
void evconnlistener_set_error_cb(struct evconnlistener* listener, evconnlistener_errorcb callback);

EVENT2_EXPORT_SYMBOL
struct event_base* evconnlistener_get_base(struct evconnlistener* listener);
EVENT2_EXPORT_SYMBOL
evutil_socket_t evconnlistener_get_fd(struct evconnlistener* listener);

#ifdef __cplusplus
}
#endif

#endif /* EVENT2_LISTENER_H_INCLUDED_ */
