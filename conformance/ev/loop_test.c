/*
 * Loops as such: making and destroying them, flags and backends, running and breaking, time,
 * references, the hooks around waiting and invoking. Watchers occur only as the means to see what a
 * loop does.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "conformance/ev/groups.h"

/* --- the library ---------------------------------------------------------------------------------
 */

static void the_version_is_the_one_the_header_announces(void** state) {
  (void)state;
  assert_int_equal(ev_version_major(), EV_VERSION_MAJOR);
  assert_int_equal(ev_version_minor(), EV_VERSION_MINOR);
  assert_int_equal(ev_version_major(), 4);
  assert_int_equal(ev_version_minor(), 33);
}

static void select_poll_and_epoll_are_supported_and_recommended(void** state) {
  (void)state;
  const unsigned int classic = EVBACKEND_SELECT | EVBACKEND_POLL | EVBACKEND_EPOLL;
  assert_int_equal(ev_supported_backends() & classic, classic);
  assert_int_equal(ev_recommended_backends(), classic);
  assert_int_equal(ev_recommended_backends() & ~ev_supported_backends(), 0);
  assert_int_equal(ev_supported_backends() &
                       (EVBACKEND_KQUEUE | EVBACKEND_DEVPOLL | EVBACKEND_PORT | EVBACKEND_LINUXAIO),
                   0);
}

static void epoll_is_embeddable_and_poll_and_select_are_not(void** state) {
  (void)state;
  assert_true(ev_embeddable_backends() & EVBACKEND_EPOLL);
  assert_false(ev_embeddable_backends() & (EVBACKEND_POLL | EVBACKEND_SELECT));
}

static void ev_time_is_the_wall_clock(void** state) {
  (void)state;
  struct timespec before, after;
  clock_gettime(CLOCK_REALTIME, &before);
  double now = ev_time();
  clock_gettime(CLOCK_REALTIME, &after);
  /* A double holds today's seconds to about a quarter of a microsecond. */
  assert_true(now >= (double)before.tv_sec + (double)before.tv_nsec * 1e-9 - 1e-6);
  assert_true(now <= (double)after.tv_sec + (double)after.tv_nsec * 1e-9 + 1e-6);
}

static void ev_sleep_sleeps_no_less_than_asked(void** state) {
  (void)state;
  double start = seconds_now();
  ev_sleep(0.03);
  double slept = seconds_now() - start;
  assert_true(slept >= 0.03);
  assert_true(slept < 5.);
}

static void ev_sleep_of_nothing_or_less_returns_at_once(void** state) {
  (void)state;
  double start = seconds_now();
  ev_sleep(0.);
  ev_sleep(-100.);
  assert_true(seconds_now() - start < 5.);
}

static int live_blocks;
static int allocator_calls;
static void* counting_allocator(void* block, long size) EV_NOEXCEPT {
  ++allocator_calls;
  if (size == 0) {
    if (block != NULL) {
      --live_blocks;
    }
    free(block);
    return NULL;
  }
  if (block == NULL) {
    ++live_blocks;
  }
  return realloc(block, (size_t)size);
}

static void a_program_s_allocator_gets_every_block_back(void** state) {
  (void)state;
  ev_set_allocator(counting_allocator);
  struct ev_loop* loop = make_loop();
  assert_true(allocator_calls > 0);
  assert_true(live_blocks > 0);

  struct pipe_ends ends = make_pipe();
  ev_io io;
  ev_timer timers[100];
  ev_periodic periodic;
  ev_idle idle;
  ev_prepare prepare;
  ev_check check;
  ev_async async;
  ev_fork fork_watcher;
  ev_io_init(&io, note_io, ends.reader, EV_READ);
  io.data = "io";
  ev_io_start(loop, &io);
  for (int i = 0; i < 100; ++i) {
    ev_timer_init(&timers[i], note_timer, 100. + i, 0.);
    ev_timer_start(loop, &timers[i]);
  }
  ev_periodic_init(&periodic, note_periodic, 0., 1000., 0);
  ev_periodic_start(loop, &periodic);
  ev_idle_init(&idle, note_idle);
  idle.data = "idle";
  ev_idle_start(loop, &idle);
  ev_prepare_init(&prepare, note_prepare);
  prepare.data = "prepare";
  ev_prepare_start(loop, &prepare);
  ev_check_init(&check, note_check);
  check.data = "check";
  ev_check_start(loop, &check);
  ev_async_init(&async, note_async);
  ev_async_start(loop, &async);
  ev_fork_init(&fork_watcher, note_fork);
  ev_fork_start(loop, &fork_watcher);
  put_byte(ends.writer);
  ev_run(loop, EVRUN_NOWAIT);
  assert_true(live_blocks > 1);

  ev_loop_destroy(loop);
  assert_int_equal(live_blocks, 0);
}

