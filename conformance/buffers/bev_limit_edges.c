/* Rate limits where it gets tight: debts, changes, members that go away, threads, no memory. */
#include "conformance/buffers/stream.h"

#include <pthread.h>

static const struct timeval hour = {3600, 0};
static struct event_base* base;

static struct ev_token_bucket_cfg* config_of(size_t rate, size_t burst, int milliseconds) {
  struct timeval tick = {milliseconds / 1000, milliseconds % 1000 * 1000};
  struct ev_token_bucket_cfg* config = ev_token_bucket_cfg_new(rate, burst, rate, burst, &tick);
  assert_non_null(config);
  return config;
}

static void a_debt_is_paid_off_before_anything_moves(void** state) {
  (void)state;
  base = new_base();
  int peer;
  struct bufferevent* bev = socket_bev(base, BEV_OPT_CLOSE_ON_FREE, &peer);
  struct ev_token_bucket_cfg* config = config_of(10, 10, 30);
  struct teller teller;
  listen_to(&teller, NULL, "x", bev);
  bufferevent_set_rate_limit(bev, config);
  bufferevent_enable(bev, EV_READ);
  double start = seconds_now();
  /* At most 10 - 45, and four ticks from there to more than nothing, the first of them any time. */
  bufferevent_decrement_read_limit(bev, 45);
  send_text(peer, "abc");
  run_until(base, &teller.reads);
  assert_true(seconds_now() - start >= 0.085);
  assert_input(bev, "abc");
  bufferevent_free(bev);
  ev_token_bucket_cfg_free(config);
  close(peer);
  event_base_free(base);
}

static void a_smaller_limit_takes_away_what_is_too_much(void** state) {
  (void)state;
  base = new_base();
  int peer;
  struct bufferevent* bev = socket_bev(base, BEV_OPT_CLOSE_ON_FREE, &peer);
  struct ev_token_bucket_cfg *large = ev_token_bucket_cfg_new(500, 500, 600, 600, &hour),
                             *small = ev_token_bucket_cfg_new(5, 50, 6, 60, &hour);
  bufferevent_set_rate_limit(bev, large);
  assert_int_equal(bufferevent_get_read_limit(bev), 500);
  bufferevent_set_rate_limit(bev, small);
  assert_int_equal(bufferevent_get_read_limit(bev), 50);
  assert_int_equal(bufferevent_get_write_limit(bev), 60);
  bufferevent_decrement_read_limit(bev, 40);
  bufferevent_set_rate_limit(bev, large);
  assert_int_equal(bufferevent_get_read_limit(bev), 10);
  bufferevent_decrement_read_limit(bev, 30);
  bufferevent_set_rate_limit(bev, small);
  assert_int_equal(bufferevent_get_read_limit(bev), -20);
  bufferevent_set_rate_limit(bev, NULL);
  bufferevent_set_rate_limit(bev, small);
  assert_int_equal(bufferevent_get_read_limit(bev), 5);
  bufferevent_free(bev);
  ev_token_bucket_cfg_free(large);
  ev_token_bucket_cfg_free(small);
  close(peer);
  event_base_free(base);
}

static void the_tightest_of_all_limits_counts(void** state) {
  (void)state;
  base = new_base();
  int peer;
  struct bufferevent* bev = socket_bev(base, BEV_OPT_CLOSE_ON_FREE, &peer);
  struct ev_token_bucket_cfg *mine = ev_token_bucket_cfg_new(500, 500, 500, 500, &hour),
                             *ours = ev_token_bucket_cfg_new(300, 300, 900, 900, &hour);
  struct bufferevent_rate_limit_group* group = bufferevent_rate_limit_group_new(base, ours);
  assert_int_equal(bufferevent_get_max_single_read(bev), 16384);
  assert_int_equal(bufferevent_get_max_to_read(bev), 16384);
  bufferevent_set_max_single_read(bev, 100);
  bufferevent_set_max_single_write(bev, 120);
  assert_int_equal(bufferevent_get_max_to_read(bev), 100);
  assert_int_equal(bufferevent_get_max_to_write(bev), 120);
  bufferevent_add_to_rate_limit_group(bev, group);
  assert_int_equal(bufferevent_get_max_to_read(bev), 100);
  bufferevent_set_max_single_read(bev, 0);
  bufferevent_set_max_single_write(bev, (size_t)EV_SSIZE_MAX + 1);
  assert_int_equal(bufferevent_get_max_single_write(bev), 16384);
  assert_int_equal(bufferevent_get_max_to_read(bev), 300);
  assert_int_equal(bufferevent_get_max_to_write(bev), 900);
  bufferevent_set_rate_limit(bev, mine);
  assert_int_equal(bufferevent_get_max_to_read(bev), 300);
  assert_int_equal(bufferevent_get_max_to_write(bev), 500);
  /* The size of single reads does not count beside a limit of one's own. */
  bufferevent_set_max_single_write(bev, 7);
  assert_int_equal(bufferevent_get_max_to_write(bev), 500);
  bufferevent_free(bev);
  run_ready(base);
  bufferevent_rate_limit_group_free(group);
  ev_token_bucket_cfg_free(mine);
  ev_token_bucket_cfg_free(ours);
  close(peer);
  event_base_free(base);
}

