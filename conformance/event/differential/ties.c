/* Expiry times are compared as event_pending() gives them: on the virtual clock it is exact. */
#include "conformance/event/differential/ties.h"

#include <event2/event.h>
#include <event2/event_struct.h>

#include "conformance/event/differential/trace.h"

enum { limit = 64 };

static long long others[limit];
static int other_count;

void ties_reset(void) {
  other_count = 0;
}

static long long microseconds(const struct timeval* time) {
  return time->tv_sec * 1000000LL + time->tv_usec;
}

static int found(void) {
  trace("a tie\n");
  return 1;
}

int ties_note_other(struct event_base* base, const struct timeval* timeout) {
  struct timeval now;
  event_base_gettimeofday_cached(base, &now);
  long long expiry = microseconds(&now) + microseconds(timeout);
  for (int i = 0; i < other_count; i++)
    if (others[i] == expiry) return found();
  if (other_count == limit) return found();
  others[other_count++] = expiry;
  return 0;
}

int ties_found(struct event* const* events, const int* common, int count) {
  long long seen[limit];
  int kinds[limit], seen_count = 0;
  for (int i = 0; i < count; i++) {
    struct timeval expiry;
    /* An event made active for a timeout that it never had claims one too, at any time. */
    if (events[i] == NULL || !(events[i]->ev_evcallback.evcb_flags & EVLIST_TIMEOUT)) continue;
    event_pending(events[i], EV_TIMEOUT, &expiry);
    long long time = microseconds(&expiry);
    for (int j = 0; j < seen_count; j++)
      if (seen[j] == time && (common[i] == 0 || kinds[j] != common[i])) return found();
    for (int j = 0; j < other_count; j++)
      if (others[j] == time) return found();
    kinds[seen_count] = common[i];
    seen[seen_count++] = time;
  }
  return 0;
}
