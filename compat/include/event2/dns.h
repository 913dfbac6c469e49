/* DNS without blocking: a resolver that asks the nameservers of an evdns_base and calls back, and
 * what it takes to be a nameserver oneself. A server that does not answer is left alone for a
 * while, probed, and used again when it does. Functions returning int answer 0, or nonzero when
 * they failed, unless they say otherwise. */
#ifndef EVENT2_DNS_H_INCLUDED_
#define EVENT2_DNS_H_INCLUDED_

#include <event2/visibility.h>

#include <event2/util.h>

#ifdef __cplusplus
extern "C" {
#endif

struct evdns_base;                /* a resolver: opaque */
struct evdns_getaddrinfo_request; /* a lookup under way: opaque */
struct evdns_request;             /* a single query under way: opaque */
struct evdns_server_port;         /* a socket that queries come to: opaque */
struct evdns_server_question;     /* laid open, like the next, in dns_struct.h */
struct evdns_server_request;
struct event_base;
struct in6_addr;
struct in_addr;
struct sockaddr;

/* ---- Results. */

/* 0 to 5 come from the server, by RFC 1035; the others from here. */
#define DNS_ERR_NONE 0
#define DNS_ERR_FORMAT 1
#define DNS_ERR_SERVERFAILED 2
#define DNS_ERR_NOTEXIST 3
#define DNS_ERR_NOTIMPL 4
#define DNS_ERR_REFUSED 5
#define DNS_ERR_TRUNCATED 65 /* the answer was cut short or garbled */
#define DNS_ERR_UNKNOWN 66
#define DNS_ERR_TIMEOUT 67
#define DNS_ERR_SHUTDOWN 68 /* the resolver was freed */
#define DNS_ERR_CANCEL 69   /* evdns_cancel_request was called */
#define DNS_ERR_NODATA 70   /* the name exists, but has no record of this type */

EVENT2_EXPORT_SYMBOL
const char* evdns_err_to_string(int err);

/* What addresses points at: count times 4 or 16 bytes in network order, or a C string. */
#define DNS_IPv4_A 1
#define DNS_PTR 2
#define DNS_IPv6_AAAA 3

/* result is a DNS_ERR_*; ttl is in seconds; addresses is good for the duration of the call. */
typedef void (*evdns_callback_type)(int result, char type, int count, int ttl, void* addresses,
                                    void* arg);

/* ---- A resolver. */

#define EVDNS_BASE_INITIALIZE_NAMESERVERS 1       /* read resolv.conf and the hosts file */
#define EVDNS_BASE_DISABLE_WHEN_INACTIVE 0x8000   /* keep the loop alive only for queries */
#define EVDNS_BASE_NAMESERVERS_NO_DEFAULT 0x10000 /* do not fall back to 127.0.0.1 */

/* NULL on failure. */
EVENT2_EXPORT_SYMBOL
struct evdns_base* evdns_base_new(struct event_base* event_base, int flags);

/* Queries under way get DNS_ERR_SHUTDOWN if fail_requests, and are dropped in silence if not. */
EVENT2_EXPORT_SYMBOL
void evdns_base_free(struct evdns_base* base, int fail_requests);

/* ---- Its nameservers. */

/* An address in network order; "1.2.3.4:53", "[::1]:53" and shorter forms; a socket address, with
 * flags 0. The port is 53 unless given. */
EVENT2_EXPORT_SYMBOL
int evdns_base_nameserver_add(struct evdns_base* base, unsigned long int address);
EVENT2_EXPORT_SYMBOL
int evdns_base_nameserver_ip_add(struct evdns_base* base, const char* ip_as_string);
EVENT2_EXPORT_SYMBOL
int evdns_base_nameserver_sockaddr_add(struct evdns_base* base, const struct sockaddr* sa,
                                       ev_socklen_t len, unsigned flags);

/* How many there are, answering or not. */
EVENT2_EXPORT_SYMBOL
int evdns_base_count_nameservers(struct evdns_base* base);

/* Write the address of number idx to sa. Returns its length, which did not fit if greater than len,
 * or -1 if there is no such nameserver. */
EVENT2_EXPORT_SYMBOL
int evdns_base_get_nameserver_addr(struct evdns_base* base, int idx, struct sockaddr* sa,
                                   ev_socklen_t len);

/* Forget them all and hold what is under way, until resumed with others. */
EVENT2_EXPORT_SYMBOL
int evdns_base_clear_nameservers_and_suspend(struct evdns_base* base);
EVENT2_EXPORT_SYMBOL
int evdns_base_resume(struct evdns_base* base);

/* ---- Its configuration. */

/* What to take from a resolv.conf. */
#define DNS_OPTION_SEARCH 1
#define DNS_OPTION_NAMESERVERS 2
#define DNS_OPTION_MISC 4      /* "options": timeout, attempts, and our own further down */
#define DNS_OPTION_HOSTSFILE 8 /* the hosts file, too */
#define DNS_OPTIONS_ALL \
  (DNS_OPTION_SEARCH | DNS_OPTION_NAMESERVERS | DNS_OPTION_MISC | DNS_OPTION_HOSTSFILE)
#define DNS_OPTION_NAMESERVERS_NO_DEFAULT 16 /* do not fall back to 127.0.0.1 */

/* 0, or: 1 not opened, 2 not examined, 3 too large, 4 no memory, 5 not read in full, 6 names no
 * nameserver, in which case the default one is used. */
EVENT2_EXPORT_SYMBOL
int evdns_base_resolv_conf_parse(struct evdns_base* base, int flags, const char* const filename);

/* One option. Of queries: attempts, timeout, ndots, randomize-case, max-inflight. Of nameservers:
 * max-timeouts, initial-probe-timeout. Of sockets: so-rcvbuf, so-sndbuf, bind-to. Of
 * evdns_getaddrinfo: getaddrinfo-allow-skew. A colon behind the name is allowed. */
EVENT2_EXPORT_SYMBOL
int evdns_base_set_option(struct evdns_base* base, const char* option, const char* val);

/* Domains to be tried behind a name with fewer than ndots dots. */
EVENT2_EXPORT_SYMBOL
void evdns_base_search_add(struct evdns_base* base, const char* domain);
EVENT2_EXPORT_SYMBOL
void evdns_base_search_clear(struct evdns_base* base);
EVENT2_EXPORT_SYMBOL
void evdns_base_search_ndots_set(struct evdns_base* base, const int ndots);

/* Add the names of a hosts file; just localhost if NULL. For evdns_getaddrinfo only. */
EVENT2_EXPORT_SYMBOL
int evdns_base_load_hosts(struct evdns_base* base, const char* hosts_fname);
EVENT2_EXPORT_SYMBOL
void evdns_base_clear_host_addresses(struct evdns_base* base);

/* ---- Single queries. */

#define DNS_QUERY_NO_SEARCH 1 /* the name as it is */
#define DNS_NO_SEARCH DNS_QUERY_NO_SEARCH

/* A, AAAA, or the name of an address. NULL if the query could not be made, and then there is no
 * call back. */
EVENT2_EXPORT_SYMBOL
struct evdns_request* evdns_base_resolve_ipv4(struct evdns_base* base, const char* name, int flags,
                                              evdns_callback_type callback, void* ptr);
EVENT2_EXPORT_SYMBOL
struct evdns_request* evdns_base_resolve_ipv6(struct evdns_base* base, const char* name, int flags,
                                              evdns_callback_type callback, void* ptr);
EVENT2_EXPORT_SYMBOL
struct evdns_request* evdns_base_resolve_reverse(struct evdns_base* base, const struct in_addr* in,
                                                 int flags, evdns_callback_type callback,
                                                 void* ptr);
EVENT2_EXPORT_SYMBOL
struct evdns_request* evdns_base_resolve_reverse_ipv6(struct evdns_base* base,
                                                      const struct in6_addr* in, int flags,
                                                      evdns_callback_type callback, void* ptr);

/* The callback gets DNS_ERR_CANCEL. Not after it has been called. */
EVENT2_EXPORT_SYMBOL
void evdns_cancel_request(struct evdns_base* base, struct evdns_request* req);

/* ---- getaddrinfo. */

/* result is 0 or an EVUTIL_EAI_*; res is the callback's, for evutil_freeaddrinfo. */
typedef void (*evdns_getaddrinfo_cb)(int result, struct evutil_addrinfo* res, void* arg);

/* When the answer is known at once, cb is called before this returns NULL. Knows TCP, UDP, and no
 * preference; takes no notice of AI_V4MAPPED and AI_ALL. */
EVENT2_EXPORT_SYMBOL
struct evdns_getaddrinfo_request* evdns_getaddrinfo(struct evdns_base* dns_base,
                                                    const char* nodename, const char* servname,
                                                    const struct evutil_addrinfo* hints_in,
                                                    evdns_getaddrinfo_cb cb, void* arg);

/* The callback gets EVUTIL_EAI_CANCEL. Not after it has been called. */
EVENT2_EXPORT_SYMBOL
void evdns_getaddrinfo_cancel(struct evdns_getaddrinfo_request* req);

/* ---- For all resolvers of the process. */

typedef void (*evdns_debug_log_fn_type)(int is_warning, const char* msg);

/* Messages of this part go to fn, instead of where the library's go. */
EVENT2_EXPORT_SYMBOL
void evdns_set_log_fn(evdns_debug_log_fn_type fn);

/* Without effect: randomness is the library's own, from util.h. */
EVENT2_EXPORT_SYMBOL
void evdns_set_transaction_id_fn(ev_uint16_t (*fn)(void));
EVENT2_EXPORT_SYMBOL
void evdns_set_random_bytes_fn(void (*fn)(char*, size_t));

/* ---- Being a nameserver. */

#define EVDNS_ANSWER_SECTION 0
#define EVDNS_AUTHORITY_SECTION 1
#define EVDNS_ADDITIONAL_SECTION 2

#define EVDNS_TYPE_A 1
#define EVDNS_TYPE_NS 2
#define EVDNS_TYPE_CNAME 5
#define EVDNS_TYPE_SOA 6
#define EVDNS_TYPE_PTR 12
#define EVDNS_TYPE_MX 15
#define EVDNS_TYPE_TXT 16
#define EVDNS_TYPE_AAAA 28

#define EVDNS_QTYPE_AXFR 252
#define EVDNS_QTYPE_ALL 255

#define EVDNS_CLASS_INET 1

/* Bits of the answer's header. */
#define EVDNS_FLAGS_AA 0x400
#define EVDNS_FLAGS_RD 0x080

/* Adds answers to req, then responds or drops. */
typedef void (*evdns_request_callback_fn_type)(struct evdns_server_request* req, void* user_data);

/* Queries that arrive at a UDP socket, which then belongs to the port. flags is 0. NULL on
 * failure. */
EVENT2_EXPORT_SYMBOL
struct evdns_server_port* evdns_add_server_port_with_base(struct event_base* base,
                                                          evutil_socket_t socket, int flags,
                                                          evdns_request_callback_fn_type callback,
                                                          void* user_data);
EVENT2_EXPORT_SYMBOL
void evdns_close_server_port(struct evdns_server_port* port);

/* Who asked. Returns the length of the address, -1 if it does not fit. */
EVENT2_EXPORT_SYMBOL
int evdns_server_request_get_requesting_addr(struct evdns_server_request* req, struct sockaddr* sa,
                                             int addr_len);

/* One record of any type; data is datalen bytes, or a domain name if is_name. */
EVENT2_EXPORT_SYMBOL
int evdns_server_request_add_reply(struct evdns_server_request* req, int section, const char* name,
                                   int type, int dns_class, int ttl, int datalen, int is_name,
                                   const char* data);

/* Answers of the common types. The PTR one takes the address, or the name already spelled out. */
EVENT2_EXPORT_SYMBOL
int evdns_server_request_add_a_reply(struct evdns_server_request* req, const char* name, int n,
                                     const void* addrs, int ttl);
EVENT2_EXPORT_SYMBOL
int evdns_server_request_add_aaaa_reply(struct evdns_server_request* req, const char* name, int n,
                                        const void* addrs, int ttl);
EVENT2_EXPORT_SYMBOL
int evdns_server_request_add_cname_reply(struct evdns_server_request* req, const char* name,
                                         const char* cname, int ttl);
EVENT2_EXPORT_SYMBOL
int evdns_server_request_add_ptr_reply(struct evdns_server_request* req, struct in_addr* in,
                                       const char* inaddr_name, const char* hostname, int ttl);

EVENT2_EXPORT_SYMBOL
void evdns_server_request_set_flags(struct evdns_server_request* req, int flags);

/* Either frees the request. err is a DNS_ERR_* of the first kind. */
EVENT2_EXPORT_SYMBOL
int evdns_server_request_respond(struct evdns_server_request* req, int err);
EVENT2_EXPORT_SYMBOL
int evdns_server_request_drop(struct evdns_server_request* req);

#ifdef __cplusplus
}
#endif

#endif /* EVENT2_DNS_H_INCLUDED_ */
