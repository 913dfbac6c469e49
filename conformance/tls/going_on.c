/* What a callback may do that runs because a rate limit lets its bufferevent go on. TLS on another
 * bufferevent has its bytes already, and reads at once. */
#include "conformance/tls/world.h"

#include <pthread.h>
#include <stdatomic.h>

enum { members = 3, allowance = 1000 };

static struct ends ends[members];
static struct event_base* base;
static struct bufferevent_rate_limit_group* group;
static struct ev_token_bucket_cfg* limit;
static const struct timeval hour = {3600, 0};

/* What the client writes comes to lie underneath the server without being noticed. */
static void slip_under(struct ends* connection, const char* text) {
  struct evbuffer* from = bufferevent_get_output(connection->below[client]);
  struct evbuffer* to = bufferevent_get_input(connection->below[server]);
  bufferevent_disable(connection->below[client], EV_WRITE);
  bufferevent_write(connection->bev[client], text, strlen(text));
  evbuffer_unfreeze(from, 1);
  evbuffer_unfreeze(to, 0);
  assert_true(evbuffer_get_length(from) > strlen(text));
  assert_int_equal(evbuffer_add_buffer(to, from), 0);
  evbuffer_freeze(from, 1);
  evbuffer_freeze(to, 0);
  bufferevent_enable(connection->below[client], EV_WRITE);
}

/* The servers of all connections are in a group that has nothing to spend, with bytes to read. */
static void open_resting_members(bufferevent_data_cb on_read) {
  assert_int_equal(evthread_use_pthreads(), 0);
  base = new_base();
  limit = ev_token_bucket_cfg_new(allowance, allowance, allowance, allowance, &hour);
  group = bufferevent_rate_limit_group_new(base, limit);
  for (int i = 0; i < members; ++i) {
    open_ends(&ends[i], base, over_socket, TLS1_3_VERSION,
              BEV_OPT_CLOSE_ON_FREE | BEV_OPT_THREADSAFE);
    shake_hands(&ends[i]);
    bufferevent_setcb(ends[i].bev[server], on_read, NULL, NULL, &ends[i]);
    assert_int_equal(bufferevent_add_to_rate_limit_group(ends[i].bev[server], group), 0);
  }
  assert_int_equal(bufferevent_rate_limit_group_decrement_read(group, allowance), 0);
  for (int i = 0; i < members; ++i)
    slip_under(&ends[i], "ready");
}

static void give_back(void) {
  assert_int_equal(bufferevent_rate_limit_group_decrement_read(group, -allowance), 0);
  run_ready(base);
}

static void close_members(void) {
  for (int i = 0; i < members; ++i) {
    if (ends[i].bev[server]) bufferevent_remove_from_rate_limit_group(ends[i].bev[server]);
    close_ends(&ends[i]);
  }
  if (group) bufferevent_rate_limit_group_free(group);
  ev_token_bucket_cfg_free(limit);
  event_base_free(base);
}

static int calls;
static atomic_int answers;

static void* ask_group(void* unused) {
  (void)unused;
  bufferevent_rate_limit_group_get_read_limit(group);
  atomic_fetch_add(&answers, 1);
  return NULL;
}

static void another_thread_asks(struct bufferevent* bev, void* context) {
  pthread_t thread;
  double end = seconds_now() + 5;
  (void)bev, (void)context;
  ++calls;
  assert_int_equal(pthread_create(&thread, NULL, ask_group, NULL), 0);
  while (atomic_load(&answers) < calls && seconds_now() < end)
    usleep(100);
  if (atomic_load(&answers) < calls) fail_msg("%s", "the group does not answer");
  pthread_join(thread, NULL);
}

/* The original holds it. */
static void the_group_is_not_locked_while_its_members_go_on(void** state) {
  (void)state;
  if (on_original()) return;
  open_resting_members(another_thread_asks);
  give_back();
  assert_int_equal(calls, members);
  close_members();
}

static void free_the_others(struct bufferevent* bev, void* context) {
  (void)bev;
  ++calls;
  for (int i = 0; i < members; ++i)
    if (&ends[i] != context && ends[i].bev[server]) {
      bufferevent_free(ends[i].bev[server]);
      ends[i].bev[server] = NULL;
    }
}

/* In the original, with the group locked. */
static void a_member_may_free_the_others(void** state) {
  (void)state;
  if (on_original()) return;
  open_resting_members(free_the_others);
  give_back();
  assert_int_equal(calls, 1);
  close_members();
}

static void move_to_another_group(struct bufferevent* bev, void* other) {
  ++calls;
  assert_int_equal(bufferevent_add_to_rate_limit_group(bev, other), 0);
}

/* The original loses its way from one group to the other, and with it whoever comes after. */
static void every_member_may_move_to_another_group(void** state) {
  (void)state;
  if (on_original()) return;
  open_resting_members(NULL);
  struct bufferevent_rate_limit_group* other = bufferevent_rate_limit_group_new(base, limit);
  for (int i = 0; i < members; ++i)
    bufferevent_setcb(ends[i].bev[server], move_to_another_group, NULL, NULL, other);
  give_back();
  assert_int_equal(calls, members);
  /* They count where they are. */
  bufferevent_rate_limit_group_reset_totals(group);
  for (int i = 0; i < members; ++i)
    bufferevent_write(ends[i].bev[server], "x", 1);
  run_ready(base);
  ev_uint64_t left = 1, joined = 0;
  bufferevent_rate_limit_group_get_totals(group, NULL, &left);
  bufferevent_rate_limit_group_get_totals(other, NULL, &joined);
  assert_int_equal(left, 0);
  assert_true(joined >= members);
  for (int i = 0; i < members; ++i)
    bufferevent_remove_from_rate_limit_group(ends[i].bev[server]);
  bufferevent_rate_limit_group_free(other);
  close_members();
}

