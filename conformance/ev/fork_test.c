/*
 * A loop on both sides of a fork: ev_loop_fork, EVFLAG_FORKCHECK, ev_fork, and every watcher alive
 * in parent and child.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conformance/ev/groups.h"

static void a_fork_watcher_runs_after_ev_loop_fork(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_fork a, b;
  ev_fork_init(&a, note_fork);
  a.data = "a";
  ev_fork_start(loop, &a);
  ev_fork_init(&b, note_fork);
  b.data = "b";
  ev_fork_start(loop, &b);
  ev_fork_start(loop, &b);
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("");
  ev_loop_fork(loop);
  ev_loop_fork(loop);
  assert_int_equal(ev_run(loop, EVRUN_NOWAIT), 2);
  assert_trace("b:fork a:fork");
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("");
  ev_fork_stop(loop, &b);
  ev_fork_stop(loop, &b);
  ev_loop_fork(loop);
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("a:fork");
  ev_loop_destroy(loop);
}

static void descriptors_stay_watched_across_ev_loop_fork(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  struct pipe_ends ends = make_pipe();
  ev_io io;
  ev_async async;
  ev_io_init(&io, note_io, ends.reader, EV_READ);
  io.data = "io";
  ev_io_start(loop, &io);
  ev_async_init(&async, note_async);
  async.data = "async";
  ev_async_start(loop, &async);
  ev_run(loop, EVRUN_NOWAIT);
  ev_loop_fork(loop);
  put_byte(ends.writer);
  ev_run(loop, EVRUN_ONCE);
  assert_trace("io:read");
  ev_async_send(loop, &async);
  take_byte(ends.reader);
  ev_run(loop, EVRUN_ONCE);
  assert_trace("async:async");
  ev_loop_destroy(loop);
}

/* What either process does after the fork, with watchers that were started before it. */
struct life {
  struct ev_loop* loop;
  struct pipe_ends ends;
  char path[64];
  ev_io io;
  ev_timer timer;
  ev_signal signal;
  ev_child child;
  ev_stat stat;
  ev_async async;
  int io_calls, timer_calls, signal_calls, child_calls, stat_calls, async_calls, fork_calls;
};
static struct life life;

static void on_io(EV_P_ ev_io* w, int revents) {
  (void)loop;
  (void)revents;
  char byte;
  if (read(w->fd, &byte, 1) == 1) {
    ++life.io_calls;
  }
}
static void on_timer(EV_P_ ev_timer* w, int revents) {
  (void)loop, (void)w, (void)revents;
  ++life.timer_calls;
}
static void on_signal(EV_P_ ev_signal* w, int revents) {
  (void)loop, (void)w, (void)revents;
  ++life.signal_calls;
}
static void on_child(EV_P_ ev_child* w, int revents) {
  (void)loop, (void)revents;
  if (WIFEXITED(w->rstatus) && WEXITSTATUS(w->rstatus) == 42) {
    ++life.child_calls;
  }
}
static void on_stat(EV_P_ ev_stat* w, int revents) {
  (void)loop, (void)w, (void)revents;
  ++life.stat_calls;
}
static void on_async(EV_P_ ev_async* w, int revents) {
  (void)loop, (void)w, (void)revents;
  ++life.async_calls;
}
static void on_fork(EV_P_ ev_fork* w, int revents) {
  (void)loop, (void)w, (void)revents;
  ++life.fork_calls;
}

static void start_life(unsigned int flags) {
  static ev_fork fork_watcher;
  life.loop = ev_default_loop(flags);
  life.ends = make_pipe();
  strcpy(life.path, "/tmp/ev-fork-XXXXXX");
  close(mkstemp(life.path));
  ev_io_init(&life.io, on_io, life.ends.reader, EV_READ);
  ev_io_start(life.loop, &life.io);
  ev_timer_init(&life.timer, on_timer, 0.01, 0.01);
  ev_timer_start(life.loop, &life.timer);
  ev_signal_init(&life.signal, on_signal, SIGUSR1);
  ev_signal_start(life.loop, &life.signal);
  ev_child_init(&life.child, on_child, 0, 0);
  ev_child_start(life.loop, &life.child);
  ev_stat_init(&life.stat, on_stat, life.path, 0.);
  ev_stat_start(life.loop, &life.stat);
  ev_async_init(&life.async, on_async);
  ev_async_start(life.loop, &life.async);
  ev_fork_init(&fork_watcher, on_fork);
  ev_fork_start(life.loop, &fork_watcher);
  ev_run(life.loop, EVRUN_NOWAIT);
}

