/* A program of libevent and libev at once: says whose event_* functions it got, and uses a loop of
 * each. Run by link_gate.py. */
#include <ev.h>
#include <stdio.h>

/* Of either library; event.h and ev.h do not go together. */
struct event_base;
const char* event_get_version(void);
struct event_base* event_base_new(void);
void event_base_free(struct event_base*);
int event_base_loop(struct event_base*, int);

static int ticks;

static void on_tick(struct ev_loop* loop, ev_timer* timer, int revents) {
  (void)timer;
  (void)revents;
  ++ticks;
  ev_break(loop, EVBREAK_ALL);
}

int main(void) {
  struct ev_loop* loop = ev_loop_new(EVFLAG_AUTO);
  struct event_base* base = event_base_new();
  ev_timer timer;
  ev_timer_init(&timer, on_tick, 0.001, 0.);
  ev_timer_start(loop, &timer);
  ev_run(loop, 0);
  event_base_loop(base, 2);
  event_base_free(base);
  ev_loop_destroy(loop);
  printf("events of %s, ticks %d\n", event_get_version(), ticks);
  return 0;
}
