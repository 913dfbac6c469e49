/* Tagged data in evbuffers: a tag, a length, a payload, one after the other, each number in as few
 * bytes as it needs and in no machine's byte order. What event_rpcgen.py generates reads and writes
 * its messages with these. Functions returning int answer -1 when the buffer does not hold what was
 * asked for; a payload longer than INT_MAX never is. */
#ifndef EVENT2_TAG_H_INCLUDED_
#define EVENT2_TAG_H_INCLUDED_

#include <event2/visibility.h>

#include <sys/time.h>
#include <sys/types.h>

#include <event2/util.h>

#ifdef __cplusplus
extern "C" {
#endif

struct evbuffer;

/* Does nothing, and need not be called. */
EVENT2_EXPORT_SYMBOL
void evtag_init(void);

/* ---- Writing. */

EVENT2_EXPORT_SYMBOL
void evtag_marshal(struct evbuffer* evbuf, ev_uint32_t tag, const void* data, ev_uint32_t len);
EVENT2_EXPORT_SYMBOL
void evtag_marshal_buffer(struct evbuffer* evbuf, ev_uint32_t tag, struct evbuffer* data);
EVENT2_EXPORT_SYMBOL
void evtag_marshal_string(struct evbuffer* buf, ev_uint32_t tag, const char* string);
EVENT2_EXPORT_SYMBOL
void evtag_marshal_int(struct evbuffer* evbuf, ev_uint32_t tag, ev_uint32_t integer);
EVENT2_EXPORT_SYMBOL
void evtag_marshal_int64(struct evbuffer* evbuf, ev_uint32_t tag, ev_uint64_t integer);
EVENT2_EXPORT_SYMBOL
void evtag_marshal_timeval(struct evbuffer* evbuf, ev_uint32_t tag, struct timeval* tv);

/* A number alone, without tag or length: its nibble count less one, then its nibbles. */
EVENT2_EXPORT_SYMBOL
void evtag_encode_int(struct evbuffer* evbuf, ev_uint32_t number);
EVENT2_EXPORT_SYMBOL
void evtag_encode_int64(struct evbuffer* evbuf, ev_uint64_t number);

/* ---- Looking at what comes next, leaving it there. */

/* Each returns a positive number if it succeeded. The length is that of tag, length and payload
 * together, or of the payload only. */
EVENT2_EXPORT_SYMBOL
int evtag_peek(struct evbuffer* evbuf, ev_uint32_t* ptag);
EVENT2_EXPORT_SYMBOL
int evtag_peek_length(struct evbuffer* evbuf, ev_uint32_t* plength);
EVENT2_EXPORT_SYMBOL
int evtag_payload_length(struct evbuffer* evbuf, ev_uint32_t* plength);

/* ---- Reading, which takes it out. */

/* Tag and length; returns the length of the payload, now at the front of the buffer. */
EVENT2_EXPORT_SYMBOL
int evtag_unmarshal_header(struct evbuffer* evbuf, ev_uint32_t* ptag);

/* Append the next payload to dst; returns its length. */
EVENT2_EXPORT_SYMBOL
int evtag_unmarshal(struct evbuffer* src, ev_uint32_t* ptag, struct evbuffer* dst);

/* Drop the next one. */
EVENT2_EXPORT_SYMBOL
int evtag_consume(struct evbuffer* evbuf);

/* A value that must carry need_tag. evtag_unmarshal_fixed wants exactly len bytes; the string is
 * for the caller to free. */
EVENT2_EXPORT_SYMBOL
int evtag_unmarshal_int(struct evbuffer* evbuf, ev_uint32_t need_tag, ev_uint32_t* pinteger);
EVENT2_EXPORT_SYMBOL
int evtag_unmarshal_int64(struct evbuffer* evbuf, ev_uint32_t need_tag, ev_uint64_t* pinteger);
EVENT2_EXPORT_SYMBOL
int evtag_unmarshal_fixed(struct evbuffer* src, ev_uint32_t need_tag, void* data, size_t len);
EVENT2_EXPORT_SYMBOL
int evtag_unmarshal_string(struct evbuffer* evbuf, ev_uint32_t need_tag, char** pstring);
EVENT2_EXPORT_SYMBOL
int evtag_unmarshal_timeval(struct evbuffer* evbuf, ev_uint32_t need_tag, struct timeval* ptv);

#ifdef __cplusplus
}
#endif

#endif /* EVENT2_TAG_H_INCLUDED_ */
