// Socket options and descriptor flags, by their portable names.
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "compat/event/log.h"
#include "compat/event/util/sockets.h"
#include "event2/util.h"

using namespace pollshim::event;

namespace {

int switch_on(evutil_socket_t socket, int level, int option) {
  const int one = 1;
  return ::setsockopt(socket, level, option, &one, sizeof one);
}

// Adds a flag to one of the two sets of flags that a descriptor has, if it is not there already.
int add_flag(evutil_socket_t socket, int get, const char* get_name, int set, const char* set_name,
             int flag) {
  const int flags = ::fcntl(socket, get);
  if (flags < 0) {
    log_warning_errno("fcntl(%d, %s)", socket, get_name);
    return -1;
  }
  if (flags & flag) return 0;
  if (::fcntl(socket, set, flags | flag) == -1) {
    log_warning_errno("fcntl(%d, %s)", socket, set_name);
    return -1;
  }
  return 0;
}

#if !defined(SOCK_NONBLOCK) || !defined(SOCK_CLOEXEC)
// Where descriptors get their flags one by one. Closes the descriptor if one is refused.
evutil_socket_t with_flags(evutil_socket_t socket, bool nonblocking, bool close_on_exec) {
  if (socket < 0) return socket;
  if ((nonblocking && evutil_make_socket_nonblocking(socket) < 0) ||
      (close_on_exec && evutil_make_socket_closeonexec(socket) < 0)) {
    evutil_closesocket(socket);
    return -1;
  }
  return socket;
}
#endif

}  // namespace

namespace pollshim::event {

#if defined(SOCK_NONBLOCK) && defined(SOCK_CLOEXEC)
evutil_socket_t open_stream_socket(int family, bool close_on_exec) {
  return ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | (close_on_exec ? SOCK_CLOEXEC : 0), 0);
}

evutil_socket_t accept_socket(evutil_socket_t listening, sockaddr* address, socklen_t* length,
                              bool nonblocking, bool close_on_exec) {
  return ::accept4(listening, address, length,
                   (nonblocking ? SOCK_NONBLOCK : 0) | (close_on_exec ? SOCK_CLOEXEC : 0));
}
#else
evutil_socket_t open_stream_socket(int family, bool close_on_exec) {
  return with_flags(::socket(family, SOCK_STREAM, 0), true, close_on_exec);
}

evutil_socket_t accept_socket(evutil_socket_t listening, sockaddr* address, socklen_t* length,
                              bool nonblocking, bool close_on_exec) {
  return with_flags(::accept(listening, address, length), nonblocking, close_on_exec);
}
#endif

}  // namespace pollshim::event

extern "C" {

int evutil_socketpair(int family, int type, int protocol, evutil_socket_t sockets[2]) {
  return ::socketpair(family, type, protocol, sockets);
}

int evutil_make_socket_nonblocking(evutil_socket_t socket) {
  return add_flag(socket, F_GETFL, "F_GETFL", F_SETFL, "F_SETFL", O_NONBLOCK);
}

int evutil_make_socket_closeonexec(evutil_socket_t socket) {
  return add_flag(socket, F_GETFD, "F_GETFD", F_SETFD, "F_SETFD", FD_CLOEXEC);
}

int evutil_make_listen_socket_reuseable(evutil_socket_t socket) {
  return switch_on(socket, SOL_SOCKET, SO_REUSEADDR);
}

int evutil_make_listen_socket_reuseable_port(evutil_socket_t socket) {
  return switch_on(socket, SOL_SOCKET, SO_REUSEPORT);
}

int evutil_make_listen_socket_ipv6only(evutil_socket_t socket) {
  return switch_on(socket, IPPROTO_IPV6, IPV6_V6ONLY);
}

int evutil_make_tcp_listen_socket_deferred(evutil_socket_t socket) {
  return switch_on(socket, IPPROTO_TCP, TCP_DEFER_ACCEPT);
}

int evutil_closesocket(evutil_socket_t socket) {
  return ::close(socket);
}

}  // extern "C"
