/* Portable odds and ends: integer types of known width, sockets, time, addresses, name lookup,
 * locale-free strings, and strong random bytes. Needs no event_base and no library state but the
 * random generator's. Unless stated otherwise a function returns 0 when it worked and -1, with
 * errno set by the system, when it did not. */
#ifndef EVENT2_UTIL_H_INCLUDED_
#define EVENT2_UTIL_H_INCLUDED_

#include <event2/visibility.h>

#include <errno.h>
#include <netdb.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Integer types. Macros rather than typedefs, because programs test them with #ifdef. */

#define ev_int8_t int8_t
#define ev_uint8_t uint8_t
#define ev_int16_t int16_t
#define ev_uint16_t uint16_t
#define ev_int32_t int32_t
#define ev_uint32_t uint32_t
#define ev_int64_t int64_t
#define ev_uint64_t uint64_t
#define ev_intptr_t intptr_t
#define ev_uintptr_t uintptr_t
#define ev_ssize_t ssize_t
#define ev_socklen_t socklen_t

/* An offset in a file, as wide in every program as it is in the library: not off_t, whose width a
 * program chooses for itself. */
#if EVENT__SIZEOF_OFF_T == 8
#define ev_off_t ev_int64_t
#else
#define ev_off_t ev_int32_t
#endif

#define EV_INT8_MIN INT8_MIN
#define EV_INT8_MAX INT8_MAX
#define EV_UINT8_MAX UINT8_MAX
#define EV_INT16_MIN INT16_MIN
#define EV_INT16_MAX INT16_MAX
#define EV_UINT16_MAX UINT16_MAX
#define EV_INT32_MIN INT32_MIN
#define EV_INT32_MAX INT32_MAX
#define EV_UINT32_MAX UINT32_MAX
#define EV_INT64_MIN INT64_MIN
#define EV_INT64_MAX INT64_MAX
#define EV_UINT64_MAX UINT64_MAX

#if EVENT__SIZEOF_SIZE_T == 8
#define EV_SIZE_MAX EV_UINT64_MAX
#define EV_SSIZE_MAX EV_INT64_MAX
#else
#define EV_SIZE_MAX EV_UINT32_MAX
#define EV_SSIZE_MAX EV_INT32_MAX
#endif
#define EV_SSIZE_MIN ((-EV_SSIZE_MAX) - 1)

#ifdef offsetof
#define evutil_offsetof(type, field) offsetof(type, field)
#else
#define evutil_offsetof(type, field) __builtin_offsetof(type, field)
#endif

/* ---- Sockets. */

#define evutil_socket_t int
#define EVUTIL_INVALID_SOCKET -1

/* Where a socket call left its error. The socket itself is not asked. */
#define EVUTIL_SOCKET_ERROR() (errno)
#define EVUTIL_SET_SOCKET_ERROR(errcode) \
  do {                                   \
    errno = (errcode);                   \
  } while (0)
#define evutil_socket_geterror(sock) (errno)
#define evutil_socket_error_to_string(errcode) (strerror(errcode))

/* A connected pair in sv[0] and sv[1], as socketpair(2). The caller closes both. */
EVENT2_EXPORT_SYMBOL
int evutil_socketpair(int family, int type, int protocol, evutil_socket_t sv[2]);

EVENT2_EXPORT_SYMBOL
int evutil_closesocket(evutil_socket_t sock);
#define EVUTIL_CLOSESOCKET(s) evutil_closesocket(s)

EVENT2_EXPORT_SYMBOL
int evutil_make_socket_nonblocking(evutil_socket_t sock);

EVENT2_EXPORT_SYMBOL
int evutil_make_socket_closeonexec(evutil_socket_t sock);

/* The address may be bound again as soon as this listener has gone (SO_REUSEADDR). */
EVENT2_EXPORT_SYMBOL
int evutil_make_listen_socket_reuseable(evutil_socket_t sock);

