/* Level-triggered descriptors: read, write and both, one-shot and persistent, with and without a
 * timeout, added twice, deleted, several events on one descriptor, end of file and hang-up.
 * Edge triggering and EV_CLOSED are edge_test.c's; descriptors that are closed or reused are
 * hazard_test.c's. */
#include "conformance/event/suite.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

static void turn(struct event_base* base) {
  event_base_loop(base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
}

static void a_readable_descriptor_calls_back_with_itself_and_the_flag(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct tally seen = {0};
  struct event* event = event_new(base, pair.near, EV_READ, count_call, &seen);
  event_add(event, NULL);
  send_byte(pair.far);
  assert_int_equal(event_base_dispatch(base), 1);
  assert_int_equal(seen.calls, 1);
  assert_int_equal(seen.fd, pair.near);
  assert_int_equal(seen.what, EV_READ);
  event_free(event);
  event_base_free(base);
  pair_close(&pair);
}

static void a_one_shot_event_is_not_pending_in_its_callback_nor_after(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct tally seen = {0};
  struct event* event = event_new(base, pair.near, EV_READ, count_call, &seen);
  event_add(event, NULL);
  assert_int_equal(event_pending(event, EV_READ, NULL), EV_READ);
  send_byte(pair.far);
  turn(base);
  assert_int_equal(event_pending(event, EV_READ, NULL), 0);
  turn(base);
  assert_int_equal(seen.calls, 1);
  event_add(event, NULL);
  turn(base);
  assert_int_equal(seen.calls, 2);
  event_free(event);
  event_base_free(base);
  pair_close(&pair);
}

static void a_persistent_event_calls_back_as_long_as_the_level_holds(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct tally seen = {0};
  struct event* event = event_new(base, pair.near, EV_READ | EV_PERSIST, count_call, &seen);
  event_add(event, NULL);
  send_byte(pair.far);
  for (int i = 0; i < 3; i++)
    turn(base);
  assert_int_equal(seen.calls, 3);
  assert_int_equal(event_pending(event, EV_READ, NULL), EV_READ);
  drain(pair.near);
  turn(base);
  assert_int_equal(seen.calls, 3);
  event_free(event);
  event_base_free(base);
  pair_close(&pair);
}

static void a_full_socket_is_writable_only_after_the_peer_read(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct tally seen = {0};
  struct event* event = event_new(base, pair.near, EV_WRITE | EV_PERSIST, count_call, &seen);
  fill(pair.near);
  event_add(event, NULL);
  turn(base);
  assert_int_equal(seen.calls, 0);
  drain(pair.far);
  turn(base);
  assert_int_equal(seen.calls, 1);
  assert_int_equal(seen.what, EV_WRITE);
  event_free(event);
  event_base_free(base);
  pair_close(&pair);
}

static void one_event_for_both_directions_gets_both_in_one_call(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct tally seen = {0};
  struct event* event =
      event_new(base, pair.near, EV_READ | EV_WRITE | EV_PERSIST, count_call, &seen);
  event_add(event, NULL);
  turn(base);
  assert_int_equal(seen.what, EV_WRITE);
  send_byte(pair.far);
  turn(base);
  assert_int_equal(seen.calls, 2);
  assert_int_equal(seen.what, EV_READ | EV_WRITE);
  event_free(event);
  event_base_free(base);
  pair_close(&pair);
}

static void several_events_on_one_descriptor_each_get_their_own_part(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct tally seen[3] = {{0}, {0}, {0}};
  static const short wants[] = {EV_READ | EV_PERSIST, EV_WRITE | EV_PERSIST,
                                EV_READ | EV_WRITE | EV_PERSIST};
  struct event* events[3];
  for (int i = 0; i < 3; i++) {
    events[i] = event_new(base, pair.near, wants[i], count_call, &seen[i]);
    event_add(events[i], NULL);
  }
  send_byte(pair.far);
  turn(base);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(seen[i].calls, 1);
    assert_int_equal(seen[i].what, wants[i] & ~EV_PERSIST);
  }
  event_del(events[1]);
  event_del(events[2]);
  turn(base);
  assert_int_equal(seen[0].calls, 2);
  assert_int_equal(seen[1].calls, 1);
  assert_int_equal(seen[2].calls, 1);
  for (int i = 0; i < 3; i++)
    event_free(events[i]);
  event_base_free(base);
  pair_close(&pair);
}

