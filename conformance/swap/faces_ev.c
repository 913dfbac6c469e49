/*
 * The libev half of a process with both libraries. See faces_test.c.
 */
#include <ev.h>

int turn_of_libev(int fd);

static int calls;
static void on_readable(struct ev_loop* loop, ev_io* watcher, int events) {
  (void)events;
  calls++;
  ev_io_stop(loop, watcher);
}

int turn_of_libev(int fd) {
  calls = 0;
  struct ev_loop* loop = ev_loop_new(EVFLAG_AUTO);
  if (loop == NULL) return -1;
  ev_io watcher;
  ev_io_init(&watcher, on_readable, fd, EV_READ);
  ev_io_start(loop, &watcher);
  ev_run(loop, EVRUN_NOWAIT);
  ev_run(loop, EVRUN_NOWAIT);
  ev_loop_destroy(loop);
  return calls;
}
