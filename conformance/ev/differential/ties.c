#include "conformance/ev/differential/ties.h"

#include "conformance/ev/differential/record.h"
#include "conformance/ev/differential/watchers.h"
#include "conformance/ev/differential/world.h"

static unsigned moments;
static unsigned moments_once;

/* When a timer is due whose `at` was written over, and what was written. */
static struct {
  bool counts;
  ev_tstamp due;
  ev_tstamp written;
} hidden[TIMERS];

void ties_begin(void) {
  moments = moments_once = 0;
  for (int i = 0; i < TIMERS; ++i) {
    hidden[i].counts = false;
  }
}

double some_time(int most_ticks) {
  return below(most_ticks + 1) * WORLD_TICK_SECONDS + BIT * (double)(++moments % 700 + 1);
}

double some_time_once(int most_ticks) {
  return below(most_ticks + 1) * WORLD_TICK_SECONDS + BIT * ((double)(++moments_once % 700) + 1.5);
}

void write_over(ev_timer* w, double at) {
  int number = (int)(w - timers);
  if (!hidden[number].counts) {
    hidden[number].due = w->at;
  }
  hidden[number].counts = true;
  ev_timer_set(w, at, w->repeat);
  hidden[number].written = w->at;
}

/* Forgets what was written over once the library has set the timer anew. */
static void look_at(int number) {
  if (!ev_is_active(&timers[number]) || timers[number].at != hidden[number].written) {
    hidden[number].counts = false;
  }
}

bool at_is_written_over(void) {
  for (int i = 0; i < TIMERS; ++i) {
    if (hidden[i].counts) {
      return true;
    }
  }
  return false;
}

static ev_tstamp due(int number) {
  return hidden[number].counts ? hidden[number].due : timers[number].at;
}

static bool ties_with_an_earlier_one(int number) {
  for (int i = 0; i < number && ev_is_active(&timers[number]); ++i) {
    if (ev_is_active(&timers[i]) && due(i) == due(number)) {
      return true;
    }
  }
  return false;
}

void part_ties(struct ev_loop* loop) {
  for (int i = 0; i < TIMERS; ++i) {
    look_at(i);
    while (ties_with_an_earlier_one(i)) {
      hidden[i].counts = false;
      ev_timer_stop(loop, &timers[i]);
      ev_timer_set(&timers[i], some_time(20), timers[i].repeat);
      ev_timer_start(loop, &timers[i]);
    }
  }
  for (int i = 0; i < PERIODICS; ++i) {
    for (int j = i + 1; j < PERIODICS; ++j) {
      if (ev_is_active(&periodics[i]) && ev_is_active(&periodics[j]) &&
          periodics[i].at == periodics[j].at) {
        ev_periodic_stop(loop, &periodics[j]);
      }
    }
  }
}
