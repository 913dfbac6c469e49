/* evutil_getaddrinfo on numbers, null names and flags (no test needs a resolver), releasing its
 * answers, and the texts of its errors. */
#include "conformance/event/suite.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

struct answer {
  int error;
  int count;
  char text[256]; /* "1.2.3.4:80/1/6 ..." */
};

static struct answer ask(const char* name, const char* service, struct evutil_addrinfo hints) {
  struct answer answer = {0};
  struct evutil_addrinfo* all = NULL;
  size_t length = 0;
  answer.error = evutil_getaddrinfo(name, service, &hints, &all);
  for (struct evutil_addrinfo* one = all; one != NULL; one = one->ai_next) {
    char host[64];
    int six = one->ai_family == AF_INET6;
    const void* bytes = six ? (void*)&((struct sockaddr_in6*)one->ai_addr)->sin6_addr
                            : (void*)&((struct sockaddr_in*)one->ai_addr)->sin_addr;
    int port = ntohs(((struct sockaddr_in*)one->ai_addr)->sin_port);
    assert_int_equal(one->ai_addrlen,
                     six ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in));
    evutil_inet_ntop(one->ai_family, bytes, host, sizeof host);
    length += (size_t)evutil_snprintf(answer.text + length, sizeof answer.text - length,
                                      "%s%s:%d/%d/%d", answer.count ? " " : "", host, port,
                                      one->ai_socktype, one->ai_protocol);
    answer.count++;
  }
  if (all != NULL) evutil_freeaddrinfo(all);
  return answer;
}

static void a_number_and_a_port_give_one_address(void** state) {
  (void)state;
  struct answer four = ask("127.0.0.1", "80", (struct evutil_addrinfo){.ai_socktype = SOCK_STREAM});
  assert_int_equal(four.error, 0);
  assert_string_equal(four.text, "127.0.0.1:80/1/6");
  struct answer six =
      ask("::1", "80",
          (struct evutil_addrinfo){.ai_socktype = SOCK_DGRAM, .ai_flags = EVUTIL_AI_NUMERICHOST});
  assert_int_equal(six.error, 0);
  assert_string_equal(six.text, "::1:80/2/17");
}

static void a_protocol_chooses_the_socket_type(void** state) {
  (void)state;
  struct answer tcp = ask("1.2.3.4", "80", (struct evutil_addrinfo){.ai_protocol = IPPROTO_TCP});
  assert_string_equal(tcp.text, "1.2.3.4:80/1/6");
  struct answer udp = ask("1.2.3.4", "80", (struct evutil_addrinfo){.ai_protocol = IPPROTO_UDP});
  assert_string_equal(udp.text, "1.2.3.4:80/2/17");
}

static void no_hints_give_every_socket_type(void** state) {
  (void)state;
  struct evutil_addrinfo* all = NULL;
  assert_int_equal(evutil_getaddrinfo("1.2.3.4", "80", NULL, &all), 0);
  int streams = 0, datagrams = 0;
  for (struct evutil_addrinfo* one = all; one != NULL; one = one->ai_next) {
    streams += one->ai_socktype == SOCK_STREAM;
    datagrams += one->ai_socktype == SOCK_DGRAM;
  }
  assert_int_equal(streams, 1);
  assert_int_equal(datagrams, 1);
  evutil_freeaddrinfo(all);
}

static void no_name_is_the_loopback_or_the_wildcard(void** state) {
  (void)state;
  struct evutil_addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
  assert_string_equal(ask(NULL, "80", hints).text, "127.0.0.1:80/1/6");
  hints.ai_flags = EVUTIL_AI_PASSIVE;
  assert_string_equal(ask(NULL, "80", hints).text, "0.0.0.0:80/1/6");
  hints.ai_family = AF_INET6;
  assert_string_equal(ask(NULL, "80", hints).text, ":::80/1/6");
}

static void no_service_is_port_zero(void** state) {
  (void)state;
  struct evutil_addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_DGRAM};
  assert_string_equal(ask("127.0.0.1", NULL, hints).text, "127.0.0.1:0/2/17");
}

static void mapped_addresses_are_made_when_asked_for(void** state) {
  (void)state;
  struct evutil_addrinfo hints = {.ai_family = AF_INET6,
                                  .ai_socktype = SOCK_STREAM,
                                  .ai_flags = EVUTIL_AI_V4MAPPED | EVUTIL_AI_NUMERICHOST};
  assert_string_equal(ask("1.2.3.4", "80", hints).text, "::ffff:1.2.3.4:80/1/6");
}

