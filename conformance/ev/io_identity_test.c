/*
 * ev_io: descriptors that go away or come back as other files under the same number, and what the
 * kernel still knows of them.
 */
#include <fcntl.h>
#include <unistd.h>

#include "conformance/ev/groups.h"

/* A loop that has looked at one watched pipe. */
struct watched {
  struct ev_loop* loop;
  struct pipe_ends ends;
  ev_io io;
};
static void watch_a_pipe(struct watched* watched) {
  watched->loop = make_loop();
  watched->ends = make_pipe();
  start_io(watched->loop, &watched->io, "io", watched->ends.reader, EV_READ);
  ev_run(watched->loop, EVRUN_NOWAIT);
}
static void set_and_start(struct watched* watched, int fd) {
  ev_io_set(&watched->io, fd, EV_READ);
  ev_io_start(watched->loop, &watched->io);
}
/* What is written to the other end now is heard, and that is all. */
static void assert_hears(EV_P_ int writer) {
  assert_trace("");
  put_byte(writer);
  ev_run(EV_A_ EVRUN_ONCE);
  assert_trace("io:read");
  ev_loop_destroy(EV_A);
}
/* The open file lives on, as it would in a forked child, and is readable. */
static int close_but_keep(struct watched* watched) {
  const int kept = dup(watched->ends.reader);
  ev_io_stop(watched->loop, &watched->io);
  close(watched->ends.reader);
  put_byte(watched->ends.writer);
  return kept;
}
static void assert_does_not_spin(EV_P) {
  const unsigned int before = ev_iteration(EV_A);
  assert_false(run_for(EV_A_ 0.1));
  assert_true(ev_iteration(EV_A) - before < 20);
}

/* Nobody says that the number has another file now; the kernel does, once the interest changes. */
static void a_change_of_interest_finds_the_file_that_the_number_has_now(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  struct pipe_ends old = make_socket_pair(), fresh = make_socket_pair();
  ev_io reads, writes;
  start_io(loop, &reads, "reads", old.reader, EV_READ);
  start_io(loop, &writes, "writes", old.reader, EV_WRITE);
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("writes:write");
  ev_io_stop(loop, &writes);
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("");
  dup2(fresh.reader, old.reader);
  ev_io_start(loop, &writes);
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("writes:write");
  put_byte(fresh.writer);
  ev_io_stop(loop, &writes);
  ev_run(loop, EVRUN_ONCE);
  assert_trace("reads:read");
  ev_loop_destroy(loop);
}

static void a_reused_number_is_watched_anew_after_set(void** state) {
  (void)state;
  struct watched old;
  watch_a_pipe(&old);
  struct pipe_ends fresh = make_pipe();
  ev_io_stop(old.loop, &old.io);
  dup2(fresh.reader, old.ends.reader);
  set_and_start(&old, old.ends.reader);
  ev_run(old.loop, EVRUN_NOWAIT);
  assert_hears(old.loop, fresh.writer);
}

static void closing_without_a_stop_and_setting_the_same_number_again_works(void** state) {
  (void)state;
  struct watched old;
  watch_a_pipe(&old);
  close(old.ends.reader);
  struct pipe_ends fresh = make_pipe();
  assert_int_equal(fresh.reader, old.ends.reader);
  ev_io_stop(old.loop, &old.io);
  set_and_start(&old, fresh.reader);
  assert_hears(old.loop, fresh.writer);
}

static void a_descriptor_that_a_child_keeps_open_does_not_spin_the_loop(void** state) {
  (void)state;
  struct watched old;
  watch_a_pipe(&old);
  const int kept = close_but_keep(&old);
  struct pipe_ends fresh = make_pipe();
  assert_int_equal(fresh.reader, old.ends.reader);
  set_and_start(&old, fresh.reader);
  assert_does_not_spin(old.loop);
  assert_hears(old.loop, fresh.writer);
  close(kept);
}

static void a_closed_and_forgotten_descriptor_kept_by_a_dup_does_not_spin_either(void** state) {
  (void)state;
  struct watched old;
  watch_a_pipe(&old);
  const int kept = close_but_keep(&old);
  ev_timer timer;
  ev_timer_init(&timer, note_timer, 0.1, 0.);
  timer.data = "timer";
  ev_timer_start(old.loop, &timer);
  const unsigned int before = ev_iteration(old.loop);
  ev_run(old.loop, 0);
  assert_trace("timer:timer");
  assert_true(ev_iteration(old.loop) - before < 20);
  close(kept);
  ev_loop_destroy(old.loop);
}

