// The time of a base: cached while callbacks run, read afresh otherwise; and its offset to the wall
// clock, taken again every few seconds, because that clock jumps and drifts.
#include "compat/event/base.h"
#include "compat/event/timeval.h"

namespace pollshim::event {

namespace {

constexpr Nanoseconds kOffsetLifetime = 5 * netpoll::kSecond;

// `now` may be a cached time, which says how old the offset is and not what it should be.
void refresh_wall_offset(event_base* base, Nanoseconds now) {
  if (base->wall_offset_known && now - base->wall_offset_taken < kOffsetLifetime) return;
  base->wall_offset_taken = netpoll::monotonic_now();
  base->wall_offset = netpoll::wall_now() - base->wall_offset_taken;
  base->wall_offset_known = true;
}

}  // namespace

Nanoseconds loop_now(event_base* base) {
  if (base->cached_now != 0) return base->cached_now;
  return base->loop.clock().update();
}

void update_cached_time(event_base* base) {
  base->cached_now = 0;
  if (base->flags & EVENT_BASE_FLAG_NO_CACHE_TIME) return;
  // In full microseconds, so that a program which adds up what it is shown gets what we count.
  base->cached_now = round_down_to_microsecond(loop_now(base));
  base->cached_shown = to_timeval(base->cached_now);
}

timeval to_wall_clock(event_base* base, const timeval& monotonic) {
  refresh_wall_offset(base, netpoll::monotonic_now());
  return to_timeval(to_nanoseconds(monotonic) + base->wall_offset);
}

}  // namespace pollshim::event

using namespace pollshim::event;

extern "C" {

int event_base_gettimeofday_cached(event_base* base, timeval* out) {
  if (base == nullptr) {
    base = current_base;
    if (base == nullptr) return evutil_gettimeofday(out, nullptr);
  }
  const Guard guard(base->lock);
  if (base->cached_now == 0) return evutil_gettimeofday(out, nullptr);
  refresh_wall_offset(base, base->cached_now);
  *out = to_timeval(base->cached_now + base->wall_offset);
  return 0;
}

int event_base_update_cache_time(event_base* base) {
  if (base == nullptr) {
    base = current_base;
    if (base == nullptr) return -1;
  }
  const Guard guard(base->lock);
  if (base->running) update_cached_time(base);
  return 0;
}

int event_gettime_monotonic(event_base* base, timeval* out) {
  if (base == nullptr || out == nullptr) return -1;
  const Guard guard(base->lock);
  *out = to_timeval(netpoll::monotonic_now());
  return 0;
}

}  // extern "C"
