/* Every allocation fails once, at each step of what the event core does: the program's own malloc()
 * stands in for the C library's, so that those of the library count that do not go through
 * event_set_mem_functions().  Each step is a process of its own: the failure must come out as an
 * error or not at all, the same must succeed when it is tried again, and nothing may leak. */
#include "conformance/harness/harness.h"

#include <dlfcn.h>
#include <event2/event.h>
#include <event2/thread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- the allocator ----------------------------------------------------------------------------
 */

void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* old, size_t size);
void __libc_free(void* old);

static long until_failure = -1; /* allocations that still succeed, or -1 for all */
static int goes_on;             /* ... and none after that */
static long failures, outstanding;

static int fails(void) {
  if (until_failure < 0) return 0;
  if (until_failure > 0) return until_failure--, 0;
  if (!goes_on) until_failure = -1;
  failures++;
  return 1;
}

void* malloc(size_t size) {
  void* memory = fails() ? NULL : __libc_malloc(size);
  outstanding += memory != NULL;
  return memory;
}
void* calloc(size_t count, size_t size) {
  void* memory = fails() ? NULL : __libc_calloc(count, size);
  outstanding += memory != NULL;
  return memory;
}
void* realloc(void* old, size_t size) {
  void* memory = fails() ? NULL : __libc_realloc(old, size);
  outstanding += memory != NULL && old == NULL;
  return memory;
}
void free(void* old) {
  outstanding -= old != NULL;
  __libc_free(old);
}

/* ---- steps ------------------------------------------------------------------------------------
 */

enum { many = 100, high_number = 700 };

/* What a scenario works on. `attempt` returns 0, or -1 with nothing half done; `release` frees what
 * there is. */
struct world {
  struct event_base* base;
  struct event_config* config;
  struct event* events[many];
  int pairs[many][2];
  int calls;
};
struct scenario {
  void (*prepare)(struct world* world);
  int (*attempt)(struct world* world);
};

static void count_call(evutil_socket_t fd, short what, void* world) {
  char byte;
  ((struct world*)world)->calls++;
  if (what & EV_READ && read(fd, &byte, 1) != 1) _exit(11);
}

static void nothing(struct world* world) {
  (void)world;
}
static void a_base(struct world* world) {
  world->base = event_base_new();
  if (world->base == NULL) _exit(12);
}
static void locks(struct world* world) {
  (void)world;
  if (evthread_use_pthreads() != 0) _exit(12);
}
static void locks_and_a_base(struct world* world) {
  locks(world);
  a_base(world);
}
static void a_high_pair(struct world* world) {
  a_base(world);
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) != 0) _exit(12);
  world->pairs[0][0] = dup2(ends[0], high_number);
  world->pairs[0][1] = ends[1];
  close(ends[0]);
  if (world->pairs[0][0] < 0 || write(ends[1], "x", 1) != 1) _exit(12);
}
static void many_pairs(struct world* world) {
  a_base(world);
  for (int i = 0; i < many; i++)
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, world->pairs[i]) != 0) _exit(12);
}
static void many_ready(struct world* world) {
  many_pairs(world);
  for (int i = 0; i < many; i++) {
    world->events[i] =
        event_new(world->base, world->pairs[i][0], EV_READ | EV_PERSIST, count_call, world);
    if (event_add(world->events[i], NULL) != 0 || write(world->pairs[i][1], "x", 1) != 1) _exit(12);
  }
}

static int make_a_base(struct world* world) {
  world->base = event_base_new();
  return world->base != NULL ? 0 : -1;
}
static int make_a_configured_base(struct world* world) {
  world->config = event_config_new();
  if (world->config == NULL) return -1;
  if (event_config_avoid_method(world->config, "kqueue") == 0)
    world->base = event_base_new_with_config(world->config);
  event_config_free(world->config);
  return world->base != NULL ? 0 : -1;
}

