/* Every allocation of an evbuffer operation refused in turn: an error comes back, no byte is lost,
 * nothing leaks. */
#include "conformance/buffers/support.h"

static void a_new_buffer_needs_memory(void** state) {
  (void)state;
  memory_hooks_install();
  memory_fails_after(0);
  assert_null(evbuffer_new());
  memory_succeeds();
  struct evbuffer* buffer = evbuffer_new();
  assert_non_null(buffer);
  evbuffer_free(buffer);
  assert_int_equal(memory_outstanding(), 0);
}

static unsigned char big[20000];
#define FILE_BYTES 400

/* Operations that either succeed or change nothing. Each gives what it returned: 0 or more is
 * success. */
static int do_add_small(struct evbuffer* b) {
  return evbuffer_add(b, "x", 1);
}
static int do_add_big(struct evbuffer* b) {
  return evbuffer_add(b, big, sizeof big);
}
static int do_prepend_big(struct evbuffer* b) {
  return evbuffer_prepend(b, big, 5000);
}
static int do_printf(struct evbuffer* b) {
  return evbuffer_add_printf(b, "%4000d", 1);
}
static int do_expand(struct evbuffer* b) {
  return evbuffer_expand(b, 20000);
}
static int do_reserve_one(struct evbuffer* b) {
  struct evbuffer_iovec room[1];
  return evbuffer_reserve_space(b, 20000, room, 1);
}
static int do_reserve_two(struct evbuffer* b) {
  struct evbuffer_iovec room[2];
  return evbuffer_reserve_space(b, 20000, room, 2);
}
static int do_reference(struct evbuffer* b) {
  return evbuffer_add_reference(b, big, 100, NULL, NULL);
}
static int do_pullup(struct evbuffer* b) {
  return evbuffer_pullup(b, -1) ? 0 : -1;
}
static int do_add_cb(struct evbuffer* b) {
  struct evbuffer_cb_entry* entry = evbuffer_add_cb(b, NULL, NULL);
  if (!entry) return -1;
  evbuffer_remove_cb_entry(b, entry);
  return 0;
}
static void ignore(struct evbuffer* b, size_t before, size_t after, void* arg) {
  (void)b, (void)before, (void)after, (void)arg;
}
static int do_setcb(struct evbuffer* b) {
  int result = evbuffer_setcb(b, ignore, NULL);
  evbuffer_setcb(b, NULL, NULL);
  return result;
}
static int do_file(struct evbuffer* b) {
  int file = pattern_file(FILE_BYTES);
  struct evbuffer_file_segment* segment = evbuffer_file_segment_new(
      file, 0, FILE_BYTES, EVBUF_FS_DISABLE_MMAP | EVBUF_FS_DISABLE_SENDFILE);
  int result = segment ? evbuffer_add_file_segment(b, segment, 0, -1) : -1;
  if (!result) evbuffer_file_segment_free(segment);
  close(file);
  return result;
}

static const struct {
  int (*run)(struct evbuffer*);
  long added;
  int at_front;
} operations[] = {
    {do_add_small, 1, 0},      {do_add_big, sizeof big, 0},
    {do_prepend_big, 5000, 1}, {do_printf, 4000, 0},
    {do_expand, 0, 0},         {do_reserve_one, 0, 0},
    {do_reserve_two, 0, 0},    {do_reference, 100, 0},
    {do_pullup, 0, 0},         {do_add_cb, 0, 0},
    {do_setcb, 0, 0},          {do_file, FILE_BYTES, 0},
};

/* Buffers to try them on: full chunk, room left, several chunks with room reserved. */
static struct evbuffer* subject(int kind, size_t* length) {
  struct evbuffer* buffer = evbuffer_new();
  struct evbuffer_iovec room[3];
  *length = kind == 0 ? 976 : kind == 1 ? 300 : 2500;
  for (size_t at = 0; at < *length; at += 100) {
    size_t n = *length - at < 100 ? *length - at : 100;
    unsigned char bytes[100];
    pattern_fill(bytes, at, n);
    evbuffer_add(buffer, bytes, n);
  }
  if (kind == 2) {
    evbuffer_reserve_space(buffer, 5000, room, 2);
    evbuffer_reserve_space(buffer, 15000, room, 3);
  }
  return buffer;
}

static void every_operation_refused_memory_changes_nothing(void** state) {
  (void)state;
  memory_hooks_install();
  int refused = 0;
  for (size_t o = 0; o < COUNT_OF(operations); ++o)
    for (int kind = 0; kind < 3; ++kind)
      for (long step = 0;; ++step) {
        size_t length;
        assert_int_equal(memory_outstanding(), 0);
        struct evbuffer* buffer = subject(kind, &length);
        unsigned char* expected = pattern_new(0, length);
        memory_fails_after(step);
        int result = operations[o].run(buffer);
        memory_succeeds();
        if (result < 0) {
          ++refused;
          assert_holds(buffer, expected, length);
          assert_int_equal(evbuffer_add(buffer, "!", 1), 0);
          assert_int_equal(evbuffer_get_length(buffer), length + 1);
        } else {
          assert_int_equal(evbuffer_get_length(buffer), length + (size_t)operations[o].added);
          if (operations[o].at_front) evbuffer_drain(buffer, (size_t)operations[o].added);
          unsigned char* got = malloc(length);
          assert_int_equal(evbuffer_copyout(buffer, got, length), length);
          assert_memory_equal(got, expected, length);
          free(got);
        }
        free(expected);
        evbuffer_free(buffer);
        if (result >= 0) break;
      }
  assert_true(refused > 20);
  assert_int_equal(memory_outstanding(), 0);
}

