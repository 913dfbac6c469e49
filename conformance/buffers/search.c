/* Positions and searches in an evbuffer: ptr_set, search, search_range, find. */
#include "conformance/buffers/support.h"

static void a_pointer_reaches_every_position_and_the_end(void** state) {
  (void)state;
  struct evbuffer* buffer = buffer_in_pieces("abc", "de", "f", NULL);
  struct evbuffer_ptr at;
  char byte;
  for (size_t i = 0; i <= 6; ++i) {
    assert_int_equal(evbuffer_ptr_set(buffer, &at, i, EVBUFFER_PTR_SET), 0);
    assert_int_equal(at.pos, i);
    assert_int_equal(evbuffer_copyout_from(buffer, &at, &byte, 1), i < 6);
    if (i < 6) assert_int_equal(byte, "abcdef"[i]);
  }
  assert_int_equal(evbuffer_ptr_set(buffer, &at, 7, EVBUFFER_PTR_SET), -1);
  assert_int_equal(at.pos, -1);
  evbuffer_free(buffer);
}

static void a_pointer_moves_forward_by_any_step(void** state) {
  (void)state;
  struct evbuffer* buffer = buffer_in_pieces("abc", "de", "f", "ghij", NULL);
  for (size_t from = 0; from <= 10; ++from)
    for (size_t step = 0; step <= 11; ++step) {
      struct evbuffer_ptr at;
      evbuffer_ptr_set(buffer, &at, from, EVBUFFER_PTR_SET);
      int expected = from + step <= 10 ? 0 : -1;
      assert_int_equal(evbuffer_ptr_set(buffer, &at, step, EVBUFFER_PTR_ADD), expected);
      assert_int_equal(at.pos, expected ? -1 : (int)(from + step));
    }
  evbuffer_free(buffer);
}

static void a_pointer_step_that_would_wrap_is_refused(void** state) {
  (void)state;
  struct evbuffer* buffer = buffer_with("abc");
  struct evbuffer_ptr at;
  evbuffer_ptr_set(buffer, &at, 2, EVBUFFER_PTR_SET);
  assert_int_equal(evbuffer_ptr_set(buffer, &at, SIZE_MAX, EVBUFFER_PTR_ADD), -1);
  assert_int_equal(evbuffer_ptr_set(buffer, &at, SIZE_MAX, EVBUFFER_PTR_SET), -1);
  at.pos = -1;
  assert_int_equal(evbuffer_ptr_set(buffer, &at, 1, EVBUFFER_PTR_ADD), -1);
  evbuffer_free(buffer);
}

static void an_unknown_way_to_set_a_pointer_is_refused(void** state) {
  (void)state;
  struct evbuffer* buffer = buffer_with("0123456789");
  struct evbuffer_ptr ptr;
  assert_int_equal(evbuffer_ptr_set(buffer, &ptr, 3, EVBUFFER_PTR_SET), 0);
  assert_int_equal(evbuffer_ptr_set(buffer, &ptr, 3, (enum evbuffer_ptr_how)7), -1);
  assert_int_equal(ptr.pos, -1);
  evbuffer_free(buffer);
}

static void an_empty_buffer_has_the_position_zero(void** state) {
  (void)state;
  struct evbuffer* buffer = evbuffer_new();
  struct evbuffer_ptr at;
  assert_int_equal(evbuffer_ptr_set(buffer, &at, 0, EVBUFFER_PTR_SET), 0);
  assert_int_equal(at.pos, 0);
  assert_int_equal(evbuffer_ptr_set(buffer, &at, 1, EVBUFFER_PTR_SET), -1);
  evbuffer_free(buffer);
}

/* The reference: where `what` occurs in `text` at or after `from`, wholly before `end`. */
static ev_ssize_t expected_position(const char* text, size_t length, const char* what, size_t size,
                                    size_t from, size_t end) {
  for (size_t i = from; size && i + size <= length && i + size <= end; ++i)
    if (!memcmp(text + i, what, size)) return (ev_ssize_t)i;
  return -1;
}

static const char* const needles[] = {"a",  "ab", "aab", "aabaab",  "b",  "baa",
                                      "bb", "c",  "abc", "aabaabc", "aa", "ca"};
static const char haystack[] = "aabaaabaabcabaaabaabaac";

