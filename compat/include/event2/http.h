/* HTTP: a server whose requests arrive at callbacks by path, a client that sends requests over kept
 * connections, and the parts both need, headers, URIs, escaping, which work without either.
 * A struct evhttp_request is the whole exchange: on a server the input side is what was asked and
 * the output side the reply, on a client the reverse. Functions returning int answer 0 or -1,
 * unless they say otherwise; strings returned as char* are the caller's to free, const ones are
 * not. */
#ifndef EVENT2_HTTP_H_INCLUDED_
#define EVENT2_HTTP_H_INCLUDED_

#include <event2/visibility.h>

#include <event2/util.h>

#ifdef __cplusplus
extern "C" {
#endif

struct bufferevent;
struct evbuffer;
struct evconnlistener;
struct evdns_base;
struct event_base;
struct evhttp;              /* a server, or a virtual host of one: opaque */
struct evhttp_bound_socket; /* a socket that a server listens on: opaque */
struct evhttp_connection;   /* one connection, of a server or a client: opaque */
struct evhttp_request;      /* laid open in http_struct.h */
struct evhttp_uri;          /* the parts of a URI: opaque */
struct evkeyvalq;           /* headers or parameters, laid open in keyvalq_struct.h */

/* ---- The vocabulary. */

/* Some status codes. */
#define HTTP_OK 200
#define HTTP_NOCONTENT 204
#define HTTP_MOVEPERM 301
#define HTTP_MOVETEMP 302
#define HTTP_NOTMODIFIED 304
#define HTTP_BADREQUEST 400
#define HTTP_NOTFOUND 404
#define HTTP_BADMETHOD 405
#define HTTP_ENTITYTOOLARGE 413
#define HTTP_EXPECTATIONFAILED 417
#define HTTP_INTERNAL 500
#define HTTP_NOTIMPLEMENTED 501
#define HTTP_SERVUNAVAIL 503

/* Methods, as bits. */
enum evhttp_cmd_type {
  EVHTTP_REQ_GET = 1 << 0,
  EVHTTP_REQ_POST = 1 << 1,
  EVHTTP_REQ_HEAD = 1 << 2,
  EVHTTP_REQ_PUT = 1 << 3,
  EVHTTP_REQ_DELETE = 1 << 4,
  EVHTTP_REQ_OPTIONS = 1 << 5,
  EVHTTP_REQ_TRACE = 1 << 6,
  EVHTTP_REQ_CONNECT = 1 << 7,
  EVHTTP_REQ_PATCH = 1 << 8
};

enum evhttp_request_kind { EVHTTP_REQUEST, EVHTTP_RESPONSE };

/* Why a request came to nothing. */
enum evhttp_request_error {
  EVREQ_HTTP_TIMEOUT,
  EVREQ_HTTP_EOF,
  EVREQ_HTTP_INVALID_HEADER,
  EVREQ_HTTP_BUFFER_ERROR, /* reading or writing failed */
  EVREQ_HTTP_REQUEST_CANCEL,
  EVREQ_HTTP_DATA_TOO_LONG /* the body went over its limit */
};

/* ---- A server. */

/* NULL on failure. Free it when no request is being answered; its virtual hosts go with it. */
EVENT2_EXPORT_SYMBOL
struct evhttp* evhttp_new(struct event_base* base);
EVENT2_EXPORT_SYMBOL
void evhttp_free(struct evhttp* http);

/* Listen: on an address ("0.0.0.0", "::1", a name), on a socket that is listening already, or
 * through a listener. The server closes or frees it. The handles are good until the server goes or
 * evhttp_del_accept_socket is called with them; NULL on failure. */
EVENT2_EXPORT_SYMBOL
int evhttp_bind_socket(struct evhttp* http, const char* address, ev_uint16_t port);
EVENT2_EXPORT_SYMBOL
struct evhttp_bound_socket* evhttp_bind_socket_with_handle(struct evhttp* http, const char* address,
                                                           ev_uint16_t port);
EVENT2_EXPORT_SYMBOL
int evhttp_accept_socket(struct evhttp* http, evutil_socket_t fd);
EVENT2_EXPORT_SYMBOL
struct evhttp_bound_socket* evhttp_accept_socket_with_handle(struct evhttp* http,
                                                             evutil_socket_t fd);
EVENT2_EXPORT_SYMBOL
struct evhttp_bound_socket* evhttp_bind_listener(struct evhttp* http,
                                                 struct evconnlistener* listener);
EVENT2_EXPORT_SYMBOL
void evhttp_del_accept_socket(struct evhttp* http, struct evhttp_bound_socket* bound_socket);

EVENT2_EXPORT_SYMBOL
evutil_socket_t evhttp_bound_socket_get_fd(struct evhttp_bound_socket* bound_socket);
EVENT2_EXPORT_SYMBOL
struct evconnlistener* evhttp_bound_socket_get_listener(struct evhttp_bound_socket* bound);

/* Call function for each of them; it must not take any away. */
typedef void evhttp_bound_socket_foreach_fn(struct evhttp_bound_socket* bound, void* argument);
EVENT2_EXPORT_SYMBOL
void evhttp_foreach_bound_socket(struct evhttp* http, evhttp_bound_socket_foreach_fn* function,
                                 void* argument);

/* Who answers a path, decoded and compared exactly: 0, -1 if somebody does already, -2 on failure.
 * The general callback gets what nobody else answers. */
EVENT2_EXPORT_SYMBOL
int evhttp_set_cb(struct evhttp* http, const char* path, void (*cb)(struct evhttp_request*, void*),
                  void* cb_arg);
EVENT2_EXPORT_SYMBOL
int evhttp_del_cb(struct evhttp* http, const char* path);
EVENT2_EXPORT_SYMBOL
void evhttp_set_gencb(struct evhttp* http, void (*cb)(struct evhttp_request*, void*), void* arg);

/* Make the bufferevents of new connections, without a descriptor: TLS, say. */
EVENT2_EXPORT_SYMBOL
void evhttp_set_bevcb(struct evhttp* http, struct bufferevent* (*cb)(struct event_base*, void*),
                      void* arg);

/* vhost answers when the Host matches a shell pattern, regardless of case, or one of its aliases.
 * It has no sockets of its own, but may have virtual hosts. */
EVENT2_EXPORT_SYMBOL
int evhttp_add_virtual_host(struct evhttp* http, const char* pattern, struct evhttp* vhost);
EVENT2_EXPORT_SYMBOL
int evhttp_remove_virtual_host(struct evhttp* http, struct evhttp* vhost);
EVENT2_EXPORT_SYMBOL
int evhttp_add_server_alias(struct evhttp* http, const char* alias);
EVENT2_EXPORT_SYMBOL
int evhttp_remove_server_alias(struct evhttp* http, const char* alias);

/* Which methods are let in: EVHTTP_REQ_* together. At first GET, POST, HEAD, PUT and DELETE. */
EVENT2_EXPORT_SYMBOL
void evhttp_set_allowed_methods(struct evhttp* http, ev_uint16_t methods);

/* The Content-Type of a reply that has none; NULL leaves it out. The string is kept, not copied. */
EVENT2_EXPORT_SYMBOL
void evhttp_set_default_content_type(struct evhttp* http, const char* content_type);

/* Limits in bytes, negative for none, and how long a connection may stand still. */
EVENT2_EXPORT_SYMBOL
void evhttp_set_max_headers_size(struct evhttp* http, ev_ssize_t max_headers_size);
EVENT2_EXPORT_SYMBOL
void evhttp_set_max_body_size(struct evhttp* http, ev_ssize_t max_body_size);
EVENT2_EXPORT_SYMBOL
void evhttp_set_timeout(struct evhttp* http, int timeout_in_secs);
EVENT2_EXPORT_SYMBOL
void evhttp_set_timeout_tv(struct evhttp* http, const struct timeval* tv);

/* Read a body that is over its limit to the end before refusing it, so that the client gets to see
 * the refusal. */
#define EVHTTP_SERVER_LINGERING_CLOSE 0x0001
/* Nonzero on a flag that there is not. */
EVENT2_EXPORT_SYMBOL
int evhttp_set_flags(struct evhttp* http, int flags);

/* ---- Its replies. Every request ends with exactly one error, reply, or reply_end, which also
 * frees it. A NULL reason is the usual one for the code. */

EVENT2_EXPORT_SYMBOL
void evhttp_send_error(struct evhttp_request* req, int error, const char* reason);

/* The body is moved out of databuf, which may be NULL and stays the caller's. */
EVENT2_EXPORT_SYMBOL
void evhttp_send_reply(struct evhttp_request* req, int code, const char* reason,
                       struct evbuffer* databuf);

/* The same in pieces; cb is called when the piece has been written. */
EVENT2_EXPORT_SYMBOL
void evhttp_send_reply_start(struct evhttp_request* req, int code, const char* reason);
EVENT2_EXPORT_SYMBOL
void evhttp_send_reply_chunk(struct evhttp_request* req, struct evbuffer* databuf);
EVENT2_EXPORT_SYMBOL
void evhttp_send_reply_chunk_with_cb(struct evhttp_request* req, struct evbuffer* databuf,
                                     void (*cb)(struct evhttp_connection*, void*), void* arg);
EVENT2_EXPORT_SYMBOL
void evhttp_send_reply_end(struct evhttp_request* req);

/* Told when the reply has been written, just before the request goes. */
EVENT2_EXPORT_SYMBOL
void evhttp_request_set_on_complete_cb(struct evhttp_request* req,
                                       void (*cb)(struct evhttp_request*, void*), void* cb_arg);

/* ---- A client. */

/* A connection to a name or address, made when there is something to send. Without dnsbase the
 * lookup blocks; without bev it makes a socket, and bev, which has no descriptor yet, goes with it.
 * NULL on failure. */
EVENT2_EXPORT_SYMBOL
struct evhttp_connection* evhttp_connection_base_new(struct event_base* base,
                                                     struct evdns_base* dnsbase,
                                                     const char* address, ev_uint16_t port);
EVENT2_EXPORT_SYMBOL
struct evhttp_connection* evhttp_connection_base_bufferevent_new(struct event_base* base,
                                                                 struct evdns_base* dnsbase,
                                                                 struct bufferevent* bev,
                                                                 const char* address,
                                                                 ev_uint16_t port);

/* At once, or when its requests have been dealt with. */
EVENT2_EXPORT_SYMBOL
void evhttp_connection_free(struct evhttp_connection* evcon);
EVENT2_EXPORT_SYMBOL
void evhttp_connection_free_on_completion(struct evhttp_connection* evcon);

/* A request whose end is told to cb: answered, or failed, and then there is no response code, or cb
 * is called with NULL. NULL on failure. */
EVENT2_EXPORT_SYMBOL
struct evhttp_request* evhttp_request_new(void (*cb)(struct evhttp_request*, void*), void* arg);
EVENT2_EXPORT_SYMBOL
void evhttp_request_free(struct evhttp_request* req);

/* Send it, after those sent before. The connection owns req from here on, even if this fails. */
EVENT2_EXPORT_SYMBOL
int evhttp_make_request(struct evhttp_connection* evcon, struct evhttp_request* req,
                        enum evhttp_cmd_type type, const char* uri);

/* Give up on a request that has not ended. It is freed, its callback is not called, and a
 * connection that was busy with it starts over. */
EVENT2_EXPORT_SYMBOL
void evhttp_cancel_request(struct evhttp_request* req);

/* Told of each piece of the body, in the input buffer, which is emptied afterwards. */
EVENT2_EXPORT_SYMBOL
void evhttp_request_set_chunked_cb(struct evhttp_request* req,
                                   void (*cb)(struct evhttp_request*, void*));

/* Told when the headers are there; less than 0 closes the connection. */
EVENT2_EXPORT_SYMBOL
void evhttp_request_set_header_cb(struct evhttp_request* req,
                                  int (*cb)(struct evhttp_request*, void*));

/* Told of a failure, before the request's own callback is. */
EVENT2_EXPORT_SYMBOL
void evhttp_request_set_error_cb(struct evhttp_request* req,
                                 void (*cb)(enum evhttp_request_error, void*));

/* ---- Connections. */

EVENT2_EXPORT_SYMBOL
struct bufferevent* evhttp_connection_get_bufferevent(struct evhttp_connection* evcon);
EVENT2_EXPORT_SYMBOL
struct event_base* evhttp_connection_get_base(struct evhttp_connection* evcon);

/* NULL for a client's. */
EVENT2_EXPORT_SYMBOL
struct evhttp* evhttp_connection_get_server(struct evhttp_connection* evcon);

/* The other end: as it was given or is printed, and as it is connected, NULL if it is not. Both
 * belong to the connection. */
EVENT2_EXPORT_SYMBOL
void evhttp_connection_get_peer(struct evhttp_connection* evcon, char** address, ev_uint16_t* port);
EVENT2_EXPORT_SYMBOL
const struct sockaddr* evhttp_connection_get_addr(struct evhttp_connection* evcon);

EVENT2_EXPORT_SYMBOL
void evhttp_connection_set_closecb(struct evhttp_connection* evcon,
                                   void (*cb)(struct evhttp_connection*, void*), void* arg);

/* Before it connects: AF_INET, AF_INET6 or AF_UNSPEC, and where to connect from. */
EVENT2_EXPORT_SYMBOL
void evhttp_connection_set_family(struct evhttp_connection* evcon, int family);
EVENT2_EXPORT_SYMBOL
void evhttp_connection_set_local_address(struct evhttp_connection* evcon, const char* address);
EVENT2_EXPORT_SYMBOL
void evhttp_connection_set_local_port(struct evhttp_connection* evcon, ev_uint16_t port);

/* How often to try to connect again, -1 for always, waiting twice as long each time, and how long
 * at first. */
EVENT2_EXPORT_SYMBOL
void evhttp_connection_set_retries(struct evhttp_connection* evcon, int retry_max);
EVENT2_EXPORT_SYMBOL
void evhttp_connection_set_initial_retry_tv(struct evhttp_connection* evcon,
                                            const struct timeval* tv);

/* As for a server. */
EVENT2_EXPORT_SYMBOL
void evhttp_connection_set_max_headers_size(struct evhttp_connection* evcon,
                                            ev_ssize_t new_max_headers_size);
EVENT2_EXPORT_SYMBOL
void evhttp_connection_set_max_body_size(struct evhttp_connection* evcon,
                                         ev_ssize_t new_max_body_size);
EVENT2_EXPORT_SYMBOL
void evhttp_connection_set_timeout(struct evhttp_connection* evcon, int timeout_in_secs);
EVENT2_EXPORT_SYMBOL
void evhttp_connection_set_timeout_tv(struct evhttp_connection* evcon, const struct timeval* tv);

#define EVHTTP_CON_REUSE_CONNECTED_ADDR 0x0008 /* try again at the address, not the name */
#define EVHTTP_CON_READ_ON_WRITE_ERROR 0x0010  /* a reply may precede a failed write */
#define EVHTTP_CON_LINGERING_CLOSE 0x0020      /* as EVHTTP_SERVER_LINGERING_CLOSE */
#define EVHTTP_CON_PUBLIC_FLAGS_END 0x100000   /* the library's own begin here */
/* Nonzero on a flag that there is not. */
EVENT2_EXPORT_SYMBOL
int evhttp_connection_set_flags(struct evhttp_connection* evcon, int flags);

/* ---- Requests. */

/* Keep the request beyond its callback; evhttp_request_free is then the caller's to call. */
EVENT2_EXPORT_SYMBOL
void evhttp_request_own(struct evhttp_request* req);
EVENT2_EXPORT_SYMBOL
int evhttp_request_is_owned(struct evhttp_request* req);

EVENT2_EXPORT_SYMBOL
struct evhttp_connection* evhttp_request_get_connection(struct evhttp_request* req);
EVENT2_EXPORT_SYMBOL
enum evhttp_cmd_type evhttp_request_get_command(const struct evhttp_request* req);
EVENT2_EXPORT_SYMBOL
const char* evhttp_request_get_uri(const struct evhttp_request* req);
EVENT2_EXPORT_SYMBOL
const struct evhttp_uri* evhttp_request_get_evhttp_uri(const struct evhttp_request* req);

/* From an absolute URI, otherwise from the Host header, without the port; NULL if there is
 * neither. */
EVENT2_EXPORT_SYMBOL
const char* evhttp_request_get_host(struct evhttp_request* req);

EVENT2_EXPORT_SYMBOL
int evhttp_request_get_response_code(const struct evhttp_request* req);
EVENT2_EXPORT_SYMBOL
const char* evhttp_request_get_response_code_line(const struct evhttp_request* req);

EVENT2_EXPORT_SYMBOL
struct evkeyvalq* evhttp_request_get_input_headers(struct evhttp_request* req);
EVENT2_EXPORT_SYMBOL
struct evkeyvalq* evhttp_request_get_output_headers(struct evhttp_request* req);
EVENT2_EXPORT_SYMBOL
struct evbuffer* evhttp_request_get_input_buffer(struct evhttp_request* req);
EVENT2_EXPORT_SYMBOL
struct evbuffer* evhttp_request_get_output_buffer(struct evhttp_request* req);

/* ---- Headers, whose names have no case. */

/* The value of the first such header, or NULL. */
EVENT2_EXPORT_SYMBOL
const char* evhttp_find_header(const struct evkeyvalq* headers, const char* key);

/* Key and value are copied; -1 if they could not stand in a message. */
EVENT2_EXPORT_SYMBOL
int evhttp_add_header(struct evkeyvalq* headers, const char* key, const char* value);

/* The first such header; -1 if there is none. */
EVENT2_EXPORT_SYMBOL
int evhttp_remove_header(struct evkeyvalq* headers, const char* key);
EVENT2_EXPORT_SYMBOL
void evhttp_clear_headers(struct evkeyvalq* headers);

/* ---- URIs, by RFC 3986. A part that is not there is NULL, or port -1; one that is there and empty
 * is "". */

/* Also allow what RFC 3986 does not in path, query and fragment. */
#define EVHTTP_URI_NONCONFORMANT 0x01

/* NULL if the text is no URI or relative reference. Escapes stay as they are. */
EVENT2_EXPORT_SYMBOL
struct evhttp_uri* evhttp_uri_parse(const char* source_uri);
EVENT2_EXPORT_SYMBOL
struct evhttp_uri* evhttp_uri_parse_with_flags(const char* source_uri, unsigned flags);

/* Without any part; NULL when memory is short. */
EVENT2_EXPORT_SYMBOL
struct evhttp_uri* evhttp_uri_new(void);
EVENT2_EXPORT_SYMBOL
void evhttp_uri_free(struct evhttp_uri* uri);
EVENT2_EXPORT_SYMBOL
void evhttp_uri_set_flags(struct evhttp_uri* uri, unsigned flags);

/* Put it together in buf. NULL if that is too small, or the parts do not go together. */
EVENT2_EXPORT_SYMBOL
char* evhttp_uri_join(struct evhttp_uri* uri, char* buf, size_t limit);

EVENT2_EXPORT_SYMBOL
const char* evhttp_uri_get_scheme(const struct evhttp_uri* uri);
EVENT2_EXPORT_SYMBOL
const char* evhttp_uri_get_userinfo(const struct evhttp_uri* uri);
EVENT2_EXPORT_SYMBOL
const char* evhttp_uri_get_host(const struct evhttp_uri* uri);
EVENT2_EXPORT_SYMBOL
int evhttp_uri_get_port(const struct evhttp_uri* uri);
EVENT2_EXPORT_SYMBOL
const char* evhttp_uri_get_path(const struct evhttp_uri* uri);
EVENT2_EXPORT_SYMBOL
const char* evhttp_uri_get_query(const struct evhttp_uri* uri);
EVENT2_EXPORT_SYMBOL
const char* evhttp_uri_get_fragment(const struct evhttp_uri* uri);

/* -1 if the text cannot be that part. The query comes without its "?", the fragment without "#". */
EVENT2_EXPORT_SYMBOL
int evhttp_uri_set_scheme(struct evhttp_uri* uri, const char* scheme);
EVENT2_EXPORT_SYMBOL
int evhttp_uri_set_userinfo(struct evhttp_uri* uri, const char* userinfo);
EVENT2_EXPORT_SYMBOL
int evhttp_uri_set_host(struct evhttp_uri* uri, const char* host);
EVENT2_EXPORT_SYMBOL
int evhttp_uri_set_port(struct evhttp_uri* uri, int port);
EVENT2_EXPORT_SYMBOL
int evhttp_uri_set_path(struct evhttp_uri* uri, const char* path);
EVENT2_EXPORT_SYMBOL
int evhttp_uri_set_query(struct evhttp_uri* uri, const char* query);
EVENT2_EXPORT_SYMBOL
int evhttp_uri_set_fragment(struct evhttp_uri* uri, const char* fragment);

/* ---- Escaping. */

/* All but letters, digits and "-._~" as %XX. size is the length, -1 for a C string; a space may
 * become "+". */
EVENT2_EXPORT_SYMBOL
char* evhttp_uriencode(const char* str, ev_ssize_t size, int space_to_plus);
EVENT2_EXPORT_SYMBOL
char* evhttp_encode_uri(const char* str);

/* The reverse; the length goes to *size_out unless that is NULL. The second form takes "+" for a
 * space behind the first "?" only. */
EVENT2_EXPORT_SYMBOL
char* evhttp_uridecode(const char* uri, int decode_plus, size_t* size_out);
EVENT2_EXPORT_SYMBOL
char* evhttp_decode_uri(const char* uri);

/* "a=1&b=x+y", of a whole URI or by itself, as key and decoded value. Any list in headers before is
 * not freed. */
EVENT2_EXPORT_SYMBOL
int evhttp_parse_query(const char* uri, struct evkeyvalq* headers);
EVENT2_EXPORT_SYMBOL
int evhttp_parse_query_str(const char* query, struct evkeyvalq* headers);

/* The five characters that mean something in HTML, as entities. */
EVENT2_EXPORT_SYMBOL
char* evhttp_htmlescape(const char* html);

#ifdef __cplusplus
}
#endif

#endif /* EVENT2_HTTP_H_INCLUDED_ */
