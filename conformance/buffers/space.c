/* Looking at and writing into an evbuffer's memory in place: reserve_space, commit_space, peek.
 * The exact number and size of extents is part of what programs see, so it is asserted here. */
#include "conformance/buffers/support.h"

static void reserved_room_becomes_bytes_only_when_committed(void** state) {
  (void)state;
  struct evbuffer* buffer = evbuffer_new();
  struct evbuffer_iovec room[2];
  assert_int_equal(evbuffer_reserve_space(buffer, 100, room, 1), 1);
  assert_true(room[0].iov_len >= 100);
  memcpy(room[0].iov_base, "written", 7);
  assert_int_equal(evbuffer_get_length(buffer), 0);
  room[0].iov_len = 7;
  assert_int_equal(evbuffer_commit_space(buffer, room, 1), 0);
  assert_text(buffer, "written");
  evbuffer_free(buffer);
}

static void reserving_again_gives_the_same_room(void** state) {
  (void)state;
  struct evbuffer* buffer = buffer_with("abc");
  struct evbuffer_iovec first[2], second[2];
  assert_int_equal(evbuffer_reserve_space(buffer, 2000, first, 2), 2);
  assert_int_equal(evbuffer_reserve_space(buffer, 2000, second, 2), 2);
  for (int i = 0; i < 2; ++i) {
    assert_ptr_equal(first[i].iov_base, second[i].iov_base);
    assert_int_equal(first[i].iov_len, second[i].iov_len);
  }
  evbuffer_free(buffer);
}

static void room_is_given_in_full_chunks(void** state) {
  (void)state;
  static const struct {
    ev_ssize_t asked;
    size_t given;
  } cases[] = {{0, 976},     {1, 976},     {976, 976},     {977, 2000},
               {2001, 4048}, {4049, 8144}, {10000, 16336}, {100000, 131024}};
  for (size_t i = 0; i < COUNT_OF(cases); ++i) {
    struct evbuffer* buffer = evbuffer_new();
    struct evbuffer_iovec room;
    assert_int_equal(evbuffer_reserve_space(buffer, cases[i].asked, &room, 1), 1);
    assert_int_equal(room.iov_len, cases[i].given);
    evbuffer_free(buffer);
  }
}

static void one_extent_is_always_enough_when_only_one_is_allowed(void** state) {
  (void)state;
  struct evbuffer* buffer = evbuffer_new();
  struct evbuffer_iovec room;
  unsigned char* bytes = pattern_new(0, 200000);
  size_t done = 0;
  for (size_t size = 1; done + size < 200000; size = size * 5 % 9001 + 1) {
    assert_int_equal(evbuffer_reserve_space(buffer, (ev_ssize_t)size, &room, 1), 1);
    assert_true(room.iov_len >= size);
    memcpy(room.iov_base, bytes + done, size);
    room.iov_len = size;
    assert_int_equal(evbuffer_commit_space(buffer, &room, 1), 0);
    done += size;
  }
  assert_holds(buffer, bytes, done);
  free(bytes);
  evbuffer_free(buffer);
}

static void two_extents_use_the_rest_of_the_last_chunk_first(void** state) {
  (void)state;
  struct evbuffer* buffer = evbuffer_new();
  struct evbuffer_iovec room[2], seen[2];
  assert_int_equal(evbuffer_reserve_space(buffer, 1024, room, 2), 1);
  char* base = room[0].iov_base;
  size_t remaining = room[0].iov_len - 512;
  memset(base, 'X', 512);
  room[0].iov_len = 512;
  assert_int_equal(evbuffer_commit_space(buffer, room, 1), 0);
  assert_int_equal(evbuffer_reserve_space(buffer, (ev_ssize_t)remaining + 64, room, 2), 2);
  assert_ptr_equal(room[0].iov_base, base + 512);
  assert_int_equal(room[0].iov_len, remaining);
  assert_true(room[1].iov_len >= 64);
  char* second = room[1].iov_base;
  memset(room[0].iov_base, 'Y', 1);
  room[0].iov_len = 1;
  assert_int_equal(evbuffer_commit_space(buffer, room, 1), 0);
  assert_int_equal(evbuffer_reserve_space(buffer, (ev_ssize_t)remaining + 63, room, 2), 2);
  assert_ptr_equal(room[0].iov_base, base + 513);
  assert_ptr_equal(room[1].iov_base, second);
  memset(room[0].iov_base, 'Z', 400);
  memset(room[1].iov_base, 'W', 60);
  room[0].iov_len = 400;
  room[1].iov_len = 60;
  assert_int_equal(evbuffer_commit_space(buffer, room, 2), 0);
  assert_int_equal(evbuffer_get_length(buffer), 973);
  assert_int_equal(evbuffer_peek(buffer, -1, NULL, seen, 2), 2);
  assert_int_equal(seen[0].iov_len, 913);
  assert_int_equal(seen[1].iov_len, 60);
  assert_int_equal(((char*)seen[0].iov_base)[512], 'Y');
  assert_int_equal(((char*)seen[0].iov_base)[912], 'Z');
  assert_int_equal(((char*)seen[1].iov_base)[59], 'W');
  evbuffer_free(buffer);
}

