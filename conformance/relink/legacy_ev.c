/*
 * The same for libev: a timer, a descriptor and an async watcher on the default loop.
 */
#include <ev.h>
#include <stdio.h>
#include <unistd.h>

static int ticks, reads, wakes;
static ev_async waker;

static void on_tick(EV_P_ ev_timer* timer, int events) {
  (void)events;
  if (++ticks == 1) ev_async_send(EV_A_ & waker);
  if (ticks == 3) ev_timer_stop(EV_A_ timer), ev_break(EV_A_ EVBREAK_ALL);
}
static void on_wake(EV_P_ ev_async* async, int events) {
  (void)loop, (void)async, (void)events;
  wakes++;
}
static void on_readable(EV_P_ ev_io* io, int events) {
  (void)events;
  reads++;
  ev_io_stop(EV_A_ io);
}

int main(void) {
  struct ev_loop* loop = ev_default_loop(0);
  ev_timer timer;
  ev_io io;
  int ends[2];
  if (loop == NULL || pipe(ends) != 0 || write(ends[1], "x", 1) != 1) return 1;
  ev_timer_init(&timer, on_tick, 0.01, 0.01);
  ev_timer_start(loop, &timer);
  ev_io_init(&io, on_readable, ends[0], EV_READ);
  ev_io_start(loop, &io);
  ev_async_init(&waker, on_wake);
  ev_async_start(loop, &waker);
  ev_run(loop, 0);
  printf("libev %d.%d: %d ticks, %d reads, %d wakes\n", ev_version_major(), ev_version_minor(),
         ticks, reads, wakes);
  return ticks == 3 && reads == 1 && wakes == 1 ? 0 : 1;
}
