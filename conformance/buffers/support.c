/* The helpers that support.h promises. */
#include "conformance/buffers/support.h"

#include <dlfcn.h>
#include <limits.h>

struct evbuffer* buffer_with(const char* text) {
  struct evbuffer* buffer = evbuffer_new();
  assert_non_null(buffer);
  assert_int_equal(evbuffer_add(buffer, text, strlen(text)), 0);
  return buffer;
}

struct evbuffer* buffer_in_pieces(const char* first, ...) {
  struct evbuffer* buffer = evbuffer_new();
  va_list pieces;
  assert_non_null(buffer);
  va_start(pieces, first);
  for (const char* piece = first; piece; piece = va_arg(pieces, const char*)) {
    struct evbuffer* one = buffer_with(piece);
    assert_int_equal(evbuffer_add_buffer(buffer, one), 0);
    evbuffer_free(one);
  }
  va_end(pieces);
  return buffer;
}

struct evbuffer* buffer_cut(const char* text, size_t length, size_t piece) {
  struct evbuffer* buffer = evbuffer_new();
  for (size_t i = 0; i < length; i += piece) {
    struct evbuffer* one = evbuffer_new();
    evbuffer_add(one, text + i, piece < length - i ? piece : length - i);
    evbuffer_add_buffer(buffer, one);
    evbuffer_free(one);
  }
  return buffer;
}

void assert_holds(struct evbuffer* buffer, const void* bytes, size_t length) {
  assert_int_equal(evbuffer_get_length(buffer), length);
  int count = evbuffer_peek(buffer, -1, NULL, NULL, 0);
  struct evbuffer_iovec* extents = calloc((size_t)count + 1, sizeof *extents);
  assert_non_null(extents);
  assert_int_equal(evbuffer_peek(buffer, (ev_ssize_t)length, NULL, extents, count), count);
  size_t seen = 0;
  for (int i = 0; i < count; ++i) {
    assert_true(seen + extents[i].iov_len <= length);
    if (extents[i].iov_len)
      assert_memory_equal(extents[i].iov_base, (const char*)bytes + seen, extents[i].iov_len);
    seen += extents[i].iov_len;
  }
  assert_int_equal(seen, length);
  free(extents);
}

void assert_text(struct evbuffer* buffer, const char* text) {
  assert_holds(buffer, text, strlen(text));
}

int extents_of(struct evbuffer* buffer) {
  return evbuffer_peek(buffer, -1, NULL, NULL, 0);
}

unsigned char pattern_byte(size_t position) {
  return (unsigned char)((position * 167u + (position >> 8) * 59u + (position >> 16) * 7u) & 0xff);
}

void pattern_fill(unsigned char* to, size_t from, size_t length) {
  for (size_t i = 0; i < length; ++i)
    to[i] = pattern_byte(from + i);
}

unsigned char* pattern_new(size_t from, size_t length) {
  unsigned char* bytes = malloc(length ? length : 1);
  assert_non_null(bytes);
  pattern_fill(bytes, from, length);
  return bytes;
}

static long outstanding, requests, fail_from = -1, fail_to, refused;

/* No machine has this much; a sanitizer's malloc would end the program over it. */
#define ABSURD_SIZE ((size_t)1 << 40)

static int request_fails(void) {
  if (fail_from < 0) return 0;
  const long request = requests++;
  if (request < fail_from || request >= fail_to) return 0;
  ++refused;
  return 1;
}

static void* hooked_malloc(size_t size) {
  if (fail_from < 0) ++requests;
  if (request_fails() || size > ABSURD_SIZE) return NULL;
  void* block = malloc(size);
  if (block) ++outstanding;
  return block;
}

static void* hooked_realloc(void* old, size_t size) {
  if (fail_from < 0) ++requests;
  if (request_fails()) return NULL;
  void* block = realloc(old, size);
  if (block && !old) ++outstanding;
  return block;
}

static void hooked_free(void* block) {
  if (block) --outstanding;
  free(block);
}

void memory_hooks_install(void) {
  event_set_mem_functions(hooked_malloc, hooked_realloc, hooked_free);
}

long memory_outstanding(void) {
  return outstanding;
}
long memory_requests(void) {
  return requests;
}

void memory_fails_after(long n) {
  requests = refused = 0;
  fail_from = n;
  fail_to = LONG_MAX;
}

void memory_fails_once_after(long n) {
  memory_fails_after(n);
  fail_to = n + 1;
}

long memory_refused(void) {
  return refused;
}

void memory_succeeds(void) {
  fail_from = -1;
}

void stream_pair(int pair[2]) {
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
}

int pattern_file(size_t length) {
  char path[] = "/tmp/pollshim-pattern-XXXXXX";
  int descriptor = mkstemp(path);
  assert_true(descriptor >= 0);
  unlink(path);
  unsigned char* bytes = pattern_new(0, length);
  assert_int_equal(write(descriptor, bytes, length), length);
  assert_int_equal(lseek(descriptor, 0, SEEK_SET), 0);
  free(bytes);
  return descriptor;
}

int descriptor_is_open(int descriptor) {
  return fcntl(descriptor, F_GETFD) != -1;
}

int on_original(void) {
  void* engine = dlopen("libpollshim-event.so.1", RTLD_LAZY | RTLD_NOLOAD);
  if (engine) dlclose(engine);
  return engine == NULL;
}
