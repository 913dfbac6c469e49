/* One program at a time, on a base of its own.  Everything the library answers goes into the trace:
 * return values, what is pending afterwards, callbacks with their arguments and the virtual time.
 * A program is cut short, on both sides alike, when two timers fall due at the same instant: their
 * order is nobody's promise (ties.c). */
#include "conformance/event/differential/execute.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <event2/thread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conformance/event/differential/channels.h"
#include "conformance/event/differential/ties.h"
#include "conformance/event/differential/trace.h"
#include "conformance/event/virtual_clock.h"

enum {
  once_channel = channel_count, /* never closed: nobody can delete an event_base_once */
  callbacks_per_loop = 24,
  callbacks_per_program = 200,
  waits_per_program = 4000
};

static const struct program* program;
static const uint8_t* skipped;
static struct event_base* base;
static struct event* events[slot_count];
static struct definition definitions[slot_count];
static int finalizing[slot_count];
static int turns[slot_count];
static int callbacks_in_loop, callbacks, stopped, once_number;
static const struct timeval* common[2];
static int time_spent;
static int on_common[slot_count]; /* which of them a slot was last added with, from 1 */
static int injected, spinning;
static int running = -1; /* the slot whose callback runs or ran last */
static int forgotten;    /* its repetition, by the original */

static void perform(const struct call* call, int in_callback);

/* The original computes its next wait from the time it cached before the callbacks, and oversleeps
 * by what they took (DIFFERENCES.md).  Refreshing the cache after such a callback hides it. */
static void refresh_time(void) {
  if (time_spent) event_base_update_cache_time(base);
  time_spent = 0;
}

/* ---- callbacks
 * ----------------------------------------------------------------------------------- */

/* What comes after the end is in nobody's order, and in no trace. */
static int is_over(void) {
  if (stopped) event_base_loopbreak(base);
  return stopped;
}

static int give_up_if_spent(void) {
  if (callbacks_in_loop++ >= callbacks_per_loop || callbacks++ >= callbacks_per_program ||
      stopped) {
    event_base_loopbreak(base);
    return 1;
  }
  return 0;
}

static void note_running(int slot) {
  if (slot != running) forgotten = 0;
  running = slot;
}

/* The original goes on calling a signal event that activates itself or removes its timer in its
 * callback and then deletes itself, or is even freed; the same when it is assigned anew there
 * (DIFFERENCES.md). */
static int must_not_go(int slot) {
  return slot == running && forgotten;
}

/* The original leaves a pointer into its stack in a signal event that deleted itself in its
 * callback, and writes through it with the next deletion (DIFFERENCES.md). */
static void take_stale_pointer(int slot) {
  if (slot == running && definitions[slot].events & EV_SIGNAL)
    events[slot]->ev_.ev_signal.ev_pncalls = NULL;
}

static void on_event(evutil_socket_t fd, short what, void* argument) {
  int slot = (int)(intptr_t)argument;
  if (is_over()) return;
  if (injected && slot == 3 && what == EV_TIMEOUT) what = EV_TIMEOUT | EV_READ;
  trace("{slot %d fd %d what 0x%x at %lld\n", slot, (int)fd, (unsigned)what & 0xffff,
        virtual_clock_milliseconds());
  note_running(slot);
  /* Its own timeout has just been renewed. */
  stopped |= ties_found(events, on_common, slot_count);
  if (!give_up_if_spent()) {
    int turn = turns[slot]++ % script_count;
    for (int position = 0; position < script_length && !stopped; position++) {
      int number = script_call(slot, turn, position);
      if (!is_skipped(skipped, number)) perform(&program->calls[number], 1);
    }
    refresh_time();
  }
  trace("}\n");
}

static void on_once(evutil_socket_t fd, short what, void* argument) {
  if (is_over()) return;
  note_running(-1);
  trace("once %d fd %d what 0x%x at %lld\n", (int)(intptr_t)argument, (int)fd,
        (unsigned)what & 0xffff, virtual_clock_milliseconds());
  give_up_if_spent();
}

static void on_finalize(struct event* event, void* argument) {
  int slot = (int)(intptr_t)argument;
  if (!stopped) trace("finalized %d\n", slot);
  if (events[slot] == event) events[slot] = NULL;
  finalizing[slot] = 0;
}

static void on_guard(evutil_socket_t fd, short what, void* argument) {
  (void)fd;
  (void)what;
  (void)argument;
  if (is_over()) return;
  trace("nothing left to wait for\n");
  event_base_loopbreak(base);
}

