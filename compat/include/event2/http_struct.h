/* The inside of struct evhttp_request, for programs that read its fields. */
#ifndef EVENT2_HTTP_STRUCT_H_INCLUDED_
#define EVENT2_HTTP_STRUCT_H_INCLUDED_

#include <event2/event-config.h>
#include <event2/http.h>
#include <event2/util.h>
#include <sys/time.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bits of evhttp_request.flags. */
#define EVHTTP_REQ_OWN_CONNECTION 0x0001 /* the connection is freed with it */
#define EVHTTP_PROXY_REQUEST 0x0002      /* it came to us as a proxy */
#define EVHTTP_USER_OWNED 0x0004         /* see evhttp_request_own */
#define EVHTTP_REQ_DEFER_FREE 0x0008 /* not to be freed now: somebody up the stack uses it … */
#define EVHTTP_REQ_NEEDS_FREE 0x0010 /* … and will free it */

struct evhttp_request {
  struct {
    struct evhttp_request* tqe_next;
    struct evhttp_request** tqe_prev;
  } next; /* among the requests of the connection */

  struct evhttp_connection* evcon;
  int flags;

  struct evkeyvalq* input_headers;
  struct evkeyvalq* output_headers;

  char* remote_host;
  ev_uint16_t remote_port;
  char* host_cache; /* what evhttp_request_get_host returned */

  enum evhttp_request_kind kind;
  enum evhttp_cmd_type type;

  size_t headers_size;
  size_t body_size;

  char* uri;
  struct evhttp_uri* uri_elems;

  char major; /* of the HTTP version */
  char minor;

  int response_code;
  char* response_code_line; /* the reason phrase */

  struct evbuffer* input_buffer;
  ev_int64_t ntoread; /* what is still missing of the body or chunk; negative if not known */
  unsigned chunked : 1, userdone : 1;

  struct evbuffer* output_buffer;

  void (*cb)(struct evhttp_request*, void*);
  void* cb_arg;
  void (*chunk_cb)(struct evhttp_request*, void*);
  int (*header_cb)(struct evhttp_request*, void*);
  void (*error_cb)(enum evhttp_request_error, void*);
  void (*on_complete_cb)(struct evhttp_request*, void*);
  void* on_complete_cb_arg;
};

#ifdef __cplusplus
}
#endif

#endif /* EVENT2_HTTP_STRUCT_H_INCLUDED_ */