static int syserr_calls;
static const char* syserr_message;
static struct ev_loop* syserr_loop;
static void count_syserr(const char* message) EV_NOEXCEPT {
  ++syserr_calls;
  syserr_message = message;
  ev_break(syserr_loop, EVBREAK_ALL);
}

static struct ev_loop* make_epoll_loop(void) {
  return ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
}

static void a_failing_wait_is_reported_to_the_syserr_callback(void** state) {
  (void)state;
  struct ev_loop* loop;
  int epoll_fd = new_epoll_descriptor(make_epoll_loop, &loop);
  assert_non_null(loop);
  assert_true(epoll_fd >= 0);
  syserr_loop = loop;
  ev_set_syserr_cb(count_syserr);
  int nowhere = open("/dev/null", O_RDONLY);
  dup2(nowhere, epoll_fd); /* epoll_wait answers EINVAL from now on */
  ev_run(loop, EVRUN_NOWAIT);
  assert_int_equal(syserr_calls, 1);
  assert_non_null(strstr(syserr_message, "epoll_wait"));
  ev_loop_destroy(loop);
}

static void break_the_kernel_set(void) {
  struct ev_loop* loop;
  int epoll_fd = new_epoll_descriptor(make_epoll_loop, &loop);
  dup2(open("/dev/null", O_RDONLY), epoll_fd);
  ev_run(loop, EVRUN_NOWAIT);
}

static void a_failing_wait_without_a_syserr_callback_aborts(void** state) {
  (void)state;
  assert_true(ends_in_abort(break_the_kernel_set));
}

/* --- making and destroying
 * ------------------------------------------------------------------------- */

static void the_default_loop_is_made_once(void** state) {
  (void)state;
  assert_null(EV_DEFAULT_UC);
  struct ev_loop* loop = ev_default_loop(EVFLAG_AUTO);
  assert_non_null(loop);
  assert_ptr_equal(ev_default_loop(EVFLAG_FORKCHECK), loop);
  assert_ptr_equal(EV_DEFAULT, loop);
  assert_ptr_equal(EV_DEFAULT_UC, loop);
  assert_ptr_equal(ev_default_loop_uc_(), loop);
  assert_true(ev_is_default_loop(loop));
}

static void a_dynamic_loop_is_not_the_default_loop(void** state) {
  (void)state;
  struct ev_loop* first = make_loop();
  struct ev_loop* second = make_loop();
  assert_ptr_not_equal(first, second);
  assert_false(ev_is_default_loop(first));
  ev_default_loop(0);
  assert_false(ev_is_default_loop(first));
  ev_loop_destroy(first);
  ev_loop_destroy(second);
}

static void a_destroyed_default_loop_can_be_made_again(void** state) {
  (void)state;
  struct ev_loop* loop = ev_default_loop(EVFLAG_AUTO);
  assert_non_null(loop);
  ev_loop_destroy(loop);
  assert_null(EV_DEFAULT_UC);
  loop = ev_default_loop(EVFLAG_AUTO);
  assert_non_null(loop);
  ev_timer timer;
  ev_timer_init(&timer, note_timer, 0.001, 0.);
  timer.data = "again";
  ev_timer_start(loop, &timer);
  assert_true(run_for(loop, 5.));
  assert_trace("again:timer");
}

static void destroying_no_loop_is_allowed(void** state) {
  (void)state;
  ev_loop_destroy(NULL);
}

static void a_fresh_default_loop_runs_out_at_once(void** state) {
  (void)state;
  /* The library's own SIGCHLD watcher does not hold the loop. */
  struct ev_loop* loop = ev_default_loop(EVFLAG_AUTO);
  assert_int_equal(ev_run(loop, 0), 0);
}

