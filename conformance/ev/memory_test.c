/*
 * Short memory: every allocation of a program's allocator fails in turn. libev ends the process;
 * ours makes no loop, or tells a watcher, and goes on (see conformance/DIFFERENCES.md).
 */
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conformance/ev/groups.h"

enum { STEPS = 40, MANY = 30 };

static long allocations_left;

static void* allocate_while_it_lasts(void* block, long size) EV_NOEXCEPT {
  if (size == 0) {
    free(block);
    return NULL;
  }
  return allocations_left-- > 0 ? realloc(block, (size_t)size) : NULL;
}

static int told, fired;
static void count_timer(EV_P_ ev_timer* w, int revents) {
  (void)loop, (void)w;
  told += (revents & EV_ERROR) != 0;
  fired += (revents & EV_TIMER) != 0;
}
#define COUNTER(type)                                         \
  static void count_##type(EV_P_ ev_##type* w, int revents) { \
    (void)loop, (void)w;                                      \
    told += (revents & EV_ERROR) != 0;                        \
  }
COUNTER(io)
COUNTER(periodic)
COUNTER(signal)
COUNTER(stat)
COUNTER(idle)
COUNTER(prepare)
COUNTER(check)
COUNTER(fork)
COUNTER(cleanup)
COUNTER(async)
static void count_once(int revents, void* argument) {
  (void)argument;
  told += (revents & EV_ERROR) != 0;
}
#define START(type, ...)                  \
  static ev_##type type##_watcher;        \
  ev_init(&type##_watcher, count_##type); \
  __VA_ARGS__;                            \
  ev_##type##_start(loop, &type##_watcher)

/* Exits with 0 if the loop still does its work once there is memory again. */
static void live_with_short_memory(void) {
  static ev_timer timers[MANY], last;
  static ev_io ios[MANY];
  ev_set_allocator(allocate_while_it_lasts);
  struct ev_loop* loop = ev_loop_new(0);
  if (loop == NULL) {
    _exit(0);
  }
  struct pipe_ends ends = make_pipe();
  for (int i = 0; i < MANY; ++i) {
    ev_timer_init(&timers[i], count_timer, 0., 0.);
    ev_timer_start(loop, &timers[i]);
    ev_io_init(&ios[i], count_io, ends.reader, EV_READ);
    ev_io_start(loop, &ios[i]);
  }
  START(periodic, ev_periodic_set(&periodic_watcher, 1., 0., 0));
  START(signal, ev_signal_set(&signal_watcher, SIGUSR1));
  START(stat, ev_stat_set(&stat_watcher, "/tmp", 0.));
  START(idle, (void)0);
  START(prepare, (void)0);
  START(check, (void)0);
  START(fork, (void)0);
  START(cleanup, (void)0);
  START(async, (void)0);
  ev_once(loop, -1, 0, 0., count_once, NULL);
  raise(signal_watcher.active ? SIGUSR1 : SIGCHLD);
  ev_async_send(loop, &async_watcher);
  ev_loop_fork(loop);
  ev_run(loop, EVRUN_NOWAIT);
  ev_run(loop, EVRUN_NOWAIT);
  bool was_short = allocations_left < 0;

  allocations_left = LONG_MAX;
  int before = fired;
  ev_timer_init(&last, count_timer, 0., 0.);
  ev_timer_start(loop, &last);
  for (int turn = 0; turn < 3 && fired == before; ++turn) {
    ev_sleep(0.001);
    ev_run(loop, EVRUN_NOWAIT);
  }
  ev_loop_destroy(loop);
  _exit(fired == before ? 1 : was_short == (told == 0) ? 2 : 0);
}

static void every_allocation_may_fail(void** state) {
  (void)state;
  for (int step = 0; step < STEPS; ++step) {
    allocations_left = step;
    int status = end_of(live_with_short_memory);
    if (on_pollshim()) {
      assert_true(WIFEXITED(status));
      assert_int_equal(WEXITSTATUS(status), 0);
    } else if (step < 4) {
      assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    }
  }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_allocation_may_fail),
};
const struct harness_group memory_group = {"memory", tests, sizeof tests / sizeof tests[0]};
