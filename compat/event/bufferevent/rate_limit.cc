// What one bufferevent may move: its own token bucket and the timer that refills it, its group's
// share, and the sizes of single reads and writes.
#include "compat/event/bufferevent/rate_limit.h"

#include <new>

#include "compat/event/base.h"
#include "compat/event/memory.h"

namespace pollshim::event {

void suspend(BufferEvent* bev, Direction direction, Reason why) {
  direction == kReading ? suspend_read(bev, why) : suspend_write(bev, why);
}

void resume(BufferEvent* bev, Direction direction, Reason why) {
  direction == kReading ? resume_read(bev, why) : resume_write(bev, why);
}

bool is_suspended(const BufferEvent* bev, Direction direction, Reason why) {
  return ((direction == kReading ? bev->read_suspended : bev->write_suspended) & why) != 0;
}

std::uint64_t current_tick(event_base* base, const ev_token_bucket_cfg& config) {
  if (base == nullptr) base = current_base;
  if (base == nullptr) return config.tick_at(netpoll::monotonic_now());
  const Guard guard(base->lock);
  return config.tick_at(loop_now(base));
}

namespace {

void bring_up_to_date(Limit* limit) {
  limit->bucket.refill(*limit->config, current_tick(limit->bev->ev_base, *limit->config));
}

constexpr unsigned bit(Direction direction) {
  return 1U << direction;
}
constexpr unsigned kBoth = bit(kReading) | bit(kWriting);

// Suspends and resumes the directions concerned as the bucket has it. Who moves bytes one way does
// not make the other way go on before its time. 0, or -1 if a direction that should rest does not,
// because nothing would ever end its rest.
int settle(Limit* limit, unsigned concerned) {
  BufferEvent* bev = limit->bev;
  int result = 0;
  bool is_empty = false;
  bool others_rest = false;
  for (const Direction direction : kDirections) {
    if ((concerned & bit(direction)) != 0) {
      is_empty |= limit->bucket.is_empty(direction);
    } else {
      others_rest |= is_suspended(bev, direction, kReasonBandwidth);
    }
  }
  if (is_empty) {
    const timeval tick = limit->config->tick_length();
    if (event_add(&limit->refill, &tick) != 0) {
      result = -1;
      concerned = kBoth;
    }
  } else if (!others_rest) {
    event_del(&limit->refill);
  }
  unsigned goes_on = 0;
  for (const Direction direction : kDirections) {
    if ((concerned & bit(direction)) == 0) continue;
    const bool suspended = is_suspended(bev, direction, kReasonBandwidth);
    if (limit->bucket.is_empty(direction) && result == 0) {
      if (!suspended) suspend(bev, direction, kReasonBandwidth);
    } else if (suspended) {
      goes_on |= bit(direction);
    }
  }
  // Last, because its callbacks may change the limit or use up the other bucket.
  for (const Direction direction : kDirections) {
    const bool may = !limit->bucket.is_empty(direction) || result != 0;
    if ((goes_on & bit(direction)) != 0 && may) resume(bev, direction, kReasonBandwidth);
  }
  return result;
}

void refill_due(evutil_socket_t, short, void* self) {
  auto* bev = static_cast<BufferEvent*>(self);
  const BufferEventGuard guard(bev);
  Limit* limit = limit_if_any(bev);
  if (limit == nullptr || limit->config == nullptr) return;
  bring_up_to_date(limit);
  settle(limit, kBoth);
}

// ---- What the other rooms see.

ev_ssize_t budget(BufferEvent* bev, short event) {
  const Direction direction = direction_of(event);
  Limit* limit = limit_if_any(bev);
  ev_ssize_t most = direction == kReading ? bev->max_single_read : bev->max_single_write;
  if (limit->config != nullptr) {
    bring_up_to_date(limit);
    // The size of single reads does not count beside a limit of its own: get_max_to_read shows it.
    most = limit->bucket.level(direction);
  }
  if (limit->group != nullptr) {
    const ev_ssize_t share = share_of(limit->group, bev, direction);
    if (share < most) most = share;
  }
  return most > 0 ? most : 0;
}

void spend(BufferEvent* bev, short event, ev_ssize_t bytes) {
  const Direction direction = direction_of(event);
  Limit* limit = limit_if_any(bev);
  if (limit->config != nullptr) {
    limit->bucket.take(direction, bytes);
    if (limit->bucket.is_empty(direction) || is_suspended(bev, direction, kReasonBandwidth)) {
      settle(limit, bit(direction));
    }
  }
  if (limit->group != nullptr) spend_of(limit->group, direction, bytes);
}

event_callback* refill_callback(BufferEvent* bev) {
  return &limit_if_any(bev)->refill.ev_evcallback;
}

void drop(BufferEvent* bev) {
  Limit* limit = limit_if_any(bev);
  leave_group(limit);
  event_debug_unassign(&limit->refill);
  release(limit);
  bev->rate_limit = nullptr;
}

void assign_refill(Limit* limit) {
  event_assign(&limit->refill, limit->bev->ev_base, -1, EV_FINALIZE, refill_due, limit->bev);
}

}  // namespace

Limit* limit_if_any(const BufferEvent* bev) {
  return static_cast<Limit*>(bev->rate_limit);
}

Limit* limit_of(BufferEvent* bev) {
  if (bev->rate_limit != nullptr) return limit_if_any(bev);
  void* memory = allocate_zeroed(1, sizeof(Limit));
  if (memory == nullptr) return nullptr;
  auto* limit = new (memory) Limit{};
  limit->budget = budget;
  limit->spend = spend;
  limit->refill_callback = refill_callback;
  limit->drop = drop;
  limit->bev = bev;
  assign_refill(limit);
  bev->rate_limit = limit;
  return limit;
}

namespace {

void lift_limit(BufferEvent* bev) {
  Limit* limit = limit_if_any(bev);
  if (limit == nullptr) return;
  limit->config = nullptr;
  event_del(&limit->refill);
  // What goes on may call the user, who may set another limit.
  for (const Direction direction : kDirections)
    if (limit->config == nullptr) resume(bev, direction, kReasonBandwidth);
}

ev_ssize_t level_of(bufferevent* b, Direction direction) {
  BufferEvent* bev = own(b);
  const Guard guard(bev->lock);
  Limit* limit = limit_if_any(bev);
  if (limit == nullptr || limit->config == nullptr) return EV_SSIZE_MAX;
  bring_up_to_date(limit);
  return limit->bucket.level(direction);
}

// -1 if there is no bucket to take them from.
int take(bufferevent* b, Direction direction, ev_ssize_t bytes) {
  BufferEvent* bev = own(b);
  const BufferEventGuard guard(bev);
  Limit* limit = limit_if_any(bev);
  if (limit == nullptr || limit->config == nullptr) return -1;
  const bool was_empty = limit->bucket.is_empty(direction);
  limit->bucket.take(direction, bytes);
  return limit->bucket.is_empty(direction) != was_empty ? settle(limit, bit(direction)) : 0;
}

ev_ssize_t single_size(size_t size) {
  return size == 0 || size > EV_SSIZE_MAX ? kMostAtOnce : static_cast<ev_ssize_t>(size);
}

}  // namespace

}  // namespace pollshim::event

