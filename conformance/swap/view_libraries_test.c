/*
 * The view into real loops of our libraries, whose work is known (event_worker.c, ev_worker.c): the
 * figures are theirs, the names are their callbacks', and without the variables nothing is said.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conformance/swap/publisher.h"
#include "conformance/swap/swap_test.h"

static struct outcome outcome;

struct row {
  unsigned turns, waits, asked, written, added, changed, removed, events, stale, timers;
  double waiting, busy, longest;
};

static struct row run_with_statistics(const char* worker, const char* backend) {
  struct row row;
  POLLSHIM(&outcome, "run", "--stats", specimen(worker));
  assert_int_equal(outcome.exit_code, 0);
  const char* line = strstr(outcome.err, text("\n    1 %s", backend));
  if (line == NULL) fail_msg("no loop on %s in:\n%s", backend, outcome.err);
  assert_int_equal(
      sscanf(line, " 1 %*s %u %u %u %u %u %u %u %u %u %u %lf %lf %lf", &row.turns, &row.waits,
             &row.asked, &row.written, &row.added, &row.changed, &row.removed, &row.events,
             &row.stale, &row.timers, &row.waiting, &row.busy, &row.longest),
      13);
  return row;
}

static void expect_figures(const char* worker) {
  struct row row = run_with_statistics(worker, "epoll");
  assert_true(row.turns >= 5 && row.turns <= 30);
  assert_true(row.waits >= 5 && row.waits <= row.turns);
  assert_true(row.asked >= 3 && row.asked <= 10);
  assert_true(row.written >= 1 && row.written <= row.asked);
  assert_true(row.added >= 1);
  assert_int_equal(row.changed, 0);
  assert_int_equal(row.stale, 0);
  assert_true(row.events >= 10 &&
              row.events <=
                  20); /* five reads, two timers, three wakes, and what a library counts beside */
  assert_int_equal(row.timers, 2);
  assert_true(row.waiting >= 0.4);
  assert_true(row.busy >= 0.24);
  assert_true(row.longest >= 120);
  assert_contains(outcome.err, "  stalling_callback\n");
  assert_contains(outcome.err, " 5  reading_callback (");
  assert_contains(outcome.err, " 3  woken_callback (");
}

/* The number that stands after this name. */
static long figure_in(const char* json, const char* name) {
  const char* found = strstr(json, text("\"%s\":", name));
  if (found == NULL) fail_msg("no %s in:\n%s", name, json);
  return strtol(strchr(found, ':') + 1, NULL, 10);
}

/* The same figures for programs. */
static void expect_json(const char* worker, const char* engine) {
  static char json[65536];
  char directory[] = "/tmp/view.XXXXXX";
  assert_non_null(mkdtemp(directory));
  const char* file = text("%s/stats.json", directory);
  POLLSHIM(&outcome, "run", text("--stats=%s", file), specimen(worker));
  assert_int_equal(outcome.exit_code, 0);
  assert_string_equal(outcome.err, "");
  read_whole(file, json, sizeof json);
  RUN(&outcome, NULL, "/usr/bin/python3", "-m", "json.tool", file);
  assert_int_equal(outcome.exit_code, 0);
  assert_int_equal(unlink(file), 0);
  assert_int_equal(rmdir(directory), 0);
  assert_contains(json, text("\"engine\":\"%s\"", engine));
  assert_contains(json, text("\"program\":\"%s\"", worker));
  assert_contains(json, "\"backend\":\"epoll\"");
  assert_contains(json, "\"callback\":\"stalling_callback\"");
  assert_int_equal(figure_in(json, "timers_fired"), 2);
  assert_true(figure_in(json, "events_delivered") >= 10);
  assert_true(figure_in(json, "callback_ns") >= 240000000);
  assert_true(figure_in(json, "waiting_ns") >= 400000000);
}

static void expect_stalls(const char* worker, const char* library) {
  POLLSHIM(&outcome, "run", "--stall=100", specimen(worker));
  assert_int_equal(outcome.exit_code, 0);
  const char* first =
      strstr(outcome.err, text("%s loop 1: stalling_callback (%s+0x", library, worker));
  assert_non_null(first);
  assert_non_null(strstr(first + 1, "stalling_callback"));
  double ran = 0;
  assert_int_equal(sscanf(strstr(first, " ran "), " ran %lf ms (limit 100.000 ms)", &ran), 1);
  assert_true(ran >= 120);
}

