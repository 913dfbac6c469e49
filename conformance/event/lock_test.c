/* Lock callbacks of the program's own: when they are called and how they balance, which sets are
 * refused, lock debugging under both of its names, and the thread identity callback.
 * No test here calls suite_start(): the callbacks must be the first. */
#include "conformance/event/suite.h"

#include <pthread.h>
#include <stdlib.h>

static int allocated, freed, held, most_held, taken;

static int exhausted;

static void* make_lock(unsigned type) {
  (void)type;
  if (exhausted) return NULL;
  allocated++;
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
  pthread_mutex_t* lock = malloc(sizeof *lock);
  pthread_mutex_init(lock, &attributes);
  return lock;
}
static void free_lock(void* lock, unsigned type) {
  (void)type;
  freed++;
  pthread_mutex_destroy(lock);
  free(lock);
}
static int take_lock(unsigned mode, void* lock) {
  int answer = mode & EVTHREAD_TRY ? pthread_mutex_trylock(lock) : pthread_mutex_lock(lock);
  if (answer == 0) {
    taken++;
    if (++held > most_held) most_held = held;
  }
  return answer;
}
static int leave_lock(unsigned mode, void* lock) {
  (void)mode;
  held--;
  return pthread_mutex_unlock(lock);
}

static const struct evthread_lock_callbacks callbacks = {EVTHREAD_LOCK_API_VERSION,
                                                         EVTHREAD_LOCKTYPE_RECURSIVE,
                                                         make_lock,
                                                         free_lock,
                                                         take_lock,
                                                         leave_lock};

static void use_a_base(void) {
  struct tally seen = {0};
  struct event_base* base = event_base_new();
  assert_non_null(base);
  struct event* event = event_new(base, -1, 0, count_call, &seen);
  event_active(event, EV_READ, 1);
  event_base_dispatch(base);
  assert_int_equal(seen.calls, 1);
  event_free(event);
  event_base_free(base);
}

static void every_lock_taken_is_left_and_the_bases_own_is_freed_with_it(void** state) {
  (void)state;
  assert_int_equal(evthread_set_lock_callbacks(&callbacks), 0);
  int global = allocated;
  use_a_base();
  assert_true(allocated > global);
  assert_int_equal(allocated - freed, global);
  assert_true(taken > 0);
  assert_true(most_held > 0);
  assert_int_equal(held, 0);
}

static int held_in_callback = -1;
static void note_held(evutil_socket_t fd, short what, void* argument) {
  (void)fd;
  (void)what;
  (void)argument;
  held_in_callback = held;
}

static void no_lock_is_held_while_a_callback_runs(void** state) {
  (void)state;
  assert_int_equal(evthread_set_lock_callbacks(&callbacks), 0);
  struct event_base* base = event_base_new();
  struct event* event = event_new(base, -1, EV_PERSIST, note_held, NULL);
  struct timeval soon = milliseconds(1);
  event_add(event, &soon);
  event_base_loop(base, EVLOOP_ONCE);
  assert_int_equal(held_in_callback, 0);
  event_free(event);
  event_base_free(base);
}

static void a_base_told_not_to_lock_takes_none(void** state) {
  (void)state;
  assert_int_equal(evthread_set_lock_callbacks(&callbacks), 0);
  struct event_base* base = suite_base_with_flag(EVENT_BASE_FLAG_NOLOCK);
  int before = taken;
  struct tally seen = {0};
  struct event* event = event_new(base, -1, 0, count_call, &seen);
  event_active(event, EV_READ, 1);
  event_base_dispatch(base);
  event_free(event);
  assert_int_equal(seen.calls, 1);
  assert_int_equal(taken, before);
  event_base_free(base);
}

static void all_locks_are_freed_by_a_global_shutdown(void** state) {
  (void)state;
  assert_int_equal(evthread_set_lock_callbacks(&callbacks), 0);
  use_a_base();
  unsigned char byte;
  evutil_secure_rng_get_bytes(&byte, 1);
  libevent_global_shutdown();
  assert_int_equal(allocated, freed);
  assert_int_equal(held, 0);
}

static void after_a_shutdown_the_callbacks_may_be_unset_and_set_again(void** state) {
  (void)state;
  assert_int_equal(evthread_set_lock_callbacks(&callbacks), 0);
  libevent_global_shutdown();
  assert_int_equal(evthread_set_lock_callbacks(NULL), 0);
  int before = allocated;
  use_a_base();
  assert_int_equal(allocated, before);
  assert_int_equal(evthread_set_lock_callbacks(&callbacks), 0);
  use_a_base();
  assert_true(allocated > before);
}

static void the_same_set_again_is_accepted_another_is_not(void** state) {
  (void)state;
  assert_int_equal(evthread_set_lock_callbacks(&callbacks), 0);
  assert_int_equal(evthread_set_lock_callbacks(&callbacks), 0);
  struct evthread_lock_callbacks other = callbacks;
  other.supported_locktypes = 0;
  log_capture();
  assert_int_equal(evthread_set_lock_callbacks(&other), -1);
  assert_matches(log_text(), "2 Can't change lock callbacks once they have been initialized.");
}