static void more_extents_chain_up_and_fewer_replace_the_empty_ones(void** state) {
  (void)state;
  struct evbuffer* buffer = evbuffer_new();
  struct evbuffer_iovec room[3];
  assert_int_equal(evbuffer_reserve_space(buffer, 128, room, 2), 1);
  char* first = room[0].iov_base;
  size_t sum = room[0].iov_len;
  assert_int_equal(evbuffer_reserve_space(buffer, (ev_ssize_t)sum + 128, room, 2), 2);
  assert_ptr_equal(room[0].iov_base, first);
  char* second = room[1].iov_base;
  sum = room[0].iov_len + room[1].iov_len;
  assert_int_equal(evbuffer_reserve_space(buffer, (ev_ssize_t)sum + 128, room, 3), 3);
  assert_ptr_equal(room[0].iov_base, first);
  assert_ptr_equal(room[1].iov_base, second);
  sum += room[2].iov_len;
  assert_int_equal(evbuffer_reserve_space(buffer, (ev_ssize_t)sum + 128, room, 2), 1);
  assert_true(room[0].iov_len >= sum + 128);
  evbuffer_free(buffer);
}

static void room_spread_over_several_chunks_is_filled_in_order(void** state) {
  (void)state;
  struct evbuffer* buffer = buffer_with("start ");
  struct evbuffer_iovec room[4];
  ev_ssize_t ask = 1000;
  int count = 0;
  for (int i = 2; i <= 4; ++i, ask *= 3)
    count = evbuffer_reserve_space(buffer, ask, room, i);
  assert_int_equal(count, 4);
  unsigned char* bytes = pattern_new(0, 20000);
  size_t done = 0;
  for (int i = 0; i < count; ++i) {
    memcpy(room[i].iov_base, bytes + done, room[i].iov_len);
    done += room[i].iov_len;
  }
  assert_int_equal(evbuffer_commit_space(buffer, room, count), 0);
  evbuffer_drain(buffer, 6);
  assert_holds(buffer, bytes, done);
  assert_int_equal(evbuffer_add(buffer, "!", 1), 0);
  assert_int_equal(evbuffer_get_length(buffer), done + 1);
  free(bytes);
  evbuffer_free(buffer);
}

static void only_the_last_extent_may_be_committed_alone(void** state) {
  (void)state;
  struct evbuffer* buffer = buffer_with("ab");
  struct evbuffer_iovec room[2];
  assert_int_equal(evbuffer_reserve_space(buffer, 2000, room, 2), 2);
  memcpy(room[1].iov_base, "cd", 2);
  room[1].iov_len = 2;
  assert_int_equal(evbuffer_commit_space(buffer, room + 1, 1), 0);
  assert_text(buffer, "abcd");
  assert_int_equal(evbuffer_add(buffer, "ef", 2), 0);
  assert_text(buffer, "abcdef");
  evbuffer_free(buffer);
}

