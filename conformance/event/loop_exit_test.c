/* Leaving the loop: loopbreak, loopexit now and later, loopcontinue, and what got_break and
 * got_exit say before, during and after. */
#include "conformance/event/suite.h"

static void break_the_loop(evutil_socket_t fd, short what, void* argument) {
  struct lettered* self = argument;
  write_letter(fd, what, argument);
  event_base_loopbreak(self->base);
}

static void exit_the_loop(evutil_socket_t fd, short what, void* argument) {
  struct lettered* self = argument;
  write_letter(fd, what, argument);
  event_base_loopexit(self->base, NULL);
}

static void continue_the_loop(evutil_socket_t fd, short what, void* argument) {
  struct lettered* self = argument;
  write_letter(fd, what, argument);
  event_base_loopcontinue(self->base);
}

/* Three active events a, b, c of which b does `deed`. */
struct trio {
  struct event_base* base;
  struct letters order;
  struct lettered members[3];
};

static void trio_make(struct trio* trio, event_callback_fn deed) {
  *trio = (struct trio){.base = suite_base()};
  for (int i = 0; i < 3; i++) {
    struct lettered* member = &trio->members[i];
    *member =
        (struct lettered){.letters = &trio->order, .letter = (char)('a' + i), .base = trio->base};
    member->event = event_new(trio->base, -1, 0, i == 1 ? deed : write_letter, member);
    event_active(member->event, EV_READ, 1);
  }
}

static void trio_free(struct trio* trio) {
  for (int i = 0; i < 3; i++)
    event_free(trio->members[i].event);
  event_base_free(trio->base);
}

static void loopbreak_leaves_before_the_next_callback(void** state) {
  (void)state;
  struct trio trio;
  trio_make(&trio, break_the_loop);
  assert_int_equal(event_base_dispatch(trio.base), 0);
  assert_string_equal(trio.order.text, "ab");
  assert_true(event_base_got_break(trio.base));
  assert_false(event_base_got_exit(trio.base));
  trio_free(&trio);
}

static void what_a_break_left_active_runs_in_the_next_loop(void** state) {
  (void)state;
  struct trio trio;
  trio_make(&trio, break_the_loop);
  event_base_dispatch(trio.base);
  assert_int_equal(event_base_dispatch(trio.base), 1);
  assert_string_equal(trio.order.text, "abc");
  assert_false(event_base_got_break(trio.base));
  trio_free(&trio);
}

static void loopexit_lets_every_active_callback_run_first(void** state) {
  (void)state;
  struct trio trio;
  trio_make(&trio, exit_the_loop);
  struct tally seen = {0};
  struct timeval late = milliseconds(100000);
  struct event* timer = evtimer_new(trio.base, count_call, &seen);
  evtimer_add(timer, &late);
  assert_int_equal(event_base_dispatch(trio.base), 0);
  assert_string_equal(trio.order.text, "abc");
  assert_true(event_base_got_exit(trio.base));
  assert_false(event_base_got_break(trio.base));
  event_free(timer);
  trio_free(&trio);
}

static void loopcontinue_starts_the_turn_again_and_loses_nothing(void** state) {
  (void)state;
  struct trio trio;
  trio_make(&trio, continue_the_loop);
  assert_int_equal(event_base_dispatch(trio.base), 1);
  assert_string_equal(trio.order.text, "abc");
  assert_false(event_base_got_break(trio.base));
  assert_false(event_base_got_exit(trio.base));
  trio_free(&trio);
}

struct sender {
  struct lettered as_letter;
  int socket;
};

static void send_and_continue(evutil_socket_t fd, short what, void* argument) {
  struct sender* self = argument;
  send_byte(self->socket);
  continue_the_loop(fd, what, &self->as_letter);
}

static void loopcontinue_scans_before_the_rest_of_the_batch(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct letters order = {0};
  struct pair pair = pair_open();
  assert_int_equal(event_base_priority_init(base, 2), 0);
  struct lettered urgent = {.letters = &order, .letter = 'u'};
  struct lettered last = {.letters = &order, .letter = 'l'};
  struct sender first = {{.letters = &order, .letter = 'f', .base = base}, pair.far};
  urgent.event = event_new(base, pair.near, EV_READ, write_letter, &urgent);
  struct event* sender = event_new(base, -1, 0, send_and_continue, &first);
  last.event = event_new(base, -1, 0, write_letter, &last);
  event_priority_set(urgent.event, 0);
  event_priority_set(sender, 1);
  event_priority_set(last.event, 1);
  event_add(urgent.event, NULL);
  event_active(sender, EV_READ, 1);
  event_active(last.event, EV_READ, 1);
  event_base_dispatch(base);
  assert_string_equal(order.text, "ful");
  event_free(urgent.event);
  event_free(sender);
  event_free(last.event);
  event_base_free(base);
  pair_close(&pair);
}