static void a_search_finds_the_first_occurrence_however_the_bytes_are_cut(void** state) {
  (void)state;
  size_t length = strlen(haystack);
  for (size_t piece = 1; piece <= length; ++piece) {
    struct evbuffer* buffer = buffer_cut(haystack, length, piece);
    for (size_t n = 0; n < COUNT_OF(needles); ++n)
      for (size_t from = 0; from <= length; ++from) {
        struct evbuffer_ptr start, found;
        size_t size = strlen(needles[n]);
        evbuffer_ptr_set(buffer, &start, from, EVBUFFER_PTR_SET);
        found = evbuffer_search(buffer, needles[n], size, from ? &start : NULL);
        assert_int_equal(found.pos,
                         expected_position(haystack, length, needles[n], size, from, length));
        if (found.pos >= 0) {
          char copy[8];
          assert_int_equal(evbuffer_copyout_from(buffer, &found, copy, size), size);
          assert_memory_equal(copy, needles[n], size);
        }
      }
    evbuffer_free(buffer);
  }
}

static void a_range_search_ends_at_its_end(void** state) {
  (void)state;
  size_t length = strlen(haystack);
  for (size_t piece = 1; piece <= length; piece += 3) {
    struct evbuffer* buffer = buffer_cut(haystack, length, piece);
    for (size_t n = 0; n < COUNT_OF(needles); ++n)
      for (size_t end = 0; end <= length; ++end)
        for (size_t from = 0; from <= end; from += 2) {
          struct evbuffer_ptr start, stop, found;
          size_t size = strlen(needles[n]);
          evbuffer_ptr_set(buffer, &start, from, EVBUFFER_PTR_SET);
          evbuffer_ptr_set(buffer, &stop, end, EVBUFFER_PTR_SET);
          found = evbuffer_search_range(buffer, needles[n], size, &start, &stop);
          assert_int_equal(found.pos,
                           expected_position(haystack, length, needles[n], size, from, end));
        }
    evbuffer_free(buffer);
  }
}

static void searching_for_nothing_answers_with_the_start(void** state) {
  (void)state;
  struct evbuffer* buffer = buffer_with("abc");
  struct evbuffer_ptr start;
  evbuffer_ptr_set(buffer, &start, 2, EVBUFFER_PTR_SET);
  assert_int_equal(evbuffer_search(buffer, "", 0, NULL).pos, 0);
  assert_int_equal(evbuffer_search(buffer, "", 0, &start).pos, 2);
  evbuffer_free(buffer);
}

static void a_needle_longer_than_the_buffer_is_not_found(void** state) {
  (void)state;
  struct evbuffer *buffer = buffer_with("abc"), *empty = evbuffer_new();
  assert_int_equal(evbuffer_search(buffer, "abcd", 4, NULL).pos, -1);
  assert_int_equal(evbuffer_search(empty, "a", 1, NULL).pos, -1);
  evbuffer_free(empty);
  evbuffer_free(buffer);
}

static void a_search_over_a_large_fragmented_buffer(void** state) {
  (void)state;
  struct evbuffer* buffer = evbuffer_new();
  for (int i = 0; i < 20000; ++i) {
    struct evbuffer* one = buffer_with(i % 7 ? "needl" : "ne");
    evbuffer_add_buffer(buffer, one);
    evbuffer_free(one);
  }
  size_t at = evbuffer_get_length(buffer);
  evbuffer_add(buffer, "needle", 6);
  assert_int_equal(evbuffer_search(buffer, "needle", 6, NULL).pos, at);
  assert_int_equal(evbuffer_search(buffer, "needlex", 7, NULL).pos, -1);
  evbuffer_free(buffer);
}

static void find_makes_the_match_contiguous(void** state) {
  (void)state;
  struct evbuffer* buffer = buffer_in_pieces("one ", "tw", "o three", NULL);
  unsigned char* at = evbuffer_find(buffer, (const unsigned char*)"two", 3);
  assert_non_null(at);
  assert_memory_equal(at, "two", 3);
  assert_memory_equal(at - 4, "one two", 7);
  assert_null(evbuffer_find(buffer, (const unsigned char*)"four", 4));
  assert_text(buffer, "one two three");
  evbuffer_free(buffer);
}

const struct CMUnitTest search_tests[] = {
    cmocka_unit_test(a_pointer_reaches_every_position_and_the_end),
    cmocka_unit_test(a_pointer_moves_forward_by_any_step),
    cmocka_unit_test(a_pointer_step_that_would_wrap_is_refused),
    cmocka_unit_test(an_unknown_way_to_set_a_pointer_is_refused),
    cmocka_unit_test(an_empty_buffer_has_the_position_zero),
    cmocka_unit_test(a_search_finds_the_first_occurrence_however_the_bytes_are_cut),
    cmocka_unit_test(a_range_search_ends_at_its_end),
    cmocka_unit_test(searching_for_nothing_answers_with_the_start),
    cmocka_unit_test(a_needle_longer_than_the_buffer_is_not_found),
    cmocka_unit_test(a_search_over_a_large_fragmented_buffer),
    cmocka_unit_test(find_makes_the_match_contiguous),
};
const size_t search_test_count = COUNT_OF(search_tests);
