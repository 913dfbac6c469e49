/* evutil's socket helpers: what option each sets, that an already set one is no error, and that a
 * descriptor that is not one is refused; socket pairs and the error macros. */
#include "conformance/event/suite.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int option(int fd, int level, int name) {
  int value = -1;
  socklen_t length = sizeof value;
  assert_int_equal(getsockopt(fd, level, name, &value, &length), 0);
  return value;
}

static void a_socket_is_made_nonblocking_and_stays_so(void** state) {
  (void)state;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(evutil_make_socket_nonblocking(fd), 0);
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
  }
  assert_int_equal(evutil_closesocket(fd), 0);
}

static void other_status_flags_are_kept(void** state) {
  (void)state;
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  fcntl(ends[1], F_SETFL, fcntl(ends[1], F_GETFL) | O_APPEND);
  assert_int_equal(evutil_make_socket_nonblocking(ends[1]), 0);
  assert_true(fcntl(ends[1], F_GETFL) & O_APPEND);
  close(ends[0]);
  close(ends[1]);
}

static void a_socket_is_made_to_close_on_exec_and_stays_so(void** state) {
  (void)state;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(evutil_make_socket_closeonexec(fd), 0);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
  }
  close(fd);
}

static void listeners_get_the_options_they_are_named_after(void** state) {
  (void)state;
  int fd = socket(AF_INET, SOCK_STREAM, 0), six = socket(AF_INET6, SOCK_STREAM, 0);
  assert_int_equal(evutil_make_listen_socket_reuseable(fd), 0);
  assert_int_equal(option(fd, SOL_SOCKET, SO_REUSEADDR), 1);
  assert_int_equal(evutil_make_listen_socket_reuseable_port(fd), 0);
  assert_int_equal(option(fd, SOL_SOCKET, SO_REUSEPORT), 1);
  assert_int_equal(evutil_make_tcp_listen_socket_deferred(fd), 0);
  assert_true(option(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT) > 0);
  assert_int_equal(evutil_make_listen_socket_ipv6only(six), 0);
  assert_int_equal(option(six, IPPROTO_IPV6, IPV6_V6ONLY), 1);
  assert_int_equal(evutil_make_listen_socket_ipv6only(fd), -1);
  EVUTIL_CLOSESOCKET(fd);
  close(six);
}

static void a_deferred_option_needs_a_tcp_socket(void** state) {
  (void)state;
  struct pair pair = pair_open();
  assert_int_equal(evutil_make_tcp_listen_socket_deferred(pair.near), -1);
  pair_close(&pair);
}

static void what_is_no_descriptor_is_refused_by_all(void** state) {
  (void)state;
  log_capture();
  assert_int_equal(evutil_make_socket_nonblocking(-1), -1);
  assert_matches(log_text(), "2 fcntl(-1, F_GETFL): Bad file descriptor");
  assert_int_equal(evutil_make_socket_closeonexec(-1), -1);
  assert_matches(log_text(), "2 fcntl(-1, F_GETFD): Bad file descriptor");
  assert_int_equal(evutil_make_listen_socket_reuseable(-1), -1);
  assert_int_equal(evutil_make_listen_socket_reuseable_port(-1), -1);
  assert_int_equal(evutil_make_listen_socket_ipv6only(-1), -1);
  assert_int_equal(evutil_make_tcp_listen_socket_deferred(-1), -1);
  errno = 0;
  assert_int_equal(evutil_closesocket(-1), -1);
  assert_int_equal(EVUTIL_SOCKET_ERROR(), EBADF);
}

static void a_closed_socket_is_closed(void** state) {
  (void)state;
  struct pair pair = pair_open();
  assert_int_equal(evutil_closesocket(pair.near), 0);
  assert_int_equal(fcntl(pair.near, F_GETFD), -1);
  assert_int_equal(read(pair.far, &(char){0}, 1), 0);
  pair.near = -1;
  pair_close(&pair);
}

static void a_socket_pair_is_connected_both_ways(void** state) {
  (void)state;
  evutil_socket_t pair[2] = {-1, -1};
  char byte = 0;
  assert_int_equal(evutil_socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(write(pair[i], "y", 1), 1);
    assert_int_equal(read(pair[1 - i], &byte, 1), 1);
    assert_int_equal(byte, 'y');
  }
  close(pair[0]);
  close(pair[1]);
}

static void a_datagram_pair_keeps_boundaries(void** state) {
  (void)state;
  evutil_socket_t pair[2];
  char bytes[8];
  assert_int_equal(evutil_socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
  assert_int_equal(write(pair[0], "abc", 3), 3);
  assert_int_equal(write(pair[0], "d", 1), 1);
  assert_int_equal(read(pair[1], bytes, sizeof bytes), 3);
  assert_int_equal(read(pair[1], bytes, sizeof bytes), 1);
  close(pair[0]);
  close(pair[1]);
}

static void a_family_that_has_no_pairs_is_refused(void** state) {
  (void)state;
  evutil_socket_t pair[2];
  assert_int_equal(evutil_socketpair(AF_INET, SOCK_STREAM, 0, pair), -1);
  assert_int_equal(EVUTIL_SOCKET_ERROR(), EOPNOTSUPP);
}

static void socket_errors_are_errno(void** state) {
  (void)state;
  EVUTIL_SET_SOCKET_ERROR(ECONNREFUSED);
  assert_int_equal(errno, ECONNREFUSED);
  assert_int_equal(EVUTIL_SOCKET_ERROR(), ECONNREFUSED);
  assert_int_equal(evutil_socket_geterror(3), ECONNREFUSED);
  assert_string_equal(evutil_socket_error_to_string(ECONNREFUSED), strerror(ECONNREFUSED));
  assert_int_equal(EVUTIL_INVALID_SOCKET, -1);
}

static void two_listeners_share_a_port_made_reusable(void** state) {
  (void)state;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  int first = socket(AF_INET, SOCK_STREAM, 0), second = socket(AF_INET, SOCK_STREAM, 0);
  assert_int_equal(evutil_make_listen_socket_reuseable_port(first), 0);
  assert_int_equal(evutil_make_listen_socket_reuseable_port(second), 0);
  assert_int_equal(bind(first, (struct sockaddr*)&address, sizeof address), 0);
  assert_int_equal(listen(first, 1), 0);
  getsockname(first, (struct sockaddr*)&address, &length);
  assert_int_equal(bind(second, (struct sockaddr*)&address, sizeof address), 0);
  assert_int_equal(listen(second, 1), 0);
  close(first);
  close(second);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_socket_is_made_nonblocking_and_stays_so),
    cmocka_unit_test(other_status_flags_are_kept),
    cmocka_unit_test(a_socket_is_made_to_close_on_exec_and_stays_so),
    cmocka_unit_test(listeners_get_the_options_they_are_named_after),
    cmocka_unit_test(a_deferred_option_needs_a_tcp_socket),
    cmocka_unit_test(what_is_no_descriptor_is_refused_by_all),
    cmocka_unit_test(a_closed_socket_is_closed),
    cmocka_unit_test(a_socket_pair_is_connected_both_ways),
    cmocka_unit_test(a_datagram_pair_keeps_boundaries),
    cmocka_unit_test(a_family_that_has_no_pairs_is_refused),
    cmocka_unit_test(socket_errors_are_errno),
    cmocka_unit_test(two_listeners_share_a_port_made_reusable),
};
DEFINE_GROUP(util_socket, tests);
