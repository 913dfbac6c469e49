/* Addresses as text: inet_pton with and without scope, inet_ntop, parse_sockaddr_port and the
 * comparison of socket addresses.  Every row of a table was read off the real library. */
#include "conformance/event/suite.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

struct conversion {
  const char* text;
  const char* expected; /* as printed again, or NULL when refused */
};

static void check_conversions(int family, const struct conversion* table, size_t count) {
  for (size_t i = 0; i < count; i++) {
    unsigned char bytes[16];
    char again[64];
    int answer = evutil_inet_pton(family, table[i].text, bytes);
    if (answer != (table[i].expected != NULL)) print_error("at \"%s\"\n", table[i].text);
    assert_int_equal(answer, table[i].expected != NULL);
    if (table[i].expected == NULL) continue;
    assert_ptr_equal(evutil_inet_ntop(family, bytes, again, sizeof again), again);
    assert_string_equal(again, table[i].expected);
  }
}
#define CHECK(family, table) check_conversions(family, table, sizeof table / sizeof table[0])

static void ipv4_text_is_four_numbers_below_256(void** state) {
  (void)state;
  static const struct conversion table[] = {
      {"1.2.3.4", "1.2.3.4"},
      {"255.255.255.255", "255.255.255.255"},
      {"0.0.0.0", "0.0.0.0"},
      {"01.2.3.4", "1.2.3.4"},
      {" 1.2.3.4", "1.2.3.4"},
      {"1.2.3", NULL},
      {"1.2.3.4.5", NULL},
      {"256.0.0.1", NULL},
      {"-1.2.3.4", NULL},
      {"1.2.3.4a", NULL},
      {"1.2.3.4 ", NULL},
      {"1..2.3", NULL},
      {"", NULL},
      {"localhost", NULL},
  };
  CHECK(AF_INET, table);
}

