/* Signals: caught, counted, several events on one, one-shot, in several bases, the previous handler
 * put back, a callback that deletes its event between two deliveries. */
#include "conformance/event/suite.h"

#include <event2/event_struct.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static void turn(struct event_base* base) {
  event_base_loop(base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
}

static void a_raised_signal_calls_back_with_its_number(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct tally seen = {0};
  struct event* event = evsignal_new(base, SIGUSR1, count_call, &seen);
  assert_int_equal(evsignal_add(event, NULL), 0);
  assert_int_equal(evsignal_pending(event, NULL), EV_SIGNAL);
  raise(SIGUSR1);
  event_base_loop(base, EVLOOP_ONCE);
  assert_int_equal(seen.calls, 1);
  assert_int_equal(seen.fd, SIGUSR1);
  assert_int_equal(seen.what, EV_SIGNAL);
  assert_int_equal(evsignal_pending(event, NULL), EV_SIGNAL);
  assert_int_equal(evsignal_del(event), 0);
  event_free(event);
  event_base_free(base);
}

static void several_raises_before_the_loop_are_each_delivered(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct tally seen = {0};
  struct event* event = evsignal_new(base, SIGUSR1, count_call, &seen);
  evsignal_add(event, NULL);
  for (int i = 0; i < 5; i++)
    raise(SIGUSR1);
  event_base_loop(base, EVLOOP_ONCE);
  assert_int_equal(seen.calls, 5);
  turn(base);
  assert_int_equal(seen.calls, 5);
  event_free(event);
  event_base_free(base);
}

static void different_signals_reach_their_own_events(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct tally first = {0}, second = {0};
  struct event* one = evsignal_new(base, SIGUSR1, count_call, &first);
  struct event* two = evsignal_new(base, SIGUSR2, count_call, &second);
  evsignal_add(one, NULL);
  evsignal_add(two, NULL);
  raise(SIGUSR2);
  turn(base);
  assert_int_equal(first.calls, 0);
  assert_int_equal(second.calls, 1);
  event_free(one);
  event_free(two);
  event_base_free(base);
}

static void every_event_on_a_signal_gets_it(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct tally seen[3] = {{0}, {0}, {0}};
  struct event* events[3];
  for (int i = 0; i < 3; i++) {
    events[i] = evsignal_new(base, SIGUSR1, count_call, &seen[i]);
    evsignal_add(events[i], NULL);
  }
  raise(SIGUSR1);
  turn(base);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(seen[i].calls, 1);
    event_free(events[i]);
  }
  event_base_free(base);
}

static void a_one_shot_signal_event_leaves_after_its_first_delivery(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct tally seen = {0};
  struct event* event = event_new(base, SIGUSR1, EV_SIGNAL, count_call, &seen);
  event_add(event, NULL);
  raise(SIGUSR1);
  assert_int_equal(event_base_dispatch(base), 1);
  assert_int_equal(seen.calls, 1);
  assert_int_equal(event_pending(event, EV_SIGNAL, NULL), 0);
  event_free(event);
  event_base_free(base);
}

static void delete_and_count(evutil_socket_t fd, short what, void* argument) {
  (void)fd;
  (void)what;
  struct lettered* self = argument;
  self->left++;
  event_del(self->event);
}

static void deleting_the_event_in_its_callback_drops_the_deliveries_left(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct lettered self = {.left = 0};
  self.event = evsignal_new(base, SIGUSR1, delete_and_count, &self);
  evsignal_add(self.event, NULL);
  for (int i = 0; i < 3; i++)
    raise(SIGUSR1);
  assert_int_equal(event_base_dispatch(base), 1);
  assert_int_equal(self.left, 1);
  event_free(self.event);
  event_base_free(base);
}

static void free_and_count(evutil_socket_t fd, short what, void* argument) {
  (void)fd;
  (void)what;
  struct lettered* self = argument;
  self->left++;
  event_free(self->event);
}

