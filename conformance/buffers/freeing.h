/* Freeing one end of a connection of two, the other or both, in the callback where it hurts. What
 * the matrices of plain and of TLS bufferevents share. */
#ifndef CONFORMANCE_BUFFERS_FREEING_H
#define CONFORMANCE_BUFFERS_FREEING_H

#include "conformance/buffers/stream.h"

enum moment {
  at_read,
  at_write,
  at_event, /* whichever */
  at_connected,
  at_end,
  at_failure,
  at_timeout,
  at_no_time
};
enum victim { victim_self, victim_peer, victim_both, victim_count };

/* The two ends; NULL where freed. */
struct doomed {
  struct bufferevent* ends[2];
  enum moment moment; /* in the callbacks of either */
  enum victim victim;
  int hits; /* how often the moment has come; the first time counts */
};
extern struct doomed doomed;

/* The end gets the callbacks that wait for the moment. */
void doom(int end);
/* As the callback of this end would. */
void free_victims(int self);
/* Frees those that are left. */
void free_survivors(void);

/* Tests of a matrix, which gets BEV_OPT_* besides those it needs itself. */
#define FREEING_TESTS(matrix)                                                 \
  static void any_end_may_be_freed_in_any_callback(void** state) {            \
    (void)state;                                                              \
    matrix(0);                                                                \
  }                                                                           \
  static void any_end_may_be_freed_in_any_deferred_callback(void** state) {   \
    (void)state;                                                              \
    matrix(BEV_OPT_DEFER_CALLBACKS);                                          \
  }                                                                           \
  static void any_end_may_be_freed_in_any_unlocked_callback(void** state) {   \
    (void)state;                                                              \
    matrix(BEV_OPT_DEFER_CALLBACKS | BEV_OPT_UNLOCK_CALLBACKS);               \
  }                                                                           \
  static void any_end_may_be_freed_in_any_callback_with_locks(void** state) { \
    (void)state;                                                              \
    evthread_use_pthreads();                                                  \
    matrix(BEV_OPT_THREADSAFE);                                               \
  }
#define FREEING_TEST_LIST                                              \
  cmocka_unit_test(any_end_may_be_freed_in_any_callback),              \
      cmocka_unit_test(any_end_may_be_freed_in_any_deferred_callback), \
      cmocka_unit_test(any_end_may_be_freed_in_any_unlocked_callback), \
      cmocka_unit_test(any_end_may_be_freed_in_any_callback_with_locks)

#endif
