/*
 * Starts and ends what `pollshim top` looks at, for the suites of the command and of the view.
 */
#include "conformance/swap/publisher.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conformance/harness/harness.h"

void publisher_start(struct publisher* publisher, const char* const arguments[]) {
  int hold[2], said[2];
  char line[32] = "";
  strcpy(publisher->directory, "/tmp/top.XXXXXX");
  assert_non_null(mkdtemp(publisher->directory));
  assert_int_equal(pipe2(hold, O_CLOEXEC), 0);
  assert_int_equal(pipe2(said, O_CLOEXEC), 0);
  publisher->pid = fork();
  if (publisher->pid == 0) {
    dup2(hold[0], STDIN_FILENO);
    dup2(said[1], STDOUT_FILENO);
    setenv("POLLSHIM_TOP", publisher->directory, 1);
    execv(arguments[0], (char* const*)arguments);
    _exit(98);
  }
  close(hold[0]);
  close(said[1]);
  publisher->hold = hold[1];
  assert_true(read(said[0], line, sizeof line) > 0); /* it is turning now */
  close(said[0]);
}

void publisher_let_go(struct publisher* publisher) {
  int status = 0;
  close(publisher->hold);
  assert_int_equal(waitpid(publisher->pid, &status, 0), publisher->pid);
  assert_int_equal(status, 0);
}
