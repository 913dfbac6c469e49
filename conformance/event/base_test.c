/* Bases: how one is made, what it says of itself, which backend the environment leaves it, and
 * what freeing it does to the events still in it.  Configuration objects are config_test.c's. */
#include "conformance/event/suite.h"

#include <event2/event_struct.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static const char* const switches[] = {"EVENT_NOEPOLL", "EVENT_NOPOLL", "EVENT_NOSELECT"};

static void forbid(const char* const* names, size_t count) {
  for (size_t i = 0; i < sizeof switches / sizeof switches[0]; i++)
    unsetenv(switches[i]);
  for (size_t i = 0; i < count; i++)
    setenv(names[i], "1", 1);
}

static void the_methods_are_listed_best_first_and_end_in_null(void** state) {
  (void)state;
  const char** methods = event_get_supported_methods();
  assert_non_null(methods);
  assert_string_equal(methods[0], "epoll");
  assert_string_equal(methods[1], "poll");
  assert_string_equal(methods[2], "select");
  assert_null(methods[3]);
}

static void the_environment_does_not_shorten_the_list_of_methods(void** state) {
  (void)state;
  forbid(switches, 2);
  const char** methods = event_get_supported_methods();
  assert_string_equal(methods[0], "epoll");
  assert_string_equal(methods[1], "poll");
}

static void asking_for_the_methods_again_gives_the_same_answer(void** state) {
  (void)state;
  event_get_supported_methods();
  const char** methods = event_get_supported_methods();
  assert_string_equal(methods[0], "epoll");
  assert_null(methods[3]);
}

static void a_base_takes_the_best_method_that_the_environment_leaves(void** state) {
  (void)state;
  static const char* const expected[] = {"epoll", "poll", "select"};
  suite_start();
  for (size_t forbidden = 0; forbidden < 3; forbidden++) {
    forbid(switches, forbidden);
    struct event_base* base = event_base_new();
    assert_non_null(base);
    assert_string_equal(event_base_get_method(base), expected[forbidden]);
    event_base_free(base);
  }
}

static void a_switch_forbids_its_method_whatever_its_value(void** state) {
  (void)state;
  forbid(NULL, 0);
  setenv("EVENT_NOEPOLL", "0", 1);
  struct event_base* base = suite_base();
  assert_string_equal(event_base_get_method(base), "poll");
  event_base_free(base);
}

static void forbidding_every_method_leaves_no_base_and_a_warning(void** state) {
  (void)state;
  suite_start();
  forbid(switches, 3);
  log_capture();
  assert_null(event_base_new());
  assert_matches(log_text(), "2 *no event mechanism available");
}

static void the_method_is_logged_when_the_environment_asks(void** state) {
  (void)state;
  suite_start();
  forbid(NULL, 0);
  setenv("EVENT_SHOW_METHOD", "1", 1);
  log_capture();
  struct event_base* base = event_base_new();
  assert_matches(log_text(), "1 libevent using: epoll");
  event_base_free(base);
}

static void epoll_offers_every_feature(void** state) {
  (void)state;
  forbid(NULL, 0);
  struct event_base* base = suite_base();
  assert_int_equal(event_base_get_features(base),
                   EV_FEATURE_ET | EV_FEATURE_O1 | EV_FEATURE_EARLY_CLOSE);
  event_base_free(base);
}

static void poll_and_select_offer_any_kind_of_descriptor(void** state) {
  (void)state;
  forbid(switches, 1);
  struct event_base* base = suite_base();
  assert_string_equal(event_base_get_method(base), "poll");
  assert_int_equal(event_base_get_features(base), EV_FEATURE_FDS | EV_FEATURE_EARLY_CLOSE);
  event_base_free(base);
  forbid(switches, 2);
  base = suite_base();
  assert_int_equal(event_base_get_features(base), EV_FEATURE_FDS);
  event_base_free(base);
}

static void the_changelist_variant_of_epoll_names_itself(void** state) {
  (void)state;
  forbid(NULL, 0);
  setenv("EVENT_EPOLL_USE_CHANGELIST", "1", 1);
  struct event_base* base = suite_base();
  assert_string_equal(event_base_get_method(base), "epoll (with changelist)");
  event_base_free(base);
}

static void the_version_is_that_of_libevent_2_1_12_or_a_later_2_1(void** state) {
  (void)state;
  assert_int_equal(event_get_version_number() >> 16, 0x0201);
  assert_true(event_get_version_number() >= 0x02010c00);
  assert_memory_equal(event_get_version(), "2.1.", 4);
  assert_string_equal(LIBEVENT_VERSION, "2.1.12-stable");
  assert_int_equal(LIBEVENT_VERSION_NUMBER, 0x02010c00);
}

