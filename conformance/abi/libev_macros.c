/* The macros of libev that ours write otherwise than the original, put to use: the probe compiles
 * this with either ev.h and compares what it prints. */
#include <ev.h>
#include <stdio.h>

static const int kEvents[] = {
    0, EV_READ, EV_WRITE, EV_READ | EV_WRITE, EV__IOFDSET, EV__IOFDSET | EV_READ, 0xff};
enum { kCount = sizeof kEvents / sizeof kEvents[0] };

/* The descriptor's mark stays, the rest is replaced; the argument may be any expression. */
static void modify(int before, int after) {
  ev_io io;
  ev_io_init(&io, NULL, 3, before);
  io.events = before;
  ev_io_modify(&io, after);
  printf("modify %x %x gives %x", (unsigned)before, (unsigned)after, (unsigned)io.events);
  ev_io_modify(&io, after ? EV_READ : EV_WRITE);
  printf(" %x", (unsigned)io.events);
  ev_io_modify(&io, EV_READ ^ after);
  printf(" %x\n", (unsigned)io.events);
}

int main(void) {
  for (int i = 0; i < kCount; ++i)
    for (int j = 0; j < kCount; ++j)
      modify(kEvents[i], kEvents[j]);
  return 0;
}