static void adding_twice_is_adding_once(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct tally seen = {0};
  struct event* event = event_new(base, pair.near, EV_READ, count_call, &seen);
  assert_int_equal(event_add(event, NULL), 0);
  assert_int_equal(event_add(event, NULL), 0);
  send_byte(pair.far);
  event_base_dispatch(base);
  assert_int_equal(seen.calls, 1);
  event_free(event);
  event_base_free(base);
  pair_close(&pair);
}

static void a_deleted_event_is_silent_and_may_be_deleted_again(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct tally seen = {0};
  struct event* event = event_new(base, pair.near, EV_READ | EV_PERSIST, count_call, &seen);
  assert_int_equal(event_del(event), 0);
  event_add(event, NULL);
  send_byte(pair.far);
  assert_int_equal(event_del(event), 0);
  assert_int_equal(event_del(event), 0);
  assert_int_equal(event_del_noblock(event), 0);
  assert_int_equal(event_del_block(event), 0);
  assert_int_equal(event_base_dispatch(base), 1);
  assert_int_equal(seen.calls, 0);
  event_free(event);
  event_base_free(base);
  pair_close(&pair);
}

static void either_deletion_without_blocking_or_with_deletes(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct tally seen = {0};
  struct event* event = event_new(base, pair.near, EV_READ | EV_PERSIST, count_call, &seen);
  int (*const ways[])(struct event*) = {event_del, event_del_noblock, event_del_block};
  for (int i = 0; i < 3; i++) {
    event_add(event, NULL);
    event_active(event, EV_READ, 1);
    assert_int_equal(ways[i](event), 0);
    assert_int_equal(event_pending(event, EV_READ | EV_TIMEOUT, NULL), 0);
  }
  assert_int_equal(event_base_dispatch(base), 1);
  assert_int_equal(seen.calls, 0);
  event_free(event);
  event_base_free(base);
  pair_close(&pair);
}

static void end_of_file_is_readable(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct tally seen = {0};
  struct event* event = event_new(base, pair.near, EV_READ, count_call, &seen);
  event_add(event, NULL);
  close(pair.far);
  pair.far = -1;
  event_base_dispatch(base);
  assert_int_equal(seen.calls, 1);
  assert_int_equal(seen.what, EV_READ);
  event_free(event);
  event_base_free(base);
  pair_close(&pair);
}

static void a_peer_that_only_stopped_writing_is_readable(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct tally seen = {0};
  struct event* event = event_new(base, pair.near, EV_READ | EV_WRITE, count_call, &seen);
  event_add(event, NULL);
  shutdown(pair.far, SHUT_WR);
  event_base_dispatch(base);
  assert_int_equal(seen.calls, 1);
  assert_int_equal(seen.what, EV_READ | EV_WRITE);
  event_free(event);
  event_base_free(base);
  pair_close(&pair);
}

static void a_pipe_without_readers_wakes_its_writer(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct tally seen = {0};
  int ends[2];
  assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
  fill(ends[1]);
  struct event* event = event_new(base, ends[1], EV_WRITE, count_call, &seen);
  event_add(event, NULL);
  turn(base);
  assert_int_equal(seen.calls, 0);
  close(ends[0]);
  event_base_dispatch(base);
  assert_int_equal(seen.calls, 1);
  assert_int_equal(seen.what, EV_WRITE);
  event_free(event);
  event_base_free(base);
  close(ends[1]);
}

static void a_pipe_without_writers_wakes_its_reader(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct tally seen = {0};
  int ends[2];
  assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
  struct event* event = event_new(base, ends[0], EV_READ, count_call, &seen);
  event_add(event, NULL);
  close(ends[1]);
  event_base_dispatch(base);
  assert_int_equal(seen.calls, 1);
  assert_int_equal(seen.what, EV_READ);
  event_free(event);
  event_base_free(base);
  close(ends[0]);
}

static void a_timeout_comes_alone_and_takes_a_one_shot_event_out(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct tally seen = {0};
  struct timeval soon = milliseconds(5);
  struct event* event = event_new(base, pair.near, EV_READ, count_call, &seen);
  event_add(event, &soon);
  assert_int_equal(event_pending(event, EV_READ | EV_TIMEOUT, NULL), EV_READ | EV_TIMEOUT);
  assert_int_equal(event_base_dispatch(base), 1);
  assert_int_equal(seen.calls, 1);
  assert_int_equal(seen.what, EV_TIMEOUT);
  send_byte(pair.far);
  assert_int_equal(event_base_dispatch(base), 1);
  assert_int_equal(seen.calls, 1);
  event_free(event);
  event_base_free(base);
  pair_close(&pair);
}