static void every_member_of_a_tight_group_gets_something(void** state) {
  (void)state;
  enum { members = 5 };
  base = new_base();
  struct bufferevent* bevs[members];
  int peers[members], left = members;
  struct ev_token_bucket_cfg* config = config_of(60, 60, 5);
  struct bufferevent_rate_limit_group* group = bufferevent_rate_limit_group_new(base, config);
  unsigned char* bytes = pattern_new(0, 4000);
  bufferevent_rate_limit_group_set_min_share(group, 20);
  for (int i = 0; i < members; ++i) {
    bevs[i] = socket_bev(base, BEV_OPT_CLOSE_ON_FREE, &peers[i]);
    bufferevent_add_to_rate_limit_group(bevs[i], group);
    bufferevent_enable(bevs[i], EV_READ);
    assert_int_equal(send(peers[i], bytes, 4000, 0), 4000);
  }
  double end = seconds_now() + 10;
  while (left && seconds_now() < end) {
    run_for(base, 10);
    left = 0;
    for (int i = 0; i < members; ++i)
      left += evbuffer_get_length(bufferevent_get_input(bevs[i])) == 0;
  }
  assert_int_equal(left, 0);
  for (int i = 0; i < members; ++i) {
    struct evbuffer* input = bufferevent_get_input(bevs[i]);
    assert_holds(input, bytes, evbuffer_get_length(input));
    bufferevent_free(bevs[i]);
    close(peers[i]);
  }
  free(bytes);
  run_ready(base);
  bufferevent_rate_limit_group_free(group);
  ev_token_bucket_cfg_free(config);
  event_base_free(base);
}

static void leave_within(struct bufferevent* bev, void* arg) {
  ++*(int*)arg;
  bufferevent_remove_from_rate_limit_group(bev);
}
static void free_within(struct bufferevent* bev, void* arg) {
  ++*(int*)arg;
  bufferevent_free(bev);
}

static void a_member_may_leave_or_go_away_in_its_callback(void** state) {
  (void)state;
  memory_hooks_install();
  base = new_base();
  int peers[3], reads = 0, others = 0;
  struct ev_token_bucket_cfg* config = ev_token_bucket_cfg_new(6, 6, 6, 6, &hour);
  struct bufferevent_rate_limit_group* group = bufferevent_rate_limit_group_new(base, config);
  bufferevent_data_cb callbacks[] = {free_within, leave_within, tell_read};
  struct bufferevent* bevs[3];
  struct teller teller;
  for (int i = 0; i < 3; ++i) {
    bevs[i] = socket_bev(base, BEV_OPT_CLOSE_ON_FREE, &peers[i]);
    if (i < 2)
      bufferevent_setcb(bevs[i], callbacks[i], NULL, NULL, i ? &others : &reads);
    else
      listen_to(&teller, NULL, "x", bevs[i]);
    bufferevent_add_to_rate_limit_group(bevs[i], group);
    bufferevent_enable(bevs[i], EV_READ);
  }
  send_text(peers[0], "abcdef"); /* uses all up, and is gone */
  run_until(base, &reads);
  send_text(peers[1], "abcdef");
  send_text(peers[2], "abcdef");
  run_ready(base);
  assert_int_equal(others + teller.reads, 0);
  bufferevent_rate_limit_group_decrement_read(group, -100);
  run_ready(base);
  assert_int_equal(others, 1);
  assert_input(bevs[1], "abcdef");
  assert_input(bevs[2], "abcdef");
  bufferevent_set_rate_limit(bevs[1], config);
  bufferevent_free(bevs[1]);
  bufferevent_free(bevs[2]);
  run_ready(base);
  bufferevent_rate_limit_group_free(group);
  ev_token_bucket_cfg_free(config);
  for (int i = 0; i < 3; ++i)
    close(peers[i]);
  event_base_free(base);
  assert_int_equal(memory_outstanding(), 0);
}

