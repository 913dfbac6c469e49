/* event_base_loop: what each flag means, what it returns, how often it looks at the kernel and
 * what keeps it from returning.  Ways to leave it from inside are loop_exit_test.c's. */
#include "conformance/event/suite.h"

#include <string.h>

static void dispatch_runs_until_nothing_is_pending_and_returns_one(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct tally seen = {0};
  struct event* timers[3];
  for (int i = 0; i < 3; i++) {
    struct timeval delay = milliseconds(1 + i);
    timers[i] = evtimer_new(base, count_call, &seen);
    evtimer_add(timers[i], &delay);
  }
  assert_int_equal(event_base_dispatch(base), 1);
  assert_int_equal(seen.calls, 3);
  for (int i = 0; i < 3; i++)
    event_free(timers[i]);
  event_base_free(base);
}

static void once_blocks_for_an_event_runs_it_and_returns_zero(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct tally first = {0}, second = {0};
  struct timeval soon = milliseconds(10), late = milliseconds(100000);
  struct event* near = evtimer_new(base, count_call, &first);
  struct event* far = evtimer_new(base, count_call, &second);
  evtimer_add(near, &soon);
  evtimer_add(far, &late);
  assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
  assert_int_equal(first.calls, 1);
  assert_int_equal(second.calls, 0);
  event_free(near);
  event_free(far);
  event_base_free(base);
}

static void nonblock_returns_at_once_with_nothing_ready(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct tally seen = {0};
  struct timeval late = milliseconds(100000);
  struct event* timer = evtimer_new(base, count_call, &seen);
  evtimer_add(timer, &late);
  long long before = now_in_milliseconds();
  assert_int_equal(event_base_loop(base, EVLOOP_NONBLOCK), 0);
  assert_true(now_in_milliseconds() - before < 10000);
  assert_int_equal(seen.calls, 0);
  event_free(timer);
  event_base_free(base);
}

static void nonblock_runs_what_is_ready(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct tally seen = {0};
  struct event* event = event_new(base, pair.near, EV_READ | EV_PERSIST, count_call, &seen);
  event_add(event, NULL);
  send_byte(pair.far);
  assert_int_equal(event_base_loop(base, EVLOOP_NONBLOCK | EVLOOP_ONCE), 0);
  assert_int_equal(seen.calls, 1);
  drain(pair.near);
  assert_int_equal(event_base_loop(base, EVLOOP_NONBLOCK), 0);
  assert_int_equal(seen.calls, 1);
  event_free(event);
  event_base_free(base);
  pair_close(&pair);
}

static void drain_and_count(evutil_socket_t fd, short what, void* tally) {
  count_call(fd, what, tally);
  drain(fd);
}

static void nonblock_alone_turns_until_nothing_is_ready(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct tally seen = {0};
  struct event* event = event_new(base, pair.near, EV_READ | EV_PERSIST, drain_and_count, &seen);
  event_add(event, NULL);
  send_byte(pair.far);
  assert_int_equal(event_base_loop(base, EVLOOP_NONBLOCK), 0);
  assert_int_equal(seen.calls, 1);
  event_free(event);
  event_base_free(base);
  pair_close(&pair);
}

struct countdown {
  struct event* event;
  int left;
  int calls;
};

static void activate_self_again(evutil_socket_t fd, short what, void* argument) {
  (void)fd;
  (void)what;
  struct countdown* self = argument;
  self->calls++;
  if (--self->left > 0) event_active(self->event, EV_READ, 1);
}

static void nonblock_follows_activations_made_by_callbacks(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct countdown self = {.left = 5};
  self.event = event_new(base, -1, 0, activate_self_again, &self);
  event_active(self.event, EV_READ, 1);
  assert_int_equal(event_base_loop(base, EVLOOP_NONBLOCK), 1);
  assert_int_equal(self.calls, 5);
  event_free(self.event);
  event_base_free(base);
}

static void once_drains_activations_made_by_callbacks_too(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct countdown self = {.left = 5};
  self.event = event_new(base, -1, 0, activate_self_again, &self);
  event_active(self.event, EV_READ, 1);
  assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
  assert_int_equal(self.calls, 5);
  event_free(self.event);
  event_base_free(base);
}

static void the_answer_is_zero_when_once_ran_something_even_the_last(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct tally seen = {0};
  struct timeval soon = milliseconds(1);
  struct event* timer = evtimer_new(base, count_call, &seen);
  evtimer_add(timer, &soon);
  assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
  assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 1);
  assert_int_equal(seen.calls, 1);
  event_free(timer);
  event_base_free(base);
}

static void the_answer_is_one_with_no_event_whatever_the_flags(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  assert_int_equal(event_base_loop(base, 0), 1);
  assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 1);
  assert_int_equal(event_base_loop(base, EVLOOP_NONBLOCK), 1);
  assert_int_equal(event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK), 1);
  event_base_free(base);
}

static void an_empty_base_stays_in_the_loop_when_told_to(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  assert_int_equal(event_base_loop(base, EVLOOP_NO_EXIT_ON_EMPTY | EVLOOP_NONBLOCK), 0);
  struct timeval soon = milliseconds(20);
  long long before = base_clock(base);
  assert_int_equal(event_base_loopexit(base, &soon), 0);
  assert_int_equal(event_base_loop(base, EVLOOP_NO_EXIT_ON_EMPTY), 0);
  assert_true(base_clock(base) - before >= 20000);
  event_base_free(base);
}

struct nested {
  struct event_base* base;
  int answer;
  int inner_flags;
};