static void a_loop_gives_its_descriptors_back(void** state) {
  (void)state;
  int next = dup(0);
  close(next);
  for (int round = 0; round < 20; ++round) {
    struct ev_loop* loop = make_loop();
    ev_async async;
    ev_async_init(&async, note_async);
    async.data = "async";
    ev_async_start(loop, &async);
    ev_stat stat;
    ev_stat_init(&stat, note_stat, "/tmp", 0.);
    ev_stat_start(loop, &stat);
    ev_periodic periodic;
    ev_periodic_init(&periodic, note_periodic, 0., 3600., 0);
    ev_periodic_start(loop, &periodic);
    ev_run(loop, EVRUN_NOWAIT);
    ev_loop_destroy(loop);
  }
  int after = dup(0);
  close(after);
  assert_int_equal(after, next);
}

static void a_loop_with_active_watchers_can_be_destroyed(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  struct pipe_ends ends = make_pipe();
  static ev_io io;
  static ev_timer timer;
  static ev_async async;
  ev_io_init(&io, note_io, ends.reader, EV_READ);
  ev_io_start(loop, &io);
  ev_timer_init(&timer, note_timer, 1., 0.);
  ev_timer_start(loop, &timer);
  ev_async_init(&async, note_async);
  ev_async_start(loop, &async);
  ev_feed_event(loop, &timer, EV_CUSTOM);
  ev_loop_destroy(loop);
  assert_trace(""); /* what was pending is dropped */
  assert_int_not_equal(fcntl(ends.reader, F_GETFD), -1);
}

/* --- flags and backends
 * ---------------------------------------------------------------------------- */

static void every_supported_backend_makes_a_loop_of_its_kind(void** state) {
  (void)state;
  static const unsigned int kinds[] = {EVBACKEND_SELECT, EVBACKEND_POLL, EVBACKEND_EPOLL};
  for (size_t i = 0; i < 3; ++i) {
    struct ev_loop* loop = ev_loop_new(kinds[i] | EVFLAG_NOENV);
    assert_non_null(loop);
    assert_int_equal(ev_backend(loop), kinds[i]);
    ev_loop_destroy(loop);
  }
}

static void a_backend_of_another_system_makes_no_loop(void** state) {
  (void)state;
  assert_null(ev_loop_new(EVBACKEND_KQUEUE | EVFLAG_NOENV));
  assert_null(ev_loop_new(EVBACKEND_PORT | EVFLAG_NOENV));
  assert_null(ev_loop_new(EVBACKEND_DEVPOLL | EVFLAG_NOENV));
  assert_null(ev_loop_new(EVBACKEND_LINUXAIO | EVFLAG_NOENV));
  assert_null(ev_loop_new(0x8000 | EVFLAG_NOENV));
  assert_null(ev_default_loop(EVBACKEND_KQUEUE | EVFLAG_NOENV));
  assert_null(EV_DEFAULT_UC);
}

static void the_best_of_several_backends_is_taken(void** state) {
  (void)state;
  struct ev_loop* loop =
      ev_loop_new(EVBACKEND_SELECT | EVBACKEND_POLL | EVBACKEND_EPOLL | EVFLAG_NOENV);
  assert_int_equal(ev_backend(loop), EVBACKEND_EPOLL);
  ev_loop_destroy(loop);
  loop = ev_loop_new(EVBACKEND_SELECT | EVBACKEND_POLL | EVFLAG_NOENV);
  assert_int_equal(ev_backend(loop), EVBACKEND_POLL);
  ev_loop_destroy(loop);
}

static void a_loop_that_may_use_io_uring_says_what_it_uses(void** state) {
  (void)state;
  struct ev_loop* loop = ev_loop_new(EVBACKEND_IOURING | EVBACKEND_EPOLL | EVFLAG_NOENV);
  assert_non_null(loop);
  unsigned int backend = ev_backend(loop);
  assert_true(backend == EVBACKEND_EPOLL || backend == EVBACKEND_IOURING);
  assert_true(backend & ev_supported_backends());
  if (on_pollshim()) {
    assert_int_equal(backend, EVBACKEND_EPOLL);
  }
  ev_loop_destroy(loop);
}

static void the_environment_overrides_the_backend(void** state) {
  (void)state;
  setenv("LIBEV_FLAGS", "1", 1);
  struct ev_loop* loop = ev_loop_new(EVBACKEND_EPOLL);
  assert_int_equal(ev_backend(loop), EVBACKEND_SELECT);
  ev_loop_destroy(loop);
  setenv("LIBEV_FLAGS", "2", 1);
  loop = ev_loop_new(EVFLAG_AUTO);
  assert_int_equal(ev_backend(loop), EVBACKEND_POLL);
  ev_loop_destroy(loop);
  setenv("LIBEV_FLAGS", "4", 1);
  loop = ev_default_loop(EVBACKEND_SELECT);
  assert_int_equal(ev_backend(loop), EVBACKEND_EPOLL);
}

