/* The inside of struct bufferevent, for programs older than the functions of bufferevent.h. They
 * read the fields; the library alone writes them. */
#ifndef EVENT2_BUFFEREVENT_STRUCT_H_INCLUDED_
#define EVENT2_BUFFEREVENT_STRUCT_H_INCLUDED_

#include <event2/bufferevent.h>
#include <event2/event-config.h>
#include <event2/event_struct.h>
#include <event2/util.h>
#include <sys/time.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct bufferevent_ops; /* opaque */
struct evbuffer;
struct event_base;

struct event_watermark {
  size_t low;
  size_t high;
};

struct bufferevent {
  struct event_base* ev_base;
  const struct bufferevent_ops* be_ops; /* which kind it is */

  struct event ev_read; /* live events of the base, in those kinds that have a descriptor */
  struct event ev_write;

  struct evbuffer* input;
  struct evbuffer* output;
  struct event_watermark wm_read;
  struct event_watermark wm_write;

  bufferevent_data_cb readcb;
  bufferevent_data_cb writecb;
  bufferevent_event_cb errorcb; /* the event callback, by its first name */
  void* cbarg;

  struct timeval timeout_read;
  struct timeval timeout_write;

  short enabled; /* EV_READ, EV_WRITE */
};

#ifdef __cplusplus
}
#endif

#endif /* EVENT2_BUFFEREVENT_STRUCT_H_INCLUDED_ */