static void loop_again(evutil_socket_t fd, short what, void* argument) {
  (void)fd;
  (void)what;
  struct nested* self = argument;
  self->answer = event_base_loop(self->base, self->inner_flags);
}

static void a_loop_inside_a_loop_is_refused_with_a_warning(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct nested self = {base, 7, EVLOOP_NONBLOCK};
  struct event* event = event_new(base, -1, 0, loop_again, &self);
  log_capture();
  event_active(event, EV_READ, 1);
  assert_int_equal(event_base_dispatch(base), 1);
  assert_int_equal(self.answer, -1);
  assert_matches(log_text(),
                 "2 *: reentrant invocation.  Only one event_base_loop can run on "
                 "each event_base at once.");
  event_free(event);
  event_base_free(base);
}

static void a_loop_of_another_base_may_run_inside_a_callback(void** state) {
  (void)state;
  struct event_base* outer = suite_base();
  struct event_base* inner = suite_base();
  struct tally seen = {0};
  struct nested self = {inner, 7, 0};
  struct event* starter = event_new(outer, -1, 0, loop_again, &self);
  struct event* inner_event = event_new(inner, -1, 0, count_call, &seen);
  event_active(starter, EV_READ, 1);
  event_active(inner_event, EV_READ, 1);
  assert_int_equal(event_base_dispatch(outer), 1);
  assert_int_equal(self.answer, 1);
  assert_int_equal(seen.calls, 1);
  event_free(starter);
  event_free(inner_event);
  event_base_free(outer);
  event_base_free(inner);
}

static void an_added_event_without_any_condition_does_not_hold_the_loop(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct tally seen = {0};
  struct event* event = evuser_new(base, count_call, &seen);
  assert_int_equal(event_add(event, NULL), 0);
  assert_int_equal(event_base_dispatch(base), 1);
  assert_int_equal(seen.calls, 0);
  event_free(event);
  event_base_free(base);
}

static void dispatch_blocks_for_io_as_long_as_one_is_pending(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct tally seen = {0};
  struct timeval wait = milliseconds(15);
  struct event* event = event_new(base, pair.near, EV_READ, count_call, &seen);
  long long before = base_clock(base);
  event_add(event, &wait);
  assert_int_equal(event_base_dispatch(base), 1);
  assert_true(base_clock(base) - before >= 15000);
  assert_int_equal(seen.what, EV_TIMEOUT);
  event_free(event);
  event_base_free(base);
  pair_close(&pair);
}

static void starve(evutil_socket_t fd, short what, void* argument) {
  struct lettered* self = argument;
  write_letter(fd, what, argument);
  if (--self->left > 0) event_active(self->event, EV_READ, 1);
}

static void run_busy_beside_a_readable_socket(int busy_calls, const char* expected) {
  struct event_base* base = suite_base();
  struct letters order = {0};
  struct pair pair = pair_open();
  struct lettered busy = {.letters = &order, .letter = 'b', .left = busy_calls};
  struct lettered reader = {.letters = &order, .letter = 'r'};
  busy.event = event_new(base, -1, 0, starve, &busy);
  reader.event = event_new(base, pair.near, EV_READ, write_letter, &reader);
  event_add(reader.event, NULL);
  send_byte(pair.far);
  event_active(busy.event, EV_READ, 1);
  event_base_dispatch(base);
  assert_string_equal(order.text, expected);
  event_free(busy.event);
  event_free(reader.event);
  event_base_free(base);
  pair_close(&pair);
}

static void a_ready_descriptor_queues_behind_the_callbacks_already_active(void** state) {
  (void)state;
  run_busy_beside_a_readable_socket(1, "br");
}

static void a_callback_that_activates_itself_again_queues_behind_a_ready_descriptor(void** state) {
  (void)state;
  run_busy_beside_a_readable_socket(4, "brbbb");
}

static void unknown_loop_flags_are_ignored(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  assert_int_equal(event_base_loop(base, 0x4000), 1);
  event_base_free(base);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(dispatch_runs_until_nothing_is_pending_and_returns_one),
    cmocka_unit_test(once_blocks_for_an_event_runs_it_and_returns_zero),
    cmocka_unit_test(nonblock_returns_at_once_with_nothing_ready),
    cmocka_unit_test(nonblock_runs_what_is_ready),
    cmocka_unit_test(nonblock_alone_turns_until_nothing_is_ready),
    cmocka_unit_test(nonblock_follows_activations_made_by_callbacks),
    cmocka_unit_test(once_drains_activations_made_by_callbacks_too),
    cmocka_unit_test(the_answer_is_zero_when_once_ran_something_even_the_last),
    cmocka_unit_test(the_answer_is_one_with_no_event_whatever_the_flags),
    cmocka_unit_test(an_empty_base_stays_in_the_loop_when_told_to),
    cmocka_unit_test(a_loop_inside_a_loop_is_refused_with_a_warning),
    cmocka_unit_test(a_loop_of_another_base_may_run_inside_a_callback),
    cmocka_unit_test(an_added_event_without_any_condition_does_not_hold_the_loop),
    cmocka_unit_test(dispatch_blocks_for_io_as_long_as_one_is_pending),
    cmocka_unit_test(a_ready_descriptor_queues_behind_the_callbacks_already_active),
    cmocka_unit_test(a_callback_that_activates_itself_again_queues_behind_a_ready_descriptor),
    cmocka_unit_test(unknown_loop_flags_are_ignored),
};
DEFINE_GROUP(loop, tests);
