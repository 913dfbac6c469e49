/* libevent_global_shutdown: that it may be called at any quiet moment, more than once, and that the
 * library may be set up afresh after it. */
#include "conformance/event/suite.h"

#include <signal.h>

static void use_a_base(struct event_base* base) {
  struct tally seen = {0};
  struct event* event = event_new(base, -1, 0, count_call, &seen);
  struct event* signal_event = evsignal_new(base, SIGUSR1, count_call, &seen);
  event_add(signal_event, NULL);
  raise(SIGUSR1);
  event_active(event, EV_READ, 1);
  while (seen.calls < 2)
    event_base_loop(base, EVLOOP_ONCE);
  event_free(event);
  event_free(signal_event);
  event_base_free(base);
}

static void shutting_down_an_unused_library_does_nothing(void** state) {
  (void)state;
  libevent_global_shutdown();
  libevent_global_shutdown();
}

static void shutting_down_after_use_and_twice(void** state) {
  (void)state;
  use_a_base(suite_base());
  libevent_global_shutdown();
  libevent_global_shutdown();
}

static void the_library_works_again_after_a_shutdown_without_locks(void** state) {
  (void)state;
  use_a_base(event_base_new());
  libevent_global_shutdown();
  use_a_base(event_base_new());
}

static void enable_again_unused(void* unused) {
  (void)unused;
  event_enable_debug_mode();
  libevent_global_shutdown();
  event_enable_debug_mode();
  use_a_base(event_base_new());
}

static void enable_again_used(void* unused) {
  (void)unused;
  event_enable_debug_mode();
  use_a_base(event_base_new());
  libevent_global_shutdown();
  event_enable_debug_mode();
}

static void a_shutdown_ends_debug_mode_which_may_return_only_if_nothing_was_made(void** state) {
  (void)state;
  assert_survives(enable_again_unused, NULL);
  assert_fatal(enable_again_used, NULL, "3 event_enable_debug_mode must be called *before* *");
}

static void the_list_of_methods_and_random_numbers_survive_a_shutdown(void** state) {
  (void)state;
  unsigned char bytes[16];
  event_get_supported_methods();
  evutil_secure_rng_get_bytes(bytes, sizeof bytes);
  libevent_global_shutdown();
  assert_string_equal(event_get_supported_methods()[0], "epoll");
}

static void the_current_base_is_not_freed_by_a_shutdown(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct tally seen = {0};
  struct event* event = event_new(base, -1, 0, count_call, &seen);
  event_active(event, EV_READ, 1);
  event_base_dispatch(base);
  assert_int_equal(seen.calls, 1);
  event_free(event);
  event_base_free(base);
  libevent_global_shutdown();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(shutting_down_an_unused_library_does_nothing),
    cmocka_unit_test(shutting_down_after_use_and_twice),
    cmocka_unit_test(the_library_works_again_after_a_shutdown_without_locks),
    cmocka_unit_test(a_shutdown_ends_debug_mode_which_may_return_only_if_nothing_was_made),
    cmocka_unit_test(the_list_of_methods_and_random_numbers_survive_a_shutdown),
    cmocka_unit_test(the_current_base_is_not_freed_by_a_shutdown),
};
DEFINE_GROUP(shutdown, tests);
