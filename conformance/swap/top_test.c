/*
 * `pollshim top`, looking at the fake loop of the view's own tests (fake_loop.cc), whose turns are
 * known.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conformance/swap/publisher.h"
#include "conformance/swap/swap_test.h"

static struct outcome outcome;

static void start(struct publisher* publisher, const char* first, const char* second) {
  const char* const arguments[] = {built("bin/fake-loop"), "hold", first, second, NULL};
  publisher_start(publisher, arguments);
}

static void top(const struct publisher* publisher, const char* first, const char* second) {
  RUN(&outcome, WITH(text("POLLSHIM_TOP=%s", publisher->directory)), built("bin/pollshim"), "top",
      first, second);
}

static void shows_a_busy_loop_its_rates_and_its_slowest_callback(void** state) {
  (void)state;
  struct publisher publisher;
  start(&publisher, "work=4", "loops=2");
  RUN(&outcome, WITH(text("POLLSHIM_TOP=%s", publisher.directory)), built("bin/pollshim"), "top",
      "--once", "--interval=0.5", text("%d", publisher.pid));
  publisher_let_go(&publisher);
  rmdir(publisher.directory);
  assert_int_equal(outcome.exit_code, 0);
  assert_contains(outcome.out, text("fake-loop[%d]  fake 1.0", publisher.pid));
  double turns = 0, events = 0, wakes = 0, written = 0, kernel = 0, timers = 0, waiting = 0,
         busy = 0;
  assert_int_equal(
      sscanf(strstr(outcome.out, "\n    1 nothing"), " 1 nothing %lf %lf %lf %lf %lf %lf %lf %lf",
             &turns, &events, &wakes, &written, &kernel, &timers, &waiting, &busy),
      8);
  assert_true(turns > 5 && turns < 201); /* each takes five milliseconds at the least */
  assert_true(busy > 40 && busy <= 100);
  assert_true(waiting > 0 && waiting < 60);
  assert_int_equal(sscanf(strstr(outcome.out, "\n    2 nothing"), " 2 nothing %lf", &turns), 1);
  assert_true(turns < 0.5); /* this one has stopped */
  assert_contains(outcome.out, "  quick_callback\n");
}

static void without_a_process_lists_who_publishes(void** state) {
  (void)state;
  struct publisher publisher;
  start(&publisher, "loops=1", NULL);
  top(&publisher, NULL, NULL);
  publisher_let_go(&publisher);
  assert_int_equal(outcome.exit_code, 0);
  assert_contains(outcome.out, text("%d  fake       fake-loop\n", publisher.pid));
  top(&publisher, NULL, NULL);
  assert_int_equal(outcome.exit_code, 118);
  assert_contains(outcome.err, "no program publishes its loops");
  assert_int_equal(rmdir(publisher.directory), 0); /* the file went with its process */
}

static void goes_on_until_the_process_ends(void** state) {
  (void)state;
  struct publisher publisher;
  start(&publisher, "loops=1", NULL);
  int status = 0;
  pid_t helper = fork();
  if (helper == 0) { /* lets go after three pictures at the earliest */
    usleep(700000);
    kill(publisher.pid, SIGKILL);
    _exit(0);
  }
  /* The publisher is our child: until it is reaped it still counts as running, so it is reaped from
   * another process. */
  pid_t reaper = fork();
  if (reaper == 0) {
    top(&publisher, "--interval=0.1", text("%d", publisher.pid));
    size_t pictures = 0;
    for (const char* at = outcome.out; (at = strstr(at, " loop backend")) != NULL; at++)
      pictures++;
    _exit(outcome.exit_code == 0 && pictures >= 3 && strstr(outcome.out, "has ended") != NULL ? 0
                                                                                              : 1);
  }
  waitpid(publisher.pid, &status, 0);
  waitpid(helper, NULL, 0);
  assert_int_equal(waitpid(reaper, &status, 0), reaper);
  assert_int_equal(status, 0);
  /* Killed, so its page is still there; the next look clears it away. */
  top(&publisher, NULL, NULL);
  assert_int_equal(outcome.exit_code, 118);
  assert_int_equal(rmdir(publisher.directory), 0);
}

static void a_forked_loop_has_a_page_of_its_own(void** state) {
  (void)state;
  struct publisher publisher;
  start(&publisher, "loops=1", "fork-hold");
  top(&publisher, NULL, NULL);
  size_t lines = 0;
  for (const char* at = outcome.out; (at = strchr(at, '\n')) != NULL; at++)
    lines++;
  publisher_let_go(&publisher);
  assert_int_equal(lines, 2);
  assert_int_equal(rmdir(publisher.directory), 0);
}

static void a_process_that_publishes_nothing_and_one_that_is_not(void** state) {
  (void)state;
  POLLSHIM(&outcome, "top", text("%d", getpid()));
  assert_int_equal(outcome.exit_code, 118);
  assert_contains(outcome.err, "publishes no page");
  POLLSHIM(&outcome, "top", "999999999");
  assert_int_equal(outcome.exit_code, 118);
  assert_contains(outcome.err, "no such process: 999999999");
}

static void a_file_that_is_no_page_is_refused(void** state) {
  (void)state;
  char directory[] = "/tmp/top.XXXXXX";
  assert_non_null(mkdtemp(directory));
  const char* pid = text("%d", getpid());
  for (const char* const* how = (const char* const[]){"printf short", "head -c 100000 /dev/zero",
                                                      "yes PSHIMTOP | head -c 100000", NULL};
       *how != NULL; how++) {
    assert_int_equal(system(text("%s >%s/pollshim-top.%s.x", *how, directory, pid)), 0);
    RUN(&outcome, WITH(text("POLLSHIM_TOP=%s", directory)), built("bin/pollshim"), "top", "--once",
        pid);
    assert_int_equal(outcome.exit_code, 118);
    assert_contains(outcome.err, "not a page of this version");
  }
  assert_int_equal(system(text("rm -r %s", directory)), 0);
}

static void wrong_usage(void** state) {
  (void)state;
  static const char* const wrong[] = {
      "x", "-1", "0", "", "--interval=0", "--interval=x", "--what", "99999999999"};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    POLLSHIM(&outcome, "top", wrong[i]);
    assert_int_equal(outcome.exit_code, 2);
    assert_contains(outcome.err, "usage: pollshim top");
  }
}

const struct CMUnitTest top_tests[] = {
    cmocka_unit_test(shows_a_busy_loop_its_rates_and_its_slowest_callback),
    cmocka_unit_test(without_a_process_lists_who_publishes),
    cmocka_unit_test(goes_on_until_the_process_ends),
    cmocka_unit_test(a_forked_loop_has_a_page_of_its_own),
    cmocka_unit_test(a_process_that_publishes_nothing_and_one_that_is_not),
    cmocka_unit_test(a_file_that_is_no_page_is_refused),
    cmocka_unit_test(wrong_usage),
};
const size_t top_test_count = sizeof top_tests / sizeof top_tests[0];
