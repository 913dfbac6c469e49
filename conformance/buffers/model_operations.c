/* The operations of the model test: each acts on the evbuffer and on the byte array, and compares.
 */
#include "conformance/buffers/model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static unsigned char scratch[MODEL_CAPACITY], copy[MODEL_CAPACITY];

static size_t smaller(size_t a, size_t b) {
  return a < b ? a : b;
}

static void do_add(struct script* s, struct subject* a, struct subject* b) {
  (void)b;
  size_t n = script_size(s, 6000);
  script_bytes(s, scratch, n);
  script_expect(s, "add", evbuffer_add(a->buffer, scratch, n), a->frozen_back ? -1 : 0);
  if (!a->frozen_back) subject_append(s, a, scratch, n);
}

static void do_prepend(struct script* s, struct subject* a, struct subject* b) {
  (void)b;
  size_t n = script_size(s, 3000);
  script_bytes(s, scratch, n);
  script_expect(s, "prepend", evbuffer_prepend(a->buffer, scratch, n),
                a->frozen_front && n ? -1 : 0);
  if (!a->frozen_front) subject_prepend(s, a, scratch, n);
}

static void do_printf(struct script* s, struct subject* a, struct subject* b) {
  (void)b;
  int width = (int)script_size(s, 3000);
  int length = snprintf((char*)scratch, sizeof scratch, "%*d\r\n", width, 42);
  script_expect(s, "printf", evbuffer_add_printf(a->buffer, "%*d\r\n", width, 42),
                a->frozen_back ? -1 : length);
  if (!a->frozen_back) subject_append(s, a, scratch, (size_t)length);
}

static void do_iovec(struct script* s, struct subject* a, struct subject* b) {
  (void)b;
  struct evbuffer_iovec vector[5];
  int count = (int)script_below(s, 6);
  size_t total = 0;
  for (int i = 0; i < count; ++i) {
    vector[i].iov_base = scratch + total;
    vector[i].iov_len = script_size(s, 2000);
    script_bytes(s, scratch + total, vector[i].iov_len);
    total += vector[i].iov_len;
  }
  script_expect(s, "iovec", (int64_t)evbuffer_add_iovec(a->buffer, vector, count),
                a->frozen_back ? 0 : (int64_t)total);
  if (!a->frozen_back) subject_append(s, a, scratch, total);
}

static long references, released;
static void note_released(const void* data, size_t length, void* extra) {
  (void)data, (void)length, (void)extra;
  ++released;
}

static void do_reference(struct script* s, struct subject* a, struct subject* b) {
  (void)b;
  size_t at = script_below(s, sizeof model_pattern / 2), n = script_size(s, 5000);
  int result = evbuffer_add_reference(a->buffer, model_pattern + at, n, note_released, NULL);
  script_expect(s, "reference", result, a->frozen_back ? -1 : 0);
  if (result == 0) {
    ++references;
    subject_append(s, a, model_pattern + at, n);
  }
  script_value(s, "held references", references - released);
}

static void do_file(struct script* s, struct subject* a, struct subject* b) {
  (void)b;
  static const unsigned flags[] = {0, EVBUF_FS_DISABLE_MMAP, EVBUF_FS_DISABLE_SENDFILE};
  size_t offset = script_below(s, 3000), length = script_size(s, 3000) + 1;
  size_t inner = script_below(s, length);
  struct evbuffer_file_segment* segment = evbuffer_file_segment_new(
      s->file, (ev_off_t)offset, (ev_off_t)length, flags[script_below(s, 3)]);
  int result = evbuffer_add_file_segment(a->buffer, segment, (ev_off_t)inner, -1);
  script_expect(s, "file", result, a->frozen_back ? -1 : 0);
  if (result == 0) {
    evbuffer_file_segment_free(segment);
    subject_append(s, a, model_pattern + offset + inner, length - inner);
  }
}

static void do_add_buffer(struct script* s, struct subject* a, struct subject* b) {
  int refused = a != b && b->length && (a->frozen_back || b->frozen_front);
  script_expect(s, "add buffer", evbuffer_add_buffer(a->buffer, b->buffer), refused ? -1 : 0);
  if (refused || a == b) return;
  subject_append(s, a, b->bytes, b->length);
  a->shares |= b->shares;
  b->length = 0;
}

