/*
 * The view into a loop, seen from outside: what the POLLSHIM_* variables make a program print. The
 * loop is a fake one (fake_loop.cc), so that every figure is known beforehand.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conformance/harness/harness.h"
#include "conformance/swap/outcome.h"

static struct outcome outcome;

#define FAKE built("bin/fake-loop")
#define WITH(...) (&(struct circumstances){.environment = ENVIRONMENT(__VA_ARGS__)})

static size_t lines_in(const char* text) {
  size_t lines = 0;
  for (; (text = strchr(text, '\n')) != NULL; text++)
    lines++;
  return lines;
}

static void nothing_asked_for_prints_nothing_and_makes_no_file(void** state) {
  (void)state;
  RUN(&outcome, WITH("POLLSHIM_VERBOSE", "POLLSHIM_STATS", "POLLSHIM_STALL_MS", "POLLSHIM_TOP"),
      FAKE, "turns=2", "stall=2");
  assert_int_equal(outcome.exit_code, 0);
  assert_string_equal(outcome.out, "");
  assert_string_equal(outcome.err, "");
}

static void a_variable_set_to_nought_is_off(void** state) {
  (void)state;
  RUN(&outcome,
      WITH("POLLSHIM_VERBOSE=0", "POLLSHIM_STATS=0", "POLLSHIM_STALL_MS=0", "POLLSHIM_TOP="), FAKE,
      "stall=2");
  assert_int_equal(outcome.exit_code, 0);
  assert_string_equal(outcome.err, "");
}

static void verbose_prints_one_line_with_version_engine_and_backend(void** state) {
  (void)state;
  RUN(&outcome, WITH("POLLSHIM_VERBOSE=1"), FAKE);
  assert_int_equal(lines_in(outcome.err), 1);
  assert_contains(outcome.err, "fake 1.0 in fake-loop[");
  assert_contains(outcome.err, "backend nothing");
}

static void statistics_at_exit_count_turns_and_name_the_slowest_callback(void** state) {
  (void)state;
  RUN(&outcome, WITH("POLLSHIM_STATS=1"), FAKE, "turns=4", "stall=300");
  assert_int_equal(outcome.exit_code, 0);
  unsigned turns = 0, waits = 0, wakes = 0;
  const char* row = strstr(outcome.err, "    1 nothing");
  assert_non_null(row);
  assert_int_equal(sscanf(row, " 1 nothing %u %u %u", &turns, &waits, &wakes), 3);
  assert_int_equal(turns, 5);
  assert_int_equal(waits, 5);
  assert_int_equal(wakes, 0);
  assert_contains(row, "  stalling_callback\n");
}

static void statistics_of_the_last_turn_are_not_lost(void** state) {
  (void)state;
  RUN(&outcome, WITH("POLLSHIM_STATS=1"), FAKE, "turns=1");
  unsigned turns = 0;
  assert_int_equal(sscanf(strstr(outcome.err, "    1 nothing"), " 1 nothing %u", &turns), 1);
  assert_int_equal(turns, 1);
}

static void several_loops_get_a_row_each_and_a_total(void** state) {
  (void)state;
  RUN(&outcome, WITH("POLLSHIM_STATS=1"), FAKE, "loops=3", "turns=2");
  assert_contains(outcome.err, "3 loops in");
  unsigned turns = 0;
  assert_contains(outcome.err, "\n    3 nothing");
  assert_int_equal(sscanf(strstr(outcome.err, "\n  all"), " all %u", &turns), 1);
  assert_int_equal(turns, 6);
}

static void loops_without_end_are_summed_up_and_none_is_lost(void** state) {
  (void)state;
  RUN(&outcome, WITH("POLLSHIM_STATS=1"), FAKE, "loops=1", "closed=80", "turns=1");
  assert_contains(outcome.err, "81 loops in");
  unsigned turns = 0;
  assert_int_equal(sscanf(strstr(outcome.err, "\n  all"), " all %u", &turns), 1);
  assert_int_equal(turns, 81);
  assert_true(lines_in(outcome.err) < 50);
}

static void loops_in_threads_are_counted_too(void** state) {
  (void)state;
  RUN(&outcome, WITH("POLLSHIM_STATS=1"), FAKE, "loops=1", "threads", "turns=5");
  unsigned turns = 0;
  assert_int_equal(sscanf(strstr(outcome.err, "\n  all"), " all %u", &turns), 1);
  assert_int_equal(turns, 25);
}

static void a_forked_child_reports_its_own_turns_alone(void** state) {
  (void)state;
  RUN(&outcome, WITH("POLLSHIM_STATS=1"), FAKE, "turns=7", "closed=2", "fork");
  unsigned turns = 0;
  const char* row = strstr(outcome.err, "    1 nothing");
  assert_int_equal(sscanf(row, " 1 nothing %u", &turns), 1);
  assert_int_equal(turns, 1);
  assert_contains(outcome.err, "1 loop in");
  assert_int_equal(sscanf(strstr(row + 1, "    1 nothing"), " 1 nothing %u", &turns), 1);
  assert_int_equal(turns, 7);
}

static void statistics_go_to_a_file_as_json(void** state) {
  (void)state;
  char directory[] = "/tmp/view.XXXXXX";
  assert_non_null(mkdtemp(directory));
  char path[64], setting[96];
  static char text[65536];
  snprintf(path, sizeof path, "%s/out.json", directory);
  snprintf(setting, sizeof setting, "POLLSHIM_STATS=%s", path);
  RUN(&outcome, WITH(setting), FAKE, "turns=3", "loops=2");
  assert_string_equal(outcome.err, "");
  read_whole(path, text, sizeof text);
  assert_int_equal(lines_in(text), 1);
  assert_contains(text, "\"engine\":\"fake\"");
  assert_contains(text, "\"turns\":3,\"waits\":3,");
  assert_contains(text, "\"callback\":\"quick_callback\"");
  RUN(&outcome, NULL, "/usr/bin/python3", "-m", "json.tool", path);
  assert_int_equal(outcome.exit_code, 0);
  unlink(path);
  rmdir(directory);
}

static void each_process_writes_a_file_of_its_own_where_the_name_says_so(void** state) {
  (void)state;
  char directory[] = "/tmp/view.XXXXXX";
  assert_non_null(mkdtemp(directory));
  char setting[96], command[128];
  snprintf(setting, sizeof setting, "POLLSHIM_STATS=%s/%%p.json", directory);
  RUN(&outcome, WITH(setting), FAKE, "fork");
  snprintf(command, sizeof command, "ls %s | grep -c '^[0-9]*[.]json$'; rm -r %s", directory,
           directory);
  RUN(&outcome, NULL, "/bin/sh", "-c", command);
  assert_string_equal(outcome.out, "2\n");
}

static void a_file_that_cannot_be_written_is_said(void** state) {
  (void)state;
  RUN(&outcome, WITH("POLLSHIM_STATS=/nowhere/at/all.json"), FAKE);
  assert_int_equal(outcome.exit_code, 0);
  assert_contains(outcome.err,
                  "cannot write statistics to /nowhere/at/all.json: No such file or directory");
}

static void a_stall_is_reported_with_its_symbol_and_duration(void** state) {
  (void)state;
  RUN(&outcome, WITH("POLLSHIM_STALL_MS=200"), FAKE, "turns=3", "stall=250");
  const char* name = strstr(outcome.err, "loop 1: stalling_callback (fake-loop+0x");
  assert_non_null(name);
  double ran = 0;
  assert_int_equal(sscanf(strstr(name, " ran "), " ran %lf ms (limit 200.000 ms)", &ran), 1);
  assert_true(ran >= 250.0);
}

static void callbacks_below_the_limit_are_no_stall(void** state) {
  (void)state;
  RUN(&outcome, WITH("POLLSHIM_STALL_MS=10000"), FAKE, "turns=3", "stall=2");
  assert_string_equal(outcome.err, "");
}

static void a_limit_that_is_no_number_is_off(void** state) {
  (void)state;
  RUN(&outcome, WITH("POLLSHIM_STALL_MS=soon"), FAKE, "turns=1", "stall=2");
  assert_string_equal(outcome.err, "");
}

static void a_report_is_not_sent_to_a_socket_that_took_the_place_of_standard_error(void** state) {
  (void)state;
  const char* script =
      "import os,socket,subprocess,sys\n"
      "a,b=socket.socketpair()\n"
      "p=subprocess.Popen([sys.argv[1],'swap-stderr'],pass_fds=[b.fileno()],env=dict(os.environ,"
      "STDERR_LATER=str(b.fileno())))\n"
      "b.close(); p.wait(); print(repr(a.recv(100)))\n";
  RUN(&outcome, WITH("POLLSHIM_STATS=1"), "/usr/bin/python3", "-c", script, FAKE);
  assert_int_equal(outcome.exit_code, 0);
  assert_string_equal(outcome.out, "b''\n");
  assert_string_equal(outcome.err, "");
}

int main(int argc, char** argv) {
  static const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_asked_for_prints_nothing_and_makes_no_file),
      cmocka_unit_test(a_variable_set_to_nought_is_off),
      cmocka_unit_test(verbose_prints_one_line_with_version_engine_and_backend),
      cmocka_unit_test(statistics_at_exit_count_turns_and_name_the_slowest_callback),
      cmocka_unit_test(statistics_of_the_last_turn_are_not_lost),
      cmocka_unit_test(several_loops_get_a_row_each_and_a_total),
      cmocka_unit_test(loops_without_end_are_summed_up_and_none_is_lost),
      cmocka_unit_test(loops_in_threads_are_counted_too),
      cmocka_unit_test(a_forked_child_reports_its_own_turns_alone),
      cmocka_unit_test(statistics_go_to_a_file_as_json),
      cmocka_unit_test(each_process_writes_a_file_of_its_own_where_the_name_says_so),
      cmocka_unit_test(a_file_that_cannot_be_written_is_said),
      cmocka_unit_test(a_stall_is_reported_with_its_symbol_and_duration),
      cmocka_unit_test(callbacks_below_the_limit_are_no_stall),
      cmocka_unit_test(a_limit_that_is_no_number_is_off),
      cmocka_unit_test(a_report_is_not_sent_to_a_socket_that_took_the_place_of_standard_error),
  };
  return harness_main(argc, argv, tests, sizeof tests / sizeof tests[0]);
}
