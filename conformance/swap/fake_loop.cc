// A loop that does nothing but tell the view about itself: the view's tests run it, with the
// POLLSHIM_* variables set.
//
// Arguments: one or more of  turns=N  work=MILLISECONDS  stall=MILLISECONDS  loops=N  closed=N fork
// hold  threads With `hold` it keeps turning until its standard input ends, so that `pollshim top`
// has something to look at.
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "compat/view/view.h"

namespace view = pollshim::view;

namespace pollshim::view {
const Engine engine = {"fake", "1.0", [] { return "nothing"; }};
}

namespace {

struct FakeLoop {
  view::LoopView* view;
  view::Counters counters;
};

void spend(long milliseconds) {
  timespec length = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  nanosleep(&length, nullptr);
}

long option(int argc, char** argv, const char* name, long otherwise) {
  size_t length = strlen(name);
  for (int i = 1; i < argc; i++) {
    if (strncmp(argv[i], name, length) == 0 && argv[i][length] == '=')
      return atol(argv[i] + length + 1);
    if (strcmp(argv[i], name) == 0) return 1;
  }
  return otherwise;
}

void open_fake(FakeLoop& loop) {
  loop.counters = {};
  loop.view = view::open_loop(&loop, "nothing", [](const void* from, view::Counters* into) {
    *into = static_cast<const FakeLoop*>(from)->counters;
  });
}

}  // namespace

// Named as in C by every compiler, and hidden: their names are in the program's own symbol table
// alone.
extern "C" {
[[gnu::noinline, gnu::visibility("hidden")]] void quick_callback(long milliseconds) {
  spend(milliseconds);
}
[[gnu::noinline, gnu::visibility("hidden")]] void stalling_callback(long milliseconds) {
  spend(milliseconds);
}
}

namespace {

void turn(FakeLoop& loop, void (*callback)(long), long milliseconds) {
  loop.counters.turns++;
  {
    view::WaitScope wait(loop.view);
    loop.counters.waits++;
    spend(1);
  }
  loop.counters.events_delivered++;
  view::CallbackScope scope(loop.view, reinterpret_cast<const void*>(callback));
  callback(milliseconds);
}

struct Plan {
  long turns, work, stall;
};

void run(FakeLoop& loop, const Plan& plan) {
  for (long i = 0; i < plan.turns; i++)
    turn(loop, quick_callback, plan.work);
  if (plan.stall > 0) turn(loop, stalling_callback, plan.stall);
  view::paused(loop.view);
}

void* run_in_thread(void* context) {
  FakeLoop loop;
  open_fake(loop);
  run(loop, *static_cast<Plan*>(context));
  view::close_loop(loop.view);
  return nullptr;
}

}  // namespace

int main(int argc, char** argv) {
  Plan plan = {option(argc, argv, "turns", 3), option(argc, argv, "work", 0),
               option(argc, argv, "stall", 0)};
  static FakeLoop loops[100];
  long count = option(argc, argv, "loops", 1);
  for (long i = 0; i < count && i < 100; i++) {
    open_fake(loops[i]);
    run(loops[i], plan);
  }
  for (long i = option(argc, argv, "closed", 0); i > 0; i--) {
    FakeLoop brief;
    open_fake(brief);
    run(brief, plan);
    view::close_loop(brief.view);
  }
  if (option(argc, argv, "threads", 0) != 0) {
    pthread_t threads[4];
    for (pthread_t& thread : threads)
      pthread_create(&thread, nullptr, run_in_thread, &plan);
    for (pthread_t thread : threads)
      pthread_join(thread, nullptr);
  }
  if (option(argc, argv, "fork", 0) != 0) {
    pid_t child = fork();
    if (child == 0) {
      turn(loops[0], quick_callback, 0);
      exit(0);
    }
    waitpid(child, nullptr, 0);
  }
  pid_t child = -1;
  if (option(argc, argv, "fork-hold", 0) != 0) {
    child = fork();
    if (child > 0) turn(loops[0], quick_callback, 0);
    if (child == 0) turn(loops[0], quick_callback, 0);
  }
  if (option(argc, argv, "hold", 0) != 0) {
    if (child > 0) spend(100);  // the child's first turn makes its page
    if (child != 0) printf("%d\n", getpid());
    fflush(stdout);
    pollfd input = {STDIN_FILENO, POLLIN, 0};
    while (poll(&input, 1, 0) == 0)
      turn(loops[0], quick_callback, plan.work);
  }
  if (child > 0) waitpid(child, nullptr, 0);
  if (option(argc, argv, "swap-stderr", 0) != 0) dup2(atoi(getenv("STDERR_LATER")), STDERR_FILENO);
  return 0;
}
