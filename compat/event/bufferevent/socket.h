// What connect.cc needs of the socket kind, and the room where names are looked up.
#pragma once

#include "compat/event/bufferevent/bufferevent.h"

struct evdns_base;

namespace pollshim::event {

// socket.cc: to another base.
bool move_socket(BufferEvent* bev, event_base* base);

// connect.cc: the connection has come about.
void note_connected(BufferEvent* bev, evutil_socket_t fd);
void cancel_lookup(BufferEvent* bev);

// Looking up names without blocking, as evdns can once there is an evdns_base. Set by it; without
// it, and without a base of it, the system's blocking resolver does.
struct NameLookup {
  using Callback = void (*)(int result, evutil_addrinfo* list, void* argument);
  // nullptr if the callback has run already.
  evdns_getaddrinfo_request* (*start)(evdns_base* base, const char* node, const char* service,
                                      const evutil_addrinfo* hints, Callback callback,
                                      void* argument);
  // The callback runs, now or later, with EVUTIL_EAI_CANCEL.
  void (*cancel)(evdns_getaddrinfo_request* request);
};
void set_name_lookup(const NameLookup* lookup);

}  // namespace pollshim::event
