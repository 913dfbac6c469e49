/* Lines in an evbuffer: readln, search_eol and the obsolete readline, in every style of line
 * ending. */
#include "conformance/buffers/support.h"

static const enum evbuffer_eol_style styles[] = {EVBUFFER_EOL_ANY, EVBUFFER_EOL_CRLF,
                                                 EVBUFFER_EOL_CRLF_STRICT, EVBUFFER_EOL_LF,
                                                 EVBUFFER_EOL_NUL};

/* The reference: the first line ending at or after `from`; gives its length, or 0 for none. */
static size_t first_ending(const char* text, size_t length, size_t from,
                           enum evbuffer_eol_style style, size_t* at) {
  for (size_t i = from; i < length; ++i) {
    size_t n = 0;
    switch (style) {
      case EVBUFFER_EOL_ANY:
        while (i + n < length && (text[i + n] == '\r' || text[i + n] == '\n'))
          ++n;
        break;
      case EVBUFFER_EOL_CRLF:
        if (text[i] == '\n')
          n = 1;
        else if (text[i] == '\r' && i + 1 < length && text[i + 1] == '\n')
          n = 2;
        break;
      case EVBUFFER_EOL_CRLF_STRICT:
        if (text[i] == '\r' && i + 1 < length && text[i + 1] == '\n') n = 2;
        break;
      case EVBUFFER_EOL_LF:
        n = text[i] == '\n';
        break;
      case EVBUFFER_EOL_NUL:
        n = text[i] == '\0';
        break;
    }
    if (n) {
      *at = i;
      return n;
    }
  }
  return 0;
}

static const char mixed[] = "one\r\ntwo\n\nthree\r\rfour\n\r\nfive\0six\r\n\r\nseven\r";

static void every_style_reads_the_same_lines_however_the_bytes_are_cut(void** state) {
  (void)state;
  for (size_t s = 0; s < COUNT_OF(styles); ++s)
    for (size_t piece = 1; piece <= sizeof mixed; ++piece) {
      struct evbuffer* buffer = buffer_cut(mixed, sizeof mixed, piece);
      size_t from = 0, at = 0, ending, length;
      while ((ending = first_ending(mixed, sizeof mixed, from, styles[s], &at))) {
        char* line = evbuffer_readln(buffer, &length, styles[s]);
        assert_non_null(line);
        assert_int_equal(length, at - from);
        assert_memory_equal(line, mixed + from, length);
        assert_int_equal(line[length], 0);
        free(line);
        from = at + ending;
        assert_int_equal(evbuffer_get_length(buffer), sizeof mixed - from);
      }
      length = 99;
      assert_null(evbuffer_readln(buffer, &length, styles[s]));
      assert_int_equal(length, 0);
      assert_holds(buffer, mixed + from, sizeof mixed - from);
      evbuffer_free(buffer);
    }
}

static void search_eol_finds_the_same_endings_from_every_start(void** state) {
  (void)state;
  for (size_t s = 0; s < COUNT_OF(styles); ++s)
    for (size_t piece = 1; piece <= sizeof mixed; piece += 2) {
      struct evbuffer* buffer = buffer_cut(mixed, sizeof mixed, piece);
      for (size_t from = 0; from <= sizeof mixed; ++from) {
        struct evbuffer_ptr start, found;
        size_t at = 0, length = 99,
               expected = first_ending(mixed, sizeof mixed, from, styles[s], &at);
        evbuffer_ptr_set(buffer, &start, from, EVBUFFER_PTR_SET);
        found = evbuffer_search_eol(buffer, &start, &length, styles[s]);
        assert_int_equal(found.pos, expected ? (int)at : -1);
        assert_int_equal(length, expected);
      }
      assert_int_equal(evbuffer_search_eol(buffer, NULL, NULL, styles[s]).pos >= 0, 1);
      evbuffer_free(buffer);
    }
}

static void a_carriage_return_before_the_start_is_not_part_of_the_ending(void** state) {
  (void)state;
  struct evbuffer* buffer = buffer_with("ab\r\ncd");
  struct evbuffer_ptr start;
  size_t length;
  evbuffer_ptr_set(buffer, &start, 3, EVBUFFER_PTR_SET);
  assert_int_equal(evbuffer_search_eol(buffer, &start, &length, EVBUFFER_EOL_CRLF).pos, 3);
  assert_int_equal(length, 1);
  evbuffer_free(buffer);
}

