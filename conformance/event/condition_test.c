/* Condition callbacks of the program's own: a deletion that must wait for a callback in another
 * thread waits on them, and which sets are refused.  Locks are the program's own too. */
#include "conformance/event/suite.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

static atomic_int conditions, waits, signals, broadcasts, timed_waits;

static void* make_lock(unsigned type) {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  if (type & EVTHREAD_LOCKTYPE_RECURSIVE)
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
  pthread_mutex_t* lock = malloc(sizeof *lock);
  pthread_mutex_init(lock, &attributes);
  return lock;
}
static void free_lock(void* lock, unsigned type) {
  (void)type;
  free(lock);
}
static int take_lock(unsigned mode, void* lock) {
  return mode & EVTHREAD_TRY ? pthread_mutex_trylock(lock) : pthread_mutex_lock(lock);
}
static int leave_lock(unsigned mode, void* lock) {
  (void)mode;
  return pthread_mutex_unlock(lock);
}
static void* make_condition(unsigned type) {
  (void)type;
  conditions++;
  pthread_cond_t* condition = malloc(sizeof *condition);
  pthread_cond_init(condition, NULL);
  return condition;
}
static void free_condition(void* condition) {
  conditions--;
  free(condition);
}
static int signal_condition(void* condition, int broadcast) {
  signals++;
  broadcasts += broadcast != 0;
  return broadcast ? pthread_cond_broadcast(condition) : pthread_cond_signal(condition);
}
static int wait_condition(void* condition, void* lock, const struct timeval* timeout) {
  waits++;
  timed_waits += timeout != NULL;
  return pthread_cond_wait(condition, lock) ? -1 : 0;
}
static unsigned long identify(void) {
  return (unsigned long)pthread_self();
}

static const struct evthread_lock_callbacks locks = {EVTHREAD_LOCK_API_VERSION,
                                                     EVTHREAD_LOCKTYPE_RECURSIVE,
                                                     make_lock,
                                                     free_lock,
                                                     take_lock,
                                                     leave_lock};
static const struct evthread_condition_callbacks condition_callbacks = {
    EVTHREAD_CONDITION_API_VERSION, make_condition, free_condition, signal_condition,
    wait_condition};

struct slow {
  struct event_base* base;
  sem_t entered;
  atomic_int left;
};

/* Until somebody waits for the end of it. */
static void take_time(evutil_socket_t fd, short what, void* argument) {
  (void)fd;
  (void)what;
  struct slow* slow = argument;
  sem_post(&slow->entered);
  for (int tries = 0; waits == 0 && tries < 10000; tries++)
    nanosleep(&(struct timespec){0, 1000000}, NULL);
  atomic_store(&slow->left, 1);
}

static void* run_loop(void* argument) {
  event_base_loop(((struct slow*)argument)->base, EVLOOP_ONCE);
  return NULL;
}

static void a_deletion_waits_on_the_programs_conditions(void** state) {
  (void)state;
  assert_int_equal(evthread_set_lock_callbacks(&locks), 0);
  assert_int_equal(evthread_set_condition_callbacks(&condition_callbacks), 0);
  evthread_set_id_callback(identify);
  struct slow slow = {.base = event_base_new()};
  sem_init(&slow.entered, 0, 0);
  struct event* event = event_new(slow.base, -1, EV_PERSIST, take_time, &slow);
  event_active(event, EV_READ, 1);
  assert_int_equal(conditions, 1);
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, run_loop, &slow), 0);
  sem_wait(&slow.entered);
  assert_int_equal(event_del(event), 0);
  assert_int_equal(atomic_load(&slow.left), 1);
  assert_true(waits >= 1);
  assert_true(signals >= 1);
  assert_int_equal(signals, broadcasts);
  assert_int_equal(timed_waits, 0);
  pthread_join(thread, NULL);
  event_free(event);
  event_base_free(slow.base);
  assert_int_equal(conditions, 0);
}

static void the_same_set_again_is_accepted_another_is_not(void** state) {
  (void)state;
  assert_int_equal(evthread_set_condition_callbacks(&condition_callbacks), 0);
  assert_int_equal(evthread_set_condition_callbacks(&condition_callbacks), 0);
  struct evthread_condition_callbacks other = condition_callbacks;
  other.condition_api_version = 77;
  log_capture();
  assert_int_equal(evthread_set_condition_callbacks(&other), -1);
  assert_matches(log_text(), "2 Can't change condition callbacks once they have been initialized.");
}

static void unsetting_them_warns_when_they_were_set(void** state) {
  (void)state;
  log_capture();
  assert_int_equal(evthread_set_condition_callbacks(NULL), 0);
  assert_string_equal(log_text(), "");
  evthread_set_condition_callbacks(&condition_callbacks);
  assert_int_equal(evthread_set_condition_callbacks(NULL), 0);
  assert_matches(
      log_text(),
      "2 Trying to disable condition functions after they have been set up will probaby not work.");
}

static void an_incomplete_set_is_not_used(void** state) {
  (void)state;
  for (int missing = 0; missing < 4; missing++) {
    struct evthread_condition_callbacks incomplete = condition_callbacks;
    if (missing == 0) incomplete.alloc_condition = NULL;
    if (missing == 1) incomplete.free_condition = NULL;
    if (missing == 2) incomplete.signal_condition = NULL;
    if (missing == 3) incomplete.wait_condition = NULL;
    assert_int_equal(evthread_set_condition_callbacks(&incomplete), 0);
    log_capture();
    assert_int_equal(evthread_set_condition_callbacks(&condition_callbacks), 0);
    assert_int_equal(evthread_set_condition_callbacks(NULL), 0);
  }
}

static void too_late_in_debug_mode(void* unused) {
  (void)unused;
  event_enable_debug_mode();
  event_base_new();
  evthread_set_condition_callbacks(&condition_callbacks);
}

static void setting_them_after_a_base_is_fatal_in_debug_mode(void** state) {
  (void)state;
  assert_fatal(too_late_in_debug_mode, NULL,
               "3 evthread initialization must be called BEFORE anything else!");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_deletion_waits_on_the_programs_conditions),
    cmocka_unit_test(the_same_set_again_is_accepted_another_is_not),
    cmocka_unit_test(unsetting_them_warns_when_they_were_set),
    cmocka_unit_test(an_incomplete_set_is_not_used),
    cmocka_unit_test(setting_them_after_a_base_is_fatal_in_debug_mode),
};
DEFINE_GROUP(condition, tests);
