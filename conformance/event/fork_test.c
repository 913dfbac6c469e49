/* event_reinit after fork: the child's base works with every kind of event and does not disturb the
 * parent's registrations, signals or notification. */
#include "conformance/event/suite.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void turn(struct event_base* base) {
  event_base_loop(base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
}

static int finish(pid_t child) {
  int status = -1;
  waitpid(child, &status, 0);
  return status;
}

static void a_child_watches_its_descriptors_after_reinit(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct tally seen = {0};
  struct event* event = event_new(base, pair.near, EV_READ | EV_PERSIST, count_call, &seen);
  event_add(event, NULL);
  pid_t child = fork();
  if (child == 0) {
    if (event_reinit(base) != 0) _exit(1);
    send_byte(pair.far);
    turn(base);
    if (seen.calls != 1) _exit(2);
    drain(pair.near);
    event_del(event);
    send_byte(pair.far);
    turn(base);
    _exit(seen.calls == 1 ? 0 : 3);
  }
  assert_int_equal(finish(child), 0);
  turn(base);
  assert_int_equal(seen.calls, 1);
  event_free(event);
  event_base_free(base);
  pair_close(&pair);
}

static void what_the_child_deletes_or_adds_the_parent_does_not_notice(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair kept = pair_open(), other = pair_open();
  struct tally seen = {0}, childs = {0};
  struct event* event = event_new(base, kept.near, EV_READ | EV_PERSIST, count_call, &seen);
  struct event* childs_event = event_new(base, other.near, EV_READ, count_call, &childs);
  event_add(event, NULL);
  pid_t child = fork();
  if (child == 0) {
    if (event_reinit(base) != 0) _exit(1);
    event_del(event);
    event_add(childs_event, NULL);
    event_base_free(base);
    _exit(0);
  }
  assert_int_equal(finish(child), 0);
  send_byte(kept.far);
  send_byte(other.far);
  turn(base);
  assert_int_equal(seen.calls, 1);
  assert_int_equal(childs.calls, 0);
  event_free(event);
  event_free(childs_event);
  event_base_free(base);
  pair_close(&kept);
  pair_close(&other);
}

static void timers_and_active_events_survive(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct tally timed = {0}, active = {0};
  struct timeval soon = milliseconds(2);
  struct event* timer = evtimer_new(base, count_call, &timed);
  struct event* event = event_new(base, -1, 0, count_call, &active);
  evtimer_add(timer, &soon);
  event_active(event, EV_READ, 1);
  pid_t child = fork();
  if (child == 0) {
    if (event_reinit(base) != 0) _exit(1);
    event_base_dispatch(base);
    _exit(timed.calls == 1 && active.calls == 1 ? 0 : 2);
  }
  assert_int_equal(finish(child), 0);
  event_base_dispatch(base);
  assert_int_equal(timed.calls, 1);
  assert_int_equal(active.calls, 1);
  event_free(timer);
  event_free(event);
  event_base_free(base);
}

static void the_child_gets_its_own_signals_and_the_parent_its(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct tally seen = {0};
  struct event* event = evsignal_new(base, SIGUSR1, count_call, &seen);
  event_add(event, NULL);
  pid_t child = fork();
  if (child == 0) {
    if (event_reinit(base) != 0) _exit(1);
    raise(SIGUSR1);
    turn(base);
    _exit(seen.calls == 1 ? 0 : 2);
  }
  assert_int_equal(finish(child), 0);
  turn(base);
  assert_int_equal(seen.calls, 0);
  raise(SIGUSR1);
  turn(base);
  assert_int_equal(seen.calls, 1);
  event_free(event);
  event_base_free(base);
}

static void leave_the_loop(evutil_socket_t fd, short what, void* base) {
  (void)fd;
  (void)what;
  event_base_loopbreak(base);
}

/* The loop has taken note of the signal, but was left before it called anybody. */
static void a_signal_caught_before_reinit_is_dropped(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct tally seen = {0};
  struct event* event = evsignal_new(base, SIGUSR1, count_call, &seen);
  struct event* leaver = event_new(base, -1, 0, leave_the_loop, base);
  event_add(event, NULL);
  raise(SIGUSR1);
  event_active(leaver, EV_READ, 1);
  turn(base);
  assert_int_equal(event_base_get_num_events(base, EVENT_BASE_COUNT_ACTIVE), 1);
  assert_int_equal(event_reinit(base), 0);
  assert_int_equal(event_base_get_num_events(base, EVENT_BASE_COUNT_ACTIVE), 0);
  turn(base);
  assert_int_equal(seen.calls, 0);
  raise(SIGUSR1);
  turn(base);
  assert_int_equal(seen.calls, 1);
  event_free(leaver);
  event_free(event);
  event_base_free(base);
}

