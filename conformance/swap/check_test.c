/*
 * `pollshim check`: what it finds, what it refuses, and with which exit code. The codes are those
 * of pollshim(1).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "conformance/swap/swap_test.h"

static struct outcome outcome;

/* imports, there, missing of a SONAME's row */
static void expect_row(const char* soname, unsigned* imports, unsigned* there, unsigned* missing) {
  const char* row = strstr(outcome.out, text("  %s ", soname));
  if (row == NULL) fail_msg("no row for %s in:\n%s%s", soname, outcome.out, outcome.err);
  assert_int_equal(sscanf(row + 2 + strlen(soname), " %u %u %u", imports, there, missing), 3);
}

static void lists_what_is_replaced_and_counts_the_imports(void** state) {
  (void)state;
  unsigned imports, there, missing;
  POLLSHIM(&outcome, "check", specimen("event-user"));
  assert_int_equal(outcome.exit_code, 0);
  expect_row("libevent_core-2.1.so.7", &imports, &there, &missing);
  assert_int_equal(imports, 7); /* base_new, new, add, dispatch, get_method, free, base_free */
  assert_int_equal(there, 7);
  assert_int_equal(missing, 0);
  assert_contains(outcome.out, ours("libevent_core-2.1.so.7"));
  assert_string_equal(outcome.err, "");
}

static void finds_a_program_in_the_path(void** state) {
  (void)state;
  const char* path = text("PATH=/nowhere:%s", specimen("bin"));
  RUN(&outcome, WITH(path), built("bin/pollshim"), "check", "event-user-in-path");
  assert_int_equal(outcome.exit_code, 0);
  assert_contains(outcome.out, "libevent_core-2.1.so.7");
}

static void looks_into_the_libraries_of_the_program(void** state) {
  (void)state;
  unsigned imports, there, missing;
  POLLSHIM(&outcome, "check", specimen("outer"));
  assert_int_equal(outcome.exit_code, 0);
  expect_row("libevent_core-2.1.so.7", &imports, &there, &missing);
  assert_int_equal(imports, 1);
  assert_contains(outcome.out, "needed by");
  assert_contains(outcome.out, "/lib/libmiddle.so");
}

static void counts_data_that_the_program_copies_as_an_import(void** state) {
  (void)state;
  unsigned plain, copied, there, missing;
  POLLSHIM(&outcome, "check", specimen("ev-user"));
  expect_row("libev.so.4", &plain, &there, &missing);
  POLLSHIM(&outcome, "check", specimen("ev-copy-user"));
  assert_int_equal(outcome.exit_code, 0);
  expect_row("libev.so.4", &copied, &there, &missing);
  assert_int_equal(copied, plain);
  assert_int_equal(there, plain);
}

static void a_function_of_the_programs_own_is_no_import(void** state) {
  (void)state;
  unsigned imports, there, missing;
  POLLSHIM(&outcome, "check", specimen("own-function"));
  assert_int_equal(outcome.exit_code, 0);
  expect_row("libevent_core-2.1.so.7", &imports, &there, &missing);
  assert_int_equal(imports, 1);
}

static void names_a_missing_symbol_and_who_imports_it(void** state) {
  (void)state;
  unsigned imports, there, missing;
  POLLSHIM(&outcome, "check", specimen("wants-future"));
  assert_int_equal(outcome.exit_code, 1);
  expect_row("libevent_core-2.1.so.7", &imports, &there, &missing);
  assert_int_equal(imports, 1);
  assert_int_equal(missing, 1);
  assert_contains(outcome.err,
                  text("missing from libevent_core-2.1.so.7: event_of_the_future, imported by %s",
                       specimen("wants-future")));
}

static void a_weak_import_that_nobody_has_is_not_missing(void** state) {
  (void)state;
  unsigned imports, there, missing;
  POLLSHIM(&outcome, "check", specimen("wants-future-weakly"));
  assert_int_equal(outcome.exit_code, 0);
  expect_row("libevent_core-2.1.so.7", &imports, &there, &missing);
  assert_int_equal(missing, 0);
}

