/* Bufferevents: a connection with a buffer on each side. Bytes that arrive pile up in the input
 * until the read callback takes them; bytes put into the output leave by themselves. The connection
 * may be a socket, another bufferevent seen through a filter or TLS (bufferevent_ssl.h), or the
 * other half of a pair. Functions returning int answer 0 or, if the kind of bufferevent cannot do
 * it or something failed, -1, unless they say otherwise. */
#ifndef EVENT2_BUFFEREVENT_H_INCLUDED_
#define EVENT2_BUFFEREVENT_H_INCLUDED_

#include <event2/visibility.h>

#include <sys/time.h>
#include <sys/types.h>

#include <event2/util.h>

#ifdef __cplusplus
extern "C" {
#endif

struct bufferevent; /* laid open in bufferevent_struct.h */
struct evbuffer;
struct evdns_base;
struct event_base;
struct sockaddr;

/* ---- What the callbacks are told. */

/* In which direction, and what: the argument of the event callback. */
#define BEV_EVENT_READING 0x01
#define BEV_EVENT_WRITING 0x02
#define BEV_EVENT_EOF 0x10
#define BEV_EVENT_ERROR 0x20 /* errno, or EVUTIL_SOCKET_ERROR(), says which */
#define BEV_EVENT_TIMEOUT 0x40
#define BEV_EVENT_CONNECTED 0x80

/* The input has reached its low watermark, or the output has fallen to its own. */
typedef void (*bufferevent_data_cb)(struct bufferevent* bev, void* ctx);

/* Something other than data. Deferred callbacks may bring several BEV_EVENT_* together. */
typedef void (*bufferevent_event_cb)(struct bufferevent* bev, short what, void* ctx);

/* ---- Making them. */

enum bufferevent_options {
  BEV_OPT_CLOSE_ON_FREE = (1 << 0),   /* close what is underneath when this is freed */
  BEV_OPT_THREADSAFE = (1 << 1),      /* have a lock, if thread.h was asked for locks */
  BEV_OPT_DEFER_CALLBACKS = (1 << 2), /* call back from the loop only */
  BEV_OPT_UNLOCK_CALLBACKS = (1 << 3) /* call back without the lock; needs the one above */
};

/* Over a socket that does not block, or none yet if fd is -1. NULL on failure. */
EVENT2_EXPORT_SYMBOL
struct bufferevent* bufferevent_socket_new(struct event_base* base, evutil_socket_t fd,
                                           int options);

/* Start to connect, making a socket if there is none; with addr NULL, wait for a connect that is
 * under way already. The event callback learns of the end: BEV_EVENT_CONNECTED or BEV_EVENT_ERROR.
 */
EVENT2_EXPORT_SYMBOL
int bufferevent_socket_connect(struct bufferevent* bev, const struct sockaddr* addr, int socklen);

/* The same to a name or a numeric address, brackets around IPv6 allowed. The family is AF_INET,
 * AF_INET6 or AF_UNSPEC. Without an evdns_base the lookup blocks. */
EVENT2_EXPORT_SYMBOL
int bufferevent_socket_connect_hostname(struct bufferevent* bev, struct evdns_base* evdns_base,
                                        int family, const char* hostname, int port);

/* The EVUTIL_EAI_* code of that lookup, 0 if it did not fail. */
EVENT2_EXPORT_SYMBOL
int bufferevent_socket_get_dns_error(struct bufferevent* bev);

/* Two ends joined in memory: what is written to one is read from the other. */
EVENT2_EXPORT_SYMBOL
int bufferevent_pair_new(struct event_base* base, int options, struct bufferevent* pair[2]);

/* The other end, or NULL once it has been freed. */
EVENT2_EXPORT_SYMBOL
struct bufferevent* bufferevent_pair_get_partner(struct bufferevent* bev);

enum bufferevent_flush_mode {
  BEV_NORMAL = 0,  /* as is convenient */
  BEV_FLUSH = 1,   /* everything so far */
  BEV_FINISHED = 2 /* everything, and there will be no more */
};

enum bufferevent_filter_result {
  BEV_OK = 0,        /* something was produced */
  BEV_NEED_MORE = 1, /* nothing can be, until src has more */
  BEV_ERROR = 2      /* nothing ever will be */
};

/* Turn bytes of src into bytes of dst, preferably no more than dst_limit, which is -1 for any
 * number. */
typedef enum bufferevent_filter_result (*bufferevent_filter_cb)(struct evbuffer* src,
                                                                struct evbuffer* dst,
                                                                ev_ssize_t dst_limit,
                                                                enum bufferevent_flush_mode mode,
                                                                void* ctx);

/* What underlying carries, seen through a filter in each direction; NULL passes bytes on as they
 * are. free_context, unless NULL, is called with ctx in the end. */
EVENT2_EXPORT_SYMBOL
struct bufferevent* bufferevent_filter_new(struct bufferevent* underlying,
                                           bufferevent_filter_cb input_filter,
                                           bufferevent_filter_cb output_filter, int options,
                                           void (*free_context)(void*), void* ctx);

/* ---- Their life. */

/* Ends it: no callback follows, unwritten output is lost. Memory goes when the last reference has,
 * so it may be called from a callback. */
EVENT2_EXPORT_SYMBOL
void bufferevent_free(struct bufferevent* bufev);

/* A reference of the caller's own; giving it back returns 1 if it was the last. */
EVENT2_EXPORT_SYMBOL
void bufferevent_incref(struct bufferevent* bufev);
EVENT2_EXPORT_SYMBOL
int bufferevent_decref(struct bufferevent* bufev);

/* The lock, if BEV_OPT_THREADSAFE gave it one. */
EVENT2_EXPORT_SYMBOL
void bufferevent_lock(struct bufferevent* bufev);
EVENT2_EXPORT_SYMBOL
void bufferevent_unlock(struct bufferevent* bufev);

EVENT2_EXPORT_SYMBOL
struct event_base* bufferevent_get_base(struct bufferevent* bev);
EVENT2_EXPORT_SYMBOL
int bufferevent_base_set(struct event_base* base, struct bufferevent* bufev);

/* The priority of its events; sockets only. */
EVENT2_EXPORT_SYMBOL
int bufferevent_priority_set(struct bufferevent* bufev, int pri);
EVENT2_EXPORT_SYMBOL
int bufferevent_get_priority(const struct bufferevent* bufev);

/* The descriptor, -1 if none. Setting it does not close the one before. */
EVENT2_EXPORT_SYMBOL
int bufferevent_setfd(struct bufferevent* bufev, evutil_socket_t fd);
EVENT2_EXPORT_SYMBOL
evutil_socket_t bufferevent_getfd(struct bufferevent* bufev);

/* What a filter or TLS lies on; otherwise NULL. */
EVENT2_EXPORT_SYMBOL
struct bufferevent* bufferevent_get_underlying(struct bufferevent* bufev);

/* Any callback may be NULL, and so may any place for the answers. */
EVENT2_EXPORT_SYMBOL
void bufferevent_setcb(struct bufferevent* bufev, bufferevent_data_cb readcb,
                       bufferevent_data_cb writecb, bufferevent_event_cb eventcb, void* cbarg);
EVENT2_EXPORT_SYMBOL
void bufferevent_getcb(struct bufferevent* bufev, bufferevent_data_cb* readcb_ptr,
                       bufferevent_data_cb* writecb_ptr, bufferevent_event_cb* eventcb_ptr,
                       void** cbarg_ptr);

/* ---- Data. */

/* The buffers themselves. The input is for taking out of, the output for adding to. They belong to
 * the bufferevent. */
EVENT2_EXPORT_SYMBOL
struct evbuffer* bufferevent_get_input(struct bufferevent* bufev);
EVENT2_EXPORT_SYMBOL
struct evbuffer* bufferevent_get_output(struct bufferevent* bufev);

/* Copy into the output, or move all of buf there. */
EVENT2_EXPORT_SYMBOL
int bufferevent_write(struct bufferevent* bufev, const void* data, size_t size);
EVENT2_EXPORT_SYMBOL
int bufferevent_write_buffer(struct bufferevent* bufev, struct evbuffer* buf);

/* Copy out of the input, returning the number of bytes; or move all of it to buf. */
EVENT2_EXPORT_SYMBOL
size_t bufferevent_read(struct bufferevent* bufev, void* data, size_t size);
EVENT2_EXPORT_SYMBOL
int bufferevent_read_buffer(struct bufferevent* bufev, struct evbuffer* buf);

/* Push data on in the directions EV_READ and EV_WRITE of iotype. 1 if there was some, 0 if there
 * was none, -1 if that failed. */
EVENT2_EXPORT_SYMBOL
int bufferevent_flush(struct bufferevent* bufev, short iotype, enum bufferevent_flush_mode mode);

/* ---- When to move it. */

/* Allow, or stop, EV_READ and EV_WRITE. A new one allows writing. */
EVENT2_EXPORT_SYMBOL
int bufferevent_enable(struct bufferevent* bufev, short event);
EVENT2_EXPORT_SYMBOL
int bufferevent_disable(struct bufferevent* bufev, short event);
EVENT2_EXPORT_SYMBOL
short bufferevent_get_enabled(struct bufferevent* bufev);

/* How long a direction may make no progress while it wants to; NULL is for ever. When it runs out,
 * the direction is disabled and the event callback told. */
EVENT2_EXPORT_SYMBOL
int bufferevent_set_timeouts(struct bufferevent* bufev, const struct timeval* timeout_read,
                             const struct timeval* timeout_write);

/* For reading: call back from lowmark on, stop at highmark (0: never), which some kinds overshoot.
 * For writing: call back when the output is down to lowmark; filters above stop at highmark. */
EVENT2_EXPORT_SYMBOL
void bufferevent_setwatermark(struct bufferevent* bufev, short events, size_t lowmark,
                              size_t highmark);

/* 0 if events is EV_READ or EV_WRITE alone, otherwise nonzero and no answer. */
EVENT2_EXPORT_SYMBOL
int bufferevent_getwatermark(struct bufferevent* bufev, short events, size_t* lowmark,
                             size_t* highmark);

/* Have callbacks called without a cause. BEV_OPT_DEFER_CALLBACKS among the options means the same
 * as its namesake here. */
enum bufferevent_trigger_options {
  BEV_TRIG_IGNORE_WATERMARKS = (1 << 16),
  BEV_TRIG_DEFER_CALLBACKS = BEV_OPT_DEFER_CALLBACKS
};
EVENT2_EXPORT_SYMBOL
void bufferevent_trigger(struct bufferevent* bufev, short iotype, int options);
EVENT2_EXPORT_SYMBOL
void bufferevent_trigger_event(struct bufferevent* bufev, short what, int options);

/* The most that one turn reads or writes; 0 puts the default back. */
EVENT2_EXPORT_SYMBOL
int bufferevent_set_max_single_read(struct bufferevent* bev, size_t size);
EVENT2_EXPORT_SYMBOL
int bufferevent_set_max_single_write(struct bufferevent* bev, size_t size);
EVENT2_EXPORT_SYMBOL
ev_ssize_t bufferevent_get_max_single_read(struct bufferevent* bev);
EVENT2_EXPORT_SYMBOL
ev_ssize_t bufferevent_get_max_single_write(struct bufferevent* bev);

/* ---- Rate limits. Each direction has a bucket that fills by its rate every tick, up to its burst,
 * and empties with every byte. Sockets and TLS only. */

struct ev_token_bucket_cfg;          /* rates, bursts and tick: opaque */
struct bufferevent_rate_limit_group; /* bufferevents that share a bucket: opaque */

#define EV_RATE_LIMIT_MAX EV_SSIZE_MAX

/* tick_len NULL is a second; parts of a millisecond do not count. NULL on bad numbers. Free it when
 * no bufferevent uses it. */
EVENT2_EXPORT_SYMBOL
struct ev_token_bucket_cfg* ev_token_bucket_cfg_new(size_t read_rate, size_t read_burst,
                                                    size_t write_rate, size_t write_burst,
                                                    const struct timeval* tick_len);
EVENT2_EXPORT_SYMBOL
void ev_token_bucket_cfg_free(struct ev_token_bucket_cfg* cfg);

/* NULL lifts the limit. The configuration stays the caller's. */
EVENT2_EXPORT_SYMBOL
int bufferevent_set_rate_limit(struct bufferevent* bev, struct ev_token_bucket_cfg* cfg);
EVENT2_EXPORT_SYMBOL
const struct ev_token_bucket_cfg* bufferevent_get_token_bucket_cfg(const struct bufferevent* bev);

/* What is left in the buckets, less than nothing after an overdraft; EV_SSIZE_MAX if there is no
 * limit of its own. */
EVENT2_EXPORT_SYMBOL
ev_ssize_t bufferevent_get_read_limit(struct bufferevent* bev);
EVENT2_EXPORT_SYMBOL
ev_ssize_t bufferevent_get_write_limit(struct bufferevent* bev);

/* What the next turn may move, all limits considered. */
EVENT2_EXPORT_SYMBOL
ev_ssize_t bufferevent_get_max_to_read(struct bufferevent* bev);
EVENT2_EXPORT_SYMBOL
ev_ssize_t bufferevent_get_max_to_write(struct bufferevent* bev);

/* Take bytes out of a bucket, or put some in if negative. */
EVENT2_EXPORT_SYMBOL
int bufferevent_decrement_read_limit(struct bufferevent* bev, ev_ssize_t bytes);
EVENT2_EXPORT_SYMBOL
int bufferevent_decrement_write_limit(struct bufferevent* bev, ev_ssize_t bytes);

/* A group, whose ticks come from base and whose configuration is copied. It must be empty when it
 * is freed. */
EVENT2_EXPORT_SYMBOL
struct bufferevent_rate_limit_group* bufferevent_rate_limit_group_new(
    struct event_base* base, const struct ev_token_bucket_cfg* cfg);
EVENT2_EXPORT_SYMBOL
void bufferevent_rate_limit_group_free(struct bufferevent_rate_limit_group* group);
EVENT2_EXPORT_SYMBOL
int bufferevent_rate_limit_group_set_cfg(struct bufferevent_rate_limit_group* group,
                                         const struct ev_token_bucket_cfg* cfg);

/* Never hand a member less than this many bytes at a time (64 at first), so that packets do not
 * become tiny. */
EVENT2_EXPORT_SYMBOL
int bufferevent_rate_limit_group_set_min_share(struct bufferevent_rate_limit_group* group,
                                               size_t share);

/* A bufferevent is in one group at most: joining leaves the one before, g NULL just leaves. */
EVENT2_EXPORT_SYMBOL
int bufferevent_add_to_rate_limit_group(struct bufferevent* bev,
                                        struct bufferevent_rate_limit_group* g);
EVENT2_EXPORT_SYMBOL
int bufferevent_remove_from_rate_limit_group(struct bufferevent* bev);

/* The group's buckets, read and changed as those of a single one. */
EVENT2_EXPORT_SYMBOL
ev_ssize_t bufferevent_rate_limit_group_get_read_limit(struct bufferevent_rate_limit_group* group);
EVENT2_EXPORT_SYMBOL
ev_ssize_t bufferevent_rate_limit_group_get_write_limit(struct bufferevent_rate_limit_group* group);
EVENT2_EXPORT_SYMBOL
int bufferevent_rate_limit_group_decrement_read(struct bufferevent_rate_limit_group* group,
                                                ev_ssize_t bytes);
EVENT2_EXPORT_SYMBOL
int bufferevent_rate_limit_group_decrement_write(struct bufferevent_rate_limit_group* group,
                                                 ev_ssize_t bytes);

/* All that its members ever moved, or since the totals were last reset. */
EVENT2_EXPORT_SYMBOL
void bufferevent_rate_limit_group_get_totals(struct bufferevent_rate_limit_group* group,
                                             ev_uint64_t* total_read, ev_uint64_t* total_written);
EVENT2_EXPORT_SYMBOL
void bufferevent_rate_limit_group_reset_totals(struct bufferevent_rate_limit_group* group);

#ifdef __cplusplus
}
#endif

#endif /* EVENT2_BUFFEREVENT_H_INCLUDED_ */
