/*
 * ev_child: the end, the stopping and the continuing of child processes, on the default loop.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conformance/ev/groups.h"

static pid_t child_that_exits(int code) {
  pid_t pid = fork();
  assert_int_not_equal(pid, -1);
  if (pid == 0) {
    _exit(code);
  }
  return pid;
}

static pid_t child_that_waits(void) {
  pid_t pid = fork();
  assert_int_not_equal(pid, -1);
  if (pid == 0) {
    for (;;) {
      alarm(20);
      pause();
    }
  }
  return pid;
}

static int calls;
static void count_child(EV_P_ ev_child* w, int revents) {
  (void)loop;
  assert_int_equal(revents, EV_CHILD);
  assert_int_equal(ev_priority(w), EV_MAXPRI);
  ++calls;
}

static void the_exit_status_arrives(void** state) {
  (void)state;
  struct ev_loop* loop = ev_default_loop(0);
  ev_child watcher;
  pid_t pid = child_that_exits(7);
  ev_child_init(&watcher, count_child, pid, 0);
  ev_child_start(loop, &watcher);
  assert_true(run_until(loop, &calls, 1));
  assert_int_equal(watcher.pid, pid);
  assert_int_equal(watcher.rpid, pid);
  assert_true(WIFEXITED(watcher.rstatus));
  assert_int_equal(WEXITSTATUS(watcher.rstatus), 7);
  assert_true(ev_is_active(&watcher)); /* until the program stops it */
  ev_child_stop(loop, &watcher);
  assert_int_equal(waitpid(pid, NULL, WNOHANG), -1); /* the loop has reaped it */
  assert_int_equal(errno, ECHILD);
}

static void a_killed_child_reports_the_signal(void** state) {
  (void)state;
  struct ev_loop* loop = ev_default_loop(0);
  ev_child watcher;
  pid_t pid = child_that_waits();
  ev_child_init(&watcher, count_child, pid, 0);
  ev_child_start(loop, &watcher);
  kill(pid, SIGTERM);
  assert_true(run_until(loop, &calls, 1));
  assert_true(WIFSIGNALED(watcher.rstatus));
  assert_int_equal(WTERMSIG(watcher.rstatus), SIGTERM);
}

static void pid_zero_hears_of_every_child(void** state) {
  (void)state;
  struct ev_loop* loop = ev_default_loop(0);
  ev_child any;
  ev_child_init(&any, count_child, 0, 0);
  ev_child_start(loop, &any);
  for (int i = 1; i <= 5; ++i) {
    pid_t pid = child_that_exits(i);
    assert_true(run_until(loop, &calls, i));
    assert_int_equal(any.rpid, pid);
    assert_int_equal(WEXITSTATUS(any.rstatus), i);
  }
}

static int sum_of_codes;
static void add_code(EV_P_ ev_child* w, int revents) {
  (void)loop;
  (void)revents;
  ++calls;
  sum_of_codes += WEXITSTATUS(w->rstatus);
  assert_true(w->pid == 0 || w->rpid == w->pid);
}

static void many_children_that_end_together_are_all_reported(void** state) {
  (void)state;
  enum { kMany = 20 };
  struct ev_loop* loop = ev_default_loop(0);
  static ev_child watchers[kMany];
  int expected = 0;
  for (int i = 0; i < kMany; ++i) {
    pid_t pid = child_that_exits(i);
    expected += i;
    ev_child_init(&watchers[i], add_code, pid, 0);
    ev_child_start(loop, &watchers[i]);
  }
  ev_sleep(0.1);
  assert_true(run_until(loop, &calls, kMany));
  assert_int_equal(calls, kMany);
  assert_int_equal(sum_of_codes, expected);
}

static void several_watchers_of_one_child_are_all_called(void** state) {
  (void)state;
  struct ev_loop* loop = ev_default_loop(0);
  ev_child a, b, any;
  pid_t pid = child_that_exits(3);
  ev_child_init(&a, add_code, pid, 0);
  ev_child_start(loop, &a);
  ev_child_init(&b, add_code, pid, 0);
  ev_child_start(loop, &b);
  ev_child_init(&any, add_code, 0, 0);
  ev_child_start(loop, &any);
  assert_true(run_until(loop, &calls, 3));
  assert_int_equal(calls, 3);
  assert_int_equal(sum_of_codes, 9);
}

static void stopping_and_continuing_are_reported_when_traced(void** state) {
  (void)state;
  struct ev_loop* loop = ev_default_loop(0);
  ev_child traced, untraced;
  int untraced_calls = 0;
  (void)untraced_calls;
  pid_t pid = child_that_waits();
  ev_child_init(&traced, count_child, pid, 1);
  assert_int_equal(traced.flags, 1);
  ev_child_start(loop, &traced);
  ev_child_init(&untraced, note_child, pid, 0);
  untraced.data = "untraced";
  ev_child_start(loop, &untraced);
  kill(pid, SIGSTOP);
  assert_true(run_until(loop, &calls, 1));
  assert_true(WIFSTOPPED(traced.rstatus));
  kill(pid, SIGCONT);
  assert_true(run_until(loop, &calls, 2));
  assert_true(WIFCONTINUED(traced.rstatus));
  assert_trace("");
  kill(pid, SIGKILL);
  assert_true(run_until(loop, &calls, 3));
  assert_true(WIFSIGNALED(traced.rstatus));
  assert_trace("untraced:child");
}

