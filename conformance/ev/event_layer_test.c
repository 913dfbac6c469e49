/*
 * The 1.x event_* layer of libev.so.4. Its header comes from our own tree, because Debian's package
 * of it excludes libevent's development files; probe.c shows that the two headers describe the same
 * thing.
 */
#include <event.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conformance/ev/groups.h"

_Static_assert(sizeof(struct event) == 144, "libev's struct event, not libevent's");

static void note_event(int fd, short events, void* argument) {
  (void)fd;
  note("%s:%s", (const char*)argument, events_name(events));
}

static struct timeval milliseconds(long count) {
  return (struct timeval){count / 1000, count % 1000 * 1000};
}

static void the_library_names_itself(void** state) {
  (void)state;
  assert_string_equal(event_get_version(), "4.33");
  assert_string_equal(event_get_method(), "libev");
  struct event_base* base = event_base_new();
  assert_string_equal(event_base_get_method(base), "libev");
  event_base_free(base);
}

static void the_first_init_is_the_default_loop_and_the_next_are_not(void** state) {
  (void)state;
  void* first = event_init();
  assert_ptr_equal(first, ev_default_loop(0));
  void* second = event_init();
  assert_non_null(second);
  assert_ptr_not_equal(second, first);
  struct event_base* third = event_base_new();
  assert_ptr_not_equal(third, second);
  event_base_free(third);
  event_base_free(first); /* the default loop stays */
  assert_ptr_equal(EV_DEFAULT_UC, first);
}

static void set_fills_in_every_field(void** state) {
  (void)state;
  struct event event;
  struct event_base* base = event_init();
  memset(&event, 0xa5, sizeof event);
  event_set(&event, 7, EV_READ | EV_PERSIST, note_event, "name");
  assert_ptr_equal(event.ev_base, base);
  assert_int_equal(EVENT_FD(&event), 7);
  assert_int_equal(EVENT_SIGNAL(&event), 7);
  assert_int_equal(event.ev_events, EV_READ | EV_PERSIST);
  assert_int_equal(event.ev_flags, EVLIST_INIT);
  assert_int_equal(event.ev_res, 0);
  assert_int_equal(event.ev_pri, 0);
  assert_true(event_initialized(&event));
  assert_true(event_get_callback(&event) == note_event);
  assert_string_equal((const char*)event.ev_arg, "name");
}

static void a_read_event_fires_once_without_persist(void** state) {
  (void)state;
  struct event event;
  struct pipe_ends ends = make_pipe();
  event_init();
  put_byte(ends.writer);
  event_set(&event, ends.reader, EV_READ, note_event, "read");
  assert_int_equal(event_add(&event, NULL), 0);
  assert_int_equal(event.ev_flags & EVLIST_INSERTED, EVLIST_INSERTED);
  assert_int_equal(event_pending(&event, EV_READ, NULL), EV_READ);
  assert_int_equal(event_dispatch(), 1); /* nothing is left */
  assert_trace("read:read");
  assert_int_equal(event.ev_res, EV_READ);
  assert_int_equal(event_pending(&event, EV_READ, NULL), 0);
}

static void a_persistent_event_goes_on_until_deleted(void** state) {
  (void)state;
  struct event event;
  struct pipe_ends ends = make_pipe();
  event_init();
  put_byte(ends.writer);
  event_set(&event, ends.reader, EV_READ | EV_PERSIST | EV_ET, note_event, "read");
  event_add(&event, NULL);
  assert_int_equal(event_loop(EVLOOP_ONCE), 0);
  event_loop(EVLOOP_ONCE);
  assert_trace("read:read read:read");
  assert_int_equal(event_del(&event), 0);
  assert_int_equal(event.ev_flags, EVLIST_INIT);
  assert_int_equal(event_loop(EVLOOP_NONBLOCK), 1);
  assert_trace("");
}

static void a_write_event_fires(void** state) {
  (void)state;
  struct event event;
  struct pipe_ends ends = make_pipe();
  event_init();
  event_set(&event, ends.writer, EV_WRITE, note_event, "write");
  event_add(&event, NULL);
  event_dispatch();
  assert_trace("write:write");
}