static void a_break_asked_before_the_loop_is_forgotten_when_it_starts(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct tally seen = {0};
  struct event* event = event_new(base, -1, 0, count_call, &seen);
  assert_int_equal(event_base_loopbreak(base), 0);
  assert_true(event_base_got_break(base));
  event_active(event, EV_READ, 1);
  assert_int_equal(event_base_dispatch(base), 1);
  assert_int_equal(seen.calls, 1);
  assert_false(event_base_got_break(base));
  event_free(event);
  event_base_free(base);
}

static void an_exit_asked_before_the_loop_holds_for_it(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct tally seen = {0};
  struct event* event = event_new(base, pair.near, EV_READ, count_call, &seen);
  event_add(event, NULL);
  assert_int_equal(event_base_loopexit(base, NULL), 0);
  assert_false(event_base_got_exit(base));
  assert_int_equal(event_base_dispatch(base), 0);
  assert_true(event_base_got_exit(base));
  assert_int_equal(seen.calls, 0);
  event_free(event);
  event_base_free(base);
  pair_close(&pair);
}

static void a_timed_exit_comes_neither_early_nor_never(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct event* event = event_new(base, pair.near, EV_READ, count_call, NULL);
  struct timeval delay = milliseconds(30);
  event_add(event, NULL);
  long long before = base_clock(base);
  assert_int_equal(event_base_loopexit(base, &delay), 0);
  assert_int_equal(event_base_dispatch(base), 0);
  assert_true(base_clock(base) - before >= 30000);
  assert_true(event_base_got_exit(base));
  event_free(event);
  event_base_free(base);
  pair_close(&pair);
}

static void after_an_exit_the_loop_may_be_entered_again(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct tally seen = {0};
  event_base_loopexit(base, NULL);
  event_base_dispatch(base);
  struct event* event = event_new(base, -1, 0, count_call, &seen);
  event_active(event, EV_READ, 1);
  assert_int_equal(event_base_dispatch(base), 1);
  assert_false(event_base_got_exit(base));
  assert_int_equal(seen.calls, 1);
  event_free(event);
  event_base_free(base);
}

static void a_pending_timed_exit_keeps_the_loop_running(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct timeval delay = milliseconds(20);
  long long before = base_clock(base);
  event_base_loopexit(base, &delay);
  assert_int_equal(event_base_dispatch(base), 0);
  assert_true(base_clock(base) - before >= 20000);
  event_base_free(base);
}

static void a_continue_outside_the_loop_has_no_effect(void** state) {
  (void)state;
  struct trio trio;
  trio_make(&trio, write_letter);
  assert_int_equal(event_base_loopcontinue(trio.base), 0);
  assert_int_equal(event_base_dispatch(trio.base), 1);
  assert_string_equal(trio.order.text, "abc");
  trio_free(&trio);
}

static void break_and_exit(evutil_socket_t fd, short what, void* argument) {
  exit_the_loop(fd, what, argument);
  event_base_loopbreak(((struct lettered*)argument)->base);
}

static void a_break_and_an_exit_together_break_now_and_exit_the_next_loop(void** state) {
  (void)state;
  struct trio trio;
  trio_make(&trio, break_and_exit);
  assert_int_equal(event_base_dispatch(trio.base), 0);
  assert_string_equal(trio.order.text, "ab");
  assert_true(event_base_got_break(trio.base));
  assert_false(event_base_got_exit(trio.base));
  trio_free(&trio);
}

static void nothing_to_break_or_continue_is_refused(void** state) {
  (void)state;
  suite_start();
  assert_int_equal(event_base_loopbreak(NULL), -1);
  assert_int_equal(event_base_loopcontinue(NULL), -1);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(loopbreak_leaves_before_the_next_callback),
    cmocka_unit_test(what_a_break_left_active_runs_in_the_next_loop),
    cmocka_unit_test(loopexit_lets_every_active_callback_run_first),
    cmocka_unit_test(loopcontinue_starts_the_turn_again_and_loses_nothing),
    cmocka_unit_test(loopcontinue_scans_before_the_rest_of_the_batch),
    cmocka_unit_test(a_break_asked_before_the_loop_is_forgotten_when_it_starts),
    cmocka_unit_test(an_exit_asked_before_the_loop_holds_for_it),
    cmocka_unit_test(a_timed_exit_comes_neither_early_nor_never),
    cmocka_unit_test(after_an_exit_the_loop_may_be_entered_again),
    cmocka_unit_test(a_pending_timed_exit_keeps_the_loop_running),
    cmocka_unit_test(a_continue_outside_the_loop_has_no_effect),
    cmocka_unit_test(a_break_and_an_exit_together_break_now_and_exit_the_next_loop),
    cmocka_unit_test(nothing_to_break_or_continue_is_refused),
};
DEFINE_GROUP(loop_exit, tests);
