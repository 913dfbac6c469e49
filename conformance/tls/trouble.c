/* Other threads that write, ask and free while the loop runs; and memory that runs out at every
 * step of a connection's life. */
#include "conformance/tls/world.h"

#include <pthread.h>

/* ---- Threads. */

enum { pieces = 3000, piece_size = 100 };

static void* writes_pieces(void* context) {
  struct bufferevent* bev = context;
  char bytes[piece_size];
  memset(bytes, 't', sizeof bytes);
  for (int i = 0; i < pieces; ++i) {
    if (bufferevent_write(bev, bytes, sizeof bytes) != 0) return "not written";
    if (bufferevent_openssl_get_allow_dirty_shutdown(bev) != 0) return "not clean";
    if (bufferevent_get_openssl_error(bev) != 0) return "an error";
    if (i % 64 == 0) usleep(50);
    if (i % 500 == 0) bufferevent_disable(bev, EV_READ);
    if (i % 500 == 250) bufferevent_enable(bev, EV_READ);
  }
  bufferevent_enable(bev, EV_READ);
  return NULL;
}

static void other_threads_may_write(void** state) {
  (void)state;
  evthread_use_pthreads();
  DESCRIPTOR_FORMS_AND_VERSIONS(form, version) {
    struct ends ends;
    pthread_t threads[2];
    struct event_base* base = new_base();
    open_ends(&ends, base, form, version,
              BEV_OPT_CLOSE_ON_FREE | BEV_OPT_THREADSAFE | BEV_OPT_DEFER_CALLBACKS);
    shake_hands(&ends);
    for (int side = 0; side < 2; ++side) {
      bufferevent_setcb(ends.bev[side], NULL, NULL, tell_event, &ends.teller[side]);
      assert_int_equal(pthread_create(&threads[side], NULL, writes_pieces, ends.bev[side]), 0);
    }
    for (int side = 0; side < 2; ++side)
      run_until_input(base, ends.bev[side], pieces * piece_size);
    for (int side = 0; side < 2; ++side) {
      void* complaint;
      pthread_join(threads[side], &complaint);
      assert_null(complaint);
      assert_int_equal(ends.teller[side].events, 0);
    }
    close_ends(&ends);
    event_base_free(base);
  }
}

static void* writes_and_frees(void* context) {
  struct bufferevent* bev = context;
  char bytes[2000];
  memset(bytes, 'f', sizeof bytes);
  for (int i = 0; i < 20; ++i)
    bufferevent_write(bev, bytes, sizeof bytes);
  bufferevent_free(bev);
  return NULL;
}

static void other_threads_may_free(void** state) {
  (void)state;
  evthread_use_pthreads();
  for (enum form form = on_socket; form < over_pair; ++form)
    for (int round = 0; round < 20; ++round) {
      struct ends ends;
      pthread_t threads[2];
      struct event_base* base = new_base();
      open_ends(&ends, base, form, TLS1_3_VERSION, BEV_OPT_CLOSE_ON_FREE | BEV_OPT_THREADSAFE);
      for (int side = 0; side < 2; ++side) {
        bufferevent_setcb(ends.bev[side], NULL, NULL, NULL, NULL);
        bufferevent_enable(ends.bev[side], EV_READ);
      }
      for (int turn = 0; turn < round; ++turn)
        event_base_loop(base, EVLOOP_NONBLOCK);
      for (int side = 0; side < 2; ++side) {
        assert_int_equal(pthread_create(&threads[side], NULL, writes_and_frees, ends.bev[side]), 0);
        ends.bev[side] = NULL;
      }
      run_ready(base);
      for (int side = 0; side < 2; ++side)
        pthread_join(threads[side], NULL);
      close_ends(&ends);
      event_base_free(base);
    }
}

/* ---- Memory. */

/* The original crashes in some of the steps. */
static void without_memory_there_is_none(void** state) {
  (void)state;
  if (on_original()) return;
  memory_hooks_install();
  for (enum form form = on_socket; form < over_pair; ++form) {
    int made = 0;
    for (long step = 0; !made && step < 40; ++step) {
      struct event_base* base = new_base();
      int pair[2];
      tcp_pair(pair);
      SSL* ssl = session_of(TLS1_3_VERSION);
      struct bufferevent* below =
          form == on_socket ? NULL : bufferevent_socket_new(base, pair[0], BEV_OPT_CLOSE_ON_FREE);
      memory_fails_after(step);
      struct bufferevent* bev =
          form == on_socket
              ? bufferevent_openssl_socket_new(base, pair[0], ssl, BUFFEREVENT_SSL_CONNECTING, 0)
              : bufferevent_openssl_filter_new(base, below, ssl, BUFFEREVENT_SSL_CONNECTING, 0);
      memory_succeeds();
      made = bev != NULL;
      assert_true(descriptor_is_open(pair[0]));
      if (bev) bufferevent_free(bev);
      run_ready(base);
      SSL_free(ssl);
      if (below) bufferevent_free(below);
      run_ready(base);
      if (!below) close(pair[0]);
      close(pair[1]);
      event_base_free(base);
      assert_int_equal(memory_outstanding(), 0);
    }
    assert_true(made);
  }
}

/* For a while there is none. It ends in a connection that works, or in an error. The original does
 * not look at the results of what it adds to buffers, and bytes are missing after it. */
static void a_lack_of_memory_loses_no_byte_silently(void** state) {
  (void)state;
  if (on_original()) return;
  memory_hooks_install();
  unsigned char* bytes = pattern_new(0, 50000);
  for (enum form form = on_socket; form < form_count; ++form)
    for (long step = 0; step < 60; ++step) {
      struct ends ends;
      struct event_base* base = new_base();
      open_ends(&ends, base, form, TLS1_3_VERSION, BEV_OPT_CLOSE_ON_FREE);
      struct evbuffer* output = bufferevent_get_output(ends.bev[client]);
      struct evbuffer* input = bufferevent_get_input(ends.bev[server]);
      evbuffer_add_reference(output, bytes, 50000, NULL, NULL);
      bufferevent_setcb(ends.bev[server], NULL, NULL, tell_event, &ends.teller[server]);
      for (int side = 0; side < 2; ++side)
        bufferevent_enable(ends.bev[side], EV_READ);
      memory_fails_after(step);
      for (int turn = 0; turn < 4; ++turn)
        event_base_loop(base, EVLOOP_NONBLOCK);
      memory_succeeds();
      double end = seconds_now() + 10;
      int failed = 0;
      while (evbuffer_get_length(input) < 50000 && !failed && seconds_now() < end) {
        event_base_loop(base, EVLOOP_NONBLOCK);
        for (int side = 0; side < 2; ++side)
          failed |= ends.teller[side].last_event & (BEV_EVENT_ERROR | BEV_EVENT_EOF);
      }
      if (!failed && evbuffer_get_length(input) != 50000)
        fail_msg("%s: stands still after %ld requests: %zu bytes", form_names[form], step,
                 evbuffer_get_length(input));
      if (!failed) assert_holds(input, bytes, 50000);
      close_ends(&ends);
      event_base_free(base);
      assert_int_equal(memory_outstanding(), 0);
    }
  free(bytes);
}

const struct CMUnitTest trouble_tests[] = {
    cmocka_unit_test(other_threads_may_write),
    cmocka_unit_test(other_threads_may_free),
    cmocka_unit_test(without_memory_there_is_none),
    cmocka_unit_test(a_lack_of_memory_loses_no_byte_silently),
};
const size_t trouble_test_count = COUNT_OF(trouble_tests);
