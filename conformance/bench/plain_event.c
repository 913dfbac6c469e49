/* Plain sockets under bufferevents. */
#include <event2/bufferevent.h>

#include "conformance/bench/transport.h"

const struct transport_loads transport_loads = {load_echo, load_send, load_receive};

struct bufferevent* transport_bufferevent(struct event_base* base, int fd) {
  return bufferevent_socket_new(base, fd, 0);
}
