/* The 1.x names of event_compat.h and the macros of old: everything acts on the "current" base that
 * the last event_init() made.  This file alone includes the 1.x header. */
#include "conformance/event/suite.h"

#include <event.h>
#include <signal.h>
#include <string.h>

static struct event_base* init(void) {
  suite_start();
  struct event_base* base = event_init();
  assert_non_null(base);
  return base;
}

static void events_set_without_a_base_go_to_the_current_one(void** state) {
  (void)state;
  struct event_base* base = init();
  struct pair pair = pair_open();
  struct tally seen = {0};
  struct event event;
  event_set(&event, pair.near, EV_READ, count_call, &seen);
  assert_ptr_equal(event_get_base(&event), base);
  assert_int_equal(event_add(&event, NULL), 0);
  send_byte(pair.far);
  assert_int_equal(event_dispatch(), 1);
  assert_int_equal(seen.calls, 1);
  assert_int_equal(EVENT_FD(&event), pair.near);
  event_base_free(base);
  pair_close(&pair);
}

/* No header has it; libverto's libevent module declares it so, reads it and sets it. */
extern struct event_base* event_global_current_base_;

static void the_current_base_can_be_seen_and_set_by_its_name(void** state) {
  (void)state;
  assert_null(event_global_current_base_);
  struct event_base *first = init(), *second = init();
  assert_ptr_equal(event_global_current_base_, second);
  event_global_current_base_ = first;
  struct event event;
  event_set(&event, -1, 0, count_call, NULL);
  assert_ptr_equal(event_get_base(&event), first);
  event_base_free(second);
  assert_ptr_equal(event_global_current_base_, first);
  event_base_free(first);
  assert_null(event_global_current_base_);
}

static void the_last_initialised_base_is_current(void** state) {
  (void)state;
  struct event_base *first = init(), *second = init();
  assert_ptr_not_equal(first, second);
  struct event event;
  event_set(&event, -1, 0, count_call, NULL);
  assert_ptr_equal(event_get_base(&event), second);
  struct event* allocated = event_new(NULL, -1, 0, count_call, NULL);
  assert_ptr_equal(event_get_base(allocated), second);
  event_free(allocated);
  event_base_free(first);
  event_base_free(second);
}

static void another_base_may_be_chosen_for_an_event_set(void** state) {
  (void)state;
  struct event_base *current = init(), *other = event_base_new();
  struct tally seen = {0};
  struct event event;
  event_set(&event, -1, 0, count_call, &seen);
  assert_int_equal(event_base_set(other, &event), 0);
  event_active(&event, EV_READ, 1);
  assert_int_equal(event_dispatch(), 1);
  assert_int_equal(seen.calls, 0);
  assert_int_equal(event_base_dispatch(other), 1);
  assert_int_equal(seen.calls, 1);
  event_base_free(current);
  event_base_free(other);
}

static void freeing_no_base_frees_the_current_one(void** state) {
  (void)state;
  init();
  event_base_free(NULL);
  log_capture();
  event_base_free(NULL);
  assert_matches(log_text(), "2 *no base to free");
}

static void old_timer_macros_work(void** state) {
  (void)state;
  struct event_base* base = init();
  struct tally seen = {0};
  struct timeval soon = milliseconds(2);
  struct event timer;
  memset(&timer, 0, sizeof timer);
  assert_false(timeout_initialized(&timer));
  timeout_set(&timer, count_call, &seen);
  assert_true(timeout_initialized(&timer));
  assert_int_equal(timeout_add(&timer, &soon), 0);
  assert_int_equal(timeout_pending(&timer, NULL), EV_TIMEOUT);
  assert_int_equal(timeout_del(&timer), 0);
  evtimer_set(&timer, count_call, &seen);
  evtimer_add(&timer, &soon);
  assert_int_equal(event_dispatch(), 1);
  assert_int_equal(seen.calls, 1);
  assert_int_equal(seen.what, EV_TIMEOUT);
  event_base_free(base);
}

static void old_signal_macros_work(void** state) {
  (void)state;
  struct event_base* base = init();
  struct tally seen = {0};
  struct event event;
  signal_set(&event, SIGUSR1, count_call, &seen);
  assert_true(signal_initialized(&event));
  assert_int_equal(EVENT_SIGNAL(&event), SIGUSR1);
  assert_int_equal(signal_add(&event, NULL), 0);
  assert_int_equal(signal_pending(&event, NULL), EV_SIGNAL);
  raise(SIGUSR1);
  event_loop(EVLOOP_ONCE);
  assert_int_equal(signal_del(&event), 0);
  evsignal_set(&event, SIGUSR2, count_call, &seen);
  evsignal_add(&event, NULL);
  raise(SIGUSR2);
  assert_int_equal(event_loop(EVLOOP_NONBLOCK), 0);
  assert_int_equal(seen.calls, 2);
  assert_int_equal(seen.fd, SIGUSR2);
  evsignal_del(&event);
  event_base_free(base);
}

