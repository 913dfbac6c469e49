// Sockets with the flags they are to have from the start, in one call where the system can. For
// whoever opens sockets in the library; the public functions about sockets are in sockets.cc too.
#pragma once

#include <sys/socket.h>

#include "event2/util.h"

namespace pollshim::event {

// Non-blocking, for a stream. -1 with errno set.
evutil_socket_t open_stream_socket(int family, bool close_on_exec);

// As accept(2), with the flags that the new descriptor is to have.
evutil_socket_t accept_socket(evutil_socket_t listening, sockaddr* address, socklen_t* length,
                              bool nonblocking, bool close_on_exec);

}  // namespace pollshim::event
