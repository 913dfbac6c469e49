// Groups of bufferevents that share one token bucket, which a timer of the group's own refills.
// Each member gets an equal share of what there is, and all of them rest when there is nothing.
#include <atomic>
#include <new>

#include "compat/event/bufferevent/rate_limit.h"
#include "compat/event/log.h"
#include "compat/event/memory.h"

using namespace pollshim::event;

namespace {

// One round over the members, let on one by one. The group's lock is free meanwhile, because they
// may run callbacks, and those may do anything: take out the member that is next, go on another
// round, free the group.
struct Round {
  Limit* next;
  Round* outer;
  // Looked at without the lock, which may be gone with the group. Once it is set, so may the round.
  std::atomic<bool> over;
};

}  // namespace

struct bufferevent_rate_limit_group {
  void* lock = nullptr;
  ev_token_bucket_cfg config = {};
  TokenBucket bucket;
  Event refill = {};
  Limit* members = nullptr;
  Round* rounds = nullptr;
  int member_count = 0;
  ev_ssize_t least_share = 0;
  std::size_t wanted_least_share = 0;
  std::uint64_t totals[2] = {0, 0};
  bool resting[2] = {false, false};
  bool missed[2] = {false, false};  // somebody still rests whom we could not lock

  // All but the first two with the lock held.
  void join(Limit* limit);
  void leave(Limit* limit);
  void rest(Direction direction);
  // With the lock held once, which is free for a while. False if the group is gone since, and the
  // lock with it.
  bool go_on(Direction direction);
  void rotate();
  void set_least_share(std::size_t bytes);
};

void bufferevent_rate_limit_group::join(Limit* limit) {
  const Guard guard(lock);
  limit->group = this;
  limit->next = members;
  if (limit->next != nullptr) limit->next->previous_next = &limit->next;
  limit->previous_next = &members;
  members = limit;
  ++member_count;
  for (const Direction direction : kDirections) {
    if (resting[direction]) suspend(limit->bev, direction, kReasonGroup);
  }
}

void bufferevent_rate_limit_group::leave(Limit* limit) {
  const Guard guard(lock);
  for (Round* round = rounds; round != nullptr; round = round->outer) {
    if (round->next == limit) round->next = limit->next;
  }
  limit->group = nullptr;
  *limit->previous_next = limit->next;
  if (limit->next != nullptr) limit->next->previous_next = limit->previous_next;
  --member_count;
}

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

bool bufferevent_rate_limit_group::go_on(Direction direction) {
  resting[direction] = false;
  missed[direction] = false;
  Round round{members, rounds, false};
  rounds = &round;
  // The first ones may use up what there is.
  while (round.next != nullptr && !resting[direction]) {
    BufferEvent* bev = round.next->bev;
    round.next = round.next->next;
    if (!try_acquire(bev->lock)) {
      missed[direction] = true;
      continue;
    }
    // One that waits for the loop to free it must not start again.
    if (bev->holders == 0) {
      give_up(bev->lock);
      continue;
    }
    hold(bev);
    give_up(lock);
    resume(bev, direction, kReasonGroup);
    let_go_and_unlock(bev);
    if (round.over.load(std::memory_order_acquire)) return false;
    acquire(lock);
  }
  Round** place = &rounds;
  while (*place != &round)
    place = &(*place)->outer;
  *place = round.outer;
  rotate();
  return true;
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
  acquire(group->lock);
  group->bucket.refill(group->config, current_tick(event_get_base(&group->refill), group->config));
  for (const Direction direction : kDirections) {
    // With less than that it would have to rest again at once.
    const bool enough = group->bucket.level(direction) >= group->least_share;
    if (group->missed[direction] || (group->resting[direction] && enough)) {
      if (!group->go_on(direction)) return;
    }
  }
  give_up(group->lock);
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
  acquire(group->lock);
  group->bucket.take(direction, bytes);
  if (group->bucket.is_empty(direction)) {
    if (!group->resting[direction]) group->rest(direction);
  } else if (group->resting[direction] && !group->go_on(direction)) {
    return 0;
  }
  give_up(group->lock);
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
  // Never the opposite: others must not start while this one is at work.
  if (group->bucket.is_empty(direction) && !group->resting[direction]) group->rest(direction);
}

void leave_group(Limit* limit) {
  if (limit->group != nullptr) limit->group->leave(limit);
}

namespace {

bool rests(bufferevent_rate_limit_group* group, Direction direction) {
  if (group == nullptr) return false;
  const Guard guard(group->lock);
  return group->resting[direction];
}

// Out of the group it is in and into this one, or none. What may go on then does so last of all:
// it can run callbacks, which can call for the next change.
void change_group(Limit* limit, bufferevent_rate_limit_group* group) {
  leave_group(limit);
  if (group != nullptr) group->join(limit);
  for (const Direction direction : kDirections) {
    if (is_suspended(limit->bev, direction, kReasonGroup) && !rests(limit->group, direction)) {
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
    for (Round* round = group->rounds; round != nullptr;) {
      Round* const outer = round->outer;
      round->over.store(true, std::memory_order_release);
      round = outer;
    }
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
  if (group == nullptr) return bufferevent_remove_from_rate_limit_group(b);
  BufferEvent* bev = own(b);
  const BufferEventGuard guard(bev);
  Limit* limit = limit_of(bev);
  if (limit == nullptr) return -1;
  if (limit->group != group) change_group(limit, group);
  return 0;
}

int bufferevent_remove_from_rate_limit_group(bufferevent* b) {
  BufferEvent* bev = own(b);
  const BufferEventGuard guard(bev);
  Limit* limit = limit_if_any(bev);
  if (limit != nullptr && limit->group != nullptr) change_group(limit, nullptr);
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
