/* What goes wrong when readiness is reported once and then forgotten. Each test holds for level
 * triggering as well. */
#include "conformance/buffers/one_bev.h"

#include <stdatomic.h>
#include <sys/wait.h>

static void an_end_behind_a_short_read_is_seen(void** state) {
  (void)state;
  for (int tcp = 0; tcp < 2; ++tcp) {
    int pair[2];
    base = new_base();
    if (tcp)
      tcp_pair(pair);
    else
      stream_pair(pair);
    bev = bufferevent_socket_new(base, pair[0], BEV_OPT_CLOSE_ON_FREE);
    memset(&story, 0, sizeof story);
    listen_to(&teller, &story, "x", bev);
    bufferevent_enable(bev, EV_READ);
    run_ready(base);
    send_text(pair[1], "last");
    close(pair[1]);
    run_until(base, &teller.events);
    assert_string_equal(story.text, "x:read(4) x:event(0x11)");
    bufferevent_free(bev);
    event_base_free(base);
  }
}

static void an_end_behind_limited_reads_is_seen(void** state) {
  (void)state;
  open_one(0);
  bufferevent_set_max_single_read(bev, 5);
  bufferevent_enable(bev, EV_READ);
  send_text(peer, "0123456789");
  shutdown(peer, SHUT_WR);
  run_ready(base);
  assert_string_equal(story.text, "x:read(5) x:read(10) x:event(0x11)");
  close_one();
}

static void an_end_that_comes_while_disabled_is_seen_when_enabled(void** state) {
  (void)state;
  open_one(0);
  bufferevent_enable(bev, EV_READ);
  run_ready(base);
  bufferevent_disable(bev, EV_READ);
  run_ready(base);
  send_text(peer, "late");
  shutdown(peer, SHUT_WR);
  run_ready(base);
  assert_string_equal(story.text, "");
  bufferevent_enable(bev, EV_READ);
  run_ready(base);
  assert_string_equal(story.text, "x:read(4) x:event(0x11)");
  close_one();
}

static void bytes_that_come_while_disabled_are_read_when_enabled(void** state) {
  (void)state;
  open_one(0);
  char expected[100] = "";
  for (int i = 0; i < 8; ++i) {
    bufferevent_enable(bev, EV_READ);
    if (i & 1) run_ready(base);
    bufferevent_disable(bev, EV_READ);
    if (i & 2) run_ready(base);
    send_text(peer, "abcd");
    strcat(expected, "abcd");
    if (i & 4) run_ready(base);
    bufferevent_enable(bev, EV_READ);
    run_ready(base);
    assert_text(bufferevent_get_input(bev), expected);
  }
  close_one();
}

static void disable_other(struct bufferevent* me, void* context) {
  tell_read(me, context);
  struct bufferevent* other = ((struct teller*)context)->bev;
  if (other) bufferevent_disable(other, EV_READ);
}

static void readiness_reported_in_the_same_wait_survives_a_disable(void** state) {
  (void)state;
  base = new_base();
  struct bufferevent* bevs[2];
  struct teller tellers[2];
  int peers[2];
  memset(&story, 0, sizeof story);
  for (int i = 0; i < 2; ++i) {
    bevs[i] = socket_bev(base, BEV_OPT_CLOSE_ON_FREE, &peers[i]);
    listen_to(&tellers[i], &story, i ? "b" : "a", bevs[i]);
    bufferevent_setcb(bevs[i], disable_other, NULL, NULL, &tellers[i]);
  }
  tellers[0].bev = bevs[1];
  tellers[1].bev = bevs[0];
  for (int i = 0; i < 2; ++i)
    bufferevent_enable(bevs[i], EV_READ);
  run_ready(base);
  for (int i = 0; i < 2; ++i)
    send_text(peers[i], "xyz");
  run_ready(base);
  int first = tellers[0].reads ? 0 : 1;
  assert_int_equal(tellers[first].reads, 1);
  assert_int_equal(tellers[1 - first].reads, 0);
  tellers[1 - first].bev = NULL;
  bufferevent_enable(bevs[1 - first], EV_READ);
  run_ready(base);
  assert_int_equal(tellers[1 - first].reads, 1);
  for (int i = 0; i < 2; ++i) {
    bufferevent_free(bevs[i]);
    close(peers[i]);
  }
  event_base_free(base);
}

static void a_leftover_behind_a_high_mark_is_read_without_new_bytes(void** state) {
  (void)state;
  open_one(0);
  bufferevent_setcb(bev, NULL, NULL, tell_event, &teller);
  bufferevent_setwatermark(bev, EV_READ, 0, 4);
  bufferevent_enable(bev, EV_READ);
  send_text(peer, "0123456789");
  shutdown(peer, SHUT_WR);
  run_ready(base);
  assert_input(bev, "0123");
  run_ready(base);
  assert_input(bev, "4567");
  run_ready(base);
  assert_input(bev, "89");
  run_ready(base);
  assert_string_equal(story.text, "x:event(0x11)");
  close_one();
}

static void a_leftover_behind_a_rate_limit_is_read_without_new_bytes(void** state) {
  (void)state;
  open_one(0);
  struct timeval hour = {3600, 0};
  struct ev_token_bucket_cfg* config = ev_token_bucket_cfg_new(4, 100, 4, 100, &hour);
  bufferevent_set_rate_limit(bev, config);
  bufferevent_enable(bev, EV_READ);
  send_text(peer, "0123456789");
  shutdown(peer, SHUT_WR);
  run_ready(base);
  assert_input(bev, "0123");
  bufferevent_decrement_read_limit(bev, -4);
  run_ready(base);
  assert_input(bev, "4567");
  bufferevent_decrement_read_limit(bev, -100);
  run_ready(base);
  assert_input(bev, "89");
  assert_int_equal(teller.last_event, 0x11);
  bufferevent_free(bev);
  run_ready(base);
  ev_token_bucket_cfg_free(config);
  close(peer);
  event_base_free(base);
}