static void a_limit_below_a_filter_holds_for_it(void** state) {
  (void)state;
  base = new_base();
  int peer;
  struct bufferevent* bev = socket_bev(base, BEV_OPT_CLOSE_ON_FREE, &peer);
  struct bufferevent* filter =
      bufferevent_filter_new(bev, NULL, NULL, BEV_OPT_CLOSE_ON_FREE, NULL, NULL);
  struct ev_token_bucket_cfg* config = ev_token_bucket_cfg_new(4, 4, 5, 5, &hour);
  bufferevent_set_rate_limit(bev, config);
  bufferevent_enable(filter, EV_READ | EV_WRITE);
  send_text(peer, "abcdefgh");
  bufferevent_write(filter, "123456789", 9);
  run_ready(base);
  assert_text(bufferevent_get_input(filter), "abcd");
  assert_received(peer, "12345");
  bufferevent_set_rate_limit(bev, NULL);
  run_ready(base);
  assert_text(bufferevent_get_input(filter), "abcdefgh");
  assert_received(peer, "6789");
  bufferevent_free(filter);
  run_ready(base);
  ev_token_bucket_cfg_free(config);
  close(peer);
  event_base_free(base);
}

static void no_memory_means_no_limit(void** state) {
  (void)state;
  memory_hooks_install();
  base = new_base();
  int peer;
  struct bufferevent* bev = socket_bev(base, BEV_OPT_CLOSE_ON_FREE, &peer);
  struct ev_token_bucket_cfg* config = config_of(10, 10, 1000);
  struct bufferevent_rate_limit_group* group = bufferevent_rate_limit_group_new(base, config);
  memory_fails_after(0);
  struct ev_token_bucket_cfg* second_config = ev_token_bucket_cfg_new(1, 1, 1, 1, NULL);
  int limited = bufferevent_set_rate_limit(bev, config);
  struct bufferevent_rate_limit_group* second_group =
      bufferevent_rate_limit_group_new(base, config);
  int joined = bufferevent_add_to_rate_limit_group(bev, group);
  memory_succeeds();
  assert_null(second_config);
  assert_null(second_group);
  assert_int_equal(limited, -1);
  assert_int_equal(joined, -1);
  bufferevent_enable(bev, EV_READ);
  send_text(peer, "0123456789abcdef");
  run_ready(base);
  assert_input(bev, "0123456789abcdef");
  bufferevent_free(bev);
  run_ready(base);
  bufferevent_rate_limit_group_free(group);
  ev_token_bucket_cfg_free(config);
  close(peer);
  event_base_free(base);
  assert_int_equal(memory_outstanding(), 0);
}

/* Two loops, each with a thread, whose bufferevents share a group: everything arrives, in order. */
struct side {
  struct event_base* base;
  struct bufferevent* from;
  struct bufferevent* to;
  size_t length;
  _Atomic int complete;
  pthread_t thread;
};

static void all_there(struct bufferevent* bev, void* arg) {
  struct side* side = arg;
  if (evbuffer_get_length(bufferevent_get_input(bev)) == side->length) side->complete = 1;
}
static void* run_side(void* arg) {
  event_base_loop(((struct side*)arg)->base, EVLOOP_NO_EXIT_ON_EMPTY);
  return NULL;
}

static void a_group_spans_loops_and_threads(void** state) {
  (void)state;
  evthread_use_pthreads();
  enum { sides = 2, length = 30000 };
  struct side side[sides];
  struct ev_token_bucket_cfg* config = config_of(2000, 2000, 5);
  unsigned char* bytes = pattern_new(0, length);
  struct bufferevent_rate_limit_group* group = NULL;
  for (int i = 0; i < sides; ++i) {
    int pair[2];
    stream_pair(pair);
    side[i].base = new_base();
    side[i].length = length;
    side[i].complete = 0;
    if (!i) group = bufferevent_rate_limit_group_new(side[i].base, config);
    side[i].from =
        bufferevent_socket_new(side[i].base, pair[0], BEV_OPT_CLOSE_ON_FREE | BEV_OPT_THREADSAFE);
    side[i].to =
        bufferevent_socket_new(side[i].base, pair[1], BEV_OPT_CLOSE_ON_FREE | BEV_OPT_THREADSAFE);
    bufferevent_add_to_rate_limit_group(side[i].from, group);
    bufferevent_add_to_rate_limit_group(side[i].to, group);
    bufferevent_setcb(side[i].to, all_there, NULL, NULL, &side[i]);
    bufferevent_enable(side[i].to, EV_READ);
    bufferevent_write(side[i].from, bytes, length);
  }
  for (int i = 0; i < sides; ++i)
    pthread_create(&side[i].thread, NULL, run_side, &side[i]);
  /* The ticks are those of the first loop, so that one has to go on until the second is done. */
  double end = seconds_now() + 10;
  while (!(side[0].complete && side[1].complete) && seconds_now() < end)
    usleep(1000);
  for (int i = 0; i < sides; ++i) {
    event_base_loopbreak(side[i].base);
    pthread_join(side[i].thread, NULL);
  }
  for (int i = 0; i < sides; ++i) {
    assert_holds(bufferevent_get_input(side[i].to), bytes, length);
    bufferevent_free(side[i].from);
    bufferevent_free(side[i].to);
    run_ready(side[i].base);
  }
  ev_uint64_t read = 0, written = 0;
  bufferevent_rate_limit_group_get_totals(group, &read, &written);
  assert_int_equal(read, sides * length);
  assert_int_equal(written, sides * length);
  bufferevent_rate_limit_group_free(group);
  ev_token_bucket_cfg_free(config);
  free(bytes);
  for (int i = 0; i < sides; ++i)
    event_base_free(side[i].base);
}

