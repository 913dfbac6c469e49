/* Priorities: how many there are, which an event gets, in which order callbacks of several run, how
 * an urgent one overtakes, and the limits of one dispatch (max_dispatch_interval). */
#include "conformance/event/suite.h"

#include <string.h>

static void a_base_has_one_priority_until_told_otherwise(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  assert_int_equal(event_base_get_npriorities(base), 1);
  assert_int_equal(event_base_priority_init(base, 5), 0);
  assert_int_equal(event_base_get_npriorities(base), 5);
  assert_int_equal(event_base_priority_init(base, 3), 0);
  assert_int_equal(event_base_get_npriorities(base), 3);
  event_base_free(base);
}

static void the_number_of_priorities_must_be_from_one_to_the_largest(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  assert_int_equal(event_base_priority_init(base, 0), -1);
  assert_int_equal(event_base_priority_init(base, -1), -1);
  assert_int_equal(event_base_priority_init(base, EVENT_MAX_PRIORITIES), -1);
  assert_int_equal(event_base_get_npriorities(base), 1);
  assert_int_equal(event_base_priority_init(base, EVENT_MAX_PRIORITIES - 1), 0);
  assert_int_equal(event_base_get_npriorities(base), EVENT_MAX_PRIORITIES - 1);
  event_base_free(base);
}

static void an_event_starts_in_the_middle(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  static const int counts[] = {1, 2, 3, 4, 5, 8};
  static const int middles[] = {0, 1, 1, 2, 2, 4};
  for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
    assert_int_equal(event_base_priority_init(base, counts[i]), 0);
    struct event* event = event_new(base, -1, 0, count_call, NULL);
    assert_int_equal(event_get_priority(event), middles[i]);
    event_free(event);
  }
  event_base_free(base);
}

static void a_priority_is_set_within_what_the_base_has(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  event_base_priority_init(base, 3);
  struct event* event = event_new(base, -1, 0, count_call, NULL);
  assert_int_equal(event_priority_set(event, 0), 0);
  assert_int_equal(event_get_priority(event), 0);
  assert_int_equal(event_priority_set(event, 2), 0);
  assert_int_equal(event_priority_set(event, 3), -1);
  assert_int_equal(event_priority_set(event, -1), -1);
  assert_int_equal(event_get_priority(event), 2);
  event_free(event);
  event_base_free(base);
}

static void a_pending_event_may_change_priority_an_active_one_may_not(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  event_base_priority_init(base, 2);
  struct event* event = event_new(base, pair.near, EV_READ, count_call, &(struct tally){0});
  event_add(event, NULL);
  assert_int_equal(event_priority_set(event, 0), 0);
  event_active(event, EV_READ, 1);
  assert_int_equal(event_priority_set(event, 1), -1);
  assert_int_equal(event_get_priority(event), 0);
  event_free(event);
  event_base_free(base);
  pair_close(&pair);
}

static void the_number_cannot_change_while_callbacks_are_active(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct event* event = event_new(base, -1, 0, count_call, &(struct tally){0});
  event_active(event, EV_READ, 1);
  assert_int_equal(event_base_priority_init(base, 4), -1);
  event_base_dispatch(base);
  assert_int_equal(event_base_priority_init(base, 4), 0);
  event_free(event);
  event_base_free(base);
}

struct field {
  struct event_base* base;
  struct letters order;
  struct lettered members[6];
  int count;
};

static void field_make(struct field* field, struct event_base* base, int priorities,
                       const int* priority_of, int count) {
  *field = (struct field){.base = base, .count = count};
  assert_int_equal(event_base_priority_init(base, priorities), 0);
  for (int i = 0; i < count; i++) {
    struct lettered* member = &field->members[i];
    *member = (struct lettered){.letters = &field->order, .letter = (char)('a' + i), .base = base};
    member->event = event_new(base, -1, 0, write_letter, member);
    assert_int_equal(event_priority_set(member->event, priority_of[i]), 0);
  }
}

static void field_activate(struct field* field) {
  for (int i = 0; i < field->count; i++)
    event_active(field->members[i].event, EV_READ, 1);
}

static void field_free(struct field* field) {
  for (int i = 0; i < field->count; i++)
    event_free(field->members[i].event);
  event_base_free(field->base);
}

static void callbacks_run_by_priority_and_within_it_as_activated(void** state) {
  (void)state;
  struct field field;
  field_make(&field, suite_base(), 3, (const int[]){2, 0, 1, 0, 2, 1}, 6);
  field_activate(&field);
  event_base_dispatch(field.base);
  assert_string_equal(field.order.text, "bdcfae");
  field_free(&field);
}

