/* event_set_mem_functions: that every allocation goes through the hooks, that they pair, that the
 * pointers handed out are exactly the hooks', and what each call does when one gives nothing. */
#include "conformance/event/suite.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

static int allocated, released, moved;
static void* last;
static long budget = -1;

static int spent(void) {
  return budget == 0 || (budget > 0 && budget-- == 0);
}

static void* counted_malloc(size_t size) {
  if (spent()) return NULL;
  allocated++;
  return last = malloc(size);
}
static void* counted_realloc(void* old, size_t size) {
  if (spent()) return NULL;
  if (old == NULL) allocated++;
  moved++;
  return last = realloc(old, size);
}
static void counted_free(void* old) {
  if (old != NULL) released++;
  free(old);
}

static void hook(void) {
  event_set_mem_functions(counted_malloc, counted_realloc, counted_free);
}

static void an_event_is_one_allocation_and_the_hooks_own_pointer(void** state) {
  (void)state;
  hook();
  struct event_base* base = suite_base();
  int before = allocated;
  struct event* event = event_new(base, -1, 0, count_call, NULL);
  assert_int_equal(allocated, before + 1);
  assert_ptr_equal(event, last);
  before = released;
  event_free(event);
  assert_int_equal(released, before + 1);
  event_base_free(base);
}

static void a_base_is_the_first_pointer_that_the_hook_gave_for_it(void** state) {
  (void)state;
  suite_start();
  hook();
  struct event_config* config = event_config_new();
  assert_ptr_equal(config, last);
  event_config_free(config);
  struct event_base* base = event_base_new_with_config(NULL);
  assert_non_null(base);
  event_base_free(base);
}

static void everything_taken_is_given_back(void** state) {
  (void)state;
  hook();
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct timeval late = milliseconds(100000), duration = milliseconds(50000);
  struct event_config* config = event_config_new();
  event_config_avoid_method(config, "epoll");
  event_config_free(config);
  event_base_priority_init(base, 7);
  struct event* events[4] = {event_new(base, pair.near, EV_READ, count_call, NULL),
                             evsignal_new(base, SIGUSR1, count_call, NULL),
                             evtimer_new(base, count_call, NULL),
                             evtimer_new(base, count_call, NULL)};
  event_add(events[0], NULL);
  event_add(events[1], NULL);
  event_add(events[2], &late);
  event_add(events[3], event_base_init_common_timeout(base, &duration));
  event_base_once(base, -1, EV_TIMEOUT, count_call, NULL, &late);
  event_base_loop(base, EVLOOP_NONBLOCK);
  for (int i = 0; i < 4; i++)
    event_free(events[i]);
  event_base_free(base);
  struct evutil_monotonic_timer* timer = evutil_monotonic_timer_new();
  evutil_monotonic_timer_free(timer);
  libevent_global_shutdown();
  assert_true(allocated > 0);
  assert_int_equal(allocated, released);
  pair_close(&pair);
}

static void no_hook_means_the_usual_function(void** state) {
  (void)state;
  event_set_mem_functions(NULL, NULL, NULL);
  struct event_base* base = suite_base();
  struct event* event = event_new(base, -1, 0, count_call, NULL);
  assert_non_null(event);
  event_free(event);
  event_base_free(base);
}

static void an_event_that_cannot_be_allocated_is_null(void** state) {
  (void)state;
  hook();
  struct event_base* base = suite_base();
  budget = 0;
  assert_null(event_new(base, -1, 0, count_call, NULL));
  budget = -1;
  event_base_free(base);
}

static void a_configuration_that_cannot_be_allocated_is_null(void** state) {
  (void)state;
  hook();
  budget = 0;
  assert_null(event_config_new());
  budget = -1;
}

static void a_method_that_cannot_be_noted_is_reported(void** state) {
  (void)state;
  hook();
  struct event_config* config = event_config_new();
  budget = 0;
  assert_int_equal(event_config_avoid_method(config, "epoll"), -1);
  budget = 1;
  assert_int_equal(event_config_avoid_method(config, "epoll"), -1);
  budget = -1;
  event_config_free(config);
}

