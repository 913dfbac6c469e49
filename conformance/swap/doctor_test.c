/*
 * `pollshim doctor`: it proves a swap, and says so when it cannot.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conformance/swap/swap_test.h"

static struct outcome outcome;

static void a_healthy_installation_is_proven_library_by_library(void** state) {
  (void)state;
  POLLSHIM(&outcome, "doctor");
  if (outcome.exit_code != 0) fail_msg("%s%s", outcome.out, outcome.err);
  assert_contains(outcome.out, "epoll_pwait2");
  assert_contains(
      outcome.out,
      "  libevent-2.1.so.7            libevent 2.1.12-stable, swapped, one event delivered\n");
  assert_contains(outcome.out,
                  "  libev.so.4                   libev 4.33, swapped, one event delivered\n");
  assert_contains(outcome.out, "\nall well\n");
}

/* A copy of our libraries in which one can be spoilt. */
static const char* spoilt(const char* how) {
  char* directory = text("/tmp/swap-spoilt.XXXXXX");
  assert_non_null(mkdtemp(directory));
  assert_int_equal(
      system(text("cp -a %s/. %s && cd %s && %s", our_libraries(), directory, directory, how)), 0);
  RUN(&outcome, WITH(text("POLLSHIM_LIBRARIES=%s", directory)), built("bin/pollshim"), "doctor");
  assert_int_equal(system(text("rm -r %s", directory)), 0);
  return directory;
}

static void a_missing_library_is_not_well(void** state) {
  (void)state;
  spoilt("rm libev.so.4");
  assert_int_equal(outcome.exit_code, 119);
  assert_contains(outcome.out, "libev.so.4                   missing");
  assert_contains(outcome.out, "not all well");
}

static void a_build_without_tls_is_well_and_says_so(void** state) {
  (void)state;
  spoilt("rm -f libevent_openssl-2.1.so.7");
  assert_int_equal(outcome.exit_code, 0);
  assert_contains(outcome.out, "libevent_openssl-2.1.so.7    not in this build");
}

static void a_damaged_library_is_not_well(void** state) {
  (void)state;
  spoilt("head -c 5000 libev.so.4 >x && mv x libev.so.4");
  assert_int_equal(outcome.exit_code, 119);
  assert_contains(outcome.out, "not all well");
  spoilt("echo text >libev.so.4");
  assert_int_equal(outcome.exit_code, 119);
  assert_contains(outcome.out, "cannot be loaded: ");
}

static void no_libraries_at_all(void** state) {
  (void)state;
  RUN(&outcome, WITH("POLLSHIM_LIBRARIES=/etc"), built("bin/pollshim"), "doctor");
  assert_int_equal(outcome.exit_code, 116);
}

static void wrong_usage(void** state) {
  (void)state;
  POLLSHIM(&outcome, "doctor", "who");
  assert_int_equal(outcome.exit_code, 2);
  assert_contains(outcome.err, "usage: pollshim doctor");
}

const struct CMUnitTest doctor_tests[] = {
    cmocka_unit_test(a_healthy_installation_is_proven_library_by_library),
    cmocka_unit_test(a_missing_library_is_not_well),
    cmocka_unit_test(a_build_without_tls_is_well_and_says_so),
    cmocka_unit_test(a_damaged_library_is_not_well),
    cmocka_unit_test(no_libraries_at_all),
    cmocka_unit_test(wrong_usage),
};
const size_t doctor_test_count = sizeof doctor_tests / sizeof doctor_tests[0];