static void a_new_base_is_empty_and_its_loop_returns_one(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  assert_int_equal(event_base_dispatch(base), 1);
  assert_int_equal(event_base_get_npriorities(base), 1);
  event_base_free(base);
}

static void two_bases_do_not_see_each_others_events(void** state) {
  (void)state;
  struct event_base* first = suite_base();
  struct event_base* second = suite_base();
  struct pair pair = pair_open();
  struct tally seen = {0};
  struct event* event = event_new(first, pair.near, EV_READ, count_call, &seen);
  event_add(event, NULL);
  send_byte(pair.far);
  assert_int_equal(event_base_loop(second, EVLOOP_NONBLOCK), 1);
  assert_int_equal(seen.calls, 0);
  event_base_loop(first, EVLOOP_NONBLOCK);
  assert_int_equal(seen.calls, 1);
  event_free(event);
  event_base_free(first);
  event_base_free(second);
  pair_close(&pair);
}

static void one_descriptor_may_be_watched_by_two_bases(void** state) {
  (void)state;
  struct event_base* bases[2] = {suite_base(), suite_base()};
  struct event* events[2];
  struct tally seen[2] = {{0}, {0}};
  struct pair pair = pair_open();
  for (int i = 0; i < 2; i++) {
    events[i] = event_new(bases[i], pair.near, EV_READ, count_call, &seen[i]);
    assert_int_equal(event_add(events[i], NULL), 0);
  }
  send_byte(pair.far);
  for (int i = 0; i < 2; i++)
    event_base_loop(bases[i], EVLOOP_NONBLOCK);
  assert_int_equal(seen[0].calls, 1);
  assert_int_equal(seen[1].calls, 1);
  for (int i = 0; i < 2; i++) {
    event_free(events[i]);
    event_base_free(bases[i]);
  }
  pair_close(&pair);
}

static void freeing_a_base_takes_its_pending_events_out_and_calls_none(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct tally seen = {0};
  struct event reader, timer;
  struct timeval later = milliseconds(100000);
  event_assign(&reader, base, pair.near, EV_READ | EV_PERSIST, count_call, &seen);
  evtimer_assign(&timer, base, count_call, &seen);
  event_add(&reader, NULL);
  evtimer_add(&timer, &later);
  event_active(&timer, EV_TIMEOUT, 1);
  event_base_free(base);
  assert_int_equal(seen.calls, 0);
  assert_int_equal(reader.ev_evcallback.evcb_flags & EVLIST_ALL, EVLIST_INIT);
  assert_int_equal(timer.ev_evcallback.evcb_flags & EVLIST_ALL, EVLIST_INIT);
  pair_close(&pair);
}

static void freeing_a_base_closes_none_of_the_watched_descriptors(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct event event;
  event_assign(&event, base, pair.near, EV_READ, count_call, NULL);
  event_add(&event, NULL);
  event_base_free(base);
  assert_true(fcntl(pair.near, F_GETFD) >= 0);
  pair_close(&pair);
}

static int open_descriptors(void) {
  int count = 0;
  for (int fd = 0; fd < 256; fd++)
    count += fcntl(fd, F_GETFD) >= 0;
  return count;
}

static void a_freed_base_leaves_no_descriptor_open(void** state) {
  (void)state;
  event_base_free(suite_base());
  int before = open_descriptors();
  for (int i = 0; i < 20; i++) {
    struct event_base* base = suite_base();
    struct event* event = evsignal_new(base, 10, count_call, NULL);
    event_add(event, NULL);
    event_free(event);
    event_base_free(base);
  }
  assert_int_equal(open_descriptors(), before);
}

static int open_eventfds(void) {
  int count = 0;
  for (int fd = 0; fd < 256; fd++) {
    char link[32], name[64] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    if (readlink(link, name, sizeof name - 1) > 0) count += !strcmp(name, "anon_inode:[eventfd]");
  }
  return count;
}

/* A program that filters its system calls knows eventfd2 only if it uses threads. */
static void only_a_base_with_locks_makes_an_eventfd(void** state) {
  (void)state;
  int before = open_eventfds();
  struct event_base* unlocked = suite_base_with_flag(EVENT_BASE_FLAG_NOLOCK);
  assert_int_equal(open_eventfds(), before);
  struct event_base* base = suite_base();
  assert_int_equal(open_eventfds(), before + suite_has_locks());
  struct tally seen = {0};
  struct event* event = evsignal_new(unlocked, SIGUSR1, count_call, &seen);
  event_add(event, NULL);
  assert_int_equal(open_eventfds(), before + suite_has_locks());
  raise(SIGUSR1);
  assert_int_equal(event_base_loop(unlocked, EVLOOP_ONCE), 0);
  assert_int_equal(seen.calls, 1);
  event_free(event);
  event_base_free(base);
  event_base_free(unlocked);
  assert_int_equal(open_eventfds(), before);
}

