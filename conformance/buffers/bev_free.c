/* Freeing bufferevents where it hurts: in their own callbacks and in those of the one they talk to,
 * before anything has run, with deferred callbacks waiting, with the base going away. Nothing leaks
 * and no descriptor stays open. */
#include "conformance/buffers/freeing.h"

enum kind { kind_socket, kind_pair, kind_filter_on_socket, kind_filter_on_pair, kind_count };

static struct event_base* base;
static int fds[2];

static enum bufferevent_filter_result pass(struct evbuffer* src, struct evbuffer* dst,
                                           ev_ssize_t limit, enum bufferevent_flush_mode mode,
                                           void* context) {
  (void)limit, (void)mode, (void)context;
  if (evbuffer_get_length(src) == 0) return BEV_NEED_MORE;
  return evbuffer_add_buffer(dst, src) == 0 ? BEV_OK : BEV_ERROR;
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
    doomed.ends[i] = below[i];
    if (kind == kind_filter_on_pair || kind == kind_filter_on_socket)
      doomed.ends[i] = bufferevent_filter_new(below[i], pass, pass, options, NULL, NULL);
    doom(i);
    bufferevent_enable(doomed.ends[i], EV_READ);
  }
}

static void close_ends(void) {
  free_survivors();
  run_ready(base);
  for (int i = 0; i < 2; ++i)
    if (fds[i] >= 0) assert_false(descriptor_is_open(fds[i]));
}

static void every_victim_in_every_callback(int options) {
  memory_hooks_install();
  static const enum moment moments[] = {at_read, at_write, at_event, at_timeout};
  for (int kind = 0; kind < kind_count; ++kind)
    for (size_t m = 0; m < COUNT_OF(moments); ++m)
      for (int v = 0; v < victim_count; ++v) {
        struct timeval soon = {0, 3000};
        const enum moment moment = doomed.moment = moments[m];
        doomed.victim = (enum victim)v;
        doomed.hits = 0;
        base = new_base();
        open_ends((enum kind)kind, options | BEV_OPT_CLOSE_ON_FREE);
        bufferevent_write(doomed.ends[0], "some bytes", 10);
        /* A filter calls back while it is written to, so an end may be gone already. */
        if (doomed.ends[1]) bufferevent_write(doomed.ends[1], "others", 6);
        if (moment == at_event)
          bufferevent_trigger_event(doomed.ends[0], BEV_EVENT_EOF, BEV_TRIG_DEFER_CALLBACKS);
        if (moment == at_timeout && doomed.ends[0])
          bufferevent_set_timeouts(doomed.ends[0], &soon, NULL);
        run_ready(base);
        if (moment == at_timeout) run_until(base, &doomed.hits);
        assert_int_equal(doomed.hits > 0, 1);
        for (int i = 0; i < 2; ++i)
          if (doomed.ends[i]) bufferevent_write(doomed.ends[i], "after", 5);
        run_ready(base);
        close_ends();
        event_base_free(base);
        assert_int_equal(memory_outstanding(), 0);
      }
}

FREEING_TESTS(every_victim_in_every_callback)

static void freeing_both_ends_at_once_is_safe(void** state) {
  (void)state;
  memory_hooks_install();
  for (int kind = 0; kind < kind_count; ++kind)
    for (int ran = 0; ran < 2; ++ran) {
      base = new_base();
      open_ends((enum kind)kind, BEV_OPT_CLOSE_ON_FREE);
      bufferevent_write(doomed.ends[0], "unsent", 6);
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
      bufferevent_free(doomed.ends[i]);
    event_base_free(base);
    for (int i = 0; i < 2; ++i)
      if (fds[i] >= 0) assert_false(descriptor_is_open(fds[i]));
    assert_int_equal(memory_outstanding(), 0);
  }
}

static void free_in_buffer_callback(struct evbuffer* buffer, const struct evbuffer_cb_info* info,
                                    void* arg) {
  (void)buffer, (void)arg;
  if (info->n_added && !doomed.hits++) {
    bufferevent_free(doomed.ends[0]);
    doomed.ends[0] = NULL;
  }
}

static void the_callback_of_its_input_may_free_it(void** state) {
  (void)state;
  memory_hooks_install();
  base = new_base();
  doomed.hits = 0;
  doomed.moment = at_no_time;
  open_ends(kind_socket, BEV_OPT_CLOSE_ON_FREE);
  evbuffer_add_cb(bufferevent_get_input(doomed.ends[0]), free_in_buffer_callback, NULL);
  bufferevent_write(doomed.ends[1], "x", 1);
  run_ready(base);
  assert_int_equal(doomed.hits, 1);
  close_ends();
  event_base_free(base);
  assert_int_equal(memory_outstanding(), 0);
}

const struct CMUnitTest bev_free_tests[] = {
    FREEING_TEST_LIST,
    cmocka_unit_test(freeing_both_ends_at_once_is_safe),
    cmocka_unit_test(a_base_that_goes_away_finishes_what_was_freed),
    cmocka_unit_test(the_callback_of_its_input_may_free_it),
};
const size_t bev_free_test_count = COUNT_OF(bev_free_tests);
