/* See outcome.h. Output is collected through files, so that nothing can fill a pipe and stand
 * still. */
#include "conformance/swap/outcome.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conformance/harness/harness.h"

static int unnamed_file(void) {
  char name[] = "/tmp/outcome.XXXXXX";
  int fd = mkstemp(name);
  assert_true(fd >= 0);
  unlink(name);
  return fd;
}

static void read_back(int fd, char* text, size_t size) {
  ssize_t length = pread(fd, text, size - 1, 0);
  assert_true(length >= 0);
  text[length] = '\0';
  close(fd);
}

static void become(const struct circumstances* how, const char* const* arguments) {
  if (how != NULL && how->directory != NULL && chdir(how->directory) != 0) _exit(99);
  for (const char* const* setting = how != NULL ? how->environment : NULL;
       setting != NULL && *setting != NULL; setting++) {
    if (strchr(*setting, '=') != NULL) {
      putenv((char*)(uintptr_t)*setting);
    } else {
      unsetenv(*setting);
    }
  }
  execv(arguments[0], (char* const*)(uintptr_t)arguments);
  fprintf(stderr, "cannot run %s: %s\n", arguments[0], strerror(errno));
  _exit(98);
}

void run_to_end(struct outcome* outcome, const struct circumstances* how,
                const char* const* arguments) {
  int in = unnamed_file();
  int out = unnamed_file();
  int err = unnamed_file();
  const char* input = how != NULL && how->input != NULL ? how->input : "";
  assert_int_equal(pwrite(in, input, strlen(input), 0), strlen(input));
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    become(how, arguments);
  }
  int status = 0; /* the harness ends a test that waits here too long, and the program with it */
  assert_int_equal(waitpid(child, &status, 0), child);
  outcome->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  outcome->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  close(in);
  read_back(out, outcome->out, sizeof outcome->out);
  read_back(err, outcome->err, sizeof outcome->err);
}

char* text(const char* format, ...) {
  static char room[1 << 18];
  static size_t used;
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(room + used, sizeof room - used, format, arguments);
  va_end(arguments);
  assert_true(length >= 0 && (size_t)length < sizeof room - used);
  char* made = room + used;
  used += (size_t)length + 1;
  return made;
}

const char* real_path(const char* path) {
  char real[PATH_MAX];
  assert_non_null(realpath(path, real));
  return text("%s", real);
}

const char* built(const char* path) {
  const char* tree = getenv("B");
  return text("%s/%s", real_path(tree != NULL ? tree : "build"), path);
}

void read_whole(const char* path, char* text, size_t size) {
  FILE* file = fopen(path, "r");
  assert_non_null(file);
  text[fread(text, 1, size - 1, file)] = '\0';
  fclose(file);
}

void assert_contains(const char* text, const char* piece) {
  if (strstr(text, piece) == NULL) fail_msg("no \"%s\" in:\n%s", piece, text);
}

void assert_lacks(const char* text, const char* piece) {
  if (strstr(text, piece) != NULL) fail_msg("\"%s\" is in:\n%s", piece, text);
}
