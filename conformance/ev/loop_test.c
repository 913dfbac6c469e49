/*
 * Loops as such: making and destroying them, flags and backends, the allocator, and what happens
 * when the kernel refuses. Watchers occur only as the means to see what a loop does.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
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

static void a_default_loop_made_again_begins_anew_here(void** state) {
  (void)state;
  struct ev_loop* loop = ev_default_loop(EVFLAG_AUTO);
  ev_run(loop, EVRUN_NOWAIT);
  ev_run(loop, EVRUN_NOWAIT);
  assert_int_equal(ev_iteration(loop), 2);
  ev_loop_destroy(loop);
  loop = ev_default_loop(EVFLAG_AUTO);
  assert_int_equal(ev_iteration(loop), on_pollshim() ? 0 : 2);
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
    cmocka_unit_test(a_default_loop_made_again_begins_anew_here),
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
};
const struct harness_group loop_group = {"loop", tests, sizeof tests / sizeof tests[0]};
