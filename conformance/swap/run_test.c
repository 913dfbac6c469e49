/*
 * `pollshim run`: ours is loaded and the original is not, and nothing else about the program
 * changes.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conformance/swap/swap_test.h"

static struct outcome outcome;

#define SYSTEM_LIBRARIES "/usr/lib/"

static void expect_ours_alone(const char* soname) {
  assert_contains(outcome.out, ours(soname));
  assert_lacks(outcome.out, SYSTEM_LIBRARIES);
}

static void ours_is_loaded_and_the_original_is_not(void** state) {
  (void)state;
  RUN(&outcome, NULL, specimen("event-user"), "maps");
  assert_contains(outcome.out, SYSTEM_LIBRARIES); /* without the swap it is the original */
  POLLSHIM(&outcome, "run", specimen("event-user"), "maps");
  assert_int_equal(outcome.exit_code, 0);
  expect_ours_alone("libevent_core-2.1.so.7");
  assert_string_equal(outcome.err, "");
}

static void a_program_of_libev_as_well(void** state) {
  (void)state;
  POLLSHIM(&outcome, "run", specimen("ev-user"));
  assert_int_equal(outcome.exit_code, 0);
  expect_ours_alone("libev.so.4");
  POLLSHIM(&outcome, "run", specimen("ev-copy-user"));
  assert_int_equal(outcome.exit_code, 0);
  expect_ours_alone("libev.so.4");
}

static void a_library_between_program_and_libevent_gets_ours(void** state) {
  (void)state;
  POLLSHIM(&outcome, "run", "--verbose", specimen("outer"));
  assert_int_equal(outcome.exit_code, 0);
  assert_contains(outcome.out, "2.1.12-stable");
}

static void an_rpath_to_the_originals_does_not_win(void** state) {
  (void)state;
  POLLSHIM(&outcome, "run", specimen("rpath-user"), "maps");
  assert_int_equal(outcome.exit_code, 0);
  expect_ours_alone("libevent_core-2.1.so.7");
}

static void what_is_loaded_late_is_ours_too(void** state) {
  (void)state;
  POLLSHIM(&outcome, "run", "--quiet", specimen("late-user"), "maps");
  assert_int_equal(outcome.exit_code, 0);
  expect_ours_alone("libevent_core-2.1.so.7");
  assert_string_equal(outcome.err, "");
}

static void a_program_with_nothing_to_replace_is_run_with_a_note(void** state) {
  (void)state;
  POLLSHIM(&outcome, "run", specimen("late-user"), "maps");
  assert_int_equal(outcome.exit_code, 0);
  assert_contains(outcome.err, "note: ");
  assert_contains(outcome.err, "itself has nothing to replace");
}

static void programs_started_by_the_program_get_ours(void** state) {
  (void)state;
  POLLSHIM(&outcome, "run", specimen("script"), "maps", "exit", "9");
  assert_int_equal(outcome.exit_code, 9);
  expect_ours_alone("libevent_core-2.1.so.7");
  assert_string_equal(outcome.err, "");
  POLLSHIM(&outcome, "run", "--quiet", "/bin/sh", "-c",
           text("(%s maps); %s", specimen("event-user"), specimen("ev-user")));
  expect_ours_alone("libevent_core-2.1.so.7");
  expect_ours_alone("libev.so.4");
}

static void the_exit_status_passes_through(void** state) {
  (void)state;
  static const int codes[] = {0, 1, 3, 42, 255};
  for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
    POLLSHIM(&outcome, "run", specimen("event-user"), "exit", text("%d", codes[i]));
    assert_int_equal(outcome.exit_code, codes[i]);
  }
}

static void a_signal_that_ends_the_program_ends_it_so(void** state) {
  (void)state;
  static const int signals[] = {SIGTERM, SIGKILL, SIGUSR1};
  for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
    POLLSHIM(&outcome, "run", specimen("event-user"), "kill", text("%d", signals[i]));
    assert_int_equal(outcome.signal, signals[i]);
  }
}