static void do_prepend_buffer(struct script* s, struct subject* a, struct subject* b) {
  int refused = a != b && b->length && (a->frozen_front || b->frozen_front);
  script_expect(s, "prepend buffer", evbuffer_prepend_buffer(a->buffer, b->buffer),
                refused ? -1 : 0);
  if (refused || a == b) return;
  subject_prepend(s, a, b->bytes, b->length);
  a->shares |= b->shares;
  b->length = 0;
}

static void do_remove_buffer(struct script* s, struct subject* a, struct subject* b) {
  size_t n = script_size(s, 5000), moved = a == b ? 0 : smaller(n, a->length);
  int refused = n && a != b && (b->frozen_back || a->frozen_front);
  script_expect(s, "remove buffer", evbuffer_remove_buffer(a->buffer, b->buffer, n),
                refused ? -1 : (int)moved);
  if (refused || a == b) return;
  subject_append(s, b, a->bytes, moved);
  b->shares |= a->shares;
  subject_drop(a, moved);
}

/* Whether the source already holds references is the library's knowledge: its answer is taken. */
static void do_buffer_reference(struct script* s, struct subject* a, struct subject* b) {
  int result = evbuffer_add_buffer_reference(a->buffer, b->buffer);
  script_value(s, "buffer reference", result);
  if (result == 0 && (a == b || a->frozen_back) && b->length)
    script_fail(s, "a buffer reference that must be refused was not");
  if (result < 0 || b->length == 0) return;
  subject_append(s, a, b->bytes, b->length);
  a->shares = b->shares = 1;
}

static void do_drain(struct script* s, struct subject* a, struct subject* b) {
  (void)b;
  size_t n = script_size(s, 6000);
  int refused = a->frozen_front && a->length;
  script_expect(s, "drain", evbuffer_drain(a->buffer, n), refused ? -1 : 0);
  if (!refused) subject_drop(a, smaller(n, a->length));
}

static void do_remove(struct script* s, struct subject* a, struct subject* b) {
  (void)b;
  size_t n = script_size(s, 6000), taken = smaller(n, a->length);
  int refused = a->frozen_front && taken;
  script_expect(s, "remove", evbuffer_remove(a->buffer, scratch, n), refused ? -1 : (int)taken);
  if (refused) return;
  script_expect_bytes(s, "removed", scratch, a->bytes, taken);
  subject_drop(a, taken);
}

static void do_copyout(struct script* s, struct subject* a, struct subject* b) {
  (void)b;
  struct evbuffer_ptr at;
  size_t from = script_below(s, a->length + 1), n = script_size(s, 6000);
  size_t seen = smaller(n, a->length - from);
  evbuffer_ptr_set(a->buffer, &at, from, EVBUFFER_PTR_SET);
  ev_ssize_t got = evbuffer_copyout_from(a->buffer, from ? &at : NULL, scratch, n);
  script_expect(s, "copyout", got, a->frozen_front && seen ? -1 : (int)seen);
  if (got > 0) script_expect_bytes(s, "copied", scratch, a->bytes + from, seen);
}

/* The original pulls up into the free room of a chunk even when other buffers share the chunk, and
 * two of them that do so destroy each other's bytes. A strict run leaves this in. */
static int may_pull_up(const struct script* s, const struct subject* a) {
  return s->strict || !a->shares;
}

static void do_pullup(struct script* s, struct subject* a, struct subject* b) {
  (void)b;
  if (!may_pull_up(s, a)) return;
  size_t n = script_size(s, 6000);
  ev_ssize_t asked = script_below(s, 10) ? (ev_ssize_t)n : -1;
  if (asked < 0) n = a->length;
  unsigned char* bytes = evbuffer_pullup(a->buffer, asked);
  script_expect(s, "pullup", bytes != NULL, n != 0 && n <= a->length);
  if (bytes) script_expect_bytes(s, "pulled", bytes, a->bytes, n);
  script_value(s, "contiguous", (int64_t)evbuffer_get_contiguous_space(a->buffer));
}

/* Chunks behind the last byte. The original can not commit to the first of several of them if that
 * was the only one it handed out. */
static int empty_chunks(struct subject* a) {
  static struct evbuffer_iovec all[4096];
  return evbuffer_peek(a->buffer, -1, NULL, all, 4096) -
         evbuffer_peek(a->buffer, -1, NULL, NULL, 0);
}

