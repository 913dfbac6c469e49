/* Memory that a buffer only refers to: evbuffer_add_reference and evbuffer_add_buffer_reference.
 * What counts is who owns the bytes, for how long, and that nobody writes into them. */
#include "conformance/buffers/support.h"

struct released {
  int calls;
  const void* data;
  size_t length;
};

static void note_release(const void* data, size_t length, void* extra) {
  struct released* released = extra;
  ++released->calls;
  released->data = data;
  released->length = length;
}

static void a_reference_is_read_without_a_copy(void** state) {
  (void)state;
  static const char text[] = "referred to";
  struct evbuffer* buffer = evbuffer_new();
  struct evbuffer_iovec extent;
  assert_int_equal(evbuffer_add_reference(buffer, text, 11, NULL, NULL), 0);
  assert_int_equal(evbuffer_peek(buffer, -1, NULL, &extent, 1), 1);
  assert_ptr_equal(extent.iov_base, text);
  assert_ptr_equal(evbuffer_pullup(buffer, 11), text);
  assert_text(buffer, text);
  evbuffer_free(buffer);
}

static void the_cleanup_runs_once_when_the_last_byte_is_gone(void** state) {
  (void)state;
  struct released released = {0, NULL, 0};
  static const char text[] = "0123456789";
  struct evbuffer* buffer = buffer_with("before");
  assert_int_equal(evbuffer_add_reference(buffer, text, 10, note_release, &released), 0);
  evbuffer_add(buffer, "after", 5);
  evbuffer_drain(buffer, 15);
  assert_int_equal(released.calls, 0);
  evbuffer_drain(buffer, 1);
  assert_int_equal(released.calls, 1);
  assert_ptr_equal(released.data, text);
  assert_int_equal(released.length, 10);
  assert_text(buffer, "after");
  evbuffer_free(buffer);
  assert_int_equal(released.calls, 1);
}

static void the_cleanup_runs_when_the_buffer_is_freed(void** state) {
  (void)state;
  struct released released = {0, NULL, 0};
  struct evbuffer *buffer = evbuffer_new(), *other = evbuffer_new();
  evbuffer_add_reference(buffer, "abc", 3, note_release, &released);
  evbuffer_add_buffer(other, buffer);
  evbuffer_free(buffer);
  assert_int_equal(released.calls, 0);
  evbuffer_free(other);
  assert_int_equal(released.calls, 1);
}

static void a_refused_reference_is_never_cleaned_up(void** state) {
  (void)state;
  struct released released = {0, NULL, 0};
  struct evbuffer* buffer = evbuffer_new();
  evbuffer_freeze(buffer, 0);
  assert_int_equal(evbuffer_add_reference(buffer, "abc", 3, note_release, &released), -1);
  evbuffer_free(buffer);
  assert_int_equal(released.calls, 0);
}

static void nobody_writes_into_referred_memory(void** state) {
  (void)state;
  char text[] = "..middle..";
  struct evbuffer* buffer = evbuffer_new();
  evbuffer_add_reference(buffer, text + 2, 6, NULL, NULL);
  evbuffer_drain(buffer, 1);
  evbuffer_add(buffer, " end", 4);
  evbuffer_prepend(buffer, "start ", 6);
  assert_text(buffer, "start iddle end");
  assert_memory_equal(evbuffer_pullup(buffer, -1), "start iddle end", 15);
  assert_string_equal(text, "..middle..");
  evbuffer_free(buffer);
  assert_string_equal(text, "..middle..");
}

static void an_empty_reference_is_a_chunk_without_bytes(void** state) {
  (void)state;
  struct released released = {0, NULL, 0};
  struct evbuffer* buffer = evbuffer_new();
  assert_int_equal(evbuffer_add_reference(buffer, "", 0, note_release, &released), 0);
  assert_int_equal(evbuffer_get_length(buffer), 0);
  assert_int_equal(evbuffer_add(buffer, "abc", 3), 0);
  assert_int_equal(evbuffer_prepend(buffer, "x", 1), 0);
  assert_text(buffer, "xabc");
  evbuffer_free(buffer);
  assert_int_equal(released.calls, 1);
}

static void an_empty_reference_in_front_takes_a_prepend(void** state) {
  (void)state;
  struct evbuffer* buffer = evbuffer_new();
  evbuffer_add_reference(buffer, "", 0, NULL, NULL);
  assert_int_equal(evbuffer_prepend(buffer, "foo", 3), 0);
  assert_text(buffer, "foo");
  assert_int_equal(evbuffer_add(buffer, "bar", 3), 0);
  assert_text(buffer, "foobar");
  evbuffer_free(buffer);
}