static void expect_load_line(const char* worker, const char* library, const char* soname) {
  POLLSHIM(&outcome, "run", "--verbose", specimen(worker));
  assert_int_equal(outcome.exit_code, 0);
  assert_contains(outcome.err, text("%s in %s[", library, worker));
  assert_contains(outcome.err, soname);
  assert_contains(outcome.err, "backend epoll\n");
  POLLSHIM(&outcome, "run", "--verbose", "--backend=poll", specimen(worker));
  assert_contains(outcome.err, "backend poll\n");
}

static void expect_silence(const char* worker) {
  POLLSHIM(&outcome, "run", specimen(worker));
  assert_int_equal(outcome.exit_code, 0);
  assert_string_equal(outcome.out, "");
  assert_string_equal(outcome.err, "");
}

static void expect_to_be_watched(const char* worker, const char* library) {
  struct publisher publisher;
  const char* const arguments[] = {built("bin/pollshim"), "run", specimen(worker), "busy", NULL};
  double turns = 0, events = 0, wakes, written, kernel, timers = 0, waiting = 0, busy = 0;
  publisher_start(&publisher, arguments);
  const char* place = text("POLLSHIM_TOP=%s", publisher.directory);
  const char* pid = text("%d", publisher.pid);
  RUN(&outcome, WITH(place), built("bin/pollshim"), "top", "--once", "--interval=0.5", pid);
  publisher_let_go(&publisher);
  assert_int_equal(rmdir(publisher.directory), 0); /* the page went with its process */
  assert_int_equal(outcome.exit_code, 0);
  assert_contains(outcome.out, text("%s[%s]  %s", worker, pid, library));
  const char* line = strstr(outcome.out, "\n    1 epoll");
  assert_non_null(line);
  assert_int_equal(sscanf(line, " 1 epoll %lf %lf %lf %lf %lf %lf %lf %lf", &turns, &events, &wakes,
                          &written, &kernel, &timers, &waiting, &busy),
                   8);
  assert_true(turns > 1 && turns < 251); /* a callback takes four milliseconds at the least */
  assert_true(events > 1 && events < 251);
  assert_int_equal(timers, 1);
  assert_true(busy > 10 && busy <= 100);
  assert_true(waiting < 90);
  assert_contains(outcome.out, "  working_callback");
}

static void libevent_counts_what_its_loop_did(void** state) {
  (void)state;
  expect_figures("event-worker");
}
static void libevent_counts_for_programs_as_well(void** state) {
  (void)state;
  expect_json("event-worker", "libevent");
}
static void libevent_reports_stalls_by_name(void** state) {
  (void)state;
  expect_stalls("event-worker", "libevent");
}
static void libevent_is_watched_while_it_works(void** state) {
  (void)state;
  expect_to_be_watched("event-worker", "libevent 2.1.12-stable");
}
static void libevent_says_a_line_at_load(void** state) {
  (void)state;
  expect_load_line("event-worker", "libevent 2.1.12-stable", "libevent-2.1.so.7");
}
static void libevent_is_silent_unless_asked(void** state) {
  (void)state;
  expect_silence("event-worker");
}
static void libev_counts_what_its_loop_did(void** state) {
  (void)state;
  expect_figures("ev-worker");
}
static void libev_counts_for_programs_as_well(void** state) {
  (void)state;
  expect_json("ev-worker", "libev");
}
static void libev_reports_stalls_by_name(void** state) {
  (void)state;
  expect_stalls("ev-worker", "libev");
}
static void libev_is_watched_while_it_works(void** state) {
  (void)state;
  expect_to_be_watched("ev-worker", "libev 4.33");
}
static void libev_says_a_line_at_load(void** state) {
  (void)state;
  expect_load_line("ev-worker", "libev 4.33", "libev.so.4");
}
static void libev_is_silent_unless_asked(void** state) {
  (void)state;
  expect_silence("ev-worker");
}

int main(int argc, char** argv) {
  static const struct CMUnitTest tests[] = {
      cmocka_unit_test(libevent_counts_what_its_loop_did),
      cmocka_unit_test(libevent_counts_for_programs_as_well),
      cmocka_unit_test(libevent_reports_stalls_by_name),
      cmocka_unit_test(libevent_is_watched_while_it_works),
      cmocka_unit_test(libevent_says_a_line_at_load),
      cmocka_unit_test(libevent_is_silent_unless_asked),
      cmocka_unit_test(libev_counts_what_its_loop_did),
      cmocka_unit_test(libev_counts_for_programs_as_well),
      cmocka_unit_test(libev_reports_stalls_by_name),
      cmocka_unit_test(libev_is_watched_while_it_works),
      cmocka_unit_test(libev_says_a_line_at_load),
      cmocka_unit_test(libev_is_silent_unless_asked),
  };
  return harness_main(argc, argv, tests, sizeof tests / sizeof tests[0]);
}
