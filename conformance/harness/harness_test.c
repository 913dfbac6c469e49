/*
 * The harness judged from outside: runs the suite of misbehaving tests and reads what is said of
 * them. A harness that calls a failure a pass would make every other suite worthless.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conformance/harness/harness.h"

struct said {
  int status;
  char text[16384];
};

static struct said run(const char *program, const char *arguments) {
  static struct said said;
  char command[PATH_MAX + 512];
  const char *tree = getenv("B");
  assert_non_null(tree);
  snprintf(command, sizeof command, "%s/bin/%s %s 2>&1", tree, program, arguments);
  FILE *pipe = popen(command, "r");
  assert_non_null(pipe);
  said.text[fread(said.text, 1, sizeof said.text - 1, pipe)] = '\0';
  int status = pclose(pipe);
  said.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return said;
}

static struct said specimens(const char *arguments) {
  return run("harness-specimens", arguments);
}

static void assert_says(const struct said *said, const char *text) {
  if (strstr(said->text, text) == NULL) fail_msg("wanted: %s\ngot: %s", text, said->text);
}

static void passing_tests_are_counted_and_the_suite_succeeds(void **state) {
  (void)state;
  struct said said = specimens("'passes*'");
  assert_int_equal(said.status, 0);
  assert_says(&said, "ok passes (");
  assert_says(&said, "ok passes_too (");
  assert_says(&said, "harness-specimens: 2 passed, 0 failed\n");
}

static void a_failing_test_is_reported_with_its_reason(void **state) {
  (void)state;
  struct said said = specimens("fails_an_assertion passes");
  assert_int_equal(said.status, 1);
  assert_says(&said, "FAIL fails_an_assertion: 0x4 != 0x5\n");
  assert_says(&said, "specimens.c:");
  assert_says(&said, "harness-specimens: 1 passed, 1 failed\n");
}

int main(int argc, char **argv) {
  static const struct CMUnitTest tests[] = {
      cmocka_unit_test(passing_tests_are_counted_and_the_suite_succeeds),
      cmocka_unit_test(a_failing_test_is_reported_with_its_reason),
  };
  return harness_main(argc, argv, tests, sizeof tests / sizeof tests[0]);
}