static void do_reserve(struct script* s, struct subject* a, struct subject* b) {
  (void)b;
  struct evbuffer_iovec room[4];
  int count = 1 + (int)script_below(s, 4);
  /* Not 0: the original ends the program when it is asked for no room behind a full chunk. */
  size_t n = 1 + script_size(s, 6000), used = 0;
  if (count == 1 && !s->strict && empty_chunks(a) > 1) count = 2;
  int given = evbuffer_reserve_space(a->buffer, (ev_ssize_t)n, room, count);
  script_value(s, "reserve", given);
  if (a->frozen_back && given != -1) script_fail(s, "a frozen buffer gave room");
  size_t total = 0;
  for (int i = 0; i < given; ++i) {
    script_value(s, "room", (int64_t)room[i].iov_len);
    total += room[i].iov_len;
  }
  if (given < 0 || script_below(s, 4) == 0) return;
  if (total < n) script_fail(s, "less room than asked for");
  size_t cut = script_size(s, 6000);
  int commit = 0;
  for (; commit < given; ++commit) {
    room[commit].iov_len = smaller(room[commit].iov_len, smaller(cut, 6000 - used));
    if (script_below(s, 5) == 0) room[commit].iov_len = 0;
    script_bytes(s, room[commit].iov_base, room[commit].iov_len);
    memcpy(scratch + used, room[commit].iov_base, room[commit].iov_len);
    used += room[commit].iov_len;
  }
  script_expect(s, "commit", evbuffer_commit_space(a->buffer, room, commit), 0);
  subject_append(s, a, scratch, used);
}

static void do_expand(struct script* s, struct subject* a, struct subject* b) {
  (void)b;
  script_expect(s, "expand", evbuffer_expand(a->buffer, script_size(s, 9000)), 0);
}

static void do_peek(struct script* s, struct subject* a, struct subject* b) {
  (void)b;
  struct evbuffer_iovec extents[8];
  struct evbuffer_ptr at;
  size_t from = script_below(s, a->length + 1);
  int room = (int)script_below(s, 9), from_start = script_below(s, 2) != 0;
  ev_ssize_t length = script_below(s, 4) ? (ev_ssize_t)script_size(s, 6000) : -1;
  evbuffer_ptr_set(a->buffer, &at, from, EVBUFFER_PTR_SET);
  if (from_start) from = 0;
  int count = evbuffer_peek(a->buffer, length, from_start ? NULL : &at, extents, room);
  script_value(s, "peek", count);
  for (int i = 0; i < count && i < room; ++i) {
    if (from + extents[i].iov_len > a->length) script_fail(s, "peek shows too much");
    script_value(s, "extent", (int64_t)extents[i].iov_len);
    if (extents[i].iov_len && memcmp(extents[i].iov_base, a->bytes + from, extents[i].iov_len) != 0)
      script_fail(s, "peek shows other bytes");
    from += extents[i].iov_len;
  }
}

static void do_pointer(struct script* s, struct subject* a, struct subject* b) {
  (void)b;
  struct evbuffer_ptr at;
  size_t from = script_below(s, a->length + 2), step = script_size(s, 6000);
  int fits = from <= a->length;
  script_expect(s, "set", evbuffer_ptr_set(a->buffer, &at, from, EVBUFFER_PTR_SET), fits ? 0 : -1);
  script_expect(s, "set to", at.pos, fits ? (ev_ssize_t)from : -1);
  if (!fits) return;
  fits = from + step <= a->length;
  script_expect(s, "move", evbuffer_ptr_set(a->buffer, &at, step, EVBUFFER_PTR_ADD), fits ? 0 : -1);
  script_expect(s, "moved to", at.pos, fits ? (ev_ssize_t)(from + step) : -1);
}

static void do_search(struct script* s, struct subject* a, struct subject* b) {
  (void)b;
  static const char alphabet[] = "abcd\r\n";
  char needle[6];
  struct evbuffer_ptr start, end, found;
  size_t n = 1 + script_below(s, 5), from = script_below(s, a->length + 1);
  size_t to = from + script_below(s, a->length - from + 1);
  for (size_t i = 0; i < n; ++i)
    needle[i] = alphabet[script_below(s, 6)];
  int ranged = script_below(s, 2) != 0;
  evbuffer_ptr_set(a->buffer, &start, from, EVBUFFER_PTR_SET);
  evbuffer_ptr_set(a->buffer, &end, to, EVBUFFER_PTR_SET);
  found = ranged ? evbuffer_search_range(a->buffer, needle, n, &start, &end)
                 : evbuffer_search(a->buffer, needle, n, &start);
  size_t limit = ranged ? to : a->length;
  unsigned char* at = memmem(a->bytes + from, limit - from, needle, n);
  script_expect(s, "search", found.pos, at ? at - a->bytes : -1);
  if (at) {
    script_expect(s, "found length", evbuffer_copyout_from(a->buffer, &found, scratch, n),
                  a->frozen_front ? -1 : (int)n);
    if (!a->frozen_front) script_expect_bytes(s, "found", scratch, needle, n);
  }
}

