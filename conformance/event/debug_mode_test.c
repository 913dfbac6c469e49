/* Debug mode: which misuse it catches, with what fatal message, what it lets pass, and that without
 * it the same misuse is not looked for.  Each misuse runs in a child whose fatal callback ends it.
 */
#include "conformance/event/suite.h"

#include <event2/event_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { abort_code = (int)0xdeaddead };

static struct event_base* debug_base(void) {
  event_enable_debug_mode();
  suite_start();
  return event_base_new();
}

/* An event that nobody set up; `which` says what is done to it. */
struct misuse {
  void (*deed)(struct event* event, struct event_base* base);
};

static void misuse_unassigned(void* argument) {
  struct misuse* misuse = argument;
  static struct event event;
  struct event_base* base = debug_base();
  event.ev_base = base;
  event.ev_fd = -1;
  misuse->deed(&event, base);
}

static void add_it(struct event* event, struct event_base* base) {
  (void)base;
  event_add(event, NULL);
}
static void delete_it(struct event* event, struct event_base* base) {
  (void)base;
  event_del(event);
}
static void activate_it(struct event* event, struct event_base* base) {
  (void)base;
  event_active(event, EV_READ, 1);
}
static void ask_it(struct event* event, struct event_base* base) {
  (void)base;
  event_pending(event, EV_READ, NULL);
}
static void set_its_priority(struct event* event, struct event_base* base) {
  (void)base;
  event_priority_set(event, 0);
}
static void get_its_fd(struct event* event, struct event_base* base) {
  (void)base;
  event_get_fd(event);
}
static void get_its_assignment(struct event* event, struct event_base* base) {
  (void)base;
  event_get_assignment(event, NULL, NULL, NULL, NULL, NULL);
}
static void get_its_base(struct event* event, struct event_base* base) {
  (void)base;
  event_get_base(event);
}
static void get_its_events(struct event* event, struct event_base* base) {
  (void)base;
  event_get_events(event);
}
static void get_its_callback(struct event* event, struct event_base* base) {
  (void)base;
  event_get_callback(event);
}
static void get_its_argument(struct event* event, struct event_base* base) {
  (void)base;
  event_get_callback_arg(event);
}
static void get_its_priority(struct event* event, struct event_base* base) {
  (void)base;
  event_get_priority(event);
}
static void remove_its_timer(struct event* event, struct event_base* base) {
  (void)base;
  event_remove_timer(event);
}

static void every_call_on_an_event_never_set_up_is_fatal(void** state) {
  (void)state;
  static const char other[] = "called on a non-initialized event";
  static const struct {
    void (*deed)(struct event*, struct event_base*);
    const char* message;
  } deeds[] = {
      {add_it, other},
      {delete_it, "noting a del on a non-setup event"},
      {activate_it, other},
      {ask_it, other},
      {set_its_priority, other},
      {get_its_fd, other},
      {get_its_assignment, other},
      {get_its_base, other},
      {get_its_events, other},
      {get_its_callback, other},
      {get_its_argument, other},
      {get_its_priority, other},
      {remove_its_timer, other},
  };
  for (size_t i = 0; i < sizeof deeds / sizeof deeds[0]; i++) {
    struct misuse misuse = {deeds[i].deed};
    char pattern[128];
    snprintf(pattern, sizeof pattern, "3 * %s 0x* (events: 0x0, fd: -1, flags: 0x0)",
             deeds[i].message);
    assert_fatal(misuse_unassigned, &misuse, pattern);
  }
}

static void disguise_and_set_its_base(struct event* event, struct event_base* base) {
  if (event_base_set(base, event) != -1) _exit(1);
  event->ev_evcallback.evcb_flags = EVLIST_INIT;
  event_base_set(base, event);
}

/* The call refuses anything that is not plainly initialised before debug mode looks at it. */
static void setting_the_base_of_an_event_that_only_looks_set_up_is_fatal(void** state) {
  (void)state;
  struct misuse misuse = {disguise_and_set_its_base};
  assert_fatal(misuse_unassigned, &misuse,
               "3 * called on a non-initialized event 0x* (events: 0x0, fd: -1, flags: 0x80)");
}

