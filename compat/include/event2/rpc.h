/* Remote calls over HTTP. A call NAME takes one structure and fills in another, both generated from
 * a .rpc file by event_rpcgen.py; the macros here tie the generated functions to the generic ones
 * below. On both sides: EVRPC_HEADER(NAME, REQUEST, REPLY) and, once, EVRPC_GENERATE of the same.
 * A server has an evrpc_base and EVRPC_REGISTERs its calls, a client an evrpc_pool of connections
 * and EVRPC_MAKE_REQUESTs. Functions returning int answer 0 or -1, unless they say otherwise. */
#ifndef EVENT2_RPC_H_INCLUDED_
#define EVENT2_RPC_H_INCLUDED_

#include <event2/util.h>
#include <event2/visibility.h>

#ifdef __cplusplus
extern "C" {
#endif

struct evbuffer;
struct event_base;
struct evhttp;
struct evhttp_connection;
struct evhttp_request;
struct evrpc;                 /* one call that a server knows; laid open in rpc_struct.h */
struct evrpc_base;            /* the calls of a server: opaque */
struct evrpc_hook_meta;       /* opaque */
struct evrpc_pool;            /* the connections of a client: opaque */
struct evrpc_req_generic;     /* a call being answered, whatever its name: opaque */
struct evrpc_request_wrapper; /* a call being made: opaque */
struct evrpc_status;          /* how it went; laid open in rpc_struct.h */

/* ---- Members of a generated structure. */

/* Whether it has been given a value. */
#define EVTAG_HAS(msg, member) ((msg)->member##_set == 1)

/* rpc_compat.h has other forms of some of these, and they win if it came first. */
#ifndef EVENT2_RPC_COMPAT_H_INCLUDED_

/* Give or get a value; those of bytes come with a length. */
#define EVTAG_ASSIGN(msg, member, value) (*(msg)->base->member##_assign)((msg), (value))
#define EVTAG_ASSIGN_WITH_LEN(msg, member, value, len) \
  (*(msg)->base->member##_assign)((msg), (value), (len))
#define EVTAG_GET(msg, member, pvalue) (*(msg)->base->member##_get)((msg), (pvalue))
#define EVTAG_GET_WITH_LEN(msg, member, pvalue, plen) \
  (*(msg)->base->member##_get)((msg), (pvalue), (plen))

#endif /* EVENT2_RPC_COMPAT_H_INCLUDED_ */

/* Arrays: append a value, append an empty element and return it, get one, count them. */
#define EVTAG_ARRAY_ADD_VALUE(msg, member, value) (*(msg)->base->member##_add)((msg), (value))
#define EVTAG_ARRAY_ADD(msg, member) (*(msg)->base->member##_add)(msg)
#define EVTAG_ARRAY_GET(msg, member, offset, pvalue) \
  (*(msg)->base->member##_get)((msg), (offset), (pvalue))
#define EVTAG_ARRAY_LEN(msg, member) ((msg)->member##_length)

/* ---- Declaring a call. */

/* What a server's callback is given. */
#define EVRPC_STRUCT(rpcname) struct evrpc_req__##rpcname

/* The declarations that both sides need. The members are those of struct evrpc_req_generic. */
#define EVRPC_HEADER(rpcname, reqstruct, rplystruct)             \
  EVRPC_STRUCT(rpcname) {                                        \
    struct evrpc_hook_meta* hook_meta;                           \
    struct reqstruct* request;                                   \
    struct rplystruct* reply;                                    \
    struct evrpc* rpc;                                           \
    struct evhttp_request* http_req;                             \
    struct evbuffer* rpc_data;                                   \
  };                                                             \
  EVENT2_EXPORT_SYMBOL int evrpc_send_request_##rpcname(         \
      struct evrpc_pool*, struct reqstruct*, struct rplystruct*, \
      void (*)(struct evrpc_status*, struct reqstruct*, struct rplystruct*, void* cbarg), void*);

/* The function that makes the call. */
#define EVRPC_GENERATE(rpcname, reqstruct, rplystruct)                                        \
  int evrpc_send_request_##rpcname(                                                           \
      struct evrpc_pool* pool, struct reqstruct* request, struct rplystruct* reply,           \
      void (*cb)(struct evrpc_status*, struct reqstruct*, struct rplystruct*, void* cbarg),   \
      void* cbarg) {                                                                          \
    return evrpc_send_request_generic(                                                        \
        pool, request, reply, (void (*)(struct evrpc_status*, void*, void*, void*))cb, cbarg, \
        #rpcname, (void (*)(struct evbuffer*, void*))reqstruct##_marshal,                     \
        (void (*)(void*))rplystruct##_clear,                                                  \
        (int (*)(void*, struct evbuffer*))rplystruct##_unmarshal);                            \
  }

/* ---- Answering calls. */

/* Under the path "/.rpc." and the name of each call. NULL on failure. */
EVENT2_EXPORT_SYMBOL
struct evrpc_base* evrpc_init(struct evhttp* server);

/* When no call is being answered. */
EVENT2_EXPORT_SYMBOL
void evrpc_free(struct evrpc_base* base);

/* callback is void (*)(EVRPC_STRUCT(name)*, void*): it looks at the request, fills in the reply,
 * and ends, then or later, with EVRPC_REQUEST_DONE. */
#define EVRPC_REGISTER(base, name, request, reply, callback, cbarg)                    \
  evrpc_register_generic(                                                              \
      base, #name, (void (*)(struct evrpc_req_generic*, void*))callback, cbarg,        \
      (void* (*)(void*))request##_new_with_arg, NULL, (void (*)(void*))request##_free, \
      (int (*)(void*, struct evbuffer*))request##_unmarshal,                           \
      (void* (*)(void*))reply##_new_with_arg, NULL, (void (*)(void*))reply##_free,     \
      (int (*)(void*))reply##_complete, (void (*)(struct evbuffer*, void*))reply##_marshal)
#define EVRPC_UNREGISTER(base, name) evrpc_unregister_rpc((base), #name)

/* Send the reply; request and reply are freed. */
#define EVRPC_REQUEST_DONE(rpc_req)                                        \
  do {                                                                     \
    struct evrpc_req_generic* req_ = (struct evrpc_req_generic*)(rpc_req); \
    evrpc_request_done(req_);                                              \
  } while (0)

/* The HTTP request that carried it. */
#define EVRPC_REQUEST_HTTP(rpc_req) (rpc_req)->http_req

/* What the macros above call. */
EVENT2_EXPORT_SYMBOL
int evrpc_register_generic(struct evrpc_base* base, const char* name,
                           void (*callback)(struct evrpc_req_generic*, void*), void* cbarg,
                           void* (*req_new)(void*), void* req_new_arg, void (*req_free)(void*),
                           int (*req_unmarshal)(void*, struct evbuffer*), void* (*rpl_new)(void*),
                           void* rpl_new_arg, void (*rpl_free)(void*), int (*rpl_complete)(void*),
                           void (*rpl_marshal)(struct evbuffer*, void*));
EVENT2_EXPORT_SYMBOL
int evrpc_register_rpc(struct evrpc_base* base, struct evrpc* rpc,
                       void (*cb)(struct evrpc_req_generic*, void*), void* cb_arg);
EVENT2_EXPORT_SYMBOL
int evrpc_unregister_rpc(struct evrpc_base* base, const char* name);
EVENT2_EXPORT_SYMBOL
void evrpc_request_done(struct evrpc_req_generic* req);
EVENT2_EXPORT_SYMBOL
void* evrpc_get_request(struct evrpc_req_generic* req);
EVENT2_EXPORT_SYMBOL
void* evrpc_get_reply(struct evrpc_req_generic* req);

/* ---- Making calls. */

/* NULL on failure. base may be NULL for the current one. */
EVENT2_EXPORT_SYMBOL
struct evrpc_pool* evrpc_pool_new(struct event_base* base);
EVENT2_EXPORT_SYMBOL
void evrpc_pool_free(struct evrpc_pool* pool);

/* A new connection, which then belongs to the pool, until it is taken out again. */
EVENT2_EXPORT_SYMBOL
void evrpc_pool_add_connection(struct evrpc_pool* pool, struct evhttp_connection* evcon);
EVENT2_EXPORT_SYMBOL
void evrpc_pool_remove_connection(struct evrpc_pool* pool, struct evhttp_connection* evcon);

/* Give a call up after so many seconds; 0 is never. For all connections without a timeout of their
 * own, and those in the pool already. */
EVENT2_EXPORT_SYMBOL
void evrpc_pool_set_timeout(struct evrpc_pool* pool, int timeout_in_secs);

/* cb is void (*)(struct evrpc_status*, struct REQUEST*, struct REPLY*, void*). Request and reply
 * stay the caller's, and must stay where they are until then. */
#define EVRPC_MAKE_REQUEST(name, pool, request, reply, cb, cbarg) \
  evrpc_send_request_##name((pool), (request), (reply), (cb), (cbarg))

/* The same in two steps, with time for changes between them. */
#define EVRPC_MAKE_CTX(rpcname, reqstruct, rplystruct, pool, request, reply, cb, cbarg) \
  evrpc_make_request_ctx(pool, request, reply, #rpcname,                                \
                         (void (*)(struct evbuffer*, void*))reqstruct##_marshal,        \
                         (void (*)(void*))rplystruct##_clear,                           \
                         (int (*)(void*, struct evbuffer*))rplystruct##_unmarshal,      \
                         (void (*)(struct evrpc_status*, void*, void*, void*))cb, cbarg)
EVENT2_EXPORT_SYMBOL
int evrpc_make_request(struct evrpc_request_wrapper* ctx);
EVENT2_EXPORT_SYMBOL
struct evrpc_pool* evrpc_request_get_pool(struct evrpc_request_wrapper* ctx);
EVENT2_EXPORT_SYMBOL
void evrpc_request_set_pool(struct evrpc_request_wrapper* ctx, struct evrpc_pool* pool);
EVENT2_EXPORT_SYMBOL
void evrpc_request_set_cb(struct evrpc_request_wrapper* ctx,
                          void (*cb)(struct evrpc_status*, void* request, void* reply, void* arg),
                          void* cb_arg);

/* What the macros above call. */
EVENT2_EXPORT_SYMBOL
int evrpc_send_request_generic(struct evrpc_pool* pool, void* request, void* reply,
                               void (*cb)(struct evrpc_status*, void*, void*, void*), void* cb_arg,
                               const char* rpcname, void (*req_marshal)(struct evbuffer*, void*),
                               void (*rpl_clear)(void*),
                               int (*rpl_unmarshal)(void*, struct evbuffer*));
EVENT2_EXPORT_SYMBOL
struct evrpc_request_wrapper* evrpc_make_request_ctx(
    struct evrpc_pool* pool, void* request, void* reply, const char* rpcname,
    void (*req_marshal)(struct evbuffer*, void*), void (*rpl_clear)(void*),
    int (*rpl_unmarshal)(void*, struct evbuffer*),
    void (*cb)(struct evrpc_status*, void*, void*, void*), void* cbarg);

/* ---- Hooks: see, change or stop what goes in and out of a base or a pool (vbase is either). */

enum EVRPC_HOOK_TYPE { EVRPC_INPUT, EVRPC_OUTPUT };
#define INPUT EVRPC_INPUT
#define OUTPUT EVRPC_OUTPUT

/* What a hook returns. */
enum EVRPC_HOOK_RESULT {
  EVRPC_TERMINATE = -1,
  EVRPC_CONTINUE = 0,
  EVRPC_PAUSE = 1 /* evrpc_resume_request will tell */
};

/* cb gets a context for the functions below, the HTTP request, its body, and cb_arg. Returns a
 * handle, or NULL on failure. */
EVENT2_EXPORT_SYMBOL
void* evrpc_add_hook(void* vbase, enum EVRPC_HOOK_TYPE hook_type,
                     int (*cb)(void*, struct evhttp_request*, struct evbuffer*, void*),
                     void* cb_arg);

/* 1 if there was such a hook, otherwise 0. */
EVENT2_EXPORT_SYMBOL
int evrpc_remove_hook(void* vbase, enum EVRPC_HOOK_TYPE hook_type, void* handle);
EVENT2_EXPORT_SYMBOL
int evrpc_resume_request(void* vbase, void* ctx, enum EVRPC_HOOK_RESULT res);

/* Pieces of memory to go with a call, copied in by one hook and found by another. */
EVENT2_EXPORT_SYMBOL
void evrpc_hook_add_meta(void* ctx, const char* key, const void* data, size_t data_size);
EVENT2_EXPORT_SYMBOL
int evrpc_hook_find_meta(void* ctx, const char* key, void** data, size_t* data_size);

/* NULL if there is none. */
EVENT2_EXPORT_SYMBOL
struct evhttp_connection* evrpc_hook_get_connection(void* ctx);

#ifdef __cplusplus
}
#endif

#endif /* EVENT2_RPC_H_INCLUDED_ */