static void a_commit_that_does_not_match_the_room_is_refused(void** state) {
  (void)state;
  struct evbuffer *buffer = buffer_with("abc"), *empty = evbuffer_new();
  struct evbuffer_iovec room[2], wrong[2];
  char elsewhere[10];
  assert_int_equal(evbuffer_reserve_space(buffer, 2000, room, 2), 2);

  memcpy(wrong, room, sizeof wrong);
  wrong[0].iov_len = room[0].iov_len + 1;
  assert_int_equal(evbuffer_commit_space(buffer, wrong, 2), -1);

  memcpy(wrong, room, sizeof wrong);
  wrong[1].iov_len = room[1].iov_len + 1;
  assert_int_equal(evbuffer_commit_space(buffer, wrong, 2), -1);
  assert_int_equal(evbuffer_commit_space(buffer, wrong + 1, 1), -1);

  wrong[0].iov_base = elsewhere;
  wrong[0].iov_len = 1;
  assert_int_equal(evbuffer_commit_space(buffer, wrong, 1), -1);
  assert_int_equal(evbuffer_commit_space(empty, wrong, 1), -1);

  memcpy(wrong, room, sizeof wrong);
  wrong[0].iov_base = (char*)room[0].iov_base + 1;
  assert_int_equal(evbuffer_commit_space(buffer, wrong, 2), -1);

  struct evbuffer_iovec three[3] = {room[0], room[1], room[1]};
  assert_int_equal(evbuffer_commit_space(buffer, three, 3), -1);

  assert_text(buffer, "abc");
  assert_int_equal(evbuffer_get_length(empty), 0);
  evbuffer_free(empty);
  evbuffer_free(buffer);
}

static void a_commit_after_an_append_in_between_is_refused(void** state) {
  (void)state;
  struct evbuffer* buffer = buffer_with("abc");
  struct evbuffer_iovec room[1];
  assert_int_equal(evbuffer_reserve_space(buffer, 10, room, 1), 1);
  room[0].iov_len = 10;
  evbuffer_add(buffer, "def", 3);
  assert_int_equal(evbuffer_commit_space(buffer, room, 1), -1);
  assert_text(buffer, "abcdef");
  evbuffer_free(buffer);
}

static void committing_nothing_succeeds(void** state) {
  (void)state;
  struct evbuffer* buffer = buffer_with("abc");
  struct evbuffer_iovec room[2];
  assert_int_equal(evbuffer_commit_space(buffer, room, 0), 0);
  assert_int_equal(evbuffer_reserve_space(buffer, 2000, room, 2), 2);
  room[0].iov_len = room[1].iov_len = 0;
  assert_int_equal(evbuffer_commit_space(buffer, room, 2), 0);
  assert_int_equal(evbuffer_reserve_space(buffer, 10, room, 1), 1);
  room[0].iov_len = 0;
  assert_int_equal(evbuffer_commit_space(buffer, room, 1), 0);
  assert_text(buffer, "abc");
  evbuffer_free(buffer);
}

static void reserving_into_no_extents_is_an_error(void** state) {
  (void)state;
  struct evbuffer* buffer = evbuffer_new();
  struct evbuffer_iovec room[1];
  assert_int_equal(evbuffer_reserve_space(buffer, 10, room, 0), -1);
  assert_int_equal(evbuffer_reserve_space(buffer, 10, room, -1), -1);
  assert_int_equal(evbuffer_reserve_space(buffer, -1, room, 1), -1);
  evbuffer_free(buffer);
}

static void peek_counts_the_extents_that_a_length_needs(void** state) {
  (void)state;
  struct evbuffer* buffer = buffer_in_pieces("abc", "de", "fghi", NULL);
  assert_int_equal(evbuffer_peek(buffer, 0, NULL, NULL, 0), 0);
  assert_int_equal(evbuffer_peek(buffer, 1, NULL, NULL, 0), 1);
  assert_int_equal(evbuffer_peek(buffer, 3, NULL, NULL, 0), 1);
  assert_int_equal(evbuffer_peek(buffer, 4, NULL, NULL, 0), 2);
  assert_int_equal(evbuffer_peek(buffer, 6, NULL, NULL, 0), 3);
  assert_int_equal(evbuffer_peek(buffer, 100, NULL, NULL, 0), 3);
  assert_int_equal(evbuffer_peek(buffer, -1, NULL, NULL, 0), 3);
  evbuffer_free(buffer);
}

static void peek_fills_what_it_is_given_and_says_what_it_needed(void** state) {
  (void)state;
  struct evbuffer* buffer = buffer_in_pieces("abc", "de", "fghi", NULL);
  struct evbuffer_iovec extents[3];
  memset(extents, 0, sizeof extents);
  assert_int_equal(evbuffer_peek(buffer, 9, NULL, extents, 2), 3);
  assert_int_equal(extents[0].iov_len, 3);
  assert_int_equal(extents[1].iov_len, 2);
  assert_null(extents[2].iov_base);
  assert_memory_equal(extents[1].iov_base, "de", 2);
  assert_int_equal(evbuffer_peek(buffer, -1, NULL, extents, 2), 2);
  assert_int_equal(evbuffer_peek(buffer, -1, NULL, extents, 3), 3);
  assert_memory_equal(extents[2].iov_base, "fghi", 4);
  assert_int_equal(evbuffer_peek(buffer, 2, NULL, extents, 3), 1);
  assert_int_equal(extents[0].iov_len, 3);
  evbuffer_free(buffer);
}

