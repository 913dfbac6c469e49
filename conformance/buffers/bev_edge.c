/* What goes wrong when readiness is reported once and then forgotten. Each test holds for level
 * triggering as well. */
#include "conformance/buffers/one_bev.h"

#include <stdatomic.h>
#include <sys/wait.h>

static void open_reading(void) {
  open_one(0);
  bufferevent_enable(bev, EV_READ);
}

/* What is read, and the end right behind it. */
static void send_last(const char* text) {
  send_text(peer, text);
  shutdown(peer, SHUT_WR);
}

/* The descriptor takes nothing, and "tail" waits for room. */
static void clog_output(void) {
  clog_socket(bufferevent_getfd(bev));
  bufferevent_write(bev, "tail", 4);
  run_ready(base);
  assert_int_equal(evbuffer_get_length(bufferevent_get_output(bev)), 4);
}

static void an_end_behind_a_short_read_is_seen(void** state) {
  (void)state;
  for (int tcp = 0; tcp < 2; ++tcp) {
    if (tcp)
      open_tcp(0);
    else
      open_one(0);
    bufferevent_enable(bev, EV_READ);
    run_ready(base);
    send_text(peer, "last");
    close_peer();
    run_until(base, &teller.events);
    assert_string_equal(story.text, "x:read(4) x:event(0x11)");
    close_one();
  }
}

static void an_end_behind_limited_reads_is_seen(void** state) {
  (void)state;
  open_one(0);
  bufferevent_set_max_single_read(bev, 5);
  bufferevent_enable(bev, EV_READ);
  send_last("0123456789");
  run_ready(base);
  assert_string_equal(story.text, "x:read(5) x:read(10) x:event(0x11)");
  close_one();
}

static void an_end_that_comes_while_disabled_is_seen_when_enabled(void** state) {
  (void)state;
  open_reading();
  run_ready(base);
  bufferevent_disable(bev, EV_READ);
  run_ready(base);
  send_last("late");
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
  send_last("0123456789");
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
  send_last("0123456789");
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
  clog_output();
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
    clog_output();
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

/* What follows is of local sockets, where a read that is short may have bytes behind it. */

static void send_with_descriptor(const char* text) {
  struct iovec bytes = {(void*)text, strlen(text)};
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int))];
  } control;
  memset(&control, 0, sizeof control);
  struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1};
  message.msg_control = control.space;
  message.msg_controllen = sizeof control.space;
  control.header.cmsg_level = SOL_SOCKET;
  control.header.cmsg_type = SCM_RIGHTS;
  control.header.cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(&control.header), &peer, sizeof peer);
  assert_int_equal(sendmsg(peer, &message, 0), strlen(text));
}

static void bytes_behind_a_passed_descriptor_are_read(void** state) {
  (void)state;
  for (int first = 0; first < 2; ++first) {
    open_reading();
    run_ready(base);
    if (!first) {
      send_text(peer, "before ");
      run_ready(base);
      assert_input(bev, "before ");
    }
    for (int round = 0; round < 3; ++round) {
      send_with_descriptor("with");
      send_text(peer, " and behind");
      run_ready(base);
      assert_input(bev, "with and behind");
    }
    send_with_descriptor("last");
    shutdown(peer, SHUT_WR);
    run_ready(base);
    assert_input(bev, "last");
    assert_int_equal(teller.last_event, 0x11);
    close_one();
  }
}

/* A read that ends short has been seen. */
static void open_that_has_read(void) {
  open_reading();
  send_text(peer, "go");
  run_ready(base);
  assert_input(bev, "go");
}

enum { local_piece = 40000, local_pieces = 50 };

static size_t local_sent;

/* Several writes' worth, and less than a socket holds. */
static void send_next_piece(struct bufferevent* me, void* context) {
  (void)context;
  if (local_sent == (size_t)local_piece * local_pieces) return;
  unsigned char* bytes = pattern_new(local_sent, local_piece);
  local_sent += local_piece;
  assert_int_equal(bufferevent_write(me, bytes, local_piece), 0);
  free(bytes);
}

