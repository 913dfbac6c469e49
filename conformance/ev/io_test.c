/*
 * ev_io: readiness of descriptors, several watchers on one, changes of interest. Numbers that
 * become other files are in io_identity_test.c.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conformance/ev/groups.h"

static void a_readable_descriptor_is_reported(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  struct pipe_ends ends = make_pipe();
  ev_io io;
  start_io(loop, &io, "io", ends.reader, EV_READ);
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("");
  put_byte(ends.writer);
  ev_run(loop, EVRUN_ONCE);
  assert_trace("io:read");
  ev_loop_destroy(loop);
}

static void a_writable_descriptor_is_reported(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  struct pipe_ends ends = make_pipe();
  ev_io io;
  fill(ends.writer);
  start_io(loop, &io, "io", ends.writer, EV_WRITE);
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("");
  char block[65536];
  while (read(ends.reader, block, sizeof block) > 0) {
  }
  ev_run(loop, EVRUN_ONCE);
  assert_trace("io:write");
  ev_loop_destroy(loop);
}

static void both_directions_come_in_one_call(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  struct pipe_ends pair = make_socket_pair();
  ev_io io;
  put_byte(pair.writer);
  start_io(loop, &io, "io", pair.reader, EV_READ | EV_WRITE);
  ev_run(loop, EVRUN_ONCE);
  assert_trace("io:read+write");
  ev_loop_destroy(loop);
}

static void readiness_is_reported_for_as_long_as_it_lasts(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  struct pipe_ends ends = make_pipe();
  ev_io io;
  put_byte(ends.writer);
  start_io(loop, &io, "io", ends.reader, EV_READ);
  ev_run(loop, EVRUN_ONCE);
  ev_run(loop, EVRUN_ONCE);
  ev_run(loop, EVRUN_ONCE);
  assert_trace("io:read io:read io:read");
  take_byte(ends.reader);
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("");
  ev_loop_destroy(loop);
}

static void a_partial_read_leaves_the_rest_reported(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  struct pipe_ends ends = make_pipe();
  ev_io io;
  put_byte(ends.writer);
  put_byte(ends.writer);
  start_io(loop, &io, "io", ends.reader, EV_READ);
  ev_run(loop, EVRUN_ONCE);
  take_byte(ends.reader);
  ev_run(loop, EVRUN_ONCE);
  assert_trace("io:read io:read");
  ev_loop_destroy(loop);
}

static void a_watcher_is_told_only_what_it_asked_for(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  struct pipe_ends pair = make_socket_pair();
  ev_io reader, writer;
  start_io(loop, &reader, "reader", pair.reader, EV_READ);
  start_io(loop, &writer, "writer", pair.reader, EV_WRITE);
  ev_run(loop, EVRUN_ONCE);
  assert_trace("writer:write");
  put_byte(pair.writer);
  ev_run(loop, EVRUN_ONCE);
  assert_trace("reader:read writer:write");
  ev_io_stop(loop, &writer);
  ev_run(loop, EVRUN_ONCE);
  assert_trace("reader:read");
  ev_loop_destroy(loop);
}

static void watchers_of_one_descriptor_run_in_the_order_of_their_start(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  struct pipe_ends ends = make_pipe();
  ev_io a, b, c;
  start_io(loop, &a, "a", ends.reader, EV_READ);
  start_io(loop, &b, "b", ends.reader, EV_READ);
  start_io(loop, &c, "c", ends.reader, EV_READ);
  put_byte(ends.writer);
  ev_run(loop, EVRUN_ONCE);
  assert_trace("a:read b:read c:read");
  ev_io_stop(loop, &a);
  ev_io_start(loop, &a);
  ev_run(loop, EVRUN_ONCE);
  assert_trace("b:read c:read a:read");
  ev_loop_destroy(loop);
}

static void the_end_of_the_other_side_is_readable(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  struct pipe_ends ends = make_pipe();
  ev_io io;
  start_io(loop, &io, "io", ends.reader, EV_READ);
  close(ends.writer);
  ev_run(loop, EVRUN_ONCE);
  assert_trace("io:read");
  ev_loop_destroy(loop);
}

static void a_hangup_is_reported_in_every_direction_asked_for(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  struct pipe_ends pair = make_socket_pair();
  ev_io io;
  start_io(loop, &io, "io", pair.reader, EV_READ | EV_WRITE);
  close(pair.writer);
  ev_run(loop, EVRUN_ONCE);
  assert_trace("io:read+write");
  ev_loop_destroy(loop);
}

static void a_broken_pipe_is_writable(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  struct pipe_ends ends = make_pipe();
  ev_io io;
  fill(ends.writer);
  start_io(loop, &io, "io", ends.writer, EV_WRITE);
  close(ends.reader);
  ev_run(loop, EVRUN_ONCE);
  assert_trace("io:write");
  ev_loop_destroy(loop);
}

static void a_regular_file_is_always_ready(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  char path[] = "/tmp/ev-io-XXXXXX";
  int fd = mkstemp(path);
  unlink(path);
  ev_io io;
  start_io(loop, &io, "io", fd, EV_READ | EV_WRITE);
  ev_run(loop, EVRUN_ONCE);
  ev_run(loop, EVRUN_ONCE);
  assert_trace("io:read+write io:read+write");
  ev_io_stop(loop, &io);
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("");
  ev_io_set(&io, fd, EV_READ);
  ev_io_start(loop, &io);
  ev_run(loop, EVRUN_ONCE);
  assert_trace("io:read");
  close(fd);
  ev_loop_destroy(loop);
}

static void a_regular_file_does_not_starve_the_others(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  struct pipe_ends ends = make_pipe();
  char path[] = "/tmp/ev-io-XXXXXX";
  int fd = mkstemp(path);
  unlink(path);
  ev_io file, pipe_io;
  start_io(loop, &file, "file", fd, EV_READ);
  start_io(loop, &pipe_io, "pipe", ends.reader, EV_READ);
  ev_run(loop, EVRUN_ONCE);
  assert_trace("file:read");
  put_byte(ends.writer);
  ev_run(loop, EVRUN_ONCE);
  assert_non_null(strstr(trace(), "pipe:read"));
  assert_non_null(strstr(trace(), "file:read"));
  clear_trace();
  close(fd);
  ev_loop_destroy(loop);
}

static void a_stopped_watcher_is_not_called(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  struct pipe_ends ends = make_pipe();
  ev_io io;
  put_byte(ends.writer);
  start_io(loop, &io, "io", ends.reader, EV_READ);
  assert_true(ev_is_active(&io));
  ev_io_stop(loop, &io);
  assert_false(ev_is_active(&io));
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("");
  assert_int_equal(ev_run(loop, EVRUN_NOWAIT), 0);
  ev_loop_destroy(loop);
}

static void starting_twice_counts_once(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  struct pipe_ends ends = make_pipe();
  ev_io io;
  put_byte(ends.writer);
  start_io(loop, &io, "io", ends.reader, EV_READ);
  ev_io_start(loop, &io);
  ev_io_start(loop, &io);
  assert_int_equal(ev_run(loop, EVRUN_ONCE), 1);
  assert_trace("io:read");
  ev_io_stop(loop, &io);
  ev_io_stop(loop, &io);
  assert_int_equal(ev_run(loop, EVRUN_NOWAIT), 0);
  ev_loop_destroy(loop);
}

static void set_marks_a_new_descriptor_and_start_takes_the_mark(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  struct pipe_ends ends = make_pipe();
  ev_io io;
  ev_io_init(&io, note_io, ends.reader, EV_READ);
  assert_int_equal(io.events, EV_READ | EV__IOFDSET);
  ev_io_start(loop, &io);
  assert_int_equal(io.events, EV_READ);
  ev_io_stop(loop, &io);
  assert_int_equal(io.events, EV_READ);
  ev_io_modify(&io, EV_WRITE);
  assert_int_equal(io.events, EV_WRITE);
  ev_io_set(&io, ends.reader, EV_READ);
  ev_io_modify(&io, EV_WRITE);
  assert_int_equal(io.events, EV_WRITE | EV__IOFDSET);
  assert_int_equal(io.fd, ends.reader);
  ev_loop_destroy(loop);
}

static void interest_can_be_modified_while_stopped(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  struct pipe_ends pair = make_socket_pair();
  ev_io io;
  put_byte(pair.writer);
  start_io(loop, &io, "io", pair.reader, EV_READ);
  ev_run(loop, EVRUN_ONCE);
  ev_io_stop(loop, &io);
  ev_io_modify(&io, EV_WRITE);
  ev_io_start(loop, &io);
  ev_run(loop, EVRUN_ONCE);
  ev_io_stop(loop, &io);
  ev_io_modify(&io, EV_READ | EV_WRITE);
  ev_io_start(loop, &io);
  ev_run(loop, EVRUN_ONCE);
  assert_trace("io:read io:write io:read+write");
  ev_loop_destroy(loop);
}

static void stop_itself(EV_P_ ev_io* w, int revents) {
  note_io(EV_A_ w, revents);
  ev_io_stop(EV_A_ w);
}

static void a_watcher_may_stop_itself(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  struct pipe_ends ends = make_pipe();
  ev_io io;
  put_byte(ends.writer);
  ev_io_init(&io, stop_itself, ends.reader, EV_READ);
  io.data = "io";
  ev_io_start(loop, &io);
  assert_int_equal(ev_run(loop, 0), 0);
  assert_trace("io:read");
  ev_loop_destroy(loop);
}

static void free_itself(EV_P_ ev_io* w, int revents) {
  note_io(EV_A_ w, revents);
  ev_io_stop(EV_A_ w);
  close(w->fd);
  memset(w, 0x5a, sizeof *w);
  free(w);
}

static void a_watcher_may_free_itself_and_close_its_descriptor(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  for (int round = 0; round < 5; ++round) {
    struct pipe_ends ends = make_pipe();
    ev_io* io = malloc(sizeof *io);
    put_byte(ends.writer);
    ev_io_init(io, free_itself, ends.reader, EV_READ);
    io->data = "io";
    ev_io_start(loop, io);
    ev_run(loop, 0);
    close(ends.writer);
  }
  assert_trace("io:read io:read io:read io:read io:read");
  ev_loop_destroy(loop);
}

static ev_io* victim;
static void stop_the_other(EV_P_ ev_io* w, int revents) {
  note_io(EV_A_ w, revents);
  if (victim != NULL) {
    ev_io_stop(EV_A_ victim);
    victim = NULL;
  }
}

static void a_callback_may_stop_a_watcher_that_is_pending_too(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  struct pipe_ends first = make_pipe();
  struct pipe_ends second = make_pipe();
  ev_io a, b;
  put_byte(first.writer);
  put_byte(second.writer);
  ev_io_init(&a, stop_the_other, first.reader, EV_READ);
  a.data = "a";
  ev_io_init(&b, stop_the_other, second.reader, EV_READ);
  b.data = "b";
  ev_set_priority(&a, 1); /* so that a is first whatever the kernel's order */
  ev_io_start(loop, &a);
  ev_io_start(loop, &b);
  victim = &b;
  ev_run(loop, EVRUN_ONCE);
  assert_trace("a:read");
  assert_false(ev_is_pending(&b));
  ev_loop_destroy(loop);
}

