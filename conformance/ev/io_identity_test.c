/*
 * ev_io: descriptors that go away or come back as other files under the same number, and what the
 * kernel still knows of them.
 */
#include <fcntl.h>
#include <unistd.h>

#include "conformance/ev/groups.h"

static void a_reused_number_is_watched_anew_after_set(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  struct pipe_ends old = make_pipe();
  ev_io io;
  start_io(loop, &io, "io", old.reader, EV_READ);
  ev_run(loop, EVRUN_NOWAIT);
  struct pipe_ends fresh = make_pipe();
  ev_io_stop(loop, &io);
  dup2(fresh.reader, old.reader);
  ev_io_set(&io, old.reader, EV_READ);
  ev_io_start(loop, &io);
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("");
  put_byte(fresh.writer);
  ev_run(loop, EVRUN_ONCE);
  assert_trace("io:read");
  ev_loop_destroy(loop);
}

static void closing_without_a_stop_and_setting_the_same_number_again_works(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  struct pipe_ends old = make_pipe();
  ev_io io;
  start_io(loop, &io, "io", old.reader, EV_READ);
  ev_run(loop, EVRUN_NOWAIT);
  close(old.reader);
  struct pipe_ends fresh = make_pipe();
  assert_int_equal(fresh.reader, old.reader);
  ev_io_stop(loop, &io);
  ev_io_set(&io, fresh.reader, EV_READ);
  ev_io_start(loop, &io);
  put_byte(fresh.writer);
  ev_run(loop, EVRUN_ONCE);
  assert_trace("io:read");
  ev_loop_destroy(loop);
}

static void a_descriptor_that_a_child_keeps_open_does_not_spin_the_loop(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  struct pipe_ends old = make_pipe();
  ev_io io;
  start_io(loop, &io, "io", old.reader, EV_READ);
  ev_run(loop, EVRUN_NOWAIT);
  int keep = dup(old.reader); /* the open file lives on, as it would in a forked child */
  ev_io_stop(loop, &io);
  close(old.reader);
  put_byte(old.writer);

  struct pipe_ends fresh = make_pipe();
  assert_int_equal(fresh.reader, old.reader);
  ev_io_set(&io, fresh.reader, EV_READ);
  ev_io_start(loop, &io);
  unsigned int before = ev_iteration(loop);
  assert_false(run_for(loop, 0.1));
  assert_true(ev_iteration(loop) - before < 20);
  assert_trace("");
  put_byte(fresh.writer);
  ev_run(loop, EVRUN_ONCE);
  assert_trace("io:read");
  close(keep);
  ev_loop_destroy(loop);
}

static void a_closed_and_forgotten_descriptor_kept_by_a_dup_does_not_spin_either(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  struct pipe_ends old = make_pipe();
  ev_io io;
  ev_timer timer;
  start_io(loop, &io, "io", old.reader, EV_READ);
  ev_run(loop, EVRUN_NOWAIT);
  int keep = dup(old.reader);
  ev_io_stop(loop, &io);
  close(old.reader);
  put_byte(old.writer);
  ev_timer_init(&timer, note_timer, 0.1, 0.);
  timer.data = "timer";
  ev_timer_start(loop, &timer);
  unsigned int before = ev_iteration(loop);
  ev_run(loop, 0);
  assert_trace("timer:timer");
  assert_true(ev_iteration(loop) - before < 20);
  close(keep);
  ev_loop_destroy(loop);
}

static void a_stop_and_start_without_set_keeps_the_registration(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  struct pipe_ends ends = make_pipe();
  ev_io io;
  start_io(loop, &io, "io", ends.reader, EV_READ);
  ev_run(loop, EVRUN_NOWAIT);
  for (int round = 0; round < 3; ++round) {
    ev_io_stop(loop, &io);
    ev_io_start(loop, &io);
    ev_run(loop, EVRUN_NOWAIT);
  }
  put_byte(ends.writer);
  ev_run(loop, EVRUN_ONCE);
  assert_trace("io:read");
  ev_loop_destroy(loop);
}

static void a_stop_and_a_start_a_turn_later_is_heard(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  struct pipe_ends ends = make_pipe();
  ev_io io;
  start_io(loop, &io, "io", ends.reader, EV_READ);
  ev_run(loop, EVRUN_NOWAIT);
  ev_io_stop(loop, &io);
  put_byte(ends.writer);
  ev_run(loop, EVRUN_NOWAIT);
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("");
  ev_io_start(loop, &io);
  ev_run(loop, EVRUN_ONCE);
  assert_trace("io:read");
  ev_loop_destroy(loop);
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
  assert_trace("");
  put_byte(fresh.writer);
  ev_run(loop, EVRUN_ONCE);
  assert_trace("io:read");
  ev_loop_destroy(loop);
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