static void a_library_of_the_family_that_we_lack_is_missing(void** state) {
  (void)state;
  char directory[] = "/tmp/swap.XXXXXX";
  assert_non_null(mkdtemp(directory));
  const char* only = text("%s/libev.so.4", directory);
  assert_int_equal(symlink(ours("libev.so.4"), only), 0);
  RUN(&outcome, WITH(text("POLLSHIM_LIBRARIES=%s", directory)), built("bin/pollshim"), "check",
      specimen("event-user"));
  unlink(only);
  rmdir(directory);
  assert_int_equal(outcome.exit_code, 1);
  assert_contains(outcome.out, "not replaced");
  assert_contains(outcome.err, "there is no libevent_core-2.1.so.7 in");
}

static void a_script_is_followed_to_its_interpreter(void** state) {
  (void)state;
  POLLSHIM(&outcome, "check", specimen("script"));
  assert_int_equal(outcome.exit_code, 110);
  assert_contains(outcome.out, "a script, run by /bin/sh");
  assert_contains(outcome.err, "nothing to replace: neither /bin/sh nor");
}

static void a_script_that_asks_env_is_followed_to_what_env_finds(void** state) {
  (void)state;
  RUN(&outcome, WITH("PATH=/usr/bin:/bin"), built("bin/pollshim"), "check", specimen("env-script"));
  assert_int_equal(outcome.exit_code, 110);
  assert_contains(outcome.out, "a script, run by /usr/bin/sh");
}

static void a_script_without_its_interpreter_is_no_program(void** state) {
  (void)state;
  POLLSHIM(&outcome, "check", specimen("orphan-script"));
  assert_int_equal(outcome.exit_code, 127);
  assert_contains(outcome.err, "/no/such/interpreter");
  assert_contains(outcome.err, "is the interpreter of the script");
}

static void a_script_of_a_static_interpreter_is_static(void** state) {
  (void)state;
  POLLSHIM(&outcome, "check", specimen("static-script"));
  assert_int_equal(outcome.exit_code, 111);
  assert_contains(outcome.err, "is the interpreter of the script");
}

static void a_program_without_either_library_has_nothing_to_replace(void** state) {
  (void)state;
  POLLSHIM(&outcome, "check", specimen("nothing"));
  assert_int_equal(outcome.exit_code, 110);
  assert_contains(outcome.err, "nothing to replace");
}

static void a_program_that_does_not_exist(void** state) {
  (void)state;
  POLLSHIM(&outcome, "check", "/no/such/program");
  assert_int_equal(outcome.exit_code, 127);
  assert_contains(outcome.err, "no such program: /no/such/program");
  POLLSHIM(&outcome, "check", "no-such-program-in-path");
  assert_int_equal(outcome.exit_code, 127);
  assert_contains(outcome.err, "no-such-program-in-path is not in PATH");
  POLLSHIM(&outcome, "check", "");
  assert_int_equal(outcome.exit_code, 127);
}

static void a_directory_and_a_file_without_permission_are_no_programs(void** state) {
  (void)state;
  POLLSHIM(&outcome, "check", "/etc");
  assert_int_equal(outcome.exit_code, 126);
  assert_contains(outcome.err, "it is a directory");
  POLLSHIM(&outcome, "check", specimen("unexecutable"));
  assert_int_equal(outcome.exit_code, 126);
  assert_contains(outcome.err, "it is not executable");
}

static void a_static_program(void** state) {
  (void)state;
  POLLSHIM(&outcome, "check", specimen("static"));
  assert_int_equal(outcome.exit_code, 111);
  assert_contains(outcome.err, "is linked statically");
}

static void a_set_uid_or_set_gid_program(void** state) {
  (void)state;
  POLLSHIM(&outcome, "check", specimen("set-uid"));
  assert_int_equal(outcome.exit_code, 112);
  assert_contains(outcome.err, "is set-uid: the loader ignores LD_PRELOAD");
  POLLSHIM(&outcome, "check", specimen("set-gid"));
  assert_int_equal(outcome.exit_code, 112);
  assert_contains(outcome.err, "is set-gid");
}