static void an_environment_that_names_no_backend_means_automatic(void** state) {
  (void)state;
  static const char* const values[] = {"", "nonsense", "0", "16777216"};
  for (size_t i = 0; i < 4; ++i) {
    setenv("LIBEV_FLAGS", values[i], 1);
    struct ev_loop* loop = ev_loop_new(EVBACKEND_SELECT);
    assert_non_null(loop);
    assert_int_equal(ev_backend(loop), EVBACKEND_EPOLL);
    ev_loop_destroy(loop);
  }
}

static void an_environment_that_names_an_absent_backend_makes_no_loop(void** state) {
  (void)state;
  setenv("LIBEV_FLAGS", "8", 1);
  assert_null(ev_loop_new(EVBACKEND_EPOLL));
}

static void noenv_ignores_the_environment(void** state) {
  (void)state;
  setenv("LIBEV_FLAGS", "1", 1);
  struct ev_loop* loop = ev_loop_new(EVBACKEND_POLL | EVFLAG_NOENV);
  assert_int_equal(ev_backend(loop), EVBACKEND_POLL);
  ev_loop_destroy(loop);
  loop = ev_loop_new(EVFLAG_NOENV);
  assert_int_equal(ev_backend(loop), EVBACKEND_EPOLL);
  ev_loop_destroy(loop);
}

static void the_flags_of_a_later_default_loop_call_are_ignored(void** state) {
  (void)state;
  struct ev_loop* loop = ev_default_loop(EVBACKEND_POLL | EVFLAG_NOENV);
  assert_ptr_equal(ev_default_loop(EVBACKEND_SELECT | EVFLAG_NOENV), loop);
  assert_int_equal(ev_backend(loop), EVBACKEND_POLL);
}

/* --- running
 * ---------------------------------------------------------------------------------------- */

static void count_timer(EV_P_ ev_timer* w, int revents) {
  (void)loop;
  (void)revents;
  ++*(int*)w->data;
}

static void a_run_ends_when_nothing_is_active(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  assert_int_equal(ev_run(loop, 0), 0);
  assert_int_equal(ev_iteration(loop), 1); /* the one pass is made all the same */
  ev_loop_destroy(loop);
}

static void a_run_tells_whether_watchers_are_left(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_timer timer;
  ev_timer_init(&timer, note_timer, 1000., 0.);
  ev_timer_start(loop, &timer);
  assert_int_equal(ev_run(loop, EVRUN_NOWAIT), 1);
  ev_timer_stop(loop, &timer);
  assert_int_equal(ev_run(loop, EVRUN_NOWAIT), 0);
  ev_loop_destroy(loop);
}

static void nowait_does_not_block(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_timer timer;
  ev_timer_init(&timer, note_timer, 10., 0.);
  ev_timer_start(loop, &timer);
  double start = seconds_now();
  ev_run(loop, EVRUN_NOWAIT);
  assert_true(seconds_now() - start < 5.);
  assert_trace("");
  ev_loop_destroy(loop);
}

static void once_blocks_for_one_round_of_events(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  int count = 0;
  ev_timer timer;
  ev_timer_init(&timer, count_timer, 0.02, 0.001);
  timer.data = &count;
  double start = seconds_now();
  ev_now_update(loop);
  ev_timer_start(loop, &timer);
  while (count == 0) {
    ev_run(loop, EVRUN_ONCE);
  }
  assert_int_equal(count, 1);
  assert_true(seconds_now() - start >= 0.019);
  ev_loop_destroy(loop);
}

static void iterations_are_counted(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  assert_int_equal(ev_iteration(loop), 0);
  ev_run(loop, EVRUN_NOWAIT);
  ev_run(loop, EVRUN_NOWAIT);
  ev_run(loop, EVRUN_NOWAIT);
  assert_int_equal(ev_iteration(loop), 3);
  assert_int_equal(ev_loop_count(loop), 3);
  ev_loop_destroy(loop);
}