static void the_fatal_callback_is_told_to_abort(void** state) {
  (void)state;
  struct misuse misuse = {add_it};
  struct outcome outcome = run_in_child(misuse_unassigned, &misuse);
  assert_true(outcome.fatal);
  assert_int_equal(outcome.fatal_code, abort_code);
}

static void without_debug(void* unused) {
  (void)unused;
  static struct event event;
  struct event_base* base = suite_base();
  event.ev_base = base;
  event.ev_fd = -1;
  event_get_fd(&event);
  event_pending(&event, EV_READ, NULL);
}

static void without_debug_mode_nothing_of_the_kind_is_looked_for(void** state) {
  (void)state;
  assert_survives(without_debug, NULL);
}

static void assign_pending(void* unused) {
  (void)unused;
  struct event_base* base = debug_base();
  struct timeval late = milliseconds(100000);
  struct event* event = event_new(base, -1, 0, count_call, NULL);
  event_add(event, &late);
  event_assign(event, base, -1, 0, count_call, NULL);
}

static void assigning_a_pending_event_is_fatal(void** state) {
  (void)state;
  assert_fatal(assign_pending, NULL,
               "3 * called on an already added event 0x* (events: 0x0, fd: -1, flags: 0x81)");
}

static void set_pending(void* unused) {
  (void)unused;
  struct event_base* base = debug_base();
  struct timeval late = milliseconds(100000);
  struct event* event = event_new(base, -1, 0, count_call, NULL);
  event_add(event, &late);
  event_debug_unassign(event);
}

static void unassigning_a_pending_event_is_fatal(void** state) {
  (void)state;
  assert_fatal(set_pending, NULL, "3 * called on an already added event 0x*");
}

static void add_after_unassign(void* unused) {
  (void)unused;
  struct event_base* base = debug_base();
  struct event* event = event_new(base, -1, 0, count_call, NULL);
  event_debug_unassign(event);
  event_add(event, NULL);
}

static void an_unassigned_event_counts_as_never_set_up(void** state) {
  (void)state;
  assert_fatal(add_after_unassign, NULL, "3 * called on a non-initialized event 0x*");
}

static void unassigning_without_debug_mode_only_forgets_the_initialisation(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct event event;
  event_assign(&event, base, -1, 0, count_call, NULL);
  assert_true(event_initialized(&event));
  event_debug_unassign(&event);
  assert_false(event_initialized(&event));
  event_base_free(base);
}

static void use_after_free(void* unused) {
  (void)unused;
  struct event_base* base = debug_base();
  struct event* event = malloc(sizeof *event);
  event_assign(event, base, -1, 0, count_call, NULL);
  event_debug_unassign(event);
  event_del(event);
}

static void deleting_what_is_no_longer_set_up_is_fatal(void** state) {
  (void)state;
  assert_fatal(use_after_free, NULL, "3 * noting a del on a non-setup event 0x*");
}

static void watch_blocking(void* unused) {
  (void)unused;
  struct event_base* base = debug_base();
  int ends[2];
  if (pipe(ends) != 0) _exit(9);
  struct event* event = event_new(base, ends[0], EV_READ, count_call, NULL);
  event_add(event, NULL);
}

static void a_blocking_descriptor_is_fatal(void** state) {
  (void)state;
  assert_fatal(watch_blocking, NULL, "3 *Assertion * failed in *");
}

static void enable_twice(void* unused) {
  (void)unused;
  event_enable_debug_mode();
  event_enable_debug_mode();
}

static void enabling_twice_is_fatal(void** state) {
  (void)state;
  assert_fatal(enable_twice, NULL, "3 event_enable_debug_mode was called twice!");
}

static void enable_late(void* unused) {
  (void)unused;
  event_base_new();
  event_enable_debug_mode();
}

