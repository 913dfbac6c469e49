/* A program of libev, whose macros write the watchers' fields themselves: compiles without a
 * warning with either ev.h, and linked with either library prints the same. */
#include <ev.h>
#include <stdio.h>

static int ticks;

static void on_tick(struct ev_loop* loop, ev_timer* timer, int revents) {
  if (revents == EV_TIMER && ev_is_active(timer)) ++ticks;
  if (ticks == 3) ev_break(loop, EVBREAK_ALL);
}

static void on_turn(struct ev_loop* loop, ev_prepare* prepare, int revents) {
  (void)revents;
  ++*(int*)prepare->data;
  ev_prepare_stop(loop, prepare);
}

int main(void) {
  struct ev_loop* loop = ev_default_loop(0);
  int turns = 0;
  ev_timer timer;
  ev_prepare prepare;
  ev_timer_init(&timer, on_tick, 0.001, 0.001);
  ev_set_priority(&timer, EV_MAXPRI);
  ev_timer_start(loop, &timer);
  ev_prepare_init(&prepare, on_turn);
  prepare.data = &turns;
  ev_prepare_start(loop, &prepare);
  ev_run(loop, 0);
  ev_timer_stop(loop, &timer);
  printf("version %d.%d of %d.%d\n", ev_version_major(), ev_version_minor(), EV_VERSION_MAJOR,
         EV_VERSION_MINOR);
  printf("ticks %d turns %d priority %d active %d pending %d default %d\n", ticks, turns,
         ev_priority(&timer), ev_is_active(&timer), ev_is_pending(&prepare),
         ev_is_default_loop(loop));
  return 0;
}
