/* The HTTP server and client as libevent 1.x declared them: struct evhttp_request laid open, and
 * all of <event.h>. */
#ifndef EVENT1_EVHTTP_H_INCLUDED_
#define EVENT1_EVHTTP_H_INCLUDED_

#include <event.h>

#include <event2/http.h>
#include <event2/http_compat.h>
#include <event2/http_struct.h>

#endif /* EVENT1_EVHTTP_H_INCLUDED_ */