static const enum evbuffer_eol_style styles[] = {EVBUFFER_EOL_ANY, EVBUFFER_EOL_CRLF,
                                                 EVBUFFER_EOL_CRLF_STRICT, EVBUFFER_EOL_LF,
                                                 EVBUFFER_EOL_NUL};

/* Where the line that begins at `from` ends, and how long its ending is; 0 if it does not end. */
static size_t line_end(const unsigned char* bytes, size_t length, size_t from,
                       enum evbuffer_eol_style style, size_t* ending) {
  for (size_t i = from; i < length; ++i) {
    int crlf = bytes[i] == '\r' && i + 1 < length && bytes[i + 1] == '\n';
    size_t n = 0;
    if (style == EVBUFFER_EOL_ANY)
      while (i + n < length && (bytes[i + n] == '\r' || bytes[i + n] == '\n'))
        ++n;
    else if (style == EVBUFFER_EOL_CRLF)
      n = crlf ? 2 : bytes[i] == '\n';
    else if (style == EVBUFFER_EOL_CRLF_STRICT)
      n = crlf ? 2 : 0;
    else
      n = bytes[i] == (style == EVBUFFER_EOL_LF ? '\n' : 0);
    *ending = n;
    if (n) return i;
  }
  *ending = 0;
  return length;
}

static void do_readln(struct script* s, struct subject* a, struct subject* b) {
  (void)b;
  size_t got = 0, ending;
  enum evbuffer_eol_style style = styles[script_below(s, 5)];
  size_t end = line_end(a->bytes, a->length, 0, style, &ending);
  char* line = evbuffer_readln(a->buffer, &got, style);
  script_expect(s, "readln", line != NULL, ending && !a->frozen_front);
  if (!line) return;
  script_expect(s, "line length", (int64_t)got, (int64_t)end);
  script_expect_bytes(s, "line", line, a->bytes, got);
  script_expect(s, "line terminator", line[got], 0);
  free(line);
  subject_drop(a, end + ending);
}

static void do_search_eol(struct script* s, struct subject* a, struct subject* b) {
  (void)b;
  struct evbuffer_ptr start, found;
  size_t from = script_below(s, a->length + 1), got = 99, ending;
  enum evbuffer_eol_style style = styles[script_below(s, 5)];
  size_t end = line_end(a->bytes, a->length, from, style, &ending);
  evbuffer_ptr_set(a->buffer, &start, from, EVBUFFER_PTR_SET);
  found = evbuffer_search_eol(a->buffer, &start, &got, style);
  script_expect(s, "search eol", found.pos, ending ? (ev_ssize_t)end : -1);
  script_expect(s, "eol length", (int64_t)got, (int64_t)ending);
}

static void do_find(struct script* s, struct subject* a, struct subject* b) {
  (void)b;
  if (!may_pull_up(s, a)) return;
  static const unsigned char needle[] = "ab\r\n";
  size_t n = 1 + script_below(s, 4);
  unsigned char* at = memmem(a->bytes, a->length, needle, n);
  unsigned char* found = evbuffer_find(a->buffer, needle, n);
  script_expect(s, "find", found != NULL, at != NULL);
  if (found) script_expect_bytes(s, "found", found, needle, n);
}

static void do_write(struct script* s, struct subject* a, struct subject* b) {
  (void)b;
  struct evbuffer_iovec extents[128];
  size_t n = script_size(s, 6000), reach = 0, sent;
  int count = evbuffer_peek(a->buffer, -1, NULL, extents, 128);
  for (int i = 0; i < count; ++i)
    reach += extents[i].iov_len;
  sent = smaller(n, reach);
  if (s->in_socket + sent > 30000) return;
  int refused = a->frozen_front || sent == 0;
  script_expect(s, "write", evbuffer_write_atmost(a->buffer, s->sockets[0], (ev_ssize_t)n),
                refused ? -1 : (int)sent);
  if (refused) return;
  memcpy(s->socket_bytes + s->in_socket, a->bytes, sent);
  s->in_socket += sent;
  subject_drop(a, sent);
}

