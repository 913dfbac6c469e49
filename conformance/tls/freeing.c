/* Freeing either end where it hurts: in every callback of either, during the handshake, with
 * callbacks waiting, with the base going away. Nothing leaks and no descriptor stays open. */
#include "conformance/tls/world.h"

enum moment { at_connected, at_read, at_write, at_end, at_failure, at_timeout, moment_count };
enum victim { victim_self, victim_peer, victim_both, victim_count };

static struct ends ends;
static enum moment moment;
static enum victim victim;
static int hits;

static void free_victims(int self) {
  if (hits++) return;
  for (int i = 0; i < 2; ++i) {
    if (victim == victim_self && i != self) continue;
    if (victim == victim_peer && i == self) continue;
    if (ends.bev[i]) bufferevent_free(ends.bev[i]);
    ends.bev[i] = NULL;
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
  int now = moment_count;
  if (what & BEV_EVENT_CONNECTED) now = at_connected;
  if (what & BEV_EVENT_EOF) now = at_end;
  if (what & BEV_EVENT_ERROR) now = at_failure;
  if (what & BEV_EVENT_TIMEOUT) now = at_timeout;
  if (now == (int)moment) free_victims((int)(intptr_t)self);
}

static void lead_to_the_moment(enum form form) {
  struct timeval soon = {0, 3000};
  for (int i = 0; i < 2; ++i)
    if (ends.bev[i]) bufferevent_write(ends.bev[i], "some bytes", 10);
  if (moment == at_timeout && ends.bev[0]) {
    bufferevent_set_timeouts(ends.bev[0], &soon, NULL);
    bufferevent_enable(ends.bev[0], EV_READ);
  }
  run_ready(ends.base);
  if (hits) return;
  if (moment == at_end) SSL_shutdown(bufferevent_openssl_get_ssl(ends.bev[0]));
  if (moment == at_failure) {
    if (form == over_pair) {
      evbuffer_add(bufferevent_get_output(ends.below[0]), "no record at all", 16);
    } else {
      send_text(ends.fd[0], "no record at all");
    }
  }
}

static void every_victim_in_every_callback(int options) {
  memory_hooks_install();
  FORMS_AND_VERSIONS(form, version)
  for (int m = 0; m < moment_count; ++m)
    for (int v = 0; v < victim_count; ++v) {
      struct event_base* base = new_base();
      moment = (enum moment)m;
      victim = (enum victim)v;
      hits = 0;
      open_ends(&ends, base, form, version, options | BEV_OPT_CLOSE_ON_FREE);
      if (moment != at_connected) shake_hands(&ends);
      for (int i = 0; i < 2; ++i) {
        bufferevent_setcb(ends.bev[i], read_cb, write_cb, event_cb, (void*)(intptr_t)i);
        if (ends.bev[i]) bufferevent_enable(ends.bev[i], EV_READ);
      }
      lead_to_the_moment(form);
      run_until_at_least(base, &hits, 1);
      for (int i = 0; i < 2; ++i)
        if (ends.bev[i]) bufferevent_write(ends.bev[i], "after", 5);
      run_ready(base);
      close_ends(&ends);
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

/* After so many turns of the loop: before the handshake, in it, behind it. */
static void any_end_may_be_freed_at_any_time(void** state) {
  (void)state;
  memory_hooks_install();
  FORMS_AND_VERSIONS(form, version)
  for (int turns = 0; turns < 14; ++turns)
    for (int v = 0; v < victim_count; ++v) {
      struct event_base* base = new_base();
      victim = (enum victim)v;
      moment = moment_count;
      hits = 0;
      open_ends(&ends, base, form, version, BEV_OPT_CLOSE_ON_FREE);
      for (int i = 0; i < 2; ++i) {
        bufferevent_enable(ends.bev[i], EV_READ);
        bufferevent_write(ends.bev[i], "bytes", 5);
      }
      for (int i = 0; i < turns; ++i)
        event_base_loop(base, EVLOOP_NONBLOCK);
      free_victims(0);
      run_ready(base);
      close_ends(&ends);
      event_base_free(base);
      assert_int_equal(memory_outstanding(), 0);
    }
}

static void a_base_that_goes_away_finishes_what_was_freed(void** state) {
  (void)state;
  memory_hooks_install();
  for (enum form form = on_socket; form < form_count; ++form) {
    struct event_base* base = new_base();
    open_ends(&ends, base, form, TLS1_3_VERSION, BEV_OPT_CLOSE_ON_FREE);
    for (int i = 0; i < 2; ++i)
      bufferevent_free(ends.bev[i]);
    event_base_free(base);
    for (int i = 0; i < 2; ++i)
      if (ends.fd[i] >= 0) assert_false(descriptor_is_open(ends.fd[i]));
    assert_int_equal(memory_outstanding(), 0);
  }
}

static int free_while_verifying(int good, X509_STORE_CTX* store) {
  (void)good, (void)store;
  if (!hits++) {
    bufferevent_free(ends.bev[client]);
    ends.bev[client] = NULL;
  }
  return 1;
}

/* The original holds nothing while OpenSSL works on a filter, and ends the process. */
static void the_callback_that_verifies_a_certificate_may_free_it(void** state) {
  (void)state;
  if (on_original()) return;
  memory_hooks_install();
  for (enum form form = on_socket; form < over_pair; ++form) {
    struct event_base* base = new_base();
    hits = 0;
    open_ends(&ends, base, form, TLS1_3_VERSION, BEV_OPT_CLOSE_ON_FREE);
    SSL_set_verify(bufferevent_openssl_get_ssl(ends.bev[client]), SSL_VERIFY_PEER,
                   free_while_verifying);
    run_until_at_least(base, &hits, 1);
    run_ready(base);
    close_ends(&ends);
    event_base_free(base);
    assert_int_equal(memory_outstanding(), 0);
  }
}

static void free_in_buffer_callback(struct evbuffer* buffer, const struct evbuffer_cb_info* info,
                                    void* arg) {
  (void)buffer;
  int self = (int)(intptr_t)arg;
  if ((info->n_added || info->n_deleted) && !hits++) {
    bufferevent_free(ends.bev[self]);
    ends.bev[self] = NULL;
  }
}

static void the_callbacks_of_its_buffers_may_free_it(void** state) {
  (void)state;
  memory_hooks_install();
  FORMS_AND_VERSIONS(form, version)
  for (int side = 0; side < 2; ++side) {
    struct event_base* base = new_base();
    hits = 0;
    open_ends(&ends, base, form, version, BEV_OPT_CLOSE_ON_FREE);
    shake_hands(&ends);
    bufferevent_write(ends.bev[client], "x", 1);
    /* The reader's input gets a byte, or the writer's output loses it. */
    evbuffer_add_cb(side == server ? bufferevent_get_input(ends.bev[server])
                                   : bufferevent_get_output(ends.bev[client]),
                    free_in_buffer_callback, (void*)(intptr_t)side);
    run_ready(base);
    /* On a filter the byte was gone before anybody could ask. */
    if (side == server || form == on_socket) assert_int_equal(hits, 1);
    close_ends(&ends);
    event_base_free(base);
    assert_int_equal(memory_outstanding(), 0);
  }
}

const struct CMUnitTest freeing_tests[] = {
    cmocka_unit_test(any_end_may_be_freed_in_any_callback),
    cmocka_unit_test(any_end_may_be_freed_in_any_deferred_callback),
    cmocka_unit_test(any_end_may_be_freed_in_any_unlocked_callback),
    cmocka_unit_test(any_end_may_be_freed_in_any_callback_with_locks),
    cmocka_unit_test(any_end_may_be_freed_at_any_time),
    cmocka_unit_test(a_base_that_goes_away_finishes_what_was_freed),
    cmocka_unit_test(the_callback_that_verifies_a_certificate_may_free_it),
    cmocka_unit_test(the_callbacks_of_its_buffers_may_free_it),
};
const size_t freeing_test_count = COUNT_OF(freeing_tests);