/* Several sockets that all ask for it may listen on one port at a time (SO_REUSEPORT). */
EVENT2_EXPORT_SYMBOL
int evutil_make_listen_socket_reuseable_port(evutil_socket_t sock);

/* Leave the port free for an IPv4 listener: no IPv4-mapped peers (IPV6_V6ONLY). */
EVENT2_EXPORT_SYMBOL
int evutil_make_listen_socket_ipv6only(evutil_socket_t sock);

/* Accept a connection only when its first data has come (TCP_DEFER_ACCEPT); for protocols in which
 * the client speaks first. 0 also where the system cannot do it. */
EVENT2_EXPORT_SYMBOL
int evutil_make_tcp_listen_socket_deferred(evutil_socket_t sock);

/* ---- Time. */

/* struct timeval arithmetic. Every argument may be evaluated more than once. */
#define evutil_timerclear(tvp) ((tvp)->tv_sec = (tvp)->tv_usec = 0)
#define evutil_timerisset(tvp) ((tvp)->tv_sec != 0 || (tvp)->tv_usec != 0)

/* True if a OP b, for OP one of == != < <= > >= . Seconds decide unless they are equal. */
#define evutil_timercmp(tvp, uvp, cmp)                               \
  ((tvp)->tv_sec != (uvp)->tv_sec ? ((tvp)->tv_sec cmp(uvp)->tv_sec) \
                                  : ((tvp)->tv_usec cmp(uvp)->tv_usec))

/* sum = a + b and difference = a - b, with the microseconds carried into 0 ... 999999. */
#define evutil_timeradd(tvp, uvp, vvp)                \
  do {                                                \
    (vvp)->tv_sec = (tvp)->tv_sec + (uvp)->tv_sec;    \
    (vvp)->tv_usec = (tvp)->tv_usec + (uvp)->tv_usec; \
    if ((vvp)->tv_usec >= 1000000) {                  \
      (vvp)->tv_usec -= 1000000;                      \
      ++(vvp)->tv_sec;                                \
    }                                                 \
  } while (0)
#define evutil_timersub(tvp, uvp, vvp)                \
  do {                                                \
    (vvp)->tv_sec = (tvp)->tv_sec - (uvp)->tv_sec;    \
    (vvp)->tv_usec = (tvp)->tv_usec - (uvp)->tv_usec; \
    if ((vvp)->tv_usec < 0) {                         \
      (vvp)->tv_usec += 1000000;                      \
      --(vvp)->tv_sec;                                \
    }                                                 \
  } while (0)

#define evutil_gettimeofday(tv, tz) gettimeofday((tv), (tz))

/* Write the date of an HTTP header ("Sun, 06 Nov 1994 08:49:37 GMT"); tm is in UTC, NULL is now.
 * Returns the length without the NUL, cut off if not less than datelen, as snprintf. */
EVENT2_EXPORT_SYMBOL
int evutil_date_rfc1123(char* date, const size_t datelen, const struct tm* tm);

/* A clock that never runs backwards. Its epoch means nothing: use differences. Make one, configure
 * it, then ask it, from one thread at a time; the caller frees it. evutil_monotonic_timer_new
 * returns NULL when there is no memory. */
struct evutil_monotonic_timer;

#define EV_MONOT_PRECISE 1  /* the finest clock there is, even where a coarse one is cheaper */
#define EV_MONOT_FALLBACK 2 /* the wall clock, held from going back: for tests of that case */

EVENT2_EXPORT_SYMBOL
struct evutil_monotonic_timer* evutil_monotonic_timer_new(void);
EVENT2_EXPORT_SYMBOL
void evutil_monotonic_timer_free(struct evutil_monotonic_timer* timer);
EVENT2_EXPORT_SYMBOL
int evutil_configure_monotonic_time(struct evutil_monotonic_timer* timer, int flags);
EVENT2_EXPORT_SYMBOL
int evutil_gettime_monotonic(struct evutil_monotonic_timer* timer, struct timeval* tp);

/* ---- Strings. The comparisons know ASCII only, whatever the locale. */