static void do_read(struct script* s, struct subject* a, struct subject* b) {
  (void)b;
  size_t n = script_size(s, 6000), got = smaller(smaller(n, 4096), s->in_socket);
  /* A read that finds nothing leaves a chunk behind in the original, which later shows as room. */
  if (got == 0) return;
  script_expect(s, "read", evbuffer_read(a->buffer, s->sockets[1], (int)n),
                a->frozen_back ? -1 : (int)got);
  if (a->frozen_back) return;
  subject_append(s, a, s->socket_bytes, got);
  s->in_socket -= got;
  memmove(s->socket_bytes, s->socket_bytes + got, s->in_socket);
}

static void do_freeze(struct script* s, struct subject* a, struct subject* b) {
  (void)b;
  int front = (int)script_below(s, 2), on = script_below(s, 4) == 0;
  int* frozen = front ? &a->frozen_front : &a->frozen_back;
  *frozen = on;
  script_expect(s, "freeze",
                on ? evbuffer_freeze(a->buffer, front) : evbuffer_unfreeze(a->buffer, front), 0);
}

/* Cuts the bytes into many small chunks, so that every other operation meets boundaries. */
static void do_fragment(struct script* s, struct subject* a, struct subject* b) {
  (void)b;
  if (a->frozen_front || a->frozen_back || a->length > 2000) return;
  size_t piece = a->length / 100 + 1 + script_below(s, 20);
  struct evbuffer* whole = evbuffer_new();
  script_expect(s, "empty out", evbuffer_add_buffer(whole, a->buffer), 0);
  while (evbuffer_get_length(whole)) {
    struct evbuffer* part = evbuffer_new();
    int n = evbuffer_remove(whole, copy, piece);
    evbuffer_add(part, copy, (size_t)n);
    if (script_below(s, 9) == 0) evbuffer_add_reference(part, model_pattern, 0, NULL, NULL);
    script_expect(s, "put back", evbuffer_add_buffer(a->buffer, part), 0);
    evbuffer_free(part);
  }
  evbuffer_free(whole);
}

typedef void (*operation)(struct script*, struct subject*, struct subject*);

static const struct {
  const char* name;
  operation run;
  int weight;
} operations[] = {
    {"add", do_add, 8},
    {"prepend", do_prepend, 5},
    {"printf", do_printf, 3},
    {"iovec", do_iovec, 3},
    {"reference", do_reference, 4},
    {"file", do_file, 1},
    {"add-buffer", do_add_buffer, 5},
    {"prepend-buffer", do_prepend_buffer, 4},
    {"remove-buffer", do_remove_buffer, 6},
    {"buffer-reference", do_buffer_reference, 3},
    {"drain", do_drain, 9},
    {"remove", do_remove, 8},
    {"copyout", do_copyout, 4},
    {"pullup", do_pullup, 5},
    {"reserve", do_reserve, 7},
    {"expand", do_expand, 3},
    {"peek", do_peek, 4},
    {"pointer", do_pointer, 3},
    {"search", do_search, 5},
    {"readln", do_readln, 6},
    {"search-eol", do_search_eol, 4},
    {"find", do_find, 2},
    {"write", do_write, 5},
    {"read", do_read, 5},
    {"freeze", do_freeze, 3},
    {"fragment", do_fragment, 2},
};

void script_step(struct script* s) {
  struct subject* a = &s->subjects[script_below(s, MODEL_SUBJECTS)];
  struct subject* b = &s->subjects[script_below(s, MODEL_SUBJECTS)];
  size_t count = sizeof operations / sizeof operations[0], pick = 0, chosen = 0;
  for (size_t i = 0; i < count; ++i)
    pick += (size_t)operations[i].weight;
  for (pick = script_below(s, pick); pick >= (size_t)operations[chosen].weight; ++chosen)
    pick -= (size_t)operations[chosen].weight;
  /* Keeps the buffers small, so that a million operations take seconds. */
  if (a->length + b->length > 24000) {
    evbuffer_unfreeze(a->buffer, 1);
    evbuffer_drain(a->buffer, a->length);
    a->length = 0;
    a->frozen_front = 0;
  }
  if (s->trace)
    fprintf(s->trace, "%llu %s %d %d\n", (unsigned long long)s->operation, operations[chosen].name,
            (int)(a - s->subjects), (int)(b - s->subjects));
  operations[chosen].run(s, a, b);
  script_value(s, "held", references - released);
  /* All of them: buffers that share bytes could harm one another. */
  for (int i = 0; i < MODEL_SUBJECTS; ++i)
    subject_check(s, &s->subjects[i]);
}