static void nest(EV_P_ ev_timer* w, int revents) {
  (void)revents;
  int* depth_left = w->data;
  note("in%u", ev_depth(loop));
  if (--*depth_left > 0) {
    ev_timer inner;
    ev_timer_init(&inner, nest, 0., 0.);
    inner.data = depth_left;
    ev_timer_start(loop, &inner);
    while (ev_is_active(&inner)) {
      ev_run(loop, EVRUN_ONCE);
    }
  }
  note("out%u", ev_loop_depth(loop));
}

static void depth_counts_nested_runs(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  assert_int_equal(ev_depth(loop), 0);
  int depth_left = 3;
  ev_timer timer;
  ev_timer_init(&timer, nest, 0., 0.);
  timer.data = &depth_left;
  ev_timer_start(loop, &timer);
  ev_run(loop, 0);
  assert_trace("in1 in2 in3 out3 out2 out1");
  assert_int_equal(ev_depth(loop), 0);
  ev_loop_destroy(loop);
}

struct nested_break {
  int how;
  int inner_left;
};

static void break_it(EV_P_ ev_timer* w, int revents) {
  (void)revents;
  note("break");
  ev_break(loop, *(int*)w->data);
}

static void run_inside(EV_P_ ev_timer* w, int revents) {
  (void)revents;
  ev_timer inner, late;
  ev_timer_init(&inner, break_it, 0., 0.);
  inner.data = w->data;
  ev_timer_start(loop, &inner);
  ev_timer_init(&late, note_timer, 0.01, 0.);
  late.data = "late";
  ev_timer_start(loop, &late);
  note("inner");
  ev_run(loop, 0);
  note("left");
  ev_timer_stop(loop, &late);
}

static void run_nested_break(int how) {
  struct ev_loop* loop = make_loop();
  ev_timer outer, after;
  ev_timer_init(&outer, run_inside, 0., 0.);
  outer.data = &how;
  ev_timer_start(loop, &outer);
  ev_timer_init(&after, note_timer, 0.02, 0.);
  after.data = "after";
  ev_timer_start(loop, &after);
  ev_run(loop, 0);
  ev_loop_destroy(loop);
}

static void break_one_leaves_the_innermost_run(void** state) {
  (void)state;
  run_nested_break(EVBREAK_ONE);
  assert_trace("inner break left after:timer");
}

static void break_all_leaves_every_run(void** state) {
  (void)state;
  run_nested_break(EVBREAK_ALL);
  assert_trace("inner break left");
}

static void break_cancel_takes_a_break_back(void** state) {
  (void)state;
  run_nested_break(EVBREAK_CANCEL);
  assert_trace("inner break late:timer after:timer left");
}

static void break_then_cancel(EV_P_ ev_timer* w, int revents) {
  (void)w;
  (void)revents;
  ev_break(loop, EVBREAK_ALL);
  ev_break(loop, EVBREAK_CANCEL);
}

static void a_cancelled_break_does_not_end_the_run(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_timer first, second;
  ev_timer_init(&first, break_then_cancel, 0., 0.);
  ev_timer_start(loop, &first);
  ev_timer_init(&second, note_timer, 0.01, 0.);
  second.data = "second";
  ev_timer_start(loop, &second);
  ev_run(loop, 0);
  assert_trace("second:timer");
  ev_loop_destroy(loop);
}

static void a_break_before_the_run_has_no_effect(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_timer timer;
  ev_timer_init(&timer, note_timer, 0.001, 0.);
  timer.data = "timer";
  ev_timer_start(loop, &timer);
  ev_break(loop, EVBREAK_ALL);
  ev_run(loop, 0);
  assert_trace("timer:timer");
  ev_loop_destroy(loop);
}

static void break_in_prepare(EV_P_ ev_prepare* w, int revents) {
  (void)w;
  (void)revents;
  note("prepare");
  ev_break(loop, EVBREAK_ONE);
}

static void a_break_in_a_prepare_callback_skips_the_wait(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_prepare prepare;
  ev_check check;
  ev_timer timer;
  ev_prepare_init(&prepare, break_in_prepare);
  ev_prepare_start(loop, &prepare);
  ev_check_init(&check, note_check);
  check.data = "check";
  ev_check_start(loop, &check);
  ev_timer_init(&timer, note_timer, 0., 0.);
  timer.data = "timer";
  ev_timer_start(loop, &timer);
  ev_run(loop, 0);
  assert_trace("prepare");
  assert_int_equal(ev_iteration(loop), 0);
  ev_loop_destroy(loop);
}

