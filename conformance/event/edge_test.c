/* EV_ET and EV_CLOSED: what each gives on the backend that has it, and what happens to the flag on
 * one that has not.  The suite runs on every backend, so each test asks the base for its features.
 */
#include "conformance/event/suite.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static void turn(struct event_base* base) {
  event_base_loop(base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
}

static void an_edge_is_delivered_once_until_the_next(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  int edges = suite_has_feature(base, EV_FEATURE_ET);
  struct pair pair = pair_open();
  struct tally seen = {0};
  struct event* event = event_new(base, pair.near, EV_READ | EV_ET | EV_PERSIST, count_call, &seen);
  assert_int_equal(event_add(event, NULL), 0);
  send_byte(pair.far);
  for (int i = 0; i < 3; i++)
    turn(base);
  assert_int_equal(seen.calls, edges ? 1 : 3);
  assert_int_equal(seen.what, edges ? EV_READ | EV_ET : EV_READ);
  send_byte(pair.far);
  for (int i = 0; i < 3; i++)
    turn(base);
  assert_int_equal(seen.calls, edges ? 2 : 6);
  event_free(event);
  event_base_free(base);
  pair_close(&pair);
}

static void an_edge_that_came_before_the_event_was_added_is_delivered(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct tally seen = {0};
  struct event* event = event_new(base, pair.near, EV_READ | EV_ET, count_call, &seen);
  send_byte(pair.far);
  event_add(event, NULL);
  turn(base);
  assert_int_equal(seen.calls, 1);
  event_free(event);
  event_base_free(base);
  pair_close(&pair);
}

static void adding_a_one_shot_edge_event_again_looks_at_the_level(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct tally seen = {0};
  struct event* event = event_new(base, pair.near, EV_READ | EV_ET, count_call, &seen);
  send_byte(pair.far);
  for (int i = 0; i < 3; i++) {
    event_add(event, NULL);
    turn(base);
  }
  assert_int_equal(seen.calls, 3);
  event_free(event);
  event_base_free(base);
  pair_close(&pair);
}

static void reader_and_writer_on_one_descriptor_each_have_their_edge(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  int edges = suite_has_feature(base, EV_FEATURE_ET);
  struct pair pair = pair_open();
  struct tally reads = {0}, writes = {0};
  struct event* reader =
      event_new(base, pair.near, EV_READ | EV_ET | EV_PERSIST, count_call, &reads);
  struct event* writer =
      event_new(base, pair.near, EV_WRITE | EV_ET | EV_PERSIST, count_call, &writes);
  event_add(reader, NULL);
  event_add(writer, NULL);
  turn(base);
  assert_int_equal(reads.calls, 0);
  assert_int_equal(writes.calls, 1);
  send_byte(pair.far);
  turn(base);
  assert_int_equal(reads.calls, 1);
  if (edges) assert_int_equal(reads.what, EV_READ | EV_ET);
  event_free(reader);
  event_free(writer);
  event_base_free(base);
  pair_close(&pair);
}

/* The kernel looks anew whenever it is told of a change, and programs get to see it. */
static void deleting_one_direction_reports_the_other_anew(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  int edges = suite_has_feature(base, EV_FEATURE_ET);
  struct pair pair = pair_open();
  struct tally reads = {0}, writes = {0};
  struct event* reader =
      event_new(base, pair.near, EV_READ | EV_ET | EV_PERSIST, count_call, &reads);
  struct event* writers[2];
  for (int i = 0; i < 2; i++) {
    writers[i] = event_new(base, pair.near, EV_WRITE | EV_ET | EV_PERSIST, count_call, &writes);
    event_add(writers[i], NULL);
  }
  event_add(reader, NULL);
  send_byte(pair.far);
  for (int i = 0; i < 2; i++)
    turn(base);
  if (edges) assert_int_equal(reads.calls, 1);
  reads.calls = 0;
  event_del(writers[0]);
  for (int i = 0; i < 2; i++)
    turn(base);
  assert_int_equal(reads.calls, edges ? 0 : 2);
  reads.calls = 0;
  event_del(writers[1]);
  for (int i = 0; i < 2; i++)
    turn(base);
  assert_int_equal(reads.calls, edges ? 1 : 2);
  for (int i = 0; i < 2; i++)
    event_free(writers[i]);
  event_free(reader);
  event_base_free(base);
  pair_close(&pair);
}