static void empty_references_between_bytes_survive_every_move(void** state) {
  (void)state;
  struct evbuffer *from = evbuffer_new(), *to = evbuffer_new(), *plain = buffer_with("foo");
  evbuffer_add_reference(plain, "foo", 3, NULL, NULL);
  evbuffer_add_reference(from, "foo", 3, NULL, NULL);
  evbuffer_add_reference(from, NULL, 0, NULL, NULL);
  evbuffer_add_buffer(from, plain);
  evbuffer_add(plain, "foo", 3);
  evbuffer_add_reference(plain, "foo", 3, NULL, NULL);
  evbuffer_add_reference(to, "foo", 3, NULL, NULL);
  evbuffer_add_reference(to, NULL, 0, NULL, NULL);
  evbuffer_add_buffer(to, plain);
  assert_memory_equal(evbuffer_pullup(from, -1), "foofoofoo", 9);
  assert_memory_equal(evbuffer_pullup(to, -1), "foofoofoo", 9);
  assert_int_equal(evbuffer_remove_buffer(from, to, 8), 8);
  assert_memory_equal(evbuffer_pullup(from, -1), "o", 1);
  assert_memory_equal(evbuffer_pullup(to, -1), "foofoofoofoofoofo", 17);
  evbuffer_free(plain);
  evbuffer_free(from);
  evbuffer_free(to);
}

static void a_buffer_reference_shares_the_bytes(void** state) {
  (void)state;
  struct evbuffer *original = buffer_in_pieces("abc", "def", NULL), *copy = buffer_with(">");
  struct evbuffer_iovec theirs[2], ours[3];
  assert_int_equal(evbuffer_add_buffer_reference(copy, original), 0);
  assert_text(original, "abcdef");
  assert_text(copy, ">abcdef");
  evbuffer_peek(original, -1, NULL, theirs, 2);
  assert_int_equal(evbuffer_peek(copy, -1, NULL, ours, 3), 3);
  assert_ptr_equal(ours[1].iov_base, theirs[0].iov_base);
  assert_ptr_equal(ours[2].iov_base, theirs[1].iov_base);
  evbuffer_free(copy);
  assert_text(original, "abcdef");
  evbuffer_free(original);
}

static void each_side_of_a_buffer_reference_changes_alone(void** state) {
  (void)state;
  struct evbuffer *original = buffer_with("abcdef"), *copy = evbuffer_new(),
                  *second = evbuffer_new();
  assert_int_equal(evbuffer_add_buffer_reference(copy, original), 0);
  assert_int_equal(evbuffer_add_buffer_reference(second, original), 0);
  evbuffer_add(original, "GHI", 3);
  evbuffer_prepend(original, "__", 2);
  evbuffer_drain(copy, 2);
  evbuffer_prepend(copy, "xy", 2);
  evbuffer_add(copy, "z", 1);
  evbuffer_add(second, "!", 1);
  assert_text(original, "__abcdefGHI");
  assert_text(copy, "xycdefz");
  assert_text(second, "abcdef!");
  evbuffer_drain(original, 5);
  assert_text(original, "defGHI");
  assert_text(copy, "xycdefz");
  assert_memory_equal(evbuffer_pullup(copy, -1), "xycdefz", 7);
  assert_text(second, "abcdef!");
  evbuffer_free(second);
  evbuffer_free(copy);
  evbuffer_free(original);
}

