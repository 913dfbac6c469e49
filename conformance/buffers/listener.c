/* Connection listeners: every option, batches, switching off and on, freeing inside. */
#include "conformance/buffers/listener_world.h"

#include <netinet/tcp.h>
#include <sys/un.h>

static void a_connection_is_handed_over_with_its_address(void** state) {
  (void)state;
  struct evconnlistener* listener = listen_with(LEV_OPT_CLOSE_ON_FREE);
  assert_non_null(listener);
  assert_ptr_equal(evconnlistener_get_base(listener), base);
  int client = dial();
  run_ready(base);
  assert_int_equal(seen.calls, 1);
  assert_ptr_equal(seen.listener, listener);
  struct sockaddr_in mine;
  socklen_t length = sizeof mine;
  getsockname(client, (struct sockaddr*)&mine, &length);
  assert_int_equal(seen.from_length, sizeof mine);
  assert_int_equal(((struct sockaddr_in*)&seen.from)->sin_port, mine.sin_port);
  assert_int_equal(fcntl(seen.last_fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
  assert_int_equal(fcntl(seen.last_fd, F_GETFD) & FD_CLOEXEC, 0);
  send_text(client, "hi");
  assert_received(seen.last_fd, "hi");
  int fd = evconnlistener_get_fd(listener);
  finish(listener);
  assert_false(descriptor_is_open(fd));
  close(client);
  close(seen.last_fd);
}

static void all_that_wait_are_accepted_in_one_turn(void** state) {
  (void)state;
  struct evconnlistener* listener = listen_with(LEV_OPT_CLOSE_ON_FREE);
  int clients[20];
  for (int i = 0; i < 20; ++i)
    clients[i] = dial();
  event_base_loop(base, EVLOOP_ONCE);
  assert_int_equal(seen.calls, 20);
  for (int i = 0; i < 20; ++i) {
    close(clients[i]);
    close(seen.fds[i]);
  }
  finish(listener);
}

static void options_decide_about_the_descriptors(void** state) {
  (void)state;
  struct evconnlistener* listener =
      listen_with(LEV_OPT_LEAVE_SOCKETS_BLOCKING | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE |
                  LEV_OPT_REUSEABLE_PORT);
  int on = 0, fd = evconnlistener_get_fd(listener), client = dial();
  socklen_t length = sizeof on;
  run_ready(base);
  assert_int_equal(fcntl(seen.last_fd, F_GETFL) & O_NONBLOCK, 0);
  assert_int_equal(fcntl(seen.last_fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
  assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, &length);
  assert_int_equal(on, 1);
  on = 0;
  getsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, &length);
  assert_int_equal(on, 1);
  on = 0;
  getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, &length);
  assert_int_equal(on, 1);
  finish(listener);
  assert_true(descriptor_is_open(fd));
  close(fd);
  close(client);
  close(seen.last_fd);
}

static void a_deferred_accept_waits_for_bytes(void** state) {
  (void)state;
  struct evconnlistener* listener = listen_with(LEV_OPT_CLOSE_ON_FREE | LEV_OPT_DEFERRED_ACCEPT);
  int value = 0;
  socklen_t length = sizeof value;
  getsockopt(evconnlistener_get_fd(listener), IPPROTO_TCP, TCP_DEFER_ACCEPT, &value, &length);
  assert_true(value > 0);
  int client = dial();
  run_ready(base);
  assert_int_equal(seen.calls, 0);
  send_text(client, "x");
  run_until(base, &seen.calls);
  assert_int_equal(seen.calls, 1);
  finish(listener);
  close(client);
  close(seen.last_fd);
}

static void ipv6_only_is_set_where_it_is_possible(void** state) {
  (void)state;
  start();
  struct sockaddr_in6 address;
  memset(&address, 0, sizeof address);
  address.sin6_family = AF_INET6;
  address.sin6_addr = in6addr_loopback;
  struct evconnlistener* listener =
      evconnlistener_new_bind(base, accepted, &seen, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_BIND_IPV6ONLY,
                              -1, (struct sockaddr*)&address, sizeof address);
  if (!listener && socket(AF_INET6, SOCK_STREAM, 0) < 0) harness_unsupported("IPv6");
  if (listener) {
    int on = 0;
    socklen_t length = sizeof on;
    getsockopt(evconnlistener_get_fd(listener), IPPROTO_IPV6, IPV6_V6ONLY, &on, &length);
    assert_int_equal(on, 1);
  }
  finish(listener);
  assert_null(listen_with(LEV_OPT_CLOSE_ON_FREE | LEV_OPT_BIND_IPV6ONLY));
  finish(NULL);
}

static void a_disabled_one_lets_them_wait(void** state) {
  (void)state;
  struct evconnlistener* listener = listen_with(LEV_OPT_CLOSE_ON_FREE | LEV_OPT_DISABLED);
  int clients[3];
  for (int i = 0; i < 3; ++i)
    clients[i] = dial();
  run_ready(base);
  assert_int_equal(seen.calls, 0);
  assert_int_equal(event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED), 0);
  assert_int_equal(evconnlistener_enable(listener), 0);
  run_ready(base);
  assert_int_equal(seen.calls, 3);
  assert_int_equal(evconnlistener_disable(listener), 0);
  int late = dial();
  run_ready(base);
  assert_int_equal(seen.calls, 3);
  evconnlistener_enable(listener);
  run_ready(base);
  assert_int_equal(seen.calls, 4);
  finish(listener);
  for (int i = 0; i < 3; ++i)
    close(clients[i]);
  for (int i = 0; i < 4; ++i)
    close(seen.fds[i]);
  close(late);
}

