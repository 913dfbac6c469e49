/* Who enables reading after an end hears of it again, whether he heard of it before or not. Nobody
 * else does. */
#include "conformance/tls/world.h"

enum ending { goodbye, no_goodbye, nonsense, reset, ending_count };

static void end_it(struct solo* solo, enum ending ending) {
  if (ending == goodbye) SSL_shutdown(solo->peer);
  if (ending == nonsense) send_text(solo->peer_fd, "this is no record, whatever it is meant to be");
  if (ending == reset) return peer_resets(solo);
  peer_closes(solo);
}

/* An end that comes from the bufferevent underneath is told once. */
static int is_found_again(enum form form, enum ending ending) {
  return form == on_socket || ending == goodbye || ending == nonsense;
}

static void an_end_is_told_again_to_who_reads_on(void** state) {
  (void)state;
  for (enum ending ending = goodbye; ending < ending_count; ++ending)
    DESCRIPTOR_FORMS_AND_VERSIONS(form, version) {
      struct solo solo;
      struct event_base* base = new_base();
      open_solo(&solo, base, form, version, 0);
      end_it(&solo, ending);
      run_until_at_least(base, &solo.teller.events, 1);
      run_ready(base);
      for (int round = 0; round < 3; ++round) {
        solo.teller.events = 0;
        bufferevent_enable(solo.bev, EV_WRITE);
        run_ready(base);
        assert_int_equal(solo.teller.events, 0);
        bufferevent_enable(solo.bev, EV_READ);
        run_ready(base);
        assert_int_equal(solo.teller.events, is_found_again(form, ending));
        if (solo.teller.events)
          assert_int_equal(
              solo.teller.last_event,
              BEV_EVENT_READING | (ending == goodbye ? BEV_EVENT_EOF : BEV_EVENT_ERROR));
      }
      close_solo(&solo);
      event_base_free(base);
    }
}

static void read_on(struct bufferevent* bev, short what, void* context) {
  tell_event(bev, what, context);
  bufferevent_enable(bev, EV_READ);
}

/* The original tells it over and over, and on another bufferevent calls itself until its stack
 * ends. */
static void reading_on_when_told_of_the_end_does_no_harm(void** state) {
  (void)state;
  if (on_original()) return;
  DESCRIPTOR_FORMS_AND_VERSIONS(form, version) {
    struct solo solo;
    struct event_base* base = new_base();
    open_solo(&solo, base, form, version, 0);
    bufferevent_setcb(solo.bev, NULL, NULL, read_on, &solo.teller);
    end_it(&solo, goodbye);
    run_until_at_least(base, &solo.teller.events, 1);
    run_ready(base);
    assert_int_equal(solo.teller.events, 1);
    close_solo(&solo);
    event_base_free(base);
  }
}

static void an_end_that_nobody_heard_is_told_to_who_reads_on(void** state) {
  (void)state;
  for (enum ending ending = goodbye; ending < ending_count; ++ending)
    DESCRIPTOR_FORMS_AND_VERSIONS(form, version) {
      if (!is_found_again(form, ending)) continue;
      struct solo solo;
      struct event_base* base = new_base();
      open_solo(&solo, base, form, version, 0);
      bufferevent_setcb(solo.bev, NULL, NULL, NULL, NULL);
      end_it(&solo, ending);
      for (int i = 0; i < 3; ++i)
        run_ready(base);
      bufferevent_setcb(solo.bev, tell_read, tell_write, tell_event, &solo.teller);
      run_ready(base);
      assert_int_equal(solo.teller.events, 0);
      bufferevent_enable(solo.bev, EV_READ);
      run_until_at_least(base, &solo.teller.events, 1);
      assert_true(solo.teller.last_event & BEV_EVENT_READING);
      close_solo(&solo);
      event_base_free(base);
    }
}

/* Draining lifts the mark, which is not the same as enabling. */
static void who_takes_the_last_bytes_is_not_told_again(void** state) {
  (void)state;
  DESCRIPTOR_FORMS_AND_VERSIONS(form, version) {
    struct solo solo;
    struct event_base* base = new_base();
    open_solo(&solo, base, form, version, 0);
    bufferevent_setwatermark(solo.bev, EV_READ, 0, 100);
    peer_writes(&solo, "last words", 10);
    end_it(&solo, goodbye);
    run_until_at_least(base, &solo.teller.events, 1);
    run_ready(base);
    solo.teller.events = 0;
    assert_input(solo.bev, "last words");
    run_ready(base);
    if (!on_original()) assert_int_equal(solo.teller.events, 0);
    close_solo(&solo);
    event_base_free(base);
  }
}

const struct CMUnitTest reading_on_tests[] = {
    cmocka_unit_test(an_end_is_told_again_to_who_reads_on),
    cmocka_unit_test(reading_on_when_told_of_the_end_does_no_harm),
    cmocka_unit_test(an_end_that_nobody_heard_is_told_to_who_reads_on),
    cmocka_unit_test(who_takes_the_last_bytes_is_not_told_again),
};
const size_t reading_on_test_count = COUNT_OF(reading_on_tests);
