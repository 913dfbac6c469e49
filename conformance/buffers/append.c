/* Appending to an evbuffer: evbuffer_add, printf, iovec, expand, and ends that are frozen. The
 * sizes of chunks are asserted too: programs see them through evbuffer_peek and depend on few
 * extents. */
#include "conformance/buffers/support.h"

static void a_new_buffer_is_empty(void** state) {
  (void)state;
  struct evbuffer* buffer = evbuffer_new();
  assert_non_null(buffer);
  assert_int_equal(evbuffer_get_length(buffer), 0);
  assert_int_equal(evbuffer_get_contiguous_space(buffer), 0);
  assert_int_equal(extents_of(buffer), 0);
  evbuffer_free(buffer);
}

static void appended_bytes_come_out_in_order(void** state) {
  (void)state;
  struct evbuffer* buffer = evbuffer_new();
  unsigned char* bytes = pattern_new(0, 100000);
  size_t done = 0;
  for (size_t step = 1; done + step < 100000; done += step, step = step * 7 % 1009 + 1)
    assert_int_equal(evbuffer_add(buffer, bytes + done, step), 0);
  assert_holds(buffer, bytes, done);
  free(bytes);
  evbuffer_free(buffer);
}

static void appending_nothing_succeeds(void** state) {
  (void)state;
  struct evbuffer* buffer = evbuffer_new();
  assert_int_equal(evbuffer_add(buffer, "", 0), 0);
  assert_int_equal(evbuffer_get_length(buffer), 0);
  assert_int_equal(evbuffer_add(buffer, "a", 1), 0);
  assert_int_equal(evbuffer_add(buffer, "", 0), 0);
  assert_text(buffer, "a");
  evbuffer_free(buffer);
}

static void single_bytes_fill_chunks_that_double_up_to_four_kilobytes(void** state) {
  (void)state;
  static const size_t sizes[] = {976, 2000, 4048, 4048, 4048};
  struct evbuffer* buffer = evbuffer_new();
  struct evbuffer_iovec extents[COUNT_OF(sizes)];
  size_t total = 0;
  for (size_t i = 0; i < COUNT_OF(sizes); ++i)
    total += sizes[i];
  for (size_t i = 0; i < total; ++i)
    assert_int_equal(evbuffer_add(buffer, "x", 1), 0);
  assert_int_equal(evbuffer_peek(buffer, -1, NULL, extents, COUNT_OF(sizes)), COUNT_OF(sizes));
  for (size_t i = 0; i < COUNT_OF(sizes); ++i)
    assert_int_equal(extents[i].iov_len, sizes[i]);
  evbuffer_free(buffer);
}

static void one_large_append_lies_in_one_extent(void** state) {
  (void)state;
  struct evbuffer* buffer = evbuffer_new();
  unsigned char* bytes = pattern_new(0, 1000000);
  assert_int_equal(evbuffer_add(buffer, bytes, 1000000), 0);
  assert_int_equal(extents_of(buffer), 1);
  assert_holds(buffer, bytes, 1000000);
  free(bytes);
  evbuffer_free(buffer);
}

static void an_append_after_a_drain_reuses_the_room_at_the_front(void** state) {
  (void)state;
  struct evbuffer* buffer = evbuffer_new();
  unsigned char bytes[976];
  pattern_fill(bytes, 0, sizeof bytes);
  evbuffer_add(buffer, bytes, 976);
  evbuffer_drain(buffer, 900);
  assert_int_equal(evbuffer_add(buffer, bytes, 900), 0);
  assert_int_equal(extents_of(buffer), 1);
  evbuffer_drain(buffer, 76);
  assert_holds(buffer, bytes, 900);
  evbuffer_free(buffer);
}

