/* Entry of the bufferevent suite: all of bufferevent.h and bufferevent_compat.h. */
#include "conformance/buffers/groups.h"

#define GROUPS(X)                                                                       \
  X(bev_socket)                                                                         \
  X(bev_stream)                                                                         \
  X(bev_marks) X(bev_pair) X(bev_filter) X(bev_limit) X(bev_limit_edges) X(bev_connect) \
      X(bev_free) X(bev_edge) X(bev_threads)

SUITE_OF(GROUPS)
