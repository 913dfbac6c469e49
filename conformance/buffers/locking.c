/* Evbuffers between threads: enable_locking, lock, unlock, and who holds the lock when. */
#include "conformance/buffers/support.h"

#include <pthread.h>

static void without_thread_support_there_is_no_lock(void** state) {
  (void)state;
  struct evbuffer* buffer = buffer_with("abc");
  assert_int_equal(evbuffer_enable_locking(buffer, NULL), -1);
  evbuffer_lock(buffer);
  evbuffer_unlock(buffer);
  assert_text(buffer, "abc");
  evbuffer_free(buffer);
}

static void locking_is_enabled_once(void** state) {
  (void)state;
  evthread_use_pthreads();
  struct evbuffer* buffer = buffer_with("abc");
  assert_int_equal(evbuffer_enable_locking(buffer, NULL), 0);
  assert_int_equal(evbuffer_enable_locking(buffer, NULL), -1);
  evbuffer_lock(buffer);
  evbuffer_lock(buffer);
  assert_text(buffer, "abc");
  evbuffer_unlock(buffer);
  evbuffer_unlock(buffer);
  evbuffer_free(buffer);
}

static struct {
  int allocated, freed, held, deepest;
  unsigned last_type;
} locks;

static void* count_alloc(unsigned type) {
  ++locks.allocated;
  locks.last_type = type;
  return malloc(1);
}
static void count_free(void* lock, unsigned type) {
  assert_int_equal(type, locks.last_type);
  ++locks.freed;
  free(lock);
}
static int count_lock(unsigned mode, void* lock) {
  (void)mode;
  assert_non_null(lock);
  if (++locks.held > locks.deepest) locks.deepest = locks.held;
  return 0;
}
static int count_unlock(unsigned mode, void* lock) {
  (void)mode;
  assert_non_null(lock);
  --locks.held;
  return 0;
}

static void install_counting_locks(void) {
  struct evthread_lock_callbacks callbacks = {EVTHREAD_LOCK_API_VERSION,
                                              EVTHREAD_LOCKTYPE_RECURSIVE,
                                              count_alloc,
                                              count_free,
                                              count_lock,
                                              count_unlock};
  assert_int_equal(evthread_set_lock_callbacks(&callbacks), 0);
  memset(&locks, 0, sizeof locks);
}

static void the_users_lock_functions_are_used_and_balanced(void** state) {
  (void)state;
  install_counting_locks();
  struct evbuffer *buffer = evbuffer_new(), *other = evbuffer_new();
  assert_int_equal(locks.allocated, 0);
  assert_int_equal(evbuffer_enable_locking(buffer, NULL), 0);
  assert_int_equal(evbuffer_enable_locking(other, NULL), 0);
  assert_int_equal(locks.allocated, 2);
  assert_int_equal(locks.last_type, EVTHREAD_LOCKTYPE_RECURSIVE);
  evbuffer_lock(buffer);
  assert_int_equal(locks.held, 1);
  evbuffer_unlock(buffer);
  char out[10];
  struct evbuffer_ptr at;
  struct evbuffer_iovec room[2];
  evbuffer_add(buffer, "abc\ndef", 7);
  evbuffer_prepend(buffer, "x", 1);
  evbuffer_get_length(buffer);
  evbuffer_copyout(buffer, out, 3);
  evbuffer_add_printf(buffer, "%d", 3);
  free(evbuffer_readln(buffer, NULL, EVBUFFER_EOL_LF));
  evbuffer_ptr_set(buffer, &at, 1, EVBUFFER_PTR_SET);
  evbuffer_search(buffer, "e", 1, NULL);
  evbuffer_reserve_space(buffer, 10, room, 2);
  room[0].iov_len = 1;
  evbuffer_commit_space(buffer, room, 1);
  evbuffer_add_buffer(other, buffer);
  evbuffer_remove_buffer(other, buffer, 2);
  evbuffer_add_buffer_reference(buffer, other);
  evbuffer_pullup(buffer, -1);
  evbuffer_drain(buffer, 1);
  evbuffer_freeze(buffer, 0);
  assert_int_equal(evbuffer_add(buffer, "x", 1), -1);
  assert_int_equal(locks.held, 0);
  assert_true(locks.deepest >= 1);
  evbuffer_free(buffer);
  evbuffer_free(other);
  assert_int_equal(locks.held, 0);
  assert_int_equal(locks.freed, 2);
}