static void freeing_the_event_in_its_callback_drops_the_deliveries_left(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct lettered self = {.left = 0};
  self.event = evsignal_new(base, SIGUSR1, free_and_count, &self);
  evsignal_add(self.event, NULL);
  for (int i = 0; i < 3; i++)
    raise(SIGUSR1);
  assert_int_equal(event_base_dispatch(base), 1);
  assert_int_equal(self.left, 1);
  event_base_free(base);
}

/* What the deletion left behind is not looked at again: AddressSanitizer sees to that, with
 * detect_stack_use_after_return. */
static void an_event_that_deleted_itself_may_be_added_and_deleted_later(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct lettered self = {.left = 0};
  self.event = evsignal_new(base, SIGUSR1, delete_and_count, &self);
  evsignal_add(self.event, NULL);
  for (int round = 1; round <= 3; round++) {
    for (int i = 0; i < 3; i++)
      raise(SIGUSR1);
    event_base_loop(base, EVLOOP_ONCE);
    assert_int_equal(self.left, round);
    assert_int_equal(evsignal_add(self.event, NULL), 0);
    assert_int_equal(evsignal_del(self.event), 0);
    assert_int_equal(evsignal_add(self.event, NULL), 0);
  }
  event_free(self.event);
  event_base_free(base);
}

static void activate_delete_and_count(evutil_socket_t fd, short what, void* argument) {
  (void)fd;
  (void)what;
  struct lettered* self = argument;
  self->left++;
  event_active(self->event, EV_SIGNAL, 1);
  event_del(self->event);
}

/* The original forgets its repetition with the activation, and goes on calling: were the event
 * freed instead, it would use it afterwards. */
static void deletion_ends_the_deliveries_even_after_an_activation(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct lettered self = {.left = 0};
  self.event = evsignal_new(base, SIGUSR1, activate_delete_and_count, &self);
  evsignal_add(self.event, NULL);
  for (int i = 0; i < 3; i++)
    raise(SIGUSR1);
  assert_int_equal(event_base_dispatch(base), 1);
  assert_int_equal(self.left, suite_on_original() ? 3 : 1);
  event_free(self.event);
  event_base_free(base);
}

static void break_and_count(evutil_socket_t fd, short what, void* argument) {
  (void)fd;
  (void)what;
  struct lettered* self = argument;
  self->left++;
  event_base_loopbreak(self->base);
}

static void a_break_between_two_deliveries_drops_the_rest(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct lettered self = {.base = base};
  self.event = evsignal_new(base, SIGUSR1, break_and_count, &self);
  evsignal_add(self.event, NULL);
  for (int i = 0; i < 3; i++)
    raise(SIGUSR1);
  event_base_loop(base, 0);
  assert_int_equal(self.left, 1);
  turn(base);
  assert_int_equal(self.left, 1);
  event_free(self.event);
  event_base_free(base);
}

static volatile sig_atomic_t handled;
static void count_by_hand(int number) {
  (void)number;
  handled++;
}

static void the_previous_handler_comes_back_when_the_last_event_goes(void** state) {
  (void)state;
  struct sigaction own = {.sa_handler = count_by_hand, .sa_flags = SA_RESTART}, now;
  sigaddset(&own.sa_mask, SIGHUP);
  sigaction(SIGUSR1, &own, NULL);
  struct event_base* base = suite_base();
  struct tally seen = {0};
  struct event* first = evsignal_new(base, SIGUSR1, count_call, &seen);
  struct event* second = evsignal_new(base, SIGUSR1, count_call, &seen);
  evsignal_add(first, NULL);
  evsignal_add(second, NULL);
  event_free(first);
  raise(SIGUSR1);
  turn(base);
  assert_int_equal(handled, 0);
  assert_int_equal(seen.calls, 1);
  event_free(second);
  sigaction(SIGUSR1, NULL, &now);
  assert_ptr_equal(now.sa_handler, count_by_hand);
  assert_true(now.sa_flags & SA_RESTART);
  assert_true(sigismember(&now.sa_mask, SIGHUP));
  raise(SIGUSR1);
  assert_int_equal(handled, 1);
  event_base_free(base);
}

