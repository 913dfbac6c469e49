/* The event object itself: assigned, allocated, initialised or not, asked for what it was made of,
 * moved to another base, freed while pending or active, and owned as a struct by the caller. */
#include "conformance/event/suite.h"

#include <event2/event_struct.h>
#include <stdlib.h>
#include <string.h>

static void an_event_tells_everything_it_was_made_of(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct tally seen = {0};
  struct event* event = event_new(base, 5, EV_READ | EV_WRITE | EV_PERSIST, count_call, &seen);
  assert_ptr_equal(event_get_base(event), base);
  assert_int_equal(event_get_fd(event), 5);
  assert_int_equal(event_get_events(event), EV_READ | EV_WRITE | EV_PERSIST);
  assert_ptr_equal(event_get_callback(event), count_call);
  assert_ptr_equal(event_get_callback_arg(event), &seen);
  struct event_base* base_out = NULL;
  evutil_socket_t fd_out = 0;
  short events_out = 0;
  event_callback_fn callback_out = NULL;
  void* argument_out = NULL;
  event_get_assignment(event, &base_out, &fd_out, &events_out, &callback_out, &argument_out);
  assert_ptr_equal(base_out, base);
  assert_int_equal(fd_out, 5);
  assert_int_equal(events_out, EV_READ | EV_WRITE | EV_PERSIST);
  assert_ptr_equal(callback_out, count_call);
  assert_ptr_equal(argument_out, &seen);
  event_free(event);
  event_base_free(base);
}

static void parts_of_the_assignment_that_nobody_wants_may_be_left_out(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct event* event = event_new(base, -1, 0, count_call, NULL);
  evutil_socket_t fd_out = 99;
  event_get_assignment(event, NULL, NULL, NULL, NULL, NULL);
  event_get_assignment(event, NULL, &fd_out, NULL, NULL, NULL);
  assert_int_equal(fd_out, -1);
  event_free(event);
  event_base_free(base);
}

static void a_signal_event_gives_its_signal_as_descriptor(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct event* event = evsignal_new(base, 10, count_call, NULL);
  assert_int_equal(event_get_signal(event), 10);
  assert_int_equal(event_get_fd(event), 10);
  assert_int_equal(event_get_events(event), EV_SIGNAL | EV_PERSIST);
  event_free(event);
  event_base_free(base);
}

static void the_timeout_flag_given_at_creation_is_kept_and_means_nothing(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct event* event = event_new(base, -1, EV_TIMEOUT, count_call, NULL);
  assert_int_equal(event_get_events(event), EV_TIMEOUT);
  assert_int_equal(event_pending(event, EV_TIMEOUT, NULL), 0);
  event_free(event);
  event_base_free(base);
}

static void the_caller_owned_size_is_that_of_the_struct(void** state) {
  (void)state;
  assert_int_equal(event_get_struct_event_size(), sizeof(struct event));
  assert_int_equal(sizeof(struct event), 128);
}

static void an_event_in_the_callers_storage_works(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct tally seen = {0};
  struct event* event = malloc(event_get_struct_event_size());
  memset(event, 0xa5, event_get_struct_event_size());
  assert_int_equal(event_assign(event, base, pair.near, EV_READ, count_call, &seen), 0);
  assert_int_equal(event_add(event, NULL), 0);
  send_byte(pair.far);
  event_base_dispatch(base);
  assert_int_equal(seen.calls, 1);
  assert_int_equal(event_del(event), 0);
  memset(event, 0xa5, event_get_struct_event_size());
  free(event);
  event_base_free(base);
  pair_close(&pair);
}

static void zeroed_storage_is_not_initialized_an_assigned_one_is(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct event event;
  memset(&event, 0, sizeof event);
  assert_false(event_initialized(&event));
  event_assign(&event, base, -1, 0, count_call, NULL);
  assert_true(event_initialized(&event));
  assert_true(event.ev_evcallback.evcb_flags & EVLIST_INIT);
  event_base_free(base);
}

static void deleting_zeroed_storage_fails_quietly_and_it_is_never_pending(void** state) {
  (void)state;
  suite_start();
  struct event event;
  memset(&event, 0, sizeof event);
  log_capture();
  assert_int_equal(event_pending(&event, EV_READ | EV_TIMEOUT, NULL), 0);
  assert_matches(log_text(), "2 event_pending: event has no event_base set.");
  log_capture();
  assert_int_equal(event_del(&event), -1);
  assert_matches(log_text(), "2 *: event has no event_base set.");
}