static void the_count_may_be_left_out(void** state) {
  (void)state;
  struct evbuffer* buffer = buffer_with("line\nrest");
  char* line = evbuffer_readln(buffer, NULL, EVBUFFER_EOL_LF);
  assert_string_equal(line, "line");
  free(line);
  assert_null(evbuffer_readln(buffer, NULL, EVBUFFER_EOL_LF));
  assert_text(buffer, "rest");
  evbuffer_free(buffer);
}

static void an_unknown_style_finds_no_line(void** state) {
  (void)state;
  struct evbuffer* buffer = buffer_with("line\r\n");
  size_t length = 9;
  assert_null(evbuffer_readln(buffer, &length, (enum evbuffer_eol_style)77));
  assert_int_equal(length, 0);
  assert_int_equal(evbuffer_search_eol(buffer, NULL, &length, (enum evbuffer_eol_style)77).pos, -1);
  assert_text(buffer, "line\r\n");
  evbuffer_free(buffer);
}

static void readline_takes_any_ending(void** state) {
  (void)state;
  struct evbuffer* buffer = buffer_with("one\r\n\r\ntwo\rthree");
  char* line = evbuffer_readline(buffer);
  assert_string_equal(line, "one");
  free(line);
  line = evbuffer_readline(buffer);
  assert_string_equal(line, "two");
  free(line);
  assert_null(evbuffer_readline(buffer));
  assert_text(buffer, "three");
  evbuffer_free(buffer);
}

static void an_empty_buffer_has_no_line(void** state) {
  (void)state;
  struct evbuffer* buffer = evbuffer_new();
  for (size_t s = 0; s < COUNT_OF(styles); ++s) {
    size_t length = 5;
    assert_null(evbuffer_readln(buffer, &length, styles[s]));
    assert_int_equal(length, 0);
    assert_int_equal(evbuffer_search_eol(buffer, NULL, &length, styles[s]).pos, -1);
    assert_int_equal(length, 0);
  }
  evbuffer_free(buffer);
}

static void a_very_long_line_is_read_whole(void** state) {
  (void)state;
  struct evbuffer* buffer = evbuffer_new();
  for (int i = 0; i < 30000; ++i)
    evbuffer_add(buffer, "0123456789", 10);
  evbuffer_add(buffer, "\r\nnext", 6);
  size_t length;
  char* line = evbuffer_readln(buffer, &length, EVBUFFER_EOL_CRLF);
  assert_int_equal(length, 300000);
  assert_int_equal(strlen(line), 300000);
  free(line);
  assert_text(buffer, "next");
  evbuffer_free(buffer);
}

static void readln_without_memory_takes_nothing(void** state) {
  (void)state;
  memory_hooks_install();
  struct evbuffer* buffer = buffer_in_pieces("li", "ne", "\r", "\nrest", NULL);
  for (size_t s = 0; s < 4; ++s) {
    size_t length = 7;
    memory_fails_after(0);
    assert_null(evbuffer_readln(buffer, &length, styles[s]));
    memory_succeeds();
    assert_int_equal(length, 0);
    assert_text(buffer, "line\r\nrest");
  }
  char* line = evbuffer_readln(buffer, NULL, EVBUFFER_EOL_CRLF);
  assert_string_equal(line, "line");
  free(line);
  evbuffer_free(buffer);
}

const struct CMUnitTest lines_tests[] = {
    cmocka_unit_test(every_style_reads_the_same_lines_however_the_bytes_are_cut),
    cmocka_unit_test(search_eol_finds_the_same_endings_from_every_start),
    cmocka_unit_test(a_carriage_return_before_the_start_is_not_part_of_the_ending),
    cmocka_unit_test(the_count_may_be_left_out),
    cmocka_unit_test(an_unknown_style_finds_no_line),
    cmocka_unit_test(readline_takes_any_ending),
    cmocka_unit_test(an_empty_buffer_has_no_line),
    cmocka_unit_test(a_very_long_line_is_read_whole),
    cmocka_unit_test(readln_without_memory_takes_nothing),
};
const size_t lines_test_count = COUNT_OF(lines_tests);