static void a_child_that_ended_before_the_start_is_reported(void** state) {
  (void)state;
  struct ev_loop* loop = ev_default_loop(0);
  ev_child watcher;
  pid_t pid = child_that_exits(9);
  ev_sleep(0.05); /* the signal is here, but the loop has not looked yet */
  ev_child_init(&watcher, count_child, pid, 0);
  ev_child_start(loop, &watcher);
  assert_true(run_until(loop, &calls, 1));
  assert_int_equal(WEXITSTATUS(watcher.rstatus), 9);
}

static void a_stopped_child_watcher_is_not_called(void** state) {
  (void)state;
  struct ev_loop* loop = ev_default_loop(0);
  ev_child stopped, any;
  pid_t pid = child_that_exits(1);
  ev_child_init(&stopped, note_child, pid, 0);
  stopped.data = "stopped";
  ev_child_start(loop, &stopped);
  ev_child_init(&any, count_child, 0, 0);
  ev_child_start(loop, &any);
  ev_child_stop(loop, &stopped);
  ev_child_stop(loop, &stopped);
  assert_false(ev_is_active(&stopped));
  assert_true(run_until(loop, &calls, 1));
  assert_trace("");
}

static void an_unwatched_child_is_reaped_all_the_same(void** state) {
  (void)state;
  struct ev_loop* loop = ev_default_loop(0);
  pid_t unwatched = child_that_exits(1);
  ev_child watcher;
  siginfo_t info;
  assert_int_equal(waitid(P_PID, (id_t)unwatched, &info, WEXITED | WNOWAIT), 0);
  pid_t pid = child_that_exits(2);
  ev_child_init(&watcher, count_child, pid, 0);
  ev_child_start(loop, &watcher);
  assert_true(run_until(loop, &calls, 1));
  ev_run(loop, EVRUN_NOWAIT);
  assert_int_equal(waitpid(unwatched, NULL, WNOHANG), -1);
}

static void stop_child(EV_P_ ev_child* w, int revents) {
  note_child(EV_A_ w, revents);
  ev_child_stop(EV_A_ w);
}

static void a_child_watcher_holds_the_loop_and_may_stop_itself(void** state) {
  (void)state;
  struct ev_loop* loop = ev_default_loop(0);
  ev_child watcher;
  ev_child_init(&watcher, stop_child, child_that_exits(0), 0);
  watcher.data = "child";
  ev_child_start(loop, &watcher);
  assert_int_equal(ev_run(loop, 0), 0);
  assert_trace("child:child");
}

static int seen_by_other;
static void count_sigchld(EV_P_ ev_signal* w, int revents) {
  (void)loop;
  (void)w;
  (void)revents;
  ++seen_by_other;
}

static void a_program_may_watch_sigchld_beside_child_watchers(void** state) {
  (void)state;
  struct ev_loop* loop = ev_default_loop(0);
  ev_signal signal_watcher;
  ev_child watcher;
  ev_signal_init(&signal_watcher, count_sigchld, SIGCHLD);
  ev_signal_start(loop, &signal_watcher);
  ev_child_init(&watcher, count_child, child_that_exits(4), 0);
  ev_child_start(loop, &watcher);
  assert_true(run_until(loop, &calls, 1));
  assert_true(seen_by_other >= 1);
}

static void child_on_a_dynamic_loop(void) {
  struct ev_loop* loop = ev_loop_new(0);
  ev_child watcher;
  ev_child_init(&watcher, count_child, 1, 0);
  ev_child_start(loop, &watcher);
}

static void children_on_a_dynamic_loop_are_refused_or_reported(void** state) {
  (void)state;
  if (!on_pollshim()) {
    assert_true(ends_in_abort(child_on_a_dynamic_loop));
    return;
  }
  struct ev_loop* loop = make_loop();
  ev_child watcher;
  pid_t pid = child_that_exits(5);
  ev_child_init(&watcher, count_child, pid, 0);
  ev_child_start(loop, &watcher);
  assert_true(run_until(loop, &calls, 1));
  assert_int_equal(watcher.rpid, pid);
  assert_int_equal(WEXITSTATUS(watcher.rstatus), 5);
  ev_child_stop(loop, &watcher);
  assert_int_equal(ev_run(loop, EVRUN_NOWAIT), 0);
  ev_loop_destroy(loop);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_exit_status_arrives),
    cmocka_unit_test(a_killed_child_reports_the_signal),
    cmocka_unit_test(pid_zero_hears_of_every_child),
    cmocka_unit_test(many_children_that_end_together_are_all_reported),
    cmocka_unit_test(several_watchers_of_one_child_are_all_called),
    cmocka_unit_test(stopping_and_continuing_are_reported_when_traced),
    cmocka_unit_test(a_child_that_ended_before_the_start_is_reported),
    cmocka_unit_test(a_stopped_child_watcher_is_not_called),
    cmocka_unit_test(an_unwatched_child_is_reaped_all_the_same),
    cmocka_unit_test(a_child_watcher_holds_the_loop_and_may_stop_itself),
    cmocka_unit_test(a_program_may_watch_sigchld_beside_child_watchers),
    cmocka_unit_test(children_on_a_dynamic_loop_are_refused_or_reported),
};
const struct harness_group child_group = {"child", tests, sizeof tests / sizeof tests[0]};