static void the_canonical_name_of_a_number_is_itself(void** state) {
  (void)state;
  struct evutil_addrinfo hints = {.ai_family = AF_INET,
                                  .ai_socktype = SOCK_STREAM,
                                  .ai_flags = EVUTIL_AI_CANONNAME | EVUTIL_AI_NUMERICHOST};
  struct evutil_addrinfo* all = NULL;
  assert_int_equal(evutil_getaddrinfo("127.0.0.1", "80", &hints, &all), 0);
  assert_string_equal(all->ai_canonname, "127.0.0.1");
  evutil_freeaddrinfo(all);
}

static void impossible_requests_get_their_error(void** state) {
  (void)state;
  static const struct {
    const char *name, *service;
    struct evutil_addrinfo hints;
    int error;
  } table[] = {
      {NULL, NULL, {.ai_family = AF_INET}, EVUTIL_EAI_NONAME},
      {"no.such.name.", "80", {.ai_flags = EVUTIL_AI_NUMERICHOST}, EVUTIL_EAI_NONAME},
      {"", "80", {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, EVUTIL_EAI_NONAME},
      {"127.0.0.1",
       "http",
       {.ai_socktype = SOCK_STREAM, .ai_flags = EVUTIL_AI_NUMERICSERV},
       EVUTIL_EAI_NONAME},
      {"127.0.0.1", "no-such-service", {.ai_socktype = SOCK_STREAM}, EVUTIL_EAI_SERVICE},
      {"127.0.0.1",
       "-1",
       {.ai_socktype = SOCK_STREAM, .ai_flags = EVUTIL_AI_NUMERICHOST},
       EVUTIL_EAI_SERVICE},
      {"127.0.0.1", "80", {.ai_family = 99}, EVUTIL_EAI_FAMILY},
      {"127.0.0.1",
       "80",
       {.ai_family = AF_INET6, .ai_socktype = SOCK_STREAM, .ai_flags = EVUTIL_AI_NUMERICHOST},
       EVUTIL_EAI_ADDRFAMILY},
      {"127.0.0.1",
       "80",
       {.ai_socktype = SOCK_STREAM, .ai_protocol = IPPROTO_UDP},
       EVUTIL_EAI_SOCKTYPE},
      {"127.0.0.1", "80", {.ai_flags = 0x1000000}, EVUTIL_EAI_BADFLAGS},
  };
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
    struct answer answer = ask(table[i].name, table[i].service, table[i].hints);
    assert_int_equal(answer.error, table[i].error);
    assert_int_equal(answer.count, 0);
  }
}

static void every_error_has_the_text_it_has_everywhere(void** state) {
  (void)state;
  static const struct {
    int error;
    const char* text;
  } table[] = {
      {0, "No error"},
      {EVUTIL_EAI_CANCEL, "Request canceled"},
      {EVUTIL_EAI_ADDRFAMILY, "address family for nodename not supported"},
      {EVUTIL_EAI_AGAIN, "temporary failure in name resolution"},
      {EVUTIL_EAI_BADFLAGS, "invalid value for ai_flags"},
      {EVUTIL_EAI_FAIL, "non-recoverable failure in name resolution"},
      {EVUTIL_EAI_FAMILY, "ai_family not supported"},
      {EVUTIL_EAI_MEMORY, "memory allocation failure"},
      {EVUTIL_EAI_NODATA, "no address associated with nodename"},
      {EVUTIL_EAI_NONAME, "nodename nor servname provided, or not known"},
      {EVUTIL_EAI_SERVICE, "servname not supported for ai_socktype"},
      {EVUTIL_EAI_SOCKTYPE, "ai_socktype not supported"},
      {EVUTIL_EAI_SYSTEM, "system error"},
      {12345, "Unknown error"},
      {-12345, "Unknown error"},
  };
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
    assert_string_equal(evutil_gai_strerror(table[i].error), table[i].text);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_number_and_a_port_give_one_address),
    cmocka_unit_test(a_protocol_chooses_the_socket_type),
    cmocka_unit_test(no_hints_give_every_socket_type),
    cmocka_unit_test(no_name_is_the_loopback_or_the_wildcard),
    cmocka_unit_test(no_service_is_port_zero),
    cmocka_unit_test(mapped_addresses_are_made_when_asked_for),
    cmocka_unit_test(the_canonical_name_of_a_number_is_itself),
    cmocka_unit_test(impossible_requests_get_their_error),
    cmocka_unit_test(every_error_has_the_text_it_has_everywhere),
};
DEFINE_GROUP(util_getaddrinfo, tests);