static void* loop_until_left(void* base) {
  event_base_loop(base, EVLOOP_NO_EXIT_ON_EMPTY);
  return NULL;
}

static void count_atomically(evutil_socket_t fd, short what, void* calls) {
  (void)fd;
  (void)what;
  atomic_fetch_add((atomic_int*)calls, 1);
}

static int comes_to(atomic_int* calls, int expected) {
  for (int tries = 0; tries < 5000 && atomic_load(calls) < expected; tries++)
    nanosleep(&(struct timespec){0, 1000000}, NULL);
  return atomic_load(calls) >= expected;
}

/* The loop sleeps meanwhile, and need not wait for another reason to wake up. */
static void deleting_one_direction_from_another_thread_reports_the_other_at_once(void** state) {
  (void)state;
  assert_int_equal(evthread_use_pthreads(), 0);
  struct event_base* base = suite_base();
  if (suite_has_feature(base, EV_FEATURE_ET)) {
    struct pair pair = pair_open();
    atomic_int reads = 0, writes = 0;
    struct event* reader =
        event_new(base, pair.near, EV_READ | EV_ET | EV_PERSIST, count_atomically, &reads);
    struct event* writer =
        event_new(base, pair.near, EV_WRITE | EV_ET | EV_PERSIST, count_atomically, &writes);
    event_add(reader, NULL);
    event_add(writer, NULL);
    send_byte(pair.far);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, loop_until_left, base), 0);
    assert_true(comes_to(&reads, 1));
    assert_true(comes_to(&writes, 1));
    nanosleep(&(struct timespec){0, 20000000}, NULL);
    const int before = atomic_load(&reads);
    event_del(writer);
    assert_true(comes_to(&reads, before + 1));
    event_base_loopbreak(base);
    pthread_join(thread, NULL);
    event_free(reader);
    event_free(writer);
    pair_close(&pair);
  }
  event_base_free(base);
}

/* The header forbids mixing.  Debug mode refuses it, on every backend; otherwise it goes unnoticed.
 */
static void edge_and_level_on_one_descriptor_are_refused_in_debug_mode(void** state) {
  (void)state;
  event_enable_debug_mode();
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct event* edge = event_new(base, pair.near, EV_READ | EV_ET, count_call, NULL);
  struct event* level = event_new(base, pair.near, EV_READ, count_call, NULL);
  assert_int_equal(event_add(level, NULL), 0);
  log_capture();
  assert_int_equal(event_add(edge, NULL), -1);
  assert_matches(log_text(), "2 Tried to mix edge-triggered and non-edge-triggered events on fd *");
  assert_int_equal(event_pending(edge, EV_READ, NULL), 0);
  event_del(level);
  assert_int_equal(event_add(edge, NULL), 0);
  assert_int_equal(event_add(level, NULL), -1);
  event_free(edge);
  event_free(level);
  event_base_free(base);
  pair_close(&pair);
}

static void edge_and_level_on_one_descriptor_are_accepted_otherwise(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct tally edges = {0}, levels = {0};
  struct event* edge = event_new(base, pair.near, EV_READ | EV_ET, count_call, &edges);
  struct event* level = event_new(base, pair.near, EV_READ, count_call, &levels);
  assert_int_equal(event_add(level, NULL), 0);
  assert_int_equal(event_add(edge, NULL), 0);
  send_byte(pair.far);
  turn(base);
  assert_int_equal(edges.calls, 1);
  assert_int_equal(levels.calls, 1);
  event_free(edge);
  event_free(level);
  event_base_free(base);
  pair_close(&pair);
}

