/*
 * The harness and the runner of checks, judged from outside: runs suites and checks that misbehave
 * and reads what is said of them. A harness that calls a failure a pass would make every other
 * suite worthless.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "conformance/harness/harness.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LEAKS_ARE_SEEN 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define LEAKS_ARE_SEEN 1
#endif

struct said {
  int status;
  char text[32768];
};

static const char* build_tree(void) {
  const char* tree = getenv("B");
  return tree != NULL ? tree : "build";
}

/* The output of both streams and the exit status of a shell command that starts in bin/. */
static struct said* run(const char* command) {
  static struct said said;
  char line[PATH_MAX + 1024];
  snprintf(line, sizeof line, "{ HARNESS_LIMIT_FACTOR=1 %s/bin/%s; } 2>&1", build_tree(), command);
  FILE* pipe = popen(line, "r");
  assert_non_null(pipe);
  said.text[fread(said.text, 1, sizeof said.text - 1, pipe)] = '\0';
  int status = pclose(pipe);
  said.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return &said;
}

static void assert_says(const struct said* said, const char* text) {
  if (strstr(said->text, text) == NULL) fail_msg("wanted: %s\ngot: %s", text, said->text);
}

static void assert_does_not_say(const struct said* said, const char* text) {
  if (strstr(said->text, text) != NULL) fail_msg("unwanted: %s\ngot: %s", text, said->text);
}

static const char* temporary_path(const char* name) {
  static char path[PATH_MAX];
  static char directory[64];
  if (directory[0] == '\0') {
    snprintf(directory, sizeof directory, "/tmp/harness-test.XXXXXX");
    assert_non_null(mkdtemp(directory));
  }
  snprintf(path, sizeof path, "%s/%s", directory, name);
  return path;
}

static int remove_temporary_files(void** state) {
  char command[PATH_MAX];
  (void)state;
  snprintf(command, sizeof command, "rm -rf %s", temporary_path(""));
  return system(command);
}

static void write_file(const char* path, const char* text) {
  FILE* file = fopen(path, "w");
  assert_non_null(file);
  assert_true(fputs(text, file) >= 0);
  assert_int_equal(fclose(file), 0);
}

static bool read_pids(const char* path, pid_t pids[2]) {
  FILE* file = fopen(path, "r");
  if (file == NULL) return false;
  int count = fscanf(file, "%d %d", &pids[0], &pids[1]);
  fclose(file);
  return count == 2;
}

static bool is_gone(pid_t pid) {
  return kill(pid, 0) != 0 && errno == ESRCH;
}

static void rest_a_moment(void) {
  nanosleep(&(struct timespec){0, 2000000}, NULL);
}