static void leave_by_break(evutil_socket_t fd, short what, void* argument) {
  count_call(fd, what, argument);
  event_loopbreak();
}

static void leave_by_exit(evutil_socket_t fd, short what, void* argument) {
  count_call(fd, what, argument);
  event_loopexit(NULL);
}

static void the_loop_is_left_by_break_and_exit(void** state) {
  (void)state;
  struct event_base* base = init();
  struct tally broken = {0}, exited = {0};
  struct event first, second;
  event_set(&first, -1, 0, leave_by_break, &broken);
  event_set(&second, -1, 0, leave_by_exit, &exited);
  event_active(&first, EV_READ, 1);
  event_active(&second, EV_READ, 1);
  assert_int_equal(event_loop(0), 0);
  assert_true(event_base_got_break(base));
  assert_int_equal(broken.calls, 1);
  assert_int_equal(exited.calls, 0);
  assert_int_equal(event_dispatch(), 0);
  assert_true(event_base_got_exit(base));
  assert_int_equal(exited.calls, 1);
  event_base_free(base);
}

static void a_timed_exit_works(void** state) {
  (void)state;
  struct event_base* base = init();
  struct timeval soon = milliseconds(10);
  long long before = base_clock(base);
  assert_int_equal(event_loopexit(&soon), 0);
  assert_int_equal(event_dispatch(), 0);
  assert_true(base_clock(base) - before >= 10000);
  event_base_free(base);
}

static void once_uses_the_current_base(void** state) {
  (void)state;
  struct event_base* base = init();
  struct tally seen = {0};
  struct timeval soon = milliseconds(1);
  assert_int_equal(event_once(-1, EV_TIMEOUT, count_call, &seen, &soon), 0);
  assert_int_equal(event_once(-1, EV_TIMEOUT | EV_SIGNAL, count_call, &seen, &soon), -1);
  assert_int_equal(event_dispatch(), 1);
  assert_int_equal(seen.calls, 1);
  event_base_free(base);
}

static void once_without_a_current_base_is_refused(void** state) {
  (void)state;
  suite_start();
  struct timeval soon = milliseconds(1);
  assert_int_equal(event_once(-1, EV_TIMEOUT, count_call, NULL, &soon), -1);
}

static void method_and_priorities_are_those_of_the_current_base(void** state) {
  (void)state;
  struct event_base* base = init();
  assert_string_equal(event_get_method(), event_base_get_method(base));
  assert_int_equal(event_priority_init(4), 0);
  assert_int_equal(event_base_get_npriorities(base), 4);
  assert_int_equal(event_priority_init(0), -1);
  struct event event;
  event_set(&event, -1, 0, count_call, NULL);
  assert_int_equal(event_get_priority(&event), 2);
  event_base_free(base);
}

static void leaving_without_a_current_base_is_refused(void** state) {
  (void)state;
  suite_start();
  assert_int_equal(event_loopbreak(), -1);
}

static void set_the_impossible(void* unused) {
  (void)unused;
  struct event event;
  event_init();
  event_set(&event, 10, EV_SIGNAL | EV_READ, count_call, NULL);
}

static void setting_an_impossible_event_is_fatal(void** state) {
  (void)state;
  assert_fatal(set_the_impossible, NULL, "3 *Assertion * failed in event_set");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(events_set_without_a_base_go_to_the_current_one),
    cmocka_unit_test(the_current_base_can_be_seen_and_set_by_its_name),
    cmocka_unit_test(the_last_initialised_base_is_current),
    cmocka_unit_test(another_base_may_be_chosen_for_an_event_set),
    cmocka_unit_test(freeing_no_base_frees_the_current_one),
    cmocka_unit_test(old_timer_macros_work),
    cmocka_unit_test(old_signal_macros_work),
    cmocka_unit_test(the_loop_is_left_by_break_and_exit),
    cmocka_unit_test(a_timed_exit_works),
    cmocka_unit_test(once_uses_the_current_base),
    cmocka_unit_test(once_without_a_current_base_is_refused),
    cmocka_unit_test(method_and_priorities_are_those_of_the_current_base),
    cmocka_unit_test(leaving_without_a_current_base_is_refused),
    cmocka_unit_test(setting_an_impossible_event_is_fatal),
};
DEFINE_GROUP(compat, tests);