static void the_program_takes_the_place_of_the_command(void** state) {
  (void)state;
  POLLSHIM(&outcome, "run", "--quiet", "/bin/sh", "-c", "echo $$; ps -o ppid= -p $$");
  int self = 0, parent = 0;
  assert_int_equal(sscanf(outcome.out, "%d %d", &self, &parent), 2);
  assert_int_equal(parent, getpid());
}

static void standard_input_passes_through(void** state) {
  (void)state;
  RUN(&outcome, (&(struct circumstances){.input = "from-outside\n"}), built("bin/pollshim"), "run",
      specimen("event-user"));
  assert_contains(outcome.out, "input from-outside\n");
}

static void arguments_pass_through_untouched(void** state) {
  (void)state;
  POLLSHIM(&outcome, "run", specimen("event-user"), "say", "--stats", "a b", "", "--", "$HOME",
           "*");
  assert_contains(outcome.out, "[--stats]\n[a b]\n[]\n[--]\n[$HOME]\n[*]\n");
}

static void two_dashes_end_the_options(void** state) {
  (void)state;
  RUN(&outcome, (&(struct circumstances){.directory = specimen("bin")}), built("bin/pollshim"),
      "run", "--stats=/dev/null", "--", "./event-user-in-path", "name");
  assert_int_equal(outcome.exit_code, 0);
  assert_contains(outcome.out, "name ./event-user-in-path\n");
}

static void a_program_is_looked_for_in_the_path_and_keeps_its_name(void** state) {
  (void)state;
  RUN(&outcome, WITH(text("PATH=/nowhere:%s", specimen("bin"))), built("bin/pollshim"), "run",
      "event-user-in-path", "name", "maps");
  assert_int_equal(outcome.exit_code, 0);
  assert_contains(outcome.out, "name event-user-in-path\n");
  expect_ours_alone("libevent_core-2.1.so.7");
}

static void an_empty_item_of_the_path_is_the_working_directory(void** state) {
  (void)state;
  RUN(&outcome,
      (&(struct circumstances){.directory = specimen("bin"),
                               .environment = ENVIRONMENT("PATH=/nowhere::/etc")}),
      built("bin/pollshim"), "run", "event-user-in-path", "maps");
  assert_int_equal(outcome.exit_code, 0);
  expect_ours_alone("libevent_core-2.1.so.7");
}

static void a_relative_path_from_any_directory(void** state) {
  (void)state;
  RUN(&outcome, (&(struct circumstances){.directory = specimen("bin")}), built("bin/pollshim"),
      "run", "../event-user", "maps");
  assert_int_equal(outcome.exit_code, 0);
  expect_ours_alone("libevent_core-2.1.so.7");
}

static void the_command_itself_by_relative_path_and_by_link(void** state) {
  (void)state;
  RUN(&outcome, (&(struct circumstances){.directory = built("")}), "bin/pollshim", "run",
      "specimens/event-user", "maps");
  expect_ours_alone("libevent_core-2.1.so.7");
  const char* link = text("/tmp/pollshim-link.%d", getpid());
  assert_int_equal(symlink(built("bin/pollshim"), link), 0);
  RUN(&outcome, (&(struct circumstances){.directory = "/"}), link, "run", specimen("event-user"),
      "maps");
  unlink(link);
  expect_ours_alone("libevent_core-2.1.so.7");
}

/* bin/pollshim and lib/pollshim below some prefix, as an installation makes them. */
static const char* installed_prefix(const char* name) {
  char* prefix = text("/tmp/swap-prefix.XXXXXX");
  assert_non_null(mkdtemp(prefix));
  const char* command = text(
      "mkdir -p '%s/%s/bin' '%s/%s/lib/pollshim' && cp %s '%s/%s/bin' && cp -a %s/. "
      "'%s/%s/lib/pollshim'",
      prefix, name, prefix, name, built("bin/pollshim"), prefix, name, our_libraries(), prefix,
      name);
  assert_int_equal(system(command), 0);
  return prefix;
}