static void a_watcher_added_while_its_descriptor_is_watched_is_heard_too(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  struct pipe_ends pair = make_socket_pair();
  ev_io reader, writer;
  start_io(loop, &reader, "reader", pair.reader, EV_READ);
  ev_run(loop, EVRUN_NOWAIT);
  start_io(loop, &writer, "writer", pair.reader, EV_WRITE);
  ev_run(loop, EVRUN_ONCE);
  assert_trace("writer:write");
  ev_loop_destroy(loop);
}

/* Their sum stays the same each time, so that the kernel has nothing to hear. */
static void whoever_is_left_on_a_descriptor_is_called(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  struct pipe_ends ends = make_pipe();
  ev_io* watchers[3];
  static const char* const names[] = {"first", "second", "third"};
  put_byte(ends.writer);
  for (int i = 0; i < 3; i++) {
    watchers[i] = malloc(sizeof *watchers[i]);
    start_io(loop, watchers[i], names[i], ends.reader, EV_READ);
    ev_run(loop, EVRUN_ONCE);
  }
  assert_trace("first:read first:read second:read first:read second:read third:read");
  ev_io_stop(loop, watchers[2]);
  free(watchers[2]);
  ev_run(loop, EVRUN_ONCE);
  assert_trace("first:read second:read");
  ev_io_stop(loop, watchers[0]);
  free(watchers[0]);
  ev_run(loop, EVRUN_ONCE);
  assert_trace("second:read");
  ev_io_stop(loop, watchers[1]);
  ev_io_start(loop, watchers[1]);
  ev_run(loop, EVRUN_ONCE);
  assert_trace("second:read");
  ev_io_stop(loop, watchers[1]);
  free(watchers[1]);
  ev_loop_destroy(loop);
}