/* True if every kind of watcher works in this process. The descriptor is this process's own, set
 * anew. */
static bool every_watcher_works(void) {
  bool over = false;
  double limit = seconds_now() + 8.;
  ev_io_stop(life.loop, &life.io);
  life.ends = make_pipe();
  ev_io_set(&life.io, life.ends.reader, EV_READ);
  ev_io_start(life.loop, &life.io);
  /* A change of a file between the fork and the child's first turn may be told to the parent alone.
   */
  ev_run(life.loop, EVRUN_NOWAIT);

  int timers = life.timer_calls, signals = life.signal_calls, children = life.child_calls;
  int ios = life.io_calls, stats = life.stat_calls, asyncs = life.async_calls;
  put_byte(life.ends.writer);
  kill(getpid(), SIGUSR1);
  pid_t child = fork();
  if (child == 0) {
    _exit(42);
  }
  ev_async_send(life.loop, &life.async);
  int fd = open(life.path, O_WRONLY | O_APPEND);
  if (fd < 0 || write(fd, "x", 1) != 1) {
    return false;
  }
  close(fd);
  while (!over && seconds_now() < limit) {
    ev_run(life.loop, EVRUN_ONCE);
    over = life.timer_calls > timers && life.signal_calls > signals &&
           life.child_calls > children && life.io_calls > ios && life.stat_calls > stats &&
           life.async_calls > asyncs;
  }
  if (!over) {
    fprintf(stderr, "timer %d signal %d child %d io %d stat %d async %d\n",
            life.timer_calls - timers, life.signal_calls - signals, life.child_calls - children,
            life.io_calls - ios, life.stat_calls - stats, life.async_calls - asyncs);
  }
  return over;
}

static void both_processes_go_on(unsigned int flags) {
  start_life(flags);
  int status = -1;
  struct pipe_ends result = make_pipe();
  fcntl(result.reader, F_SETFL, 0);
  /* The parent's SIGCHLD handler may reap this child, so its verdict comes by pipe. */
  pid_t child = fork();
  assert_int_not_equal(child, -1);
  if (child == 0) {
    alarm(15);
    if (!(flags & EVFLAG_FORKCHECK)) {
      ev_loop_fork(life.loop);
    }
    bool works = every_watcher_works() && life.fork_calls == 1;
    put_byte(works ? result.writer : -1);
    _exit(works ? 42 : 1);
  }
  assert_true(every_watcher_works());
  close(result.writer);
  char byte = 0;
  assert_int_equal(read(result.reader, &byte, 1), 1);
  assert_int_equal(life.fork_calls, 0);
  /* and once more, now that the child has come and gone */
  assert_true(every_watcher_works());
  waitpid(child, &status, 0);
  unlink(life.path);
  ev_loop_destroy(life.loop);
}

static void parent_and_child_go_on_with_every_kind_of_watcher(void** state) {
  (void)state;
  both_processes_go_on(EVFLAG_AUTO);
}

static void forkcheck_notices_the_fork_by_itself(void** state) {
  (void)state;
  /* FORKCHECK is taken from the argument even when LIBEV_FLAGS chooses the backend */
  both_processes_go_on(EVFLAG_FORKCHECK);
}

