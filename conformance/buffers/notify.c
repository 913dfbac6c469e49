/* Being told of changes: evbuffer callbacks, immediate, deferred, disabled, removed, and the
 * obsolete kind. */
#include "conformance/buffers/support.h"

struct trace {
  char text[2000];
  size_t used;
};

static void trace_add(struct trace* trace, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int n = vsnprintf(trace->text + trace->used, sizeof trace->text - trace->used, format, arguments);
  va_end(arguments);
  trace->used += (size_t)n;
  assert_true(trace->used < sizeof trace->text);
}

static void note_change(struct evbuffer* buffer, const struct evbuffer_cb_info* info, void* arg) {
  trace_add(arg, "%zu+%zu-%zu=%zu ", info->orig_size, info->n_added, info->n_deleted,
            evbuffer_get_length(buffer));
}

static void note_lengths(struct evbuffer* buffer, size_t before, size_t after, void* arg) {
  (void)buffer;
  trace_add(arg, "%zu>%zu ", before, after);
}

static void every_change_is_reported_with_its_sizes(void** state) {
  (void)state;
  struct trace trace = {"", 0};
  struct evbuffer *buffer = evbuffer_new(), *other = buffer_with("other");
  struct evbuffer_iovec room[1];
  assert_non_null(evbuffer_add_cb(buffer, note_change, &trace));
  evbuffer_add(buffer, "abcdef", 6);
  evbuffer_drain(buffer, 2);
  evbuffer_prepend(buffer, "x", 1);
  evbuffer_add_printf(buffer, "%d", 10);
  evbuffer_add_buffer(buffer, other);
  evbuffer_reserve_space(buffer, 3, room, 1);
  room[0].iov_len = 3;
  memset(room[0].iov_base, 'r', 3);
  evbuffer_commit_space(buffer, room, 1);
  evbuffer_add_reference(buffer, "ref", 3, NULL, NULL);
  evbuffer_remove_buffer(buffer, other, 4);
  evbuffer_prepend_buffer(buffer, other);
  char out[3];
  evbuffer_remove(buffer, out, 3);
  evbuffer_add_buffer(other, buffer);
  assert_string_equal(trace.text,
                      "0+6-0=6 6+0-2=4 4+1-0=5 5+2-0=7 7+5-0=12 12+3-0=15 15+3-0=18 "
                      "18+0-4=14 14+4-0=18 18+0-3=15 15+0-15=0 ");
  evbuffer_free(other);
  evbuffer_free(buffer);
}

static void what_changes_no_length_is_not_reported(void** state) {
  (void)state;
  struct trace trace = {"", 0};
  struct evbuffer *buffer = buffer_in_pieces("abc", "def", NULL), *empty = evbuffer_new();
  char out[6];
  evbuffer_add_cb(buffer, note_change, &trace);
  evbuffer_add(buffer, "", 0);
  evbuffer_drain(buffer, 0);
  evbuffer_prepend(buffer, "", 0);
  evbuffer_pullup(buffer, -1);
  evbuffer_copyout(buffer, out, 6);
  evbuffer_expand(buffer, 5000);
  evbuffer_add_buffer(buffer, empty);
  evbuffer_freeze(buffer, 1);
  evbuffer_drain(buffer, 3);
  evbuffer_unfreeze(buffer, 1);
  assert_string_equal(trace.text, "");
  evbuffer_free(empty);
  evbuffer_free(buffer);
}

static void readln_reports_the_line_and_its_ending_apart(void** state) {
  (void)state;
  struct trace trace = {"", 0};
  struct evbuffer* buffer = buffer_with("line\r\n\r\nrest");
  evbuffer_add_cb(buffer, note_change, &trace);
  free(evbuffer_readln(buffer, NULL, EVBUFFER_EOL_CRLF));
  free(evbuffer_readln(buffer, NULL, EVBUFFER_EOL_CRLF));
  assert_string_equal(trace.text, "12+0-4=8 8+0-2=6 6+0-2=4 ");
  evbuffer_free(buffer);
}

static void descriptor_transfers_are_reported(void** state) {
  (void)state;
  struct trace trace = {"", 0};
  int pair[2];
  stream_pair(pair);
  struct evbuffer* buffer = buffer_with("abcdef");
  evbuffer_add_cb(buffer, note_change, &trace);
  evbuffer_write_atmost(buffer, pair[0], 4);
  assert_int_equal(write(pair[1], "0123456789", 10), 10);
  evbuffer_read(buffer, pair[0], 7);
  assert_string_equal(trace.text, "6+0-4=2 2+7-0=9 ");
  evbuffer_free(buffer);
  close(pair[0]);
  close(pair[1]);
}

