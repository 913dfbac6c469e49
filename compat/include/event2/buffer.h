/* evbuffer: a queue of bytes in blocks that are chained, not moved. Bytes go in at the end and come
 * out at the front; whole blocks can change hands between buffers, or point at memory or a file of
 * the caller's. Functions returning int answer 0, or -1 when memory was short, the end concerned
 * was frozen or an argument made no sense, with the buffers as they were, unless they say
 * otherwise. A buffer is for one thread at a time, except after evbuffer_enable_locking. */
#ifndef EVENT2_BUFFER_H_INCLUDED_
#define EVENT2_BUFFER_H_INCLUDED_

#include <event2/visibility.h>

#include <stdarg.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <event2/util.h>

#ifdef __cplusplus
extern "C" {
#endif

struct evbuffer;              /* opaque */
struct evbuffer_cb_entry;     /* opaque: one callback on one buffer */
struct evbuffer_file_segment; /* opaque: part of a file, shared by the buffers that hold it */
struct event_base;

/* A piece of memory inside a buffer. */
#define evbuffer_iovec iovec
#define EVBUFFER_IOVEC_IS_NATIVE_

/* A place in a buffer, from its first byte to just behind its last; -1 is "not found". Any change
 * to the buffer makes it invalid. Only pos is for reading. */
struct evbuffer_ptr {
  ev_ssize_t pos;
  struct {
    void* chain;
    size_t pos_in_chain;
  } internal_;
};

/* ---- A buffer's life. */

EVENT2_EXPORT_SYMBOL
struct evbuffer* evbuffer_new(void);
EVENT2_EXPORT_SYMBOL
void evbuffer_free(struct evbuffer* buf);

/* Share it between threads: by this lock, or by one of its own if NULL. Callbacks run with the lock
 * held. The other two take it and let it go around several calls, and do nothing without one. */
EVENT2_EXPORT_SYMBOL
int evbuffer_enable_locking(struct evbuffer* buf, void* lock);
EVENT2_EXPORT_SYMBOL
void evbuffer_lock(struct evbuffer* buf);
EVENT2_EXPORT_SYMBOL
void evbuffer_unlock(struct evbuffer* buf);

/* A promise that nobody looks at the bytes on their way to a descriptor, so that files may go by
 * sendfile. Bufferevents set it for their output as they see fit. */
#define EVBUFFER_FLAG_DRAINS_TO_FD 1
EVENT2_EXPORT_SYMBOL
int evbuffer_set_flags(struct evbuffer* buf, ev_uint64_t flags);
EVENT2_EXPORT_SYMBOL
int evbuffer_clear_flags(struct evbuffer* buf, ev_uint64_t flags);

/* Let nothing be taken out of or put before the front, or nothing be added to the end. */
EVENT2_EXPORT_SYMBOL
int evbuffer_freeze(struct evbuffer* buf, int at_front);
EVENT2_EXPORT_SYMBOL
int evbuffer_unfreeze(struct evbuffer* buf, int at_front);

/* ---- How much there is. */

EVENT2_EXPORT_SYMBOL
size_t evbuffer_get_length(const struct evbuffer* buf);

/* How much of it lies in the first block. */
EVENT2_EXPORT_SYMBOL
size_t evbuffer_get_contiguous_space(const struct evbuffer* buf);

/* ---- Putting bytes in. */

/* Make room for datlen more, so that adding them cannot fail. */
EVENT2_EXPORT_SYMBOL
int evbuffer_expand(struct evbuffer* buf, size_t datlen);

/* Copy in, at the end or at the front. */
EVENT2_EXPORT_SYMBOL
int evbuffer_add(struct evbuffer* buf, const void* data, size_t datlen);
EVENT2_EXPORT_SYMBOL
int evbuffer_prepend(struct evbuffer* buf, const void* data, size_t size);

/* Copy n_vec pieces in, one after the other. Returns the number of bytes added. */
EVENT2_EXPORT_SYMBOL
size_t evbuffer_add_iovec(struct evbuffer* buffer, struct evbuffer_iovec* vec, int n_vec);

/* Both return the number of bytes added, or -1. */
EVENT2_EXPORT_SYMBOL
int evbuffer_add_printf(struct evbuffer* buf, const char* fmt, ...)
#ifdef __GNUC__
    __attribute__((format(printf, 2, 3)))
#endif
    ;
EVENT2_EXPORT_SYMBOL
int evbuffer_add_vprintf(struct evbuffer* buf, const char* fmt, va_list ap)
#ifdef __GNUC__
    __attribute__((format(printf, 2, 0)))
#endif
    ;

/* Write into the buffer directly: get room for at least size bytes in at most n_vec pieces, shorten
 * the last to what was written, commit the pieces. In between nothing else may touch the buffer.
 * Reserving returns the number of pieces, or -1; reserving anew hands the same room out. */
EVENT2_EXPORT_SYMBOL
int evbuffer_reserve_space(struct evbuffer* buf, ev_ssize_t size, struct evbuffer_iovec* vec,
                           int n_vec);
EVENT2_EXPORT_SYMBOL
int evbuffer_commit_space(struct evbuffer* buf, struct evbuffer_iovec* vec, int n_vecs);

/* ---- From buffer to buffer, without copying. */

/* Move everything in src to the end, or to the front, of dst. */
EVENT2_EXPORT_SYMBOL
int evbuffer_add_buffer(struct evbuffer* dst, struct evbuffer* src);
EVENT2_EXPORT_SYMBOL
int evbuffer_prepend_buffer(struct evbuffer* dst, struct evbuffer* src);

/* Move up to datlen bytes to the end of dst. Returns how many were moved, or -1. */
EVENT2_EXPORT_SYMBOL
int evbuffer_remove_buffer(struct evbuffer* src, struct evbuffer* dst, size_t datlen);

/* Share what is in src with dst; src keeps it. A buffer that holds shared or referenced blocks
 * cannot be the source. */
EVENT2_EXPORT_SYMBOL
int evbuffer_add_buffer_reference(struct evbuffer* dst, struct evbuffer* src);

/* ---- Memory and files of the caller's. */

typedef void (*evbuffer_ref_cleanup_cb)(const void* data, size_t datalen, void* extra);

/* Append memory by pointing at it. It stays the caller's, untouched, until cleanupfn (may be NULL)
 * says that no buffer needs it any more. */
EVENT2_EXPORT_SYMBOL
int evbuffer_add_reference(struct evbuffer* outbuf, const void* data, size_t datlen,
                           evbuffer_ref_cleanup_cb cleanupfn, void* cleanupfn_arg);

#define EVBUF_FS_CLOSE_ON_FREE 0x01    /* close the descriptor with the segment */
#define EVBUF_FS_DISABLE_MMAP 0x02     /* never map the file */
#define EVBUF_FS_DISABLE_SENDFILE 0x04 /* never send from descriptor to descriptor */
#define EVBUF_FS_DISABLE_LOCKING 0x08  /* one thread only, buffers included */

typedef void (*evbuffer_file_segment_cleanup_cb)(struct evbuffer_file_segment const* seg, int flags,
                                                 void* arg);

/* length bytes of fd from offset on, or all there are if length is -1. The descriptor must stay
 * open as long as the segment is in use, which outlasts evbuffer_file_segment_free while a buffer
 * holds it. Unless sendfile is ruled out, its bytes can only be written to a descriptor, not read
 * from the buffer. NULL on failure. */
EVENT2_EXPORT_SYMBOL
struct evbuffer_file_segment* evbuffer_file_segment_new(int fd, ev_off_t offset, ev_off_t length,
                                                        unsigned flags);
EVENT2_EXPORT_SYMBOL
void evbuffer_file_segment_free(struct evbuffer_file_segment* seg);

/* Call cb when the last user has let go of it. */
EVENT2_EXPORT_SYMBOL
void evbuffer_file_segment_add_cleanup_cb(struct evbuffer_file_segment* seg,
                                          evbuffer_file_segment_cleanup_cb cb, void* arg);

/* Append part of a segment: offset and length count within the segment, -1 is the rest of it. */
EVENT2_EXPORT_SYMBOL
int evbuffer_add_file_segment(struct evbuffer* buf, struct evbuffer_file_segment* seg,
                              ev_off_t offset, ev_off_t length);

/* Append part of a file. The buffer owns fd from here on, and closes it when it is through. */
EVENT2_EXPORT_SYMBOL
int evbuffer_add_file(struct evbuffer* outbuf, int fd, ev_off_t offset, ev_off_t length);

/* ---- Taking bytes out. */

/* Copy up to datlen bytes out and drop them. Returns how many, or -1. */
EVENT2_EXPORT_SYMBOL
int evbuffer_remove(struct evbuffer* buf, void* data, size_t datlen);

/* Drop the first len bytes, or all if there are fewer. */
EVENT2_EXPORT_SYMBOL
int evbuffer_drain(struct evbuffer* buf, size_t len);

/* Copy out and keep; from the front or from pos. Returns how many bytes, or -1. */
EVENT2_EXPORT_SYMBOL
ev_ssize_t evbuffer_copyout(struct evbuffer* buf, void* data_out, size_t datlen);
EVENT2_EXPORT_SYMBOL
ev_ssize_t evbuffer_copyout_from(struct evbuffer* buf, const struct evbuffer_ptr* pos,
                                 void* data_out, size_t datlen);

/* Move bytes together until the first size of them, or all if negative, lie side by side, and point
 * at them. NULL if there are fewer. */
EVENT2_EXPORT_SYMBOL
unsigned char* evbuffer_pullup(struct evbuffer* buf, ev_ssize_t size);

/* Look at len bytes (all, if negative) from start_at (the front, if NULL) where they lie. Returns
 * how many pieces that takes, which may be more than the n_vec that were filled in. */
EVENT2_EXPORT_SYMBOL
int evbuffer_peek(struct evbuffer* buffer, ev_ssize_t len, struct evbuffer_ptr* start_at,
                  struct evbuffer_iovec* vec_out, int n_vec);

/* What ends a line. */
enum evbuffer_eol_style {
  EVBUFFER_EOL_ANY,         /* any run of CR and LF, as far as it has arrived */
  EVBUFFER_EOL_CRLF,        /* LF, with or without a CR before it */
  EVBUFFER_EOL_CRLF_STRICT, /* CR LF */
  EVBUFFER_EOL_LF,
  EVBUFFER_EOL_NUL
};

/* Take one line out, without its end, as a NUL-terminated string for the caller to free. Its length
 * goes to *n_read_out unless that is NULL. NULL if no whole line is there; nothing is lost when
 * memory is short. */
EVENT2_EXPORT_SYMBOL
char* evbuffer_readln(struct evbuffer* buffer, size_t* n_read_out,
                      enum evbuffer_eol_style eol_style);

/* ---- Places and searching. */

enum evbuffer_ptr_how {
  EVBUFFER_PTR_SET, /* position counts from the front */
  EVBUFFER_PTR_ADD  /* position counts from where ptr is */
};

/* -1, with ptr at "not found", if that is behind the end. */
EVENT2_EXPORT_SYMBOL
int evbuffer_ptr_set(struct evbuffer* buffer, struct evbuffer_ptr* ptr, size_t position,
                     enum evbuffer_ptr_how how);

/* The first place at or behind start (NULL: the front) where the len bytes at what are found,
 * ending no later than end (NULL: the end). */
EVENT2_EXPORT_SYMBOL
struct evbuffer_ptr evbuffer_search(struct evbuffer* buffer, const char* what, size_t len,
                                    const struct evbuffer_ptr* start);
EVENT2_EXPORT_SYMBOL
struct evbuffer_ptr evbuffer_search_range(struct evbuffer* buffer, const char* what, size_t len,
                                          const struct evbuffer_ptr* start,
                                          const struct evbuffer_ptr* end);

/* The first end of a line; *eol_len_out, unless NULL, gets its length in bytes. */
EVENT2_EXPORT_SYMBOL
struct evbuffer_ptr evbuffer_search_eol(struct evbuffer* buffer, struct evbuffer_ptr* start,
                                        size_t* eol_len_out, enum evbuffer_eol_style eol_style);

/* ---- To and from descriptors. */

/* All return the number of bytes, 0 from a read at the end of file, -1 with errno. howmuch limits
 * one call; negative means as much as one call can do. */
EVENT2_EXPORT_SYMBOL
int evbuffer_read(struct evbuffer* buffer, evutil_socket_t fd, int howmuch);
EVENT2_EXPORT_SYMBOL
int evbuffer_write(struct evbuffer* buffer, evutil_socket_t fd);
EVENT2_EXPORT_SYMBOL
int evbuffer_write_atmost(struct evbuffer* buffer, evutil_socket_t fd, ev_ssize_t howmuch);

/* ---- Being told of changes. */

/* What happened since the callbacks were last called. */
struct evbuffer_cb_info {
  size_t orig_size; /* the length then */
  size_t n_added;
  size_t n_deleted;
};

/* May change the buffer, which then calls back again, and may remove itself, but no other callback.
 */
typedef void (*evbuffer_cb_func)(struct evbuffer* buffer, const struct evbuffer_cb_info* info,
                                 void* arg);

/* NULL on failure. The handle is good until the callback is removed or the buffer freed. */
EVENT2_EXPORT_SYMBOL
struct evbuffer_cb_entry* evbuffer_add_cb(struct evbuffer* buffer, evbuffer_cb_func cb,
                                          void* cbarg);

/* By handle, or by what it was added with. -1 if there is no such callback. */
EVENT2_EXPORT_SYMBOL
int evbuffer_remove_cb_entry(struct evbuffer* buffer, struct evbuffer_cb_entry* ent);
EVENT2_EXPORT_SYMBOL
int evbuffer_remove_cb(struct evbuffer* buffer, evbuffer_cb_func cb, void* cbarg);

/* Without this flag a callback stays silent. */
#define EVBUFFER_CB_ENABLED 1
EVENT2_EXPORT_SYMBOL
int evbuffer_cb_set_flags(struct evbuffer* buffer, struct evbuffer_cb_entry* cb, ev_uint32_t flags);
EVENT2_EXPORT_SYMBOL
int evbuffer_cb_clear_flags(struct evbuffer* buffer, struct evbuffer_cb_entry* cb,
                            ev_uint32_t flags);

/* Call the callbacks from the loop of base, instead of inside the call that made the change. */
EVENT2_EXPORT_SYMBOL
int evbuffer_defer_callbacks(struct evbuffer* buffer, struct event_base* base);

#ifdef __cplusplus
}
#endif

#endif /* EVENT2_BUFFER_H_INCLUDED_ */
