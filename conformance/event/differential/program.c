/* From a seed to a program, and from a program to text.  The weights below decide what is tried how
 * often; a call that its profile does not want becomes no call at all. */
#include "conformance/event/differential/program.h"

#include <event2/event.h>
#include <signal.h>

struct stream {
  uint64_t state;
};

static uint64_t next(struct stream* stream) {
  uint64_t mixed = stream->state += 0x9e3779b97f4a7c15u;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
  return mixed ^ (mixed >> 31);
}

static int below(struct stream* stream, int limit) {
  return (int)(next(stream) % (uint64_t)limit);
}

static const struct {
  uint8_t weight_in_main;
  uint8_t weight_in_callback;
  uint8_t profile; /* needed for it to be chosen at all */
  const char* name;
} kinds[call_kind_count] = {
    [call_none] = {0, 60, 0, "nothing"},
    [call_add] = {40, 18, 0, "event_add"},
    [call_add_timed] = {40, 18, 0, "event_add"},
    [call_add_common] = {20, 8, profile_common, "event_add common"},
    [call_delete] = {12, 16, 0, "event_del"},
    [call_active] = {14, 14, 0, "event_active"},
    [call_assign] = {8, 6, 0, "event_assign"},
    [call_renew] = {6, 6, 0, "event_free + event_new"},
    [call_remove_timer] = {4, 4, 0, "event_remove_timer"},
    [call_set_priority] = {10, 6, 0, "event_priority_set"},
    [call_once_fd] = {5, 3, 0, "event_base_once"},
    [call_once_timer] = {5, 3, 0, "event_base_once"},
    [call_write] = {34, 20, 0, "write"},
    [call_read] = {10, 20, 0, "read all"},
    [call_fill] = {4, 2, 0, "fill"},
    [call_half_close] = {3, 2, 0, "shutdown"},
    [call_replace] = {8, 6, 0, "replace by dup2"},
    [call_close] = {6, 4, profile_hazards, "close"},
    [call_reopen] = {8, 6, profile_hazards, "reopen"},
    [call_break] = {2, 4, 0, "event_base_loopbreak"},
    [call_exit] = {2, 3, 0, "event_base_loopexit"},
    [call_exit_later] = {3, 2, 0, "event_base_loopexit"},
    [call_continue] = {1, 4, 0, "event_base_loopcontinue"},
    [call_active_by_fd] = {4, 4, 0, "event_base_active_by_fd"},
    [call_active_by_signal] = {3, 3, 0, "event_base_active_by_signal"},
    [call_raise] = {10, 8, 0, "raise"},
    [call_finalize] = {3, 3, 0, "event_free_finalize"},
    [call_spend] = {6, 8, 0, "let time pass"},
    [call_update_time] = {1, 2, 0, "event_base_update_cache_time"},
    [call_loop] = {90, 2, 0, "event_base_loop"},
    [call_reinit] = {2, 0, 0, "event_reinit"},
};

static enum call_kind choose_kind(struct stream* stream, int profile, int in_main) {
  int total = 0;
  for (int kind = 0; kind < call_kind_count; kind++)
    total += in_main ? kinds[kind].weight_in_main : kinds[kind].weight_in_callback;
  int ticket = below(stream, total);
  for (int kind = 0; kind < call_kind_count; kind++) {
    int weight = in_main ? kinds[kind].weight_in_main : kinds[kind].weight_in_callback;
    if (ticket < weight) {
      int unwanted = kinds[kind].profile & ~profile;
      if (kind == call_raise) unwanted = profile & profile_quiet;
      return unwanted ? call_none : (enum call_kind)kind;
    }
    ticket -= weight;
  }
  return call_none;
}

static void generate_call(struct stream* stream, struct call* call, int profile, int in_main) {
  static const uint16_t delays[] = {0, 0, 1, 1, 2, 3, 5, 8, 13, 40, 100, 900};
  call->kind = (uint8_t)choose_kind(stream, profile, in_main);
  call->slot = (uint8_t)below(stream, slot_count);
  call->channel = (uint8_t)below(stream, channel_count);
  call->side = (uint8_t)below(stream, 2);
  call->choice = (uint8_t)below(stream, 256);
  call->milliseconds = delays[below(stream, sizeof delays / sizeof delays[0])];
  call->microseconds = (uint16_t)(below(stream, 12) == 0 ? 0 : 1 + below(stream, 999));
}

