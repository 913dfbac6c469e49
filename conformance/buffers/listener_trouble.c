/* Connection listeners in trouble: errors of accept(), crowds, other threads. */
#include "conformance/buffers/listener_world.h"

#include <pthread.h>
#include <sys/resource.h>

static int log_lines;
static void swallow_log(int severity, const char* message) {
  (void)severity, (void)message;
  ++log_lines;
}

static struct rlimit usual;

/* From here on no descriptor above this one can be opened. */
static void no_descriptors_beyond(int last) {
  struct rlimit tight;
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual), 0);
  tight = usual;
  tight.rlim_cur = (rlim_t)last + 1;
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
}
static void descriptors_again(void) {
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &usual), 0);
}

static void a_lack_of_descriptors_is_told_and_survived(void** state) {
  (void)state;
  event_set_log_callback(swallow_log);
  struct evconnlistener* listener = listen_with(LEV_OPT_CLOSE_ON_FREE);
  evconnlistener_set_error_cb(listener, failed);
  int client = dial();
  no_descriptors_beyond(client);
  run_until(base, &seen.errors);
  assert_int_equal(seen.calls, 0);
  descriptors_again();
  run_until(base, &seen.calls);
  assert_int_equal(seen.calls, 1);
  send_text(client, "late but here");
  assert_received(seen.last_fd, "late but here");
  int second = dial();
  seen.calls = 0;
  run_until(base, &seen.calls);
  finish(listener);
  close(client);
  close(second);
}

static void an_error_without_a_callback_is_logged(void** state) {
  (void)state;
  event_set_log_callback(swallow_log);
  struct evconnlistener* listener = listen_with(LEV_OPT_CLOSE_ON_FREE);
  int client = dial();
  no_descriptors_beyond(client);
  log_lines = 0;
  run_until(base, &log_lines);
  descriptors_again();
  run_until(base, &seen.calls);
  finish(listener);
  close(client);
  close(seen.last_fd);
}

static void free_on_error(struct evconnlistener* listener, void* arg) {
  (void)arg;
  ++seen.errors;
  evconnlistener_free(listener);
}

static void one_may_be_freed_in_its_error_callback(void** state) {
  (void)state;
  memory_hooks_install();
  struct evconnlistener* listener = listen_with(LEV_OPT_CLOSE_ON_FREE);
  evconnlistener_set_error_cb(listener, free_on_error);
  int client = dial(), fd = evconnlistener_get_fd(listener);
  no_descriptors_beyond(client);
  run_until(base, &seen.errors);
  descriptors_again();
  run_ready(base);
  assert_int_equal(seen.errors, 1);
  assert_false(descriptor_is_open(fd));
  finish(NULL);
  assert_int_equal(memory_outstanding(), 0);
  close(client);
}

static void a_lack_of_descriptors_does_not_make_the_loop_spin(void** state) {
  (void)state;
  struct evconnlistener* listener = listen_with(LEV_OPT_CLOSE_ON_FREE);
  evconnlistener_set_error_cb(listener, failed);
  int client = dial();
  no_descriptors_beyond(client);
  run_until(base, &seen.errors);
  assert_int_equal(event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED), 1);
  int first = seen.errors;
  double began = seconds_now();
  while (seconds_now() - began < 0.3)
    event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
  if (on_original())
    assert_true(seen.errors > first); /* once a turn */
  else
    assert_in_range(seen.errors, first + 1, first + 8);
  descriptors_again();
  run_until(base, &seen.calls);
  finish(listener);
  close(client);
  close(seen.last_fd);
}

static int error_seen;
static void note_errno(struct evconnlistener* listener, void* arg) {
  error_seen = errno;
  failed(listener, arg);
  evconnlistener_disable(listener);
}

static void the_error_is_in_errno(void** state) {
  (void)state;
  struct evconnlistener* listener = listen_with(LEV_OPT_CLOSE_ON_FREE);
  evconnlistener_set_error_cb(listener, note_errno);
  int client = dial();
  no_descriptors_beyond(client);
  run_until(base, &seen.errors);
  descriptors_again();
  assert_int_equal(error_seen, EMFILE);
  finish(listener);
  close(client);
}

