/* Small buffers make a channel full after a few writes, and everything is non-blocking. */
#include "conformance/event/differential/channels.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conformance/event/virtual_clock.h"

enum { first_number = virtual_clock_first_descriptor, limit = 16 };

static int open_channels[limit];

int channel_fd(int channel, int side) {
  return first_number + 2 * channel + side;
}

int channel_is_open(int channel) {
  return open_channels[channel];
}

void channel_open(int channel, int is_pipe) {
  int ends[2], size = 1;
  if (is_pipe) {
    if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) abort();
    fcntl(ends[1], F_SETPIPE_SZ, 4096);
  } else {
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) abort();
    for (int side = 0; side < 2; side++)
      setsockopt(ends[side], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  }
  for (int side = 0; side < 2; side++) {
    if (dup2(ends[side], channel_fd(channel, side)) < 0) abort();
    close(ends[side]);
  }
  open_channels[channel] = 1;
}

void channel_close(int channel) {
  if (!open_channels[channel]) return;
  close(channel_fd(channel, 0));
  close(channel_fd(channel, 1));
  open_channels[channel] = 0;
}