static void the_names_of_libev_3_work(void** state) {
  (void)state;
  struct ev_loop* loop = ev_default_loop(0);
  ev_timer timer;
  int how = EVUNLOOP_ONE;
  assert_int_equal(EVUNLOOP_ALL, EVBREAK_ALL);
  assert_int_equal(EVUNLOOP_CANCEL, EVBREAK_CANCEL);
  assert_int_equal(EVLOOP_NONBLOCK, EVRUN_NOWAIT);
  assert_int_equal(EVLOOP_ONESHOT, EVRUN_ONCE);
  assert_int_equal(EV_TIMEOUT, EV_TIMER);
  ev_timer_init(&timer, break_it, 0., 1.);
  timer.data = &how;
  ev_timer_start(loop, &timer);
  ev_loop(loop, 0);
  assert_trace("break");
  ev_unloop(loop, EVUNLOOP_ONE);
  ev_loop_verify(loop);
  ev_default_fork();
  ev_loop(loop, EVLOOP_NONBLOCK);
  ev_default_destroy();
  assert_null(EV_DEFAULT_UC);
}

/* --- references
 * -------------------------------------------------------------------------------------- */

static void an_unreferenced_watcher_does_not_hold_the_loop(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_timer timer;
  ev_timer_init(&timer, note_timer, 1000., 1000.);
  ev_timer_start(loop, &timer);
  ev_unref(loop);
  assert_int_equal(ev_run(loop, 0), 0);
  ev_ref(loop);
  ev_timer_stop(loop, &timer);
  assert_int_equal(ev_run(loop, EVRUN_NOWAIT), 0);
  ev_loop_destroy(loop);
}

static void a_reference_holds_the_loop_without_a_watcher(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_ref(loop);
  assert_int_equal(ev_run(loop, EVRUN_NOWAIT), 1);
  ev_ref(loop);
  assert_int_equal(ev_run(loop, EVRUN_NOWAIT), 2);
  ev_unref(loop);
  ev_unref(loop);
  assert_int_equal(ev_run(loop, 0), 0);
  ev_loop_destroy(loop);
}

/* --- time
 * ---------------------------------------------------------------------------------------------- */

static void now_stands_still_inside_a_callback(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  double before = ev_now(loop);
  assert_true(before <= ev_time() + 1e-3);
  ev_sleep(0.01);
  assert_true(ev_now(loop) == before);
  ev_now_update(loop);
  assert_true(ev_now(loop) >= before + 0.009);
  assert_true(ev_now(loop) <= ev_time() + 1e-3);
  ev_loop_destroy(loop);
}

static void a_suspended_loop_s_timers_stand_still(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_timer timer;
  ev_now_update(loop);
  ev_timer_init(&timer, note_timer, 10., 0.);
  ev_timer_start(loop, &timer);
  ev_suspend(loop);
  double before = ev_timer_remaining(loop, &timer);
  ev_sleep(0.05);
  ev_resume(loop);
  double after = ev_timer_remaining(loop, &timer);
  assert_true(fabs(after - before) < 1e-6);
  ev_sleep(0.02);
  ev_now_update(loop);
  assert_true(ev_timer_remaining(loop, &timer) <= after - 0.019);
  ev_loop_destroy(loop);
}

static void a_timeout_collect_interval_delays_timers(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_timer timer;
  ev_set_timeout_collect_interval(loop, 0.05);
  ev_timer_init(&timer, note_timer, 0.001, 0.);
  timer.data = "timer";
  ev_timer_start(loop, &timer);
  double start = seconds_now();
  ev_run(loop, 0);
  assert_true(seconds_now() - start >= 0.049);
  assert_trace("timer:timer");
  ev_loop_destroy(loop);
}

static void an_io_collect_interval_delays_io(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  struct pipe_ends ends = make_pipe();
  ev_io io;
  ev_io_init(&io, note_io, ends.reader, EV_READ);
  io.data = "io";
  ev_io_start(loop, &io);
  put_byte(ends.writer);
  double start = seconds_now();
  ev_now_update(loop);
  ev_set_io_collect_interval(loop, 0.05);
  ev_run(loop, EVRUN_ONCE);
  assert_true(seconds_now() - start >= 0.045);
  assert_trace("io:read");
  ev_set_io_collect_interval(loop, 0.);
  ev_loop_destroy(loop);
}

