/* The accessors of rpc.h as libevent 1.x had them: GNU C, any number of arguments. */
#ifndef EVENT2_RPC_COMPAT_H_INCLUDED_
#define EVENT2_RPC_COMPAT_H_INCLUDED_

#if defined(__GNUC__) && !defined(__STRICT_ANSI__)

#undef EVTAG_ADD
#undef EVTAG_ASSIGN
#undef EVTAG_GET

#define EVTAG_ADD(msg, member, ...) (*(msg)->base->member##_add)(msg, ##__VA_ARGS__)
#define EVTAG_ASSIGN(msg, member, ...) (*(msg)->base->member##_assign)(msg, ##__VA_ARGS__)
#define EVTAG_GET(msg, member, ...) (*(msg)->base->member##_get)(msg, ##__VA_ARGS__)

#endif

#define EVTAG_LEN(msg, member) ((msg)->member##_length)

#endif /* EVENT2_RPC_COMPAT_H_INCLUDED_ */
