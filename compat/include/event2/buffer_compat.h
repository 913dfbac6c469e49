/* What evbuffers could do in libevent 1.x and now do better through buffer.h. */
#ifndef EVENT2_BUFFER_COMPAT_H_INCLUDED_
#define EVENT2_BUFFER_COMPAT_H_INCLUDED_

#include <event2/visibility.h>

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct evbuffer;

#define EVBUFFER_LENGTH(x) evbuffer_get_length(x)
#define EVBUFFER_DATA(x) evbuffer_pullup((x), -1)

/* evbuffer_readln with EVBUFFER_EOL_ANY. */
EVENT2_EXPORT_SYMBOL
char* evbuffer_readline(struct evbuffer* buffer);

/* Point at the first occurrence of len bytes, having moved the whole buffer together; or NULL. */
EVENT2_EXPORT_SYMBOL
unsigned char* evbuffer_find(struct evbuffer* buffer, const unsigned char* what, size_t len);

typedef void (*evbuffer_cb)(struct evbuffer* buffer, size_t old_len, size_t new_len, void* arg);

/* cb in place of every callback that the buffer has; none at all if NULL. 0, or -1 when memory is
 * short. */
EVENT2_EXPORT_SYMBOL
int evbuffer_setcb(struct evbuffer* buffer, evbuffer_cb cb, void* cbarg);

#ifdef __cplusplus
}
#endif

#endif /* EVENT2_BUFFER_COMPAT_H_INCLUDED_ */
