/* evutil's parsers and printers: addresses with and without port and scope, numeric host and
 * service, numbers, comparisons without case, bounded printing.  The input is text; getaddrinfo and
 * the comparison take what stands before and behind its first '|'. */
#include <event2/util.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "conformance/fuzz/target.h"

/* Big enough for any address, and for nothing behind it to be written unseen. */
enum { room = 64 };

static const int families[] = {AF_INET, AF_INET6};

/* An address prints into a buffer that holds it, into none that does not, and reads back as itself.
 */
static void print_address(int family, const void* address, size_t size) {
  char text[room], again[16];
  require(evutil_inet_ntop(family, address, text, sizeof text) == text);
  const size_t length = strlen(text);
  answer("  %d is %s", family, text);
  require(evutil_inet_pton(family, text, again) == 1);
  require(memcmp(address, again, size) == 0);
  char* tight = malloc(length + 1);
  if (tight == NULL) abort();
  require(evutil_inet_ntop(family, address, tight, length + 1) == tight);
  require(strcmp(tight, text) == 0);
  /* The original lets an IPv6 address lose its last character and calls that success. */
  require(evutil_inet_ntop(family, address, tight, length - (family == AF_INET6)) == NULL);
  free(tight);
}

/* Ours refuses numbers that do not fit, the original takes their lower bits (DIFFERENCES.md). */
static int has_big_number(const char* text) {
  size_t digits = 0;
  for (; *text != 0 && digits < 10; text++) {
    if (*text < '0' || *text > '9' || (digits == 0 && *text == '0'))
      digits = 0;
    else
      digits++;
  }
  return digits == 10;
}

static void parse_addresses(const char* text) {
  for (int i = 0; i < 2; i++) {
    unsigned char address[16];
    const size_t size = families[i] == AF_INET ? 4 : 16;
    memset(address, 0xa5, sizeof address);
    const int result = evutil_inet_pton(families[i], text, address);
    answer("inet_pton %d: %d", families[i], result);
    require(result == 0 || result == 1);
    for (size_t j = result == 1 ? size : 0; j < sizeof address; j++)
      require(address[j] == 0xa5);
    if (result == 1) print_address(families[i], address, size);
  }
}

static void parse_port(const char* text) {
  struct sockaddr_storage storage;
  static const int sizes[] = {sizeof(struct sockaddr_storage), sizeof(struct sockaddr_in6),
                              sizeof(struct sockaddr_in), sizeof(struct sockaddr_in) - 1};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    int size = sizes[i];
    memset(&storage, 0xa5, sizeof storage);
    const int result = evutil_parse_sockaddr_port(text, (struct sockaddr*)&storage, &size);
    answer("parse_sockaddr_port into %d: %d, %d", sizes[i], result, size);
    require(result == 0 || result == -1);
    for (size_t j = (size_t)sizes[i]; j < sizeof storage; j++)
      require(((unsigned char*)&storage)[j] == 0xa5);
    if (result != 0) continue;
    if (storage.ss_family == AF_INET) {
      const struct sockaddr_in* four = (struct sockaddr_in*)&storage;
      require(size == sizeof *four);
      answer("  port %d", ntohs(four->sin_port));
      print_address(AF_INET, &four->sin_addr, sizeof four->sin_addr);
    } else {
      const struct sockaddr_in6* six = (struct sockaddr_in6*)&storage;
      require(storage.ss_family == AF_INET6 && size == sizeof *six);
      answer("  port %d scope %u", ntohs(six->sin6_port), (unsigned)six->sin6_scope_id);
      print_address(AF_INET6, &six->sin6_addr, sizeof six->sin6_addr);
    }
  }
}

static void print_list(const struct evutil_addrinfo* list) {
  for (; list != NULL; list = list->ai_next) {
    answer("  family %d type %d protocol %d length %d", list->ai_family, list->ai_socktype,
           list->ai_protocol, (int)list->ai_addrlen);
    if (list->ai_family == AF_INET) {
      const struct sockaddr_in* four = (const struct sockaddr_in*)list->ai_addr;
      answer("  port %d", ntohs(four->sin_port));
      print_address(AF_INET, &four->sin_addr, sizeof four->sin_addr);
    } else if (list->ai_family == AF_INET6) {
      const struct sockaddr_in6* six = (const struct sockaddr_in6*)list->ai_addr;
      answer("  port %d scope %u", ntohs(six->sin6_port), (unsigned)six->sin6_scope_id);
      print_address(AF_INET6, &six->sin6_addr, sizeof six->sin6_addr);
    }
  }
}

static void look_up(const char* host, const char* service) {
  static const int flags[] = {0, EVUTIL_AI_PASSIVE, EVUTIL_AI_CANONNAME};
  for (int i = 0; i < 3; i++) {
    struct evutil_addrinfo hints, *list = NULL;
    memset(&hints, 0, sizeof hints);
    hints.ai_flags = flags[i] | EVUTIL_AI_NUMERICHOST | EVUTIL_AI_NUMERICSERV;
    hints.ai_socktype = SOCK_STREAM;
    const int result =
        evutil_getaddrinfo(host[0] ? host : NULL, service[0] ? service : NULL, &hints, &list);
    answer("getaddrinfo: %d %s", result, evutil_gai_strerror(result));
    require((result == 0) == (list != NULL));
    print_list(list);
    if (list != NULL) evutil_freeaddrinfo(list);
  }
}

static int sign(int number) {
  return (number > 0) - (number < 0);
}

static void compare_text(const char* left, const char* right) {
  const int order = evutil_ascii_strcasecmp(left, right);
  answer("strcasecmp: %d", sign(order));
  require(sign(evutil_ascii_strcasecmp(right, left)) == -sign(order));
  require(evutil_ascii_strcasecmp(left, left) == 0);
  for (size_t limit = 0; limit < 6; limit++)
    answer("strncasecmp %zu: %d", limit, sign(evutil_ascii_strncasecmp(left, right, limit)));
}

static void parse_number(const char* text) {
  for (int base = 0; base <= 16; base += base == 0 ? 8 : base == 8 ? 2 : 6) {
    char* end = NULL;
    const ev_int64_t number = evutil_strtoll(text, &end, base);
    answer("strtoll %d: %lld, %d taken", base, (long long)number, (int)(end - text));
  }
}

static void print_bounded(const char* text) {
  const size_t length = strlen(text);
  for (size_t size = 0; size < 8 && size <= length + 2; size++) {
    char* out = malloc(size ? size : 1);
    if (out == NULL) abort();
    const int result = evutil_snprintf(out, size, "%s|%5d", text, (int)length);
    if (size > 0) require(out[size - 1] == 0 && strlen(out) < size);
    answer("snprintf into %zu: %d %s", size, result, size > 0 ? out : "");
    free(out);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  char* text = malloc(size + 1);
  if (text == NULL) abort();
  if (size > 0) memcpy(text, data, size);
  text[size] = 0;
  if (!replayed || !has_big_number(text)) {
    parse_addresses(text);
    parse_port(text);
  }
  parse_number(text);
  print_bounded(text);
  char* bar = strchr(text, '|');
  if (bar != NULL) *bar = 0;
  look_up(text, bar != NULL ? bar + 1 : "");
  compare_text(text, bar != NULL ? bar + 1 : "");
  free(text);
  return 0;
}