static void enabling_after_the_first_base_is_fatal(void** state) {
  (void)state;
  assert_fatal(enable_late, NULL,
               "3 event_enable_debug_mode must be called *before* creating any events or "
               "event_bases");
}

static void enable_after_event(void* unused) {
  (void)unused;
  struct event event;
  memset(&event, 0, sizeof event);
  event_assign(&event, NULL, -1, 0, count_call, NULL);
  event_enable_debug_mode();
}

static void enabling_after_the_first_event_is_fatal(void** state) {
  (void)state;
  assert_fatal(enable_after_event, NULL, "3 event_enable_debug_mode must be called *before* *");
}

static void correct_use_passes(void** state) {
  (void)state;
  struct event_base* base = debug_base();
  assert_non_null(base);
  struct pair pair = pair_open();
  struct tally seen = {0}, timed = {0};
  struct timeval soon = milliseconds(1);
  struct event owned;
  struct event* event = event_new(base, pair.near, EV_READ | EV_PERSIST, count_call, &seen);
  event_assign(&owned, base, -1, 0, count_call, &timed);
  assert_int_equal(event_add(event, NULL), 0);
  assert_int_equal(event_add(&owned, &soon), 0);
  send_byte(pair.far);
  while (seen.calls == 0 || timed.calls == 0)
    event_base_loop(base, EVLOOP_ONCE);
  event_assign(&owned, base, pair.far, EV_WRITE, count_call, &seen);
  assert_int_equal(event_add(&owned, NULL), 0);
  event_del(&owned);
  event_debug_unassign(&owned);
  event_free(event);
  event_base_free(base);
  pair_close(&pair);
}

static void many_events_are_tracked(void** state) {
  (void)state;
  enum { count = 3000 };
  static struct event* events[count];
  struct event_base* base = debug_base();
  for (int i = 0; i < count; i++)
    events[i] = event_new(base, -1, 0, count_call, NULL);
  for (int i = 0; i < count; i += 2)
    event_free(events[i]);
  for (int i = 1; i < count; i += 2)
    assert_int_equal(event_add(events[i], NULL), 0);
  for (int i = 1; i < count; i += 2)
    event_free(events[i]);
  event_base_free(base);
}

static void ignore_the_end(struct event* event, void* argument) {
  (void)event;
  (void)argument;
}

static void finalized_in_debug_mode(void* unused) {
  (void)unused;
  struct event_base* base = debug_base();
  struct event* event = event_new(base, -1, EV_FINALIZE, count_call, NULL);
  event_free_finalize(0, event, ignore_the_end);
  event_base_loop(base, EVLOOP_NONBLOCK);
  event_base_free(base);
}

static void finalizing_passes(void** state) {
  (void)state;
  assert_survives(finalized_in_debug_mode, NULL);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_call_on_an_event_never_set_up_is_fatal),
    cmocka_unit_test(setting_the_base_of_an_event_that_only_looks_set_up_is_fatal),
    cmocka_unit_test(the_fatal_callback_is_told_to_abort),
    cmocka_unit_test(without_debug_mode_nothing_of_the_kind_is_looked_for),
    cmocka_unit_test(assigning_a_pending_event_is_fatal),
    cmocka_unit_test(unassigning_a_pending_event_is_fatal),
    cmocka_unit_test(an_unassigned_event_counts_as_never_set_up),
    cmocka_unit_test(unassigning_without_debug_mode_only_forgets_the_initialisation),
    cmocka_unit_test(deleting_what_is_no_longer_set_up_is_fatal),
    cmocka_unit_test(a_blocking_descriptor_is_fatal),
    cmocka_unit_test(enabling_twice_is_fatal),
    cmocka_unit_test(enabling_after_the_first_base_is_fatal),
    cmocka_unit_test(enabling_after_the_first_event_is_fatal),
    cmocka_unit_test(correct_use_passes),
    cmocka_unit_test(many_events_are_tracked),
    cmocka_unit_test(finalizing_passes),
};
DEFINE_GROUP(debug_mode, tests);