static void an_io_collect_interval_does_not_delay_timers(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_timer timer;
  ev_set_io_collect_interval(loop, 100.);
  double start = seconds_now();
  ev_now_update(loop);
  ev_timer_init(&timer, note_timer, 0.02, 0.);
  timer.data = "timer";
  ev_timer_start(loop, &timer);
  ev_run(loop, 0);
  double took = seconds_now() - start;
  assert_true(took >= 0.0199 && took < 10.);
  assert_trace("timer:timer");
  ev_loop_destroy(loop);
}

/* --- hooks
 * -----------------------------------------------------------------------------------------------
 */

static void userdata_is_kept(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  int mine;
  assert_null(ev_userdata(loop));
  ev_set_userdata(loop, &mine);
  assert_ptr_equal(ev_userdata(loop), &mine);
  ev_set_userdata(loop, NULL);
  assert_null(ev_userdata(loop));
  ev_loop_destroy(loop);
}

static void note_pending_count(EV_P) {
  note("pending%u", ev_pending_count(loop));
  ev_invoke_pending(loop);
}

static void an_invoke_pending_callback_replaces_the_invoking(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_timer first, second;
  ev_prepare prepare;
  ev_set_invoke_pending_cb(loop, note_pending_count);
  ev_timer_init(&first, note_timer, 0., 0.);
  first.data = "first";
  ev_timer_init(&second, note_timer, 0.000001, 0.);
  second.data = "second";
  ev_timer_start(loop, &first);
  ev_timer_start(loop, &second);
  ev_prepare_init(&prepare, note_prepare);
  prepare.data = "prepare";
  ev_prepare_start(loop, &prepare);
  ev_sleep(0.001);
  ev_run(loop, EVRUN_NOWAIT);
  /* on entry, for the prepare watchers, and for what the wait brought */
  assert_trace("pending0 pending1 prepare:prepare pending2 first:timer second:timer");
  ev_loop_destroy(loop);
}

static void do_not_invoke(EV_P) {
  note("pending%u", ev_pending_count(loop));
}

static void pending_watchers_wait_until_somebody_invokes_them(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_timer timer;
  ev_set_invoke_pending_cb(loop, do_not_invoke);
  ev_timer_init(&timer, note_timer, 0., 0.);
  timer.data = "timer";
  ev_timer_start(loop, &timer);
  ev_sleep(0.001);
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("pending0 pending1");
  assert_int_equal(ev_pending_count(loop), 1);
  ev_invoke_pending(loop);
  assert_trace("timer:timer");
  assert_int_equal(ev_pending_count(loop), 0);
  ev_loop_destroy(loop);
}

static void note_release(EV_P) EV_NOEXCEPT {
  (void)loop;
  note("release");
}
static void note_acquire(EV_P) EV_NOEXCEPT {
  (void)loop;
  note("acquire");
}

static void the_loop_is_released_around_the_wait_alone(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_prepare prepare;
  ev_check check;
  ev_prepare_init(&prepare, note_prepare);
  prepare.data = "prepare";
  ev_prepare_start(loop, &prepare);
  ev_check_init(&check, note_check);
  check.data = "check";
  ev_check_start(loop, &check);
  ev_set_loop_release_cb(loop, note_release, note_acquire);
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("prepare:prepare release acquire check:check");
  ev_set_loop_release_cb(loop, NULL, NULL);
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("prepare:prepare check:check");
  ev_loop_destroy(loop);
}

static void verifying_a_sound_loop_says_nothing(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  struct pipe_ends ends = make_pipe();
  ev_io io;
  ev_timer timers[50];
  ev_idle idle;
  ev_verify(loop);
  ev_io_init(&io, note_io, ends.reader, EV_READ);
  ev_io_start(loop, &io);
  ev_idle_init(&idle, note_idle);
  ev_idle_start(loop, &idle);
  for (int i = 0; i < 50; ++i) {
    ev_timer_init(&timers[i], note_timer, (i * 37) % 50, 0.);
    ev_timer_start(loop, &timers[i]);
  }
  ev_verify(loop);
  for (int i = 0; i < 50; i += 3) {
    ev_timer_stop(loop, &timers[i]);
  }
  ev_verify(loop);
  ev_loop_destroy(loop);
}

static void damage_a_timer(void) {
  struct ev_loop* loop = ev_loop_new(0);
  ev_timer timer;
  ev_timer_init(&timer, note_timer, 1., 0.);
  ev_timer_start(loop, &timer);
  timer.active = 77;
  ev_verify(loop);
}

