/* Files in an evbuffer: add_file and file segments, by sendfile, by mapping and by reading. */
#include "conformance/buffers/support.h"

#define FILE_SIZE 20000

static void assert_pattern(struct evbuffer* buffer, size_t from, size_t length) {
  unsigned char* bytes = pattern_new(from, length);
  assert_holds(buffer, bytes, length);
  free(bytes);
}

/* Writes the buffer to a socket and reads everything from the other end until the buffer is empty.
 */
static void assert_pattern_through_a_socket(struct evbuffer* buffer, size_t from, size_t length) {
  int pair[2];
  stream_pair(pair);
  unsigned char* got = malloc(length + 1);
  size_t seen = 0;
  while (evbuffer_get_length(buffer)) {
    size_t before = evbuffer_get_length(buffer);
    int written = evbuffer_write(buffer, pair[0]);
    if (written < 0) assert_int_equal(errno, EAGAIN);
    if (written > 0) assert_int_equal(evbuffer_get_length(buffer), before - (size_t)written);
    ssize_t n;
    while ((n = read(pair[1], got + seen, length + 1 - seen)) > 0)
      seen += (size_t)n;
  }
  assert_int_equal(seen, length);
  unsigned char* expected = pattern_new(from, length);
  assert_memory_equal(got, expected, length);
  free(expected);
  free(got);
  close(pair[0]);
  close(pair[1]);
}

static void a_file_is_appended_from_its_offset(void** state) {
  (void)state;
  struct evbuffer* buffer = evbuffer_new();
  int file = pattern_file(FILE_SIZE);
  assert_int_equal(evbuffer_add_file(buffer, file, 5000, 9000), 0);
  assert_pattern(buffer, 5000, 9000);
  assert_int_equal(extents_of(buffer), 1);
  evbuffer_free(buffer);
  assert_false(descriptor_is_open(file));
}

static void a_length_of_minus_one_means_the_rest_that_fstat_sees(void** state) {
  (void)state;
  struct evbuffer* buffer = evbuffer_new();
  assert_int_equal(evbuffer_add_file(buffer, pattern_file(FILE_SIZE), 0, -1), 0);
  assert_pattern(buffer, 0, FILE_SIZE);
  evbuffer_free(buffer);
}

static void the_file_is_closed_when_its_last_byte_is_drained(void** state) {
  (void)state;
  struct evbuffer* buffer = evbuffer_new();
  int file = pattern_file(FILE_SIZE);
  evbuffer_add_file(buffer, file, 0, 100);
  evbuffer_drain(buffer, 99);
  assert_true(descriptor_is_open(file));
  evbuffer_drain(buffer, 1);
  assert_false(descriptor_is_open(file));
  evbuffer_free(buffer);
}

static void a_bad_range_or_descriptor_is_refused(void** state) {
  (void)state;
  struct evbuffer* buffer = buffer_with("kept");
  assert_int_equal(evbuffer_add_file(buffer, -1, 0, -1), -1);
  int file = pattern_file(100);
  assert_null(evbuffer_file_segment_new(file, -1, 10, 0));
  assert_null(evbuffer_file_segment_new(file, 0, -2, 0));
  assert_null(evbuffer_file_segment_new(file, 1, EV_SSIZE_MAX, 0));
  assert_null(evbuffer_file_segment_new(-1, 0, -1, 0));
  assert_null(
      evbuffer_file_segment_new(file, 0, 200, EVBUF_FS_DISABLE_MMAP | EVBUF_FS_DISABLE_SENDFILE));
  assert_true(descriptor_is_open(file));
  close(file);
  assert_text(buffer, "kept");
  evbuffer_free(buffer);
}

static const unsigned ways[] = {
    0, EVBUF_FS_DISABLE_SENDFILE, EVBUF_FS_DISABLE_MMAP,
    EVBUF_FS_DISABLE_SENDFILE | EVBUF_FS_DISABLE_MMAP,
    EVBUF_FS_DISABLE_SENDFILE | EVBUF_FS_DISABLE_MMAP | EVBUF_FS_DISABLE_LOCKING};

static void every_way_to_hold_a_segment_gives_the_same_bytes(void** state) {
  (void)state;
  for (size_t w = 0; w < COUNT_OF(ways); ++w) {
    int file = pattern_file(FILE_SIZE);
    struct evbuffer_file_segment* segment = evbuffer_file_segment_new(file, 4100, 8000, ways[w]);
    struct evbuffer *buffer = evbuffer_new(), *other = evbuffer_new();
    assert_non_null(segment);
    assert_int_equal(evbuffer_add_file_segment(buffer, segment, 0, -1), 0);
    assert_pattern(buffer, 4100, 8000);
    assert_int_equal(evbuffer_add_file_segment(other, segment, 100, 50), 0);
    assert_pattern(other, 4200, 50);
    assert_int_equal(evbuffer_add_file_segment(other, segment, 150, -1), 0);
    assert_pattern(other, 4200, 7900);
    evbuffer_file_segment_free(segment);
    assert_pattern(other, 4200, 7900);
    evbuffer_free(other);
    assert_pattern(buffer, 4100, 8000);
    evbuffer_free(buffer);
    assert_true(descriptor_is_open(file));
    close(file);
  }
}

