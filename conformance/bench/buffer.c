/* Row `buffer`: evbuffers alone, no I/O. SIZE is the bytes of one piece: what is appended, drained,
 * searched, moved, or the length of a line. The unit is one such operation, its result checked. */
#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>

#include "conformance/bench/bench.h"

enum { pieces = 1024, chain_bytes = 4096 };

static char* piece;
static struct evbuffer* buffer;

static void open_buffer(const struct bench* bench) {
  piece = malloc((size_t)bench->size + 2);
  bench_check(piece != NULL && (buffer = evbuffer_new()) != NULL);
  memset(piece, 'x', (size_t)bench->size);
  piece[bench->size] = '\r';
  piece[bench->size + 1] = '\n';
}

static void fill(size_t piece_bytes) {
  for (int i = 0; i < pieces; i++)
    bench_check(evbuffer_add(buffer, piece, piece_bytes) == 0);
}

static void drain_all(size_t expected) {
  bench_check(evbuffer_get_length(buffer) == expected);
  bench_check(evbuffer_drain(buffer, expected) == 0);
}

static long append(struct bench* bench) {
  const size_t size = (size_t)bench->size;
  long done = 0;
  open_buffer(bench);
  for (fill(size), drain_all(size * pieces); done < bench->units; done += pieces) {
    bench_start(bench);
    fill(size);
    bench_stop(bench);
    drain_all(size * pieces);
  }
  return done;
}

static long drain(struct bench* bench) {
  const size_t size = (size_t)bench->size;
  long done = 0;
  open_buffer(bench);
  for (; done < bench->units; done += pieces) {
    fill(size);
    bench_start(bench);
    for (int i = 0; i < pieces; i++)
      bench_check(evbuffer_drain(buffer, size) == 0);
    bench_stop(bench);
    bench_check(evbuffer_get_length(buffer) == 0);
  }
  return done;
}

/* Appends `bytes` of content in chains of their own, as successive reads would have left them. */
static void fill_chains(struct evbuffer* into, size_t bytes) {
  struct evbuffer* one = evbuffer_new();
  char content[chain_bytes];
  memset(content, 'x', sizeof content);
  for (size_t done = 0; done < bytes; done += chain_bytes) {
    bench_check(evbuffer_add(one, content, sizeof content) == 0);
    bench_check(evbuffer_add_buffer(into, one) == 0);
  }
  evbuffer_free(one);
}

static long search(struct bench* bench) {
  long done = 0;
  open_buffer(bench);
  fill_chains(buffer, (size_t)bench->size);
  const size_t end = evbuffer_get_length(buffer);
  bench_check(evbuffer_add(buffer, "\r\n\r\n", 4) == 0);
  bench_start(bench);
  for (; done < bench->units; done++)
    bench_check(evbuffer_search(buffer, "\r\n\r\n", 4, NULL).pos == (ev_ssize_t)end);
  bench_stop(bench);
  return done;
}

static long move(struct bench* bench) {
  long done = 0;
  open_buffer(bench);
  struct evbuffer* other = evbuffer_new();
  bench_check(other != NULL);
  fill_chains(buffer, (size_t)bench->size);
  const size_t length = evbuffer_get_length(buffer);
  bench_start(bench);
  for (; done < bench->units; done++) {
    struct evbuffer* from = done % 2 ? other : buffer;
    struct evbuffer* into = done % 2 ? buffer : other;
    bench_check(evbuffer_add_buffer(into, from) == 0);
    bench_check(evbuffer_get_length(into) == length && evbuffer_get_length(from) == 0);
  }
  bench_stop(bench);
  return done;
}

static long readln(struct bench* bench) {
  const size_t size = (size_t)bench->size;
  long done = 0;
  open_buffer(bench);
  for (; done < bench->units; done += pieces) {
    fill(size + 2);
    bench_start(bench);
    for (int i = 0; i < pieces; i++) {
      size_t length = 0;
      char* line = evbuffer_readln(buffer, &length, EVBUFFER_EOL_CRLF);
      bench_check(line != NULL && length == size);
      free(line);
    }
    bench_stop(bench);
    bench_check(evbuffer_get_length(buffer) == 0);
  }
  return done;
}

int main(int argc, char** argv) {
  static const struct bench_case cases[] = {{"append", append}, {"drain", drain},
                                            {"search", search}, {"move", move},
                                            {"readln", readln}, {NULL, NULL}};
  return bench_main(argc, argv, cases);
}
