/* Bufferevents between threads: writers, enablers and freers against a running loop; callbacks
 * without the lock. */
#include "conformance/buffers/stream.h"

#include <pthread.h>

#define WRITERS 4
#define RECORDS 4000

static struct event_base* base;

static void* run_loop(void* arg) {
  (void)arg;
  event_base_loop(base, EVLOOP_NO_EXIT_ON_EMPTY);
  return NULL;
}

static pthread_t start_loop(void) {
  pthread_t thread;
  assert_int_equal(evthread_use_pthreads(), 0);
  base = new_base();
  assert_int_equal(pthread_create(&thread, NULL, run_loop, NULL), 0);
  return thread;
}

static void stop_loop(pthread_t thread) {
  event_base_loopbreak(base);
  pthread_join(thread, NULL);
  run_ready(base);
  event_base_free(base);
}

static void* write_records(void* arg) {
  for (int i = 0; i < RECORDS; ++i)
    bufferevent_write(arg, "0123456789", 10);
  return NULL;
}

static void records_of_many_threads_arrive_whole(void** state) {
  (void)state;
  pthread_t loop = start_loop(), writers[WRITERS];
  int pair[2];
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  evutil_make_socket_nonblocking(pair[0]);
  struct bufferevent* bev =
      bufferevent_socket_new(base, pair[0], BEV_OPT_CLOSE_ON_FREE | BEV_OPT_THREADSAFE);
  for (int i = 0; i < WRITERS; ++i)
    pthread_create(&writers[i], NULL, write_records, bev);
  char record[10];
  for (int i = 0; i < WRITERS * RECORDS; ++i) {
    assert_int_equal(recv(pair[1], record, 10, MSG_WAITALL), 10);
    assert_memory_equal(record, "0123456789", 10);
  }
  for (int i = 0; i < WRITERS; ++i)
    pthread_join(writers[i], NULL);
  bufferevent_free(bev);
  stop_loop(loop);
  close(pair[1]);
}

static void echo(struct bufferevent* bev, void* context) {
  (void)context;
  bufferevent_write_buffer(bev, bufferevent_get_input(bev));
}

static void* toggle(void* arg) {
  for (int i = 0; i < 3000; ++i) {
    bufferevent_disable(arg, EV_READ | EV_WRITE);
    bufferevent_setwatermark(arg, EV_READ, 0, i % 2 ? 100 : 0);
    bufferevent_enable(arg, EV_READ | EV_WRITE);
  }
  bufferevent_setwatermark(arg, EV_READ, 0, 0);
  return NULL;
}

static void an_echo_survives_being_switched_off_and_on(void** state) {
  (void)state;
  pthread_t loop = start_loop(), toggler;
  int pair[2];
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  evutil_make_socket_nonblocking(pair[0]);
  struct bufferevent* bev =
      bufferevent_socket_new(base, pair[0], BEV_OPT_CLOSE_ON_FREE | BEV_OPT_THREADSAFE);
  bufferevent_setcb(bev, echo, NULL, NULL, NULL);
  bufferevent_enable(bev, EV_READ);
  pthread_create(&toggler, NULL, toggle, bev);
  for (int i = 0; i < 500; ++i) {
    unsigned char out[64], in[64];
    pattern_fill(out, (size_t)i * 64, sizeof out);
    assert_int_equal(send(pair[1], out, sizeof out, 0), sizeof out);
    assert_int_equal(recv(pair[1], in, sizeof in, MSG_WAITALL), sizeof in);
    assert_memory_equal(in, out, sizeof out);
  }
  pthread_join(toggler, NULL);
  bufferevent_free(bev);
  stop_loop(loop);
  close(pair[1]);
}

static void freeing_from_another_thread_is_safe(void** state) {
  (void)state;
  pthread_t loop = start_loop();
  for (int i = 0; i < 400; ++i) {
    int pair[2];
    stream_pair(pair);
    struct bufferevent* bev = bufferevent_socket_new(
        base, pair[0],
        BEV_OPT_CLOSE_ON_FREE | BEV_OPT_THREADSAFE | (i % 2 ? BEV_OPT_DEFER_CALLBACKS : 0));
    bufferevent_setcb(bev, echo, NULL, NULL, NULL);
    bufferevent_enable(bev, EV_READ);
    send_text(pair[1], "disturbance");
    if (i % 3 == 0) sched_yield();
    bufferevent_free(bev);
    close(pair[1]);
  }
  stop_loop(loop);
}

static int lock_was_free;

static void* try_to_lock(void* arg) {
  bufferevent_lock(arg);
  lock_was_free = 1;
  bufferevent_unlock(arg);
  return NULL;
}

static void lock_from_another_thread(struct bufferevent* bev, void* context) {
  pthread_t thread;
  (void)context;
  pthread_create(&thread, NULL, try_to_lock, bev);
  pthread_join(thread, NULL);
}

static void unlocked_callbacks_run_without_the_lock(void** state) {
  (void)state;
  evthread_use_pthreads();
  base = new_base();
  int peer;
  struct bufferevent* bev = socket_bev(base,
                                       BEV_OPT_CLOSE_ON_FREE | BEV_OPT_THREADSAFE |
                                           BEV_OPT_DEFER_CALLBACKS | BEV_OPT_UNLOCK_CALLBACKS,
                                       &peer);
  bufferevent_setcb(bev, lock_from_another_thread, NULL, NULL, NULL);
  bufferevent_enable(bev, EV_READ);
  send_text(peer, "x");
  run_ready(base);
  assert_int_equal(lock_was_free, 1);
  bufferevent_free(bev);
  run_ready(base);
  close(peer);
  event_base_free(base);
}