static void room_that_appears_while_disabled_is_used_when_enabled(void** state) {
  (void)state;
  open_one(0);
  clog_socket(bufferevent_getfd(bev));
  bufferevent_write(bev, "tail", 4);
  run_ready(base);
  assert_int_equal(evbuffer_get_length(bufferevent_get_output(bev)), 4);
  bufferevent_disable(bev, EV_WRITE);
  run_ready(base);
  drain_descriptor(peer);
  run_ready(base);
  bufferevent_enable(bev, EV_WRITE);
  run_ready(base);
  assert_received(peer, "tail");
  assert_string_equal(story.text, "x:write(0)");
  close_one();
}

static void room_that_appears_is_used(void** state) {
  (void)state;
  open_one(0);
  for (int round = 0; round < 5; ++round) {
    clog_socket(bufferevent_getfd(bev));
    bufferevent_write(bev, "tail", 4);
    run_ready(base);
    assert_int_equal(evbuffer_get_length(bufferevent_get_output(bev)), 4);
    drain_descriptor(peer);
    run_ready(base);
    assert_received(peer, "tail");
  }
  close_one();
}

static void writing_works_long_after_the_descriptor_became_writable(void** state) {
  (void)state;
  open_one(0);
  bufferevent_enable(bev, EV_READ | EV_WRITE);
  run_ready(base);
  for (int i = 0; i < 20; ++i) {
    bufferevent_write(bev, "ping", 4);
    run_ready(base);
    assert_received(peer, "ping");
  }
  assert_int_equal(teller.writes, 21);
  close_one();
}

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

/* The waits of the library, counted: these stand in front of the C library's. */
static atomic_int waits;
#include <sys/epoll.h>
#include <sys/syscall.h>
int epoll_wait(int set, struct epoll_event* events, int most, int timeout) {
  ++waits;
  return (int)syscall(SYS_epoll_pwait, set, events, most, timeout, NULL, 8L);
}

static void note_time(evutil_socket_t fd, short what, void* arg) {
  (void)fd, (void)what;
  *(int*)arg = 1;
}

static void a_peer_that_reads_does_not_wake_who_has_nothing_to_write(void** state) {
  (void)state;
  open_one(0);
  bufferevent_enable(bev, EV_READ | EV_WRITE);
  clog_socket(bufferevent_getfd(bev));
  bufferevent_write(bev, "tail", 4);
  run_ready(base);
  drain_descriptor(peer);
  run_ready(base);
  assert_received(peer, "tail");
  run_ready(base);
  unsigned char bytes[100];
  pattern_fill(bytes, 0, sizeof bytes);
  for (int i = 0; i < 100; ++i)
    assert_int_equal(send(bufferevent_getfd(bev), bytes, sizeof bytes, 0), sizeof bytes);
  pid_t reader = fork();
  if (reader == 0) {
    /* Sends nothing: it only takes, in small pieces, what is there already. */
    for (int i = 0; i < 100; ++i) {
      char byte[100];
      usleep(1000);
      if (read(peer, byte, sizeof byte) < 0) _exit(1);
    }
    _exit(0);
  }
  int done = 0;
  struct timeval later = {0, 400000};
  struct event* timer = evtimer_new(base, note_time, &done);
  event_add(timer, &later);
  waits = 0;
  while (!done)
    event_base_loop(base, EVLOOP_ONCE);
  assert_true(waits <= 20);
  event_free(timer);
  int status;
  assert_int_equal(waitpid(reader, &status, 0), reader);
  assert_int_equal(status, 0);
  close_one();
}

const struct CMUnitTest bev_edge_tests[] = {
    cmocka_unit_test(an_end_behind_a_short_read_is_seen),
    cmocka_unit_test(an_end_behind_limited_reads_is_seen),
    cmocka_unit_test(an_end_that_comes_while_disabled_is_seen_when_enabled),
    cmocka_unit_test(bytes_that_come_while_disabled_are_read_when_enabled),
    cmocka_unit_test(readiness_reported_in_the_same_wait_survives_a_disable),
    cmocka_unit_test(a_leftover_behind_a_high_mark_is_read_without_new_bytes),
    cmocka_unit_test(a_leftover_behind_a_rate_limit_is_read_without_new_bytes),
    cmocka_unit_test(room_that_appears_while_disabled_is_used_when_enabled),
    cmocka_unit_test(room_that_appears_is_used),
    cmocka_unit_test(writing_works_long_after_the_descriptor_became_writable),
    cmocka_unit_test(a_raw_event_on_the_same_descriptor_sees_levels),
    cmocka_unit_test(a_descriptor_number_that_comes_back_is_another_descriptor),
    cmocka_unit_test(a_closed_and_replaced_descriptor_works_after_setfd),
    cmocka_unit_test(a_descriptor_kept_open_by_a_child_disturbs_nobody),
    cmocka_unit_test(after_a_fork_the_child_goes_on_alone),
    cmocka_unit_test(a_peer_that_reads_does_not_wake_who_has_nothing_to_write),
};
const size_t bev_edge_test_count = COUNT_OF(bev_edge_tests);
