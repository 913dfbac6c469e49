// Rate limits of one bufferevent, its own and its group's, and the groups. This header is shared by
// rate_limit.cc and rate_group.cc alone; all others see the RateLimit of bufferevent.h.
//
// Locks nest: a bufferevent's, its group's, the base's. Whoever holds a group's lock may only try
// for that of a member, and lets go of the group's before that member goes on, which can run
// callbacks. A member that is missed finds out when it looks at its budget, or is tried again with
// the next tick.
#pragma once

#include "compat/event/bufferevent/bufferevent.h"
#include "compat/event/bufferevent/token_bucket.h"

namespace pollshim::event {

struct Limit : RateLimit {
  BufferEvent* bev;

  // Its own: none without a configuration, which is the user's.
  const ev_token_bucket_cfg* config;
  TokenBucket bucket;
  Event refill;

  // Its place in a group, guarded by the group's lock where that is not its own concern.
  bufferevent_rate_limit_group* group;
  Limit* next;
  Limit** previous_next;
};

inline constexpr short event_of(Direction direction) {
  return direction == kReading ? EV_READ : EV_WRITE;
}
inline constexpr Direction direction_of(short event) {
  return event == EV_READ ? kReading : kWriting;
}

// For reasons kReasonBandwidth and kReasonGroup.
void suspend(BufferEvent* bev, Direction direction, Reason why);
void resume(BufferEvent* bev, Direction direction, Reason why);
bool is_suspended(const BufferEvent* bev, Direction direction, Reason why);

// The tick that it is now, by the clock of `base`.
std::uint64_t current_tick(event_base* base, const ev_token_bucket_cfg& config);

// nullptr without memory.
Limit* limit_of(BufferEvent* bev);
Limit* limit_if_any(const BufferEvent* bev);

// ---- rate_group.cc; all with the bufferevent's lock held and the group's not.

// What this member may move; 0, with the member suspended, while the group rests.
ev_ssize_t share_of(bufferevent_rate_limit_group* group, BufferEvent* bev, Direction direction);
void spend_of(bufferevent_rate_limit_group* group, Direction direction, ev_ssize_t bytes);
void leave_group(Limit* limit);

}  // namespace pollshim::event