static void freeing_the_base_brings_the_handler_back_too(void** state) {
  (void)state;
  signal(SIGUSR1, SIG_IGN);
  struct event_base* base = suite_base();
  struct event event;
  evsignal_assign(&event, base, SIGUSR1, count_call, NULL);
  evsignal_add(&event, NULL);
  event_base_free(base);
  struct sigaction now;
  sigaction(SIGUSR1, NULL, &now);
  assert_ptr_equal(now.sa_handler, SIG_IGN);
}

static void a_caught_signal_interrupts_no_other_call_needlessly(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct event* event = evsignal_new(base, SIGUSR1, count_call, NULL);
  evsignal_add(event, NULL);
  struct sigaction now;
  sigaction(SIGUSR1, NULL, &now);
  assert_true(now.sa_flags & SA_RESTART);
  event_free(event);
  event_base_free(base);
}

static void adding_the_event_again_catches_again(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct tally seen = {0};
  struct event* event = evsignal_new(base, SIGUSR1, count_call, &seen);
  for (int i = 0; i < 4; i++) {
    assert_int_equal(evsignal_add(event, NULL), 0);
    raise(SIGUSR1);
    turn(base);
    assert_int_equal(evsignal_del(event), 0);
  }
  assert_int_equal(seen.calls, 4);
  event_free(event);
  event_base_free(base);
}

static void bases_one_after_the_other_catch_the_same_signal(void** state) {
  (void)state;
  struct tally seen = {0};
  for (int i = 0; i < 3; i++) {
    struct event_base* base = suite_base();
    struct event* event = evsignal_new(base, SIGUSR1, count_call, &seen);
    evsignal_add(event, NULL);
    raise(SIGUSR1);
    turn(base);
    event_free(event);
    event_base_free(base);
  }
  assert_int_equal(seen.calls, 3);
}

/* The original has one pipe and one base for all signals: the last that watched one takes them all.
 */
static void a_signal_reaches_every_base_that_watches_it(void** state) {
  (void)state;
  struct event_base* bases[2] = {suite_base(), suite_base()};
  struct tally seen[2] = {{0}, {0}};
  struct event* events[2];
  log_capture();
  for (int i = 0; i < 2; i++) {
    events[i] = evsignal_new(bases[i], SIGUSR1, count_call, &seen[i]);
    assert_int_equal(evsignal_add(events[i], NULL), 0);
  }
  if (suite_on_original())
    assert_matches(log_text(),
                   "2 Added a signal to event base 0x* with signals already added to event_base "
                   "0x*.  Only one can have signals at a time with the * backend.  The base with "
                   "the most recently added signal or the most recent event_base_loop() call gets "
                   "preference; do not rely on this behavior in future Libevent versions.");
  else
    assert_string_equal(log_text(), "");
  raise(SIGUSR1);
  for (int i = 0; i < 2; i++)
    turn(bases[i]);
  assert_int_equal(seen[0].calls, suite_on_original() ? 0 : 1);
  assert_int_equal(seen[1].calls, 1);
  for (int i = 0; i < 2; i++) {
    event_free(events[i]);
    event_base_free(bases[i]);
  }
}

static void different_signals_on_different_bases_stay_apart(void** state) {
  (void)state;
  struct event_base* bases[2] = {suite_base(), suite_base()};
  struct tally seen[2] = {{0}, {0}};
  struct event* events[2];
  static const int numbers[] = {SIGUSR1, SIGUSR2};
  log_capture();
  for (int i = 0; i < 2; i++) {
    events[i] = evsignal_new(bases[i], numbers[i], count_call, &seen[i]);
    assert_int_equal(evsignal_add(events[i], NULL), 0);
  }
  raise(SIGUSR1);
  raise(SIGUSR2);
  for (int i = 0; i < 2; i++)
    turn(bases[i]);
  assert_int_equal(seen[0].calls, suite_on_original() ? 0 : 1);
  assert_int_equal(seen[1].calls, 1);
  for (int i = 0; i < 2; i++) {
    event_free(events[i]);
    event_base_free(bases[i]);
  }
}