static void the_list_of_methods_may_fail_to_be_allocated(void** state) {
  (void)state;
  hook();
  budget = 0;
  assert_null(event_get_supported_methods());
  budget = -1;
  assert_non_null(event_get_supported_methods());
}

static void a_timer_object_that_cannot_be_allocated_is_null(void** state) {
  (void)state;
  hook();
  budget = 0;
  assert_null(evutil_monotonic_timer_new());
  budget = -1;
}

static void priorities_that_cannot_be_allocated_leave_the_base_usable(void** state) {
  (void)state;
  hook();
  struct event_base* base = suite_base();
  struct tally seen = {0};
  log_capture();
  budget = 0;
  assert_int_equal(event_base_priority_init(base, 64), -1);
  budget = -1;
  assert_int_equal(event_base_priority_init(base, 2), 0);
  struct event* event = event_new(base, -1, 0, count_call, &seen);
  event_active(event, EV_READ, 1);
  event_base_dispatch(base);
  assert_int_equal(seen.calls, 1);
  event_free(event);
  event_base_free(base);
}

static void a_common_timeout_that_cannot_be_allocated_is_null(void** state) {
  (void)state;
  hook();
  struct event_base* base = suite_base();
  struct timeval duration = milliseconds(50000);
  log_capture();
  budget = 0;
  assert_null(event_base_init_common_timeout(base, &duration));
  budget = -1;
  assert_non_null(event_base_init_common_timeout(base, &duration));
  event_base_free(base);
}

static void an_event_once_that_cannot_be_allocated_is_refused(void** state) {
  (void)state;
  hook();
  struct event_base* base = suite_base();
  budget = 0;
  assert_int_equal(event_base_once(base, -1, EV_TIMEOUT, count_call, NULL, NULL), -1);
  budget = -1;
  assert_int_equal(event_base_dispatch(base), 1);
  event_base_free(base);
}

static void an_addition_that_cannot_be_recorded_fails_and_may_be_tried_again(void** state) {
  (void)state;
  hook();
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct tally seen = {0};
  struct timeval late = milliseconds(100000);
  struct event* event = event_new(base, pair.near, EV_READ, count_call, &seen);
  log_capture();
  int failures = 0;
  for (budget = 0; budget < 20; budget++) {
    long this_budget = budget;
    int answer = event_add(event, &late);
    budget = this_budget;
    if (answer == 0) break;
    assert_int_equal(answer, -1);
    assert_int_equal(event_pending(event, EV_READ | EV_TIMEOUT, NULL), 0);
    failures++;
  }
  assert_true(failures < 20);
  budget = -1;
  send_byte(pair.far);
  event_base_dispatch(base);
  assert_int_equal(seen.calls, 1);
  event_free(event);
  event_base_free(base);
  pair_close(&pair);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(an_event_is_one_allocation_and_the_hooks_own_pointer),
    cmocka_unit_test(a_base_is_the_first_pointer_that_the_hook_gave_for_it),
    cmocka_unit_test(everything_taken_is_given_back),
    cmocka_unit_test(no_hook_means_the_usual_function),
    cmocka_unit_test(an_event_that_cannot_be_allocated_is_null),
    cmocka_unit_test(a_configuration_that_cannot_be_allocated_is_null),
    cmocka_unit_test(a_method_that_cannot_be_noted_is_reported),
    cmocka_unit_test(the_list_of_methods_may_fail_to_be_allocated),
    cmocka_unit_test(a_timer_object_that_cannot_be_allocated_is_null),
    cmocka_unit_test(priorities_that_cannot_be_allocated_leave_the_base_usable),
    cmocka_unit_test(a_common_timeout_that_cannot_be_allocated_is_null),
    cmocka_unit_test(an_event_once_that_cannot_be_allocated_is_refused),
    cmocka_unit_test(an_addition_that_cannot_be_recorded_fails_and_may_be_tried_again),
};
DEFINE_GROUP(memory, tests);
