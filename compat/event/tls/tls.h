// A bufferevent whose bytes are TLS outside and plain inside. Two forms share everything that is
// done with OpenSSL (session.cc): one on a descriptor (socket.cc), one on another bufferevent
// (filter.cc); each says when to go on and hears what to wait for. All of it lives in a library of
// its own, which reaches the engine through the table in services.h alone.
//
// Functions expect the lock held, and where their comment says so a hold as well.
#pragma once

#include <openssl/ssl.h>

#include <cerrno>
#include <cstdint>

#include "compat/event/bufferevent/services.h"
#include "event2/bufferevent_ssl.h"

namespace pollshim::event {

inline constexpr int kMostErrors = 3;

struct TlsBufferEvent : BufferEvent {
  const Services* engine;
  BufferEvent* underlying;  // nullptr: on a descriptor
  SSL* ssl;
  BIO* wire;  // ours, in ssl, and held; nullptr where ssl came with a descriptor of its own

  // BIO_number_read and _written when they were last accounted for, and of which.
  BIO* counted_reader;
  BIO* counted_writer;
  std::uint64_t counted_read;
  std::uint64_t counted_written;

  int refused;  // so many bytes did SSL_write not take: they are to be offered again. 0: none
  std::uint32_t errors[kMostErrors];
  std::uint8_t error_count;
  std::uint8_t state;        // bufferevent_ssl_state
  std::uint8_t first_state;  // what a new descriptor begins with
  bool allow_dirty_shutdown;

  bool handshake_writes;  // the handshake waits for room, not for bytes
  bool read_wants_write;  // in the middle of a connection, one direction may need the other
  bool write_wants_read;
  bool read_over;  // an end was seen: there is no more to read
  bool write_over;
  bool failed;       // and it was no clean end
  bool telling_end;  // the user is hearing of it
  bool talking;      // OpenSSL is at work and must not be called

  // Of the filter form.
  bool reading;      // callbacks are running: they need not read themselves
  bool again;        // there was an occasion meanwhile
  short below_what;  // the end of what is underneath, while there are bytes before it
};

inline TlsBufferEvent* as_tls(::bufferevent* bev) {
  return static_cast<TlsBufferEvent*>(bev);
}

extern const bufferevent_ops tls_socket_ops;
extern const bufferevent_ops tls_filter_ops;

// Lock and hold for the time of one call, as BufferEventGuard.
class TlsGuard {
 public:
  explicit TlsGuard(TlsBufferEvent* bev) : bev_(bev) {
    bev_->engine->acquire(bev_->lock);
    bev_->engine->hold(bev_);
  }
  ~TlsGuard() { bev_->engine->let_go_and_unlock(bev_); }
  TlsGuard(const TlsGuard&) = delete;
  TlsGuard& operator=(const TlsGuard&) = delete;

 private:
  TlsBufferEvent* bev_;
};

// ---- session.cc

inline bool is_open(const TlsBufferEvent* bev) {
  return bev->state == BUFFEREVENT_SSL_OPEN;
}

// What has to come before anything can go on.
bool wants_to_read(const TlsBufferEvent* bev);
bool wants_to_write(const TlsBufferEvent* bev);
// Whether OpenSSL holds bytes that it has taken from below.
bool has_pending(const TlsBufferEvent* bev);

// Forgets the connection there was, for another that begins with `state`. False if OpenSSL refuses.
bool begin_session(TlsBufferEvent* bev, bufferevent_ssl_state state);

// For who reads on: an end that was told can be found again. True if there was one. Not in the very
// callback that tells of it, which would be called for ever.
bool forget_end(TlsBufferEvent* bev);

// As far as it goes without waiting. All of these run callbacks. Pre: held.
// 1 if it is complete, 0 if it has to wait, -1 if it has failed.
int continue_handshake(TlsBufferEvent* bev);
enum class Reading : std::uint8_t {
  kMore,  // there may be more
  kDry,   // not before more comes from below
  kOver,  // the end was reached, or reading waits for room to write
};
// `most` bytes at most, which may be made of several records.
Reading read_some(TlsBufferEvent* bev, std::size_t most);
enum class Writing : std::uint8_t {
  kAll,      // nothing is left, or nothing may be written now
  kMore,     // there is more, and it could have been taken
  kBlocked,  // there is more, which has to wait for room or bytes
};
Writing write_some(TlsBufferEvent* bev);
// How much may be read now; not more than 0 if nothing may.
ev_ssize_t how_much_to_read(TlsBufferEvent* bev);

// ---- socket.cc and filter.cc: waits for what is wanted, and for nothing else.
void watch_socket(TlsBufferEvent* bev);
void watch_below(TlsBufferEvent* bev);
inline void watch(TlsBufferEvent* bev) {
  bev->underlying == nullptr ? watch_socket(bev) : watch_below(bev);
}
// The handshake once more, as the state says by now: 1, 0 or -1 as continue_handshake(). On another
// bufferevent it is never 1, as programs know it.
int shake_socket(TlsBufferEvent* bev);
int shake_filter(TlsBufferEvent* bev);

// Begins, once everything else is set up.
bool start_socket(TlsBufferEvent* bev, evutil_socket_t fd);
bool start_filter(TlsBufferEvent* bev);

}  // namespace pollshim::event
