/* An evbuffer and a descriptor: evbuffer_read, write, write_atmost, their caps and their errors. */
#include "conformance/buffers/support.h"

#include <signal.h>

static void read_takes_no_more_than_asked_or_there(void** state) {
  (void)state;
  int pair[2];
  stream_pair(pair);
  struct evbuffer* buffer = evbuffer_new();
  assert_int_equal(write(pair[1], "0123456789", 10), 10);
  assert_int_equal(evbuffer_read(buffer, pair[0], 4), 4);
  assert_text(buffer, "0123");
  assert_int_equal(evbuffer_read(buffer, pair[0], 100), 6);
  assert_text(buffer, "0123456789");
  assert_int_equal(extents_of(buffer), 1);
  evbuffer_free(buffer);
  close(pair[0]);
  close(pair[1]);
}

static void one_read_is_capped_at_four_kilobytes(void** state) {
  (void)state;
  int pair[2];
  stream_pair(pair);
  struct evbuffer* buffer = evbuffer_new();
  unsigned char* bytes = pattern_new(0, 10000);
  assert_int_equal(write(pair[1], bytes, 10000), 10000);
  assert_int_equal(evbuffer_read(buffer, pair[0], -1), 4096);
  assert_int_equal(evbuffer_read(buffer, pair[0], 100000), 4096);
  assert_int_equal(evbuffer_read(buffer, pair[0], -1), 10000 - 2 * 4096);
  assert_holds(buffer, bytes, 10000);
  free(bytes);
  evbuffer_free(buffer);
  close(pair[0]);
  close(pair[1]);
}

static void read_fills_the_room_of_the_last_chunk_first(void** state) {
  (void)state;
  int pair[2];
  stream_pair(pair);
  struct evbuffer* buffer = evbuffer_new();
  unsigned char* bytes = pattern_new(0, 3000);
  struct evbuffer_iovec extents[2];
  evbuffer_add(buffer, bytes, 900);
  assert_int_equal(write(pair[1], bytes + 900, 2100), 2100);
  assert_int_equal(evbuffer_read(buffer, pair[0], -1), 2100);
  assert_int_equal(evbuffer_peek(buffer, -1, NULL, extents, 2), 2);
  assert_int_equal(extents[0].iov_len, 976);
  assert_int_equal(extents[1].iov_len, 2024);
  assert_holds(buffer, bytes, 3000);
  free(bytes);
  evbuffer_free(buffer);
  close(pair[0]);
  close(pair[1]);
}

static void read_reports_end_of_file_and_nothing_there(void** state) {
  (void)state;
  int pair[2];
  stream_pair(pair);
  struct evbuffer* buffer = buffer_with("kept");
  errno = 0;
  assert_int_equal(evbuffer_read(buffer, pair[0], 100), -1);
  assert_int_equal(errno, EAGAIN);
  close(pair[1]);
  assert_int_equal(evbuffer_read(buffer, pair[0], 100), 0);
  close(pair[0]);
  errno = 0;
  assert_int_equal(evbuffer_read(buffer, pair[0], 100), -1);
  assert_int_equal(errno, EBADF);
  assert_text(buffer, "kept");
  evbuffer_add(buffer, "!", 1);
  assert_text(buffer, "kept!");
  evbuffer_free(buffer);
}

static void read_works_on_a_pipe_and_on_a_file(void** state) {
  (void)state;
  int ends[2], file = pattern_file(100);
  struct evbuffer* buffer = evbuffer_new();
  assert_int_equal(pipe(ends), 0);
  assert_int_equal(write(ends[1], "pipe", 4), 4);
  assert_int_equal(evbuffer_read(buffer, ends[0], -1), 4);
  assert_text(buffer, "pipe");
  evbuffer_drain(buffer, 4);
  assert_int_equal(evbuffer_read(buffer, file, -1), 100);
  assert_int_equal(evbuffer_read(buffer, file, -1), 0);
  unsigned char* bytes = pattern_new(0, 100);
  assert_holds(buffer, bytes, 100);
  free(bytes);
  close(file);
  close(ends[0]);
  close(ends[1]);
  evbuffer_free(buffer);
}

static void write_sends_and_drains_everything(void** state) {
  (void)state;
  int pair[2];
  stream_pair(pair);
  struct evbuffer* buffer = buffer_in_pieces("abc", "def", "ghi", NULL);
  char got[20];
  assert_int_equal(evbuffer_write(buffer, pair[0]), 9);
  assert_int_equal(evbuffer_get_length(buffer), 0);
  assert_int_equal(read(pair[1], got, sizeof got), 9);
  assert_memory_equal(got, "abcdefghi", 9);
  evbuffer_free(buffer);
  close(pair[0]);
  close(pair[1]);
}

static void write_atmost_sends_no_more_than_that(void** state) {
  (void)state;
  int pair[2];
  stream_pair(pair);
  struct evbuffer* buffer = buffer_in_pieces("abc", "def", "ghi", NULL);
  char got[20];
  assert_int_equal(evbuffer_write_atmost(buffer, pair[0], 5), 5);
  assert_text(buffer, "fghi");
  assert_int_equal(evbuffer_write_atmost(buffer, pair[0], 1), 1);
  assert_int_equal(evbuffer_write_atmost(buffer, pair[0], -1), 3);
  assert_int_equal(read(pair[1], got, sizeof got), 9);
  assert_memory_equal(got, "abcdefghi", 9);
  evbuffer_free(buffer);
  close(pair[0]);
  close(pair[1]);
}

