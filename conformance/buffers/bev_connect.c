/* Socket bufferevents that connect: to addresses and to names, in time and in vain. */
#include "conformance/buffers/one_bev.h"

#include <sys/un.h>

static void a_finished_connect_is_an_event(void** state) {
  (void)state;
  struct sockaddr_in address;
  int listener = tcp_listener(&address);
  open_unconnected(0);
  assert_int_equal(bufferevent_socket_connect(bev, (struct sockaddr*)&address, sizeof address), 0);
  assert_true(bufferevent_getfd(bev) >= 0);
  assert_string_equal(story.text, "");
  run_until(base, &teller.events);
  assert_string_equal(story.text, "x:event(0x80)");
  run_ready(base);
  assert_string_equal(story.text, "x:event(0x80)");
  int accepted = accept(listener, NULL, NULL);
  bufferevent_enable(bev, EV_READ);
  send_text(accepted, "welcome");
  run_until(base, &teller.reads);
  assert_input(bev, "welcome");
  close_one();
  close(accepted);
  close(listener);
}

static void bytes_written_before_the_connect_follow_it(void** state) {
  (void)state;
  struct sockaddr_in address;
  int listener = tcp_listener(&address);
  open_unconnected(0);
  bufferevent_write(bev, "early", 5);
  bufferevent_enable(bev, EV_READ);
  assert_int_equal(bufferevent_socket_connect(bev, (struct sockaddr*)&address, sizeof address), 0);
  run_until(base, &teller.writes);
  assert_string_equal(story.text, "x:event(0x80) x:write(0)");
  int accepted = accept(listener, NULL, NULL);
  assert_received(accepted, "early");
  close_one();
  close(accepted);
  close(listener);
}

static void a_refused_connect_is_an_error(void** state) {
  (void)state;
  struct sockaddr_in address;
  close(tcp_listener(&address));
  open_unconnected(0);
  bufferevent_enable(bev, EV_READ | EV_WRITE);
  assert_int_equal(bufferevent_socket_connect(bev, (struct sockaddr*)&address, sizeof address), 0);
  run_until(base, &teller.events);
  run_ready(base);
  assert_string_equal(story.text, "x:event(0x20)");
  close_one();
}

static void a_socket_of_the_users_is_used(void** state) {
  (void)state;
  struct sockaddr_in address;
  int listener = tcp_listener(&address);
  open_unconnected(0);
  int mine = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  bufferevent_setfd(bev, mine);
  assert_int_equal(bufferevent_socket_connect(bev, (struct sockaddr*)&address, sizeof address), 0);
  assert_int_equal(bufferevent_getfd(bev), mine);
  run_until(base, &teller.events);
  assert_non_null(strstr(story.text, "x:event(0x80)"));
  close_one();
  close(listener);
}

static void a_connect_that_is_under_way_is_waited_for(void** state) {
  (void)state;
  struct sockaddr_in address;
  int listener = tcp_listener(&address);
  open_unconnected(0);
  int mine = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  (void)connect(mine, (struct sockaddr*)&address, sizeof address);
  bufferevent_setfd(bev, mine);
  assert_int_equal(bufferevent_socket_connect(bev, NULL, 0), 0);
  run_until(base, &teller.events);
  assert_non_null(strstr(story.text, "x:event(0x80)"));
  close_one();
  close(listener);
}

static void neither_address_nor_socket_is_an_error(void** state) {
  (void)state;
  open_unconnected(0);
  assert_int_equal(bufferevent_socket_connect(bev, NULL, 0), -1);
  assert_int_equal(bufferevent_getfd(bev), -1);
  struct sockaddr_storage nonsense;
  memset(&nonsense, 0, sizeof nonsense);
  nonsense.ss_family = 999;
  assert_int_equal(bufferevent_socket_connect(bev, (struct sockaddr*)&nonsense, sizeof nonsense),
                   -1);
  assert_int_equal(bufferevent_getfd(bev), -1);
  close_one();
}

static void a_local_socket_connects_too(void** state) {
  (void)state;
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "pollshim-%d", (int)getpid());
  int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  assert_int_equal(bind(listener, (struct sockaddr*)&address, sizeof address), 0);
  assert_int_equal(listen(listener, 4), 0);
  open_unconnected(0);
  assert_int_equal(bufferevent_socket_connect(bev, (struct sockaddr*)&address, sizeof address), 0);
  run_until(base, &teller.events);
  /* Connected before the loop runs: the request for bytes was scheduled first. */
  assert_string_equal(story.text, "x:write(0) x:event(0x80)");
  close_one();
  close(listener);
}

