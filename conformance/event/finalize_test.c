/* Finalizers: when they run, with what, what an event can no longer do once one is asked for, and
 * what freeing the base does to those still waiting. */
#include "conformance/event/suite.h"

#include <event2/event_struct.h>
#include <stdlib.h>

struct ending {
  int finalized;
  struct event* event;
  int calls;
  struct event_base* base;
};

static void note_the_end(struct event* event, void* argument) {
  struct ending* ending = argument;
  ending->finalized++;
  ending->event = event;
}

static void note_a_call(evutil_socket_t fd, short what, void* argument) {
  (void)fd;
  (void)what;
  ((struct ending*)argument)->calls++;
}

static void a_finalizer_runs_in_the_loop_with_the_event_and_its_argument(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct ending ending = {0};
  struct event* event = event_new(base, -1, EV_FINALIZE, note_a_call, &ending);
  assert_int_equal(event_finalize(0, event, note_the_end), 0);
  assert_int_equal(ending.finalized, 0);
  assert_int_equal(event_base_dispatch(base), 1);
  assert_int_equal(ending.finalized, 1);
  assert_ptr_equal(ending.event, event);
  assert_int_equal(ending.calls, 0);
  event_free(event);
  event_base_free(base);
}

static void finalizing_cancels_what_was_pending_and_active(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct ending ending = {0};
  struct timeval soon = milliseconds(1);
  struct event* event =
      event_new(base, pair.near, EV_READ | EV_PERSIST | EV_FINALIZE, note_a_call, &ending);
  event_add(event, &soon);
  send_byte(pair.far);
  event_active(event, EV_READ, 1);
  assert_int_equal(event_finalize(0, event, note_the_end), 0);
  assert_int_equal(event_pending(event, EV_READ | EV_TIMEOUT, NULL), 0);
  assert_int_equal(event_base_dispatch(base), 1);
  assert_int_equal(ending.calls, 0);
  assert_int_equal(ending.finalized, 1);
  event_base_free(base);
  pair_close(&pair);
  free(event);
}

static void an_event_being_finalized_cannot_be_revived(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct ending ending = {0};
  struct timeval soon = milliseconds(1);
  struct event* event = event_new(base, -1, EV_FINALIZE, note_a_call, &ending);
  event_finalize(0, event, note_the_end);
  assert_int_equal(event_add(event, &soon), -1);
  event_active(event, EV_READ, 1);
  assert_int_equal(event_del(event), 0);
  assert_int_equal(event_priority_set(event, 0), -1);
  assert_int_equal(event_base_dispatch(base), 1);
  assert_int_equal(ending.calls, 0);
  assert_int_equal(ending.finalized, 1);
  event_free(event);
  event_base_free(base);
}

static void freeing_with_a_finalizer_frees_after_it_ran(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct ending ending = {0};
  struct event* event = event_new(base, -1, EV_FINALIZE, note_a_call, &ending);
  assert_int_equal(event_free_finalize(0, event, note_the_end), 0);
  assert_int_equal(event_base_dispatch(base), 1);
  assert_int_equal(ending.finalized, 1);
  event_base_free(base);
}

static void an_event_made_without_the_flag_may_be_finalized_too(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct ending ending = {0};
  struct event* event = event_new(base, -1, 0, note_a_call, &ending);
  assert_int_equal(event_free_finalize(0, event, note_the_end), 0);
  event_base_dispatch(base);
  assert_int_equal(ending.finalized, 1);
  event_base_free(base);
}

static void finalize_self(evutil_socket_t fd, short what, void* argument) {
  note_a_call(fd, what, argument);
  struct ending* ending = argument;
  event_free_finalize(0, ending->event, note_the_end);
}

static void an_event_may_finalize_itself_in_its_callback(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct ending ending = {0};
  ending.event = event_new(base, -1, EV_PERSIST | EV_FINALIZE, finalize_self, &ending);
  event_active(ending.event, EV_READ, 1);
  assert_int_equal(event_base_dispatch(base), 1);
  assert_int_equal(ending.calls, 1);
  assert_int_equal(ending.finalized, 1);
  event_base_free(base);
}

static void a_finalizer_takes_the_place_of_its_priority(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct ending ending = {0};
  struct letters order = {0};
  event_base_priority_init(base, 2);
  struct lettered urgent = {.letters = &order, .letter = 'u'};
  struct event* event = event_new(base, -1, EV_FINALIZE, note_a_call, &ending);
  urgent.event = event_new(base, -1, 0, write_letter, &urgent);
  event_priority_set(event, 1);
  event_priority_set(urgent.event, 0);
  event_finalize(0, event, note_the_end);
  event_active(urgent.event, EV_READ, 1);
  assert_int_equal(event_base_get_num_events(base, EVENT_BASE_COUNT_ACTIVE), 2);
  event_base_dispatch(base);
  assert_string_equal(order.text, "u");
  assert_int_equal(ending.finalized, 1);
  event_free(event);
  event_free(urgent.event);
  event_base_free(base);
}

static void freeing_the_base_runs_the_finalizers_that_wait(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct ending ending = {0};
  struct event* owned = event_new(base, -1, EV_FINALIZE, note_a_call, &ending);
  struct event* given = event_new(base, -1, EV_FINALIZE, note_a_call, &ending);
  event_finalize(0, owned, note_the_end);
  event_free_finalize(0, given, note_the_end);
  event_base_free(base);
  assert_int_equal(ending.finalized, 2);
  free(owned);
}

static void freeing_the_base_without_finalizing_runs_none(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct ending ending = {0};
  struct event* event = event_new(base, -1, EV_FINALIZE, note_a_call, &ending);
  event_finalize(0, event, note_the_end);
  event_base_free_nofinalize(base);
  assert_int_equal(ending.finalized, 0);
  assert_int_equal(ending.calls, 0);
  free(event);
}

static void freeing_the_base_without_finalizing_frees_an_ordinary_base(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct event timer;
  struct timeval late = milliseconds(100000);
  evtimer_assign(&timer, base, count_call, NULL);
  evtimer_add(&timer, &late);
  event_base_free_nofinalize(base);
  assert_int_equal(timer.ev_evcallback.evcb_flags & EVLIST_ALL, EVLIST_INIT);
}

static void an_event_without_a_base_cannot_be_finalized(void** state) {
  (void)state;
  suite_start();
  struct event* event = event_new(NULL, -1, EV_FINALIZE, note_a_call, NULL);
  log_capture();
  assert_int_equal(event_finalize(0, event, note_the_end), -1);
  assert_matches(log_text(), "2 *: event has no event_base set.");
  assert_int_equal(event_free_finalize(0, event, note_the_end), -1);
  event_free(event);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_finalizer_runs_in_the_loop_with_the_event_and_its_argument),
    cmocka_unit_test(finalizing_cancels_what_was_pending_and_active),
    cmocka_unit_test(an_event_being_finalized_cannot_be_revived),
    cmocka_unit_test(freeing_with_a_finalizer_frees_after_it_ran),
    cmocka_unit_test(an_event_made_without_the_flag_may_be_finalized_too),
    cmocka_unit_test(an_event_may_finalize_itself_in_its_callback),
    cmocka_unit_test(a_finalizer_takes_the_place_of_its_priority),
    cmocka_unit_test(freeing_the_base_runs_the_finalizers_that_wait),
    cmocka_unit_test(freeing_the_base_without_finalizing_runs_none),
    cmocka_unit_test(freeing_the_base_without_finalizing_frees_an_ordinary_base),
    cmocka_unit_test(an_event_without_a_base_cannot_be_finalized),
};
DEFINE_GROUP(finalize, tests);
