/* Every allocation of every step fails: alone, and with all that follow. What fails says so and
 * leaves nothing behind; what has succeeded works; and no byte that was taken is lost. */
#include "conformance/buffers/one_bev.h"

#include <event2/listener.h>

static struct bufferevent* others[2];
static struct ev_token_bucket_cfg* limit;
static struct bufferevent_rate_limit_group* group;
static struct evconnlistener* listener;
static struct sockaddr_in address;
static const char sent[] = "bytes that were taken";

/* ---- What may fail: prepare() with memory; run() without, which gives 0 or -1; check() with
 * memory again, told what run() has given. */
struct operation {
  const char* name;
  void (*prepare)(void);
  int (*run)(void);
  void (*check)(int result);
  int not_original; /* which crashes, or never comes back */
};

static void nothing(void) {}

static void open_socket(void) {
  int pair[2];
  stream_pair(pair);
  peer = pair[1];
  bev = bufferevent_socket_new(base, pair[0], BEV_OPT_CLOSE_ON_FREE);
  listen_to(&teller, NULL, "x", bev);
}

static void open_reading_socket(void) {
  open_socket();
  bufferevent_enable(bev, EV_READ);
  run_ready(base);
}

static void is_there(int result) {
  assert_int_equal(result == 0, bev != NULL);
}

static int make_socket(void) {
  bev = bufferevent_socket_new(base, -1, 0);
  return bev ? 0 : -1;
}

static int make_safe_socket(void) {
  bev = bufferevent_socket_new(base, -1, BEV_OPT_THREADSAFE);
  return bev ? 0 : -1;
}

static int make_pair(void) {
  int result = bufferevent_pair_new(base, BEV_OPT_THREADSAFE, others);
  if (result != 0) others[0] = others[1] = NULL;
  return result;
}

static void pair_works(int result) {
  if (result != 0) return;
  bufferevent_enable(others[1], EV_READ);
  bufferevent_write(others[0], sent, strlen(sent));
  run_ready(base);
  assert_input(others[1], sent);
}

static int make_filter(void) {
  others[0] = bufferevent_filter_new(bev, NULL, NULL, BEV_OPT_THREADSAFE, NULL, NULL);
  return others[0] ? 0 : -1;
}

static void the_socket_still_works(int result) {
  struct bufferevent* top = result == 0 ? others[0] : bev;
  bufferevent_enable(top, EV_READ);
  bufferevent_write(top, sent, strlen(sent));
  run_ready(base);
  assert_received(peer, sent);
  send_text(peer, "answer");
  run_ready(base);
  assert_input(top, "answer");
}

/* Those that were refused are not there; the others arrive in order. */
static char expected[8000];

static int write_much(void) {
  int result = 0;
  char record[700];
  memset(record, '.', sizeof record - 1);
  record[sizeof record - 1] = 0;
  expected[0] = 0;
  for (int i = 0; i < 10; ++i) {
    record[0] = (char)('a' + i);
    if (bufferevent_write(bev, record, strlen(record)) == 0)
      strcat(expected, record);
    else
      result = -1;
    event_base_loop(base, EVLOOP_NONBLOCK);
  }
  return result;
}

static void all_taken_arrives(int result) {
  (void)result;
  for (int i = 0; i < 3; ++i) {
    bufferevent_enable(bev, EV_WRITE);
    run_ready(base);
  }
  assert_int_equal(evbuffer_get_length(bufferevent_get_output(bev)), 0);
  assert_received(peer, expected);
}

static int read_much(void) {
  char record[700];
  memset(record, '-', sizeof record - 1);
  record[sizeof record - 1] = 0;
  expected[0] = 0;
  for (int i = 0; i < 10; ++i) {
    record[0] = (char)('A' + i);
    send_text(peer, record);
    strcat(expected, record);
    event_base_loop(base, EVLOOP_NONBLOCK);
  }
  return memory_refused() ? -1 : 0;
}