static void a_stop_and_start_without_set_keeps_the_registration(void** state) {
  (void)state;
  struct watched same;
  watch_a_pipe(&same);
  for (int round = 0; round < 3; ++round) {
    ev_io_stop(same.loop, &same.io);
    ev_io_start(same.loop, &same.io);
    ev_run(same.loop, EVRUN_NOWAIT);
  }
  assert_hears(same.loop, same.ends.writer);
}

static void a_stop_and_a_start_a_turn_later_is_heard(void** state) {
  (void)state;
  struct watched same;
  watch_a_pipe(&same);
  ev_io_stop(same.loop, &same.io);
  put_byte(same.ends.writer);
  ev_run(same.loop, EVRUN_NOWAIT);
  ev_run(same.loop, EVRUN_NOWAIT);
  assert_trace("");
  ev_io_start(same.loop, &same.io);
  ev_run(same.loop, EVRUN_ONCE);
  assert_trace("io:read");
  ev_loop_destroy(same.loop);
}

/* Watches a pipe, stops, lets a turn go by, and opens another pipe under the same numbers; the
 * watcher is started again as it is. */
static struct pipe_ends restart_on_another_file(EV_P_ ev_io* io) {
  struct pipe_ends old = make_pipe();
  start_io(EV_A_ io, "io", old.reader, EV_READ);
  ev_run(EV_A_ EVRUN_NOWAIT);
  ev_io_stop(EV_A_ io);
  ev_run(EV_A_ EVRUN_NOWAIT);
  close(old.reader);
  close(old.writer);
  struct pipe_ends fresh = make_pipe();
  assert_int_equal(fresh.reader, old.reader);
  ev_io_start(EV_A_ io);
  return fresh;
}

static void a_restart_without_set_on_a_number_that_came_back_is_heard(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_io io;
  struct pipe_ends fresh = restart_on_another_file(loop, &io);
  ev_run(loop, EVRUN_NOWAIT);
  assert_hears(loop, fresh.writer);
}

static void a_restart_without_set_after_data_came_is_heard(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_io io;
  struct pipe_ends fresh = restart_on_another_file(loop, &io);
  put_byte(fresh.writer);
  ev_run(loop, EVRUN_ONCE);
  assert_trace("io:read");
  take_byte(fresh.reader);
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("");
  ev_loop_destroy(loop);
}

/* The number goes to another file and comes back to its first one, both open all the time. libev
 * knows the registration of neither from that of the other, and tells of the file in between. */
static void a_number_that_came_back_is_told_of_its_own_file(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  struct pipe_ends first = make_pipe(), second = make_pipe();
  const int number = dup(first.reader);
  const int names[] = {first.reader, second.reader, first.reader};
  ev_io io;
  for (int i = 0; i < 3; ++i) {
    if (i != 0) ev_io_stop(loop, &io);
    ev_run(loop, EVRUN_NOWAIT);
    assert_int_equal(dup2(names[i], number), number);
    start_io(loop, &io, "io", number, EV_READ);
    ev_run(loop, EVRUN_NOWAIT);
  }
  assert_trace("");
  put_byte(second.writer);
  for (int turn = 0; turn < 3; ++turn) {
    ev_run(loop, EVRUN_NOWAIT);
    if (on_pollshim()) assert_trace("");
  }
  take_byte(second.reader);
  clear_trace();
  put_byte(first.writer);
  ev_run(loop, EVRUN_NOWAIT); /* may be needed to sort it out */
  clear_trace();
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("io:read");
  ev_loop_destroy(loop);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_change_of_interest_finds_the_file_that_the_number_has_now),
    cmocka_unit_test(a_reused_number_is_watched_anew_after_set),
    cmocka_unit_test(closing_without_a_stop_and_setting_the_same_number_again_works),
    cmocka_unit_test(a_descriptor_that_a_child_keeps_open_does_not_spin_the_loop),
    cmocka_unit_test(a_closed_and_forgotten_descriptor_kept_by_a_dup_does_not_spin_either),
    cmocka_unit_test(a_stop_and_start_without_set_keeps_the_registration),
    cmocka_unit_test(a_stop_and_a_start_a_turn_later_is_heard),
    cmocka_unit_test(a_restart_without_set_on_a_number_that_came_back_is_heard),
    cmocka_unit_test(a_restart_without_set_after_data_came_is_heard),
    cmocka_unit_test(a_number_that_came_back_is_told_of_its_own_file),
};
const struct harness_group io_identity_group = {"io_identity", tests,
                                                sizeof tests / sizeof tests[0]};