static void a_program_with_file_capabilities(void** state) {
  (void)state;
  /* Version 2, cap_net_raw permitted, as setcap(8) writes it. */
  static const unsigned char capability[20] = {1, 0, 0, 2, 0, 0x20};
  if (setxattr(specimen("capable"), "security.capability", capability, sizeof capability, 0) != 0) {
    harness_unsupported("file capabilities (root, and a file system that keeps them)");
  }
  POLLSHIM(&outcome, "check", specimen("capable"));
  removexattr(specimen("capable"), "security.capability");
  assert_int_equal(outcome.exit_code, 112);
  assert_contains(outcome.err, "given file capabilities");
}

static void a_program_of_another_architecture(void** state) {
  (void)state;
  POLLSHIM(&outcome, "check", specimen("foreign"));
  assert_int_equal(outcome.exit_code, 113);
  assert_contains(outcome.err, "is a program for aarch64; our libraries in");
}

static void a_program_of_another_c_library(void** state) {
  (void)state;
  POLLSHIM(&outcome, "check", specimen("musl"));
  assert_int_equal(outcome.exit_code, 113);
  assert_contains(outcome.err, "/lib/ld-musl-x86_64.so.1");
}

static void a_program_of_another_series(void** state) {
  (void)state;
  static const char* const sonames[] = {"libevent-2.0.so.5", "libevent_core-2.2.so.1",
                                        "libev.so.3"};
  for (size_t i = 0; i < sizeof sonames / sizeof sonames[0]; i++) {
    POLLSHIM(&outcome, "check", specimen(text("user-of-%s", sonames[i])));
    assert_int_equal(outcome.exit_code, 114);
    assert_contains(outcome.err, text("%s, needed by", sonames[i]));
    assert_contains(outcome.err, "another series");
  }
}

static void what_is_neither_program_nor_script(void** state) {
  (void)state;
  POLLSHIM(&outcome, "check", specimen("text"));
  assert_int_equal(outcome.exit_code, 115);
  assert_contains(outcome.err, "neither an ELF program nor a script");
  POLLSHIM(&outcome, "check", specimen("damaged"));
  assert_int_equal(outcome.exit_code, 115);
  assert_contains(outcome.err, "damaged ELF file");
}

static void a_shared_library_is_no_program(void** state) {
  (void)state;
  POLLSHIM(&outcome, "check", built("lib/pollshim/libnetpoll.so.1"));
  assert_int_equal(outcome.exit_code, 126);
  assert_contains(outcome.err, "is a shared library, not a program");
}

static void scripts_that_name_each_other_come_to_an_end(void** state) {
  (void)state;
  POLLSHIM(&outcome, "check", specimen("circle-script"));
  assert_int_equal(outcome.exit_code, 115);
  assert_contains(outcome.err, "too many interpreters of interpreters");
}

/* As root, without what lets root read everything. */
static void a_program_that_may_be_run_but_not_read(void** state) {
  (void)state;
  if (geteuid() == 0) {
    RUN(&outcome, NULL, "/usr/bin/setpriv", "--bounding-set=-dac_override,-dac_read_search",
        built("bin/pollshim"), "check", specimen("unreadable"));
  } else {
    POLLSHIM(&outcome, "check", specimen("unreadable"));
  }
  assert_int_equal(outcome.exit_code, 125);
  assert_contains(outcome.err, "cannot read");
  assert_contains(outcome.err, "Permission denied");
}

static void our_own_libraries_are_no_libraries(void** state) {
  (void)state;
  RUN(&outcome, WITH(text("POLLSHIM_LIBRARIES=%s", specimen("no-libraries"))),
      built("bin/pollshim"), "check", specimen("event-user"));
  assert_int_equal(outcome.exit_code, 116);
  assert_contains(outcome.err, "no-libraries cannot be read");
}

