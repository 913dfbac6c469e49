/* Freeing bufferevents where it hurts: in their own callbacks and in those of the one they talk to,
 * before anything has run, with deferred callbacks waiting, with the base going away. Nothing leaks
 * and no descriptor stays open. */
#include "conformance/buffers/stream.h"

enum kind { kind_socket, kind_pair, kind_filter_on_socket, kind_filter_on_pair, kind_count };
enum moment { at_read, at_write, at_event, at_timeout, moment_count };
enum victim { victim_self, victim_peer, victim_both, victim_count };

static struct event_base* base;
static struct bufferevent* ends[2];
static int fds[2];
static enum moment moment;
static enum victim victim;
static int hits;

static enum bufferevent_filter_result pass(struct evbuffer* src, struct evbuffer* dst,
                                           ev_ssize_t limit, enum bufferevent_flush_mode mode,
                                           void* context) {
  (void)limit, (void)mode, (void)context;
  if (evbuffer_get_length(src) == 0) return BEV_NEED_MORE;
  return evbuffer_add_buffer(dst, src) == 0 ? BEV_OK : BEV_ERROR;
}

static void free_victims(int self) {
  if (hits++) return;
  for (int i = 0; i < 2; ++i) {
    if (victim == victim_self && i != self) continue;
    if (victim == victim_peer && i == self) continue;
    bufferevent_free(ends[i]);
    ends[i] = NULL;
  }
}

static void read_cb(struct bufferevent* bev, void* self) {
  (void)bev;
  if (moment == at_read) free_victims((int)(intptr_t)self);
}
static void write_cb(struct bufferevent* bev, void* self) {
  (void)bev;
  if (moment == at_write) free_victims((int)(intptr_t)self);
}
static void event_cb(struct bufferevent* bev, short what, void* self) {
  (void)bev;
  if (moment == at_event || (moment == at_timeout && (what & BEV_EVENT_TIMEOUT)))
    free_victims((int)(intptr_t)self);
}

static void open_ends(enum kind kind, int options) {
  struct bufferevent* below[2];
  fds[0] = fds[1] = -1;
  if (kind == kind_pair || kind == kind_filter_on_pair) {
    assert_int_equal(bufferevent_pair_new(base, options, below), 0);
  } else {
    stream_pair(fds);
    for (int i = 0; i < 2; ++i)
      below[i] = bufferevent_socket_new(base, fds[i], options);
  }
  for (int i = 0; i < 2; ++i) {
    ends[i] = below[i];
    if (kind == kind_filter_on_pair || kind == kind_filter_on_socket)
      ends[i] = bufferevent_filter_new(below[i], pass, pass, options, NULL, NULL);
    bufferevent_setcb(ends[i], read_cb, write_cb, event_cb, (void*)(intptr_t)i);
    bufferevent_enable(ends[i], EV_READ);
  }
}

static void close_ends(void) {
  for (int i = 0; i < 2; ++i) {
    if (ends[i]) bufferevent_free(ends[i]);
    ends[i] = NULL;
  }
  run_ready(base);
  for (int i = 0; i < 2; ++i)
    if (fds[i] >= 0) assert_false(descriptor_is_open(fds[i]));
}

static void every_victim_in_every_callback(int options) {
  memory_hooks_install();
  for (int kind = 0; kind < kind_count; ++kind)
    for (int m = 0; m < moment_count; ++m)
      for (int v = 0; v < victim_count; ++v) {
        struct timeval soon = {0, 3000};
        moment = (enum moment)m;
        victim = (enum victim)v;
        hits = 0;
        base = new_base();
        open_ends((enum kind)kind, options | BEV_OPT_CLOSE_ON_FREE);
        bufferevent_write(ends[0], "some bytes", 10);
        /* A filter calls back while it is written to, so an end may be gone already. */
        if (ends[1]) bufferevent_write(ends[1], "others", 6);
        if (moment == at_event)
          bufferevent_trigger_event(ends[0], BEV_EVENT_EOF, BEV_TRIG_DEFER_CALLBACKS);
        if (moment == at_timeout && ends[0]) bufferevent_set_timeouts(ends[0], &soon, NULL);
        run_ready(base);
        if (moment == at_timeout) run_until(base, &hits);
        assert_int_equal(hits > 0, 1);
        for (int i = 0; i < 2; ++i)
          if (ends[i]) bufferevent_write(ends[i], "after", 5);
        run_ready(base);
        close_ends();
        event_base_free(base);
        assert_int_equal(memory_outstanding(), 0);
      }
}

