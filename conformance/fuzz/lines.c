/* evbuffer's looking for things: search, search in a range, ends of lines and reading lines in
 * every style, over bytes that lie in many chunks.  The input is the length of the pieces (a digit,
 * a letter, any byte), what to look for up to the first '|', and what to look in. */
#include <event2/buffer.h>
#include <string.h>

#include "conformance/fuzz/target.h"

static const enum evbuffer_eol_style styles[] = {EVBUFFER_EOL_ANY, EVBUFFER_EOL_CRLF,
                                                 EVBUFFER_EOL_CRLF_STRICT, EVBUFFER_EOL_LF,
                                                 EVBUFFER_EOL_NUL};
enum { style_count = sizeof styles / sizeof styles[0] };

struct text {
  const uint8_t* bytes;
  size_t size, piece;
};

/* Every piece in a chunk of its own; an empty chunk in between now and then. */
static struct evbuffer* cut(const struct text* text) {
  struct evbuffer* buffer = evbuffer_new();
  for (size_t at = 0; at < text->size; at += text->piece) {
    struct evbuffer* one = evbuffer_new();
    size_t left = text->size - at;
    evbuffer_add(one, text->bytes + at, text->piece < left ? text->piece : left);
    evbuffer_add_buffer(buffer, one);
    evbuffer_free(one);
    if (at % 3 == 1) evbuffer_add_reference(buffer, "", 0, NULL, NULL);
  }
  require(evbuffer_get_length(buffer) == text->size);
  return buffer;
}

/* The plain way, for comparison. */
static ev_ssize_t place_of(const struct text* text, const struct text* what, size_t from,
                           size_t end) {
  for (size_t at = from; what->size && at + what->size <= end; at++)
    if (memcmp(text->bytes + at, what->bytes, what->size) == 0) return (ev_ssize_t)at;
  return -1;
}

static void search(const struct text* text, const struct text* what) {
  struct evbuffer* buffer = cut(text);
  struct evbuffer_ptr found, start, end;
  const char* bytes = (const char*)what->bytes;
  found = evbuffer_search(buffer, bytes, what->size, NULL);
  answer("search: %zd", found.pos);
  require(what->size == 0 || found.pos == place_of(text, what, 0, text->size));
  for (size_t from = 0; from < text->size; from += text->size / 5 + 1) {
    require(evbuffer_ptr_set(buffer, &start, from, EVBUFFER_PTR_SET) == 0);
    require(evbuffer_ptr_set(buffer, &end, text->size - from / 2, EVBUFFER_PTR_SET) == 0);
    found = evbuffer_search(buffer, bytes, what->size, &start);
    answer("search from %zu: %zd", from, found.pos);
    require(what->size == 0 || found.pos == place_of(text, what, from, text->size));
    found = evbuffer_search_range(buffer, bytes, what->size, &start, &end);
    answer("search from %zu to %zu: %zd", from, text->size - from / 2, found.pos);
    require(what->size == 0 || found.pos == place_of(text, what, from, text->size - from / 2));
    for (size_t i = 0; i < style_count; i++) {
      size_t length = 99;
      found = evbuffer_search_eol(buffer, &start, &length, styles[i]);
      answer("end of line %zu from %zu: %zd %zu", i, from, found.pos, found.pos < 0 ? 0 : length);
      require(found.pos < 0 || (size_t)found.pos + length <= text->size);
    }
  }
  evbuffer_free(buffer);
}

/* Lines and their ends together are all bytes, in order. */
static void read_lines(const struct text* text, size_t style) {
  struct evbuffer* buffer = cut(text);
  size_t at = 0, length;
  char* line;
  while ((line = evbuffer_readln(buffer, &length, styles[style])) != NULL) {
    size_t left = evbuffer_get_length(buffer);
    answer("line %zu of %zu bytes, %zu left", style, length, left);
    require(line[length] == 0);
    require(at + length < text->size - left || styles[style] == EVBUFFER_EOL_ANY);
    require(memcmp(line, text->bytes + at, length) == 0);
    at = text->size - left;
    free(line);
  }
  uint8_t* rest = malloc(text->size + 1);
  if (rest == NULL) abort();
  const size_t left = evbuffer_get_length(buffer);
  require(evbuffer_remove(buffer, rest, text->size + 1) == (int)left);
  require(memcmp(rest, text->bytes + text->size - left, left) == 0);
  free(rest);
  evbuffer_free(buffer);
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const uint8_t* bar = memchr(data + 1, '|', size - 1);
  const struct text what = {data + 1, bar != NULL ? (size_t)(bar - data) - 1 : 0, 1};
  const uint8_t* from = bar != NULL ? bar + 1 : data + 1;
  const struct text text = {from, (size_t)(data + size - from), 1 + data[0] % 16u};
  search(&text, &what);
  for (size_t style = 0; style < style_count; style++)
    read_lines(&text, style);
  return 0;
}