static void writing_nothing_is_reported_as_minus_one(void** state) {
  (void)state;
  int pair[2];
  stream_pair(pair);
  struct evbuffer* buffer = evbuffer_new();
  assert_int_equal(evbuffer_write(buffer, pair[0]), -1);
  evbuffer_add(buffer, "x", 1);
  assert_int_equal(evbuffer_write_atmost(buffer, pair[0], 0), -1);
  assert_text(buffer, "x");
  evbuffer_free(buffer);
  close(pair[0]);
  close(pair[1]);
}

static void a_failed_write_keeps_every_byte(void** state) {
  (void)state;
  int pair[2];
  signal(SIGPIPE, SIG_IGN);
  stream_pair(pair);
  struct evbuffer* buffer = buffer_with("kept");
  close(pair[1]);
  errno = 0;
  assert_int_equal(evbuffer_write(buffer, pair[0]), -1);
  assert_int_equal(errno, EPIPE);
  close(pair[0]);
  errno = 0;
  assert_int_equal(evbuffer_write(buffer, pair[0]), -1);
  assert_int_equal(errno, EBADF);
  assert_text(buffer, "kept");
  evbuffer_free(buffer);
}

static void a_full_socket_takes_part_of_the_bytes(void** state) {
  (void)state;
  int pair[2];
  stream_pair(pair);
  struct evbuffer* buffer = evbuffer_new();
  const size_t size = 4 << 20;
  unsigned char *bytes = pattern_new(0, size), *got = malloc(size);
  size_t seen = 0;
  int refused = 0;
  evbuffer_add(buffer, bytes, size);
  while (seen < size) {
    int written = evbuffer_write(buffer, pair[0]);
    if (written < 0 && evbuffer_get_length(buffer)) {
      assert_int_equal(errno, EAGAIN);
      ++refused;
    }
    ssize_t n = read(pair[1], got + seen, size - seen);
    assert_true(n > 0);
    seen += (size_t)n;
    written = evbuffer_write(buffer, pair[0]);
    assert_true(written > 0 || errno == EAGAIN || !evbuffer_get_length(buffer));
  }
  assert_true(refused > 0);
  assert_memory_equal(got, bytes, size);
  free(bytes);
  free(got);
  evbuffer_free(buffer);
  close(pair[0]);
  close(pair[1]);
}

static void one_write_covers_at_most_128_extents(void** state) {
  (void)state;
  int pair[2];
  stream_pair(pair);
  struct evbuffer* buffer = evbuffer_new();
  for (int i = 0; i < 300; ++i) {
    struct evbuffer* one = buffer_with("ab");
    evbuffer_add_buffer(buffer, one);
    evbuffer_free(one);
  }
  assert_int_equal(evbuffer_write(buffer, pair[0]), 256);
  assert_int_equal(evbuffer_write(buffer, pair[0]), 256);
  assert_int_equal(evbuffer_write(buffer, pair[0]), 88);
  evbuffer_free(buffer);
  close(pair[0]);
  close(pair[1]);
}

static void a_stream_through_two_buffers_arrives_in_order(void** state) {
  (void)state;
  int pair[2];
  stream_pair(pair);
  struct evbuffer *out = evbuffer_new(), *in = evbuffer_new();
  size_t produced = 0, consumed = 0;
  unsigned char bytes[5000];
  while (consumed < 2000000) {
    size_t size = produced * 31 % sizeof bytes + 1;
    if (evbuffer_get_length(out) < 20000) {
      pattern_fill(bytes, produced, size);
      evbuffer_add(out, bytes, size);
      produced += size;
    }
    evbuffer_write_atmost(out, pair[0], (ev_ssize_t)(produced % 7001));
    evbuffer_read(in, pair[1], (int)(produced % 6007));
    int n = evbuffer_remove(in, bytes, produced % 1777);
    for (int i = 0; i < n; ++i)
      assert_int_equal(bytes[i], pattern_byte(consumed + (size_t)i));
    consumed += (size_t)n;
  }
  evbuffer_free(in);
  evbuffer_free(out);
  close(pair[0]);
  close(pair[1]);
}

static void a_read_that_finds_nothing_leaves_no_room_behind(void** state) {
  (void)state;
  int pair[2];
  stream_pair(pair);
  struct evbuffer* buffer = buffer_with("abc");
  struct evbuffer_iovec extents[3];
  assert_int_equal(evbuffer_drain(buffer, 3), 0);
  assert_int_equal(evbuffer_read(buffer, pair[0], 4096), -1);
  assert_int_equal(evbuffer_get_length(buffer), 0);
  assert_int_equal(evbuffer_peek(buffer, -1, NULL, extents, 3), on_original() ? 1 : 0);
  evbuffer_free(buffer);
  close(pair[0]);
  close(pair[1]);
}

const struct CMUnitTest transfer_tests[] = {
    cmocka_unit_test(a_read_that_finds_nothing_leaves_no_room_behind),
    cmocka_unit_test(read_takes_no_more_than_asked_or_there),
    cmocka_unit_test(one_read_is_capped_at_four_kilobytes),
    cmocka_unit_test(read_fills_the_room_of_the_last_chunk_first),
    cmocka_unit_test(read_reports_end_of_file_and_nothing_there),
    cmocka_unit_test(read_works_on_a_pipe_and_on_a_file),
    cmocka_unit_test(write_sends_and_drains_everything),
    cmocka_unit_test(write_atmost_sends_no_more_than_that),
    cmocka_unit_test(writing_nothing_is_reported_as_minus_one),
    cmocka_unit_test(a_failed_write_keeps_every_byte),
    cmocka_unit_test(a_full_socket_takes_part_of_the_bytes),
    cmocka_unit_test(one_write_covers_at_most_128_extents),
    cmocka_unit_test(a_stream_through_two_buffers_arrives_in_order),
};
const size_t transfer_test_count = COUNT_OF(transfer_tests);