static void remove_prefix(const char* prefix) {
  assert_int_equal(system(text("rm -r '%s'", prefix)), 0);
}

static void an_installed_command_finds_the_libraries_of_its_installation(void** state) {
  (void)state;
  const char* prefix = installed_prefix("opt");
  RUN(&outcome,
      (&(struct circumstances){.directory = "/", .environment = ENVIRONMENT("POLLSHIM_LIBRARIES")}),
      text("%s/opt/bin/pollshim", prefix), "run", specimen("event-user"), "maps");
  remove_prefix(prefix);
  assert_int_equal(outcome.exit_code, 0);
  assert_contains(outcome.out, text("%s/opt/lib/pollshim/libevent_core-2.1.so.7", prefix));
  assert_lacks(outcome.out, SYSTEM_LIBRARIES);
}

static void a_blank_in_the_path_of_our_libraries_is_no_obstacle(void** state) {
  (void)state;
  const char* prefix = installed_prefix("with blank");
  RUN(&outcome, WITH("POLLSHIM_LIBRARIES"), text("%s/with blank/bin/pollshim", prefix), "run",
      specimen("event-user"), "maps");
  remove_prefix(prefix);
  assert_int_equal(outcome.exit_code, 0);
  assert_contains(outcome.out, text("%s/with blank/lib/pollshim/libevent_core-2.1.so.7", prefix));
  assert_lacks(outcome.out, SYSTEM_LIBRARIES);
  assert_lacks(outcome.err, "ERROR");
}

static void a_colon_in_the_path_of_our_libraries_is_refused(void** state) {
  (void)state;
  const char* prefix = installed_prefix("with:colon");
  RUN(&outcome, WITH("POLLSHIM_LIBRARIES"), text("%s/with:colon/bin/pollshim", prefix), "run",
      specimen("event-user"), "maps");
  remove_prefix(prefix);
  assert_int_equal(outcome.exit_code, 116);
  assert_contains(outcome.err, "may not contain ':'");
  assert_string_equal(outcome.out, "");
}

static void an_existing_preload_is_kept_and_stays_first(void** state) {
  (void)state;
  RUN(&outcome, WITH(text("LD_PRELOAD=%s", specimen("lib/libpreload.so"))), built("bin/pollshim"),
      "run", specimen("event-user"), "maps", "environment", "LD_PRELOAD");
  assert_contains(outcome.err,
                  "preloaded\npreloaded\n"); /* once in the command, once in the program */
  expect_ours_alone("libevent_core-2.1.so.7");
  assert_contains(outcome.out,
                  text("LD_PRELOAD=%s:%s", specimen("lib/libpreload.so"), our_libraries()));
}

static void an_existing_library_path_is_kept_behind_ours(void** state) {
  (void)state;
  RUN(&outcome, WITH("LD_LIBRARY_PATH=/some/where:/else"), built("bin/pollshim"), "run",
      specimen("event-user"), "environment", "LD_LIBRARY_PATH");
  assert_contains(outcome.out, text("LD_LIBRARY_PATH=%s:/some/where:/else\n", our_libraries()));
}

static void a_run_inside_a_run_adds_nothing_twice(void** state) {
  (void)state;
  POLLSHIM(&outcome, "run", "--quiet", built("bin/pollshim"), "run", specimen("event-user"),
           "environment", "LD_LIBRARY_PATH", "environment", "LD_PRELOAD");
  assert_contains(outcome.out, text("LD_LIBRARY_PATH=%s\n", our_libraries()));
  const char* first = strstr(outcome.out, ours("libevent_core-2.1.so.7"));
  assert_non_null(first);
  assert_null(strstr(first + 1, ours("libevent_core-2.1.so.7")));
}

