/* A descriptor that others know as well: raw events, those who get its number next, child processes
 * that keep it or go on with it. */
#include "conformance/buffers/one_bev.h"

#include <sys/wait.h>

static void count_call(evutil_socket_t fd, short what, void* arg) {
  (void)fd, (void)what;
  ++*(int*)arg;
}

static void a_raw_event_on_the_same_descriptor_sees_levels(void** state) {
  (void)state;
  open_one(0);
  int calls = 0, writable = 0;
  struct event* raw =
      event_new(base, bufferevent_getfd(bev), EV_READ | EV_PERSIST, count_call, &calls);
  struct event* raw_write =
      event_new(base, bufferevent_getfd(bev), EV_WRITE, count_call, &writable);
  event_add(raw, NULL);
  send_text(peer, "one");
  event_base_loop(base, EVLOOP_ONCE);
  event_base_loop(base, EVLOOP_ONCE);
  assert_int_equal(calls, 2);
  bufferevent_enable(bev, EV_READ);
  run_ready(base);
  assert_input(bev, "one");
  calls = 0;
  send_text(peer, "two");
  event_add(raw_write, NULL);
  run_ready(base);
  assert_int_equal(calls, 1);
  assert_int_equal(writable, 1);
  assert_input(bev, "two");
  event_del(raw);
  send_text(peer, "three");
  run_ready(base);
  assert_int_equal(calls, 1);
  assert_input(bev, "three");
  bufferevent_write(bev, "out", 3);
  run_ready(base);
  assert_received(peer, "out");
  event_free(raw);
  event_free(raw_write);
  close_one();
}

static void a_descriptor_number_that_comes_back_is_another_descriptor(void** state) {
  (void)state;
  base = new_base();
  memset(&story, 0, sizeof story);
  for (int round = 0; round < 30; ++round) {
    int old_peer, new_peer;
    struct bufferevent* old = socket_bev(base, BEV_OPT_CLOSE_ON_FREE, &old_peer);
    struct teller old_teller, new_teller;
    listen_to(&old_teller, NULL, "old", old);
    bufferevent_enable(old, EV_READ | EV_WRITE);
    if (round & 1) run_ready(base);
    if (round & 2) send_text(old_peer, "stale");
    if (round & 4) close(old_peer);
    bufferevent_free(old);
    if (round & 8) run_ready(base);
    struct bufferevent* new = socket_bev(base, BEV_OPT_CLOSE_ON_FREE, &new_peer);
    listen_to(&new_teller, NULL, "new", new);
    bufferevent_enable(new, EV_READ);
    run_ready(base);
    assert_int_equal(new_teller.reads + new_teller.events, 0);
    send_text(new_peer, "fresh");
    run_ready(base);
    assert_input(new, "fresh");
    bufferevent_free(new);
    close(new_peer);
    if (!(round & 4)) close(old_peer);
    run_ready(base);
  }
  event_base_free(base);
}

static void a_closed_and_replaced_descriptor_works_after_setfd(void** state) {
  (void)state;
  open_one(0);
  bufferevent_enable(bev, EV_READ);
  run_ready(base);
  for (int round = 0; round < 10; ++round) {
    int old = bufferevent_getfd(bev), pair[2];
    if (round & 1) bufferevent_disable(bev, EV_READ);
    if (round & 2) run_ready(base);
    close(old);
    close(peer);
    stream_pair(pair);
    assert_int_equal(pair[0] < pair[1] ? pair[0] : pair[1], old < peer ? old : peer);
    peer = pair[1];
    assert_int_equal(bufferevent_setfd(bev, pair[0]), 0);
    bufferevent_enable(bev, EV_READ);
    run_ready(base);
    send_text(peer, "hello");
    bufferevent_write(bev, "world", 5);
    run_ready(base);
    assert_input(bev, "hello");
    assert_received(peer, "world");
  }
  close_one();
}

static void a_descriptor_kept_open_by_a_child_disturbs_nobody(void** state) {
  (void)state;
  open_one(0);
  bufferevent_enable(bev, EV_READ);
  run_ready(base);
  int hold[2];
  assert_int_equal(pipe(hold), 0);
  pid_t child = fork();
  if (child == 0) {
    char byte;
    close(hold[1]);
    _exit(read(hold[0], &byte, 1) < 0);
  }
  close(hold[0]);
  bufferevent_free(bev);
  run_ready(base);
  int new_peer;
  bev = socket_bev(base, BEV_OPT_CLOSE_ON_FREE, &new_peer);
  listen_to(&teller, &story, "x", bev);
  bufferevent_enable(bev, EV_READ);
  for (int i = 0; i < 5; ++i) {
    send_text(peer, "to the old one");
    run_ready(base);
  }
  assert_int_equal(teller.reads, 0);
  send_text(new_peer, "to the new one");
  run_ready(base);
  assert_input(bev, "to the new one");
  close(hold[1]);
  assert_int_equal(waitpid(child, NULL, 0), child);
  close(new_peer);
  close_one();
}

static void after_a_fork_the_child_goes_on_alone(void** state) {
  (void)state;
  open_one(0);
  bufferevent_enable(bev, EV_READ);
  run_ready(base);
  pid_t child = fork();
  if (child == 0) {
    if (event_reinit(base) != 0) _exit(2);
    send_text(peer, "in the child");
    for (int i = 0; i < 5; ++i)
      event_base_loop(base, EVLOOP_NONBLOCK);
    char got[20] = "";
    bufferevent_read(bev, got, sizeof got - 1);
    bufferevent_write(bev, "answer", 6);
    for (int i = 0; i < 5; ++i)
      event_base_loop(base, EVLOOP_NONBLOCK);
    _exit(strcmp(got, "in the child") != 0);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  assert_received(peer, "answer");
  send_text(peer, "in the parent");
  run_ready(base);
  assert_input(bev, "in the parent");
  close_one();
}

const struct CMUnitTest bev_descriptor_tests[] = {
    cmocka_unit_test(a_raw_event_on_the_same_descriptor_sees_levels),
    cmocka_unit_test(a_descriptor_number_that_comes_back_is_another_descriptor),
    cmocka_unit_test(a_closed_and_replaced_descriptor_works_after_setfd),
    cmocka_unit_test(a_descriptor_kept_open_by_a_child_disturbs_nobody),
    cmocka_unit_test(after_a_fork_the_child_goes_on_alone),
};
const size_t bev_descriptor_test_count = COUNT_OF(bev_descriptor_tests);