using namespace pollshim::event;

extern "C" {

int bufferevent_set_rate_limit(bufferevent* b, ev_token_bucket_cfg* cfg) {
  BufferEvent* bev = own(b);
  const BufferEventGuard guard(bev);
  if (cfg == nullptr) {
    lift_limit(bev);
    return 0;
  }
  Limit* limit = limit_of(bev);
  if (limit == nullptr) return -1;
  if (limit->config == cfg) return 0;
  event_del(&limit->refill);
  assign_refill(limit);  // the base may be another one by now
  const std::uint64_t tick = current_tick(bev->ev_base, *cfg);
  if (limit->config == nullptr) {
    limit->bucket.fill_first(*cfg, tick);
  } else if (limit->config->tick_milliseconds == cfg->tick_milliseconds) {
    // What the ticks since then have brought comes with the next one, at the new rate.
    limit->bucket.clip(*cfg);
  } else {
    bring_up_to_date(limit);
    limit->bucket.clip(*cfg);
    limit->bucket.count_from(tick);
  }
  limit->config = cfg;
  if (settle(limit, kBoth) != 0) return -1;
  // What may go on starts anew, as the original has it: with timeouts from now, and the write
  // callback of one that has nothing to write.
  for (const Direction direction : kDirections) {
    if (limit->config == cfg && !limit->bucket.is_empty(direction)) {
      resume(bev, direction, kReasonBandwidth);
    }
  }
  return 0;
}

const ev_token_bucket_cfg* bufferevent_get_token_bucket_cfg(const bufferevent* b) {
  const BufferEvent* bev = own(b);
  const Guard guard(bev->lock);
  const Limit* limit = limit_if_any(bev);
  return limit != nullptr ? limit->config : nullptr;
}

ev_ssize_t bufferevent_get_read_limit(bufferevent* bev) {
  return level_of(bev, kReading);
}

ev_ssize_t bufferevent_get_write_limit(bufferevent* bev) {
  return level_of(bev, kWriting);
}

ev_ssize_t bufferevent_get_max_to_read(bufferevent* bev) {
  const BufferEventGuard guard(bev);
  return read_budget(own(bev));
}

ev_ssize_t bufferevent_get_max_to_write(bufferevent* bev) {
  const BufferEventGuard guard(bev);
  return write_budget(own(bev));
}

int bufferevent_decrement_read_limit(bufferevent* bev, ev_ssize_t bytes) {
  return take(bev, kReading, bytes);
}

int bufferevent_decrement_write_limit(bufferevent* bev, ev_ssize_t bytes) {
  return take(bev, kWriting, bytes);
}

int bufferevent_set_max_single_read(bufferevent* bev, size_t size) {
  const Guard guard(own(bev)->lock);
  own(bev)->max_single_read = single_size(size);
  return 0;
}

int bufferevent_set_max_single_write(bufferevent* bev, size_t size) {
  const Guard guard(own(bev)->lock);
  own(bev)->max_single_write = single_size(size);
  return 0;
}

ev_ssize_t bufferevent_get_max_single_read(bufferevent* bev) {
  const Guard guard(own(bev)->lock);
  return own(bev)->max_single_read;
}

ev_ssize_t bufferevent_get_max_single_write(bufferevent* bev) {
  const Guard guard(own(bev)->lock);
  return own(bev)->max_single_write;
}

}  // extern "C"