static void ipv6_text_is_eight_words_one_run_of_which_may_be_left_out(void** state) {
  (void)state;
  static const struct conversion table[] = {
      {"::", "::"},
      {"::1", "::1"},
      {"1::", "1::"},
      {"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"},
      {"2001:DB8::FF00:42:8329", "2001:db8::ff00:42:8329"},
      {"::1.2.3.4", "::1.2.3.4"},
      {"::ffff:1.2.3.4", "::ffff:1.2.3.4"},
      {"::ffff:0:1", "::ffff:0.0.0.1"},
      {"::5:6", "::0.5.0.6"},
      {"0:0:0:0:0:0:0:8", "::8"},
      {"ffff::1.2.3.4", "ffff::102:304"},
      {"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"},
      {"1:0:0:2:0:0:0:3", "1:0:0:2::3"},
      {"1:0:2:0:3:0:4:0", "1:0:2:0:3:0:4:0"},
      {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
      {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
      {"1:2:3:4:5:6:7:8:9", NULL},
      {"1:2:3:4:5:6:7", NULL},
      {"1:2:3:4:5:6:7:1.2.3.4", NULL},
      {"1::2::3", NULL},
      {":::", NULL},
      {"12345::", NULL},
      {"g::", NULL},
      {"::ffff:1.2.3.256", NULL},
      {"", NULL},
      {"1.2.3.4", NULL},
      {":1", NULL},
      {"1:", NULL},
  };
  CHECK(AF_INET6, table);
}

static void a_scope_is_an_interface_by_name_or_number(void** state) {
  (void)state;
  static const struct {
    const char* text;
    int answer;
    unsigned scope;
  } table[] = {
      {"fe80::1", 1, 0},   {"fe80::1%1", 1, 1},          {"fe80::1%lo", 1, 1},
      {"fe80::1%0", 1, 0}, {"fe80::1%no-such-if", 0, 0},
  };
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
    unsigned char bytes[16];
    unsigned scope = 77;
    assert_int_equal(evutil_inet_pton_scope(AF_INET6, table[i].text, bytes, &scope),
                     table[i].answer);
    assert_int_equal(scope, table[i].scope);
  }
}

static void an_ipv4_address_has_no_scope(void** state) {
  (void)state;
  unsigned char bytes[4];
  unsigned scope = 5;
  assert_int_equal(evutil_inet_pton_scope(AF_INET, "1.2.3.4", bytes, &scope), 1);
  assert_int_equal(scope, 0);
}

static void other_families_are_not_converted(void** state) {
  (void)state;
  unsigned char bytes[16] = {0};
  char text[64];
  assert_int_equal(evutil_inet_pton(AF_UNIX, "1.2.3.4", bytes), -1);
  assert_null(evutil_inet_ntop(AF_UNIX, bytes, text, sizeof text));
}

static void a_buffer_too_small_is_refused(void** state) {
  (void)state;
  unsigned char four[4], six[16];
  char text[64];
  evutil_inet_pton(AF_INET, "10.20.30.40", four);
  evutil_inet_pton(AF_INET6, "2001:db8::1", six);
  assert_null(evutil_inet_ntop(AF_INET, four, text, 11));
  assert_non_null(evutil_inet_ntop(AF_INET, four, text, 12));
  assert_string_equal(text, "10.20.30.40");
  assert_null(evutil_inet_ntop(AF_INET6, six, text, 10));
  assert_non_null(evutil_inet_ntop(AF_INET6, six, text, 12));
  assert_string_equal(text, "2001:db8::1");
}

struct parsed {
  const char* text;
  int family; /* 0 when refused */
  const char* address;
  int port;
};

static void check_parsed(const struct parsed* row) {
  struct sockaddr_storage storage;
  int length = sizeof storage;
  char text[64] = "";
  int port;
  memset(&storage, 0, sizeof storage);
  int answer = evutil_parse_sockaddr_port(row->text, (struct sockaddr*)&storage, &length);
  if (answer != (row->family ? 0 : -1)) print_error("at \"%s\"\n", row->text);
  assert_int_equal(answer, row->family ? 0 : -1);
  if (row->family == 0) return;
  assert_int_equal(storage.ss_family, row->family);
  if (row->family == AF_INET) {
    struct sockaddr_in* four = (struct sockaddr_in*)&storage;
    assert_int_equal(length, sizeof *four);
    evutil_inet_ntop(AF_INET, &four->sin_addr, text, sizeof text);
    port = ntohs(four->sin_port);
  } else {
    struct sockaddr_in6* six = (struct sockaddr_in6*)&storage;
    assert_int_equal(length, sizeof *six);
    evutil_inet_ntop(AF_INET6, &six->sin6_addr, text, sizeof text);
    port = ntohs(six->sin6_port);
  }
  assert_string_equal(text, row->address);
  assert_int_equal(port, row->port);
}

static void addresses_are_parsed_with_and_without_a_port(void** state) {
  (void)state;
  static const struct parsed table[] = {
      {"1.2.3.4", AF_INET, "1.2.3.4", 0},
      {"1.2.3.4:53", AF_INET, "1.2.3.4", 53},
      {"1.2.3.4:65535", AF_INET, "1.2.3.4", 65535},
      {"1.2.3.4:5x", AF_INET, "1.2.3.4", 5},
      {"[::1]", AF_INET6, "::1", 0},
      {"[::1]:80", AF_INET6, "::1", 80},
      {"[::1]80", AF_INET6, "::1", 0},
      {"::1", AF_INET6, "::1", 0},
      {"1:2:3:4:5:6:7:8", AF_INET6, "1:2:3:4:5:6:7:8", 0},
      {"[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]:1", AF_INET6,
       "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 1},
  };
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
    check_parsed(&table[i]);
}

static void malformed_addresses_and_ports_are_refused(void** state) {
  (void)state;
  static const char* const table[] = {
      "1.2.3.4:0",
      "1.2.3.4:65536",
      "1.2.3.4:-1",
      "1.2.3.4:",
      "1.2.3.4:x",
      "1.2.3",
      "1.2.3.4.5",
      "256.1.1.1",
      "[::1]:",
      "[::1]:0",
      "[::1]:65536",
      "[::1",
      "::1]:80",
      "[1.2.3.4]:80",
      "[fe80::1%no-such-if]:80",
      "",
      "[]",
      "[]:80",
      ":80",
      "1:2:3:4:5:6:7",
      "localhost:80",
      "1.2.3.4 ",
  };
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
    check_parsed(&(struct parsed){.text = table[i]});
}

/* The original takes the lower 32 bits of them. */
static void numbers_that_do_not_fit_are_refused(void** state) {
  (void)state;
  const int taken = suite_on_original();
  static const char* const addresses[] = {"4294967297.2.3.4", "-4294967295.2.3.4"};
  for (int i = 0; i < 2; i++) {
    unsigned char bytes[4];
    assert_int_equal(evutil_inet_pton(AF_INET, addresses[i], bytes), taken);
  }
  static const char* const ports[] = {"1.2.3.4:4294967376", "[::1]:4294967376",
                                      "1.2.3.4:-4294967216"};
  for (int i = 0; i < 3; i++) {
    struct sockaddr_storage storage;
    int length = sizeof storage;
    assert_int_equal(evutil_parse_sockaddr_port(ports[i], (struct sockaddr*)&storage, &length),
                     taken ? 0 : -1);
  }
}

/* The original leaves out the last character and calls that success. */
static void an_ipv6_address_whose_end_has_no_room_is_refused(void** state) {
  (void)state;
  unsigned char bytes[16];
  char text[64];
  evutil_inet_pton(AF_INET6, "2001:db8::1", bytes);
  const char* answer = evutil_inet_ntop(AF_INET6, bytes, text, 11);
  if (suite_on_original())
    assert_string_equal(answer, "2001:db8::");
  else
    assert_null(answer);
}

static void a_bare_address_may_have_any_number_of_zeros(void** state) {
  (void)state;
  char text[400];
  memset(text, '0', sizeof text);
  strcpy(text + 300, "1.2.3.4");
  check_parsed(&(struct parsed){text, AF_INET, "1.2.3.4", 0});
}

static void a_scope_is_parsed_into_the_address(void** state) {
  (void)state;
  struct sockaddr_in6 six;
  int length = sizeof six;
  assert_int_equal(evutil_parse_sockaddr_port("[fe80::1%lo]:80", (struct sockaddr*)&six, &length),
                   0);
  assert_int_equal(six.sin6_scope_id, 1);
}

/* Once an overflow on the stack: the bracketed part was copied without a look at its length. */
static void a_bracketed_address_of_any_length_is_refused_unharmed(void** state) {
  (void)state;
  for (size_t length = 1; length < 2000; length += 13) {
    char* text = malloc(length + 8);
    text[0] = '[';
    memset(text + 1, 'a', length);
    strcpy(text + 1 + length, "]:80");
    check_parsed(&(struct parsed){.text = text});
    memset(text, '1', length + 1);
    strcpy(text + 1 + length, ":80");
    check_parsed(&(struct parsed){.text = text});
    free(text);
  }
}

static void room_too_small_for_the_address_is_refused(void** state) {
  (void)state;
  struct sockaddr_storage storage;
  int length = sizeof(struct sockaddr_in) - 1;
  assert_int_equal(evutil_parse_sockaddr_port("1.2.3.4", (struct sockaddr*)&storage, &length), -1);
  length = sizeof(struct sockaddr_in6) - 1;
  assert_int_equal(evutil_parse_sockaddr_port("::1", (struct sockaddr*)&storage, &length), -1);
  length = sizeof(struct sockaddr_in);
  assert_int_equal(evutil_parse_sockaddr_port("1.2.3.4", (struct sockaddr*)&storage, &length), 0);
  length = sizeof(struct sockaddr_in6);
  assert_int_equal(evutil_parse_sockaddr_port("::1", (struct sockaddr*)&storage, &length), 0);
}

static int compare(const char* one, const char* other, int with_port) {
  struct sockaddr_storage first, second;
  int first_length = sizeof first, second_length = sizeof second;
  memset(&first, 0, sizeof first);
  memset(&second, 0, sizeof second);
  assert_int_equal(evutil_parse_sockaddr_port(one, (struct sockaddr*)&first, &first_length), 0);
  assert_int_equal(evutil_parse_sockaddr_port(other, (struct sockaddr*)&second, &second_length), 0);
  return evutil_sockaddr_cmp((struct sockaddr*)&first, (struct sockaddr*)&second, with_port);
}

static void equal_addresses_compare_equal_with_the_port_if_wanted(void** state) {
  (void)state;
  assert_int_equal(compare("1.2.3.4:80", "1.2.3.4:80", 1), 0);
  assert_int_equal(compare("1.2.3.4:80", "1.2.3.4:81", 0), 0);
  assert_int_not_equal(compare("1.2.3.4:80", "1.2.3.4:81", 1), 0);
  assert_int_equal(compare("[::1]:80", "[::1]:80", 1), 0);
  assert_int_equal(compare("[::1]:80", "[::1]:81", 0), 0);
  assert_int_not_equal(compare("[::1]:80", "[::1]:81", 1), 0);
}

static void comparison_orders_addresses(void** state) {
  (void)state;
  static const char* const ascending[] = {"1.2.3.4:80", "1.2.3.4:81", "1.2.3.5:1",
                                          "[::1]:80",   "[::1]:81",   "[::2]:1"};
  enum { count = sizeof ascending / sizeof ascending[0] };
  for (int i = 0; i < count; i++) {
    for (int j = 0; j < count; j++) {
      int forth = compare(ascending[i], ascending[j], 1);
      int back = compare(ascending[j], ascending[i], 1);
      assert_int_equal(forth == 0, i == j);
      assert_int_equal(forth<0, back> 0);
    }
  }
}

static void families_without_a_comparison_never_compare_equal(void** state) {
  (void)state;
  struct sockaddr_un one = {.sun_family = AF_UNIX, .sun_path = "a"};
  struct sockaddr_un other = {.sun_family = AF_UNIX, .sun_path = "b"};
  assert_int_not_equal(evutil_sockaddr_cmp((struct sockaddr*)&one, (struct sockaddr*)&other, 1), 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(ipv4_text_is_four_numbers_below_256),
    cmocka_unit_test(ipv6_text_is_eight_words_one_run_of_which_may_be_left_out),
    cmocka_unit_test(a_scope_is_an_interface_by_name_or_number),
    cmocka_unit_test(an_ipv4_address_has_no_scope),
    cmocka_unit_test(other_families_are_not_converted),
    cmocka_unit_test(a_buffer_too_small_is_refused),
    cmocka_unit_test(addresses_are_parsed_with_and_without_a_port),
    cmocka_unit_test(malformed_addresses_and_ports_are_refused),
    cmocka_unit_test(numbers_that_do_not_fit_are_refused),
    cmocka_unit_test(an_ipv6_address_whose_end_has_no_room_is_refused),
    cmocka_unit_test(a_bare_address_may_have_any_number_of_zeros),
    cmocka_unit_test(a_scope_is_parsed_into_the_address),
    cmocka_unit_test(a_bracketed_address_of_any_length_is_refused_unharmed),
    cmocka_unit_test(room_too_small_for_the_address_is_refused),
    cmocka_unit_test(equal_addresses_compare_equal_with_the_port_if_wanted),
    cmocka_unit_test(comparison_orders_addresses),
    cmocka_unit_test(families_without_a_comparison_never_compare_equal),
};
DEFINE_GROUP(util_address, tests);
