/* A query as a nameserver of dns.h gets to see it. */
#ifndef EVENT2_DNS_STRUCT_H_INCLUDED_
#define EVENT2_DNS_STRUCT_H_INCLUDED_

#include <event2/event-config.h>
#include <event2/util.h>
#include <sys/time.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct evdns_server_question {
  int type; /* EVDNS_TYPE_* or EVDNS_QTYPE_* */
  /* "class" was this member's name first, and old programs in C still call it that. */
#ifdef __cplusplus
  int dns_question_class;
#else
  int class;
#define dns_question_class class
#endif
  char name[1]; /* as long as it needs to be, and terminated */
};

struct evdns_server_request {
  int flags; /* as in the header of the message */
  int nquestions;
  struct evdns_server_question** questions;
};

#ifdef __cplusplus
}
#endif

#endif /* EVENT2_DNS_STRUCT_H_INCLUDED_ */
