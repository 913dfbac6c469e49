/* Taking bytes out of an evbuffer: remove, copyout, drain, pullup and moving part of one buffer
 * into another. */
#include "conformance/buffers/support.h"

static void remove_takes_no_more_than_there_is(void** state) {
  (void)state;
  struct evbuffer* buffer = buffer_in_pieces("abc", "def", "ghi", NULL);
  char out[20];
  assert_int_equal(evbuffer_remove(buffer, out, 0), 0);
  assert_int_equal(evbuffer_remove(buffer, out, 4), 4);
  assert_memory_equal(out, "abcd", 4);
  assert_int_equal(evbuffer_remove(buffer, out, 20), 5);
  assert_memory_equal(out, "efghi", 5);
  assert_int_equal(evbuffer_remove(buffer, out, 20), 0);
  evbuffer_free(buffer);
}

static void copyout_leaves_the_buffer_as_it_was(void** state) {
  (void)state;
  struct evbuffer* buffer = buffer_in_pieces("abc", "def", NULL);
  char out[20];
  assert_int_equal(evbuffer_copyout(buffer, out, 0), 0);
  assert_int_equal(evbuffer_copyout(buffer, out, 5), 5);
  assert_memory_equal(out, "abcde", 5);
  assert_int_equal(evbuffer_copyout(buffer, out, 20), 6);
  assert_memory_equal(out, "abcdef", 6);
  assert_text(buffer, "abcdef");
  assert_int_equal(extents_of(buffer), 2);
  evbuffer_free(buffer);
}

static void copyout_from_starts_at_the_pointer(void** state) {
  (void)state;
  struct evbuffer* buffer = buffer_in_pieces("abc", "def", "g", NULL);
  for (size_t at = 0; at <= 7; ++at)
    for (size_t length = 0; length <= 9; ++length) {
      struct evbuffer_ptr position;
      char out[10] = "zzzzzzzzz";
      size_t expected = length < 7 - at ? length : 7 - at;
      assert_int_equal(evbuffer_ptr_set(buffer, &position, at, EVBUFFER_PTR_SET), 0);
      assert_int_equal(evbuffer_copyout_from(buffer, &position, out, length), expected);
      assert_memory_equal(out, &"abcdefg"[at], expected);
      assert_int_equal(out[expected], 'z');
    }
  evbuffer_free(buffer);
}

static void copyout_from_refuses_a_length_that_would_wrap(void** state) {
  (void)state;
  struct evbuffer* buffer = buffer_with("abcdef");
  struct evbuffer_ptr position;
  char out[8];
  evbuffer_ptr_set(buffer, &position, 3, EVBUFFER_PTR_SET);
  assert_int_equal(evbuffer_copyout_from(buffer, &position, out, SIZE_MAX), -1);
  assert_int_equal(evbuffer_copyout_from(buffer, &position, out, (size_t)EV_SSIZE_MAX), -1);
  assert_int_equal(evbuffer_copyout_from(buffer, &position, out, (size_t)EV_SSIZE_MAX - 3), 3);
  assert_memory_equal(out, "def", 3);
  evbuffer_free(buffer);
}

static void drain_drops_bytes_from_the_front(void** state) {
  (void)state;
  struct evbuffer* buffer = buffer_in_pieces("abc", "def", "ghi", NULL);
  assert_int_equal(evbuffer_drain(buffer, 0), 0);
  assert_text(buffer, "abcdefghi");
  assert_int_equal(evbuffer_drain(buffer, 2), 0);
  assert_text(buffer, "cdefghi");
  assert_int_equal(evbuffer_drain(buffer, 1), 0);
  assert_text(buffer, "defghi");
  assert_int_equal(extents_of(buffer), 2);
  assert_int_equal(evbuffer_drain(buffer, 4), 0);
  assert_text(buffer, "hi");
  assert_int_equal(evbuffer_drain(buffer, SIZE_MAX), 0);
  assert_int_equal(evbuffer_get_length(buffer), 0);
  assert_int_equal(evbuffer_drain(buffer, 1), 0);
  assert_int_equal(evbuffer_add(buffer, "new", 3), 0);
  assert_text(buffer, "new");
  evbuffer_free(buffer);
}

static void a_drained_buffer_holds_no_memory(void** state) {
  (void)state;
  memory_hooks_install();
  struct evbuffer* buffer = evbuffer_new();
  long empty = memory_outstanding();
  for (int i = 0; i < 20000; ++i)
    evbuffer_add(buffer, "0123456789", 10);
  assert_true(memory_outstanding() > empty);
  evbuffer_drain(buffer, 200000);
  assert_int_equal(memory_outstanding(), empty);
  evbuffer_free(buffer);
  assert_int_equal(memory_outstanding(), 0);
}

