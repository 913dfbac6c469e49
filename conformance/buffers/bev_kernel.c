/* What the kernel does between two turns that edges could miss: urgent data, connections that take
 * their time on descriptors that were watched before. */
#include "conformance/buffers/one_bev.h"

#include <poll.h>
#include <sys/epoll.h>

static void send_urgently(char byte) {
  assert_int_equal(send(peer, &byte, 1, MSG_OOB), 1);
}

/* A read stops at the mark of urgent data, with bytes left behind it. */
static void bytes_behind_an_urgent_one_are_read(void** state) {
  (void)state;
  char expected[200] = "";
  open_tcp(0);
  for (int i = 0; i < 10; ++i) {
    bufferevent_setwatermark(bev, EV_READ, strlen(expected) + 6, 0);
    teller.reads = 0;
    if (i % 2) bufferevent_enable(bev, EV_READ);
    if (i % 4 > 1) run_ready(base);
    send_text(peer, "abc");
    if (i % 5 == 1) run_ready(base);
    send_urgently('!');
    if (i % 5 == 2) run_ready(base);
    send_text(peer, "def");
    bufferevent_enable(bev, EV_READ);
    run_until(base, &teller.reads);
    strcat(expected, "abcdef");
    assert_text(bufferevent_get_input(bev), expected);
    bufferevent_disable(bev, EV_READ);
  }
  close_one();
}

static void an_end_behind_urgent_data_is_seen(void** state) {
  (void)state;
  open_tcp(0);
  bufferevent_enable(bev, EV_READ);
  send_text(peer, "abc");
  send_urgently('!');
  close_peer();
  run_until(base, &teller.events);
  assert_int_equal(teller.last_event, BEV_EVENT_READING | BEV_EVENT_EOF);
  assert_input(bev, "abc");
  close_one();
}

/* A listener that takes no more connections until one is accepted: others stay under way. */
static int full_listener(struct sockaddr_in* address, int* waiting, int count) {
  int listener = tcp_listener(address);
  assert_int_equal(listen(listener, 0), 0);
  for (int i = 0; i < count; ++i) {
    waiting[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    (void)connect(waiting[i], (struct sockaddr*)address, sizeof *address);
  }
  return listener;
}

enum before { read_in_vain, written_in_vain, watched_for_writing, never_used, before_count };

static void prepare(enum before before, int fd) {
  if (before == read_in_vain) bufferevent_enable(bev, EV_READ);
  if (before == written_in_vain) bufferevent_write(bev, "x", 1);
  if (before == watched_for_writing) bufferevent_enable(bev, EV_WRITE);
  run_ready(base);
  evbuffer_unfreeze(bufferevent_get_output(bev), 1);
  evbuffer_drain(bufferevent_get_output(bev), 1);
  assert_int_equal(bufferevent_getfd(bev), fd);
}

static void what_was_ready_before_connecting_is_no_connection(void** state) {
  (void)state;
  for (int before = 0; before < before_count; ++before) {
    struct sockaddr_in address;
    int waiting[3], fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int listener = full_listener(&address, waiting, 3);
    open_unconnected(0);
    assert_int_equal(bufferevent_setfd(bev, fd), 0);
    prepare(before, fd);
    memset(&story, 0, sizeof story);
    teller.events = 0;
    bufferevent_enable(bev, EV_WRITE);
    assert_int_equal(bufferevent_socket_connect(bev, (struct sockaddr*)&address, sizeof address),
                     0);
    bufferevent_enable(bev, EV_READ);
    run_ready(base);
    struct pollfd connected = {fd, POLLOUT, 0};
    assert_int_equal(poll(&connected, 1, 0), 0);
    assert_string_equal(story.text, "");
    for (int i = 0; i < 3; ++i) {
      int accepted = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
      if (accepted >= 0) close(accepted);
      close(waiting[i]);
    }
    /* As soon as the kernel has asked once more. */
    run_until(base, &teller.events);
    assert_int_equal(teller.last_event, BEV_EVENT_CONNECTED);
    close(listener);
    close_one();
  }
}

/* What some epoll instance of this process was asked to report of a descriptor; 0 without any. */
static unsigned asked_of_epoll(int fd) {
  unsigned asked = 0;
  for (int epoll = 0; epoll < 64 && asked == 0; ++epoll) {
    char path[40], line[128];
    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", epoll);
    FILE* file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file)) {
      int watched = -1;
      unsigned events = 0;
      if (sscanf(line, "tfd: %d events: %x", &watched, &events) == 2 && watched == fd)
        asked = events;
    }
    if (file) fclose(file);
  }
  return asked;
}

static void ignore_event(evutil_socket_t fd, short what, void* context) {
  (void)fd, (void)what, (void)context;
}

/* Bufferevents of ours get by with edges, and want to hear of the end apart. As soon as somebody
 * else watches beside them they are all served like him, however many they are. */
static void beside_a_plain_event_nothing_but_levels_is_asked_for(void** state) {
  (void)state;
  enum { most = 5 };
  for (int count = 1; count <= most; ++count) {
    struct bufferevent* bevs[most];
    int pair[2];
    struct event_base* loop = new_base();
    stream_pair(pair);
    for (int i = 0; i < count; ++i) {
      bevs[i] = bufferevent_socket_new(loop, pair[0], 0);
      bufferevent_enable(bevs[i], EV_READ);
    }
    run_ready(loop);
    struct event* plain = event_new(loop, pair[0], EV_READ | EV_PERSIST, ignore_event, NULL);
    event_add(plain, NULL);
    run_ready(loop);
    if (strcmp(event_base_get_method(loop), "epoll") == 0)
      assert_int_equal(asked_of_epoll(pair[0]) & ~(EPOLLERR | EPOLLHUP), EPOLLIN);
    event_free(plain);
    for (int i = 0; i < count; ++i)
      bufferevent_free(bevs[i]);
    run_ready(loop);
    event_base_free(loop);
    close(pair[0]);
    close(pair[1]);
  }
}

const struct CMUnitTest bev_kernel_tests[] = {
    cmocka_unit_test(bytes_behind_an_urgent_one_are_read),
    cmocka_unit_test(an_end_behind_urgent_data_is_seen),
    cmocka_unit_test(what_was_ready_before_connecting_is_no_connection),
    cmocka_unit_test(beside_a_plain_event_nothing_but_levels_is_asked_for),
};
const size_t bev_kernel_test_count = COUNT_OF(bev_kernel_tests);
