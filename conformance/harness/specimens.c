/*
 * A suite of tests that misbehave, each in its own way: what harness_test.c points the harness at.
 * It is built with the others and never run as a check of its own.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conformance/harness/harness.h"

static void passes(void** state) {
  (void)state;
  assert_int_equal(2 + 2, 4);
}

static void passes_too(void** state) {
  (void)state;
  assert_true(1);
}

static void fails_an_assertion(void** state) {
  (void)state;
  assert_int_equal(2 + 2, 5);
}

static void crashes(void** state) {
  (void)state;
  raise(SIGSEGV);
}

static void is_killed(void** state) {
  (void)state;
  raise(SIGKILL);
}

static void leaks(void** state) {
  (void)state;
  void* volatile lost = malloc(64);
  assert_non_null(lost);
  lost = NULL;
}

static void aborts(void** state) {
  (void)state;
  abort();
}

static void exits_early_with_status_0(void** state) {
  (void)state;
  _exit(0);
}

static void calls_skip(void** state) {
  (void)state;
  skip();
}

static void is_unsupported(void** state) {
  (void)state;
  harness_unsupported("a processor with 3 hands");
}

/* Leaves a descendant that fled to another session, and tells the two process ids to whoever set
 * SPECIMEN_PIDS. The rename makes the file appear complete. */
static void start_a_fugitive(void) {
  char unfinished[4096];
  const char* path = getenv("SPECIMEN_PIDS");
  assert_non_null(path);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    setsid();
    for (;;)
      pause();
  }
  snprintf(unfinished, sizeof unfinished, "%s.unfinished", path);
  FILE* pids = fopen(unfinished, "w");
  assert_non_null(pids);
  fprintf(pids, "%d %d\n", (int)getpid(), (int)child);
  assert_int_equal(fclose(pids), 0);
  assert_int_equal(rename(unfinished, path), 0);
}

static void leaves_a_process_behind(void** state) {
  (void)state;
  start_a_fugitive();
}

static void hangs_with_a_descendant(void** state) {
  (void)state;
  start_a_fugitive();
  for (;;)
    pause();
}

static int tear_down_fails(void** state) {
  (void)state;
  return -1;
}

int main(int argc, char** argv) {
  static const struct CMUnitTest tests[] = {
      cmocka_unit_test(passes),
      cmocka_unit_test(passes_too),
      cmocka_unit_test(fails_an_assertion),
      cmocka_unit_test(crashes),
      cmocka_unit_test(is_killed),
      cmocka_unit_test(aborts),
      cmocka_unit_test(leaks),
      cmocka_unit_test(exits_early_with_status_0),
      cmocka_unit_test(calls_skip),
      cmocka_unit_test(is_unsupported),
      cmocka_unit_test(hangs_with_a_descendant),
      cmocka_unit_test(leaves_a_process_behind),
      {"fails_in_its_teardown", passes, NULL, tear_down_fails, NULL},
  };
  return harness_main(argc, argv, tests, sizeof tests / sizeof tests[0]);
}
