/* One run of the torture: the random calls from outside, the settling, and one of several ends. */
#include "conformance/buffers/torture/torture.h"

#include <event2/buffer.h>
#include <event2/thread.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "conformance/event/virtual_clock.h"

FILE* trace_file;

static struct run {
  const struct stack_kind* kind;
  uint64_t seed, random;
  struct event_base* base;
  struct side sides[2];
  int settling;
  uint64_t digests[2 * about_all];
  struct bufferevent_rate_limit_group* group;
  struct ev_token_bucket_cfg* group_limit;
} run;

enum { most_calls = 120, turns_to_quiet = 14, settling_milliseconds = 20000 };

void torture_fail(const char* format, ...) {
  va_list arguments;
  printf("%s, seed %" PRIu64 ": ", run.kind->name, run.seed);
  va_start(arguments, format);
  vprintf(format, arguments);
  va_end(arguments);
  putchar('\n');
  fflush(stdout);
  exit(1);
}

// The original tells of the end of such a stream again and again; and who writes to nobody hears of
// it before or after being told that this was written.
static int is_over(const struct side* side, enum about about) {
  return side->ended || (about == about_output && !side->other->bev);
}

void trace(struct side* side, enum about about, const char* format, ...) {
  char line[200];
  va_list arguments;
  // Where the kernel is in between, all that was held back comes now, in any portions.
  if (run.settling && !side->kind->is_whole) return;
  if (side->kind->has_records && is_over(side, about)) return;
  int used =
      snprintf(line, sizeof line, "%lld ms: end %d ", virtual_clock_milliseconds(), side->index);
  va_start(arguments, format);
  vsnprintf(line + used, sizeof line - (size_t)used, format, arguments);
  va_end(arguments);
  uint64_t* digest =
      side->kind->is_whole ? &run.digests[0] : &run.digests[side->index * about_all + about];
  for (const char* at = line; *at; at++)
    *digest = (*digest ^ (unsigned char)*at) * 1099511628211u;
  if (trace_file) fprintf(trace_file, "%s\n", line);
}

static void turn(int times) {
  while (times-- > 0)
    event_base_loop(run.base, EVLOOP_NONBLOCK);
}

// The kernel may take its time, which the clock of the loop knows nothing of.
static void let_the_kernel_work(void) {
  struct timespec nap = {0, 200000};
  if (!run.kind->is_whole) syscall(SYS_nanosleep, &nap, NULL);
}

static int all_arrived(void) {
  struct side* sides = run.sides;
  return sides[0].received == sides[1].sent && sides[1].received == sides[0].sent;
}

// Nothing hinders anybody any more, so all bytes have to arrive.
static void settle(void) {
  for (int i = 0; i < settling_milliseconds && !all_arrived(); i++) {
    side_unhinder(&run.sides[0]);
    side_unhinder(&run.sides[1]);
    turn(turns_to_quiet);
    virtual_clock_advance(1);
    if (i > 3) let_the_kernel_work();
  }
  if (!all_arrived())
    torture_fail("%zu of %zu and %zu of %zu bytes have arrived", run.sides[1].received,
                 run.sides[0].sent, run.sides[0].received, run.sides[1].sent);
}

// Itself, both or the other one, in a callback. The original does not always survive it where
// filters close what is beneath them: then nobody is.
static int whom_to_free(size_t choice) {
  if (run.sides[0].mood == storm) return (int)choice;
  return run.kind->has_filters ? 0 : 1;
}

// One end goes away inside a callback, or says that it has nothing more to say; the other one
// hears of it, where the stack tells.
static void end_it(void) {
  struct side* first = &run.sides[random_below(&run.random, 2)];
  size_t how = random_below(&run.random, 4);
  int heard = 0;
  first->other->ended = 0;
  if (how == 3 && run.kind->say_goodbye) {
    run.kind->say_goodbye(first->bev);
  } else {
    first->free_next = whom_to_free(how == 2 ? 2 : 1);
    if (first->free_next)
      bufferevent_trigger(first->bev, EV_READ, BEV_TRIG_IGNORE_WATERMARKS);
    else
      side_close(first);
  }
  for (int i = 0; i < settling_milliseconds && !heard; i++) {
    turn(turns_to_quiet);
    heard = !run.kind->tells_end || !first->other->bev || first->other->ended;
    side_unhinder(first->other);
    if (!heard) let_the_kernel_work();
  }
  if (!heard) torture_fail("end %d has not heard of the end", first->other->index);
}

static void set_limits(void) {
  struct timeval tick = {0, 70000};
  run.group_limit = ev_token_bucket_cfg_new(900, 1200, 900, 1200, &tick);
  run.group = bufferevent_rate_limit_group_new(run.base, run.group_limit);
  for (int i = 0; i < 2; i++)
    run.sides[i].limit_below = run.group_limit;
}

