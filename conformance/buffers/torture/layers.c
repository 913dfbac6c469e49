/* The layers that layers.h promises. The filters add 1 to each byte on its way out and take it off
 * on its way in, no more than a few hundred bytes at once. */
#include "conformance/buffers/torture/layers.h"

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

int put_filters_on(int opened, int options, struct bufferevent* ends[2]) {
  if (opened != 0) return -1;
  for (int i = 0; i < 2; i++) {
    ends[i] = bufferevent_filter_new(ends[i], filter_in, filter_out, options, NULL, NULL);
    if (ends[i] == NULL) return -1;
  }
  return 0;
}

static int make_nonblocking(const int fds[2]) {
  return evutil_make_socket_nonblocking(fds[0]) | evutil_make_socket_nonblocking(fds[1]);
}

int connect_local(int fds[2]) {
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) return -1;
  return make_nonblocking(fds);
}

int connect_tcp(int fds[2]) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  int on = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  fds[1] = -1;
  if (bind(listener, (struct sockaddr*)&address, size) == 0 && listen(listener, 1) == 0 &&
      getsockname(listener, (struct sockaddr*)&address, &size) == 0 &&
      connect(fds[0], (struct sockaddr*)&address, size) == 0)
    fds[1] = accept(listener, NULL, NULL);
  close(listener);
  if (fds[1] < 0) return -1;
  for (int i = 0; i < 2; i++)
    setsockopt(fds[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return make_nonblocking(fds);
}

int open_sockets(struct event_base* base, int options, connector* connect_them,
                 struct bufferevent* ends[2]) {
  int fds[2];
  if (connect_them(fds) != 0) return -1;
  for (int i = 0; i < 2; i++) {
    ends[i] = bufferevent_socket_new(base, fds[i], options);
    if (ends[i] == NULL) return -1;
  }
  return 0;
}

void shut_down_writing(struct bufferevent* end) {
  shutdown(bufferevent_getfd(end), SHUT_WR);
}
