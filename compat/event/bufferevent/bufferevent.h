// What is behind a struct bufferevent: the state that programs do not see, the table of operations
// that each kind (socket, pair, filter, TLS) provides, and the services that all kinds share. One
// lock guards a bufferevent and both its buffers; it is taken before the base's lock. Functions
// expect it held unless their comment says otherwise.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>

#include "compat/event/buffer/buffer.h"
#include "compat/event/lock.h"
#include "event2/bufferevent.h"
#include "event2/bufferevent_struct.h"
#include "event2/event.h"

struct evdns_getaddrinfo_request;

namespace pollshim::event {

struct BufferEvent;
using Event = struct ::event;

// Why reading or writing rests though it is enabled. It goes on when no reason is left.
enum Reason : std::uint16_t {
  kReasonWatermark = 1,  // the input has reached its high mark
  kReasonBandwidth = 2,  // its own rate limit is used up
  kReasonGroup = 4,      // its group's is
  kReasonLookup = 8,     // the address of the peer is not known yet
  kReasonFilter = 16,    // the filter above it does not read
};

// What bounds the bytes per time, where the user asked for it: rate_limit.cc allocates one of its
// own that begins with this. Nothing else knows how it counts.
struct RateLimit {
  // How much may be moved now in one go; may be 0. Direction is EV_READ or EV_WRITE.
  ev_ssize_t (*budget)(BufferEvent* bev, short direction);
  // So much was moved. May suspend.
  void (*spend)(BufferEvent* bev, short direction, ev_ssize_t bytes);
  // The timer that refills it, or nullptr: an event whose argument is the bufferevent.
  event_callback* (*refill_callback)(BufferEvent* bev);
  // The bufferevent goes away: leaves the group and frees what hangs on bev->rate_limit.
  void (*drop)(BufferEvent* bev);
};

inline constexpr ev_ssize_t kMostAtOnce = 16384;  // unless bufferevent_set_max_single_* say else

struct BufferEvent : ::bufferevent {
  void* lock;
  RateLimit* rate_limit;
  ev_ssize_t max_single_read;
  ev_ssize_t max_single_write;
  event_callback deferred;
  int holders;
  int deferred_errno;            // what goes with deferred_events
  short deferred_events;         // BEV_EVENT_* that wait for the loop to report them
  std::uint16_t options;         // BEV_OPT_*
  std::uint16_t read_suspended;  // Reasons
  std::uint16_t write_suspended;
  bool owns_lock;
  bool read_deferred;  // the read callback waits for the loop
  bool write_deferred;
  bool marks_input;  // the input has a high mark

  // Of the socket kind; the TLS kind, which may ride on a socket of its own, uses them as well.
  bool connecting;
  bool refused;  // the connection was refused before writing could find out
  int lookup_error;
  evdns_getaddrinfo_request* lookup;  // the peer's name is being looked up
  sockaddr_storage* peer_address;     // as it was connected to by name; nullptr if it was not
};

inline BufferEvent* own(::bufferevent* bev) {
  return static_cast<BufferEvent*>(bev);
}
inline const BufferEvent* own(const ::bufferevent* bev) {
  return static_cast<const BufferEvent*>(bev);
}

}  // namespace pollshim::event

// What a kind of bufferevent can do. All are called with the lock held. A nullptr does nothing and,
// where there is a result, fails.
struct bufferevent_ops {
  using BufferEvent = pollshim::event::BufferEvent;

  const char* name;
  // Start and stop reading and writing. The member `enabled` is none of their business.
  bool (*enable)(BufferEvent* bev, short events);
  bool (*disable)(BufferEvent* bev, short events);
  // The user himself enables reading: an end that was told before is told once more. For kinds that
  // otherwise tell of it once.
  void (*read_on)(BufferEvent* bev);
  // The timeouts are others now.
  bool (*adjust_timeouts)(BufferEvent* bev);
  // 1 if bytes were moved, 0 if not, -1 for an error.
  int (*flush)(BufferEvent* bev, short events, bufferevent_flush_mode mode);

  // The bytes in a buffer have changed, by whoever it was; after the user's own callbacks.
  void (*input_changed)(BufferEvent* bev, std::size_t added, std::size_t removed);
  void (*output_changed)(BufferEvent* bev, std::size_t added, std::size_t removed);

  bool (*set_descriptor)(BufferEvent* bev, evutil_socket_t fd);
  bool (*get_descriptor)(BufferEvent* bev, evutil_socket_t* fd);
  BufferEvent* (*underlying)(BufferEvent* bev);

  // The user frees it: what is under way on its behalf is to be called off.
  void (*cancel)(BufferEvent* bev);
  // Nobody holds it any more. Its callbacks may still be running on the loop's thread.
  void (*unlink)(BufferEvent* bev);
  // Nothing of it is running any more: free what the kind has allocated or opened.
  void (*destroy)(BufferEvent* bev);
};