static ev_io* left_during_the_wait;

static void stop_and_free(EV_P) EV_NOEXCEPT {
  if (left_during_the_wait == NULL) return;
  ev_io_stop(EV_A_ left_during_the_wait);
  free(left_during_the_wait);
  left_during_the_wait = NULL;
}
static void do_nothing(EV_P) EV_NOEXCEPT {
  (void)EV_A;
}

static void a_watcher_that_leaves_during_the_wait_may_be_freed(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  struct pipe_ends quits = make_pipe();
  struct pipe_ends stays = make_pipe();
  ev_io staying;
  put_byte(quits.writer);
  put_byte(stays.writer);
  left_during_the_wait = malloc(sizeof *left_during_the_wait);
  start_io(loop, left_during_the_wait, "quits", quits.reader, EV_READ);
  start_io(loop, &staying, "stays", stays.reader, EV_READ);
  ev_set_loop_release_cb(loop, stop_and_free, do_nothing);
  ev_run(loop, EVRUN_ONCE);
  assert_trace("stays:read");
  ev_run(loop, EVRUN_ONCE);
  assert_trace("stays:read");
  ev_loop_destroy(loop);
}

static void many_descriptors_are_watched_at_once(void** state) {
  (void)state;
  enum { kMany = 150 };
  struct ev_loop* loop = make_loop();
  static struct pipe_ends ends[kMany];
  static ev_io ios[kMany];
  for (int i = 0; i < kMany; ++i) {
    ends[i] = make_pipe();
    start_io(loop, &ios[i], "io", ends[i].reader, EV_READ);
    put_byte(ends[i].writer);
  }
  ev_run(loop, EVRUN_ONCE);
  ev_run(loop, EVRUN_ONCE);
  ev_run(loop, EVRUN_ONCE);
  int words = 1;
  for (const char* at = trace(); *at; ++at) {
    words += *at == ' ';
  }
  assert_true(words >= kMany); /* one wait may bring fewer than all */
  clear_trace();
  ev_loop_destroy(loop);
}