static void a_family_is_preloaded_whole_and_the_other_not_at_all(void** state) {
  (void)state;
  POLLSHIM(&outcome, "run", specimen("event-user"), "environment", "LD_PRELOAD");
  for (const char* const* soname =
           (const char* const[]){"libevent-2.1.so.7", "libevent_core-2.1.so.7",
                                 "libevent_extra-2.1.so.7", "libevent_pthreads-2.1.so.7", NULL};
       *soname != NULL; soname++) {
    assert_contains(outcome.out, ours(*soname));
  }
  assert_lacks(outcome.out, "libev.so.4");
  assert_lacks(outcome.out,
               "openssl"); /* it would bring libssl into programs that never asked for it */
}

static void a_backend_is_chosen_for_both_libraries(void** state) {
  (void)state;
  static const struct {
    const char *name, *number;
  } backends[] = {{"epoll", "4"}, {"poll", "2"}, {"select", "1"}};
  for (size_t i = 0; i < sizeof backends / sizeof backends[0]; i++) {
    const char* option = text("--backend=%s", backends[i].name);
    POLLSHIM(&outcome, "run", option, specimen("event-user"), "method");
    assert_contains(outcome.out, text("method %s\n", backends[i].name));
    POLLSHIM(&outcome, "run", option, specimen("ev-user"));
    assert_contains(outcome.out, text("backend %s\n", backends[i].number));
  }
}

static void the_views_options_become_its_variables(void** state) {
  (void)state;
  POLLSHIM(&outcome, "run", "--stats", "--stall=12.5", "--verbose", "--top", "/usr/bin/env");
  assert_contains(outcome.out, "\nPOLLSHIM_STATS=1\n");
  assert_contains(outcome.out, "\nPOLLSHIM_STALL_MS=12.5\n");
  assert_contains(outcome.out, "\nPOLLSHIM_VERBOSE=1\n");
  assert_contains(outcome.out, "\nPOLLSHIM_TOP=1\n");
}

static void a_statistics_file_is_named_from_here_and_begun_anew(void** state) {
  (void)state;
  char directory[] = "/tmp/swap.XXXXXX";
  assert_non_null(mkdtemp(directory));
  const char* file = text("%s/stats.json", directory);
  assert_int_equal(system(text("echo old >%s", file)), 0);
  RUN(&outcome, (&(struct circumstances){.directory = directory}), built("bin/pollshim"), "run",
      "--stats=stats.json", "/usr/bin/env");
  assert_contains(outcome.out, text("\nPOLLSHIM_STATS=%s\n", file));
  assert_int_not_equal(access(file, F_OK), 0);
  rmdir(directory);
}

static void a_statistics_file_that_is_a_device_or_a_link_is_left_alone(void** state) {
  (void)state;
  const char* link = text("/tmp/swap-link.%d", getpid());
  assert_int_equal(symlink("/dev/null", link), 0);
  POLLSHIM(&outcome, "run", text("--stats=%s", link), "/usr/bin/env");
  assert_int_equal(access(link, F_OK), 0);
  unlink(link);
}

static void a_program_with_missing_symbols_is_run_only_by_force(void** state) {
  (void)state;
  POLLSHIM(&outcome, "run", specimen("wants-future"));
  assert_int_equal(outcome.exit_code, 1);
  assert_contains(outcome.err, "event_of_the_future");
  assert_contains(outcome.err, "not run");
  POLLSHIM(&outcome, "run", "--force", specimen("wants-future-weakly"));
  assert_int_equal(outcome.exit_code, 5); /* it ran, with ours, and did not find the symbol */
}

static void what_check_refuses_run_refuses_with_the_same_code(void** state) {
  (void)state;
  static const struct {
    const char* specimen;
    int code;
  } refused[] = {{"static", 111},
                 {"set-uid", 112},
                 {"set-gid", 112},
                 {"foreign", 113},
                 {"user-of-libev.so.3", 114},
                 {"text", 115},
                 {"damaged", 115},
                 {"unexecutable", 126},
                 {"gone", 127},
                 {"orphan-script", 127}};
  for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
    POLLSHIM(&outcome, "run", specimen(refused[i].specimen));
    if (outcome.exit_code != refused[i].code)
      fail_msg("%s: %d\n%s", refused[i].specimen, outcome.exit_code, outcome.err);
    assert_int_equal(strncmp(outcome.err, "pollshim: ", 10), 0);
  }
}