static void one_disabled_in_its_callback_stops_at_once(void** state) {
  (void)state;
  struct evconnlistener* listener = listen_with(LEV_OPT_CLOSE_ON_FREE);
  int clients[5];
  seen.act = act_disable;
  seen.act_at = 2;
  for (int i = 0; i < 5; ++i)
    clients[i] = dial();
  run_ready(base);
  assert_int_equal(seen.calls, 2);
  evconnlistener_enable(listener);
  run_ready(base);
  assert_int_equal(seen.calls, 5);
  finish(listener);
  for (int i = 0; i < 5; ++i) {
    close(clients[i]);
    close(seen.fds[i]);
  }
}

static void one_freed_in_its_callback_stops_at_once(void** state) {
  (void)state;
  memory_hooks_install();
  struct evconnlistener* listener = listen_with(LEV_OPT_CLOSE_ON_FREE);
  int clients[5], fd = evconnlistener_get_fd(listener);
  seen.act = act_free;
  seen.act_at = 2;
  for (int i = 0; i < 5; ++i)
    clients[i] = dial();
  run_ready(base);
  assert_int_equal(seen.calls, 2);
  assert_false(descriptor_is_open(fd));
  finish(NULL);
  assert_int_equal(memory_outstanding(), 0);
  for (int i = 0; i < 5; ++i)
    close(clients[i]);
  close(seen.fds[0]);
  close(seen.fds[1]);
}

static void replace_at_once(struct evconnlistener* listener, evutil_socket_t fd,
                            struct sockaddr* address, int length, void* arg) {
  int socket = evconnlistener_get_fd(listener);
  accepted(listener, fd, address, length, arg);
  evconnlistener_free(listener);
  seen.listener = evconnlistener_new(base, accepted, &seen, LEV_OPT_CLOSE_ON_FREE, 0, socket);
}

static void a_successor_on_its_socket_takes_who_is_left(void** state) {
  (void)state;
  struct evconnlistener* listener = listen_with(0);
  evconnlistener_set_cb(listener, replace_at_once, &seen);
  int clients[5];
  for (int i = 0; i < 5; ++i)
    clients[i] = dial();
  run_ready(base);
  assert_int_equal(seen.calls, 5);
  finish(seen.listener);
  for (int i = 0; i < 5; ++i) {
    close(clients[i]);
    close(seen.fds[i]);
  }
}

static void without_a_callback_it_waits_for_one(void** state) {
  (void)state;
  start();
  struct evconnlistener* listener = evconnlistener_new_bind(
      base, NULL, NULL, LEV_OPT_CLOSE_ON_FREE, -1, (struct sockaddr*)&loopback, sizeof loopback);
  socklen_t length = sizeof loopback;
  getsockname(evconnlistener_get_fd(listener), (struct sockaddr*)&loopback, &length);
  int client = dial();
  run_ready(base);
  evconnlistener_set_cb(listener, accepted, &seen);
  run_ready(base);
  assert_int_equal(seen.calls, 1);
  finish(listener);
  close(client);
  close(seen.last_fd);
}

static void one_that_loses_its_callback_drops_a_connection(void** state) {
  (void)state;
  struct evconnlistener* listener = listen_with(LEV_OPT_CLOSE_ON_FREE);
  evconnlistener_set_cb(listener, NULL, NULL);
  int client = dial();
  event_base_loop(base, EVLOOP_NONBLOCK);
  char byte;
  assert_int_equal(recv(client, &byte, 1, 0), 0);
  assert_int_equal(seen.calls, 0);
  finish(listener);
  close(client);
}

static void a_socket_of_the_users_is_listened_on(void** state) {
  (void)state;
  start();
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  assert_int_equal(bind(fd, (struct sockaddr*)&loopback, sizeof loopback), 0);
  struct evconnlistener* listener = evconnlistener_new(base, accepted, &seen, 0, 5, fd);
  assert_non_null(listener);
  assert_int_equal(evconnlistener_get_fd(listener), fd);
  socklen_t length = sizeof loopback;
  getsockname(fd, (struct sockaddr*)&loopback, &length);
  int client = dial();
  run_ready(base);
  assert_int_equal(seen.calls, 1);
  evconnlistener_free(listener);
  listener = evconnlistener_new(base, accepted, &seen, LEV_OPT_CLOSE_ON_FREE, 0, fd);
  int second = dial();
  run_ready(base);
  assert_int_equal(seen.calls, 2);
  finish(listener);
  assert_false(descriptor_is_open(fd));
  close(client);
  close(second);
  close(seen.fds[0]);
  close(seen.fds[1]);
}

