// Whether a descriptor is a TCP socket, asked in a way that a sandbox made for the original knows:
// that one asks FIONREAD before every read, and never for an option of a socket that it was given.
// Used by the bufferevents of both libraries; knows neither.
#pragma once

#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#if defined(__linux__)
#include <linux/sockios.h>
#endif

namespace pollshim::event {

inline bool is_tcp_socket(int fd) {
#if defined(SIOCOUTQNSD)
  // How much of the output has not been sent: TCP alone can say. For other sockets the kernel reads
  // the argument as an interface's description before it finds out that it knows no such request.
  union {
    int unsent;
    char description[64];
  } answer = {};
  return ioctl(fd, SIOCOUTQNSD, &answer) == 0;
#else
  int type = 0;
  sockaddr_storage address{};
  socklen_t size = sizeof type, length = sizeof address;
  if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_STREAM) return false;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) return false;
  return address.ss_family == AF_INET || address.ss_family == AF_INET6;
#endif
}

}  // namespace pollshim::event
