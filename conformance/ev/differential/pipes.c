#include "conformance/ev/differential/pipes.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

int reader_of(int pipe_number) {
  return FIRST_FD + 2 * pipe_number;
}
int writer_of(int pipe_number) {
  return FIRST_FD + 2 * pipe_number + 1;
}

static void take_number(int fd, int number) {
  if (dup2(fd, number) != number) {
    abort();
  }
  close(fd);
}

static void open_pipe(int number) {
  int ends[2];
  if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) {
    abort();
  }
  take_number(ends[0], reader_of(number));
  take_number(ends[1], writer_of(number));
}

void open_pipes_and_file(void) {
  for (int number = 0; number < PIPES; ++number) {
    open_pipe(number);
  }
  char path[] = "/tmp/ev-differential-XXXXXX";
  int fd = mkstemp(path);
  unlink(path);
  take_number(fd, FILE_FD);
}

void reopen_pipe(int pipe_number) {
  /* Closed first, so that the kernel's sets forget the old ones. */
  close(reader_of(pipe_number));
  close(writer_of(pipe_number));
  open_pipe(pipe_number);
}

void empty_pipes(void) {
  char bytes[4096];
  for (int number = 0; number < PIPES; ++number) {
    while (read(reader_of(number), bytes, sizeof bytes) > 0) {
    }
  }
}
