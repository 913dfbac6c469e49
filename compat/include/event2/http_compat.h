/* HTTP by its libevent 1.x names, on the current base (event_compat.h). */
#ifndef EVENT2_HTTP_COMPAT_H_INCLUDED_
#define EVENT2_HTTP_COMPAT_H_INCLUDED_

#include <event2/util.h>
#include <event2/visibility.h>
#include <sys/time.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct event_base;
struct evhttp;
struct evhttp_connection;

#define evhttp_request_uri evhttp_request_get_uri

/* evhttp_new and evhttp_bind_socket in one. */
EVENT2_EXPORT_SYMBOL
struct evhttp* evhttp_start(const char* address, ev_uint16_t port);

EVENT2_EXPORT_SYMBOL
struct evhttp_connection* evhttp_connection_new(const char* address, ev_uint16_t port);

/* Only while the connection is new and unused. */
EVENT2_EXPORT_SYMBOL
void evhttp_connection_set_base(struct evhttp_connection* evcon, struct event_base* base);

#ifdef __cplusplus
}
#endif

#endif /* EVENT2_HTTP_COMPAT_H_INCLUDED_ */