/* snprintf with C99's return value, and a terminated buffer whenever buflen is not 0. */
EVENT2_EXPORT_SYMBOL
int evutil_snprintf(char* buf, size_t buflen, const char* format, ...)
#ifdef __GNUC__
    __attribute__((format(printf, 3, 4)))
#endif
    ;
EVENT2_EXPORT_SYMBOL
int evutil_vsnprintf(char* buf, size_t buflen, const char* format, va_list ap)
#ifdef __GNUC__
    __attribute__((format(printf, 3, 0)))
#endif
    ;

EVENT2_EXPORT_SYMBOL
int evutil_ascii_strcasecmp(const char* str1, const char* str2);
EVENT2_EXPORT_SYMBOL
int evutil_ascii_strncasecmp(const char* str1, const char* str2, size_t n);

/* strtol for 64 bits, with the same treatment of endptr, base and overflow. */
EVENT2_EXPORT_SYMBOL
ev_int64_t evutil_strtoll(const char* s, char** endptr, int base);

/* ---- Addresses. */

struct sockaddr;

/* inet_ntop and inet_pton: NULL, or 0 or -1, when the address or the family is no good. */
EVENT2_EXPORT_SYMBOL
const char* evutil_inet_ntop(int af, const void* src, char* dst, size_t len);
EVENT2_EXPORT_SYMBOL
int evutil_inet_pton(int af, const char* src, void* dst);

/* evutil_inet_pton, and a "%eth0" or "%2" after an IPv6 address goes to *indexp as an interface
 * index. */
EVENT2_EXPORT_SYMBOL
int evutil_inet_pton_scope(int af, const char* src, void* dst, unsigned* indexp);

/* Parse "1.2.3.4", "1.2.3.4:80", "::1", "[::1]" or "[::1]:80"; no port gives port 0. *outlen is the
 * room at out, and on success what was used of it. -1 if the text is malformed or out too small. */
EVENT2_EXPORT_SYMBOL
int evutil_parse_sockaddr_port(const char* str, struct sockaddr* out, int* outlen);

/* Order two addresses of AF_INET or AF_INET6, their ports too if include_port: <0, 0 or >0. Only
 * the 0 means anything outside one process. */
EVENT2_EXPORT_SYMBOL
int evutil_sockaddr_cmp(const struct sockaddr* sa1, const struct sockaddr* sa2, int include_port);

/* ---- Name lookup, blocking. For one that does not block see evdns_getaddrinfo in dns.h. */

#define evutil_addrinfo addrinfo

/* Error codes. The system's own wherever it has one: some libcs drop a few, and one pair may be two
 * names for one number. */
#ifdef EAI_ADDRFAMILY
#define EVUTIL_EAI_ADDRFAMILY EAI_ADDRFAMILY
#else
#define EVUTIL_EAI_ADDRFAMILY -901
#endif
#ifdef EAI_AGAIN
#define EVUTIL_EAI_AGAIN EAI_AGAIN
#else
#define EVUTIL_EAI_AGAIN -902
#endif
#ifdef EAI_BADFLAGS
#define EVUTIL_EAI_BADFLAGS EAI_BADFLAGS
#else
#define EVUTIL_EAI_BADFLAGS -903
#endif
#ifdef EAI_FAIL
#define EVUTIL_EAI_FAIL EAI_FAIL
#else
#define EVUTIL_EAI_FAIL -904
#endif
#ifdef EAI_FAMILY
#define EVUTIL_EAI_FAMILY EAI_FAMILY
#else
#define EVUTIL_EAI_FAMILY -905
#endif
#ifdef EAI_MEMORY
#define EVUTIL_EAI_MEMORY EAI_MEMORY
#else
#define EVUTIL_EAI_MEMORY -906
#endif
#if defined(EAI_NODATA) && !(defined(EAI_NONAME) && EAI_NODATA == EAI_NONAME)
#define EVUTIL_EAI_NODATA EAI_NODATA
#else
#define EVUTIL_EAI_NODATA -907
#endif
#ifdef EAI_NONAME
#define EVUTIL_EAI_NONAME EAI_NONAME
#else
#define EVUTIL_EAI_NONAME -908
#endif
#ifdef EAI_SERVICE
#define EVUTIL_EAI_SERVICE EAI_SERVICE
#else
#define EVUTIL_EAI_SERVICE -909
#endif
#ifdef EAI_SOCKTYPE
#define EVUTIL_EAI_SOCKTYPE EAI_SOCKTYPE
#else
#define EVUTIL_EAI_SOCKTYPE -910
#endif
#ifdef EAI_SYSTEM
#define EVUTIL_EAI_SYSTEM EAI_SYSTEM
#else
#define EVUTIL_EAI_SYSTEM -911
#endif
#define EVUTIL_EAI_CANCEL -90001 /* evdns_getaddrinfo_cancel was called */