static void note_name(struct evbuffer* buffer, const struct evbuffer_cb_info* info, void* arg) {
  static struct trace* trace;
  (void)buffer;
  if (!info)
    trace = arg;
  else
    trace_add(trace, "%s", (const char*)arg);
}

static void the_newest_callback_runs_first(void** state) {
  (void)state;
  struct trace trace = {"", 0};
  struct evbuffer* buffer = evbuffer_new();
  note_name(NULL, NULL, &trace);
  evbuffer_add_cb(buffer, note_name, (void*)"a");
  evbuffer_add_cb(buffer, note_name, (void*)"b");
  evbuffer_add_cb(buffer, note_name, (void*)"c");
  evbuffer_add(buffer, "x", 1);
  assert_string_equal(trace.text, "cba");
  evbuffer_free(buffer);
}

static void a_callback_is_removed_by_function_and_argument(void** state) {
  (void)state;
  struct trace trace = {"", 0};
  struct evbuffer* buffer = evbuffer_new();
  static char a[] = "a", b[] = "b";
  note_name(NULL, NULL, &trace);
  evbuffer_add_cb(buffer, note_name, a);
  evbuffer_add_cb(buffer, note_name, b);
  assert_int_equal(evbuffer_remove_cb(buffer, note_change, a), -1);
  assert_int_equal(evbuffer_remove_cb(buffer, note_name, a), 0);
  assert_int_equal(evbuffer_remove_cb(buffer, note_name, a), -1);
  evbuffer_add(buffer, "x", 1);
  assert_string_equal(trace.text, "b");
  evbuffer_free(buffer);
}

static void a_callback_is_removed_by_its_handle(void** state) {
  (void)state;
  struct trace trace = {"", 0};
  struct evbuffer* buffer = evbuffer_new();
  note_name(NULL, NULL, &trace);
  struct evbuffer_cb_entry* first = evbuffer_add_cb(buffer, note_name, (void*)"a");
  evbuffer_add_cb(buffer, note_name, (void*)"b");
  assert_int_equal(evbuffer_remove_cb_entry(buffer, first), 0);
  evbuffer_add(buffer, "x", 1);
  assert_string_equal(trace.text, "b");
  evbuffer_free(buffer);
}

static void a_disabled_callback_rests_until_enabled(void** state) {
  (void)state;
  struct trace trace = {"", 0};
  struct evbuffer* buffer = evbuffer_new();
  struct evbuffer_cb_entry* entry = evbuffer_add_cb(buffer, note_change, &trace);
  assert_int_equal(evbuffer_cb_clear_flags(buffer, entry, EVBUFFER_CB_ENABLED), 0);
  evbuffer_add(buffer, "ab", 2);
  assert_string_equal(trace.text, "");
  assert_int_equal(evbuffer_cb_set_flags(buffer, entry, EVBUFFER_CB_ENABLED), 0);
  evbuffer_add(buffer, "c", 1);
  assert_string_equal(trace.text, "2+1-0=3 ");
  evbuffer_free(buffer);
}

static void flags_outside_the_public_ones_are_ignored(void** state) {
  (void)state;
  struct trace trace = {"", 0};
  struct evbuffer* buffer = evbuffer_new();
  struct evbuffer_cb_entry* entry = evbuffer_add_cb(buffer, note_change, &trace);
  assert_int_equal(evbuffer_cb_set_flags(buffer, entry, 0xffff0000u), 0);
  evbuffer_add(buffer, "ab", 2);
  assert_int_equal(evbuffer_cb_clear_flags(buffer, entry, 0xffff0000u), 0);
  evbuffer_add(buffer, "ab", 2);
  assert_string_equal(trace.text, "0+2-0=2 2+2-0=4 ");
  evbuffer_free(buffer);
}

static void remove_itself(struct evbuffer* buffer, const struct evbuffer_cb_info* info, void* arg) {
  note_change(buffer, info, arg);
  assert_int_equal(evbuffer_remove_cb(buffer, remove_itself, arg), 0);
}

