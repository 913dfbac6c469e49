// The end of an SSL object that touches the descriptor, or the bufferevent underneath: BIOs of
// ours. The one on a descriptor is, to those who ask it, a socket BIO of OpenSSL's; but it sees
// short counts, and so saves the read that would only say EAGAIN, and it keeps to a rate limit.
#pragma once

#include "compat/event/tls/tls.h"

namespace pollshim::event {

// nullptr for want of memory. They do not close anything. What they point back to may be gone
// before they are, if the user keeps the SSL object: then detach_wire() was called.
BIO* make_socket_wire(TlsBufferEvent* bev, evutil_socket_t fd);
BIO* make_filter_wire(TlsBufferEvent* bev);
void detach_wire(BIO* bio);

// Around what is done in one go on a descriptor. Only meanwhile does the wire believe that a
// descriptor which was empty is still empty; who uses the SSL object on his own asks the kernel.
// With a limit it reads no more than `most` bytes. Nothing happens without a wire of ours.
void begin_turn(TlsBufferEvent* bev, ev_ssize_t most);
inline constexpr ev_ssize_t kNoLimit = -1;
void end_turn(TlsBufferEvent* bev);

// Within a turn: whether the descriptor has no more bytes for sure.
bool wire_is_dry(const TlsBufferEvent* bev);
// Whether more was wanted than the limit allowed.
bool wire_was_limited(const TlsBufferEvent* bev);

}  // namespace pollshim::event