static void pullup_makes_the_front_contiguous(void** state) {
  (void)state;
  for (size_t length = 1; length <= 9; ++length) {
    struct evbuffer* buffer = buffer_in_pieces("abc", "de", "f", "ghi", NULL);
    unsigned char* bytes = evbuffer_pullup(buffer, (ev_ssize_t)length);
    assert_non_null(bytes);
    assert_memory_equal(bytes, "abcdefghi", length);
    assert_true(evbuffer_get_contiguous_space(buffer) >= length);
    assert_text(buffer, "abcdefghi");
    assert_int_equal(evbuffer_add(buffer, "jkl", 3), 0);
    assert_text(buffer, "abcdefghijkl");
    evbuffer_free(buffer);
  }
}

static void pullup_of_everything_leaves_one_extent(void** state) {
  (void)state;
  struct evbuffer* buffer = evbuffer_new();
  unsigned char* bytes = pattern_new(0, 50000);
  for (size_t at = 0; at < 50000; at += 100)
    evbuffer_add(buffer, bytes + at, 100);
  assert_true(extents_of(buffer) > 5);
  unsigned char* all = evbuffer_pullup(buffer, -1);
  assert_memory_equal(all, bytes, 50000);
  assert_int_equal(extents_of(buffer), 1);
  assert_int_equal(evbuffer_get_contiguous_space(buffer), 50000);
  assert_ptr_equal(EVBUFFER_DATA(buffer), all);
  assert_int_equal(EVBUFFER_LENGTH(buffer), 50000);
  free(bytes);
  evbuffer_free(buffer);
}

static void pullup_of_what_is_contiguous_moves_nothing(void** state) {
  (void)state;
  struct evbuffer* buffer = buffer_in_pieces("abcdef", "ghi", NULL);
  struct evbuffer_iovec first;
  evbuffer_peek(buffer, 1, NULL, &first, 1);
  assert_ptr_equal(evbuffer_pullup(buffer, 6), first.iov_base);
  assert_ptr_equal(evbuffer_pullup(buffer, 1), first.iov_base);
  assert_int_equal(extents_of(buffer), 2);
  evbuffer_free(buffer);
}

static void pullup_uses_the_room_of_the_first_chunk(void** state) {
  (void)state;
  struct evbuffer* buffer = buffer_in_pieces("abcdef", "ghi", NULL);
  struct evbuffer_iovec first;
  evbuffer_peek(buffer, 1, NULL, &first, 1);
  assert_ptr_equal(evbuffer_pullup(buffer, 8), first.iov_base);
  assert_text(buffer, "abcdefghi");
  assert_int_equal(extents_of(buffer), 2);
  evbuffer_free(buffer);
}

static void pullup_of_too_much_or_nothing_gives_null(void** state) {
  (void)state;
  struct evbuffer *buffer = buffer_in_pieces("abc", "def", NULL), *empty = evbuffer_new();
  assert_null(evbuffer_pullup(buffer, 7));
  assert_null(evbuffer_pullup(buffer, EV_SSIZE_MAX));
  assert_null(evbuffer_pullup(buffer, 0));
  assert_null(evbuffer_pullup(empty, -1));
  assert_null(evbuffer_pullup(empty, 1));
  assert_text(buffer, "abcdef");
  assert_int_equal(extents_of(buffer), 2);
  evbuffer_free(empty);
  evbuffer_free(buffer);
}

static void pullup_over_empty_chunks_between(void** state) {
  (void)state;
  struct evbuffer *buffer = buffer_with("abc"), *rest = buffer_with("def");
  evbuffer_add_reference(buffer, NULL, 0, NULL, NULL);
  evbuffer_prepend_buffer(rest, buffer);
  assert_memory_equal(evbuffer_pullup(rest, -1), "abcdef", 6);
  assert_int_equal(evbuffer_add(rest, "g", 1), 0);
  assert_text(rest, "abcdefg");
  evbuffer_free(rest);
  evbuffer_free(buffer);
}

static void contiguous_space_is_the_length_of_the_first_extent(void** state) {
  (void)state;
  struct evbuffer* buffer = buffer_in_pieces("abc", "defgh", NULL);
  assert_int_equal(evbuffer_get_contiguous_space(buffer), 3);
  evbuffer_drain(buffer, 3);
  assert_int_equal(evbuffer_get_contiguous_space(buffer), 5);
  evbuffer_drain(buffer, 1);
  assert_int_equal(evbuffer_get_contiguous_space(buffer), 4);
  evbuffer_free(buffer);
}

static void remove_buffer_moves_exactly_that_many_bytes(void** state) {
  (void)state;
  for (size_t length = 0; length <= 11; ++length) {
    struct evbuffer *from = buffer_in_pieces("abc", "de", "f", "ghi", NULL), *to = buffer_with("<");
    size_t moved = length < 9 ? length : 9;
    char expected[12] = "<";
    memcpy(expected + 1, "abcdefghi", moved);
    assert_int_equal(evbuffer_remove_buffer(from, to, length), moved);
    assert_holds(to, expected, moved + 1);
    assert_text(from, &"abcdefghi"[moved]);
    evbuffer_add(to, ">", 1);
    evbuffer_add(from, "j", 1);
    expected[1 + moved] = '>';
    assert_holds(to, expected, moved + 2);
    assert_int_equal(evbuffer_get_length(from), 10 - moved);
    evbuffer_free(to);
    evbuffer_free(from);
  }
}