static int cleanups;
static void count_cleanup(const void* data, size_t length, void* extra) {
  (void)data, (void)length, (void)extra;
  ++cleanups;
}

static void a_reference_refused_for_memory_is_not_cleaned_up(void** state) {
  (void)state;
  memory_hooks_install();
  struct evbuffer* buffer = evbuffer_new();
  memory_fails_after(0);
  assert_int_equal(evbuffer_add_reference(buffer, "abc", 3, count_cleanup, NULL), -1);
  memory_succeeds();
  evbuffer_free(buffer);
  assert_int_equal(cleanups, 0);
  assert_int_equal(memory_outstanding(), 0);
}

static void whole_moves_need_no_memory(void** state) {
  (void)state;
  memory_hooks_install();
  struct evbuffer *from = buffer_in_pieces("abc", "def", NULL), *to = buffer_with("x");
  memory_fails_after(0);
  assert_int_equal(evbuffer_add_buffer(to, from), 0);
  assert_int_equal(evbuffer_prepend_buffer(from, to), 0);
  assert_int_equal(evbuffer_drain(from, 2), 0);
  memory_succeeds();
  assert_text(from, "bcdef");
  evbuffer_free(from);
  evbuffer_free(to);
  assert_int_equal(memory_outstanding(), 0);
}

static void a_read_refused_memory_leaves_the_bytes_in_the_socket(void** state) {
  (void)state;
  int pair[2];
  memory_hooks_install();
  stream_pair(pair);
  struct evbuffer* buffer = evbuffer_new();
  assert_int_equal(write(pair[1], "abcdef", 6), 6);
  memory_fails_after(0);
  assert_int_equal(evbuffer_read(buffer, pair[0], -1), -1);
  memory_succeeds();
  assert_int_equal(evbuffer_get_length(buffer), 0);
  assert_int_equal(evbuffer_read(buffer, pair[0], -1), 6);
  assert_text(buffer, "abcdef");
  evbuffer_free(buffer);
  close(pair[0]);
  close(pair[1]);
  assert_int_equal(memory_outstanding(), 0);
}

static void every_read_under_failing_memory_loses_nothing(void** state) {
  (void)state;
  memory_hooks_install();
  for (size_t had = 0; had < 1100; had += 157)
    for (long step = 0; step < 4; ++step) {
      int pair[2];
      stream_pair(pair);
      unsigned char* bytes = pattern_new(0, had + 3000);
      struct evbuffer* buffer = evbuffer_new();
      evbuffer_add(buffer, bytes, had);
      assert_int_equal(write(pair[1], bytes + had, 3000), 3000);
      memory_fails_after(step);
      int got = evbuffer_read(buffer, pair[0], -1);
      memory_succeeds();
      if (got < 0) got = 0;
      assert_holds(buffer, bytes, had + (size_t)got);
      while (evbuffer_get_length(buffer) < had + 3000)
        assert_true(evbuffer_read(buffer, pair[0], -1) > 0);
      assert_holds(buffer, bytes, had + 3000);
      free(bytes);
      evbuffer_free(buffer);
      close(pair[0]);
      close(pair[1]);
    }
  assert_int_equal(memory_outstanding(), 0);
}

static void all_memory_comes_from_and_goes_to_the_hooks(void** state) {
  (void)state;
  memory_hooks_install();
  struct evbuffer *buffer = evbuffer_new(), *other = evbuffer_new();
  int pair[2], file = pattern_file(100);
  stream_pair(pair);
  assert_int_equal(memory_outstanding(), 2);
  evbuffer_add(buffer, big, sizeof big);
  assert_int_equal(memory_outstanding(), 3);
  evbuffer_add_cb(buffer, NULL, NULL);
  evbuffer_setcb(buffer, NULL, NULL);
  evbuffer_add_buffer_reference(other, buffer);
  evbuffer_add_file(other, file, 0, 100);
  evbuffer_add_printf(buffer, "%s\n", "line");
  assert_int_equal(write(pair[1], "abcdef", 6), 6);
  evbuffer_read(buffer, pair[0], -1);
  evbuffer_pullup(buffer, -1);
  evbuffer_remove_buffer(buffer, other, 500);
  evbuffer_write(buffer, pair[0]);
  evbuffer_free(buffer);
  evbuffer_free(other);
  assert_int_equal(memory_outstanding(), 0);
  close(pair[0]);
  close(pair[1]);
}

const struct CMUnitTest memory_tests[] = {
    cmocka_unit_test(a_new_buffer_needs_memory),
    cmocka_unit_test(every_operation_refused_memory_changes_nothing),
    cmocka_unit_test(a_reference_refused_for_memory_is_not_cleaned_up),
    cmocka_unit_test(whole_moves_need_no_memory),
    cmocka_unit_test(a_read_refused_memory_leaves_the_bytes_in_the_socket),
    cmocka_unit_test(every_read_under_failing_memory_loses_nothing),
    cmocka_unit_test(all_memory_comes_from_and_goes_to_the_hooks),
};
const size_t memory_test_count = COUNT_OF(memory_tests);