static void one_disabled_in_its_error_callback_rests_until_it_is_enabled(void** state) {
  (void)state;
  struct evconnlistener* listener = listen_with(LEV_OPT_CLOSE_ON_FREE);
  evconnlistener_set_error_cb(listener, note_errno);
  int client = dial();
  no_descriptors_beyond(client);
  run_until(base, &seen.errors);
  run_for(base, 30);
  assert_int_equal(seen.errors, 1);
  assert_int_equal(event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED), 0);
  descriptors_again();
  run_for(base, 30);
  assert_int_equal(seen.calls, 0);
  assert_int_equal(evconnlistener_enable(listener), 0);
  run_ready(base);
  assert_int_equal(seen.calls, 1);
  finish(listener);
  close(client);
  close(seen.last_fd);
}

static void a_socket_that_does_not_listen_is_reported(void** state) {
  (void)state;
  start();
  int pair[2];
  stream_pair(pair);
  send_text(pair[1], "looks readable");
  struct evconnlistener* listener =
      evconnlistener_new(base, accepted, &seen, LEV_OPT_CLOSE_ON_FREE, 0, pair[0]);
  assert_non_null(listener);
  evconnlistener_set_error_cb(listener, note_errno);
  event_base_dispatch(base);
  assert_int_equal(seen.errors, 1);
  assert_int_equal(error_seen, EINVAL);
  finish(listener);
  close(pair[1]);
}

static void a_crowd_is_let_in_to_the_last(void** state) {
  (void)state;
  enum { crowd = 400 };
  start();
  struct evconnlistener* listener =
      evconnlistener_new_bind(base, accepted, &seen, LEV_OPT_CLOSE_ON_FREE, crowd,
                              (struct sockaddr*)&loopback, sizeof loopback);
  socklen_t length = sizeof loopback;
  getsockname(evconnlistener_get_fd(listener), (struct sockaddr*)&loopback, &length);
  static int clients[crowd];
  for (int i = 0; i < crowd; ++i) {
    clients[i] = dial();
    assert_true(clients[i] >= 0);
  }
  run_ready(base);
  assert_int_equal(seen.calls, crowd);
  for (int i = 0; i < crowd; ++i)
    close(clients[i]);
  finish(listener);
}

/* The callbacks run on a loop of another thread; each listener is freed from here while they may be
 * running. Whoever gets the lock first, nobody hangs and nobody touches what is gone. */
static void* run_loop(void* arg) {
  event_base_loop(arg, EVLOOP_NO_EXIT_ON_EMPTY);
  return NULL;
}
static void hang_up(struct evconnlistener* listener, evutil_socket_t fd, struct sockaddr* address,
                    int length, void* arg) {
  (void)listener, (void)address, (void)length, (void)arg;
  close(fd);
}

static void one_may_be_freed_on_another_thread_while_it_runs(void** state) {
  (void)state;
  evthread_use_pthreads();
  start();
  pthread_t loop;
  assert_int_equal(pthread_create(&loop, NULL, run_loop, base), 0);
  for (int round = 0; round < 200; ++round) {
    struct sockaddr_in where = loopback;
    where.sin_port = 0;
    struct evconnlistener* listener =
        evconnlistener_new_bind(base, hang_up, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_THREADSAFE, -1,
                                (struct sockaddr*)&where, sizeof where);
    assert_non_null(listener);
    socklen_t length = sizeof where;
    getsockname(evconnlistener_get_fd(listener), (struct sockaddr*)&where, &length);
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    (void)!connect(client, (struct sockaddr*)&where, sizeof where);
    for (volatile int i = 0; i < (round * 97) % 4000; ++i) {
    }
    /* Freed by the original in this state, a callback that has begun and the thread that frees wait
     * for each other: it rests first. */
    if (on_original()) {
      char byte;
      fcntl(client, F_SETFL, 0);
      (void)!recv(client, &byte, 1, 0);
    }
    evconnlistener_free(listener);
    close(client);
  }
  event_base_loopbreak(base);
  pthread_join(loop, NULL);
  event_base_free(base);
}

const struct CMUnitTest listener_trouble_tests[] = {
    cmocka_unit_test(a_lack_of_descriptors_is_told_and_survived),
    cmocka_unit_test(an_error_without_a_callback_is_logged),
    cmocka_unit_test(one_may_be_freed_in_its_error_callback),
    cmocka_unit_test(a_lack_of_descriptors_does_not_make_the_loop_spin),
    cmocka_unit_test(the_error_is_in_errno),
    cmocka_unit_test(one_disabled_in_its_error_callback_rests_until_it_is_enabled),
    cmocka_unit_test(a_socket_that_does_not_listen_is_reported),
    cmocka_unit_test(a_crowd_is_let_in_to_the_last),
    cmocka_unit_test(one_may_be_freed_on_another_thread_while_it_runs),
};
const size_t listener_trouble_test_count = COUNT_OF(listener_trouble_tests);