static void nonsense_is_refused_where_the_original_ends_the_process(void** state) {
  (void)state;
  struct timeval too_short = {0, 999}, negative = {-1, 0};
  if (on_original()) {
    struct ev_token_bucket_cfg* config = ev_token_bucket_cfg_new(1, 1, 1, 1, &too_short);
    assert_non_null(config); /* and to use it is a division by zero */
    ev_token_bucket_cfg_free(config);
    return;
  }
  assert_null(ev_token_bucket_cfg_new(1, 1, 1, 1, &too_short));
  assert_null(ev_token_bucket_cfg_new(1, 1, 1, 1, &negative));
  base = new_base();
  int peer;
  struct bufferevent* bev = socket_bev(base, BEV_OPT_CLOSE_ON_FREE, &peer);
  assert_int_equal(bufferevent_decrement_read_limit(bev, 1), -1);
  assert_int_equal(bufferevent_decrement_write_limit(bev, 1), -1);
  assert_int_equal(bufferevent_add_to_rate_limit_group(bev, NULL), 0);
  struct ev_token_bucket_cfg* config = config_of(10, 10, 1000);
  bufferevent_set_rate_limit(bev, config);
  assert_int_equal(bufferevent_decrement_read_limit(bev, EV_SSIZE_MAX), 0);
  assert_int_equal(bufferevent_decrement_read_limit(bev, EV_SSIZE_MAX), 0);
  assert_int_equal(bufferevent_get_read_limit(bev), EV_SSIZE_MIN);
  bufferevent_free(bev);
  ev_token_bucket_cfg_free(config);
  close(peer);
  event_base_free(base);
}

/* The original goes on filling it, without end. */
static void a_bucket_given_more_than_it_holds_fills_no_further(void** state) {
  (void)state;
  base = new_base();
  int peer;
  struct bufferevent* bev = socket_bev(base, BEV_OPT_CLOSE_ON_FREE, &peer);
  struct ev_token_bucket_cfg* config = config_of(10, 10, 20);
  bufferevent_set_rate_limit(bev, config);
  bufferevent_decrement_read_limit(bev, -100);
  assert_int_equal(bufferevent_get_read_limit(bev), 110);
  run_for(base, 60);
  if (on_original())
    assert_true(bufferevent_get_read_limit(bev) > 110);
  else
    assert_int_equal(bufferevent_get_read_limit(bev), 110);
  bufferevent_free(bev);
  ev_token_bucket_cfg_free(config);
  close(peer);
  event_base_free(base);
}

const struct CMUnitTest bev_limit_edges_tests[] = {
    cmocka_unit_test(a_bucket_given_more_than_it_holds_fills_no_further),
    cmocka_unit_test(a_debt_is_paid_off_before_anything_moves),
    cmocka_unit_test(a_smaller_limit_takes_away_what_is_too_much),
    cmocka_unit_test(the_tightest_of_all_limits_counts),
    cmocka_unit_test(every_member_of_a_tight_group_gets_something),
    cmocka_unit_test(a_member_may_leave_or_go_away_in_its_callback),
    cmocka_unit_test(a_limit_below_a_filter_holds_for_it),
    cmocka_unit_test(no_memory_means_no_limit),
    cmocka_unit_test(a_group_spans_loops_and_threads),
    cmocka_unit_test(nonsense_is_refused_where_the_original_ends_the_process),
};
const size_t bev_limit_edges_test_count = COUNT_OF(bev_limit_edges_tests);