static size_t take_all(size_t from) {
  unsigned char bytes[5000];
  ssize_t count;
  while ((count = recv(peer, bytes, sizeof bytes, 0)) > 0)
    for (ssize_t i = 0; i < count; ++i)
      assert_int_equal(bytes[i], pattern_byte(from++));
  return from;
}

static void a_local_socket_that_has_read_sends_everything(void** state) {
  (void)state;
  open_that_has_read();
  bufferevent_setcb(bev, NULL, send_next_piece, NULL, NULL);
  size_t received = 0;
  local_sent = 0;
  send_next_piece(bev, NULL);
  int round = 0;
  for (; received < (size_t)local_piece * local_pieces; ++round) {
    assert_true(round < 100);
    run_ready(base);
    /* What waits meanwhile is not lost, and nothing is sent. */
    if (round == 1) bufferevent_disable(bev, EV_WRITE);
    if (round == 4) bufferevent_enable(bev, EV_WRITE);
    const size_t before = received;
    received = take_all(received);
    if (round >= 2 && round <= 4) assert_int_equal(received, before);
  }
  assert_true(round > 4);
  send_text(peer, "still there");
  run_ready(base);
  assert_input(bev, "still there");
  close_one();
}

static void nothing_is_sent_after_a_disable_in_between(void** state) {
  (void)state;
  open_that_has_read();
  bufferevent_setcb(bev, NULL, NULL, NULL, NULL);
  unsigned char* bytes = pattern_new(0, local_piece);
  assert_int_equal(bufferevent_write(bev, bytes, local_piece), 0);
  event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
  const size_t left = evbuffer_get_length(bufferevent_get_output(bev));
  assert_int_equal(left, local_piece - 16384);
  assert_true(bufferevent_get_enabled(bev) & EV_WRITE);
  bufferevent_disable(bev, EV_WRITE);
  run_ready(base);
  assert_int_equal(evbuffer_get_length(bufferevent_get_output(bev)), left);
  assert_int_equal(take_all(0), 16384);
  bufferevent_enable(bev, EV_WRITE);
  run_ready(base);
  assert_int_equal(take_all(16384), local_piece);
  free(bytes);
  close_one();
}

static void what_was_learned_of_a_descriptor_is_not_held_of_the_next(void** state) {
  (void)state;
  open_that_has_read();
  int pair[2];
  stream_pair(pair);
  const int old = bufferevent_getfd(bev);
  bufferevent_setfd(bev, pair[0]);
  close(old);
  close_peer();
  peer = pair[1];
  bufferevent_set_max_single_read(bev, 5);
  send_text(peer, "0123456789");
  run_ready(base);
  assert_input(bev, "0123456789");
  close_one();
}

static void a_local_socket_that_has_read_reads_on_another_base_too(void** state) {
  (void)state;
  open_that_has_read();
  struct event_base* other = new_base();
  bufferevent_disable(bev, EV_READ | EV_WRITE);
  assert_int_equal(bufferevent_base_set(other, bev), 0);
  event_base_free(base);
  base = other;
  bufferevent_set_max_single_read(bev, 5);
  bufferevent_enable(bev, EV_READ);
  send_text(peer, "0123456789");
  run_ready(base);
  assert_input(bev, "0123456789");
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
  clog_output();
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
    cmocka_unit_test(bytes_behind_a_passed_descriptor_are_read),
    cmocka_unit_test(a_local_socket_that_has_read_sends_everything),
    cmocka_unit_test(nothing_is_sent_after_a_disable_in_between),
    cmocka_unit_test(what_was_learned_of_a_descriptor_is_not_held_of_the_next),
    cmocka_unit_test(a_local_socket_that_has_read_reads_on_another_base_too),
    cmocka_unit_test(a_peer_that_reads_does_not_wake_who_has_nothing_to_write),
};
const size_t bev_edge_test_count = COUNT_OF(bev_edge_tests);
