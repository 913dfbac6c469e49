/*
 * ev_stat: changes of a path, noticed through inotify where that works and by polling where it does
 * not.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conformance/ev/groups.h"

static char directory[] = "/tmp/ev-stat-XXXXXX";
static char path[64];
static int calls;

static void remove_directory(void) {
  unlink(path);
  rmdir(directory);
}

static void name_a_path(void) {
  assert_non_null(mkdtemp(directory));
  snprintf(path, sizeof path, "%s/file", directory);
  atexit(remove_directory);
}

static void write_file(const char* text) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
  close(fd);
}

static void count_stat(EV_P_ ev_stat* w, int revents) {
  (void)loop;
  assert_int_equal(revents, EV_STAT);
  assert_true(memcmp(&w->prev, &w->attr, sizeof w->attr) != 0);
  ++calls;
}

static void the_start_fills_in_the_attributes(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_stat watcher;
  name_a_path();
  write_file("12345");
  ev_stat_init(&watcher, count_stat, path, 0.);
  assert_int_equal(watcher.wd, -2);
  ev_stat_start(loop, &watcher);
  assert_int_equal(watcher.attr.st_size, 5);
  assert_true(watcher.attr.st_nlink > 0);
  assert_string_equal(watcher.path, path);
  ev_stat_stop(loop, &watcher);
  assert_false(ev_is_active(&watcher));
  ev_loop_destroy(loop);
}

static void a_change_of_the_file_is_reported(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_stat watcher;
  name_a_path();
  write_file("1");
  ev_stat_init(&watcher, count_stat, path, 0.);
  ev_stat_start(loop, &watcher);
  ev_run(loop, EVRUN_NOWAIT);
  assert_int_equal(calls, 0);
  write_file("12345678");
  assert_true(run_until(loop, &calls, 1));
  for (int i = 0; i < 5; ++i) {
    ev_run(loop, EVRUN_NOWAIT); /* truncating and writing may come as two */
  }
  assert_int_equal(watcher.attr.st_size, 8);
  ev_stat_stop(loop, &watcher);
  ev_loop_destroy(loop);
}

static void a_file_that_appears_is_reported(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_stat watcher;
  name_a_path();
  ev_stat_init(&watcher, count_stat, path, 0.);
  ev_stat_start(loop, &watcher);
  assert_int_equal(watcher.attr.st_nlink, 0);
  ev_run(loop, EVRUN_NOWAIT);
  assert_int_equal(calls, 0);
  write_file("x");
  assert_true(run_until(loop, &calls, 1));
  assert_int_equal(watcher.prev.st_nlink, 0);
  assert_true(watcher.attr.st_nlink > 0);
  ev_stat_stop(loop, &watcher);
  ev_loop_destroy(loop);
}

static void a_file_that_disappears_is_reported(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_stat watcher;
  name_a_path();
  write_file("x");
  ev_stat_init(&watcher, count_stat, path, 0.);
  ev_stat_start(loop, &watcher);
  unlink(path);
  assert_true(run_until(loop, &calls, 1));
  assert_int_equal(watcher.attr.st_nlink, 0);
  assert_true(watcher.prev.st_nlink > 0);
  write_file("again");
  assert_true(run_until(loop, &calls, 2));
  assert_true(watcher.attr.st_nlink > 0);
  ev_stat_stop(loop, &watcher);
  ev_loop_destroy(loop);
}

static void a_file_that_is_replaced_by_a_rename_stays_watched(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_stat watcher;
  char other[80];
  name_a_path();
  write_file("old");
  ev_stat_init(&watcher, count_stat, path, 0.);
  ev_stat_start(loop, &watcher);
  snprintf(other, sizeof other, "%s.new", path);
  int fd = open(other, O_WRONLY | O_CREAT, 0600);
  assert_int_equal(write(fd, "brand new", 9), 9);
  close(fd);
  assert_int_equal(rename(other, path), 0);
  assert_true(run_until(loop, &calls, 1));
  assert_int_equal(watcher.attr.st_size, 9);
  int before = calls;
  write_file("and again, longer");
  assert_true(run_until(loop, &calls, before + 1));
  ev_stat_stop(loop, &watcher);
  ev_loop_destroy(loop);
}

static void two_watchers_of_one_path_are_both_called(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_stat a, b;
  name_a_path();
  write_file("x");
  ev_stat_init(&a, note_stat, path, 0.);
  a.data = "a";
  ev_stat_start(loop, &a);
  ev_stat_init(&b, count_stat, path, 0.);
  ev_stat_start(loop, &b);
  assert_int_equal(chmod(path, 0640), 0);
  assert_true(run_until(loop, &calls, 1));
  for (int i = 0; i < 200 && !*trace(); ++i) {
    ev_run(loop, EVRUN_NOWAIT);
    ev_sleep(0.01);
  }
  assert_non_null(strstr(trace(), "a:stat"));
  clear_trace();
  assert_int_equal(a.attr.st_mode & 0777, 0640);
  ev_stat_stop(loop, &a);
  int before = calls;
  assert_int_equal(chmod(path, 0600), 0);
  assert_true(run_until(loop, &calls, before + 1));
  assert_trace("");
  ev_loop_destroy(loop);
}

