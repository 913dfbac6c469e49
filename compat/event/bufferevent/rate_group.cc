// Groups of bufferevents that share one token bucket, which a timer of the group's own refills.
// Each member gets an equal share of what there is, and all of them rest when there is nothing.
#include <new>

#include "compat/event/bufferevent/rate_limit.h"
#include "compat/event/log.h"
#include "compat/event/memory.h"

using namespace pollshim::event;

struct bufferevent_rate_limit_group {
  void* lock = nullptr;
  ev_token_bucket_cfg config = {};
  TokenBucket bucket;
  Event refill = {};
  Limit* members = nullptr;
  int member_count = 0;
  ev_ssize_t least_share = 0;
  std::size_t wanted_least_share = 0;
  std::uint64_t totals[2] = {0, 0};
  bool resting[2] = {false, false};
  bool missed[2] = {false, false};  // somebody still rests whom we could not lock

  void rest(Direction direction);
  void go_on(Direction direction);
  void settle(Direction direction);
  void rotate();
  void set_least_share(std::size_t bytes);
};

void bufferevent_rate_limit_group::rest(Direction direction) {
  resting[direction] = true;
  missed[direction] = false;
  for (Limit* member = members; member != nullptr; member = member->next) {
    BufferEvent* bev = member->bev;
    if (!try_acquire(bev->lock)) continue;
    if (bev->holders > 0) suspend(bev, direction, kReasonGroup);
    give_up(bev->lock);
  }
}

void bufferevent_rate_limit_group::go_on(Direction direction) {
  resting[direction] = false;
  missed[direction] = false;
  for (Limit* member = members; member != nullptr; member = member->next) {
    BufferEvent* bev = member->bev;
    if (!try_acquire(bev->lock)) {
      missed[direction] = true;
      continue;
    }
    // One that waits for the loop to free it must not start again.
    if (bev->holders > 0) resume(bev, direction, kReasonGroup);
    give_up(bev->lock);
  }
  rotate();
}

// Who starts first gets the most if there is not enough for all, so everybody has a turn at it.
void bufferevent_rate_limit_group::rotate() {
  Limit* first = members;
  if (first == nullptr || first->next == nullptr) return;
  members = first->next;
  members->previous_next = &members;
  Limit* last = members;
  while (last->next != nullptr)
    last = last->next;
  last->next = first;
  first->previous_next = &last->next;
  first->next = nullptr;
}

void bufferevent_rate_limit_group::settle(Direction direction) {
  if (bucket.is_empty(direction)) {
    if (!resting[direction]) rest(direction);
  } else if (resting[direction]) {
    go_on(direction);
  }
}

// No more than one tick's worth, or nobody might ever get so much.
void bufferevent_rate_limit_group::set_least_share(std::size_t bytes) {
  wanted_least_share = bytes;
  least_share = static_cast<ev_ssize_t>(bytes);
  for (const auto& rate : config.rates) {
    if (rate.per_tick < least_share) least_share = rate.per_tick;
  }
}

namespace pollshim::event {

namespace {

constexpr std::size_t kFirstLeastShare = 64;

void refill_due(evutil_socket_t, short, void* self) {
  auto* group = static_cast<bufferevent_rate_limit_group*>(self);
  const Guard guard(group->lock);
  group->bucket.refill(group->config, current_tick(event_get_base(&group->refill), group->config));
  for (const Direction direction : kDirections) {
    // With less than that it would have to rest again at once.
    const bool enough = group->bucket.level(direction) >= group->least_share;
    if (group->missed[direction] || (group->resting[direction] && enough)) {
      group->go_on(direction);
    }
  }
}

int start_ticking(bufferevent_rate_limit_group* group) {
  const timeval tick = group->config.tick_length();
  return event_add(&group->refill, &tick);
}

ev_ssize_t level_of(bufferevent_rate_limit_group* group, Direction direction) {
  const Guard guard(group->lock);
  return group->bucket.level(direction);
}

int take(bufferevent_rate_limit_group* group, Direction direction, ev_ssize_t bytes) {
  const Guard guard(group->lock);
  group->bucket.take(direction, bytes);
  group->settle(direction);
  return 0;
}

}  // namespace

ev_ssize_t share_of(bufferevent_rate_limit_group* group, BufferEvent* bev, Direction direction) {
  const Guard guard(group->lock);
  if (group->resting[direction]) {
    suspend(bev, direction, kReasonGroup);
    return 0;
  }
  const ev_ssize_t share = group->bucket.level(direction) / group->member_count;
  return share > group->least_share ? share : group->least_share;
}

void spend_of(bufferevent_rate_limit_group* group, Direction direction, ev_ssize_t bytes) {
  const Guard guard(group->lock);
  group->totals[direction] += static_cast<std::uint64_t>(bytes);
  group->bucket.take(direction, bytes);
  group->settle(direction);
}

void leave_group(Limit* limit) {
  bufferevent_rate_limit_group* group = limit->group;
  if (group == nullptr) return;
  const Guard guard(group->lock);
  limit->group = nullptr;
  *limit->previous_next = limit->next;
  if (limit->next != nullptr) limit->next->previous_next = limit->previous_next;
  --group->member_count;
}

namespace {

void leave_and_go_on(Limit* limit) {
  if (limit == nullptr || limit->group == nullptr) return;
  leave_group(limit);
  for (const Direction direction : kDirections) {
    if (is_suspended(limit->bev, direction, kReasonGroup)) {
      resume(limit->bev, direction, kReasonGroup);
    }
  }
}

}  // namespace

}  // namespace pollshim::event

