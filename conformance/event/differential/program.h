/* A random program of event-core calls: what it consists of, how a seed becomes one, how it is
 * printed. It knows nothing of any library: execute.c carries it out, driver.c shortens it.  Every
 * call has a number, and a program is narrowed by leaving numbers out. */
#ifndef CONFORMANCE_EVENT_DIFFERENTIAL_PROGRAM_H
#define CONFORMANCE_EVENT_DIFFERENTIAL_PROGRAM_H

#include <stdint.h>
#include <stdio.h>

enum {
  slot_count = 9,    /* events */
  channel_count = 4, /* pairs of descriptors that the program may close */
  script_count = 3,  /* what an event's callback does, the first, second, third time and over */
  script_length = 4,
  main_length = 36,
  call_count = main_length + slot_count * script_count * script_length,
  mask_bytes = (call_count + 7) / 8
};

/* What a profile adds to the tidy programs of profile 0. */
enum {
  profile_hazards = 1, /* descriptors closed and replaced under pending events */
  profile_common = 2,  /* common timeouts */
  profile_edge = 4,    /* EV_ET */
  profile_quiet = 8,   /* no signal raised: poll() and select() visit the original's own descriptor
                          in a random order among the ready ones */
  profile_every = 15
};

enum call_kind {
  call_none,
  call_add,
  call_add_timed,
  call_add_common,
  call_delete,
  call_active,
  call_assign,
  call_renew,
  call_remove_timer,
  call_set_priority,
  call_once_fd,
  call_once_timer,
  call_write,
  call_read,
  call_fill,
  call_half_close,
  call_replace,
  call_close,
  call_reopen,
  call_break,
  call_exit,
  call_exit_later,
  call_continue,
  call_active_by_fd,
  call_active_by_signal,
  call_raise,
  call_finalize,
  call_spend,
  call_update_time,
  call_loop,
  call_reinit,
  call_kind_count
};

struct call {
  uint8_t kind;
  uint8_t slot;
  uint8_t channel;
  uint8_t side;
  uint8_t choice;
  uint16_t milliseconds;
  uint16_t microseconds;
};

/* What a slot watches, as event_assign takes it. */
struct definition {
  short events;
  uint8_t channel;
  uint8_t side;
  uint8_t signal;
};

struct program {
  uint64_t seed;
  int profile;
  int priorities;
  int max_callbacks; /* of one dispatch, or -1 */
  int min_priority;
  int no_cached_time;
  struct definition definitions[slot_count];
  uint8_t pipes; /* a bit for each channel that is a pipe */
  struct call calls[call_count];
};

void program_generate(struct program* program, uint64_t seed, int profile);
void program_print(const struct program* program, const uint8_t* skipped, FILE* out);

static inline int is_skipped(const uint8_t* skipped, int number) {
  return skipped != NULL && (skipped[number / 8] >> (number % 8) & 1);
}
/* The number of the call at `position` of the `turn`-th script of a slot. */
static inline int script_call(int slot, int turn, int position) {
  return main_length + (slot * script_count + turn) * script_length + position;
}

#endif