static void generate_definition(struct stream* stream, struct definition* definition, int profile) {
  definition->channel = (uint8_t)below(stream, channel_count);
  definition->side = (uint8_t)below(stream, 2);
  definition->signal = (uint8_t)(below(stream, 2) ? SIGUSR1 : SIGUSR2);
  int what = below(stream, 12);
  short events = 0;
  if (what < 4)
    events = EV_READ;
  else if (what < 6)
    events = EV_WRITE;
  else if (what < 7)
    events = EV_READ | EV_WRITE;
  else if (what < 9)
    events = EV_SIGNAL;
  else if (what < 10 && profile & profile_hazards)
    events = EV_READ | EV_CLOSED;
  if (below(stream, 2)) events |= EV_PERSIST;
  if (profile & profile_edge && events & (EV_READ | EV_WRITE)) events |= EV_ET;
  definition->events = events;
}

void program_generate(struct program* program, uint64_t seed, int profile) {
  struct stream stream = {seed * 2 + 1};
  program->seed = seed;
  program->profile = profile;
  program->priorities = 1 + below(&stream, 4);
  program->max_callbacks = below(&stream, 3) ? -1 : 1 + below(&stream, 3);
  program->min_priority = below(&stream, 3);
  program->no_cached_time = below(&stream, 6) == 0;
  program->pipes = (uint8_t)below(&stream, 16);
  for (int slot = 0; slot < slot_count; slot++)
    generate_definition(&stream, &program->definitions[slot], profile);
  for (int number = 0; number < call_count; number++)
    generate_call(&stream, &program->calls[number], profile, number < main_length);
}

static void print_call(const struct program* program, int number, FILE* out) {
  const struct call* call = &program->calls[number];
  fprintf(out, "#%d %s", number, kinds[call->kind].name);
  switch (call->kind) {
    case call_add_timed:
    case call_once_timer:
    case call_exit_later:
      fprintf(out, " slot %d after %d.%03d ms", call->slot, call->milliseconds, call->microseconds);
      break;
    case call_spend:
      fprintf(out, " %d ms", call->milliseconds);
      break;
    case call_write:
    case call_read:
    case call_fill:
    case call_half_close:
    case call_replace:
    case call_close:
    case call_reopen:
    case call_active_by_fd:
    case call_once_fd:
      fprintf(out, " channel %d side %d (choice %d)", call->channel, call->side, call->choice);
      break;
    default:
      fprintf(out, " slot %d (choice %d)", call->slot, call->choice);
  }
  fputc('\n', out);
}

void program_print(const struct program* program, const uint8_t* skipped, FILE* out) {
  fprintf(out, "seed %llu profile %d: %d priorities, max %d callbacks from priority %d%s\n",
          (unsigned long long)program->seed, program->profile, program->priorities,
          program->max_callbacks, program->min_priority,
          program->no_cached_time ? ", no cached time" : "");
  for (int slot = 0; slot < slot_count; slot++) {
    const struct definition* definition = &program->definitions[slot];
    fprintf(out, "slot %d: events 0x%02x", slot, (unsigned)definition->events);
    if (definition->events & EV_SIGNAL)
      fprintf(out, " signal %d\n", definition->signal);
    else if (definition->events & (EV_READ | EV_WRITE))
      fprintf(out, " channel %d side %d%s\n", definition->channel, definition->side,
              program->pipes >> definition->channel & 1 ? " of a pipe" : "");
    else
      fprintf(out, " timer\n");
  }
  for (int number = 0; number < main_length; number++)
    if (!is_skipped(skipped, number) && program->calls[number].kind != call_none)
      print_call(program, number, out);
  for (int slot = 0; slot < slot_count; slot++)
    for (int turn = 0; turn < script_count; turn++)
      for (int position = 0; position < script_length; position++) {
        int number = script_call(slot, turn, position);
        if (is_skipped(skipped, number) || program->calls[number].kind == call_none) continue;
        fprintf(out, "  in callback %d of slot %d: ", turn, slot);
        print_call(program, number, out);
      }
}
