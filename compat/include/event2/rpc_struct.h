/* The structures of rpc.h that lie open. */
#ifndef EVENT2_RPC_STRUCT_H_INCLUDED_
#define EVENT2_RPC_STRUCT_H_INCLUDED_

#ifdef __cplusplus
extern "C" {
#endif

struct evbuffer;
struct evhttp_request;
struct evrpc_base;
struct evrpc_req_generic;

#define EVRPC_STATUS_ERR_NONE 0
#define EVRPC_STATUS_ERR_TIMEOUT 1
#define EVRPC_STATUS_ERR_BADPAYLOAD 2  /* the reply is not what it should be */
#define EVRPC_STATUS_ERR_UNSTARTED 3   /* it could not be sent */
#define EVRPC_STATUS_ERR_HOOKABORTED 4 /* a hook said EVRPC_TERMINATE */

/* How a call went, for the callback of the one who made it. */
struct evrpc_status {
  int error; /* EVRPC_STATUS_ERR_* */
  struct evhttp_request* http_req;
};

/* A call that a server knows. */
struct evrpc {
  struct {
    struct evrpc* tqe_next;
    struct evrpc** tqe_prev;
  } next;

  const char* uri; /* its name */

  /* What EVRPC_REGISTER knows of the request … */
  void* (*request_new)(void*);
  void* request_new_arg;
  void (*request_free)(void*);
  int (*request_unmarshal)(void*, struct evbuffer*);

  /* … and of the reply. */
  void* (*reply_new)(void*);
  void* reply_new_arg;
  void (*reply_free)(void*);
  int (*reply_complete)(void*);
  void (*reply_marshal)(struct evbuffer*, void*);

  /* Who answers it. */
  void (*cb)(struct evrpc_req_generic*, void*);
  void* cb_arg;
  struct evrpc_base* base;
};

#ifdef __cplusplus
}
#endif

#endif /* EVENT2_RPC_STRUCT_H_INCLUDED_ */