/* --- feeding
 * -------------------------------------------------------------------------------------------- */

static void a_fed_descriptor_event_reaches_the_watchers_that_want_it(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  struct pipe_ends ends = make_pipe();
  ev_io reader, writer;
  start_io(loop, &reader, "reader", ends.reader, EV_READ);
  start_io(loop, &writer, "writer", ends.reader, EV_WRITE);
  ev_feed_fd_event(loop, ends.reader, EV_READ);
  assert_true(ev_is_pending(&reader));
  assert_false(ev_is_pending(&writer));
  ev_invoke_pending(loop);
  assert_trace("reader:read");
  ev_feed_fd_event(loop, ends.reader, EV_READ | EV_WRITE);
  ev_invoke_pending(loop);
  assert_trace("reader:read writer:write");
  ev_loop_destroy(loop);
}

static void feeding_an_unwatched_or_impossible_descriptor_does_nothing(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_feed_fd_event(loop, -1, EV_READ);
  ev_feed_fd_event(loop, 3, EV_READ);
  ev_feed_fd_event(loop, 1000000, EV_READ);
  ev_feed_fd_event(loop, 0x7fffffff, EV_READ);
  assert_int_equal(ev_pending_count(loop), 0);
  ev_loop_destroy(loop);
}

static void an_io_watcher_has_a_callback_that_can_be_read_and_replaced(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  struct pipe_ends ends = make_pipe();
  ev_io io;
  put_byte(ends.writer);
  start_io(loop, &io, "io", ends.reader, EV_READ);
  assert_true(ev_cb(&io) == note_io);
  ev_set_cb(&io, stop_itself); /* allowed while active */
  assert_true(ev_cb(&io) == stop_itself);
  ev_run(loop, 0);
  assert_trace("io:read");
  ev_loop_destroy(loop);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_readable_descriptor_is_reported),
    cmocka_unit_test(a_writable_descriptor_is_reported),
    cmocka_unit_test(both_directions_come_in_one_call),
    cmocka_unit_test(readiness_is_reported_for_as_long_as_it_lasts),
    cmocka_unit_test(a_partial_read_leaves_the_rest_reported),
    cmocka_unit_test(a_watcher_is_told_only_what_it_asked_for),
    cmocka_unit_test(watchers_of_one_descriptor_run_in_the_order_of_their_start),
    cmocka_unit_test(the_end_of_the_other_side_is_readable),
    cmocka_unit_test(a_hangup_is_reported_in_every_direction_asked_for),
    cmocka_unit_test(a_broken_pipe_is_writable),
    cmocka_unit_test(a_regular_file_is_always_ready),
    cmocka_unit_test(a_regular_file_does_not_starve_the_others),
    cmocka_unit_test(a_stopped_watcher_is_not_called),
    cmocka_unit_test(starting_twice_counts_once),
    cmocka_unit_test(set_marks_a_new_descriptor_and_start_takes_the_mark),
    cmocka_unit_test(interest_can_be_modified_while_stopped),
    cmocka_unit_test(a_watcher_may_stop_itself),
    cmocka_unit_test(a_watcher_may_free_itself_and_close_its_descriptor),
    cmocka_unit_test(a_callback_may_stop_a_watcher_that_is_pending_too),
    cmocka_unit_test(a_watcher_added_while_its_descriptor_is_watched_is_heard_too),
    cmocka_unit_test(whoever_is_left_on_a_descriptor_is_called),
    cmocka_unit_test(a_watcher_that_leaves_during_the_wait_may_be_freed),
    cmocka_unit_test(many_descriptors_are_watched_at_once),
    cmocka_unit_test(a_fed_descriptor_event_reaches_the_watchers_that_want_it),
    cmocka_unit_test(feeding_an_unwatched_or_impossible_descriptor_does_nothing),
    cmocka_unit_test(an_io_watcher_has_a_callback_that_can_be_read_and_replaced),
};
const struct harness_group io_group = {"io", tests, sizeof tests / sizeof tests[0]};