static void events_added_after_reinit_work_with_signals_first_watched_there(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct tally seen = {0};
  struct event* event = evsignal_new(base, SIGUSR1, count_call, &seen);
  pid_t child = fork();
  if (child == 0) {
    if (event_reinit(base) != 0) _exit(1);
    if (event_add(event, NULL) != 0) _exit(3);
    raise(SIGUSR1);
    turn(base);
    _exit(seen.calls == 1 ? 0 : 2);
  }
  assert_int_equal(finish(child), 0);
  event_free(event);
  event_base_free(base);
}

static void many_descriptors_survive(void** state) {
  (void)state;
  enum { count = 40 };
  struct event_base* base = suite_base();
  struct pair pairs[count];
  struct tally seen[count] = {{0}};
  struct event* events[2 * count];
  for (int i = 0; i < count; i++) {
    pairs[i] = pair_open();
    events[2 * i] = event_new(base, pairs[i].near, EV_READ, count_call, &seen[i]);
    events[2 * i + 1] = event_new(base, pairs[i].near, EV_READ | EV_WRITE, count_call, &seen[i]);
    event_add(events[2 * i], NULL);
    event_add(events[2 * i + 1], NULL);
  }
  pid_t child = fork();
  if (child == 0) {
    if (event_reinit(base) != 0) _exit(1);
    for (int i = 0; i < count; i++)
      send_byte(pairs[i].far);
    event_base_dispatch(base);
    for (int i = 0; i < count; i++)
      if (seen[i].calls != 2) _exit(2);
    _exit(0);
  }
  assert_int_equal(finish(child), 0);
  for (int i = 0; i < 2 * count; i++)
    event_free(events[i]);
  event_base_free(base);
  for (int i = 0; i < count; i++)
    pair_close(&pairs[i]);
}

static void edge_triggered_events_survive(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct tally seen = {0};
  struct event* event = event_new(base, pair.near, EV_READ | EV_ET | EV_PERSIST, count_call, &seen);
  event_add(event, NULL);
  pid_t child = fork();
  if (child == 0) {
    if (event_reinit(base) != 0) _exit(1);
    send_byte(pair.far);
    turn(base);
    _exit(seen.calls == 1 ? 0 : 2);
  }
  assert_int_equal(finish(child), 0);
  event_free(event);
  event_base_free(base);
  pair_close(&pair);
}

static void grandchildren_may_reinit_again(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct tally seen = {0};
  struct event* event = event_new(base, pair.near, EV_READ | EV_PERSIST, count_call, &seen);
  event_add(event, NULL);
  pid_t child = fork();
  if (child == 0) {
    if (event_reinit(base) != 0) _exit(1);
    pid_t grandchild = fork();
    if (grandchild == 0) {
      if (event_reinit(base) != 0) _exit(1);
      send_byte(pair.far);
      turn(base);
      _exit(seen.calls == 1 ? 0 : 2);
    }
    if (finish(grandchild) != 0) _exit(4);
    turn(base);
    _exit(seen.calls == 1 ? 0 : 5);
  }
  assert_int_equal(finish(child), 0);
  event_free(event);
  event_base_free(base);
  pair_close(&pair);
}

static void reinit_in_the_same_process_is_harmless(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct tally seen = {0};
  struct event* event = event_new(base, pair.near, EV_READ, count_call, &seen);
  event_add(event, NULL);
  for (int i = 0; i < 3; i++)
    assert_int_equal(event_reinit(base), 0);
  send_byte(pair.far);
  assert_int_equal(event_base_dispatch(base), 1);
  assert_int_equal(seen.calls, 1);
  event_free(event);
  event_base_free(base);
  pair_close(&pair);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_child_watches_its_descriptors_after_reinit),
    cmocka_unit_test(what_the_child_deletes_or_adds_the_parent_does_not_notice),
    cmocka_unit_test(timers_and_active_events_survive),
    cmocka_unit_test(the_child_gets_its_own_signals_and_the_parent_its),
    cmocka_unit_test(a_signal_caught_before_reinit_is_dropped),
    cmocka_unit_test(events_added_after_reinit_work_with_signals_first_watched_there),
    cmocka_unit_test(many_descriptors_survive),
    cmocka_unit_test(edge_triggered_events_survive),
    cmocka_unit_test(grandchildren_may_reinit_again),
    cmocka_unit_test(reinit_in_the_same_process_is_harmless),
};
DEFINE_GROUP(fork, tests);