static void all_sent_arrives(int result) {
  (void)result;
  for (int i = 0; i < 3; ++i) {
    bufferevent_enable(bev, EV_READ);
    run_ready(base);
  }
  assert_input(bev, expected);
}

static int cross_a_pair(void) {
  int result = 0;
  expected[0] = 0;
  bufferevent_setwatermark(others[1], EV_READ, 0, 1000);
  bufferevent_enable(others[1], EV_READ);
  for (int i = 0; i < 10; ++i) {
    char record[300];
    memset(record, '0' + i, sizeof record - 1);
    record[sizeof record - 1] = 0;
    if (bufferevent_write(others[0], record, strlen(record)) == 0)
      strcat(expected, record);
    else
      result = -1;
  }
  return result;
}

static void open_pair(void) {
  assert_int_equal(bufferevent_pair_new(base, 0, others), 0);
}

static void all_has_crossed(int result) {
  (void)result;
  bufferevent_setwatermark(others[1], EV_READ, 0, 0);
  bufferevent_enable(others[1], EV_READ);
  bufferevent_flush(others[0], EV_WRITE, BEV_FLUSH);
  run_ready(base);
  assert_input(others[1], expected);
}

static void listen_somewhere(void) {
  int descriptor = tcp_listener(&address);
  evutil_make_socket_nonblocking(descriptor);
  listener = evconnlistener_new(base, NULL, NULL, LEV_OPT_CLOSE_ON_FREE, 0, descriptor);
  bev = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
  listen_to(&teller, NULL, "x", bev);
}

static int connect_somewhere(void) {
  return bufferevent_socket_connect(bev, (struct sockaddr*)&address, sizeof address);
}

static int connect_by_name(void) {
  int result =
      bufferevent_socket_connect_hostname(bev, NULL, AF_INET, "127.0.0.1", ntohs(address.sin_port));
  /* A name that is not found is reported. */
  return result != 0 || (teller.last_event & BEV_EVENT_ERROR) ? -1 : 0;
}

static void is_connected(int result) {
  if (result == 0) run_until(base, &teller.events);
  assert_true(result != 0 || teller.last_event == BEV_EVENT_CONNECTED);
}

static int set_a_limit(void) {
  limit = ev_token_bucket_cfg_new(5, 5, 5, 5, NULL);
  return limit ? bufferevent_set_rate_limit(bev, limit) : -1;
}

static void limit_holds(int result) {
  send_text(peer, "0123456789");
  bufferevent_enable(bev, EV_READ);
  run_ready(base);
  size_t most = result == 0 ? 5 : 10;
  assert_in_range(evbuffer_get_length(bufferevent_get_input(bev)), 5, most);
}

static int make_a_group(void) {
  limit = ev_token_bucket_cfg_new(5, 5, 5, 5, NULL);
  group = limit ? bufferevent_rate_limit_group_new(base, limit) : NULL;
  return group ? bufferevent_add_to_rate_limit_group(bev, group) : -1;
}

static int set_timeouts(void) {
  struct timeval soon = {0, 10000};
  if (bufferevent_set_timeouts(bev, &soon, &soon) != 0) return -1;
  return bufferevent_enable(bev, EV_READ);
}

static void is_timed_out(int result) {
  if (result == 0) run_until(base, &teller.events);
  assert_true(result != 0 || (teller.last_event & BEV_EVENT_TIMEOUT));
}

static int make_a_listener(void) {
  struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  listener = evconnlistener_new_bind(base, NULL, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_THREADSAFE,
                                     -1, (struct sockaddr*)&any, sizeof any);
  return listener ? evconnlistener_disable(listener) | evconnlistener_enable(listener) : -1;
}

static void ignore(int result) {
  (void)result;
}

