/* Stacks of sockets, pairs and filters. The filters add 1 to each byte on its way out and take it
 * off on its way in, no more than a few hundred bytes at once. */
#include "conformance/buffers/torture/stack.h"

#include <event2/buffer.h>
#include <event2/util.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

enum { most_filtered_at_once = 700 };

static enum bufferevent_filter_result shift(struct evbuffer* from, struct evbuffer* to,
                                            ev_ssize_t limit, int by) {
  unsigned char bytes[most_filtered_at_once];
  size_t most = sizeof bytes;
  if (limit >= 0 && (size_t)limit < most) most = (size_t)limit;
  int count = evbuffer_remove(from, bytes, most);
  if (count <= 0) return BEV_NEED_MORE;
  for (int i = 0; i < count; i++)
    bytes[i] = (unsigned char)(bytes[i] + by);
  return evbuffer_add(to, bytes, (size_t)count) == 0 ? BEV_OK : BEV_ERROR;
}

static enum bufferevent_filter_result filter_in(struct evbuffer* from, struct evbuffer* to,
                                                ev_ssize_t limit, enum bufferevent_flush_mode mode,
                                                void* unused) {
  (void)mode, (void)unused;
  return shift(from, to, limit, -1);
}

static enum bufferevent_filter_result filter_out(struct evbuffer* from, struct evbuffer* to,
                                                 ev_ssize_t limit, enum bufferevent_flush_mode mode,
                                                 void* unused) {
  (void)mode, (void)unused;
  return shift(from, to, limit, 1);
}

static int on_descriptors(struct event_base* base, int options, const int fds[2],
                          struct bufferevent* ends[2]) {
  for (int i = 0; i < 2; i++) {
    evutil_make_socket_nonblocking(fds[i]);
    ends[i] = bufferevent_socket_new(base, fds[i], options);
    if (ends[i] == NULL) return -1;
  }
  return 0;
}

static int open_local(struct event_base* base, int options, struct bufferevent* ends[2]) {
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) return -1;
  return on_descriptors(base, options, fds, ends);
}

static int open_tcp(struct event_base* base, int options, struct bufferevent* ends[2]) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  int on = 1, fds[2] = {socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), -1};
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (bind(listener, (struct sockaddr*)&address, size) == 0 && listen(listener, 1) == 0 &&
      getsockname(listener, (struct sockaddr*)&address, &size) == 0 &&
      connect(fds[0], (struct sockaddr*)&address, size) == 0)
    fds[1] = accept(listener, NULL, NULL);
  close(listener);
  if (fds[1] < 0) return -1;
  for (int i = 0; i < 2; i++)
    setsockopt(fds[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return on_descriptors(base, options, fds, ends);
}

static int open_pair(struct event_base* base, int options, struct bufferevent* ends[2]) {
  return bufferevent_pair_new(base, options, ends);
}

static int put_filters_on(int opened, int options, struct bufferevent* ends[2]) {
  if (opened != 0) return -1;
  for (int i = 0; i < 2; i++) {
    ends[i] = bufferevent_filter_new(ends[i], filter_in, filter_out, options, NULL, NULL);
    if (ends[i] == NULL) return -1;
  }
  return 0;
}

static int open_filter_on_local(struct event_base* base, int options, struct bufferevent* ends[2]) {
  return put_filters_on(open_local(base, options, ends), options, ends);
}

static int open_filter_on_tcp(struct event_base* base, int options, struct bufferevent* ends[2]) {
  return put_filters_on(open_tcp(base, options, ends), options, ends);
}

static int open_filter_on_pair(struct event_base* base, int options, struct bufferevent* ends[2]) {
  return put_filters_on(open_pair(base, options, ends), options, ends);
}

static int open_filters_on_pair(struct event_base* base, int options, struct bufferevent* ends[2]) {
  return put_filters_on(open_filter_on_pair(base, options, ends), options, ends);
}

const struct stack_kind local_stack = {"local", open_local, 0, 1, 1, 0};
const struct stack_kind tcp_stack = {"tcp", open_tcp, 0, 1, 1, 0};
const struct stack_kind pair_stack = {"pair", open_pair, 1, 0, 0, 0};
const struct stack_kind filter_on_local_stack = {
    "filter-on-local", open_filter_on_local, 0, 1, 1, 1};
const struct stack_kind filter_on_tcp_stack = {"filter-on-tcp", open_filter_on_tcp, 0, 1, 1, 1};
const struct stack_kind filter_on_pair_stack = {"filter-on-pair", open_filter_on_pair, 1, 0, 0, 1};
const struct stack_kind filters_on_pair_stack = {
    "filters-on-pair", open_filters_on_pair, 1, 0, 0, 1};