static void a_callback_may_remove_itself(void** state) {
  (void)state;
  struct trace trace = {"", 0};
  struct evbuffer* buffer = evbuffer_new();
  evbuffer_add_cb(buffer, note_change, &trace);
  evbuffer_add_cb(buffer, remove_itself, &trace);
  evbuffer_add(buffer, "ab", 2);
  evbuffer_add(buffer, "c", 1);
  assert_string_equal(trace.text, "0+2-0=2 0+2-0=2 2+1-0=3 ");
  evbuffer_free(buffer);
}

static void drain_everything(struct evbuffer* buffer, const struct evbuffer_cb_info* info,
                             void* arg) {
  note_change(buffer, info, arg);
  if (info->n_added) evbuffer_drain(buffer, SIZE_MAX);
}

static void a_callback_may_change_the_buffer_it_watches(void** state) {
  (void)state;
  struct trace trace = {"", 0};
  struct evbuffer* buffer = evbuffer_new();
  evbuffer_add_cb(buffer, drain_everything, &trace);
  evbuffer_add(buffer, "abcd", 4);
  assert_string_equal(trace.text, "0+4-0=4 4+0-4=0 ");
  evbuffer_free(buffer);
}

static void add_another(struct evbuffer* buffer, const struct evbuffer_cb_info* info, void* arg) {
  note_change(buffer, info, arg);
  evbuffer_remove_cb(buffer, add_another, arg);
  evbuffer_add_cb(buffer, note_change, arg);
}

static void a_callback_added_by_a_callback_sees_the_next_change(void** state) {
  (void)state;
  struct trace trace = {"", 0};
  struct evbuffer* buffer = evbuffer_new();
  evbuffer_add_cb(buffer, add_another, &trace);
  evbuffer_add(buffer, "a", 1);
  evbuffer_add(buffer, "b", 1);
  assert_string_equal(trace.text, "0+1-0=1 1+1-0=2 ");
  evbuffer_free(buffer);
}

static void setcb_replaces_every_callback(void** state) {
  (void)state;
  struct trace trace = {"", 0};
  struct evbuffer* buffer = evbuffer_new();
  evbuffer_add_cb(buffer, note_change, &trace);
  assert_int_equal(evbuffer_setcb(buffer, note_lengths, &trace), 0);
  evbuffer_add(buffer, "abc", 3);
  evbuffer_drain(buffer, 1);
  assert_string_equal(trace.text, "0>3 3>2 ");
  assert_int_equal(evbuffer_setcb(buffer, NULL, NULL), 0);
  evbuffer_add(buffer, "d", 1);
  assert_string_equal(trace.text, "0>3 3>2 ");
  evbuffer_free(buffer);
}

static void changes_nobody_watched_are_forgotten(void** state) {
  (void)state;
  struct trace trace = {"", 0};
  struct evbuffer* buffer = buffer_with("abc");
  evbuffer_drain(buffer, 1);
  evbuffer_add_cb(buffer, note_change, &trace);
  evbuffer_add(buffer, "d", 1);
  assert_string_equal(trace.text, "2+1-0=3 ");
  evbuffer_free(buffer);
}

static void deferred_callbacks_run_in_the_loop_with_the_sum(void** state) {
  (void)state;
  struct trace trace = {"", 0};
  struct event_base* base = event_base_new();
  struct evbuffer* buffer = evbuffer_new();
  evbuffer_add_cb(buffer, note_change, &trace);
  assert_int_equal(evbuffer_defer_callbacks(buffer, base), 0);
  evbuffer_add(buffer, "abcdef", 6);
  evbuffer_drain(buffer, 2);
  evbuffer_add(buffer, "g", 1);
  assert_string_equal(trace.text, "");
  event_base_loop(base, EVLOOP_NONBLOCK);
  assert_string_equal(trace.text, "0+7-2=5 ");
  event_base_loop(base, EVLOOP_NONBLOCK);
  assert_string_equal(trace.text, "0+7-2=5 ");
  evbuffer_drain(buffer, 5);
  event_base_loop(base, EVLOOP_NONBLOCK);
  assert_string_equal(trace.text, "0+7-2=5 5+0-5=0 ");
  evbuffer_free(buffer);
  event_base_free(base);
}