static const struct operation operations[] = {
    {"a socket", nothing, make_socket, is_there, 0},
    {"a thread-safe socket", nothing, make_safe_socket, is_there, 0},
    {"a thread-safe pair", nothing, make_pair, pair_works, 1},
    {"a thread-safe filter", open_socket, make_filter, the_socket_still_works, 1},
    {"writing", open_socket, write_much, all_taken_arrives, 0},
    {"writing where reads are watched", open_reading_socket, write_much, all_taken_arrives, 0},
    {"reading", open_reading_socket, read_much, all_sent_arrives, 1},
    {"crossing a pair", open_pair, cross_a_pair, all_has_crossed, 1},
    {"connecting", listen_somewhere, connect_somewhere, is_connected, 0},
    {"connecting by name", listen_somewhere, connect_by_name, is_connected, 0},
    {"a limit", open_socket, set_a_limit, limit_holds, 0},
    {"a group", open_socket, make_a_group, limit_holds, 0},
    {"timeouts", open_socket, set_timeouts, is_timed_out, 0},
    {"a listener", nothing, make_a_listener, ignore, 0},
};

/* ---- Every one of them, with the n-th allocation failing, for every n. */

static void close_all(void) {
  if (others[0]) bufferevent_free(others[0]);
  if (others[1]) bufferevent_free(others[1]);
  if (bev) bufferevent_free(bev);
  run_ready(base);
  if (group) bufferevent_rate_limit_group_free(group);
  if (limit) ev_token_bucket_cfg_free(limit);
  if (listener) evconnlistener_free(listener);
  if (peer >= 0) close(peer);
  event_base_free(base);
  others[0] = others[1] = bev = NULL;
  group = NULL;
  limit = NULL;
  listener = NULL;
}

/* True if an allocation has failed. */
static int try_with(const struct operation* operation, long step, int once) {
  const long before = memory_outstanding();
  base = new_base();
  peer = -1;
  memset(&teller, 0, sizeof teller);
  operation->prepare();
  if (once)
    memory_fails_once_after(step);
  else
    memory_fails_after(step);
  const int result = operation->run();
  const long refused = memory_refused();
  memory_succeeds();
  if (result != 0 && !refused) fail_msg("%s fails with all memory", operation->name);
  operation->check(result);
  close_all();
  if (memory_outstanding() != before)
    fail_msg("%s with allocation %ld failing leaves %ld behind", operation->name, step,
             memory_outstanding() - before);
  return refused != 0;
}

static int descriptors_open(void) {
  int count = 0;
  for (int i = 0; i < 64; ++i)
    count += descriptor_is_open(i);
  return count;
}

static void fail_each_allocation_of(size_t first, size_t count) {
  memory_hooks_install();
  evthread_use_pthreads();
  try_with(&operations[0], 1000, 0); /* what is made once stays */
  const int open_before = descriptors_open();
  for (size_t i = first; i < first + count; ++i) {
    if (operations[i].not_original && on_original()) continue;
    for (int once = 0; once < 2; ++once) {
      long step = 0;
      while (try_with(&operations[i], step, once))
        ++step;
    }
  }
  assert_int_equal(descriptors_open(), open_before);
}

static void making_one_without_memory_fails_and_leaves_nothing(void** state) {
  (void)state;
  fail_each_allocation_of(0, 4);
}

static void no_byte_that_was_taken_is_lost_without_memory(void** state) {
  (void)state;
  fail_each_allocation_of(4, 4);
}

static void connecting_without_memory_fails_or_is_reported(void** state) {
  (void)state;
  fail_each_allocation_of(8, 2);
}

static void limits_without_memory_are_refused(void** state) {
  (void)state;
  fail_each_allocation_of(10, 2);
}

static void timeouts_and_listeners_without_memory_are_refused(void** state) {
  (void)state;
  fail_each_allocation_of(12, 2);
}

const struct CMUnitTest bev_memory_tests[] = {
    cmocka_unit_test(making_one_without_memory_fails_and_leaves_nothing),
    cmocka_unit_test(no_byte_that_was_taken_is_lost_without_memory),
    cmocka_unit_test(connecting_without_memory_fails_or_is_reported),
    cmocka_unit_test(limits_without_memory_are_refused),
    cmocka_unit_test(timeouts_and_listeners_without_memory_are_refused),
};
const size_t bev_memory_test_count = COUNT_OF(bev_memory_tests);
