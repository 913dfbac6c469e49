/* A list of string pairs: HTTP headers, and the parameters of a query. Callers walk it with the
 * TAILQ macros of <sys/queue.h>, or of their own, so the two links inside are those of a tail
 * queue. This header itself needs no <sys/queue.h> and leaves no queue macro behind. */
#ifndef EVENT2_KEYVALQ_STRUCT_H_INCLUDED_
#define EVENT2_KEYVALQ_STRUCT_H_INCLUDED_

#ifdef __cplusplus
extern "C" {
#endif

struct evkeyval {
  struct {
    struct evkeyval* tqe_next;
    struct evkeyval** tqe_prev; /* where the pointer to this element is kept */
  } next;
  char* key;
  char* value;
};

struct evkeyvalq {
  struct evkeyval* tqh_first;
  struct evkeyval** tqh_last; /* the last element's tqe_next, or tqh_first of an empty list */
};

#ifdef __cplusplus
}
#endif

#endif /* EVENT2_KEYVALQ_STRUCT_H_INCLUDED_ */