static void the_child_does_not_disturb_the_parent_s_registrations(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  struct pipe_ends ends = make_pipe();
  ev_io io;
  ev_io_init(&io, note_io, ends.reader, EV_READ);
  io.data = "io";
  ev_io_start(loop, &io);
  ev_run(loop, EVRUN_NOWAIT);
  pid_t child = fork();
  if (child == 0) {
    ev_loop_fork(loop);
    ev_run(loop, EVRUN_NOWAIT);
    ev_io_stop(loop, &io);
    ev_run(loop, EVRUN_NOWAIT);
    ev_loop_destroy(loop);
    _exit(0);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("");
  put_byte(ends.writer);
  ev_run(loop, EVRUN_ONCE);
  assert_trace("io:read");
  ev_loop_destroy(loop);
}

static void an_embedded_loop_is_rebuilt_by_the_outer_one_s_fork(void** state) {
  (void)state;
  struct ev_loop* outer = make_loop();
  struct ev_loop* inner = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
  struct pipe_ends ends = make_pipe();
  ev_embed embed;
  ev_io io;
  ev_io_init(&io, note_io, ends.reader, EV_READ);
  io.data = "inner";
  ev_io_start(inner, &io);
  ev_embed_init(&embed, NULL, inner);
  ev_embed_start(outer, &embed);
  ev_run(outer, EVRUN_NOWAIT);
  ev_loop_fork(outer);
  ev_run(outer, EVRUN_NOWAIT);
  ev_run(outer, EVRUN_NOWAIT);
  assert_trace("");
  put_byte(ends.writer);
  ev_run(outer, EVRUN_ONCE);
  assert_non_null(strstr(trace(), "inner:read"));
  clear_trace();
  ev_loop_destroy(outer);
  ev_loop_destroy(inner);
}

static void what_was_under_way_at_the_fork_arrives_behind_it(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  ev_signal signal_watcher;
  ev_async async;
  ev_signal_init(&signal_watcher, note_signal, SIGUSR1);
  signal_watcher.data = "signal";
  ev_signal_start(loop, &signal_watcher);
  ev_async_init(&async, note_async);
  async.data = "async";
  ev_async_start(loop, &async);
  ev_run(loop, EVRUN_NOWAIT);
  raise(SIGUSR1);
  ev_async_send(loop, &async);
  ev_loop_fork(loop);
  ev_run(loop, EVRUN_NOWAIT);
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("async:async signal:signal");
  ev_loop_destroy(loop);
}

static void a_descriptor_closed_and_stopped_at_the_fork_is_not_registered_anew(void** state) {
  (void)state;
  struct ev_loop* loop = make_loop();
  struct pipe_ends kept = make_pipe(), closed = make_pipe();
  ev_io io, gone;
  start_io(loop, &io, "io", kept.reader, EV_READ);
  start_io(loop, &gone, "gone", closed.reader, EV_READ);
  ev_run(loop, EVRUN_NOWAIT);
  ev_loop_fork(loop);
  ev_io_stop(loop, &gone);
  close(closed.reader);
  put_byte(kept.writer);
  ev_run(loop, EVRUN_NOWAIT);
  assert_trace("io:read");
  ev_loop_destroy(loop);
}

/* The kernel's view of an epoll set: how many descriptors are in it. */
static int registrations_of(int set) {
  char path[64], line[256];
  int count = 0;
  snprintf(path, sizeof path, "/proc/self/fdinfo/%d", set);
  FILE* file = fopen(path, "re");
  while (file != NULL && fgets(line, sizeof line, file) != NULL) {
    count += strncmp(line, "tfd:", 4) == 0;
  }
  if (file != NULL) {
    fclose(file);
  }
  return count;
}

static struct ev_loop* make_epoll_loop(void) {
  return ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
}

static void the_new_set_holds_what_is_still_watched(void** state) {
  (void)state;
  struct ev_loop* loop;
  int set = new_epoll_descriptor(make_epoll_loop, &loop);
  struct pipe_ends first = make_pipe(), second = make_pipe();
  ev_io kept, stopped;
  start_io(loop, &kept, "kept", first.reader, EV_READ);
  ev_run(loop, EVRUN_NOWAIT);
  int before = registrations_of(set);
  start_io(loop, &stopped, "stopped", second.reader, EV_READ);
  ev_run(loop, EVRUN_NOWAIT);
  assert_int_equal(registrations_of(set), before + 1);
  ev_loop_fork(loop);
  ev_io_stop(loop, &stopped);
  ev_run(loop, EVRUN_NOWAIT);
  int sets = 0;
  for (int fd = 0; fd < 256; ++fd) {
    int count = registrations_of(fd);
    sets += count != 0;
    assert_true(count <= before);
  }
  assert_int_equal(sets, 1);
  ev_loop_destroy(loop);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_fork_watcher_runs_after_ev_loop_fork),
    cmocka_unit_test(descriptors_stay_watched_across_ev_loop_fork),
    cmocka_unit_test(parent_and_child_go_on_with_every_kind_of_watcher),
    cmocka_unit_test(forkcheck_notices_the_fork_by_itself),
    cmocka_unit_test(the_child_does_not_disturb_the_parent_s_registrations),
    cmocka_unit_test(what_was_under_way_at_the_fork_arrives_behind_it),
    cmocka_unit_test(a_descriptor_closed_and_stopped_at_the_fork_is_not_registered_anew),
    cmocka_unit_test(the_new_set_holds_what_is_still_watched),
    cmocka_unit_test(an_embedded_loop_is_rebuilt_by_the_outer_one_s_fork),
};
const struct harness_group fork_group = {"fork", tests, sizeof tests / sizeof tests[0]};