static void on_log(int severity, const char* message) {
  (void)message;
  trace("log %d\n", severity);
}

/* The library waits without end, or waits again and again with nothing coming of it. */
static void on_stuck(void) {
  trace("gets nowhere\n");
  stopped = spinning = 1;
  if (base != NULL) event_base_loopbreak(base);
}

/* ---- slots
 * --------------------------------------------------------------------------------------- */

static int descriptor_of(const struct definition* definition) {
  if (definition->events & EV_SIGNAL) return definition->signal;
  if (definition->events & (EV_READ | EV_WRITE))
    return channel_fd(definition->channel, definition->side);
  return -1;
}

static int is_idle(const struct event* event) {
  return (event->ev_evcallback.evcb_flags & EVLIST_ALL) == EVLIST_INIT;
}

static void make(int slot) {
  const struct definition* definition = &definitions[slot];
  events[slot] = event_new(base, descriptor_of(definition), definition->events, on_event,
                           (void*)(intptr_t)slot);
  if (events[slot] == NULL) abort();
}

static void note_state(int slot) {
  if (events[slot] == NULL) return;
  trace(" -> 0x%x flags 0x%x\n", (unsigned)event_pending(events[slot], 0xff, NULL),
        (unsigned)events[slot]->ev_evcallback.evcb_flags & EVLIST_ALL);
}

/* Takes out every event on a descriptor that is about to go, unless the program is meant not to. */
static void vacate(int channel) {
  if (program->profile & profile_hazards) return;
  for (int slot = 0; slot < slot_count; slot++) {
    const struct definition* definition = &definitions[slot];
    if (events[slot] != NULL && definition->events & (EV_READ | EV_WRITE) &&
        definition->channel == channel)
      trace(" del %d=%d", slot, event_del(events[slot]));
  }
}

/* ---- calls
 * --------------------------------------------------------------------------------------- */

static void add(const struct call* call, const struct timeval* timeout, int which) {
  if (timeout != NULL) on_common[call->slot] = which;
  trace("add %d=%d", call->slot, event_add(events[call->slot], timeout));
  note_state(call->slot);
  if (timeout != NULL) stopped |= ties_found(events, on_common, slot_count);
}

static void assign(const struct call* call) {
  struct event* event = events[call->slot];
  struct definition* definition = &definitions[call->slot];
  if (!is_idle(event) || (call->slot == running && definition->events & EV_SIGNAL)) return;
  *definition = program->definitions[call->choice % slot_count];
  if (call->choice & 64) definition->channel = call->channel;
  trace("assign %d=%d", call->slot,
        event_assign(event, base, descriptor_of(definition), definition->events, on_event,
                     (void*)(intptr_t)call->slot));
  note_state(call->slot);
}

static void renew(int slot) {
  if (finalizing[slot] || must_not_go(slot)) return;
  if (events[slot] != NULL) event_free(events[slot]);
  make(slot);
  trace("renew %d", slot);
  note_state(slot);
}

static void once(const struct call* call) {
  struct timeval timeout = {call->milliseconds / 1000,
                            call->milliseconds % 1000 * 1000 + call->microseconds};
  void* argument = (void*)(intptr_t)once_number;
  int answer;
  if (call->kind == call_once_fd) {
    short events_wanted = call->choice & 1 ? EV_READ : EV_WRITE;
    if (call->choice & 2) {
      answer = event_base_once(base, channel_fd(once_channel, call->side), events_wanted, on_once,
                               argument, NULL);
    } else {
      stopped |= ties_note_other(base, &timeout);
      answer = event_base_once(base, channel_fd(once_channel, call->side),
                               (short)(events_wanted | EV_TIMEOUT), on_once, argument, &timeout);
    }
  } else {
    if (timeout.tv_sec || timeout.tv_usec) stopped |= ties_note_other(base, &timeout);
    answer = event_base_once(base, -1, EV_TIMEOUT, on_once, argument, &timeout);
  }
  trace("once %d=%d\n", once_number++, answer);
  stopped |= ties_found(events, on_common, slot_count);
}

static void exit_later(const struct call* call) {
  struct timeval timeout = {0, call->milliseconds % 1000 * 1000 + call->microseconds};
  if (timeout.tv_usec) stopped |= ties_note_other(base, &timeout);
  trace("exit later=%d\n", event_base_loopexit(base, &timeout));
  stopped |= ties_found(events, on_common, slot_count);
}

static void write_all(int fd) {
  static const char bytes[512];
  while (write(fd, bytes, sizeof bytes) > 0) {
  }
}