static int choose_options(void) {
  static const int all[] = {0, BEV_OPT_DEFER_CALLBACKS,
                            BEV_OPT_DEFER_CALLBACKS | BEV_OPT_UNLOCK_CALLBACKS, BEV_OPT_THREADSAFE,
                            BEV_OPT_THREADSAFE | BEV_OPT_DEFER_CALLBACKS};
  return BEV_OPT_CLOSE_ON_FREE | all[random_below(&run.random, sizeof all / sizeof all[0])];
}

// Only a storm does not always wait until it is done.
static void shake_hands(void) {
  for (int i = 0; i < 2; i++)
    bufferevent_enable(run.sides[i].bev, EV_READ | EV_WRITE);
  for (int i = 0; i < settling_milliseconds; i++) {
    if (run.sides[0].connected && run.sides[1].connected) break;
    turn(turns_to_quiet);
    let_the_kernel_work();
  }
  if (!run.sides[0].connected || !run.sides[1].connected)
    torture_fail("the handshake does not come to its end");
  for (int i = 0; i < 2; i++)
    bufferevent_disable(run.sides[i].bev, EV_READ);
}

static void begin(const struct stack_kind* kind, enum mood mood, uint64_t seed) {
  struct bufferevent* ends[2];
  memset(&run, 0, sizeof run);
  run.kind = kind;
  run.seed = seed;
  run.random = seed * 2654435761u + 12345;
  virtual_clock_reset();
  run.base = event_base_new();
  if (kind->open(run.base, choose_options(), ends) != 0) torture_fail("the stack does not open");
  for (int i = 0; i < 2; i++) {
    struct side* side = &run.sides[i];
    side->index = i;
    side->kind = kind;
    side->mood = mood;
    side->other = &run.sides[1 - i];
    side->random = seed * 40503u + 77u * (unsigned)i;
  }
  for (int i = 0; i < 2; i++)
    side_open(&run.sides[i], ends[i]);
  if (mood == storm) set_limits();
  if (kind->has_records && (mood != storm || random_below(&run.random, 2))) shake_hands();
}

static void finish(void) {
  for (int i = 0; i < 2; i++)
    side_close(&run.sides[i]);
  turn(4);
  if (run.group) bufferevent_rate_limit_group_free(run.group);
  if (run.group_limit) ev_token_bucket_cfg_free(run.group_limit);
  for (int i = 0; i < 2; i++)
    if (run.sides[i].limit) ev_token_bucket_cfg_free(run.sides[i].limit);
  event_base_free(run.base);
}

// From outside: a call on one end, the time, the group.
static void one_call(enum mood mood) {
  struct side* side = &run.sides[random_below(&run.random, 2)];
  size_t what = random_below(&run.random, 12);
  for (int i = 0; i < 2; i++)
    run.sides[i].waiting = side_in_flight(&run.sides[i]);
  if (what == 0) {
    virtual_clock_advance((long)random_below(&run.random, 60));
  } else if (what == 1 && mood == storm && side->bev) {
    bufferevent_add_to_rate_limit_group(side->bev, run.group);
  } else if (what == 2 && mood == storm && side->bev) {
    bufferevent_remove_from_rate_limit_group(side->bev);
  } else if (what == 3 && mood == storm && side->bev && run.kind->disturb) {
    run.kind->disturb(side->bev);
  } else if (what == 4 && mood == storm && side->bev) {
    side_hinder_below(side, &run.random);
  } else {
    side_act(side, &run.random);
  }
  turn(mood == calm ? turns_to_quiet : (int)random_below(&run.random, 3));
}

uint64_t torture(const struct stack_kind* kind, enum mood mood, uint64_t seed) {
  begin(kind, mood, seed);
  size_t calls = 1 + random_below(&run.random, most_calls);
  size_t freed_at = random_below(&run.random, 4) ? SIZE_MAX : random_below(&run.random, calls);
  for (size_t i = 0; i < calls; i++) {
    if (i == freed_at) run.sides[0].free_next = whom_to_free(1 + random_below(&run.random, 3));
    one_call(mood);
  }
  for (int i = 0; i < 2; i++) {
    run.sides[i].free_next = 0;
    run.sides[i].waiting = 0;
  }
  run.settling = 1;
  if (run.sides[0].bev && run.sides[1].bev) {
    settle();
    end_it();
  }
  finish();
  if (mood != calm) return run.sides[0].received + run.sides[1].received;
  uint64_t digest = 14695981039346656037u;
  for (int i = 0; i < 2 * about_all; i++)
    digest = (digest ^ run.digests[i]) * 1099511628211u;
  return digest;
}
