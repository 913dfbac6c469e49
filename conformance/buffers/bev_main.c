/* Entry of the bufferevent suite: all of bufferevent.h and bufferevent_compat.h. */
#include "conformance/buffers/groups.h"

#define SOCKETS(X) \
  X(bev_socket) X(bev_stream) X(bev_connect) X(bev_edge) X(bev_descriptor) X(bev_kernel)
#define CALLING(X) X(bev_marks) X(bev_timeouts) X(bev_callbacks)
#define STACKS(X) X(bev_pair) X(bev_filter)
#define ALL_KINDS(X) \
  X(bev_limit) X(bev_limit_edges) X(bev_free) X(bev_memory) X(bev_threads) X(bev_together)
#define GROUPS(X) SOCKETS(X) CALLING(X) STACKS(X) ALL_KINDS(X)

SUITE_OF(GROUPS)