static void a_timeout_on_an_edge_event_comes_without_the_edge_flag(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct tally seen = {0};
  struct timeval soon = milliseconds(3);
  struct event* event = event_new(base, pair.near, EV_READ | EV_ET, count_call, &seen);
  event_add(event, &soon);
  event_base_dispatch(base);
  assert_int_equal(seen.calls, 1);
  assert_int_equal(seen.what, EV_TIMEOUT);
  event_free(event);
  event_base_free(base);
  pair_close(&pair);
}

static void closed_is_seen_past_unread_data(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  if (!suite_has_feature(base, EV_FEATURE_EARLY_CLOSE)) {
    assert_true(suite_is_method(base, "select"));
    event_base_free(base);
    return;
  }
  struct pair pair = pair_open();
  struct tally seen = {0};
  struct event* event = event_new(base, pair.near, EV_CLOSED | EV_PERSIST, count_call, &seen);
  assert_int_equal(event_add(event, NULL), 0);
  assert_int_equal(event_pending(event, EV_CLOSED, NULL), EV_CLOSED);
  send_byte(pair.far);
  turn(base);
  assert_int_equal(seen.calls, 0);
  shutdown(pair.far, SHUT_WR);
  turn(base);
  assert_int_equal(seen.calls, 1);
  assert_int_equal(seen.what, EV_CLOSED);
  assert_int_equal(drain(pair.near), 1);
  event_free(event);
  event_base_free(base);
  pair_close(&pair);
}

static void closed_and_readable_come_in_one_call_to_an_event_that_wants_both(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct tally seen = {0};
  int closes = suite_has_feature(base, EV_FEATURE_EARLY_CLOSE);
  struct event* event = event_new(base, pair.near, EV_CLOSED | EV_READ, count_call, &seen);
  assert_int_equal(event_add(event, NULL), 0);
  shutdown(pair.far, SHUT_WR);
  turn(base);
  assert_int_equal(seen.calls, 1);
  assert_int_equal(seen.what, closes ? EV_CLOSED | EV_READ : EV_READ);
  event_free(event);
  event_base_free(base);
  pair_close(&pair);
}

static void a_reader_does_not_see_the_flag_that_only_its_neighbour_wants(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct tally reads = {0}, closes = {0};
  struct event* reader = event_new(base, pair.near, EV_READ, count_call, &reads);
  struct event* closed = event_new(base, pair.near, EV_CLOSED, count_call, &closes);
  event_add(reader, NULL);
  event_add(closed, NULL);
  shutdown(pair.far, SHUT_WR);
  turn(base);
  assert_int_equal(reads.what, EV_READ);
  if (suite_has_feature(base, EV_FEATURE_EARLY_CLOSE)) assert_int_equal(closes.what, EV_CLOSED);
  event_free(reader);
  event_free(closed);
  event_base_free(base);
  pair_close(&pair);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(an_edge_is_delivered_once_until_the_next),
    cmocka_unit_test(an_edge_that_came_before_the_event_was_added_is_delivered),
    cmocka_unit_test(adding_a_one_shot_edge_event_again_looks_at_the_level),
    cmocka_unit_test(reader_and_writer_on_one_descriptor_each_have_their_edge),
    cmocka_unit_test(deleting_one_direction_reports_the_other_anew),
    cmocka_unit_test(deleting_one_direction_from_another_thread_reports_the_other_at_once),
    cmocka_unit_test(edge_and_level_on_one_descriptor_are_refused_in_debug_mode),
    cmocka_unit_test(edge_and_level_on_one_descriptor_are_accepted_otherwise),
    cmocka_unit_test(a_timeout_on_an_edge_event_comes_without_the_edge_flag),
    cmocka_unit_test(closed_is_seen_past_unread_data),
    cmocka_unit_test(closed_and_readable_come_in_one_call_to_an_event_that_wants_both),
    cmocka_unit_test(a_reader_does_not_see_the_flag_that_only_its_neighbour_wants),
};
DEFINE_GROUP(edge, tests);
