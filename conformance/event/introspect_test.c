/* Counts, maxima, the running event and the walk over all events.  The printed form of the same is
 * dump_test.c's. */
#include "conformance/event/suite.h"

#include <event2/event_struct.h>
#include <signal.h>

enum {
  active = EVENT_BASE_COUNT_ACTIVE,
  virtual = EVENT_BASE_COUNT_VIRTUAL,
  added = EVENT_BASE_COUNT_ADDED
};

static void counts_are_memberships_of_queues(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct timeval late = milliseconds(100000);
  struct event* event = event_new(base, pair.near, EV_READ | EV_PERSIST, count_call, NULL);
  assert_int_equal(event_base_get_num_events(base, added), 0);
  event_add(event, NULL);
  assert_int_equal(event_base_get_num_events(base, added), 1);
  event_add(event, &late);
  assert_int_equal(event_base_get_num_events(base, added), 2);
  assert_int_equal(event_base_get_num_events(base, active), 0);
  event_active(event, EV_READ, 1);
  assert_int_equal(event_base_get_num_events(base, active), 1);
  assert_int_equal(event_base_get_num_events(base, added), 3);
  assert_int_equal(event_base_get_num_events(base, added | active), 4);
  assert_int_equal(event_base_get_num_events(base, virtual), 0);
  assert_int_equal(event_base_get_num_events(base, 0), 0);
  event_del(event);
  assert_int_equal(event_base_get_num_events(base, added | active | virtual), 0);
  event_free(event);
  event_base_free(base);
  pair_close(&pair);
}

static void the_librarys_own_events_are_not_counted(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct timeval duration = milliseconds(50000);
  const struct timeval* common = event_base_init_common_timeout(base, &duration);
  struct event* signal_event = evsignal_new(base, SIGUSR1, count_call, NULL);
  struct event* timer = evtimer_new(base, count_call, NULL);
  event_add(signal_event, NULL);
  assert_int_equal(event_base_get_num_events(base, added), 1);
  evtimer_add(timer, common);
  assert_int_equal(event_base_get_num_events(base, added), 2);
  event_free(signal_event);
  event_free(timer);
  event_base_free(base);
}

static void maxima_keep_the_highest_count_until_cleared(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct event* events[3];
  struct tally seen = {0};
  struct timeval late = milliseconds(100000);
  event_base_get_max_events(base, added | active | virtual, 1);
  for (int i = 0; i < 3; i++) {
    events[i] = evtimer_new(base, count_call, &seen);
    event_add(events[i], &late);
  }
  event_active(events[0], EV_READ, 1);
  event_del(events[1]);
  event_del(events[2]);
  event_base_loop(base, EVLOOP_NONBLOCK);
  assert_int_equal(event_base_get_num_events(base, added), 0);
  assert_int_equal(event_base_get_max_events(base, added, 0), 4);
  assert_int_equal(event_base_get_max_events(base, active, 0), 1);
  assert_int_equal(event_base_get_max_events(base, added | active, 0), 5);
  assert_int_equal(event_base_get_max_events(base, virtual, 0), 0);
  assert_int_equal(event_base_get_max_events(base, added, 1), 4);
  assert_int_equal(event_base_get_max_events(base, added, 0), 0);
  assert_int_equal(event_base_get_max_events(base, active, 1), 1);
  assert_int_equal(event_base_get_max_events(base, active, 0), 0);
  for (int i = 0; i < 3; i++)
    event_free(events[i]);
  event_base_free(base);
}

struct runner {
  struct event_base* base;
  struct event* event;
  struct event* running;
};

static void note_running(evutil_socket_t fd, short what, void* argument) {
  (void)fd;
  (void)what;
  struct runner* self = argument;
  self->running = event_base_get_running_event(self->base);
}

static void the_running_event_is_the_one_whose_callback_runs(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct runner runners[2];
  for (int i = 0; i < 2; i++) {
    runners[i] = (struct runner){.base = base};
    runners[i].event = event_new(base, -1, 0, note_running, &runners[i]);
    event_active(runners[i].event, EV_READ, 1);
  }
  event_base_dispatch(base);
  for (int i = 0; i < 2; i++) {
    assert_ptr_equal(runners[i].running, runners[i].event);
    event_free(runners[i].event);
  }
  event_base_free(base);
}

static void the_running_event_is_known_for_a_signal_and_a_persistent_one(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct runner signalled = {.base = base}, repeated = {.base = base};
  struct timeval soon = milliseconds(1);
  signalled.event = evsignal_new(base, SIGUSR1, note_running, &signalled);
  repeated.event = event_new(base, -1, EV_PERSIST, note_running, &repeated);
  event_add(signalled.event, NULL);
  event_add(repeated.event, &soon);
  raise(SIGUSR1);
  while (signalled.running == NULL || repeated.running == NULL)
    event_base_loop(base, EVLOOP_ONCE);
  assert_ptr_equal(signalled.running, signalled.event);
  assert_ptr_equal(repeated.running, repeated.event);
  event_free(signalled.event);
  event_free(repeated.event);
  event_base_free(base);
}

enum { watched = 6 };

struct walk {
  const struct event* known[watched];
  int visits[watched];
  int strangers;
  int stop_after;
};