static void a_signal_event_may_time_out(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct tally seen = {0};
  struct timeval soon = milliseconds(3);
  struct event* event = event_new(base, SIGUSR1, EV_SIGNAL, count_call, &seen);
  event_add(event, &soon);
  assert_int_equal(event_base_dispatch(base), 1);
  assert_int_equal(seen.calls, 1);
  assert_int_equal(seen.what, EV_TIMEOUT);
  event_free(event);
  event_base_free(base);
}

static void a_signal_that_came_while_blocked_arrives_when_unblocked(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct tally seen = {0};
  struct event* event = evsignal_new(base, SIGUSR1, count_call, &seen);
  evsignal_add(event, NULL);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, NULL);
  raise(SIGUSR1);
  turn(base);
  assert_int_equal(seen.calls, 0);
  sigprocmask(SIG_UNBLOCK, &set, NULL);
  turn(base);
  assert_int_equal(seen.calls, 1);
  event_free(event);
  event_base_free(base);
}

static void a_pending_signal_event_holds_the_loop_until_the_signal(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct tally seen = {0};
  struct event* event = event_new(base, SIGALRM, EV_SIGNAL, count_call, &seen);
  event_add(event, NULL);
  struct itimerval soon = {.it_value = {0, 20000}};
  setitimer(ITIMER_REAL, &soon, NULL);
  assert_int_equal(event_base_dispatch(base), 1);
  assert_int_equal(seen.calls, 1);
  event_free(event);
  event_base_free(base);
}

static void every_catchable_signal_number_may_be_watched(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  static const int numbers[] = {SIGHUP, SIGINT, SIGTERM, SIGCHLD, SIGPIPE, SIGWINCH, 64};
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
    struct tally seen = {0};
    struct event* event = evsignal_new(base, numbers[i], count_call, &seen);
    assert_int_equal(evsignal_add(event, NULL), 0);
    raise(numbers[i]);
    turn(base);
    assert_int_equal(seen.calls, 1);
    event_free(event);
  }
  event_base_free(base);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_raised_signal_calls_back_with_its_number),
    cmocka_unit_test(several_raises_before_the_loop_are_each_delivered),
    cmocka_unit_test(different_signals_reach_their_own_events),
    cmocka_unit_test(every_event_on_a_signal_gets_it),
    cmocka_unit_test(a_one_shot_signal_event_leaves_after_its_first_delivery),
    cmocka_unit_test(deleting_the_event_in_its_callback_drops_the_deliveries_left),
    cmocka_unit_test(freeing_the_event_in_its_callback_drops_the_deliveries_left),
    cmocka_unit_test(an_event_that_deleted_itself_may_be_added_and_deleted_later),
    cmocka_unit_test(deletion_ends_the_deliveries_even_after_an_activation),
    cmocka_unit_test(a_break_between_two_deliveries_drops_the_rest),
    cmocka_unit_test(the_previous_handler_comes_back_when_the_last_event_goes),
    cmocka_unit_test(freeing_the_base_brings_the_handler_back_too),
    cmocka_unit_test(a_caught_signal_interrupts_no_other_call_needlessly),
    cmocka_unit_test(adding_the_event_again_catches_again),
    cmocka_unit_test(bases_one_after_the_other_catch_the_same_signal),
    cmocka_unit_test(a_signal_reaches_every_base_that_watches_it),
    cmocka_unit_test(different_signals_on_different_bases_stay_apart),
    cmocka_unit_test(a_signal_event_may_time_out),
    cmocka_unit_test(a_signal_that_came_while_blocked_arrives_when_unblocked),
    cmocka_unit_test(a_pending_signal_event_holds_the_loop_until_the_signal),
    cmocka_unit_test(every_catchable_signal_number_may_be_watched),
};
DEFINE_GROUP(signal, tests);
