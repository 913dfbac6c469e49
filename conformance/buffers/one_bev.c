/* The helpers that one_bev.h promises. */
#include "conformance/buffers/one_bev.h"

struct event_base* base;
struct bufferevent* bev;
struct story story;
struct teller teller;
int peer;

static void open_on(int descriptor, int options) {
  base = new_base();
  bev = bufferevent_socket_new(base, descriptor, BEV_OPT_CLOSE_ON_FREE | options);
  assert_non_null(bev);
  memset(&story, 0, sizeof story);
  listen_to(&teller, &story, "x", bev);
}

void open_one(int options) {
  int pair[2];
  stream_pair(pair);
  peer = pair[1];
  open_on(pair[0], options);
}

void open_tcp(int options) {
  int pair[2];
  tcp_pair(pair);
  peer = pair[1];
  open_on(pair[0], options);
}

void open_unconnected(int options) {
  peer = -1;
  open_on(-1, options);
}

void close_peer(void) {
  close(peer);
  peer = -1;
}

void reset_peer(void) {
  struct linger now = {1, 0};
  setsockopt(peer, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close_peer();
}

void close_one(void) {
  bufferevent_free(bev);
  run_ready(base);
  if (peer >= 0) close_peer();
  event_base_free(base);
}