static void no_descriptor_of_a_base_survives_an_exec(void** state) {
  (void)state;
  int foreign[256];
  for (int fd = 0; fd < 256; fd++)
    foreign[fd] = fcntl(fd, F_GETFD) >= 0;
  struct event_base* base = suite_base();
  struct event* event = evsignal_new(base, 10, count_call, NULL);
  event_add(event, NULL);
  for (int fd = 0; fd < 256; fd++) {
    int flags = fcntl(fd, F_GETFD);
    if (flags >= 0 && !foreign[fd]) assert_true(flags & FD_CLOEXEC);
  }
  event_free(event);
  event_base_free(base);
}

/* The loop must keep working in a program that lowers its limit once it has started: nothing that
 * the loop itself needs may be opened late. */
static void a_base_needs_no_further_descriptor_once_it_exists(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct tally seen = {0};
  struct event* read_event = event_new(base, pair.near, EV_READ, count_call, &seen);
  struct event* timer = evtimer_new(base, count_call, &seen);
  struct timeval soon = milliseconds(1);
  struct rlimit before, limit;
  getrlimit(RLIMIT_NOFILE, &before);
  limit = (struct rlimit){3, before.rlim_max};
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
  assert_int_equal(event_add(read_event, NULL), 0);
  assert_int_equal(evtimer_add(timer, &soon), 0);
  send_byte(pair.far);
  assert_int_equal(event_base_dispatch(base), 1);
  assert_int_equal(seen.calls, 2);
  setrlimit(RLIMIT_NOFILE, &before);
  event_free(read_event);
  event_free(timer);
  event_base_free(base);
  pair_close(&pair);
}

static void make_a_base_under_a_limit(void* unused) {
  (void)unused;
  struct rlimit limit = {3, 3};
  setrlimit(RLIMIT_NOFILE, &limit);
  if (event_base_new() != NULL) _exit(1);
}

/* The real library ends the process for want of its signal pipe; a null base would do as well.
 * What must not come out is a base. */
static void no_base_comes_out_when_there_are_no_descriptors_to_spare(void** state) {
  (void)state;
  struct outcome outcome = run_in_child(make_a_base_under_a_limit, NULL);
  assert_true(outcome.fatal || outcome.status == 0);
}

static void freeing_no_base_warns(void** state) {
  (void)state;
  suite_start();
  log_capture();
  event_base_free(NULL);
  assert_matches(log_text(), "2 *no base to free");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_methods_are_listed_best_first_and_end_in_null),
    cmocka_unit_test(the_environment_does_not_shorten_the_list_of_methods),
    cmocka_unit_test(asking_for_the_methods_again_gives_the_same_answer),
    cmocka_unit_test(a_base_takes_the_best_method_that_the_environment_leaves),
    cmocka_unit_test(a_switch_forbids_its_method_whatever_its_value),
    cmocka_unit_test(forbidding_every_method_leaves_no_base_and_a_warning),
    cmocka_unit_test(the_method_is_logged_when_the_environment_asks),
    cmocka_unit_test(epoll_offers_every_feature),
    cmocka_unit_test(poll_and_select_offer_any_kind_of_descriptor),
    cmocka_unit_test(the_changelist_variant_of_epoll_names_itself),
    cmocka_unit_test(the_version_is_that_of_libevent_2_1_12_or_a_later_2_1),
    cmocka_unit_test(a_new_base_is_empty_and_its_loop_returns_one),
    cmocka_unit_test(two_bases_do_not_see_each_others_events),
    cmocka_unit_test(one_descriptor_may_be_watched_by_two_bases),
    cmocka_unit_test(freeing_a_base_takes_its_pending_events_out_and_calls_none),
    cmocka_unit_test(freeing_a_base_closes_none_of_the_watched_descriptors),
    cmocka_unit_test(a_freed_base_leaves_no_descriptor_open),
    cmocka_unit_test(only_a_base_with_locks_makes_an_eventfd),
    cmocka_unit_test(no_descriptor_of_a_base_survives_an_exec),
    cmocka_unit_test(a_base_needs_no_further_descriptor_once_it_exists),
    cmocka_unit_test(no_base_comes_out_when_there_are_no_descriptors_to_spare),
    cmocka_unit_test(freeing_no_base_warns),
};
DEFINE_GROUP(base, tests);