static void data_before_the_timeout_cancels_it(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct tally seen = {0};
  struct timeval late = milliseconds(100000);
  struct event* event = event_new(base, pair.near, EV_READ, count_call, &seen);
  event_add(event, &late);
  send_byte(pair.far);
  assert_int_equal(event_base_dispatch(base), 1);
  assert_int_equal(seen.calls, 1);
  assert_int_equal(seen.what, EV_READ);
  assert_int_equal(event_pending(event, EV_TIMEOUT, NULL), 0);
  event_free(event);
  event_base_free(base);
  pair_close(&pair);
}

/* A timeout takes its event out before making it active, and the readiness found in the same turn
 * goes with it: the level is still there for whoever adds the event again. */
static void a_timeout_due_in_the_turn_that_finds_data_comes_alone(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct tally seen = {0};
  struct timeval nothing = {0, 0};
  struct event* event = event_new(base, pair.near, EV_READ, count_call, &seen);
  send_byte(pair.far);
  event_add(event, &nothing);
  assert_int_equal(event_base_dispatch(base), 1);
  assert_int_equal(seen.calls, 1);
  assert_int_equal(seen.what, EV_TIMEOUT);
  event_add(event, NULL);
  assert_int_equal(event_base_dispatch(base), 1);
  assert_int_equal(seen.what, EV_READ);
  event_free(event);
  event_base_free(base);
  pair_close(&pair);
}

static void many_descriptors_ready_at_once_are_all_served(void** state) {
  (void)state;
  enum { count = 200 };
  struct event_base* base = suite_base();
  struct pair pairs[count];
  struct tally seen[count] = {{0}};
  struct event* events[count];
  for (int i = 0; i < count; i++) {
    pairs[i] = pair_open();
    events[i] = event_new(base, pairs[i].near, EV_READ, count_call, &seen[i]);
    assert_int_equal(event_add(events[i], NULL), 0);
    send_byte(pairs[i].far);
  }
  assert_int_equal(event_base_dispatch(base), 1);
  for (int i = 0; i < count; i++) {
    assert_int_equal(seen[i].calls, 1);
    assert_int_equal(seen[i].fd, pairs[i].near);
    event_free(events[i]);
    pair_close(&pairs[i]);
  }
  event_base_free(base);
}

static void a_descriptor_above_a_thousand_is_watched(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct tally seen = {0};
  int high = fcntl(pair.near, F_DUPFD_CLOEXEC, 1023);
  assert_true(high >= 1023);
  struct event* event = event_new(base, high, EV_READ, count_call, &seen);
  assert_int_equal(event_add(event, NULL), 0);
  send_byte(pair.far);
  event_base_dispatch(base);
  assert_int_equal(seen.calls, 1);
  assert_int_equal(seen.fd, high);
  event_free(event);
  event_base_free(base);
  close(high);
  pair_close(&pair);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_readable_descriptor_calls_back_with_itself_and_the_flag),
    cmocka_unit_test(a_one_shot_event_is_not_pending_in_its_callback_nor_after),
    cmocka_unit_test(a_persistent_event_calls_back_as_long_as_the_level_holds),
    cmocka_unit_test(a_full_socket_is_writable_only_after_the_peer_read),
    cmocka_unit_test(one_event_for_both_directions_gets_both_in_one_call),
    cmocka_unit_test(several_events_on_one_descriptor_each_get_their_own_part),
    cmocka_unit_test(adding_twice_is_adding_once),
    cmocka_unit_test(a_deleted_event_is_silent_and_may_be_deleted_again),
    cmocka_unit_test(either_deletion_without_blocking_or_with_deletes),
    cmocka_unit_test(end_of_file_is_readable),
    cmocka_unit_test(a_peer_that_only_stopped_writing_is_readable),
    cmocka_unit_test(a_pipe_without_readers_wakes_its_writer),
    cmocka_unit_test(a_pipe_without_writers_wakes_its_reader),
    cmocka_unit_test(a_timeout_comes_alone_and_takes_a_one_shot_event_out),
    cmocka_unit_test(data_before_the_timeout_cancels_it),
    cmocka_unit_test(a_timeout_due_in_the_turn_that_finds_data_comes_alone),
    cmocka_unit_test(many_descriptors_ready_at_once_are_all_served),
    cmocka_unit_test(a_descriptor_above_a_thousand_is_watched),
};
DEFINE_GROUP(io, tests);