static void one_turn_runs_one_priority_only(void** state) {
  (void)state;
  struct field field;
  field_make(&field, suite_base(), 3, (const int[]){2, 0, 1}, 3);
  field_activate(&field);
  event_base_loop(field.base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
  assert_string_equal(field.order.text, "bca");
  field_free(&field);
}

struct overtaking {
  struct lettered as_letter;
  struct event* urgent;
};

static void activate_urgent(evutil_socket_t fd, short what, void* argument) {
  struct overtaking* self = argument;
  write_letter(fd, what, &self->as_letter);
  event_active(self->urgent, EV_READ, 1);
}

static void an_urgent_event_made_active_by_a_callback_runs_next(void** state) {
  (void)state;
  struct field field;
  field_make(&field, suite_base(), 2, (const int[]){0, 1, 1}, 3);
  struct overtaking waker = {.as_letter = {.letters = &field.order, .letter = 'w'}};
  waker.urgent = field.members[0].event;
  struct event* event = event_new(field.base, -1, 0, activate_urgent, &waker);
  event_priority_set(event, 1);
  event_active(event, EV_READ, 1);
  event_active(field.members[1].event, EV_READ, 1);
  event_active(field.members[2].event, EV_READ, 1);
  event_base_dispatch(field.base);
  assert_string_equal(field.order.text, "wabc");
  event_free(event);
  field_free(&field);
}

static void a_lesser_event_made_active_by_a_callback_waits(void** state) {
  (void)state;
  struct field field;
  field_make(&field, suite_base(), 2, (const int[]){1, 0, 0}, 3);
  struct overtaking waker = {.as_letter = {.letters = &field.order, .letter = 'w'}};
  waker.urgent = field.members[0].event;
  struct event* event = event_new(field.base, -1, 0, activate_urgent, &waker);
  event_priority_set(event, 0);
  event_active(event, EV_READ, 1);
  event_active(field.members[1].event, EV_READ, 1);
  event_active(field.members[2].event, EV_READ, 1);
  event_base_dispatch(field.base);
  assert_string_equal(field.order.text, "wbca");
  event_free(event);
  field_free(&field);
}

struct hog {
  struct lettered as_letter;
  int socket;
};

static void hog_the_loop(evutil_socket_t fd, short what, void* argument) {
  struct hog* self = argument;
  write_letter(fd, what, &self->as_letter);
  if (self->as_letter.left-- == 3) send_byte(self->socket);
  if (self->as_letter.left > 0) event_active(self->as_letter.event, EV_READ, 1);
}

/* Four events of priority 1; the first makes a socket of priority 0 readable. */
static void run_with_limits(const struct timeval* interval, int callbacks, int min_priority,
                            const char* expected) {
  suite_start();
  struct event_config* config = event_config_new();
  assert_int_equal(
      event_config_set_max_dispatch_interval(config, interval, callbacks, min_priority), 0);
  struct event_base* base = event_base_new_with_config(config);
  assert_non_null(base);
  event_config_free(config);
  struct field field;
  struct pair pair = pair_open();
  field_make(&field, base, 3, (const int[]){0, 1, 1, 1}, 4);
  event_free(field.members[0].event);
  field.members[0].event = event_new(base, pair.near, EV_READ, write_letter, &field.members[0]);
  event_priority_set(field.members[0].event, 0);
  event_add(field.members[0].event, NULL);
  struct hog hog = {.as_letter = {.letters = &field.order, .letter = 'h', .left = 3},
                    .socket = pair.far};
  hog.as_letter.event = event_new(base, -1, 0, hog_the_loop, &hog);
  event_priority_set(hog.as_letter.event, 1);
  event_active(hog.as_letter.event, EV_READ, 1);
  for (int i = 1; i < 4; i++)
    event_active(field.members[i].event, EV_READ, 1);
  hog.as_letter.left = 3;
  event_base_dispatch(base);
  assert_string_equal(field.order.text, expected);
  event_free(hog.as_letter.event);
  field_free(&field);
  pair_close(&pair);
}

static void without_limits_a_batch_runs_to_its_end(void** state) {
  (void)state;
  run_with_limits(NULL, -1, 0, "hbcdhha");
}

static void a_limit_on_callbacks_looks_for_urgent_events_in_between(void** state) {
  (void)state;
  run_with_limits(NULL, 1, 0, "habcdhh");
}

static void a_larger_limit_looks_later(void** state) {
  (void)state;
  run_with_limits(NULL, 2, 0, "hbacdhh");
}

static void a_limit_does_not_hold_for_priorities_more_urgent_than_its_least(void** state) {
  (void)state;
  run_with_limits(NULL, 1, 2, "hbcdhha");
  run_with_limits(NULL, 1, 1, "habcdhh");
}

static void a_spent_interval_looks_for_urgent_events_in_between(void** state) {
  (void)state;
  struct timeval nothing = {0, 0};
  run_with_limits(&nothing, -1, 0, "habcdhh");
}

static void a_long_interval_changes_nothing(void** state) {
  (void)state;
  struct timeval minute = milliseconds(60000);
  run_with_limits(&minute, -1, 0, "hbcdhha");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_base_has_one_priority_until_told_otherwise),
    cmocka_unit_test(the_number_of_priorities_must_be_from_one_to_the_largest),
    cmocka_unit_test(an_event_starts_in_the_middle),
    cmocka_unit_test(a_priority_is_set_within_what_the_base_has),
    cmocka_unit_test(a_pending_event_may_change_priority_an_active_one_may_not),
    cmocka_unit_test(the_number_cannot_change_while_callbacks_are_active),
    cmocka_unit_test(callbacks_run_by_priority_and_within_it_as_activated),
    cmocka_unit_test(one_turn_runs_one_priority_only),
    cmocka_unit_test(an_urgent_event_made_active_by_a_callback_runs_next),
    cmocka_unit_test(a_lesser_event_made_active_by_a_callback_waits),
    cmocka_unit_test(without_limits_a_batch_runs_to_its_end),
    cmocka_unit_test(a_limit_on_callbacks_looks_for_urgent_events_in_between),
    cmocka_unit_test(a_larger_limit_looks_later),
    cmocka_unit_test(a_limit_does_not_hold_for_priorities_more_urgent_than_its_least),
    cmocka_unit_test(a_spent_interval_looks_for_urgent_events_in_between),
    cmocka_unit_test(a_long_interval_changes_nothing),
};
DEFINE_GROUP(priority, tests);