/* Hints, for ai_flags. */
#ifdef AI_PASSIVE
#define EVUTIL_AI_PASSIVE AI_PASSIVE
#else
#define EVUTIL_AI_PASSIVE 0x1000
#endif
#ifdef AI_CANONNAME
#define EVUTIL_AI_CANONNAME AI_CANONNAME
#else
#define EVUTIL_AI_CANONNAME 0x2000
#endif
#ifdef AI_NUMERICHOST
#define EVUTIL_AI_NUMERICHOST AI_NUMERICHOST
#else
#define EVUTIL_AI_NUMERICHOST 0x4000
#endif
#ifdef AI_NUMERICSERV
#define EVUTIL_AI_NUMERICSERV AI_NUMERICSERV
#else
#define EVUTIL_AI_NUMERICSERV 0x8000
#endif
#ifdef AI_V4MAPPED
#define EVUTIL_AI_V4MAPPED AI_V4MAPPED
#else
#define EVUTIL_AI_V4MAPPED 0x10000
#endif
#ifdef AI_ALL
#define EVUTIL_AI_ALL AI_ALL
#else
#define EVUTIL_AI_ALL 0x20000
#endif
#ifdef AI_ADDRCONFIG
#define EVUTIL_AI_ADDRCONFIG AI_ADDRCONFIG
#else
#define EVUTIL_AI_ADDRCONFIG 0x40000
#endif

struct evutil_addrinfo;

/* getaddrinfo(3). Returns 0 or an EVUTIL_EAI_* code; *res goes back through evutil_freeaddrinfo, as
 * does the answer of evdns_getaddrinfo. */
EVENT2_EXPORT_SYMBOL
int evutil_getaddrinfo(const char* nodename, const char* servname,
                       const struct evutil_addrinfo* hints_in, struct evutil_addrinfo** res);
EVENT2_EXPORT_SYMBOL
void evutil_freeaddrinfo(struct evutil_addrinfo* ai);
EVENT2_EXPORT_SYMBOL
const char* evutil_gai_strerror(int err);

/* ---- Random bytes that nobody can predict. */

/* Fill buf. The generator seeds itself from the system the first time, and cannot fail later. */
EVENT2_EXPORT_SYMBOL
void evutil_secure_rng_get_bytes(void* buf, size_t n);

/* Seed now: worth calling before a chroot or a sandbox takes the entropy source away. */
EVENT2_EXPORT_SYMBOL
int evutil_secure_rng_init(void);

/* Read seeds from this file instead of /dev/urandom. Call before anything else of the generator;
 * the name is kept, not copied. */
EVENT2_EXPORT_SYMBOL
int evutil_secure_rng_set_urandom_device_file(char* fname);

/* Stir further bytes in. Never needed, and never a substitute for the system's entropy. */
EVENT2_EXPORT_SYMBOL
void evutil_secure_rng_add_bytes(const char* dat, size_t datlen);

#ifdef __cplusplus
}
#endif

#endif /* EVENT2_UTIL_H_INCLUDED_ */