static double now(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* ---- suites -------------------------------------------------------------------------------- */

static void passing_tests_are_counted_and_the_suite_succeeds(void** state) {
  (void)state;
  const struct said* said = run("harness-specimens 'passes*'");
  assert_int_equal(said->status, 0);
  assert_says(said, "ok passes (");
  assert_says(said, "ok passes_too (");
  assert_says(said, "harness-specimens: 2 passed, 0 failed\n");
}

static void a_failing_test_is_reported_with_its_reason_and_place(void** state) {
  (void)state;
  const struct said* said = run("harness-specimens fails_an_assertion passes");
  assert_int_equal(said->status, 1);
  assert_says(said, "FAIL fails_an_assertion: 0x4 != 0x5\n");
  assert_says(said, "specimens.c:");
  assert_says(said, "harness-specimens: 1 passed, 1 failed\n");
}

static void a_failing_teardown_fails_the_test(void** state) {
  (void)state;
  const struct said* said = run("harness-specimens fails_in_its_teardown");
  assert_int_equal(said->status, 1);
  assert_says(said, "FAIL fails_in_its_teardown: ");
}

static void a_killed_test_is_reported_with_its_signal(void** state) {
  (void)state;
  const struct said* said = run("harness-specimens is_killed passes");
  assert_int_equal(said->status, 1);
  assert_says(said, "FAIL is_killed: killed by signal 9 (Killed)\n");
  assert_says(said, "harness-specimens: 1 passed, 1 failed\n");
}

static void a_crash_is_reported_with_its_signal_or_the_sanitizers_words(void** state) {
  (void)state;
  const struct said* said = run("harness-specimens crashes passes");
  assert_int_equal(said->status, 1);
  if (strstr(said->text, "Sanitizer: SEGV") == NULL)
    assert_says(said, "FAIL crashes: killed by signal 11 (Segmentation fault)\n");
  assert_says(said, "harness-specimens: 1 passed, 1 failed\n");
}

static void an_abort_is_reported_with_its_signal(void** state) {
  (void)state;
  const struct said* said = run("harness-specimens aborts");
  assert_int_equal(said->status, 1);
  assert_says(said, "FAIL aborts: killed by signal 6 (Aborted)\n");
}

static void a_test_that_exits_early_with_status_0_fails(void** state) {
  (void)state;
  const struct said* said = run("harness-specimens exits_early_with_status_0");
  assert_int_equal(said->status, 1);
  assert_says(said,
              "FAIL exits_early_with_status_0: exited with status 0 before the test was over");
}

static void a_hanging_test_is_killed_at_its_limit_with_all_its_descendants(void** state) {
  (void)state;
  pid_t pids[2];
  const char* path = temporary_path("pids");
  setenv("SPECIMEN_PIDS", path, 1);
  double start = now();
  const struct said* said = run("harness-specimens --limit 0.5 hangs_with_a_descendant passes");
  assert_true(now() - start >= 0.5);
  assert_int_equal(said->status, 1);
  assert_says(said, "FAIL hangs_with_a_descendant: did not finish within its time limit (0.5 s)\n");
  assert_says(said, "harness-specimens: 1 passed, 1 failed\n");
  assert_true(read_pids(path, pids));
  assert_true(is_gone(pids[0]));
  assert_true(is_gone(pids[1]));
}

static void a_process_that_a_test_leaves_behind_is_killed_and_mentioned(void** state) {
  (void)state;
  pid_t pids[2];
  const char* path = temporary_path("pids");
  setenv("SPECIMEN_PIDS", path, 1);
  const struct said* said = run("harness-specimens leaves_a_process_behind");
  assert_int_equal(said->status, 0);
  assert_says(said, "ok leaves_a_process_behind (");
  assert_says(said, "(1 process left behind was killed)\n");
  assert_true(read_pids(path, pids));
  assert_true(is_gone(pids[1]));
}

static void when_the_suite_itself_is_killed_its_tests_die_with_it(void** state) {
  (void)state;
  pid_t pids[2];
  char program[PATH_MAX];
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s", temporary_path("pids"));
  snprintf(program, sizeof program, "%s/bin/harness-specimens", build_tree());
  setenv("SPECIMEN_PIDS", path, 1);
  pid_t suite = fork();
  assert_true(suite >= 0);
  if (suite == 0) {
    execl(program, program, "hangs_with_a_descendant", (char*)NULL);
    _exit(127);
  }
  while (!read_pids(path, pids))
    rest_a_moment();
  assert_int_equal(kill(suite, SIGKILL), 0);
  assert_int_equal(waitpid(suite, NULL, 0), suite);
  while (!is_gone(pids[0]) || !is_gone(pids[1]))
    rest_a_moment();
}

static void zero_tests_fail(void** state) {
  (void)state;
  const struct said* said = run("harness-specimens no_such_test");
  assert_int_equal(said->status, 1);
  assert_says(said, "harness-specimens: no test ran\n");
  assert_says(said, "harness-specimens: 0 passed, 0 failed\n");
}

static void an_unsupported_test_makes_the_suite_fail(void** state) {
  (void)state;
  const struct said* said = run("harness-specimens is_unsupported passes");
  assert_int_equal(said->status, 1);
  assert_says(said, "UNSUPPORTED is_unsupported: a processor with 3 hands\n");
  assert_says(said, "harness-specimens: 1 unsupported here\n");
  assert_says(said, "harness-specimens: 1 passed, 1 failed\n");
}

static void an_allowed_unsupported_test_is_counted_apart(void** state) {
  (void)state;
  const struct said* said =
      run("harness-specimens --allow-unsupported is_unsupported is_unsupported passes");
  assert_int_equal(said->status, 0);
  assert_says(said, "harness-specimens: 1 unsupported here\n");
  assert_says(said, "harness-specimens: 1 passed, 0 failed\n");
}

static void unsupported_tests_alone_fail_even_when_allowed(void** state) {
  (void)state;
  const struct said* said =
      run("harness-specimens --allow-unsupported is_unsupported is_unsupported");
  assert_int_equal(said->status, 1);
}

static void cmockas_skip_is_no_pass(void** state) {
  (void)state;
  const struct said* said = run("harness-specimens calls_skip passes");
  assert_int_equal(said->status, 1);
  assert_says(said, "UNSUPPORTED calls_skip: the test called skip()\n");
}

#ifdef LEAKS_ARE_SEEN
static void a_leak_fails_the_test_that_made_it(void** state) {
  (void)state;
  const struct said* said = run("harness-specimens leaks passes");
  assert_int_equal(said->status, 1);
  assert_says(said, "FAIL leaks: ");
  assert_says(said, "LeakSanitizer: detected memory leaks");
  assert_says(said, "harness-specimens: 1 passed, 1 failed\n");
}
#endif

static void verdicts_are_written_one_a_line(void** state) {
  (void)state;
  char command[PATH_MAX + 128], text[256] = "";
  const char* path = temporary_path("verdicts");
  snprintf(command, sizeof command,
           "harness-specimens -j 1 --verdicts %s passes fails_an_assertion is_unsupported", path);
  assert_int_equal(run(command)->status, 1);
  FILE* verdicts = fopen(path, "r");
  assert_non_null(verdicts);
  text[fread(text, 1, sizeof text - 1, verdicts)] = '\0';
  fclose(verdicts);
  assert_string_equal(text, "passes ok\nfails_an_assertion FAIL\nis_unsupported unsupported\n");
}

static void list_prints_the_selected_names_and_runs_nothing(void** state) {
  (void)state;
  const struct said* said = run("harness-specimens --list 'passes*'");
  assert_int_equal(said->status, 0);
  assert_string_equal(said->text, "passes\npasses_too\n");
}

static void a_group_is_part_of_the_name_and_the_bare_name_selects_too(void** state) {
  (void)state;
  assert_string_equal(run("harness-tests --list zero_tests_fail 'checks/zero*'")->text,
                      "suites/zero_tests_fail\nchecks/zero_checks_fail\n");
}

static void one_test_can_be_run_in_the_process_itself(void** state) {
  (void)state;
  assert_int_equal(run("harness-specimens --run passes")->status, 0);
  assert_int_not_equal(run("harness-specimens --run fails_an_assertion")->status, 0);
  assert_int_not_equal(run("harness-specimens --run no_such_test")->status, 0);
}

static void a_bad_command_line_is_refused(void** state) {
  (void)state;
  assert_int_equal(run("harness-specimens --no-such-option x")->status, 2);
  assert_int_equal(run("harness-specimens --limit soon passes")->status, 2);
  assert_int_equal(run("harness-specimens passes --limit")->status, 2);
}

/* ---- which library was loaded -------------------------------------------------------------- */

static void the_library_that_was_named_is_accepted(void** state) {
  (void)state;
  const struct said* said = run("harness-specimens-linked --library /usr passes");
  assert_int_equal(said->status, 0);
  assert_says(said, "harness-specimens-linked: 1 passed, 0 failed\n");
}

static void a_library_from_elsewhere_is_caught(void** state) {
  (void)state;
  const struct said* said = run("harness-specimens-linked --library /tmp passes");
  assert_int_equal(said->status, 1);
  assert_says(said, "FAIL passes: /");
  assert_says(said, "is loaded, which is not under /tmp\n");
}

static void a_directory_whose_name_merely_begins_alike_is_not_accepted(void** state) {
  (void)state;
  const struct said* said = run("harness-specimens-linked --library /us passes");
  assert_int_equal(said->status, 1);
  assert_says(said, "there is no directory /us\n");
}

static void no_library_at_all_is_caught(void** state) {
  (void)state;
  const struct said* said = run("harness-specimens --library /usr passes");
  assert_int_equal(said->status, 1);
  assert_says(said, "FAIL passes: no event library is loaded at all\n");
}

/* ---- checks -------------------------------------------------------------------------------- */

static const struct said* run_checks(const char* list) {
  char command[PATH_MAX + 64], directory[PATH_MAX];
  snprintf(directory, sizeof directory, "%s", temporary_path(""));
  write_file(temporary_path("list"), list);
  snprintf(command, sizeof command, "run-checks -j 2 -l %s %slist", directory, directory);
  return run(command);
}

static void assert_ends_with(const struct said* said, const char* text) {
  size_t length = strlen(said->text), wanted = strlen(text);
  if (length < wanted || strcmp(said->text + length - wanted, text) != 0)
    fail_msg("wanted at the end: %s\ngot: %s", text, said->text);
}

static void checks_are_counted_and_the_closing_line_stands_alone(void** state) {
  (void)state;
  const struct said* said = run_checks("good\t5\ttrue\nbad\t5\techo a complaint; exit 3\n");
  assert_int_equal(said->status, 1);
  assert_says(said, "PASS  good ");
  assert_says(said, "FAIL  bad ");
  assert_says(said, "exited with status 3");
  assert_says(said, "    | a complaint\n");
  assert_ends_with(said, "\n1 passed, 1 failed\n");
}

static void all_checks_passing_is_success(void** state) {
  (void)state;
  const struct said* said = run_checks("good\t5\ttrue\nfine\t5\ttest -d \"$TMPDIR\"\n");
  assert_int_equal(said->status, 0);
  assert_ends_with(said, "\n2 passed, 0 failed\n");
}

static void the_tests_of_suites_are_added_up(void** state) {
  (void)state;
  const struct said* said =
      run_checks("a\t5\techo 'a: 3 passed, 0 failed'\nb\t5\techo 'b: 4 passed, 0 failed'\n");
  assert_int_equal(said->status, 0);
  assert_says(said, " 7 tests passed and 0 failed\n");
}

static void a_check_whose_suite_ran_nothing_fails(void** state) {
  (void)state;
  const struct said* said = run_checks("empty\t5\techo 'empty: 0 passed, 0 failed'\n");
  assert_int_equal(said->status, 1);
  assert_says(said, "ran no test");
}

static void a_check_whose_suite_failed_fails_whatever_its_status(void** state) {
  (void)state;
  const struct said* said = run_checks("liar\t5\techo 'liar: 1 passed, 1 failed'\n");
  assert_int_equal(said->status, 1);
  assert_says(said, "FAIL  liar ");
}

static void zero_checks_fail(void** state) {
  (void)state;
  const struct said* said = run_checks("");
  assert_int_equal(said->status, 1);
  assert_ends_with(said, "\n0 passed, 0 failed\n");
}

static void a_list_that_makes_no_sense_is_refused(void** state) {
  (void)state;
  assert_int_equal(run_checks("good\t5\ttrue\nno limit\n")->status, 1);
  assert_int_equal(run("run-checks /no/such/list")->status, 1);
}

static void a_hanging_check_is_killed_at_its_limit_with_all_its_descendants(void** state) {
  (void)state;
  pid_t pids[2];
  char list[PATH_MAX];
  const char* path = temporary_path("pids");
  snprintf(list, sizeof list, "slow\t0.5\tsetsid sleep 1000 & echo $$ $! >%s; sleep 1000\n", path);
  const struct said* said = run_checks(list);
  assert_int_equal(said->status, 1);
  assert_says(said, "did not finish within its time limit (0.5 s)");
  assert_true(read_pids(temporary_path("pids"), pids));
  assert_true(is_gone(pids[0]));
  assert_true(is_gone(pids[1]));
}

static void nothing_of_a_checks_temporary_directory_remains(void** state) {
  (void)state;
  char list[PATH_MAX + 64], name[PATH_MAX] = "";
  snprintf(list, sizeof list, "a\t5\techo $TMPDIR >%s; echo x >$TMPDIR/file\n",
           temporary_path("name"));
  const struct said* said = run_checks(list);
  assert_int_equal(said->status, 0);
  assert_does_not_say(said, "FAIL");
  FILE* file = fopen(temporary_path("name"), "r");
  assert_non_null(file);
  assert_non_null(fgets(name, sizeof name, file));
  fclose(file);
  name[strcspn(name, "\n")] = '\0';
  assert_int_equal(access(name, F_OK), -1);
  assert_int_equal(errno, ENOENT);
}

#define TEST(name) cmocka_unit_test(name)
#define TEST_WITH_FILES(name) cmocka_unit_test_teardown(name, remove_temporary_files)

int main(int argc, char** argv) {
  static const struct CMUnitTest suites[] = {
      TEST(passing_tests_are_counted_and_the_suite_succeeds),
      TEST(a_failing_test_is_reported_with_its_reason_and_place),
      TEST(a_failing_teardown_fails_the_test),
      TEST(a_killed_test_is_reported_with_its_signal),
      TEST(a_crash_is_reported_with_its_signal_or_the_sanitizers_words),
      TEST(an_abort_is_reported_with_its_signal),
      TEST(a_test_that_exits_early_with_status_0_fails),
      TEST_WITH_FILES(a_hanging_test_is_killed_at_its_limit_with_all_its_descendants),
      TEST_WITH_FILES(a_process_that_a_test_leaves_behind_is_killed_and_mentioned),
      TEST_WITH_FILES(when_the_suite_itself_is_killed_its_tests_die_with_it),
      TEST(zero_tests_fail),
      TEST(an_unsupported_test_makes_the_suite_fail),
      TEST(an_allowed_unsupported_test_is_counted_apart),
      TEST(unsupported_tests_alone_fail_even_when_allowed),
      TEST(cmockas_skip_is_no_pass),
#ifdef LEAKS_ARE_SEEN
      TEST(a_leak_fails_the_test_that_made_it),
#endif
      TEST_WITH_FILES(verdicts_are_written_one_a_line),
      TEST(list_prints_the_selected_names_and_runs_nothing),
      TEST(a_group_is_part_of_the_name_and_the_bare_name_selects_too),
      TEST(one_test_can_be_run_in_the_process_itself),
      TEST(a_bad_command_line_is_refused),
  };
  static const struct CMUnitTest libraries[] = {
      TEST(the_library_that_was_named_is_accepted),
      TEST(a_library_from_elsewhere_is_caught),
      TEST(a_directory_whose_name_merely_begins_alike_is_not_accepted),
      TEST(no_library_at_all_is_caught),
  };
  static const struct CMUnitTest checks[] = {
      TEST_WITH_FILES(checks_are_counted_and_the_closing_line_stands_alone),
      TEST_WITH_FILES(all_checks_passing_is_success),
      TEST_WITH_FILES(the_tests_of_suites_are_added_up),
      TEST_WITH_FILES(a_check_whose_suite_ran_nothing_fails),
      TEST_WITH_FILES(a_check_whose_suite_failed_fails_whatever_its_status),
      TEST_WITH_FILES(zero_checks_fail),
      TEST_WITH_FILES(a_list_that_makes_no_sense_is_refused),
      TEST_WITH_FILES(a_hanging_check_is_killed_at_its_limit_with_all_its_descendants),
      TEST_WITH_FILES(nothing_of_a_checks_temporary_directory_remains),
  };
  static const struct harness_group groups[] = {
      {"suites", suites, sizeof suites / sizeof suites[0]},
      {"libraries", libraries, sizeof libraries / sizeof libraries[0]},
      {"checks", checks, sizeof checks / sizeof checks[0]},
  };
  return harness_main_groups(argc, argv, groups, sizeof groups / sizeof groups[0]);
}