static void a_lock_given_by_the_user_stays_the_users(void** state) {
  (void)state;
  install_counting_locks();
  struct evbuffer* buffer = evbuffer_new();
  char mine;
  assert_int_equal(evbuffer_enable_locking(buffer, &mine), 0);
  assert_int_equal(locks.allocated, 0);
  evbuffer_lock(buffer);
  assert_int_equal(locks.held, 1);
  evbuffer_unlock(buffer);
  evbuffer_free(buffer);
  assert_int_equal(locks.freed, 0);
  assert_int_equal(locks.held, 0);
}

static void expect_held(struct evbuffer* buffer, const struct evbuffer_cb_info* info, void* arg) {
  (void)buffer;
  (void)info;
  assert_true(locks.held >= 1);
  ++*(int*)arg;
}

static void callbacks_run_under_the_lock(void** state) {
  (void)state;
  install_counting_locks();
  struct evbuffer* buffer = evbuffer_new();
  int calls = 0;
  evbuffer_enable_locking(buffer, NULL);
  evbuffer_add_cb(buffer, expect_held, &calls);
  evbuffer_add(buffer, "abc", 3);
  evbuffer_drain(buffer, 1);
  assert_int_equal(calls, 2);
  evbuffer_free(buffer);
}

#define THREADS 4
#define ROUNDS 20000

static void* append_records(void* arg) {
  for (int i = 0; i < ROUNDS; ++i)
    evbuffer_add(arg, "01234567", 8);
  return NULL;
}

static void appends_from_many_threads_stay_whole(void** state) {
  (void)state;
  evthread_use_pthreads();
  struct evbuffer* buffer = evbuffer_new();
  evbuffer_enable_locking(buffer, NULL);
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; ++i)
    pthread_create(&threads[i], NULL, append_records, buffer);
  size_t taken = 0;
  while (taken < (size_t)THREADS * ROUNDS * 8) {
    char record[8];
    int n = evbuffer_remove(buffer, record, 8);
    if (n == 8)
      assert_memory_equal(record, "01234567", 8);
    else if (n == 0)
      sched_yield();
    else
      fail();
    taken += (size_t)n;
  }
  for (int i = 0; i < THREADS; ++i)
    pthread_join(threads[i], NULL);
  assert_int_equal(evbuffer_get_length(buffer), 0);
  evbuffer_free(buffer);
}

static struct evbuffer *left, *right;

static void* move_across(void* arg) {
  struct evbuffer *from = arg, *to = from == left ? right : left;
  for (int i = 0; i < ROUNDS; ++i)
    if (i % 3)
      evbuffer_remove_buffer(from, to, (size_t)(i % 50));
    else if (i % 2)
      evbuffer_add_buffer(to, from);
    else
      evbuffer_prepend_buffer(to, from);
  return NULL;
}

static void moves_in_both_directions_do_not_deadlock(void** state) {
  (void)state;
  evthread_use_pthreads();
  left = evbuffer_new();
  right = evbuffer_new();
  evbuffer_enable_locking(left, NULL);
  evbuffer_enable_locking(right, NULL);
  for (int i = 0; i < 1000; ++i) {
    evbuffer_add(left, "0123456789", 10);
    evbuffer_add(right, "0123456789", 10);
  }
  pthread_t threads[2];
  pthread_create(&threads[0], NULL, move_across, left);
  pthread_create(&threads[1], NULL, move_across, right);
  pthread_join(threads[0], NULL);
  pthread_join(threads[1], NULL);
  assert_int_equal(evbuffer_get_length(left) + evbuffer_get_length(right), 20000);
  evbuffer_free(left);
  evbuffer_free(right);
}

const struct CMUnitTest locking_tests[] = {
    cmocka_unit_test(without_thread_support_there_is_no_lock),
    cmocka_unit_test(locking_is_enabled_once),
    cmocka_unit_test(the_users_lock_functions_are_used_and_balanced),
    cmocka_unit_test(a_lock_given_by_the_user_stays_the_users),
    cmocka_unit_test(callbacks_run_under_the_lock),
    cmocka_unit_test(appends_from_many_threads_stay_whole),
    cmocka_unit_test(moves_in_both_directions_do_not_deadlock),
};
const size_t locking_test_count = COUNT_OF(locking_tests);
