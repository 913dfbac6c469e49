/* Runs a target without a fuzzer.  Seeds are lines of text in which \xHH, \n, \t, \r, \0 and
 * \\ stand for the bytes they stand for in C; empty lines are no seeds, and neither are lines that
 * begin with '#'. fuzz-NAME SEEDS [--library DIRECTORY]   answers to every seed; proves which
 * library was loaded fuzz-NAME SEEDS --write DIRECTORY       a file for each seed, for a fuzzer to
 * begin with fuzz-NAME --raw FILE...                 answers to files as they are, such as those of
 * a crash */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "conformance/fuzz/target.h"
#include "conformance/harness/loaded_library.h"

enum { longest = 1 << 16 };

static int seeds;

static void give(const uint8_t* bytes, size_t size) {
  /* A copy of just this size, for a sanitizer to see what is read behind it. */
  uint8_t* copy = malloc(size ? size : 1);
  if (copy == NULL) abort();
  memcpy(copy, bytes, size);
  LLVMFuzzerTestOneInput(copy, size);
  free(copy);
}

static int hex_value(char c) {
  static const char digits[] = "0123456789abcdef";
  const char* found = c == 0 ? NULL : strchr(digits, tolower((unsigned char)c));
  return found == NULL ? -1 : (int)(found - digits);
}

/* In place; the number of bytes. */
static size_t unescape(char* line) {
  static const char letters[] = "ntr0\\", bytes[] = "\n\t\r\0\\";
  char* out = line;
  for (const char* in = line; *in != 0;) {
    if (*in != '\\') {
      *out++ = *in++;
    } else if (in[1] == 'x' && hex_value(in[2]) >= 0 && hex_value(in[3]) >= 0) {
      *out++ = (char)(hex_value(in[2]) << 4 | hex_value(in[3]));
      in += 4;
    } else if (in[1] != 0 && strchr(letters, in[1]) != NULL) {
      *out++ = bytes[strchr(letters, in[1]) - letters];
      in += 2;
    } else {
      fprintf(stderr, "no such escape: %s\n", in);
      exit(2);
    }
  }
  return (size_t)(out - line);
}

static void write_file(const char* directory, const void* bytes, size_t size) {
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/seed-%04d", directory, seeds);
  FILE* file = fopen(path, "w");
  if (file == NULL || fwrite(bytes, 1, size, file) != size || fclose(file) != 0) {
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
    exit(2);
  }
}

static void go_through(const char* path, const char* directory) {
  static char line[longest];
  FILE* file = fopen(path, "r");
  if (file == NULL) {
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
    exit(2);
  }
  while (fgets(line, sizeof line, file) != NULL) {
    line[strcspn(line, "\n")] = 0;
    if (line[0] == 0 || line[0] == '#') continue;
    if (directory == NULL) printf("== %s\n", line);
    size_t size = unescape(line);
    if (directory == NULL)
      give((const uint8_t*)line, size);
    else
      write_file(directory, line, size);
    seeds++;
  }
  fclose(file);
}

static void give_file(const char* path) {
  static uint8_t bytes[longest];
  FILE* file = fopen(path, "r");
  if (file == NULL) {
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
    exit(2);
  }
  const char* name = strrchr(path, '/');
  printf("== %s\n", name != NULL ? name + 1 : path);
  give(bytes, fread(bytes, 1, sizeof bytes, file));
  fclose(file);
  seeds++;
}

int main(int argc, char** argv) {
  const char* option = argc == 4 ? argv[2] : "";
  if (argc > 2 && strcmp(argv[1], "--raw") == 0) {
    for (int i = 2; i < argc; i++)
      give_file(argv[i]);
  } else if (argc == 2 || strcmp(option, "--library") == 0 || strcmp(option, "--write") == 0) {
    go_through(argv[1], strcmp(option, "--write") == 0 ? argv[3] : NULL);
  } else {
    fputs("usage: fuzz-NAME SEEDS [--library DIRECTORY | --write DIRECTORY], or --raw FILE...\n",
          stderr);
    return 2;
  }
  if (strcmp(option, "--library") == 0 && !only_loaded_from(argv[3])) return 2;
  return seeds > 0 ? 0 : 2;
}
