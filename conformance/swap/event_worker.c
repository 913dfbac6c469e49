/*
 * A user of libevent whose loop does known things, for the tests of the view: a pipe is read five
 * times, a timer stalls for 120 ms twice, another thread wakes the loop three times while it waits.
 * With the argument "busy" it works four milliseconds of five instead, until standard input ends.
 */
#include <event2/event.h>
#include <event2/thread.h>
#include <pthread.h>
#include <unistd.h>

static struct event_base* base;
static struct event* woken;
static int ends[2], reads, stalls, wakes;

static void leave_when_done(void) {
  if (reads == 5 && stalls == 2 && wakes == 3) event_base_loopexit(base, NULL);
}
static void reading_callback(evutil_socket_t fd, short what, void* context) {
  char byte;
  (void)what, (void)context;
  if (read(fd, &byte, 1) == 1) reads++;
  leave_when_done();
}
static void stalling_callback(evutil_socket_t fd, short what, void* event) {
  (void)fd, (void)what;
  usleep(120000);
  if (++stalls == 2) event_del(*(struct event**)event);
  leave_when_done();
}
static void woken_callback(evutil_socket_t fd, short what, void* context) {
  (void)fd, (void)what, (void)context;
  wakes++;
  leave_when_done();
}
static void* wake(void* context) {
  (void)context;
  usleep(600000); /* by now there is nothing else to do */
  for (int i = 0; i < 3; i++) {
    event_active(woken, EV_TIMEOUT, 0);
    usleep(100000);
  }
  return NULL;
}

static void working_callback(evutil_socket_t fd, short what, void* context) {
  (void)fd, (void)what, (void)context;
  usleep(4000);
}
static void leaving_callback(evutil_socket_t fd, short what, void* context) {
  (void)fd, (void)what, (void)context;
  event_base_loopbreak(base);
}
static int be_busy(void) {
  const struct timeval often = {0, 5000};
  base = event_base_new();
  struct event* work = event_new(base, -1, EV_PERSIST, working_callback, NULL);
  struct event* end = event_new(base, STDIN_FILENO, EV_READ, leaving_callback, NULL);
  event_add(work, &often);
  event_add(end, NULL);
  if (write(STDOUT_FILENO, "busy\n", 5) != 5) return 1;
  event_base_dispatch(base);
  event_free(work);
  event_free(end);
  event_base_free(base);
  return 0;
}

int main(int argc, char** argv) {
  (void)argv;
  if (argc > 1) return be_busy();
  const struct timeval soon = {0, 10000};
  pthread_t thread;
  if (pipe(ends) != 0 || write(ends[1], "12345", 5) != 5 || evthread_use_pthreads() != 0) return 1;
  base = event_base_new();
  struct event* timer = NULL;
  struct event* readable = event_new(base, ends[0], EV_READ | EV_PERSIST, reading_callback, NULL);
  timer = event_new(base, -1, EV_PERSIST, stalling_callback, &timer);
  woken = event_new(base, -1, 0, woken_callback, NULL);
  event_add(readable, NULL);
  event_add(timer, &soon);
  pthread_create(&thread, NULL, wake, NULL);
  event_base_dispatch(base);
  pthread_join(thread, NULL);
  event_free(readable);
  event_free(timer);
  event_free(woken);
  event_base_free(base);
  return 0;
}