static void shared_bytes_live_until_the_last_holder_lets_go(void** state) {
  (void)state;
  for (int order = 0; order < 6; ++order) {
    struct released released = {0, NULL, 0};
    struct evbuffer* buffers[3] = {evbuffer_new(), evbuffer_new(), evbuffer_new()};
    static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                     {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    evbuffer_add_reference(buffers[0], "abc", 3, note_release, &released);
    evbuffer_add(buffers[0], "def", 3);
    evbuffer_add_buffer_reference(buffers[1], buffers[0]);
    evbuffer_add_buffer_reference(buffers[2], buffers[0]);
    for (int i = 0; i < 3; ++i) {
      assert_int_equal(released.calls, 0);
      for (int j = i; j < 3; ++j)
        assert_text(buffers[orders[order][j]], "abcdef");
      evbuffer_free(buffers[orders[order][i]]);
    }
    assert_int_equal(released.calls, 1);
  }
}

static void draining_the_original_leaves_the_reference_whole(void** state) {
  (void)state;
  memory_hooks_install();
  struct evbuffer *original = buffer_in_pieces("abc", "def", NULL), *copy = evbuffer_new();
  evbuffer_add_buffer_reference(copy, original);
  evbuffer_drain(original, 6);
  assert_int_equal(evbuffer_add(original, "new", 3), 0);
  assert_text(copy, "abcdef");
  evbuffer_drain(copy, 4);
  assert_text(copy, "ef");
  assert_text(original, "new");
  evbuffer_free(original);
  evbuffer_free(copy);
  assert_int_equal(memory_outstanding(), 0);
}

static void a_reference_into_a_buffer_with_an_empty_chunk_is_sound(void** state) {
  (void)state;
  struct evbuffer *original = buffer_with("abcdef"), *copy = evbuffer_new();
  evbuffer_expand(copy, 100);
  assert_int_equal(evbuffer_add_buffer_reference(copy, original), 0);
  assert_text(copy, "abcdef");
  assert_int_equal(evbuffer_add(copy, "ghi", 3), 0);
  assert_text(copy, "abcdefghi");
  evbuffer_drain(copy, 9);
  assert_int_equal(evbuffer_add_buffer_reference(copy, original), 0);
  assert_text(copy, "abcdef");
  evbuffer_free(original);
  evbuffer_free(copy);
}

static void a_reference_to_a_reference_is_refused(void** state) {
  (void)state;
  struct evbuffer *original = buffer_with("abc"), *copy = buffer_with("x"),
                  *third = buffer_with("y");
  assert_int_equal(evbuffer_add_buffer_reference(copy, original), 0);
  assert_int_equal(evbuffer_add_buffer_reference(third, copy), -1);
  assert_text(third, "y");
  assert_int_equal(evbuffer_add_buffer_reference(third, original), 0);
  assert_text(third, "yabc");
  evbuffer_free(third);
  evbuffer_free(copy);
  evbuffer_free(original);
}

static void a_reference_to_itself_is_refused_and_to_nothing_is_nothing(void** state) {
  (void)state;
  struct evbuffer *buffer = buffer_with("abc"), *empty = evbuffer_new();
  assert_int_equal(evbuffer_add_buffer_reference(buffer, buffer), -1);
  assert_int_equal(evbuffer_add_buffer_reference(buffer, empty), 0);
  assert_int_equal(evbuffer_add_buffer_reference(empty, empty), 0);
  assert_text(buffer, "abc");
  evbuffer_free(empty);
  evbuffer_free(buffer);
}

static void a_reference_to_file_bytes_is_refused(void** state) {
  (void)state;
  struct evbuffer *buffer = buffer_with("abc"), *other = evbuffer_new();
  assert_int_equal(evbuffer_add_file(buffer, pattern_file(100), 0, 100), 0);
  assert_int_equal(evbuffer_add_buffer_reference(other, buffer), -1);
  assert_int_equal(evbuffer_get_length(other), 0);
  evbuffer_free(other);
  evbuffer_free(buffer);
}

const struct CMUnitTest share_tests[] = {
    cmocka_unit_test(a_reference_is_read_without_a_copy),
    cmocka_unit_test(the_cleanup_runs_once_when_the_last_byte_is_gone),
    cmocka_unit_test(the_cleanup_runs_when_the_buffer_is_freed),
    cmocka_unit_test(a_refused_reference_is_never_cleaned_up),
    cmocka_unit_test(nobody_writes_into_referred_memory),
    cmocka_unit_test(an_empty_reference_is_a_chunk_without_bytes),
    cmocka_unit_test(an_empty_reference_in_front_takes_a_prepend),
    cmocka_unit_test(empty_references_between_bytes_survive_every_move),
    cmocka_unit_test(a_buffer_reference_shares_the_bytes),
    cmocka_unit_test(each_side_of_a_buffer_reference_changes_alone),
    cmocka_unit_test(shared_bytes_live_until_the_last_holder_lets_go),
    cmocka_unit_test(draining_the_original_leaves_the_reference_whole),
    cmocka_unit_test(a_reference_into_a_buffer_with_an_empty_chunk_is_sound),
    cmocka_unit_test(a_reference_to_a_reference_is_refused),
    cmocka_unit_test(a_reference_to_itself_is_refused_and_to_nothing_is_nothing),
    cmocka_unit_test(a_reference_to_file_bytes_is_refused),
};
const size_t share_test_count = COUNT_OF(share_tests);