static void read_all(int fd) {
  char bytes[4096];
  while (read(fd, bytes, sizeof bytes) > 0) {
  }
}

static void channel_call(const struct call* call) {
  int fd = channel_fd(call->channel, call->side);
  trace("channel call %d on %d\n", call->kind, fd);
  switch (call->kind) {
    case call_write:
      if (channel_is_open(call->channel) && write(fd, "x", 1) < 0) trace("full\n");
      break;
    case call_read:
      if (channel_is_open(call->channel)) read_all(fd);
      break;
    case call_fill:
      if (channel_is_open(call->channel)) write_all(fd);
      break;
    case call_half_close:
      if (channel_is_open(call->channel)) shutdown(fd, SHUT_WR);
      break;
    case call_close:
      vacate(call->channel);
      channel_close(call->channel);
      break;
    case call_reopen:
      if (!channel_is_open(call->channel))
        channel_open(call->channel, program->pipes >> call->channel & 1);
      break;
    default:
      vacate(call->channel);
      if (call->choice & 1) channel_close(call->channel);
      channel_open(call->channel, program->pipes >> call->channel & 1);
  }
}

/* For a timeout the original goes through its heap, whose order is arbitrary but for the first. */
static void active_by_fd(const struct call* call, short reason) {
  int fd = channel_fd(call->channel, call->side), timed = 0;
  for (int slot = 0; slot < slot_count; slot++)
    timed += events[slot] != NULL && event_get_fd(events[slot]) == fd &&
             event_pending(events[slot], EV_TIMEOUT, NULL);
  if (reason == EV_TIMEOUT && timed > 1) reason = EV_READ;
  event_base_active_by_fd(base, fd, reason);
  trace("active by fd\n");
}

static void loop(const struct call* call) {
  static const int flags[] = {0,
                              EVLOOP_ONCE,
                              EVLOOP_NONBLOCK,
                              EVLOOP_ONCE | EVLOOP_NONBLOCK,
                              EVLOOP_ONCE,
                              EVLOOP_NO_EXIT_ON_EMPTY,
                              EVLOOP_NONBLOCK};
  int chosen = flags[call->choice % 7];
  struct timeval hour = {3600, 0};
  struct event* guard = NULL;
  if (!(chosen & EVLOOP_NONBLOCK)) {
    guard = event_new(base, -1, 0, on_guard, NULL);
    event_add(guard, &hour);
  }
  callbacks_in_loop = 0;
  note_running(-1);
  trace("loop 0x%x at %lld\n", (unsigned)chosen, virtual_clock_milliseconds());
  int answer = event_base_loop(base, chosen);
  if (guard != NULL) event_free(guard);
  note_running(-1);
  if (stopped) return;
  trace("loop=%d break %d exit %d added %d active %d at %lld\n", answer, event_base_got_break(base),
        event_base_got_exit(base), event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED),
        event_base_get_num_events(base, EVENT_BASE_COUNT_ACTIVE), virtual_clock_milliseconds());
}

