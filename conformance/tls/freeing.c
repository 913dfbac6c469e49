/* Freeing either end where it hurts: in every callback of either, during the handshake, with
 * callbacks waiting, with the base going away. Nothing leaks and no descriptor stays open. */
#include "conformance/buffers/freeing.h"
#include "conformance/tls/world.h"

static struct ends ends;

static void open_doomed(struct event_base* base, enum form form, int version, int options) {
  doomed.hits = 0;
  open_ends(&ends, base, form, version, options | BEV_OPT_CLOSE_ON_FREE);
  for (int i = 0; i < 2; ++i)
    doomed.ends[i] = ends.bev[i];
}

static void close_doomed(struct event_base* base) {
  for (int i = 0; i < 2; ++i)
    ends.bev[i] = doomed.ends[i];
  close_ends(&ends);
  event_base_free(base);
  assert_int_equal(memory_outstanding(), 0);
}

static void lead_to_the_moment(enum form form) {
  struct timeval soon = {0, 3000};
  for (int i = 0; i < 2; ++i)
    if (doomed.ends[i]) bufferevent_write(doomed.ends[i], "some bytes", 10);
  if (doomed.moment == at_timeout && doomed.ends[0]) {
    bufferevent_set_timeouts(doomed.ends[0], &soon, NULL);
    bufferevent_enable(doomed.ends[0], EV_READ);
  }
  run_ready(ends.base);
  if (doomed.hits) return;
  if (doomed.moment == at_end) SSL_shutdown(bufferevent_openssl_get_ssl(ends.bev[0]));
  if (doomed.moment == at_failure) {
    if (form == over_pair) {
      evbuffer_add(bufferevent_get_output(ends.below[0]), "no record at all", 16);
    } else {
      send_text(ends.fd[0], "no record at all");
    }
  }
}

static void every_victim_in_every_callback(int options) {
  static const enum moment moments[] = {at_connected, at_read,    at_write,
                                        at_end,       at_failure, at_timeout};
  memory_hooks_install();
  FORMS_AND_VERSIONS(form, version)
  for (size_t m = 0; m < COUNT_OF(moments); ++m)
    for (int v = 0; v < victim_count; ++v) {
      struct event_base* base = new_base();
      doomed.moment = moments[m];
      doomed.victim = (enum victim)v;
      open_doomed(base, form, version, options);
      if (doomed.moment != at_connected) shake_hands(&ends);
      for (int i = 0; i < 2; ++i) {
        doom(i);
        if (doomed.ends[i]) bufferevent_enable(doomed.ends[i], EV_READ);
      }
      lead_to_the_moment(form);
      run_until_at_least(base, &doomed.hits, 1);
      for (int i = 0; i < 2; ++i)
        if (doomed.ends[i]) bufferevent_write(doomed.ends[i], "after", 5);
      run_ready(base);
      close_doomed(base);
    }
}

FREEING_TESTS(every_victim_in_every_callback)

/* After so many turns of the loop: before the handshake, in it, behind it. */
static void any_end_may_be_freed_at_any_time(void** state) {
  (void)state;
  memory_hooks_install();
  FORMS_AND_VERSIONS(form, version)
  for (int turns = 0; turns < 14; ++turns)
    for (int v = 0; v < victim_count; ++v) {
      struct event_base* base = new_base();
      doomed.victim = (enum victim)v;
      open_doomed(base, form, version, 0);
      for (int i = 0; i < 2; ++i) {
        bufferevent_enable(doomed.ends[i], EV_READ);
        bufferevent_write(doomed.ends[i], "bytes", 5);
      }
      for (int i = 0; i < turns; ++i)
        event_base_loop(base, EVLOOP_NONBLOCK);
      free_victims(0);
      run_ready(base);
      close_doomed(base);
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

static void free_one(int end) {
  if (doomed.hits++) return;
  bufferevent_free(doomed.ends[end]);
  doomed.ends[end] = NULL;
}

static int free_while_verifying(int good, X509_STORE_CTX* store) {
  (void)good, (void)store;
  free_one(client);
  return 1;
}

/* The original holds nothing while OpenSSL works on a filter, and ends the process. */
static void the_callback_that_verifies_a_certificate_may_free_it(void** state) {
  (void)state;
  if (on_original()) return;
  memory_hooks_install();
  for (enum form form = on_socket; form < over_pair; ++form) {
    struct event_base* base = new_base();
    open_doomed(base, form, TLS1_3_VERSION, 0);
    SSL_set_verify(bufferevent_openssl_get_ssl(ends.bev[client]), SSL_VERIFY_PEER,
                   free_while_verifying);
    run_until_at_least(base, &doomed.hits, 1);
    run_ready(base);
    close_doomed(base);
  }
}

static void free_in_buffer_callback(struct evbuffer* buffer, const struct evbuffer_cb_info* info,
                                    void* arg) {
  (void)buffer;
  if (info->n_added || info->n_deleted) free_one((int)(intptr_t)arg);
}

static void the_callbacks_of_its_buffers_may_free_it(void** state) {
  (void)state;
  memory_hooks_install();
  FORMS_AND_VERSIONS(form, version)
  for (int side = 0; side < 2; ++side) {
    struct event_base* base = new_base();
    open_doomed(base, form, version, 0);
    shake_hands(&ends);
    bufferevent_write(ends.bev[client], "x", 1);
    /* The reader's input gets a byte, or the writer's output loses it. */
    evbuffer_add_cb(side == server ? bufferevent_get_input(ends.bev[server])
                                   : bufferevent_get_output(ends.bev[client]),
                    free_in_buffer_callback, (void*)(intptr_t)side);
    run_ready(base);
    /* On a filter the byte was gone before anybody could ask. */
    if (side == server || form == on_socket) assert_int_equal(doomed.hits, 1);
    close_doomed(base);
  }
}

const struct CMUnitTest freeing_tests[] = {
    FREEING_TEST_LIST,
    cmocka_unit_test(any_end_may_be_freed_at_any_time),
    cmocka_unit_test(a_base_that_goes_away_finishes_what_was_freed),
    cmocka_unit_test(the_callback_that_verifies_a_certificate_may_free_it),
    cmocka_unit_test(the_callbacks_of_its_buffers_may_free_it),
};
const size_t freeing_test_count = COUNT_OF(freeing_tests);