static void a_deferred_change_counts_as_an_active_callback(void** state) {
  (void)state;
  struct trace trace = {"", 0};
  struct event_base* base = event_base_new();
  struct evbuffer* buffer = evbuffer_new();
  evbuffer_add_cb(buffer, note_change, &trace);
  evbuffer_defer_callbacks(buffer, base);
  assert_int_equal(event_base_get_num_events(base, EVENT_BASE_COUNT_ACTIVE), 0);
  evbuffer_add(buffer, "a", 1);
  evbuffer_add(buffer, "b", 1);
  assert_int_equal(event_base_get_num_events(base, EVENT_BASE_COUNT_ACTIVE), 1);
  event_base_loop(base, EVLOOP_NONBLOCK);
  assert_int_equal(event_base_get_num_events(base, EVENT_BASE_COUNT_ACTIVE), 0);
  evbuffer_free(buffer);
  event_base_free(base);
}

static void a_buffer_freed_with_a_deferred_change_still_tells_of_it(void** state) {
  (void)state;
  memory_hooks_install();
  struct trace trace = {"", 0};
  struct event_base* base = event_base_new();
  long before = memory_outstanding();
  struct evbuffer* buffer = evbuffer_new();
  evbuffer_add_cb(buffer, note_change, &trace);
  evbuffer_defer_callbacks(buffer, base);
  evbuffer_add(buffer, "abc", 3);
  evbuffer_free(buffer);
  event_base_loop(base, EVLOOP_NONBLOCK);
  assert_string_equal(trace.text, "0+3-0=3 ");
  assert_int_equal(memory_outstanding(), before);
  event_base_free(base);
}

static void note_name_event(evutil_socket_t fd, short what, void* arg) {
  (void)fd;
  (void)what;
  note_name(NULL, &(struct evbuffer_cb_info){0, 0, 0}, arg);
}

static void deferred_callbacks_have_the_middle_priority(void** state) {
  (void)state;
  struct trace trace = {"", 0};
  struct event_base* base = event_base_new();
  struct evbuffer* buffer = evbuffer_new();
  note_name(NULL, NULL, &trace);
  event_base_priority_init(base, 4);
  evbuffer_add_cb(buffer, note_name, (void*)"buffer ");
  evbuffer_defer_callbacks(buffer, base);
  static char names[4][4] = {"p0 ", "p1 ", "p2 ", "p3 "};
  struct event* events[4];
  evbuffer_add(buffer, "x", 1);
  for (int i = 3; i >= 0; --i) {
    events[i] = event_new(base, -1, 0, note_name_event, names[i]);
    event_priority_set(events[i], i);
    event_active(events[i], EV_TIMEOUT, 0);
  }
  for (int i = 0; i < 4; ++i)
    event_base_loop(base, EVLOOP_NONBLOCK);
  assert_string_equal(trace.text, "p0 p1 buffer p2 p3 ");
  for (int i = 0; i < 4; ++i)
    event_free(events[i]);
  evbuffer_free(buffer);
  event_base_free(base);
}

const struct CMUnitTest notify_tests[] = {
    cmocka_unit_test(every_change_is_reported_with_its_sizes),
    cmocka_unit_test(what_changes_no_length_is_not_reported),
    cmocka_unit_test(readln_reports_the_line_and_its_ending_apart),
    cmocka_unit_test(descriptor_transfers_are_reported),
    cmocka_unit_test(the_newest_callback_runs_first),
    cmocka_unit_test(a_callback_is_removed_by_function_and_argument),
    cmocka_unit_test(a_callback_is_removed_by_its_handle),
    cmocka_unit_test(a_disabled_callback_rests_until_enabled),
    cmocka_unit_test(flags_outside_the_public_ones_are_ignored),
    cmocka_unit_test(a_callback_may_remove_itself),
    cmocka_unit_test(a_callback_may_change_the_buffer_it_watches),
    cmocka_unit_test(a_callback_added_by_a_callback_sees_the_next_change),
    cmocka_unit_test(setcb_replaces_every_callback),
    cmocka_unit_test(changes_nobody_watched_are_forgotten),
    cmocka_unit_test(deferred_callbacks_run_in_the_loop_with_the_sum),
    cmocka_unit_test(a_deferred_change_counts_as_an_active_callback),
    cmocka_unit_test(a_buffer_freed_with_a_deferred_change_still_tells_of_it),
    cmocka_unit_test(deferred_callbacks_have_the_middle_priority),
};
const size_t notify_test_count = COUNT_OF(notify_tests);