static void a_program_that_the_kernel_refuses_is_said(void** state) {
  (void)state;
  int written_to = open(specimen("busy"), O_RDWR | O_CLOEXEC);
  assert_true(written_to >= 0);
  POLLSHIM(&outcome, "run", specimen("busy"));
  close(written_to);
  assert_int_equal(outcome.exit_code, 126);
  assert_contains(outcome.err, "pollshim: cannot run ");
  assert_contains(outcome.err, "Text file busy");
}

static void wrong_usage(void** state) {
  (void)state;
  static const struct {
    const char* argument;
    const char* why;
  } wrong[] = {{"--backend=kqueue", "no such backend: kqueue (there are epoll, poll, select)"},
               {"--stall=", "--stall wants a number of milliseconds, not ''"},
               {"--stall=-1", "not '-1'"},
               {"--stall=soon", "not 'soon'"},
               {"--stall", "pollshim: run: no such option: --stall"},
               {"--nothing", "pollshim: run: no such option: --nothing"},
               {"--", ""}};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    POLLSHIM(&outcome, "run", wrong[i].argument);
    assert_int_equal(outcome.exit_code, 2);
    assert_contains(outcome.err, "usage: pollshim run");
    assert_contains(outcome.err, wrong[i].why);
  }
}

const struct CMUnitTest run_tests[] = {
    cmocka_unit_test(ours_is_loaded_and_the_original_is_not),
    cmocka_unit_test(a_program_of_libev_as_well),
    cmocka_unit_test(a_library_between_program_and_libevent_gets_ours),
    cmocka_unit_test(an_rpath_to_the_originals_does_not_win),
    cmocka_unit_test(what_is_loaded_late_is_ours_too),
    cmocka_unit_test(a_program_with_nothing_to_replace_is_run_with_a_note),
    cmocka_unit_test(programs_started_by_the_program_get_ours),
    cmocka_unit_test(the_exit_status_passes_through),
    cmocka_unit_test(a_signal_that_ends_the_program_ends_it_so),
    cmocka_unit_test(the_program_takes_the_place_of_the_command),
    cmocka_unit_test(standard_input_passes_through),
    cmocka_unit_test(arguments_pass_through_untouched),
    cmocka_unit_test(two_dashes_end_the_options),
    cmocka_unit_test(a_program_is_looked_for_in_the_path_and_keeps_its_name),
    cmocka_unit_test(an_empty_item_of_the_path_is_the_working_directory),
    cmocka_unit_test(a_relative_path_from_any_directory),
    cmocka_unit_test(the_command_itself_by_relative_path_and_by_link),
    cmocka_unit_test(an_installed_command_finds_the_libraries_of_its_installation),
    cmocka_unit_test(a_blank_in_the_path_of_our_libraries_is_no_obstacle),
    cmocka_unit_test(a_colon_in_the_path_of_our_libraries_is_refused),
    cmocka_unit_test(an_existing_preload_is_kept_and_stays_first),
    cmocka_unit_test(an_existing_library_path_is_kept_behind_ours),
    cmocka_unit_test(a_run_inside_a_run_adds_nothing_twice),
    cmocka_unit_test(a_family_is_preloaded_whole_and_the_other_not_at_all),
    cmocka_unit_test(a_backend_is_chosen_for_both_libraries),
    cmocka_unit_test(the_views_options_become_its_variables),
    cmocka_unit_test(a_statistics_file_is_named_from_here_and_begun_anew),
    cmocka_unit_test(a_statistics_file_that_is_a_device_or_a_link_is_left_alone),
    cmocka_unit_test(a_program_with_missing_symbols_is_run_only_by_force),
    cmocka_unit_test(what_check_refuses_run_refuses_with_the_same_code),
    cmocka_unit_test(a_program_that_the_kernel_refuses_is_said),
    cmocka_unit_test(wrong_usage),
};
const size_t run_test_count = sizeof run_tests / sizeof run_tests[0];