static struct { int held, made; } locks;
static void* lock_alloc(unsigned type) {
  (void)type;
  ++locks.made;
  return malloc(1);
}
static void lock_free(void* lock, unsigned type) {
  (void)type;
  free(lock);
}
static int lock_lock(unsigned mode, void* lock) {
  (void)mode, (void)lock;
  ++locks.held;
  return 0;
}
static int lock_unlock(unsigned mode, void* lock) {
  (void)mode, (void)lock;
  --locks.held;
  return 0;
}

static void count_locks(void) {
  struct evthread_lock_callbacks callbacks = {EVTHREAD_LOCK_API_VERSION,
                                              EVTHREAD_LOCKTYPE_RECURSIVE,
                                              lock_alloc,
                                              lock_free,
                                              lock_lock,
                                              lock_unlock};
  assert_int_equal(evthread_set_lock_callbacks(&callbacks), 0);
  base = new_base();
}

/* Two locks that are taken in either order bring threads to a standstill: see DIFFERENCES.md. */
static void a_filter_shares_the_lock_of_what_is_underneath(void** state) {
  (void)state;
  count_locks();
  struct bufferevent* below = bufferevent_socket_new(base, -1, BEV_OPT_THREADSAFE);
  locks.made = 0;
  struct bufferevent* filter =
      bufferevent_filter_new(below, NULL, NULL, BEV_OPT_THREADSAFE, NULL, NULL);
  struct bufferevent* highest = bufferevent_filter_new(
      filter, NULL, NULL, BEV_OPT_CLOSE_ON_FREE | BEV_OPT_THREADSAFE, NULL, NULL);
  assert_int_equal(locks.made, on_original() ? 2 : 0);
  bufferevent_free(highest);
  bufferevent_free(below);
  run_ready(base);
  event_base_free(base);
}

static void every_lock_is_given_back(void** state) {
  (void)state;
  count_locks();
  struct bufferevent *bevs[4], *pair[2];
  int peer;
  struct timeval hour = {3600, 0};
  struct ev_token_bucket_cfg* config = ev_token_bucket_cfg_new(100, 100, 100, 100, &hour);
  struct bufferevent_rate_limit_group* group = bufferevent_rate_limit_group_new(base, config);
  bevs[0] = socket_bev(base, BEV_OPT_CLOSE_ON_FREE | BEV_OPT_THREADSAFE, &peer);
  assert_int_equal(bufferevent_pair_new(base, BEV_OPT_THREADSAFE, pair), 0);
  bevs[1] = pair[0];
  bevs[2] = pair[1];
  struct bufferevent* below = bufferevent_socket_new(base, -1, BEV_OPT_THREADSAFE);
  bevs[3] = bufferevent_filter_new(below, NULL, NULL, BEV_OPT_CLOSE_ON_FREE | BEV_OPT_THREADSAFE,
                                   NULL, NULL);
  for (int i = 0; i < 4; ++i) {
    bufferevent_setcb(bevs[i], echo, NULL, NULL, NULL);
    assert_int_equal(locks.held, 0);
    bufferevent_enable(bevs[i], EV_READ | EV_WRITE);
    assert_int_equal(locks.held, 0);
    bufferevent_write(bevs[i], "abc", 3);
    assert_int_equal(locks.held, 0);
    bufferevent_setwatermark(bevs[i], EV_READ | EV_WRITE, 1, 10);
    bufferevent_set_timeouts(bevs[i], &hour, &hour);
    bufferevent_set_rate_limit(bevs[i], config);
    bufferevent_add_to_rate_limit_group(bevs[i], group);
    bufferevent_decrement_read_limit(bevs[i], 10);
    assert_int_equal(locks.held, 0);
    bufferevent_trigger(bevs[i], EV_READ, BEV_TRIG_IGNORE_WATERMARKS);
    bufferevent_flush(bevs[i], EV_READ | EV_WRITE, BEV_FLUSH);
    bufferevent_getfd(bevs[i]);
    bufferevent_get_underlying(bevs[i]);
    bufferevent_disable(bevs[i], EV_READ);
    bufferevent_set_rate_limit(bevs[i], NULL);
    bufferevent_remove_from_rate_limit_group(bevs[i]);
    assert_int_equal(locks.held, 0);
  }
  bufferevent_pair_get_partner(pair[0]);
  assert_int_equal(locks.held, 0);
  run_ready(base);
  assert_int_equal(locks.held, 0);
  for (int i = 0; i < 4; ++i)
    bufferevent_free(bevs[i]);
  assert_int_equal(locks.held, 0);
  run_ready(base);
  bufferevent_rate_limit_group_free(group);
  ev_token_bucket_cfg_free(config);
  event_base_free(base);
  assert_int_equal(locks.held, 0);
  close(peer);
}

const struct CMUnitTest bev_threads_tests[] = {
    cmocka_unit_test(records_of_many_threads_arrive_whole),
    cmocka_unit_test(an_echo_survives_being_switched_off_and_on),
    cmocka_unit_test(freeing_from_another_thread_is_safe),
    cmocka_unit_test(unlocked_callbacks_run_without_the_lock),
    cmocka_unit_test(a_filter_shares_the_lock_of_what_is_underneath),
    cmocka_unit_test(every_lock_is_given_back),
};
const size_t bev_threads_test_count = COUNT_OF(bev_threads_tests);
