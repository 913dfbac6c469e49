// Monotonic timers that a program can ask, apart from any base.
#include <ctime>
#include <new>

#include "compat/event/memory.h"
#include "compat/event/timeval.h"
#include "event2/util.h"

using namespace pollshim::event;

struct evutil_monotonic_timer {
  clockid_t clock;
  // With the fallback clock, which is the wall clock: what was added so far to keep it from going
  // back, and the last time that was told.
  bool can_jump;
  Nanoseconds correction;
  Nanoseconds last;
};

namespace {

Nanoseconds read(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return netpoll::from_timespec(time);
}

clockid_t choose_clock(int flags) {
  if (flags & EV_MONOT_FALLBACK) return CLOCK_REALTIME;
#if defined(CLOCK_MONOTONIC_COARSE)
  if (!(flags & EV_MONOT_PRECISE)) return CLOCK_MONOTONIC_COARSE;
#endif
  return CLOCK_MONOTONIC;
}

}  // namespace

extern "C" {

evutil_monotonic_timer* evutil_monotonic_timer_new(void) {
  void* memory = allocate(sizeof(evutil_monotonic_timer));
  if (memory == nullptr) return nullptr;
  // Never configured, it tells the wall clock's time.
  return new (memory) evutil_monotonic_timer{CLOCK_REALTIME, true, 0, 0};
}

void evutil_monotonic_timer_free(evutil_monotonic_timer* timer) {
  if (timer != nullptr) release(timer);
}

int evutil_configure_monotonic_time(evutil_monotonic_timer* timer, int flags) {
  timer->clock = choose_clock(flags);
  timer->can_jump = timer->clock == CLOCK_REALTIME;
  return 0;
}

int evutil_gettime_monotonic(evutil_monotonic_timer* timer, timeval* out) {
  Nanoseconds now = read(timer->clock);
  if (timer->can_jump) {
    now += timer->correction;
    if (now < timer->last) {
      timer->correction += timer->last - now;
      now = timer->last;
    }
    timer->last = now;
  }
  *out = to_timeval(now);
  return 0;
}

}  // extern "C"
