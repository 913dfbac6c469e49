/* The model test of evbuffer: a random script against a plain byte array.
 * usage: buffer-model [--seed N] [--operations N] [--trace FILE] [--strict 1]
 * Strict runs include what the original gets wrong.
 * Prints one line with the digests; the same seed gives the same line on every library that
 * behaves. */
#include "conformance/buffers/model.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

unsigned char model_pattern[1 << 16];

static void note_change(struct evbuffer* buffer, const struct evbuffer_cb_info* info, void* arg) {
  struct script* script = arg;
  script_value(script, "from", (int64_t)info->orig_size);
  script_value(script, "added", (int64_t)info->n_added);
  script_value(script, "deleted", (int64_t)info->n_deleted);
  script_value(script, "now", (int64_t)evbuffer_get_length(buffer));
}

static void open_all(struct script* script) {
  char path[] = "/tmp/pollshim-model-XXXXXX";
  script->file = mkstemp(path);
  if (script->file < 0 || unlink(path)) script_fail(script, "no temporary file");
  script_bytes(script, model_pattern, sizeof model_pattern);
  if (write(script->file, model_pattern, sizeof model_pattern) != (ssize_t)sizeof model_pattern)
    script_fail(script, "no room in the temporary directory");
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, script->sockets))
    script_fail(script, "no sockets");
  script->socket_bytes = malloc(MODEL_CAPACITY);
  for (int i = 0; i < MODEL_SUBJECTS; ++i) {
    script->subjects[i].buffer = evbuffer_new();
    script->subjects[i].bytes = malloc(MODEL_CAPACITY);
    if (i % 2) evbuffer_add_cb(script->subjects[i].buffer, note_change, script);
  }
}

static void close_all(struct script* script) {
  for (int i = 0; i < MODEL_SUBJECTS; ++i) {
    evbuffer_free(script->subjects[i].buffer);
    free(script->subjects[i].bytes);
  }
  free(script->socket_bytes);
  close(script->sockets[0]);
  close(script->sockets[1]);
  close(script->file);
}

int main(int argc, char** argv) {
  struct script script = {
      .random = 1, .values = 0xcbf29ce484222325u, .layout = 0xcbf29ce484222325u};
  uint64_t operations = 1000000, seed = 1;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (!strcmp(argv[i], "--seed")) seed = strtoull(argv[i + 1], NULL, 10);
    if (!strcmp(argv[i], "--operations")) operations = strtoull(argv[i + 1], NULL, 10);
    if (!strcmp(argv[i], "--strict")) script.strict = atoi(argv[i + 1]);
    if (!strcmp(argv[i], "--trace")) script.trace = fopen(argv[i + 1], "w");
  }
  script.random = seed;
  open_all(&script);
  for (; script.operation < operations; ++script.operation)
    script_step(&script);
  close_all(&script);
  if (script.trace) fclose(script.trace);
  printf("%llu operations of seed %llu: values %016llx layout %016llx\n",
         (unsigned long long)operations, (unsigned long long)seed,
         (unsigned long long)script.values, (unsigned long long)script.layout);
  return 0;
}