static void our_own_libraries_are_not_there(void** state) {
  (void)state;
  RUN(&outcome, WITH("POLLSHIM_LIBRARIES=/etc"), built("bin/pollshim"), "check",
      specimen("event-user"));
  assert_int_equal(outcome.exit_code, 116);
  assert_contains(outcome.err, "no library of ours in POLLSHIM_LIBRARIES=/etc");
}

static void a_library_that_has_gone(void** state) {
  (void)state;
  POLLSHIM(&outcome, "check", specimen("loser"));
  assert_int_equal(outcome.exit_code, 117);
  assert_contains(outcome.err, "not found: liblost.so, needed by");
}

static void wrong_usage(void** state) {
  (void)state;
  static const char* const wrong[][2] = {
      {"check", NULL}, {"check", "--what"}, {"--what", NULL}, {"chekc", "x"}};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    POLLSHIM(&outcome, wrong[i][0], wrong[i][1]);
    assert_int_equal(outcome.exit_code, 2);
    assert_contains(outcome.err, "usage: pollshim");
  }
  assert_contains(outcome.err, "no such subcommand: chekc");
  RUN(&outcome, NULL, built("bin/pollshim"), "check", "a", "b");
  assert_int_equal(outcome.exit_code, 2);
  RUN(&outcome, NULL, built("bin/pollshim"));
  assert_int_equal(outcome.exit_code, 2);
}

static void version_and_help(void** state) {
  (void)state;
  POLLSHIM(&outcome, "--version");
  assert_int_equal(outcome.exit_code, 0);
  assert_int_equal(strncmp(outcome.out, "pollshim ", 9), 0);
  POLLSHIM(&outcome, "--help");
  assert_int_equal(outcome.exit_code, 0);
  assert_contains(outcome.out, "usage: pollshim run");
  assert_string_equal(outcome.err, "");
}

const struct CMUnitTest check_tests[] = {
    cmocka_unit_test(lists_what_is_replaced_and_counts_the_imports),
    cmocka_unit_test(finds_a_program_in_the_path),
    cmocka_unit_test(looks_into_the_libraries_of_the_program),
    cmocka_unit_test(counts_data_that_the_program_copies_as_an_import),
    cmocka_unit_test(a_function_of_the_programs_own_is_no_import),
    cmocka_unit_test(names_a_missing_symbol_and_who_imports_it),
    cmocka_unit_test(a_weak_import_that_nobody_has_is_not_missing),
    cmocka_unit_test(a_library_of_the_family_that_we_lack_is_missing),
    cmocka_unit_test(a_script_is_followed_to_its_interpreter),
    cmocka_unit_test(a_script_that_asks_env_is_followed_to_what_env_finds),
    cmocka_unit_test(a_script_without_its_interpreter_is_no_program),
    cmocka_unit_test(a_script_of_a_static_interpreter_is_static),
    cmocka_unit_test(a_program_without_either_library_has_nothing_to_replace),
    cmocka_unit_test(a_program_that_does_not_exist),
    cmocka_unit_test(a_directory_and_a_file_without_permission_are_no_programs),
    cmocka_unit_test(a_static_program),
    cmocka_unit_test(a_set_uid_or_set_gid_program),
    cmocka_unit_test(a_program_with_file_capabilities),
    cmocka_unit_test(a_program_of_another_architecture),
    cmocka_unit_test(a_program_of_another_c_library),
    cmocka_unit_test(a_program_of_another_series),
    cmocka_unit_test(what_is_neither_program_nor_script),
    cmocka_unit_test(a_shared_library_is_no_program),
    cmocka_unit_test(scripts_that_name_each_other_come_to_an_end),
    cmocka_unit_test(a_program_that_may_be_run_but_not_read),
    cmocka_unit_test(our_own_libraries_are_no_libraries),
    cmocka_unit_test(our_own_libraries_are_not_there),
    cmocka_unit_test(a_library_that_has_gone),
    cmocka_unit_test(wrong_usage),
    cmocka_unit_test(version_and_help),
};
const size_t check_test_count = sizeof check_tests / sizeof check_tests[0];