static void peek_starts_at_the_pointer(void** state) {
  (void)state;
  struct evbuffer* buffer = buffer_in_pieces("abc", "de", "fghi", NULL);
  struct evbuffer_iovec extents[3];
  struct evbuffer_ptr at;
  evbuffer_ptr_set(buffer, &at, 4, EVBUFFER_PTR_SET);
  assert_int_equal(evbuffer_peek(buffer, -1, &at, NULL, 0), 2);
  assert_int_equal(evbuffer_peek(buffer, 1, &at, extents, 3), 1);
  assert_memory_equal(extents[0].iov_base, "e", 1);
  assert_int_equal(extents[0].iov_len, 1);
  assert_int_equal(evbuffer_peek(buffer, 2, &at, extents, 3), 2);
  assert_memory_equal(extents[1].iov_base, "fghi", 4);
  evbuffer_ptr_set(buffer, &at, 9, EVBUFFER_PTR_SET);
  assert_int_equal(evbuffer_peek(buffer, -1, &at, extents, 3), 0);
  evbuffer_free(buffer);
}

static void peek_into_an_empty_buffer_sees_nothing(void** state) {
  (void)state;
  struct evbuffer* buffer = evbuffer_new();
  struct evbuffer_iovec extents[2];
  assert_int_equal(evbuffer_peek(buffer, -1, NULL, extents, 2), 0);
  assert_int_equal(evbuffer_peek(buffer, 10, NULL, extents, 2), 0);
  assert_int_equal(evbuffer_peek(buffer, -1, NULL, NULL, 0), 0);
  evbuffer_free(buffer);
}

/* The original ends the process. */
static void no_room_at_all_may_be_asked_for(void** state) {
  (void)state;
  struct evbuffer* buffer = evbuffer_new();
  struct evbuffer_iovec room[2];
  assert_int_equal(evbuffer_reserve_space(buffer, 1, room, 1), 1);
  memset(room[0].iov_base, 'x', room[0].iov_len);
  assert_int_equal(evbuffer_commit_space(buffer, room, 1), 0);
  const size_t full = evbuffer_get_length(buffer);
  if (!on_original()) assert_int_equal(evbuffer_reserve_space(buffer, 0, room, 1), 1);
  assert_int_equal(evbuffer_get_length(buffer), full);
  assert_int_equal(evbuffer_add(buffer, "y", 1), 0);
  assert_int_equal(evbuffer_get_length(buffer), full + 1);
  evbuffer_free(buffer);
}

const struct CMUnitTest space_tests[] = {
    cmocka_unit_test(no_room_at_all_may_be_asked_for),
    cmocka_unit_test(reserved_room_becomes_bytes_only_when_committed),
    cmocka_unit_test(reserving_again_gives_the_same_room),
    cmocka_unit_test(room_is_given_in_full_chunks),
    cmocka_unit_test(one_extent_is_always_enough_when_only_one_is_allowed),
    cmocka_unit_test(two_extents_use_the_rest_of_the_last_chunk_first),
    cmocka_unit_test(more_extents_chain_up_and_fewer_replace_the_empty_ones),
    cmocka_unit_test(room_spread_over_several_chunks_is_filled_in_order),
    cmocka_unit_test(only_the_last_extent_may_be_committed_alone),
    cmocka_unit_test(a_commit_that_does_not_match_the_room_is_refused),
    cmocka_unit_test(a_commit_after_an_append_in_between_is_refused),
    cmocka_unit_test(committing_nothing_succeeds),
    cmocka_unit_test(reserving_into_no_extents_is_an_error),
    cmocka_unit_test(peek_counts_the_extents_that_a_length_needs),
    cmocka_unit_test(peek_fills_what_it_is_given_and_says_what_it_needed),
    cmocka_unit_test(peek_starts_at_the_pointer),
    cmocka_unit_test(peek_into_an_empty_buffer_sees_nothing),
};
const size_t space_test_count = COUNT_OF(space_tests);