static void remove_buffer_moves_whole_chunks_without_copying(void** state) {
  (void)state;
  struct evbuffer *from = buffer_in_pieces("abc", "def", "ghi", NULL), *to = evbuffer_new();
  struct evbuffer_iovec before[3], after[3];
  evbuffer_peek(from, -1, NULL, before, 3);
  assert_int_equal(evbuffer_remove_buffer(from, to, 6), 6);
  assert_int_equal(evbuffer_peek(to, -1, NULL, after, 3), 2);
  assert_ptr_equal(after[0].iov_base, before[0].iov_base);
  assert_ptr_equal(after[1].iov_base, before[1].iov_base);
  assert_text(to, "abcdef");
  assert_text(from, "ghi");
  evbuffer_free(to);
  evbuffer_free(from);
}

static void remove_buffer_of_nothing_or_itself_changes_nothing(void** state) {
  (void)state;
  struct evbuffer *buffer = buffer_with("same"), *empty = evbuffer_new();
  assert_int_equal(evbuffer_remove_buffer(buffer, buffer, 3), 0);
  assert_int_equal(evbuffer_remove_buffer(buffer, empty, 0), 0);
  assert_int_equal(evbuffer_remove_buffer(empty, buffer, 10), 0);
  assert_text(buffer, "same");
  evbuffer_free(empty);
  evbuffer_free(buffer);
}

static void remove_buffer_into_one_with_an_empty_chunk_at_its_end(void** state) {
  (void)state;
  struct evbuffer *from = evbuffer_new(), *to = buffer_with("AA");
  evbuffer_add_reference(from, "BB", 2, NULL, NULL);
  evbuffer_add_reference(from, "CC", 2, NULL, NULL);
  evbuffer_add_reference(to, NULL, 0, NULL, NULL);
  assert_int_equal(evbuffer_remove_buffer(from, to, 3), 3);
  assert_text(to, "AABBC");
  assert_text(from, "C");
  evbuffer_free(to);
  evbuffer_free(from);
}

static void back_and_forth_between_two_buffers_loses_nothing(void** state) {
  (void)state;
  struct evbuffer *left = buffer_with("aaaaaa"), *right = buffer_with("cc");
  struct evbuffer_iovec room[2];
  assert_int_equal(evbuffer_reserve_space(left, 971, room, 2), 2);
  *(char*)room[0].iov_base = 'b';
  room[0].iov_len = 1;
  assert_int_equal(evbuffer_commit_space(left, room, 1), 0);
  assert_int_equal(evbuffer_prepend(right, "ddd", 3), 0);
  assert_int_equal(evbuffer_prepend_buffer(right, left), 0);
  assert_int_equal(evbuffer_add_buffer(left, right), 0);
  assert_int_equal(evbuffer_remove_buffer(left, right, 11), 11);
  assert_text(right, "aaaaaabdddc");
  assert_text(left, "c");
  evbuffer_free(left);
  evbuffer_free(right);
}

const struct CMUnitTest take_tests[] = {
    cmocka_unit_test(remove_takes_no_more_than_there_is),
    cmocka_unit_test(copyout_leaves_the_buffer_as_it_was),
    cmocka_unit_test(copyout_from_starts_at_the_pointer),
    cmocka_unit_test(copyout_from_refuses_a_length_that_would_wrap),
    cmocka_unit_test(drain_drops_bytes_from_the_front),
    cmocka_unit_test(a_drained_buffer_holds_no_memory),
    cmocka_unit_test(pullup_makes_the_front_contiguous),
    cmocka_unit_test(pullup_of_everything_leaves_one_extent),
    cmocka_unit_test(pullup_of_what_is_contiguous_moves_nothing),
    cmocka_unit_test(pullup_uses_the_room_of_the_first_chunk),
    cmocka_unit_test(pullup_of_too_much_or_nothing_gives_null),
    cmocka_unit_test(pullup_over_empty_chunks_between),
    cmocka_unit_test(contiguous_space_is_the_length_of_the_first_extent),
    cmocka_unit_test(remove_buffer_moves_exactly_that_many_bytes),
    cmocka_unit_test(remove_buffer_moves_whole_chunks_without_copying),
    cmocka_unit_test(remove_buffer_of_nothing_or_itself_changes_nothing),
    cmocka_unit_test(remove_buffer_into_one_with_an_empty_chunk_at_its_end),
    cmocka_unit_test(back_and_forth_between_two_buffers_loses_nothing),
};
const size_t take_test_count = COUNT_OF(take_tests);