namespace pollshim::event {

extern const bufferevent_ops socket_ops;
extern const bufferevent_ops pair_ops;
extern const bufferevent_ops filter_ops;

// ---- life.cc ----

// Sets up what all kinds share, in zeroed memory from allocate() that the kind derives from
// BufferEvent. False, with nothing left behind but that memory, if it can not.
bool init_bufferevent(BufferEvent* bev, event_base* base, const bufferevent_ops* ops, int options);
// nullptr: the lock of what is underneath, or a new one.
bool enable_locking(BufferEvent* bev, void* lock);

inline void hold(BufferEvent* bev) {
  ++bev->holders;
}
// Gives up the lock, too. True if this was the last hold: then the loop frees it as soon as none of
// its callbacks can be running.
bool let_go_and_unlock(BufferEvent* bev);

// The same two with the lock taken: safe from anywhere.
void hold_unlocked(BufferEvent* bev);
bool let_go(BufferEvent* bev);

// Lock and hold for the time of one call. Whoever runs a user's callback needs it.
class BufferEventGuard {
 public:
  explicit BufferEventGuard(BufferEvent* bev) : bev_(bev) {
    acquire(bev_->lock);
    hold(bev_);
  }
  explicit BufferEventGuard(::bufferevent* bev) : BufferEventGuard(own(bev)) {}
  ~BufferEventGuard() { let_go_and_unlock(bev_); }
  BufferEventGuard(const BufferEventGuard&) = delete;
  BufferEventGuard& operator=(const BufferEventGuard&) = delete;

 private:
  BufferEvent* bev_;
};

// The same for a callback from underneath, to be ended by let_go_and_unlock(). False, with neither,
// if another thread has let go of the bufferevent just now: then there is nobody to tell.
bool lock_and_hold_if_alive(BufferEvent* bev);

// A bufferevent that stood on `below`, with this event callback there, stands on it no more: either
// it frees what it was given, or it gives back the callbacks and lets it read.
void leave_below(BufferEvent* bev, BufferEvent* below, bufferevent_event_cb borrowed);

inline BufferEvent* underlying_of(BufferEvent* bev) {
  return bev->be_ops->underlying != nullptr ? bev->be_ops->underlying(bev) : nullptr;
}

// ---- callbacks.cc ----

void init_deferred_callbacks(BufferEvent* bev);

// Whatever the watermarks say. Now, or from the loop if the bufferevent or `options`
// (BEV_TRIG_DEFER_CALLBACKS) want it so. Pre: held.
void run_read_callback(BufferEvent* bev, int options = 0);
void run_write_callback(BufferEvent* bev, int options = 0);
void run_event_callback(BufferEvent* bev, short what, int options = 0);

// The read and write callbacks, if the marks agree or `options` ignore them. Pre: held.
void trigger(BufferEvent* bev, short events, int options = 0);

// ---- control.cc ----

void suspend_read(BufferEvent* bev, Reason why);
void resume_read(BufferEvent* bev, Reason why);
void suspend_write(BufferEvent* bev, Reason why);
void resume_write(BufferEvent* bev, Reason why);

bool enable(BufferEvent* bev, short events);
bool disable(BufferEvent* bev, short events);
// Also while it is connecting, which otherwise keeps writing from being disabled.
bool disable_hard(BufferEvent* bev, short events);

// After a change of the input, where it has a high mark.
void check_input_mark(BufferEvent* bev);
// Whether its reader has to make room before it reads on.
bool is_full(const BufferEvent* bev);

// ---- timeouts.cc ----

inline bool is_set(const timeval& time) {
  return time.tv_sec != 0 || time.tv_usec != 0;
}
// event_add() with a timeout that may be none. 0 or -1.
int add_with_timeout(Event* ev, const timeval& timeout);

// For kinds whose ev_read and ev_write watch nothing and serve as timers only: sets them up to
// disable and report the direction that timed out.
void init_timers(BufferEvent* bev);
// Starts the timers that should run now, and stops the others.
bool adjust_timers(BufferEvent* bev);
// After bytes have come or gone.
void restart_read_timer(BufferEvent* bev);
void restart_write_timer(BufferEvent* bev);

// For kinds whose ev_read and ev_write are pending whenever they do something: gives the pending
// ones the new timeouts.
bool adjust_pending_timeouts(BufferEvent* bev);

// ---- What may be moved now, and the account of what was.

inline ev_ssize_t read_budget(BufferEvent* bev) {
  return bev->rate_limit == nullptr ? bev->max_single_read : bev->rate_limit->budget(bev, EV_READ);
}
inline ev_ssize_t write_budget(BufferEvent* bev) {
  return bev->rate_limit == nullptr ? bev->max_single_write
                                    : bev->rate_limit->budget(bev, EV_WRITE);
}
inline void spend_read(BufferEvent* bev, ev_ssize_t bytes) {
  if (bev->rate_limit != nullptr) bev->rate_limit->spend(bev, EV_READ, bytes);
}
inline void spend_write(BufferEvent* bev, ev_ssize_t bytes) {
  if (bev->rate_limit != nullptr) bev->rate_limit->spend(bev, EV_WRITE, bytes);
}

// ---- connect.cc: the peer's address, for those who connect by name (evhttp).

const sockaddr* peer_address(const BufferEvent* bev);
// 0 or EVUTIL_EAI_*.
int set_peer_address(BufferEvent* bev, const sockaddr* address, std::size_t size);

}  // namespace pollshim::event
