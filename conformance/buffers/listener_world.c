/* The world that listener_world.h describes. */
#include "conformance/buffers/listener_world.h"

struct event_base* base;
struct sockaddr_in loopback;
struct listener_seen seen;

void accepted(struct evconnlistener* listener, evutil_socket_t fd, struct sockaddr* address,
              int length, void* arg) {
  assert_ptr_equal(arg, &seen);
  seen.listener = listener;
  seen.last_fd = fd;
  if (seen.calls < 64) seen.fds[seen.calls] = fd;
  ++seen.calls;
  memcpy(&seen.from, address, (size_t)length);
  seen.from_length = length;
  if (seen.act != act_nothing && seen.calls == seen.act_at) {
    if (seen.act == act_disable) evconnlistener_disable(listener);
    if (seen.act == act_mute) evconnlistener_set_cb(listener, NULL, NULL);
    if (seen.act == act_free) evconnlistener_free(listener);
  }
}

void failed(struct evconnlistener* listener, void* arg) {
  assert_ptr_equal(arg, &seen);
  (void)listener;
  ++seen.errors;
}

void start(void) {
  base = new_base();
  memset(&seen, 0, sizeof seen);
  memset(&loopback, 0, sizeof loopback);
  loopback.sin_family = AF_INET;
  loopback.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
}

struct evconnlistener* listen_with(unsigned flags) {
  start();
  struct evconnlistener* listener = evconnlistener_new_bind(
      base, accepted, &seen, flags, -1, (struct sockaddr*)&loopback, sizeof loopback);
  if (listener) {
    socklen_t length = sizeof loopback;
    assert_int_equal(
        getsockname(evconnlistener_get_fd(listener), (struct sockaddr*)&loopback, &length), 0);
  }
  return listener;
}

int dial(void) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_true(fd >= 0);
  assert_int_equal(connect(fd, (struct sockaddr*)&loopback, sizeof loopback), 0);
  return fd;
}

void finish(struct evconnlistener* listener) {
  if (listener) evconnlistener_free(listener);
  run_ready(base);
  event_base_free(base);
}