static void a_timeout_of_a_silent_descriptor_fires_and_deletes_it(void** state) {
  (void)state;
  struct event event;
  struct pipe_ends ends = make_pipe();
  struct timeval soon = milliseconds(10);
  event_init();
  event_set(&event, ends.reader, EV_READ | EV_PERSIST, note_event, "event");
  event_add(&event, &soon);
  assert_int_equal(event_pending(&event, EV_READ | EV_TIMEOUT, NULL), EV_READ | EV_TIMEOUT);
  event_dispatch();
  assert_trace("event:timer");
}

static void a_pure_timer_fires_once(void** state) {
  (void)state;
  struct event event;
  struct timeval soon = milliseconds(10), none = {0, 0};
  event_init();
  evtimer_set(&event, note_event, "timer");
  assert_true(evtimer_initialized(&event));
  assert_int_equal(evtimer_add(&event, &soon), 0);
  assert_true(evtimer_pending(&event, NULL));
  event_dispatch();
  timeout_add(&event, &none); /* zero is soon, not never */
  event_dispatch();
  assert_trace("timer:timer timer:timer");
  timeout_set(&event, note_event, "again");
  assert_true(timeout_initialized(&event));
  timeout_add(&event, &soon);
  assert_true(timeout_pending(&event, NULL));
  assert_int_equal(timeout_del(&event), 0);
  assert_false(timeout_pending(&event, NULL));
  evtimer_add(&event, &soon);
  evtimer_del(&event);
  event_dispatch();
  assert_trace("");
}

static void adding_again_moves_the_timeout(void** state) {
  (void)state;
  struct event event;
  struct timeval far = {100, 0}, soon = milliseconds(5);
  event_init();
  evtimer_set(&event, note_event, "timer");
  evtimer_add(&event, &far);
  evtimer_add(&event, &soon);
  event_dispatch();
  assert_trace("timer:timer");
  /* and adding without a timeout takes it away */
  struct pipe_ends ends = make_pipe();
  event_set(&event, ends.reader, EV_READ, note_event, "read");
  event_add(&event, &soon);
  event_add(&event, NULL);
  assert_int_equal(event_pending(&event, EV_READ | EV_TIMEOUT, NULL), EV_READ);
  event_del(&event);
}

static void pending_tells_a_time(void** state) {
  (void)state;
  struct event event;
  struct timeval far = {100, 0}, when = {0, 0};
  struct ev_loop* loop = event_init();
  evtimer_set(&event, note_event, "timer");
  evtimer_add(&event, &far);
  assert_true(event_pending(&event, EV_TIMEOUT, &when));
  /* The loop's time of now, not of the expiry: what libev answers. */
  assert_true(fabs((double)when.tv_sec + (double)when.tv_usec * 1e-6 - ev_now(loop)) < 0.01);
  event_del(&event);
}

static void a_signal_event_fires(void** state) {
  (void)state;
  struct event event;
  event_init();
  signal_set(&event, SIGUSR1, note_event, "signal");
  assert_true(signal_initialized(&event));
  assert_int_equal(signal_add(&event, NULL), 0);
  assert_int_equal(event.ev_flags & EVLIST_SIGNAL, EVLIST_SIGNAL);
  assert_true(signal_pending(&event, NULL));
  raise(SIGUSR1);
  event_loop(EVLOOP_ONCE);
  assert_trace("signal:signal");
  assert_true(signal_pending(&event, NULL)); /* persistent */
  assert_int_equal(signal_del(&event), 0);
  assert_false(signal_pending(&event, NULL));
}

static void an_event_made_active_fires_without_cause(void** state) {
  (void)state;
  struct event event, timer, signal_event;
  struct pipe_ends ends = make_pipe();
  event_init();
  event_set(&event, ends.reader, EV_READ | EV_PERSIST, note_event, "event");
  event_add(&event, NULL);
  event_active(&event, EV_READ | EV_WRITE, 1);
  evtimer_set(&timer, note_event, "timer");
  event_active(&timer, EV_TIMEOUT, 1);
  signal_set(&signal_event, SIGUSR1, note_event, "signal");
  event_active(&signal_event, EV_SIGNAL, 1);
  event_loop(EVLOOP_NONBLOCK);
  assert_trace("signal:signal timer:timer event:read+write");
  event_del(&event);
}

