/*
 * The same for libev: see event_worker.c.
 */
#include <ev.h>
#include <pthread.h>
#include <unistd.h>

static ev_async woken;
static int ends[2], reads, stalls, wakes;

static void leave_when_done(EV_P) {
  if (reads == 5 && stalls == 2 && wakes == 3) ev_break(EV_A_ EVBREAK_ALL);
}
static void reading_callback(EV_P_ ev_io* io, int events) {
  char byte;
  (void)events;
  if (read(io->fd, &byte, 1) == 1) reads++;
  leave_when_done(EV_A);
}
static void stalling_callback(EV_P_ ev_timer* timer, int events) {
  (void)events;
  usleep(120000);
  if (++stalls == 2) ev_timer_stop(EV_A_ timer);
  leave_when_done(EV_A);
}
static void woken_callback(EV_P_ ev_async* async, int events) {
  (void)async, (void)events;
  wakes++;
  leave_when_done(EV_A);
}
static void* wake(void* loop) {
  usleep(600000);
  for (int i = 0; i < 3; i++) {
    ev_async_send(loop, &woken);
    usleep(100000);
  }
  return NULL;
}

static void working_callback(EV_P_ ev_timer* timer, int events) {
  (void)EV_A, (void)timer, (void)events;
  usleep(4000);
}
static void leaving_callback(EV_P_ ev_io* io, int events) {
  (void)io, (void)events;
  ev_break(EV_A_ EVBREAK_ALL);
}
static int be_busy(void) {
  struct ev_loop* loop = ev_default_loop(0);
  ev_timer work;
  ev_io end;
  ev_timer_init(&work, working_callback, 0.005, 0.005);
  ev_io_init(&end, leaving_callback, STDIN_FILENO, EV_READ);
  ev_timer_start(loop, &work);
  ev_io_start(loop, &end);
  if (write(STDOUT_FILENO, "busy\n", 5) != 5) return 1;
  ev_run(loop, 0);
  ev_loop_destroy(loop);
  return 0;
}

int main(int argc, char** argv) {
  (void)argv;
  if (argc > 1) return be_busy();
  pthread_t thread;
  struct ev_loop* loop = ev_default_loop(0);
  ev_io readable;
  ev_timer timer;
  if (loop == NULL || pipe(ends) != 0 || write(ends[1], "12345", 5) != 5) return 1;
  ev_io_init(&readable, reading_callback, ends[0], EV_READ);
  ev_io_start(loop, &readable);
  ev_timer_init(&timer, stalling_callback, 0.01, 0.01);
  ev_timer_start(loop, &timer);
  ev_async_init(&woken, woken_callback);
  ev_async_start(loop, &woken);
  pthread_create(&thread, NULL, wake, loop);
  ev_run(loop, 0);
  pthread_join(thread, NULL);
  ev_loop_destroy(loop);
  return 0;
}
