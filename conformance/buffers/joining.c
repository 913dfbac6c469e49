/* Bytes in front of a buffer, and whole buffers before and behind others: what moves, what is
 * copied, and where the room goes. */
#include "conformance/buffers/support.h"

static void prepending_puts_bytes_in_front(void** state) {
  (void)state;
  struct evbuffer* buffer = evbuffer_new();
  assert_int_equal(evbuffer_prepend(buffer, "three", 5), 0);
  assert_int_equal(evbuffer_prepend(buffer, "two ", 4), 0);
  assert_int_equal(evbuffer_add(buffer, " four", 5), 0);
  assert_int_equal(evbuffer_prepend(buffer, "one ", 4), 0);
  assert_int_equal(evbuffer_prepend(buffer, "", 0), 0);
  assert_text(buffer, "one two three four");
  evbuffer_free(buffer);
}

static void prepending_more_than_the_room_in_front_spills_over(void** state) {
  (void)state;
  struct evbuffer* buffer = evbuffer_new();
  unsigned char* bytes = pattern_new(0, 20000);
  size_t at = 20000;
  for (size_t step = 5; step <= at; at -= step, step = step * 3 % 1501 + 1)
    assert_int_equal(evbuffer_prepend(buffer, bytes + at - step, step), 0);
  assert_holds(buffer, bytes + at, 20000 - at);
  free(bytes);
  evbuffer_free(buffer);
}

static void prepending_uses_the_room_that_a_drain_left(void** state) {
  (void)state;
  struct evbuffer* buffer = buffer_with("0123456789");
  evbuffer_drain(buffer, 5);
  assert_int_equal(evbuffer_prepend(buffer, "abcde", 5), 0);
  assert_int_equal(extents_of(buffer), 1);
  assert_text(buffer, "abcde56789");
  evbuffer_free(buffer);
}

static void adding_a_buffer_moves_its_chunks(void** state) {
  (void)state;
  struct evbuffer *to = buffer_with("left "), *from = buffer_with("right");
  struct evbuffer_iovec before, after[2];
  evbuffer_peek(from, -1, NULL, &before, 1);
  assert_int_equal(evbuffer_add_buffer(to, from), 0);
  assert_int_equal(evbuffer_get_length(from), 0);
  assert_text(to, "left right");
  assert_int_equal(evbuffer_peek(to, -1, NULL, after, 2), 2);
  assert_ptr_equal(after[1].iov_base, before.iov_base);
  evbuffer_free(from);
  assert_text(to, "left right");
  evbuffer_free(to);
}

static void every_added_buffer_is_one_more_extent(void** state) {
  (void)state;
  struct evbuffer* to = evbuffer_new();
  for (int i = 1; i <= 300; ++i) {
    struct evbuffer* one = buffer_with("ab");
    assert_int_equal(evbuffer_add_buffer(to, one), 0);
    evbuffer_free(one);
    assert_int_equal(extents_of(to), i);
  }
  evbuffer_free(to);
}

static void adding_a_buffer_to_an_empty_one_keeps_the_room_behind_the_bytes(void** state) {
  (void)state;
  struct evbuffer *to = evbuffer_new(), *from = buffer_with("abc");
  evbuffer_expand(to, 100);
  assert_int_equal(evbuffer_add_buffer(to, from), 0);
  assert_int_equal(evbuffer_add(to, "def", 3), 0);
  assert_int_equal(extents_of(to), 1);
  assert_text(to, "abcdef");
  assert_int_equal(evbuffer_add(from, "again", 5), 0);
  assert_text(from, "again");
  assert_text(to, "abcdef");
  evbuffer_free(from);
  evbuffer_free(to);
}

static void adding_an_empty_buffer_or_itself_changes_nothing(void** state) {
  (void)state;
  struct evbuffer *buffer = buffer_with("same"), *empty = evbuffer_new();
  assert_int_equal(evbuffer_add_buffer(buffer, empty), 0);
  assert_int_equal(evbuffer_add_buffer(buffer, buffer), 0);
  assert_int_equal(evbuffer_prepend_buffer(buffer, empty), 0);
  assert_int_equal(evbuffer_prepend_buffer(buffer, buffer), 0);
  assert_text(buffer, "same");
  evbuffer_free(empty);
  evbuffer_free(buffer);
}

static void prepending_a_buffer_moves_its_chunks_to_the_front(void** state) {
  (void)state;
  struct evbuffer *to = buffer_in_pieces("c", "d", NULL), *from = buffer_in_pieces("a", "b", NULL);
  assert_int_equal(evbuffer_prepend_buffer(to, from), 0);
  assert_text(to, "abcd");
  assert_int_equal(extents_of(to), 4);
  assert_int_equal(evbuffer_get_length(from), 0);
  assert_int_equal(evbuffer_add(to, "e", 1), 0);
  assert_int_equal(evbuffer_add(from, "f", 1), 0);
  assert_text(to, "abcde");
  assert_text(from, "f");
  evbuffer_free(from);
  evbuffer_free(to);
}

static void prepending_a_buffer_to_an_empty_one_moves_it(void** state) {
  (void)state;
  struct evbuffer *to = evbuffer_new(), *from = buffer_in_pieces("a", "b", NULL);
  evbuffer_expand(to, 10);
  assert_int_equal(evbuffer_prepend_buffer(to, from), 0);
  assert_int_equal(evbuffer_add(to, "c", 1), 0);
  assert_text(to, "abc");
  evbuffer_free(from);
  evbuffer_free(to);
}

const struct CMUnitTest joining_tests[] = {
    cmocka_unit_test(prepending_puts_bytes_in_front),
    cmocka_unit_test(prepending_more_than_the_room_in_front_spills_over),
    cmocka_unit_test(prepending_uses_the_room_that_a_drain_left),
    cmocka_unit_test(adding_a_buffer_moves_its_chunks),
    cmocka_unit_test(every_added_buffer_is_one_more_extent),
    cmocka_unit_test(adding_a_buffer_to_an_empty_one_keeps_the_room_behind_the_bytes),
    cmocka_unit_test(adding_an_empty_buffer_or_itself_changes_nothing),
    cmocka_unit_test(prepending_a_buffer_moves_its_chunks_to_the_front),
    cmocka_unit_test(prepending_a_buffer_to_an_empty_one_moves_it),
};
const size_t joining_test_count = COUNT_OF(joining_tests);