static void connected_comes_before_read_when_both_are_deferred(void** state) {
  (void)state;
  struct sockaddr_in address;
  int listener = tcp_listener(&address);
  open_unconnected(BEV_OPT_DEFER_CALLBACKS);
  bufferevent_enable(bev, EV_READ | EV_WRITE);
  bufferevent_socket_connect(bev, (struct sockaddr*)&address, sizeof address);
  int accepted = accept(listener, NULL, NULL);
  send_text(accepted, "hello");
  run_until(base, &teller.reads);
  assert_memory_equal(story.text, "x:event(0x80)", 13);
  close_one();
  close(accepted);
  close(listener);
}

static void a_numeric_name_needs_no_lookup(void** state) {
  (void)state;
  struct sockaddr_in address;
  int listener = tcp_listener(&address);
  open_unconnected(0);
  assert_int_equal(
      bufferevent_socket_connect_hostname(bev, NULL, AF_INET, "127.0.0.1", ntohs(address.sin_port)),
      0);
  run_until(base, &teller.events);
  assert_string_equal(story.text, "x:event(0x80)");
  assert_int_equal(bufferevent_socket_get_dns_error(bev), 0);
  close_one();
  close(listener);
}

static void the_name_localhost_is_found_in_the_hosts_file(void** state) {
  (void)state;
  struct sockaddr_in address;
  int listener = tcp_listener(&address);
  open_unconnected(0);
  assert_int_equal(
      bufferevent_socket_connect_hostname(bev, NULL, AF_INET, "localhost", ntohs(address.sin_port)),
      0);
  run_until(base, &teller.events);
  assert_string_equal(story.text, "x:event(0x80)");
  close_one();
  close(listener);
}

static void a_name_that_can_not_be_found_is_an_error(void** state) {
  (void)state;
  open_unconnected(0);
  assert_int_equal(bufferevent_socket_connect_hostname(bev, NULL, AF_INET, "::1", 80), 0);
  run_ready(base);
  assert_string_equal(story.text, "x:event(0x20)");
  assert_int_not_equal(bufferevent_socket_get_dns_error(bev), 0);
  assert_int_equal(bufferevent_getfd(bev), -1);
  close_one();
}

static void bad_families_and_ports_are_refused(void** state) {
  (void)state;
  open_unconnected(0);
  assert_int_equal(bufferevent_socket_connect_hostname(bev, NULL, AF_UNIX, "127.0.0.1", 80), -1);
  assert_int_equal(bufferevent_socket_connect_hostname(bev, NULL, AF_INET, "127.0.0.1", 0), -1);
  assert_int_equal(bufferevent_socket_connect_hostname(bev, NULL, AF_INET, "127.0.0.1", 65536), -1);
  assert_int_equal(bufferevent_socket_connect_hostname(bev, NULL, AF_INET, "127.0.0.1", -5), -1);
  close_one();
}

static void freeing_while_connecting_is_safe(void** state) {
  (void)state;
  struct sockaddr_in address;
  int listener = tcp_listener(&address);
  open_unconnected(0);
  bufferevent_socket_connect(bev, (struct sockaddr*)&address, sizeof address);
  close_one();
  assert_string_equal(story.text, "");
  close(listener);
}

static void disabling_while_connecting_does_not_stop_it(void** state) {
  (void)state;
  struct sockaddr_in address;
  int listener = tcp_listener(&address);
  open_unconnected(0);
  bufferevent_socket_connect(bev, (struct sockaddr*)&address, sizeof address);
  bufferevent_disable(bev, EV_WRITE | EV_READ);
  run_until(base, &teller.events);
  assert_string_equal(story.text, "x:event(0x80)");
  assert_int_equal(event_pending(&bev->ev_write, EV_WRITE, NULL), 0);
  close_one();
  close(listener);
}

const struct CMUnitTest bev_connect_tests[] = {
    cmocka_unit_test(a_finished_connect_is_an_event),
    cmocka_unit_test(bytes_written_before_the_connect_follow_it),
    cmocka_unit_test(a_refused_connect_is_an_error),
    cmocka_unit_test(a_socket_of_the_users_is_used),
    cmocka_unit_test(a_connect_that_is_under_way_is_waited_for),
    cmocka_unit_test(neither_address_nor_socket_is_an_error),
    cmocka_unit_test(a_local_socket_connects_too),
    cmocka_unit_test(connected_comes_before_read_when_both_are_deferred),
    cmocka_unit_test(a_numeric_name_needs_no_lookup),
    cmocka_unit_test(the_name_localhost_is_found_in_the_hosts_file),
    cmocka_unit_test(a_name_that_can_not_be_found_is_an_error),
    cmocka_unit_test(bad_families_and_ports_are_refused),
    cmocka_unit_test(freeing_while_connecting_is_safe),
    cmocka_unit_test(disabling_while_connecting_does_not_stop_it),
};
const size_t bev_connect_test_count = COUNT_OF(bev_connect_tests);
