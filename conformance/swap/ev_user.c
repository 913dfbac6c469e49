/*
 * A user of libev for the command's tests: one timer on the default loop, through the inline
 * functions of ev.h, which read ev_default_loop_ptr; then the name of its backend and the libev
 * file it has mapped.
 */
#include <ev.h>
#include <stdio.h>
#include <string.h>

static void on_timer(EV_P_ ev_timer* timer, int events) {
  (void)timer;
  (void)events;
  ev_break(EV_A_ EVBREAK_ALL);
}

int main(void) {
  struct ev_loop* loop = ev_default_loop(EVFLAG_AUTO);
  if (loop != ev_default_loop_uc_()) return 90;
  ev_timer timer;
  ev_timer_init(&timer, on_timer, 0.001, 0.);
  ev_timer_start(loop, &timer);
  ev_run(loop, 0);
  printf("backend %u\n", ev_backend(loop));
  char line[4096];
  FILE* maps = fopen("/proc/self/maps", "r");
  while (fgets(line, sizeof line, maps) != NULL) {
    if (strstr(line, "/libev") != NULL) fputs(strchr(line, '/'), stdout);
  }
  fclose(maps);
  return 0;
}