/* One event of every kind, added and, if that fails, freed again. */
static int add(struct world* world, int fd, short events, const struct timeval* timeout) {
  struct event* event = event_new(world->base, fd, events, count_call, world);
  if (event == NULL) return -1;
  world->calls = 0;
  if (event_add(event, timeout) != 0) {
    if (event_pending(event, 0xff, NULL) != 0) _exit(13);
    event_free(event);
    return -1;
  }
  if (events & EV_SIGNAL) raise(SIGUSR1);
  world->events[0] = event;
  while (world->calls == 0)
    event_base_loop(world->base, EVLOOP_ONCE);
  return 0;
}
static int add_a_descriptor(struct world* world) {
  return add(world, world->pairs[0][0], EV_READ, NULL);
}
static int add_a_signal(struct world* world) {
  return add(world, SIGUSR1, EV_SIGNAL, NULL);
}
static int add_a_timer(struct world* world) {
  return add(world, -1, 0, &(struct timeval){0, 1000});
}
static int add_a_common_timer(struct world* world) {
  const struct timeval* common =
      event_base_init_common_timeout(world->base, &(struct timeval){0, 1000});
  return common == NULL ? -1 : add(world, -1, 0, common);
}
static int add_many(struct world* world) {
  int refused = 0;
  for (int i = 0; i < many; i++) {
    if (world->events[i] == NULL)
      world->events[i] = event_new(world->base, world->pairs[i][0], EV_READ, count_call, world);
    refused += world->events[i] == NULL ||
               event_add(world->events[i], &(struct timeval){1000 + i, 0}) != 0;
  }
  return refused > 0 ? -1 : 0;
}
static int use_once(struct world* world) {
  struct timeval soon = {0, 1000};
  world->calls = 0;
  if (event_base_once(world->base, -1, EV_TIMEOUT, count_call, world, &soon) != 0) return -1;
  while (world->calls == 0)
    event_base_loop(world->base, EVLOOP_ONCE);
  return 0;
}
static int set_priorities(struct world* world) {
  return event_base_priority_init(world->base, 64);
}
static int exit_later(struct world* world) {
  if (event_base_loopexit(world->base, &(struct timeval){0, 1000}) != 0) return -1;
  event_base_loop(world->base, EVLOOP_NO_EXIT_ON_EMPTY);
  return event_base_got_exit(world->base) ? 0 : -1;
}
/* A loop may be short of memory, too. It loses nothing. */
static int run_the_loop(struct world* world) {
  for (int turns = 0; world->calls < many && turns < 1000; turns++)
    event_base_loop(world->base, EVLOOP_NONBLOCK);
  if (world->calls != many) _exit(14);
  return 0;
}
static int start_again(struct world* world) {
  return event_reinit(world->base);
}
static int list_and_measure(struct world* world) {
  (void)world;
  if (event_get_supported_methods() == NULL) return -1;
  struct evutil_monotonic_timer* timer = evutil_monotonic_timer_new();
  if (timer == NULL) return -1;
  evutil_monotonic_timer_free(timer);
  return 0;
}

/* ---- one step in its process ------------------------------------------------------------------
 */

static void swallow(int severity, const char* message) {
  (void)severity;
  (void)message;
}
/* An error that the caller sees, in the way the library has for it. */
static void end_well(int code) {
  (void)code;
  _exit(0);
}

static void release(struct world* world) {
  for (int i = 0; i < many; i++)
    if (world->events[i] != NULL) event_free(world->events[i]);
  if (world->base != NULL) event_base_free(world->base);
  libevent_global_shutdown();
}

static void prove_the_library_works(void) {
  struct world world = {0};
  a_base(&world);
  if (add_a_timer(&world) != 0) _exit(15);
  event_free(world.events[0]);
  event_base_free(world.base);
}

/* What comes after the end of a step: 0 means that it went well and nothing had to fail. */
enum { nothing_failed = 100 };

static void run_step(const struct scenario* scenario, long step, int from_there_on, long leaks) {
  struct world world = {0};
  alarm(15);
  event_set_log_callback(swallow);
  event_set_fatal_callback(end_well);
  const long before = outstanding;
  scenario->prepare(&world);
  goes_on = from_there_on;
  until_failure = step;
  const int answer = scenario->attempt(&world);
  until_failure = -1;
  if (answer != 0 && failures == 0) _exit(16);
  if (answer != 0 && scenario->attempt(&world) != 0) _exit(17);
  const long failed = failures;
  release(&world);
  const long left = outstanding - before;
  prove_the_library_works();
  if (leaks >= 0 && left > leaks) _exit(18);
  if (failed == 0) _exit(leaks < 0 ? (int)left : nothing_failed);
  _exit(0);
}

static const char* meaning(int code) {
  static const char* const meanings[] = {"a byte was missing",         "preparation failed",
                                         "a refused event is pending", "an event was lost",
                                         "the library is unusable",    "it fails without a reason",
                                         "it fails a second time",     "memory leaks"};
  return code >= 11 && code <= 18 ? meanings[code - 11] : "it crashed";
}