static void a_loop_without_inotify_polls(void** state) {
  (void)state;
  struct ev_loop* loop = ev_loop_new(EVFLAG_NOINOTIFY | EVFLAG_NOENV);
  ev_stat watcher;
  name_a_path();
  write_file("1");
  ev_stat_init(&watcher, count_stat, path, 0.2);
  ev_stat_start(loop, &watcher);
  write_file("12345678");
  double start = seconds_now();
  assert_true(run_until(loop, &calls, 1));
  assert_true(seconds_now() - start > 0.05);
  assert_int_equal(watcher.attr.st_size, 8);
  ev_stat_stop(loop, &watcher);
  assert_int_equal(ev_run(loop, EVRUN_NOWAIT), 0);
  ev_loop_destroy(loop);
}

static void a_polling_interval_has_a_lower_bound(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_stat watcher;
  name_a_path();
  ev_stat_init(&watcher, count_stat, path, 1e-6);
  ev_stat_start(loop, &watcher);
  assert_true(watcher.interval > 0.1 && watcher.interval < 0.11);
  ev_stat_stop(loop, &watcher);
  ev_stat_set(&watcher, path, 0.);
  ev_stat_start(loop, &watcher);
  assert_true(watcher.interval == 0.);
  ev_stat_stop(loop, &watcher);
  ev_loop_destroy(loop);
}

static void ev_stat_stat_refreshes_without_an_event(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_stat watcher;
  name_a_path();
  write_file("123");
  ev_stat_init(&watcher, count_stat, path, 0.);
  memset(&watcher.attr, 0, sizeof watcher.attr);
  ev_stat_stat(loop, &watcher); /* an inactive watcher will do */
  assert_int_equal(watcher.attr.st_size, 3);
  unlink(path);
  ev_stat_stat(loop, &watcher);
  assert_int_equal(watcher.attr.st_nlink, 0);
  assert_int_equal(calls, 0);
  ev_loop_destroy(loop);
}

static void a_change_refreshed_by_hand_is_not_reported_again(void** state) {
  (void)state;
  struct ev_loop* loop = ev_loop_new(EVFLAG_NOINOTIFY | EVFLAG_NOENV);
  ev_stat watcher;
  name_a_path();
  write_file("1");
  ev_stat_init(&watcher, count_stat, path, 0.15);
  ev_stat_start(loop, &watcher);
  write_file("22");
  ev_stat_stat(loop, &watcher);
  assert_false(run_for(loop, 0.4));
  assert_int_equal(calls, 0);
  ev_stat_stop(loop, &watcher);
  ev_loop_destroy(loop);
}

static void a_stat_watcher_holds_the_loop_once(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_stat watcher;
  name_a_path();
  ev_stat_init(&watcher, count_stat, path, 0.);
  ev_stat_start(loop, &watcher);
  assert_int_equal(ev_run(loop, EVRUN_NOWAIT), 1);
  ev_stat_start(loop, &watcher);
  assert_int_equal(ev_run(loop, EVRUN_NOWAIT), 1);
  ev_stat_stop(loop, &watcher);
  ev_stat_stop(loop, &watcher);
  assert_int_equal(ev_run(loop, EVRUN_NOWAIT), 0);
  ev_loop_destroy(loop);
}

static void stop_stat(EV_P_ ev_stat* w, int revents) {
  note_stat(EV_A_ w, revents);
  ev_stat_stop(EV_A_ w);
}

static void a_stat_watcher_may_stop_itself(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_stat watcher;
  name_a_path();
  ev_stat_init(&watcher, stop_stat, path, 0.);
  watcher.data = "stat";
  ev_stat_start(loop, &watcher);
  write_file("x");
  assert_true(run_for(loop, 6.));
  assert_trace("stat:stat");
  ev_loop_destroy(loop);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_start_fills_in_the_attributes),
    cmocka_unit_test(a_change_of_the_file_is_reported),
    cmocka_unit_test(a_file_that_appears_is_reported),
    cmocka_unit_test(a_file_that_disappears_is_reported),
    cmocka_unit_test(a_file_that_is_replaced_by_a_rename_stays_watched),
    cmocka_unit_test(two_watchers_of_one_path_are_both_called),
    cmocka_unit_test(a_loop_without_inotify_polls),
    cmocka_unit_test(a_polling_interval_has_a_lower_bound),
    cmocka_unit_test(ev_stat_stat_refreshes_without_an_event),
    cmocka_unit_test(a_change_refreshed_by_hand_is_not_reported_again),
    cmocka_unit_test(a_stat_watcher_holds_the_loop_once),
    cmocka_unit_test(a_stat_watcher_may_stop_itself),
};
const struct harness_group stat_group = {"stat", tests, sizeof tests / sizeof tests[0]};