static void sizes_near_the_maximum_are_refused_by_every_way_in(void** state) {
  (void)state;
  memory_hooks_install();
  static const size_t sizes[] = {SIZE_MAX,         SIZE_MAX - 1, SIZE_MAX - 48,
                                 SIZE_MAX / 2 + 1, SIZE_MAX / 2, SIZE_MAX / 2 - 40};
  struct evbuffer* buffer = buffer_with("kept");
  struct evbuffer_iovec room[2];
  for (size_t i = 0; i < COUNT_OF(sizes); ++i) {
    assert_int_equal(evbuffer_add(buffer, "x", sizes[i]), -1);
    assert_int_equal(evbuffer_prepend(buffer, "x", sizes[i]), -1);
    assert_int_equal(evbuffer_expand(buffer, sizes[i]), -1);
    assert_int_equal(evbuffer_reserve_space(buffer, (ev_ssize_t)sizes[i], room, 1), -1);
    assert_int_equal(evbuffer_reserve_space(buffer, (ev_ssize_t)sizes[i], room, 2), -1);
    assert_text(buffer, "kept");
  }
  assert_int_equal(evbuffer_add(buffer, "!", 1), 0);
  assert_text(buffer, "kept!");
  evbuffer_free(buffer);
}

static void sizes_near_the_maximum_are_refused_by_an_empty_buffer(void** state) {
  (void)state;
  memory_hooks_install();
  static const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 48, SIZE_MAX / 2, SIZE_MAX / 2 - 40};
  for (size_t i = 0; i < COUNT_OF(sizes); ++i) {
    struct evbuffer* buffer = evbuffer_new();
    assert_int_equal(evbuffer_add(buffer, "x", sizes[i]), -1);
    assert_int_equal(evbuffer_expand(buffer, sizes[i]), -1);
    assert_int_equal(evbuffer_prepend(buffer, "x", sizes[i]), -1);
    assert_int_equal(evbuffer_get_length(buffer), 0);
    assert_int_equal(evbuffer_add(buffer, "x", 1), 0);
    assert_text(buffer, "x");
    evbuffer_free(buffer);
  }
}

static void expanding_makes_the_next_append_need_no_memory(void** state) {
  (void)state;
  memory_hooks_install();
  unsigned char* bytes = pattern_new(0, 50000);
  for (size_t size = 1; size <= 50000; size = size * 3 + 1) {
    struct evbuffer* buffer = buffer_with("head");
    assert_int_equal(evbuffer_expand(buffer, size), 0);
    assert_text(buffer, "head");
    memory_fails_after(0);
    assert_int_equal(evbuffer_add(buffer, bytes, size), 0);
    memory_succeeds();
    assert_int_equal(evbuffer_get_length(buffer), size + 4);
    evbuffer_free(buffer);
  }
  free(bytes);
  assert_int_equal(memory_outstanding(), 0);
}

static void expanding_a_short_chunk_copies_it_into_one_that_fits(void** state) {
  (void)state;
  struct evbuffer* buffer = buffer_with("abc");
  assert_int_equal(evbuffer_expand(buffer, 3000), 0);
  struct evbuffer_iovec room;
  assert_int_equal(evbuffer_reserve_space(buffer, 3000, &room, 1), 1);
  assert_int_equal(room.iov_len, 4048 - 3);
  assert_int_equal(extents_of(buffer), 1);
  evbuffer_free(buffer);
}

static void printf_appends_and_returns_the_length(void** state) {
  (void)state;
  struct evbuffer* buffer = evbuffer_new();
  assert_int_equal(evbuffer_add_printf(buffer, "%s/%d", "hello", 1), 7);
  assert_int_equal(evbuffer_add_printf(buffer, "%s", ""), 0);
  assert_int_equal(evbuffer_add_printf(buffer, "-%c-", 'x'), 3);
  assert_text(buffer, "hello/1-x-");
  evbuffer_free(buffer);
}

static void printf_of_every_length_is_complete(void** state) {
  (void)state;
  struct evbuffer* buffer = evbuffer_new();
  char *expected = malloc(3000 * 3001 / 2 + 1), *end = expected;
  for (int length = 0; length < 3000; length += 13) {
    assert_int_equal(evbuffer_add_printf(buffer, "%*d", length, 7), length ? length : 1);
    end += sprintf(end, "%*d", length, 7);
  }
  assert_holds(buffer, expected, (size_t)(end - expected));
  free(expected);
  evbuffer_free(buffer);
}

static int through_vprintf(struct evbuffer* buffer, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int result = evbuffer_add_vprintf(buffer, format, arguments);
  va_end(arguments);
  return result;
}