static int visit(const struct event_base* base, const struct event* event, void* argument) {
  (void)base;
  struct walk* walk = argument;
  int found = 0;
  for (int i = 0; i < watched; i++) {
    if (walk->known[i] != event) continue;
    walk->visits[i]++;
    found = 1;
  }
  if (!found && !(event->ev_evcallback.evcb_flags & EVLIST_INTERNAL)) walk->strangers++;
  return walk->stop_after > 0 && --walk->stop_after == 0 ? 42 : 0;
}

struct zoo {
  struct event_base* base;
  struct pair pair;
  struct walk walk;
  struct event* idle;
};

static void zoo_make(struct zoo* zoo) {
  *zoo = (struct zoo){.base = suite_base(), .pair = pair_open()};
  static struct tally unused;
  struct timeval late = milliseconds(100000), duration = milliseconds(50000);
  const struct timeval* common = event_base_init_common_timeout(zoo->base, &duration);
  struct event* events[watched] = {
      event_new(zoo->base, zoo->pair.near, EV_READ | EV_PERSIST, count_call, &unused),
      event_new(zoo->base, zoo->pair.near, EV_WRITE, count_call, &unused),
      evsignal_new(zoo->base, SIGUSR1, count_call, &unused),
      evtimer_new(zoo->base, count_call, &unused),
      evtimer_new(zoo->base, count_call, &unused),
      evuser_new(zoo->base, count_call, &unused)};
  event_add(events[0], &late);
  event_add(events[1], NULL);
  event_add(events[2], NULL);
  event_add(events[3], &late);
  event_add(events[4], common);
  event_active(events[5], EV_READ, 1);
  event_active(events[0], EV_READ, 1);
  for (int i = 0; i < watched; i++)
    zoo->walk.known[i] = events[i];
  zoo->idle = evuser_new(zoo->base, count_call, &unused);
}

static void zoo_free(struct zoo* zoo) {
  for (int i = 0; i < watched; i++)
    event_free((struct event*)zoo->walk.known[i]);
  event_free(zoo->idle);
  event_base_free(zoo->base);
  pair_close(&zoo->pair);
}

static void the_walk_visits_every_added_or_active_event_once(void** state) {
  (void)state;
  struct zoo zoo;
  zoo_make(&zoo);
  assert_int_equal(event_base_foreach_event(zoo.base, visit, &zoo.walk), 0);
  for (int i = 0; i < watched; i++)
    assert_int_equal(zoo.walk.visits[i], 1);
  assert_int_equal(zoo.walk.strangers, 0);
  zoo_free(&zoo);
}

static void the_walk_stops_at_the_first_answer_and_returns_it(void** state) {
  (void)state;
  struct zoo zoo;
  zoo_make(&zoo);
  int everything = 0;
  for (int stop = 1; stop < 20; stop++) {
    zoo.walk.stop_after = stop;
    if (event_base_foreach_event(zoo.base, visit, &zoo.walk) == 42) {
      everything = stop;
      assert_int_equal(zoo.walk.stop_after, 0);
    }
  }
  assert_true(everything >= watched);
  zoo_free(&zoo);
}

/* The base is locked during the walk, so the event's own fields are all it may look at. */
static int note_order(const struct event_base* base, const struct event* event, void* argument) {
  (void)base;
  short flags = event->ev_evcallback.evcb_flags;
  if (flags & EVLIST_INTERNAL) return 0;
  struct lettered kind = {.letters = argument, .letter = 'a'};
  if (flags & EVLIST_TIMEOUT) kind.letter = 't';
  if (event->ev_fd >= 0) kind.letter = event->ev_events & EV_SIGNAL ? 's' : 'd';
  write_letter(0, 0, &kind);
  return 0;
}

static void the_walk_goes_over_descriptors_signals_timers_and_the_active(void** state) {
  (void)state;
  struct zoo zoo;
  zoo_make(&zoo);
  struct letters order = {0};
  event_base_foreach_event(zoo.base, note_order, &order);
  assert_string_equal(order.text, "ddstta");
  zoo_free(&zoo);
}

static void the_walk_over_an_empty_base_visits_none_of_ours(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct walk walk = {.stop_after = 0};
  assert_int_equal(event_base_foreach_event(base, visit, &walk), 0);
  assert_int_equal(walk.strangers, 0);
  event_base_free(base);
}

static void a_walk_without_function_or_base_is_refused(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  assert_int_equal(event_base_foreach_event(base, NULL, NULL), -1);
  assert_int_equal(event_base_foreach_event(NULL, visit, NULL), -1);
  event_base_free(base);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(counts_are_memberships_of_queues),
    cmocka_unit_test(the_librarys_own_events_are_not_counted),
    cmocka_unit_test(maxima_keep_the_highest_count_until_cleared),
    cmocka_unit_test(the_running_event_is_the_one_whose_callback_runs),
    cmocka_unit_test(the_running_event_is_known_for_a_signal_and_a_persistent_one),
    cmocka_unit_test(the_walk_visits_every_added_or_active_event_once),
    cmocka_unit_test(the_walk_stops_at_the_first_answer_and_returns_it),
    cmocka_unit_test(the_walk_goes_over_descriptors_signals_timers_and_the_active),
    cmocka_unit_test(the_walk_over_an_empty_base_visits_none_of_ours),
    cmocka_unit_test(a_walk_without_function_or_base_is_refused),
};
DEFINE_GROUP(introspect, tests);