static void public_fields_follow_the_life_of_the_event(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct timeval late = milliseconds(100000);
  struct event event;
  event_assign(&event, base, pair.near, EV_READ | EV_PERSIST, count_call, &(struct tally){0});
  assert_ptr_equal(event.ev_base, base);
  assert_int_equal(event.ev_fd, pair.near);
  assert_int_equal(event.ev_events, EV_READ | EV_PERSIST);
  assert_int_equal(event.ev_evcallback.evcb_flags, EVLIST_INIT);
  event_add(&event, &late);
  assert_int_equal(event.ev_evcallback.evcb_flags, EVLIST_INIT | EVLIST_INSERTED | EVLIST_TIMEOUT);
  event_active(&event, EV_READ, 1);
  assert_int_equal(event.ev_evcallback.evcb_flags,
                   EVLIST_INIT | EVLIST_INSERTED | EVLIST_TIMEOUT | EVLIST_ACTIVE);
  assert_int_equal(event.ev_res, EV_READ);
  event_del(&event);
  assert_int_equal(event.ev_evcallback.evcb_flags, EVLIST_INIT);
  event_base_free(base);
  pair_close(&pair);
}

static void an_idle_event_may_be_assigned_again(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct tally reads = {0}, writes = {0};
  struct event event;
  event_assign(&event, base, pair.near, EV_READ, count_call, &reads);
  event_add(&event, NULL);
  send_byte(pair.far);
  event_base_dispatch(base);
  event_assign(&event, base, pair.near, EV_WRITE, count_call, &writes);
  event_add(&event, NULL);
  event_base_dispatch(base);
  assert_int_equal(reads.calls, 1);
  assert_int_equal(writes.calls, 1);
  assert_int_equal(writes.what, EV_WRITE);
  event_base_free(base);
  pair_close(&pair);
}

static void assigning_again_restores_the_middle_priority(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct event event;
  event_base_priority_init(base, 3);
  event_assign(&event, base, -1, 0, count_call, NULL);
  event_priority_set(&event, 0);
  event_assign(&event, base, -1, 0, count_call, NULL);
  assert_int_equal(event_get_priority(&event), 1);
  event_base_free(base);
}

static void freeing_a_pending_event_deletes_it(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct tally seen = {0};
  struct event* event = event_new(base, pair.near, EV_READ, count_call, &seen);
  event_add(event, NULL);
  send_byte(pair.far);
  event_free(event);
  assert_int_equal(event_base_dispatch(base), 1);
  assert_int_equal(seen.calls, 0);
  event_base_free(base);
  pair_close(&pair);
}

static void freeing_an_active_event_cancels_its_callback(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct tally seen = {0};
  struct event* event = event_new(base, -1, 0, count_call, &seen);
  event_active(event, EV_READ, 1);
  event_free(event);
  assert_int_equal(event_base_dispatch(base), 1);
  assert_int_equal(seen.calls, 0);
  event_base_free(base);
}

static void free_self(evutil_socket_t fd, short what, void* argument) {
  (void)fd;
  (void)what;
  struct lettered* self = argument;
  self->left--;
  event_free(self->event);
}

static void an_event_may_free_itself_in_its_callback(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct lettered self = {.left = 1};
  self.event = event_new(base, pair.near, EV_READ | EV_PERSIST, free_self, &self);
  struct timeval late = milliseconds(100000);
  event_add(self.event, &late);
  send_byte(pair.far);
  assert_int_equal(event_base_dispatch(base), 1);
  assert_int_equal(self.left, 0);
  event_base_free(base);
  pair_close(&pair);
}

static void keep_argument(evutil_socket_t fd, short what, void* argument) {
  (void)fd;
  (void)what;
  struct event** slot = event_get_callback_arg(argument) == argument ? argument : NULL;
  event_free((struct event*)slot);
}