static void perform(const struct call* call, int in_callback) {
  static int (*const deletions[])(struct event*) = {event_del, event_del_noblock, event_del_block};
  static const short reasons[] = {EV_READ, EV_WRITE, EV_TIMEOUT, EV_READ | EV_WRITE, 0, EV_SIGNAL};
  int slot = call->slot, number = call->choice & 1 ? SIGUSR1 : SIGUSR2;
  struct event* event = events[slot];
  struct timeval timeout = {call->milliseconds / 1000,
                            call->milliseconds % 1000 * 1000 + call->microseconds};
  if (event == NULL && call->kind >= call_add && call->kind <= call_set_priority &&
      call->kind != call_renew)
    return;
  switch (call->kind) {
    case call_add:
      add(call, NULL, 0);
      break;
    case call_add_timed:
      add(call, &timeout, 0);
      break;
    case call_add_common:
      add(call, common[call->choice & 1], 1 + (call->choice & 1));
      break;
    case call_delete:
      if (must_not_go(slot)) break;
      trace("del %d=%d", slot, deletions[call->choice % 3](event));
      take_stale_pointer(slot);
      note_state(slot);
      break;
    case call_active:
      forgotten |= slot == running && definitions[slot].events & EV_SIGNAL;
      event_active(event, reasons[call->choice % 6], (short)(1 + call->choice % 3));
      trace("active %d", slot);
      note_state(slot);
      break;
    case call_assign:
      if (!finalizing[slot]) assign(call);
      break;
    case call_renew:
      renew(slot);
      break;
    case call_remove_timer:
      forgotten |= slot == running && definitions[slot].events & EV_SIGNAL;
      trace("remove timer %d=%d", slot, event_remove_timer(event));
      note_state(slot);
      break;
    case call_set_priority:
      trace("priority %d=%d\n", slot, event_priority_set(event, call->choice % 5));
      break;
    case call_once_fd:
    case call_once_timer:
      once(call);
      break;
    case call_write:
    case call_read:
    case call_fill:
    case call_half_close:
    case call_replace:
    case call_close:
    case call_reopen:
      channel_call(call);
      break;
    case call_break:
      trace("break=%d\n", event_base_loopbreak(base));
      break;
    case call_exit:
      trace("exit=%d\n", event_base_loopexit(base, NULL));
      break;
    case call_exit_later:
      exit_later(call);
      break;
    case call_continue:
      trace("continue=%d\n", event_base_loopcontinue(base));
      break;
    case call_active_by_fd:
      active_by_fd(call, reasons[call->choice % 4]);
      break;
    case call_active_by_signal:
      forgotten |= running >= 0 && definitions[running].events & EV_SIGNAL;
      event_base_active_by_signal(base, number);
      trace("active by signal\n");
      break;
    case call_raise:
      raise(number);
      trace("raise\n");
      break;
    case call_finalize:
      if (event != NULL && !finalizing[slot] && !must_not_go(slot)) {
        finalizing[slot] = 1;
        trace("finalize %d=%d\n", slot, event_free_finalize(0, event, on_finalize));
      }
      break;
    case call_spend:
      virtual_clock_advance(call->milliseconds);
      time_spent = 1;
      break;
    case call_update_time:
      trace("update=%d\n", event_base_update_cache_time(base));
      break;
    case call_loop:
      if (in_callback)
        trace("nested=%d\n", event_base_loop(base, EVLOOP_NONBLOCK));
      else
        loop(call);
      break;
    case call_reinit:
      if (!in_callback) trace("reinit=%d\n", event_reinit(base));
      break;
    default:
      break;
  }
}

/* ---- the whole
 * ----------------------------------------------------------------------------------- */

void execute_with_a_difference(void) {
  injected = 1;
}

int execute_was_spinning(void) {
  return spinning;
}

void execute_prepare(void) {
  const char* locks = getenv("SUITE_LOCKS");
  if (locks != NULL && strcmp(locks, "pthreads") == 0 && evthread_use_pthreads() != 0) abort();
  event_set_log_callback(on_log);
  virtual_clock_stuck = on_stuck;
  virtual_clock_patience = waits_per_program;
  signal(SIGUSR1, SIG_IGN);
  signal(SIGUSR2, SIG_IGN);
  signal(SIGPIPE, SIG_IGN);
}

static void make_base(void) {
  struct event_config* config = event_config_new();
  event_config_set_max_dispatch_interval(config, NULL, program->max_callbacks,
                                         program->min_priority);
  if (program->no_cached_time) event_config_set_flag(config, EVENT_BASE_FLAG_NO_CACHE_TIME);
  base = event_base_new_with_config(config);
  event_config_free(config);
  if (base == NULL) abort();
  event_base_priority_init(base, program->priorities);
  if (program->profile & profile_common) {
    const struct timeval durations[2] = {{0, 3011}, {0, 20017}};
    for (int i = 0; i < 2; i++)
      common[i] = event_base_init_common_timeout(base, &durations[i]);
  }
}

void execute(const struct program* chosen, const uint8_t* left_out) {
  program = chosen;
  skipped = left_out;
  trace_clear();
  virtual_clock_reset();
  ties_reset();
  memset(on_common, 0, sizeof on_common);
  callbacks = stopped = spinning = once_number = 0;
  memset(turns, 0, sizeof turns);
  memset(finalizing, 0, sizeof finalizing);
  memcpy(definitions, program->definitions, sizeof definitions);
  make_base();
  for (int channel = 0; channel <= channel_count; channel++)
    channel_open(channel, channel < channel_count && program->pipes >> channel & 1);
  for (int slot = 0; slot < slot_count; slot++)
    make(slot);
  for (int number = 0; number < main_length && !stopped && callbacks < callbacks_per_program;
       number++)
    if (!is_skipped(skipped, number)) perform(&program->calls[number], 0);
  stopped = 1;
  for (int slot = 0; slot < slot_count; slot++)
    if (events[slot] != NULL && !finalizing[slot]) event_free(events[slot]);
  event_base_free(base);
  base = NULL;
  for (int channel = 0; channel <= channel_count; channel++)
    channel_close(channel);
}