static void once_events_need_no_struct(void** state) {
  (void)state;
  struct pipe_ends ends = make_pipe();
  struct timeval soon = milliseconds(5);
  struct event_base* base = event_init();
  put_byte(ends.writer);
  assert_int_equal(event_once(ends.reader, EV_READ, note_event, "read", NULL), 0);
  event_dispatch();
  assert_int_equal(event_base_once(base, -1, EV_TIMEOUT, note_event, "timer", &soon), 0);
  event_dispatch();
  assert_trace("read:read timer:timer");
}

static void loopexit_ends_the_dispatch(void** state) {
  (void)state;
  struct event event;
  struct timeval soon = milliseconds(20), far = {100, 0};
  double start = seconds_now();
  event_init();
  evtimer_set(&event, note_event, "far");
  evtimer_add(&event, &far);
  assert_int_equal(event_loopexit(&soon), 0);
  assert_int_equal(event_dispatch(), 0);
  assert_true(seconds_now() - start >= 0.0199);
  assert_trace("");
  assert_int_equal(event_loopexit(NULL), 0);
  assert_int_equal(event_dispatch(), 0);
  event_del(&event);
}

static void a_base_of_one_s_own_works_alone(void** state) {
  (void)state;
  struct event event;
  struct timeval soon = milliseconds(5);
  struct event_base* base = event_base_new();
  event_set(&event, -1, 0, note_event, "timer");
  assert_int_equal(event_base_set(base, &event), 0);
  assert_ptr_equal(event.ev_base, base);
  event_add(&event, &soon);
  assert_int_equal(event_base_dispatch(base), 1);
  assert_trace("timer:timer");
  event_add(&event, &soon);
  assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 1);
  assert_trace("timer:timer");
  event_add(&event, &soon);
  assert_int_equal(event_base_loopexit(base, NULL), 0);
  event_base_loop(base, 0);
  event_del(&event);
  clear_trace();
  event_base_free(base);
}

static void priorities_are_accepted_and_ignored(void** state) {
  (void)state;
  struct event event;
  struct event_base* base = event_init();
  assert_int_equal(event_priority_init(5), 0);
  assert_int_equal(event_base_priority_init(base, 3), 0);
  evtimer_set(&event, note_event, "timer");
  assert_int_equal(event_priority_set(&event, 2), 0);
  assert_int_equal(event.ev_pri, 2);
}

static void add_in_callback(int fd, short events, void* argument) {
  static int left = 2;
  note_event(fd, events, "again");
  if (left-- > 0) {
    event_add(argument, NULL);
  }
}

static void an_event_may_add_itself_again(void** state) {
  (void)state;
  struct event event;
  struct pipe_ends ends = make_pipe();
  event_init();
  put_byte(ends.writer);
  event_set(&event, ends.reader, EV_READ, add_in_callback, &event);
  event_add(&event, NULL);
  event_dispatch();
  assert_trace("again:read again:read again:read");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_library_names_itself),
    cmocka_unit_test(the_first_init_is_the_default_loop_and_the_next_are_not),
    cmocka_unit_test(set_fills_in_every_field),
    cmocka_unit_test(a_read_event_fires_once_without_persist),
    cmocka_unit_test(a_persistent_event_goes_on_until_deleted),
    cmocka_unit_test(a_write_event_fires),
    cmocka_unit_test(a_timeout_of_a_silent_descriptor_fires_and_deletes_it),
    cmocka_unit_test(a_pure_timer_fires_once),
    cmocka_unit_test(adding_again_moves_the_timeout),
    cmocka_unit_test(pending_tells_a_time),
    cmocka_unit_test(a_signal_event_fires),
    cmocka_unit_test(an_event_made_active_fires_without_cause),
    cmocka_unit_test(once_events_need_no_struct),
    cmocka_unit_test(loopexit_ends_the_dispatch),
    cmocka_unit_test(a_base_of_one_s_own_works_alone),
    cmocka_unit_test(priorities_are_accepted_and_ignored),
    cmocka_unit_test(an_event_may_add_itself_again),
};
const struct harness_group event_layer_group = {"event-layer", tests,
                                                sizeof tests / sizeof tests[0]};