static void unsetting_them_in_use_warns(void** state) {
  (void)state;
  assert_int_equal(evthread_set_lock_callbacks(&callbacks), 0);
  log_capture();
  assert_int_equal(evthread_set_lock_callbacks(NULL), 0);
  assert_matches(
      log_text(),
      "2 Trying to disable lock functions after they have been set up will probaby not work.");
}

static void an_incomplete_set_is_refused(void** state) {
  (void)state;
  for (int missing = 0; missing < 4; missing++) {
    struct evthread_lock_callbacks incomplete = callbacks;
    if (missing == 0) incomplete.alloc = NULL;
    if (missing == 1) incomplete.free = NULL;
    if (missing == 2) incomplete.lock = NULL;
    if (missing == 3) incomplete.unlock = NULL;
    assert_int_equal(evthread_set_lock_callbacks(&incomplete), -1);
  }
  use_a_base();
  assert_int_equal(allocated, 0);
}

/* The original goes on without. */
static void a_base_whose_lock_cannot_be_had_is_not_made(void** state) {
  (void)state;
  assert_int_equal(evthread_set_lock_callbacks(&callbacks), 0);
  exhausted = 1;
  struct event_base* base = event_base_new();
  exhausted = 0;
  if (suite_on_original())
    event_base_free(base);
  else
    assert_null(base);
  use_a_base();
}

static void unsetting_what_was_never_set_is_fine(void** state) {
  (void)state;
  assert_int_equal(evthread_set_lock_callbacks(NULL), 0);
  use_a_base();
}

static void too_late_in_debug_mode(void* unused) {
  (void)unused;
  event_enable_debug_mode();
  event_base_new();
  evthread_set_lock_callbacks(&callbacks);
}

static void setting_them_after_a_base_is_fatal_in_debug_mode(void** state) {
  (void)state;
  assert_fatal(too_late_in_debug_mode, NULL,
               "3 evthread initialization must be called BEFORE anything else!");
}

static void debugged_locks_do_their_work(void** state) {
  (void)state;
  evthread_enable_lock_debugging();
  assert_int_equal(evthread_use_pthreads(), 0);
  use_a_base();
}

static void lock_debugging_answers_to_its_misspelt_name_and_twice(void** state) {
  (void)state;
  evthread_enable_lock_debuging();
  evthread_enable_lock_debugging();
  assert_int_equal(evthread_set_lock_callbacks(&callbacks), 0);
  use_a_base();
  assert_int_equal(held, 0);
  assert_true(taken > 0);
}

static void lock_debugging_may_follow_the_callbacks(void** state) {
  (void)state;
  assert_int_equal(evthread_set_lock_callbacks(&callbacks), 0);
  evthread_enable_lock_debugging();
  use_a_base();
  assert_int_equal(held, 0);
}

static int identified;
static unsigned long identify(void) {
  identified++;
  return (unsigned long)pthread_self();
}

static void the_identity_callback_tells_the_loops_thread(void** state) {
  (void)state;
  assert_int_equal(evthread_set_lock_callbacks(&callbacks), 0);
  evthread_set_id_callback(identify);
  use_a_base();
  assert_true(identified > 0);
}

static void no_identity_callback_is_allowed(void** state) {
  (void)state;
  evthread_set_id_callback(identify);
  evthread_set_id_callback(NULL);
  use_a_base();
  assert_int_equal(identified, 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_lock_taken_is_left_and_the_bases_own_is_freed_with_it),
    cmocka_unit_test(no_lock_is_held_while_a_callback_runs),
    cmocka_unit_test(a_base_told_not_to_lock_takes_none),
    cmocka_unit_test(all_locks_are_freed_by_a_global_shutdown),
    cmocka_unit_test(after_a_shutdown_the_callbacks_may_be_unset_and_set_again),
    cmocka_unit_test(the_same_set_again_is_accepted_another_is_not),
    cmocka_unit_test(unsetting_them_in_use_warns),
    cmocka_unit_test(an_incomplete_set_is_refused),
    cmocka_unit_test(a_base_whose_lock_cannot_be_had_is_not_made),
    cmocka_unit_test(unsetting_what_was_never_set_is_fine),
    cmocka_unit_test(setting_them_after_a_base_is_fatal_in_debug_mode),
    cmocka_unit_test(debugged_locks_do_their_work),
    cmocka_unit_test(lock_debugging_answers_to_its_misspelt_name_and_twice),
    cmocka_unit_test(lock_debugging_may_follow_the_callbacks),
    cmocka_unit_test(the_identity_callback_tells_the_loops_thread),
    cmocka_unit_test(no_identity_callback_is_allowed),
};
DEFINE_GROUP(lock, tests);
