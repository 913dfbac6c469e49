// Connecting a socket bufferevent, by address or by name, and what is known of its peer.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "compat/event/bufferevent/socket.h"
#include "compat/event/memory.h"

namespace pollshim::event {

namespace {

const NameLookup* name_lookup = nullptr;

enum class Start : std::uint8_t { kUnderWay, kDone, kRefused, kFailed };

Start start_connecting(evutil_socket_t fd, const sockaddr* address, int size) {
  if (connect(fd, address, static_cast<socklen_t>(size)) == 0) return Start::kDone;
  if (errno == EINTR || errno == EINPROGRESS) return Start::kUnderWay;
  return errno == ECONNREFUSED ? Start::kRefused : Start::kFailed;
}

// Takes the descriptor over unless it fails. Pre: locked and held.
bool connect_socket(BufferEvent* bev, evutil_socket_t fd, const sockaddr* address, int size) {
  const Start start = address != nullptr ? start_connecting(fd, address, size) : Start::kUnderWay;
  if (start == Start::kFailed) return false;
  const int error = errno;
  bev->connecting = start != Start::kRefused;
  bufferevent_setfd(bev, fd);
  switch (start) {
    case Start::kUnderWay:
      if (add_with_timeout(&bev->ev_write, bev->timeout_write) != 0) bev->connecting = false;
      break;
    case Start::kDone:
      trigger(bev, EV_WRITE, BEV_TRIG_DEFER_CALLBACKS);
      break;
    default:
      errno = error;
      run_event_callback(bev, BEV_EVENT_ERROR, BEV_TRIG_DEFER_CALLBACKS);
      disable(bev, EV_READ | EV_WRITE);
  }
  return true;
}

bool connect_to(BufferEvent* bev, const sockaddr* address, int size) {
  const BufferEventGuard guard(bev);
  evutil_socket_t fd = bufferevent_getfd(bev);
  const bool is_new = fd < 0;
  if (is_new) {
    if (address == nullptr) return false;
    fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fd < 0) return false;
  }
  if (connect_socket(bev, fd, address, size)) return true;
  const int error = errno;
  if (is_new) close(fd);
  errno = error;
  return false;
}

// ---- Names.

// The hold that came with the lookup ends here.
void use_addresses(int result, evutil_addrinfo* list, void* self) {
  auto* bev = static_cast<BufferEvent*>(self);
  acquire(bev->lock);
  bev->lookup = nullptr;
  resume_write(bev, kReasonLookup);
  resume_read(bev, kReasonLookup);
  if (result == EVUTIL_EAI_CANCEL) {
    bev->lookup_error = result;
  } else {
    if (result == 0) result = set_peer_address(bev, list->ai_addr, list->ai_addrlen);
    if (result != 0) bev->lookup_error = result;
    if (result != 0 || !connect_to(bev, list->ai_addr, static_cast<int>(list->ai_addrlen))) {
      run_event_callback(bev, BEV_EVENT_ERROR);
    }
  }
  let_go_and_unlock(bev);
  evutil_freeaddrinfo(list);
}

evdns_getaddrinfo_request* start_lookup(evdns_base* base, const char* node, const char* service,
                                        const evutil_addrinfo* hints, BufferEvent* bev) {
  if (base != nullptr && name_lookup != nullptr) {
    return name_lookup->start(base, node, service, hints, use_addresses, bev);
  }
  evutil_addrinfo* list = nullptr;
  const int result = evutil_getaddrinfo(node, service, hints, &list);
  use_addresses(result, list, bev);
  return nullptr;
}

}  // namespace

void set_name_lookup(const NameLookup* lookup) {
  name_lookup = lookup;
}

void cancel_lookup(BufferEvent* bev) {
  if (bev->lookup != nullptr && name_lookup != nullptr) name_lookup->cancel(bev->lookup);
}

// Only who connected by name is asked for the address later.
void note_connected(BufferEvent* bev, evutil_socket_t fd) {
  if (bev->peer_address == nullptr) return;
  socklen_t size = sizeof *bev->peer_address;
  getpeername(fd, reinterpret_cast<sockaddr*>(bev->peer_address), &size);
}

const sockaddr* peer_address(const BufferEvent* bev) {
  static constexpr sockaddr kNone = {};
  return bev->peer_address != nullptr ? reinterpret_cast<const sockaddr*>(bev->peer_address)
                                      : &kNone;
}

int set_peer_address(BufferEvent* bev, const sockaddr* address, std::size_t size) {
  if (size > sizeof *bev->peer_address) return EVUTIL_EAI_FAIL;
  if (bev->peer_address == nullptr) {
    bev->peer_address =
        static_cast<sockaddr_storage*>(allocate_zeroed(1, sizeof *bev->peer_address));
    if (bev->peer_address == nullptr) return EVUTIL_EAI_MEMORY;
  }
  std::memcpy(bev->peer_address, address, size);
  return 0;
}

}  // namespace pollshim::event

using namespace pollshim::event;

extern "C" {

int bufferevent_socket_connect(bufferevent* bev, const sockaddr* address, int size) {
  return connect_to(own(bev), address, size) ? 0 : -1;
}

int bufferevent_socket_connect_hostname(bufferevent* bev, evdns_base* evdns_base, int family,
                                        const char* hostname, int port) {
  if (family != AF_INET && family != AF_INET6 && family != AF_UNSPEC) return -1;
  if (port < 1 || port > 65535) return -1;
  char service[10];
  std::snprintf(service, sizeof service, "%d", port);
  evutil_addrinfo hints{};
  hints.ai_family = family;
  hints.ai_protocol = IPPROTO_TCP;
  hints.ai_socktype = SOCK_STREAM;

  const BufferEventGuard guard(bev);
  BufferEvent* self = own(bev);
  self->lookup_error = 0;
  suspend_write(self, kReasonLookup);
  suspend_read(self, kReasonLookup);
  hold(self);
  self->lookup = start_lookup(evdns_base, hostname, service, &hints, self);
  return 0;
}

int bufferevent_socket_get_dns_error(bufferevent* bev) {
  const Guard guard(own(bev)->lock);
  return own(bev)->lookup_error;
}

}  // extern "C"