static void dissolve_the_group(struct bufferevent* bev, void* context) {
  (void)bev, (void)context;
  ++calls;
  for (int i = 0; i < members; ++i)
    bufferevent_remove_from_rate_limit_group(ends[i].bev[server]);
  if (group) bufferevent_rate_limit_group_free(group);
  group = NULL;
}

/* In the original, who lets them go on still holds the lock that is freed. */
static void a_member_may_dissolve_the_group(void** state) {
  (void)state;
  if (on_original()) return;
  open_resting_members(dissolve_the_group);
  give_back();
  assert_int_equal(calls, members);
  close_members();
}

/* ---- The limit of one. */

static struct ev_token_bucket_cfg* newer;

static void change_limit(struct bufferevent* bev, void* unused) {
  (void)unused;
  if (calls++ > 0) return;
  bufferevent_set_rate_limit(bev, newer);
  if (newer) bufferevent_decrement_write_limit(bev, allowance + 1);
}

/* With a limit whose buckets are both empty and bytes to read. */
static void open_limited(const struct timeval* tick) {
  base = new_base();
  limit = ev_token_bucket_cfg_new(allowance, allowance, allowance, allowance, tick);
  open_ends(&ends[0], base, over_socket, TLS1_3_VERSION, BEV_OPT_CLOSE_ON_FREE);
  shake_hands(&ends[0]);
  bufferevent_setcb(ends[0].bev[server], change_limit, NULL, NULL, NULL);
  assert_int_equal(bufferevent_set_rate_limit(ends[0].bev[server], limit), 0);
  assert_int_equal(bufferevent_decrement_read_limit(ends[0].bev[server], allowance), 0);
  assert_int_equal(bufferevent_decrement_write_limit(ends[0].bev[server], allowance), 0);
  slip_under(&ends[0], "ready");
}

static void close_limited(void) {
  bufferevent_set_rate_limit(ends[0].bev[server], NULL);
  close_ends(&ends[0]);
  ev_token_bucket_cfg_free(limit);
  event_base_free(base);
}

static void a_callback_may_lift_the_limit_that_let_it_go_on(void** state) {
  (void)state;
  open_limited(&hour);
  bufferevent_write(ends[0].bev[server], "held back", 9);
  newer = NULL;
  bufferevent_decrement_read_limit(ends[0].bev[server], -allowance);
  run_until_input(base, ends[0].bev[client], 9);
  assert_int_equal(calls, 1);
  close_limited();
}

static void a_callback_may_lift_the_limit_when_a_tick_lets_it_go_on(void** state) {
  struct timeval tick = {0, 20000};
  (void)state;
  open_limited(&tick);
  /* Reading is let on by the first tick, and writing not for a long time. */
  bufferevent_decrement_write_limit(ends[0].bev[server], 1 << 30);
  bufferevent_write(ends[0].bev[server], "held back", 9);
  newer = NULL;
  run_until_input(base, ends[0].bev[client], 9);
  assert_int_equal(calls, 1);
  bufferevent_write(ends[0].bev[server], ", no more", 9);
  run_until_input(base, ends[0].bev[client], 18);
  close_limited();
}

/* The original calls itself without end. */
static void a_limit_set_while_the_old_one_is_lifted_holds(void** state) {
  (void)state;
  if (on_original()) return;
  struct timeval tick = {0, 50000};
  newer = ev_token_bucket_cfg_new(allowance, allowance, allowance, allowance, &tick);
  open_limited(&hour);
  bufferevent_write(ends[0].bev[server], "held back", 9);
  bufferevent_set_rate_limit(ends[0].bev[server], NULL);
  assert_int_equal(calls, 1);
  assert_ptr_equal(bufferevent_get_token_bucket_cfg(ends[0].bev[server]), newer);
  run_ready(base);
  assert_int_equal(evbuffer_get_length(bufferevent_get_input(ends[0].bev[client])), 0);
  run_until_input(base, ends[0].bev[client], 9);
  close_limited();
  ev_token_bucket_cfg_free(newer);
}

const struct CMUnitTest going_on_tests[] = {
    cmocka_unit_test(the_group_is_not_locked_while_its_members_go_on),
    cmocka_unit_test(a_member_may_free_the_others),
    cmocka_unit_test(every_member_may_move_to_another_group),
    cmocka_unit_test(a_member_may_dissolve_the_group),
    cmocka_unit_test(a_callback_may_lift_the_limit_that_let_it_go_on),
    cmocka_unit_test(a_callback_may_lift_the_limit_when_a_tick_lets_it_go_on),
    cmocka_unit_test(a_limit_set_while_the_old_one_is_lifted_holds),
};
const size_t going_on_test_count = COUNT_OF(going_on_tests);