extern "C" {

bufferevent_rate_limit_group* bufferevent_rate_limit_group_new(event_base* base,
                                                               const ev_token_bucket_cfg* cfg) {
  void* memory = allocate_zeroed(1, sizeof(bufferevent_rate_limit_group));
  if (memory == nullptr) return nullptr;
  auto* group = new (memory) bufferevent_rate_limit_group;
  group->config = *cfg;
  group->bucket.fill_first(*cfg, current_tick(base, *cfg));
  group->set_least_share(kFirstLeastShare);
  group->lock = make_lock(EVTHREAD_LOCKTYPE_RECURSIVE);
  event_assign(&group->refill, base, -1, EV_PERSIST | EV_FINALIZE, refill_due, group);
  if (start_ticking(group) != 0) {
    event_debug_unassign(&group->refill);
    free_lock(group->lock, EVTHREAD_LOCKTYPE_RECURSIVE);
    release(group);
    return nullptr;
  }
  return group;
}

void bufferevent_rate_limit_group_free(bufferevent_rate_limit_group* group) {
  {
    const Guard guard(group->lock);
    EVENT_CHECK(group->member_count == 0);
  }
  // Not with the lock, for which a tick that is under way on the loop's thread may be waiting.
  event_del_block(&group->refill);
  event_debug_unassign(&group->refill);
  free_lock(group->lock, EVTHREAD_LOCKTYPE_RECURSIVE);
  release(group);
}

int bufferevent_rate_limit_group_set_cfg(bufferevent_rate_limit_group* group,
                                         const ev_token_bucket_cfg* cfg) {
  if (group == nullptr || cfg == nullptr) return -1;
  const Guard guard(group->lock);
  const bool same_tick = group->config.tick_milliseconds == cfg->tick_milliseconds;
  event_base* base = event_get_base(&group->refill);
  group->bucket.refill(group->config, current_tick(base, group->config));
  group->config = *cfg;
  group->bucket.clip(*cfg);
  group->bucket.count_from(current_tick(base, *cfg));
  group->set_least_share(group->wanted_least_share);
  return same_tick ? 0 : start_ticking(group);
}

int bufferevent_rate_limit_group_set_min_share(bufferevent_rate_limit_group* group, size_t share) {
  if (share > EV_SSIZE_MAX) return -1;
  const Guard guard(group->lock);
  group->set_least_share(share);
  return 0;
}

int bufferevent_add_to_rate_limit_group(bufferevent* b, bufferevent_rate_limit_group* group) {
  BufferEvent* bev = own(b);
  const BufferEventGuard guard(bev);
  if (group == nullptr) {
    leave_and_go_on(limit_if_any(bev));
    return 0;
  }
  Limit* limit = limit_of(bev);
  if (limit == nullptr) return -1;
  if (limit->group == group) return 0;
  leave_and_go_on(limit);

  const Guard group_guard(group->lock);
  limit->group = group;
  limit->next = group->members;
  if (limit->next != nullptr) limit->next->previous_next = &limit->next;
  limit->previous_next = &group->members;
  group->members = limit;
  ++group->member_count;
  for (const Direction direction : kDirections) {
    if (group->resting[direction]) suspend(bev, direction, kReasonGroup);
  }
  return 0;
}

int bufferevent_remove_from_rate_limit_group(bufferevent* b) {
  BufferEvent* bev = own(b);
  const BufferEventGuard guard(bev);
  leave_and_go_on(limit_if_any(bev));
  return 0;
}

ev_ssize_t bufferevent_rate_limit_group_get_read_limit(bufferevent_rate_limit_group* group) {
  return level_of(group, kReading);
}

ev_ssize_t bufferevent_rate_limit_group_get_write_limit(bufferevent_rate_limit_group* group) {
  return level_of(group, kWriting);
}

int bufferevent_rate_limit_group_decrement_read(bufferevent_rate_limit_group* group,
                                                ev_ssize_t bytes) {
  return take(group, kReading, bytes);
}

int bufferevent_rate_limit_group_decrement_write(bufferevent_rate_limit_group* group,
                                                 ev_ssize_t bytes) {
  return take(group, kWriting, bytes);
}

void bufferevent_rate_limit_group_get_totals(bufferevent_rate_limit_group* group,
                                             ev_uint64_t* total_read, ev_uint64_t* total_written) {
  const Guard guard(group->lock);
  if (total_read != nullptr) *total_read = group->totals[kReading];
  if (total_written != nullptr) *total_written = group->totals[kWriting];
}

void bufferevent_rate_limit_group_reset_totals(bufferevent_rate_limit_group* group) {
  const Guard guard(group->lock);
  for (std::uint64_t& total : group->totals)
    total = 0;
}

}  // extern "C"