static void damage_a_priority(void) {
  struct ev_loop* loop = ev_loop_new(0);
  ev_timer timer;
  ev_timer_init(&timer, note_timer, 1., 0.);
  ev_timer_start(loop, &timer);
  timer.priority = 1000;
  ev_verify(loop);
}

static void verifying_a_damaged_loop_aborts(void** state) {
  (void)state;
  assert_true(ends_in_abort(damage_a_timer));
  assert_true(ends_in_abort(damage_a_priority));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_version_is_the_one_the_header_announces),
    cmocka_unit_test(select_poll_and_epoll_are_supported_and_recommended),
    cmocka_unit_test(epoll_is_embeddable_and_poll_and_select_are_not),
    cmocka_unit_test(ev_time_is_the_wall_clock),
    cmocka_unit_test(ev_sleep_sleeps_no_less_than_asked),
    cmocka_unit_test(ev_sleep_of_nothing_or_less_returns_at_once),
    cmocka_unit_test(a_program_s_allocator_gets_every_block_back),
    cmocka_unit_test(a_failing_wait_is_reported_to_the_syserr_callback),
    cmocka_unit_test(a_failing_wait_without_a_syserr_callback_aborts),
    cmocka_unit_test(the_default_loop_is_made_once),
    cmocka_unit_test(a_dynamic_loop_is_not_the_default_loop),
    cmocka_unit_test(a_destroyed_default_loop_can_be_made_again),
    cmocka_unit_test(destroying_no_loop_is_allowed),
    cmocka_unit_test(a_fresh_default_loop_runs_out_at_once),
    cmocka_unit_test(a_loop_gives_its_descriptors_back),
    cmocka_unit_test(a_loop_with_active_watchers_can_be_destroyed),
    cmocka_unit_test(every_supported_backend_makes_a_loop_of_its_kind),
    cmocka_unit_test(a_backend_of_another_system_makes_no_loop),
    cmocka_unit_test(the_best_of_several_backends_is_taken),
    cmocka_unit_test(a_loop_that_may_use_io_uring_says_what_it_uses),
    cmocka_unit_test(the_environment_overrides_the_backend),
    cmocka_unit_test(an_environment_that_names_no_backend_means_automatic),
    cmocka_unit_test(an_environment_that_names_an_absent_backend_makes_no_loop),
    cmocka_unit_test(noenv_ignores_the_environment),
    cmocka_unit_test(the_flags_of_a_later_default_loop_call_are_ignored),
    cmocka_unit_test(a_run_ends_when_nothing_is_active),
    cmocka_unit_test(a_run_tells_whether_watchers_are_left),
    cmocka_unit_test(nowait_does_not_block),
    cmocka_unit_test(once_blocks_for_one_round_of_events),
    cmocka_unit_test(iterations_are_counted),
    cmocka_unit_test(depth_counts_nested_runs),
    cmocka_unit_test(break_one_leaves_the_innermost_run),
    cmocka_unit_test(break_all_leaves_every_run),
    cmocka_unit_test(break_cancel_takes_a_break_back),
    cmocka_unit_test(a_cancelled_break_does_not_end_the_run),
    cmocka_unit_test(a_break_before_the_run_has_no_effect),
    cmocka_unit_test(a_break_in_a_prepare_callback_skips_the_wait),
    cmocka_unit_test(the_names_of_libev_3_work),
    cmocka_unit_test(an_unreferenced_watcher_does_not_hold_the_loop),
    cmocka_unit_test(a_reference_holds_the_loop_without_a_watcher),
    cmocka_unit_test(now_stands_still_inside_a_callback),
    cmocka_unit_test(a_suspended_loop_s_timers_stand_still),
    cmocka_unit_test(a_timeout_collect_interval_delays_timers),
    cmocka_unit_test(an_io_collect_interval_delays_io),
    cmocka_unit_test(an_io_collect_interval_does_not_delay_timers),
    cmocka_unit_test(userdata_is_kept),
    cmocka_unit_test(an_invoke_pending_callback_replaces_the_invoking),
    cmocka_unit_test(pending_watchers_wait_until_somebody_invokes_them),
    cmocka_unit_test(the_loop_is_released_around_the_wait_alone),
    cmocka_unit_test(verifying_a_sound_loop_says_nothing),
    cmocka_unit_test(verifying_a_damaged_loop_aborts),
};
const struct harness_group loop_group = {"loop", tests, sizeof tests / sizeof tests[0]};