static int in_a_process(const struct scenario* scenario, long step, int from_there_on, long leaks) {
  int status;
  fflush(NULL);
  pid_t child = fork();
  if (child == 0) run_step(scenario, step, from_there_on, leaks);
  assert_int_equal(waitpid(child, &status, 0), child);
  if (WIFEXITED(status) && (leaks < 0 || WEXITSTATUS(status) % nothing_failed == 0))
    return WEXITSTATUS(status);
  fail_msg("allocation %ld%s: %s (status 0x%x)", step, from_there_on ? " and all that follow" : "",
           meaning(WIFEXITED(status) ? WEXITSTATUS(status) : 0), (unsigned)status);
  return -1;
}

/* The original is not always up to it: a signal that is refused leaks, and its poll() and select()
 * loops go round in circles when there is no memory at all (DIFFERENCES.md). */
static int on_original(void) {
  void* engine = dlopen("libpollshim-event.so.1", RTLD_LAZY | RTLD_NOLOAD);
  if (engine != NULL) dlclose(engine);
  return engine == NULL;
}

/* What stays allocated when nothing fails is not the failure's. */
static void fail_everywhere(const struct scenario* scenario) {
  const int usual = in_a_process(scenario, -1, 0, -1);
  assert_true(usual < 10);
  const int leaks = scenario->attempt == add_a_signal && on_original() ? 10 : usual;
  const int ends = getenv("EVENT_NOEPOLL") != NULL && on_original() ? 1 : 2;
  for (int from_there_on = 0; from_there_on < ends; from_there_on++) {
    long step = 0;
    while (in_a_process(scenario, step, from_there_on, leaks) != nothing_failed)
      assert_true(++step < 2000);
    print_message("%ld allocations failed%s\n", step,
                  from_there_on ? ", each with all that followed" : "");
  }
}

#define SCENARIO(name, prepare, attempt)                        \
  static void name(void** state) {                              \
    static const struct scenario scenario = {prepare, attempt}; \
    (void)state;                                                \
    fail_everywhere(&scenario);                                 \
  }
SCENARIO(a_base_is_made_or_not, nothing, make_a_base)
SCENARIO(a_base_with_locks_is_made_or_not, locks, make_a_base)
SCENARIO(a_configured_base_is_made_or_not, nothing, make_a_configured_base)
SCENARIO(a_descriptor_is_watched_or_refused, a_high_pair, add_a_descriptor)
SCENARIO(a_signal_is_watched_or_refused, a_base, add_a_signal)
SCENARIO(a_signal_is_watched_or_refused_with_locks, locks_and_a_base, add_a_signal)
SCENARIO(a_timer_is_added_or_refused, a_base, add_a_timer)
SCENARIO(a_common_timeout_is_announced_or_refused, a_base, add_a_common_timer)
SCENARIO(many_events_are_added_or_refused_one_by_one, many_pairs, add_many)
SCENARIO(once_works_or_is_refused, a_base, use_once)
SCENARIO(priorities_are_set_or_refused, a_base, set_priorities)
SCENARIO(an_exit_is_planned_or_refused, a_base, exit_later)
SCENARIO(a_loop_short_of_memory_loses_nothing, many_ready, run_the_loop)
SCENARIO(a_child_starts_again_or_ends, many_ready, start_again)
SCENARIO(methods_and_timers_are_there_or_not, nothing, list_and_measure)

int main(int argc, char** argv) {
  static const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_base_is_made_or_not),
      cmocka_unit_test(a_base_with_locks_is_made_or_not),
      cmocka_unit_test(a_configured_base_is_made_or_not),
      cmocka_unit_test(a_descriptor_is_watched_or_refused),
      cmocka_unit_test(a_signal_is_watched_or_refused),
      cmocka_unit_test(a_signal_is_watched_or_refused_with_locks),
      cmocka_unit_test(a_timer_is_added_or_refused),
      cmocka_unit_test(a_common_timeout_is_announced_or_refused),
      cmocka_unit_test(many_events_are_added_or_refused_one_by_one),
      cmocka_unit_test(once_works_or_is_refused),
      cmocka_unit_test(priorities_are_set_or_refused),
      cmocka_unit_test(an_exit_is_planned_or_refused),
      cmocka_unit_test(a_loop_short_of_memory_loses_nothing),
      cmocka_unit_test(a_child_starts_again_or_ends),
      cmocka_unit_test(methods_and_timers_are_there_or_not),
  };
  return harness_main(argc, argv, tests, sizeof tests / sizeof tests[0]);
}