static void every_way_to_hold_a_segment_writes_the_same_bytes(void** state) {
  (void)state;
  for (size_t w = 0; w < COUNT_OF(ways); ++w)
    for (int drains = 0; drains < 2; ++drains) {
      int file = pattern_file(FILE_SIZE);
      struct evbuffer_file_segment* segment =
          evbuffer_file_segment_new(file, 10, FILE_SIZE - 10, ways[w] | EVBUF_FS_CLOSE_ON_FREE);
      struct evbuffer* buffer = evbuffer_new();
      unsigned char *head = pattern_new(0, 10), *tail = pattern_new(FILE_SIZE, 70000);
      if (drains) evbuffer_set_flags(buffer, EVBUFFER_FLAG_DRAINS_TO_FD);
      evbuffer_add(buffer, head, 10);
      assert_int_equal(evbuffer_add_file_segment(buffer, segment, 0, -1), 0);
      evbuffer_file_segment_free(segment);
      evbuffer_add(buffer, tail, 70000);
      assert_pattern_through_a_socket(buffer, 0, FILE_SIZE + 70000);
      assert_false(descriptor_is_open(file));
      free(head);
      free(tail);
      evbuffer_free(buffer);
    }
}

static void sendfile_does_not_map_or_move_the_file(void** state) {
  (void)state;
  struct evbuffer* buffer = evbuffer_new();
  int file = pattern_file(FILE_SIZE), pair[2];
  stream_pair(pair);
  lseek(file, 77, SEEK_SET);
  evbuffer_set_flags(buffer, EVBUFFER_FLAG_DRAINS_TO_FD);
  assert_int_equal(evbuffer_add_file(buffer, file, 1000, 500), 0);
  assert_int_equal(evbuffer_get_length(buffer), 500);
  assert_int_equal(lseek(file, 0, SEEK_CUR), 77);
  assert_int_equal(evbuffer_write(buffer, pair[0]), 500);
  unsigned char got[501];
  assert_int_equal(read(pair[1], got, 501), 500);
  for (size_t i = 0; i < 500; ++i)
    assert_int_equal(got[i], pattern_byte(1000 + i));
  assert_false(descriptor_is_open(file));
  evbuffer_free(buffer);
  close(pair[0]);
  close(pair[1]);
}

static void a_file_that_lost_its_end_stops_the_write_without_looping(void** state) {
  (void)state;
  struct evbuffer* buffer = evbuffer_new();
  int file = pattern_file(1000), pair[2];
  stream_pair(pair);
  evbuffer_set_flags(buffer, EVBUFFER_FLAG_DRAINS_TO_FD);
  assert_int_equal(evbuffer_add_file(buffer, file, 0, 1000), 0);
  assert_int_equal(ftruncate(file, 400), 0);
  assert_int_equal(evbuffer_write(buffer, pair[0]), 400);
  assert_int_equal(evbuffer_write(buffer, pair[0]), 0);
  assert_int_equal(evbuffer_get_length(buffer), 600);
  evbuffer_free(buffer);
  close(pair[0]);
  close(pair[1]);
}

struct seen_cleanup {
  int calls, flags;
  const struct evbuffer_file_segment* segment;
};

static void note_cleanup(const struct evbuffer_file_segment* segment, int flags, void* arg) {
  struct seen_cleanup* seen = arg;
  ++seen->calls;
  seen->flags = flags;
  seen->segment = segment;
}

static void the_segment_cleanup_runs_once_after_the_last_holder(void** state) {
  (void)state;
  for (size_t w = 0; w < COUNT_OF(ways); ++w) {
    int file = pattern_file(100);
    struct seen_cleanup seen = {0, 0, NULL};
    struct evbuffer_file_segment* segment = evbuffer_file_segment_new(file, 0, 100, ways[w]);
    evbuffer_file_segment_add_cleanup_cb(segment, note_cleanup, &seen);
    struct evbuffer *buffer = evbuffer_new(), *other = evbuffer_new();
    evbuffer_add_file_segment(buffer, segment, 0, -1);
    evbuffer_add_file_segment(other, segment, 0, 10);
    evbuffer_free(buffer);
    evbuffer_file_segment_free(segment);
    assert_int_equal(seen.calls, 0);
    evbuffer_drain(other, 10);
    assert_int_equal(seen.calls, 1);
    assert_int_equal(seen.flags, ways[w]);
    assert_ptr_equal(seen.segment, segment);
    evbuffer_free(other);
    assert_int_equal(seen.calls, 1);
    close(file);
  }
}