static void any_end_may_be_freed_in_any_callback(void** state) {
  (void)state;
  every_victim_in_every_callback(0);
}

static void any_end_may_be_freed_in_any_deferred_callback(void** state) {
  (void)state;
  every_victim_in_every_callback(BEV_OPT_DEFER_CALLBACKS);
}

static void any_end_may_be_freed_in_any_unlocked_callback(void** state) {
  (void)state;
  every_victim_in_every_callback(BEV_OPT_DEFER_CALLBACKS | BEV_OPT_UNLOCK_CALLBACKS);
}

static void any_end_may_be_freed_in_any_callback_with_locks(void** state) {
  (void)state;
  evthread_use_pthreads();
  every_victim_in_every_callback(BEV_OPT_THREADSAFE);
}

static void freeing_both_ends_at_once_is_safe(void** state) {
  (void)state;
  memory_hooks_install();
  for (int kind = 0; kind < kind_count; ++kind)
    for (int ran = 0; ran < 2; ++ran) {
      base = new_base();
      open_ends((enum kind)kind, BEV_OPT_CLOSE_ON_FREE);
      bufferevent_write(ends[0], "unsent", 6);
      if (ran) run_ready(base);
      close_ends();
      event_base_free(base);
      assert_int_equal(memory_outstanding(), 0);
    }
}

static void a_base_that_goes_away_finishes_what_was_freed(void** state) {
  (void)state;
  memory_hooks_install();
  for (int kind = 0; kind < kind_count; ++kind) {
    base = new_base();
    open_ends((enum kind)kind, BEV_OPT_CLOSE_ON_FREE);
    for (int i = 0; i < 2; ++i)
      bufferevent_free(ends[i]);
    event_base_free(base);
    for (int i = 0; i < 2; ++i)
      if (fds[i] >= 0) assert_false(descriptor_is_open(fds[i]));
    assert_int_equal(memory_outstanding(), 0);
  }
}

static void free_in_buffer_callback(struct evbuffer* buffer, const struct evbuffer_cb_info* info,
                                    void* arg) {
  (void)buffer, (void)arg;
  if (info->n_added && !hits++) {
    bufferevent_free(ends[0]);
    ends[0] = NULL;
  }
}

static void the_callback_of_its_input_may_free_it(void** state) {
  (void)state;
  memory_hooks_install();
  base = new_base();
  hits = 0;
  moment = moment_count;
  open_ends(kind_socket, BEV_OPT_CLOSE_ON_FREE);
  evbuffer_add_cb(bufferevent_get_input(ends[0]), free_in_buffer_callback, NULL);
  bufferevent_write(ends[1], "x", 1);
  run_ready(base);
  assert_int_equal(hits, 1);
  close_ends();
  event_base_free(base);
  assert_int_equal(memory_outstanding(), 0);
}

const struct CMUnitTest bev_free_tests[] = {
    cmocka_unit_test(any_end_may_be_freed_in_any_callback),
    cmocka_unit_test(any_end_may_be_freed_in_any_deferred_callback),
    cmocka_unit_test(any_end_may_be_freed_in_any_unlocked_callback),
    cmocka_unit_test(any_end_may_be_freed_in_any_callback_with_locks),
    cmocka_unit_test(freeing_both_ends_at_once_is_safe),
    cmocka_unit_test(a_base_that_goes_away_finishes_what_was_freed),
    cmocka_unit_test(the_callback_of_its_input_may_free_it),
};
const size_t bev_free_test_count = COUNT_OF(bev_free_tests);