static void the_self_argument_becomes_the_event(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct event* event = event_new(base, -1, 0, keep_argument, event_self_cbarg());
  assert_ptr_equal(event_get_callback_arg(event), event);
  event_active(event, EV_READ, 1);
  assert_int_equal(event_base_dispatch(base), 1);
  struct event owned;
  assert_int_equal(event_assign(&owned, base, -1, 0, count_call, event_self_cbarg()), 0);
  assert_ptr_equal(event_get_callback_arg(&owned), &owned);
  event_base_free(base);
}

static void the_self_argument_is_a_constant_address(void** state) {
  (void)state;
  assert_non_null(event_self_cbarg());
  assert_ptr_equal(event_self_cbarg(), event_self_cbarg());
}

static void an_idle_event_may_move_to_another_base(void** state) {
  (void)state;
  struct event_base* first = suite_base();
  struct event_base* second = suite_base();
  event_base_priority_init(second, 5);
  struct tally seen = {0};
  struct event* event = event_new(first, -1, 0, count_call, &seen);
  assert_int_equal(event_base_set(second, event), 0);
  assert_ptr_equal(event_get_base(event), second);
  assert_int_equal(event_get_priority(event), 2);
  event_active(event, EV_READ, 1);
  event_base_dispatch(first);
  assert_int_equal(seen.calls, 0);
  event_base_dispatch(second);
  assert_int_equal(seen.calls, 1);
  event_free(event);
  event_base_free(first);
  event_base_free(second);
}

static void a_pending_or_active_event_may_not_move(void** state) {
  (void)state;
  struct event_base* first = suite_base();
  struct event_base* second = suite_base();
  struct timeval late = milliseconds(100000);
  struct event* event = event_new(first, -1, 0, count_call, NULL);
  event_add(event, &late);
  assert_int_equal(event_base_set(second, event), -1);
  event_del(event);
  event_active(event, EV_READ, 1);
  assert_int_equal(event_base_set(second, event), -1);
  assert_ptr_equal(event_get_base(event), first);
  event_free(event);
  event_base_free(first);
  event_base_free(second);
}

static void the_assigning_macros_make_timers_and_signal_events(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct event timer, signal_event;
  memset(&timer, 0, sizeof timer);
  memset(&signal_event, 0, sizeof signal_event);
  assert_false(evtimer_initialized(&timer));
  assert_false(evsignal_initialized(&signal_event));
  assert_int_equal(evtimer_assign(&timer, base, count_call, NULL), 0);
  assert_int_equal(evsignal_assign(&signal_event, base, 10, count_call, NULL), 0);
  assert_true(evtimer_initialized(&timer));
  assert_true(evsignal_initialized(&signal_event));
  assert_int_equal(event_get_events(&timer), 0);
  assert_int_equal(event_get_fd(&timer), -1);
  assert_int_equal(event_get_events(&signal_event), EV_SIGNAL | EV_PERSIST);
  assert_int_equal(event_get_signal(&signal_event), 10);
  event_base_free(base);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(an_event_tells_everything_it_was_made_of),
    cmocka_unit_test(parts_of_the_assignment_that_nobody_wants_may_be_left_out),
    cmocka_unit_test(a_signal_event_gives_its_signal_as_descriptor),
    cmocka_unit_test(the_timeout_flag_given_at_creation_is_kept_and_means_nothing),
    cmocka_unit_test(the_caller_owned_size_is_that_of_the_struct),
    cmocka_unit_test(an_event_in_the_callers_storage_works),
    cmocka_unit_test(zeroed_storage_is_not_initialized_an_assigned_one_is),
    cmocka_unit_test(deleting_zeroed_storage_fails_quietly_and_it_is_never_pending),
    cmocka_unit_test(public_fields_follow_the_life_of_the_event),
    cmocka_unit_test(an_idle_event_may_be_assigned_again),
    cmocka_unit_test(assigning_again_restores_the_middle_priority),
    cmocka_unit_test(freeing_a_pending_event_deletes_it),
    cmocka_unit_test(freeing_an_active_event_cancels_its_callback),
    cmocka_unit_test(an_event_may_free_itself_in_its_callback),
    cmocka_unit_test(the_self_argument_becomes_the_event),
    cmocka_unit_test(the_self_argument_is_a_constant_address),
    cmocka_unit_test(the_assigning_macros_make_timers_and_signal_events),
    cmocka_unit_test(an_idle_event_may_move_to_another_base),
    cmocka_unit_test(a_pending_or_active_event_may_not_move),
};
DEFINE_GROUP(event_object, tests);