static void an_unused_segment_is_cleaned_up_when_freed(void** state) {
  (void)state;
  int file = pattern_file(100);
  struct seen_cleanup seen = {0, 0, NULL};
  struct evbuffer_file_segment* segment =
      evbuffer_file_segment_new(file, 0, 100, EVBUF_FS_CLOSE_ON_FREE);
  evbuffer_file_segment_add_cleanup_cb(segment, note_cleanup, &seen);
  evbuffer_file_segment_free(segment);
  assert_int_equal(seen.calls, 1);
  assert_false(descriptor_is_open(file));
}

static void a_failed_add_gives_up_the_callers_hold_on_the_segment(void** state) {
  (void)state;
  int file = pattern_file(100);
  struct seen_cleanup seen = {0, 0, NULL};
  struct evbuffer* buffer = buffer_with("kept");
  struct evbuffer_file_segment* segment = evbuffer_file_segment_new(file, 0, 100, 0);
  evbuffer_file_segment_add_cleanup_cb(segment, note_cleanup, &seen);
  assert_int_equal(evbuffer_add_file_segment(buffer, segment, 50, 51), -1);
  assert_int_equal(seen.calls, 1);
  segment = evbuffer_file_segment_new(file, 0, 100, 0);
  evbuffer_file_segment_add_cleanup_cb(segment, note_cleanup, &seen);
  assert_int_equal(evbuffer_add_file_segment(buffer, segment, 101, -1), -1);
  assert_int_equal(seen.calls, 2);
  evbuffer_freeze(buffer, 0);
  segment = evbuffer_file_segment_new(file, 0, 100, 0);
  evbuffer_file_segment_add_cleanup_cb(segment, note_cleanup, &seen);
  assert_int_equal(evbuffer_add_file_segment(buffer, segment, 0, 10), -1);
  assert_int_equal(seen.calls, 3);
  assert_text(buffer, "kept");
  evbuffer_free(buffer);
  close(file);
}

static void reading_a_file_in_leaves_its_position(void** state) {
  (void)state;
  int file = pattern_file(1000);
  lseek(file, 321, SEEK_SET);
  struct evbuffer_file_segment* segment =
      evbuffer_file_segment_new(file, 100, 200, EVBUF_FS_DISABLE_MMAP | EVBUF_FS_DISABLE_SENDFILE);
  assert_non_null(segment);
  assert_int_equal(lseek(file, 0, SEEK_CUR), 321);
  evbuffer_file_segment_free(segment);
  close(file);
}

static void a_pipe_cannot_be_a_segment_read_in(void** state) {
  (void)state;
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  assert_null(
      evbuffer_file_segment_new(ends[0], 0, 10, EVBUF_FS_DISABLE_MMAP | EVBUF_FS_DISABLE_SENDFILE));
  close(ends[0]);
  close(ends[1]);
}

static void file_bytes_take_part_in_every_edit(void** state) {
  (void)state;
  struct evbuffer* buffer = buffer_with("<");
  evbuffer_add_file(buffer, pattern_file(600), 0, 600);
  evbuffer_add(buffer, ">", 1);
  evbuffer_drain(buffer, 1);
  unsigned char* bytes = evbuffer_pullup(buffer, 601);
  for (size_t i = 0; i < 600; ++i)
    assert_int_equal(bytes[i], pattern_byte(i));
  assert_int_equal(bytes[600], '>');
  struct evbuffer* rest = evbuffer_new();
  assert_int_equal(evbuffer_remove_buffer(buffer, rest, 300), 300);
  assert_pattern(rest, 0, 300);
  evbuffer_free(rest);
  evbuffer_free(buffer);
}

const struct CMUnitTest file_tests[] = {
    cmocka_unit_test(a_file_is_appended_from_its_offset),
    cmocka_unit_test(a_length_of_minus_one_means_the_rest_that_fstat_sees),
    cmocka_unit_test(the_file_is_closed_when_its_last_byte_is_drained),
    cmocka_unit_test(a_bad_range_or_descriptor_is_refused),
    cmocka_unit_test(every_way_to_hold_a_segment_gives_the_same_bytes),
    cmocka_unit_test(every_way_to_hold_a_segment_writes_the_same_bytes),
    cmocka_unit_test(sendfile_does_not_map_or_move_the_file),
    cmocka_unit_test(a_file_that_lost_its_end_stops_the_write_without_looping),
    cmocka_unit_test(the_segment_cleanup_runs_once_after_the_last_holder),
    cmocka_unit_test(an_unused_segment_is_cleaned_up_when_freed),
    cmocka_unit_test(a_failed_add_gives_up_the_callers_hold_on_the_segment),
    cmocka_unit_test(reading_a_file_in_leaves_its_position),
    cmocka_unit_test(a_pipe_cannot_be_a_segment_read_in),
    cmocka_unit_test(file_bytes_take_part_in_every_edit),
};
const size_t file_test_count = COUNT_OF(file_tests);