static void vprintf_survives_the_second_pass_over_its_arguments(void** state) {
  (void)state;
  struct evbuffer* buffer = evbuffer_new();
  char* longer = malloc(20001);
  memset(longer, 'q', 20000);
  longer[20000] = 0;
  assert_int_equal(through_vprintf(buffer, "%d %s %d", 41, longer, 42), 20006);
  char tail[4];
  struct evbuffer_ptr at;
  evbuffer_ptr_set(buffer, &at, 20003, EVBUFFER_PTR_SET);
  assert_int_equal(evbuffer_copyout_from(buffer, &at, tail, 3), 3);
  assert_memory_equal(tail, " 42", 3);
  free(longer);
  evbuffer_free(buffer);
}

static void printf_that_cannot_be_formatted_adds_nothing(void** state) {
  (void)state;
  struct evbuffer* buffer = buffer_with("kept");
  static const wchar_t unprintable[] = {0x20ac, 0};
  assert_int_equal(evbuffer_add_printf(buffer, "abc %ls", unprintable), -1);
  assert_text(buffer, "kept");
  evbuffer_free(buffer);
}

static void an_iovec_is_appended_whole(void** state) {
  (void)state;
  struct evbuffer* buffer = evbuffer_new();
  unsigned char* bytes = pattern_new(0, 9000);
  struct evbuffer_iovec vector[] = {
      {bytes, 1}, {bytes + 1, 0}, {bytes + 1, 5999}, {bytes + 6000, 3000}};
  assert_int_equal(evbuffer_add_iovec(buffer, vector, 4), 9000);
  assert_holds(buffer, bytes, 9000);
  assert_int_equal(extents_of(buffer), 1);
  assert_int_equal(evbuffer_add_iovec(buffer, vector, 0), 0);
  assert_holds(buffer, bytes, 9000);
  free(bytes);
  evbuffer_free(buffer);
}

static void an_iovec_whose_sum_wraps_adds_nothing_it_cannot_hold(void** state) {
  (void)state;
  struct evbuffer* buffer = evbuffer_new();
  struct evbuffer_iovec vector[] = {{(void*)"a", SIZE_MAX}, {(void*)"bc", 2}};
  assert_int_equal(evbuffer_add_iovec(buffer, vector, 2), 0);
  assert_int_equal(evbuffer_get_length(buffer), 0);
  evbuffer_free(buffer);
}

static void a_buffer_frozen_at_the_back_takes_nothing_more(void** state) {
  (void)state;
  struct evbuffer *buffer = buffer_with("ice"), *other = buffer_with("x");
  struct evbuffer_iovec room[2];
  assert_int_equal(evbuffer_reserve_space(buffer, 10, room, 2), 1);
  room[0].iov_len = 1;
  assert_int_equal(evbuffer_freeze(buffer, 0), 0);
  assert_int_equal(evbuffer_add(buffer, "x", 1), -1);
  assert_int_equal(evbuffer_add(buffer, "", 0), -1);
  assert_int_equal(evbuffer_add_printf(buffer, "x"), -1);
  assert_int_equal(evbuffer_add_iovec(buffer, room, 1), 0);
  assert_int_equal(evbuffer_add_buffer(buffer, other), -1);
  assert_int_equal(evbuffer_remove_buffer(other, buffer, 1), -1);
  assert_int_equal(evbuffer_add_buffer_reference(buffer, other), -1);
  assert_int_equal(evbuffer_add_reference(buffer, "x", 1, NULL, NULL), -1);
  assert_int_equal(evbuffer_reserve_space(buffer, 10, room, 2), -1);
  assert_int_equal(evbuffer_commit_space(buffer, room, 1), -1);
  assert_int_equal(evbuffer_read(buffer, -1, 10), -1);
  assert_text(buffer, "ice");
  assert_text(other, "x");
  assert_int_equal(evbuffer_prepend(buffer, "n", 1), 0);
  assert_int_equal(evbuffer_drain(buffer, 1), 0);
  assert_int_equal(evbuffer_unfreeze(buffer, 0), 0);
  assert_int_equal(evbuffer_add(buffer, "d", 1), 0);
  assert_text(buffer, "iced");
  evbuffer_free(other);
  evbuffer_free(buffer);
}