static void what_can_not_be_bound_or_listened_on_is_refused(void** state) {
  (void)state;
  struct evconnlistener* listener = listen_with(LEV_OPT_CLOSE_ON_FREE);
  assert_null(evconnlistener_new_bind(base, accepted, &seen, LEV_OPT_CLOSE_ON_FREE, -1,
                                      (struct sockaddr*)&loopback, sizeof loopback));
  assert_null(evconnlistener_new_bind(base, accepted, &seen, LEV_OPT_CLOSE_ON_FREE, 0,
                                      (struct sockaddr*)&loopback, sizeof loopback));
  assert_null(evconnlistener_new_bind(base, accepted, &seen, LEV_OPT_CLOSE_ON_FREE, -1, NULL, 0));
  struct sockaddr nonsense = {.sa_family = 999};
  assert_null(evconnlistener_new_bind(base, accepted, &seen, 0, -1, &nonsense, sizeof nonsense));
  assert_null(evconnlistener_new(base, accepted, &seen, 0, -1, -1));
  int next = dup(0);
  close(next);
  assert_null(evconnlistener_new_bind(base, accepted, &seen, 0, -1, (struct sockaddr*)&loopback,
                                      sizeof loopback));
  assert_int_equal(dup(0), next);
  close(next);
  finish(listener);
}

static void a_local_socket_is_listened_on(void** state) {
  (void)state;
  start();
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "pollshim-l-%d", (int)getpid());
  struct evconnlistener* listener = evconnlistener_new_bind(
      base, accepted, &seen, LEV_OPT_CLOSE_ON_FREE, -1, (struct sockaddr*)&address, sizeof address);
  assert_non_null(listener);
  int client = socket(AF_UNIX, SOCK_STREAM, 0);
  assert_int_equal(connect(client, (struct sockaddr*)&address, sizeof address), 0);
  run_ready(base);
  assert_int_equal(seen.calls, 1);
  assert_int_equal(((struct sockaddr*)&seen.from)->sa_family, AF_UNIX);
  finish(listener);
  close(client);
  close(seen.last_fd);
}

static void a_thread_safe_one_works_with_locks(void** state) {
  (void)state;
  evthread_use_pthreads();
  struct evconnlistener* listener = listen_with(LEV_OPT_CLOSE_ON_FREE | LEV_OPT_THREADSAFE);
  seen.act = act_free;
  seen.act_at = 1;
  int client = dial();
  run_until(base, &seen.calls);
  assert_int_equal(seen.calls, 1);
  finish(NULL);
  close(client);
  close(seen.last_fd);
  (void)listener;
}

static void no_memory_means_no_listener_and_no_leaked_descriptor(void** state) {
  (void)state;
  memory_hooks_install();
  start();
  int next = dup(0);
  close(next);
  memory_fails_after(0);
  struct evconnlistener* listener =
      evconnlistener_new_bind(base, accepted, &seen, LEV_OPT_CLOSE_ON_FREE, -1,
                              (struct sockaddr*)&loopback, sizeof loopback);
  memory_succeeds();
  assert_null(listener);
  assert_int_equal(dup(0), next);
  close(next);
  finish(NULL);
}

const struct CMUnitTest listener_tests[] = {
    cmocka_unit_test(a_connection_is_handed_over_with_its_address),
    cmocka_unit_test(all_that_wait_are_accepted_in_one_turn),
    cmocka_unit_test(options_decide_about_the_descriptors),
    cmocka_unit_test(a_deferred_accept_waits_for_bytes),
    cmocka_unit_test(ipv6_only_is_set_where_it_is_possible),
    cmocka_unit_test(a_disabled_one_lets_them_wait),
    cmocka_unit_test(one_disabled_in_its_callback_stops_at_once),
    cmocka_unit_test(one_freed_in_its_callback_stops_at_once),
    cmocka_unit_test(a_successor_on_its_socket_takes_who_is_left),
    cmocka_unit_test(without_a_callback_it_waits_for_one),
    cmocka_unit_test(one_that_loses_its_callback_drops_a_connection),
    cmocka_unit_test(a_socket_of_the_users_is_listened_on),
    cmocka_unit_test(what_can_not_be_bound_or_listened_on_is_refused),
    cmocka_unit_test(a_local_socket_is_listened_on),
    cmocka_unit_test(a_thread_safe_one_works_with_locks),
    cmocka_unit_test(no_memory_means_no_listener_and_no_leaked_descriptor),
};
const size_t listener_test_count = COUNT_OF(listener_tests);