static void a_buffer_frozen_at_the_front_gives_nothing_away(void** state) {
  (void)state;
  struct evbuffer *buffer = buffer_with("ice\n"), *other = buffer_with("x");
  char byte;
  size_t length = 9;
  assert_int_equal(evbuffer_freeze(buffer, 1), 0);
  assert_int_equal(evbuffer_drain(buffer, 1), -1);
  assert_int_equal(evbuffer_remove(buffer, &byte, 1), -1);
  assert_int_equal(evbuffer_copyout(buffer, &byte, 1), -1);
  assert_null(evbuffer_readln(buffer, &length, EVBUFFER_EOL_LF));
  assert_int_equal(length, 0);
  assert_int_equal(evbuffer_prepend(buffer, "x", 1), -1);
  assert_int_equal(evbuffer_prepend_buffer(buffer, other), -1);
  assert_int_equal(evbuffer_prepend_buffer(other, buffer), -1);
  assert_int_equal(evbuffer_add_buffer(other, buffer), -1);
  assert_int_equal(evbuffer_remove_buffer(buffer, other, 2), -1);
  assert_int_equal(evbuffer_write(buffer, 1), -1);
  assert_text(buffer, "ice\n");
  assert_int_equal(evbuffer_add(buffer, "x", 1), 0);
  assert_int_equal(evbuffer_unfreeze(buffer, 1), 0);
  assert_int_equal(evbuffer_drain(buffer, 2), 0);
  assert_text(buffer, "e\nx");
  evbuffer_free(other);
  evbuffer_free(buffer);
}

static void an_empty_frozen_buffer_still_reports_success_for_doing_nothing(void** state) {
  (void)state;
  struct evbuffer *buffer = evbuffer_new(), *other = evbuffer_new();
  char byte;
  evbuffer_freeze(buffer, 1);
  evbuffer_freeze(buffer, 0);
  assert_int_equal(evbuffer_drain(buffer, 1), 0);
  assert_int_equal(evbuffer_remove(buffer, &byte, 1), 0);
  assert_int_equal(evbuffer_prepend(buffer, "x", 0), 0);
  assert_int_equal(evbuffer_add_buffer(buffer, other), 0);
  assert_int_equal(evbuffer_prepend_buffer(buffer, other), 0);
  evbuffer_free(other);
  evbuffer_free(buffer);
}

static void flags_are_accepted_and_cleared(void** state) {
  (void)state;
  struct evbuffer* buffer = buffer_with("x");
  assert_int_equal(evbuffer_set_flags(buffer, EVBUFFER_FLAG_DRAINS_TO_FD), 0);
  assert_int_equal(evbuffer_clear_flags(buffer, EVBUFFER_FLAG_DRAINS_TO_FD), 0);
  assert_text(buffer, "x");
  evbuffer_free(buffer);
}

const struct CMUnitTest append_tests[] = {
    cmocka_unit_test(a_new_buffer_is_empty),
    cmocka_unit_test(appended_bytes_come_out_in_order),
    cmocka_unit_test(appending_nothing_succeeds),
    cmocka_unit_test(single_bytes_fill_chunks_that_double_up_to_four_kilobytes),
    cmocka_unit_test(one_large_append_lies_in_one_extent),
    cmocka_unit_test(an_append_after_a_drain_reuses_the_room_at_the_front),
    cmocka_unit_test(sizes_near_the_maximum_are_refused_by_every_way_in),
    cmocka_unit_test(sizes_near_the_maximum_are_refused_by_an_empty_buffer),
    cmocka_unit_test(expanding_makes_the_next_append_need_no_memory),
    cmocka_unit_test(expanding_a_short_chunk_copies_it_into_one_that_fits),
    cmocka_unit_test(printf_appends_and_returns_the_length),
    cmocka_unit_test(printf_of_every_length_is_complete),
    cmocka_unit_test(vprintf_survives_the_second_pass_over_its_arguments),
    cmocka_unit_test(printf_that_cannot_be_formatted_adds_nothing),
    cmocka_unit_test(an_iovec_is_appended_whole),
    cmocka_unit_test(an_iovec_whose_sum_wraps_adds_nothing_it_cannot_hold),
    cmocka_unit_test(a_buffer_frozen_at_the_back_takes_nothing_more),
    cmocka_unit_test(a_buffer_frozen_at_the_front_gives_nothing_away),
    cmocka_unit_test(an_empty_frozen_buffer_still_reports_success_for_doing_nothing),
    cmocka_unit_test(flags_are_accepted_and_cleared),
};
const size_t append_test_count = COUNT_OF(append_tests);
