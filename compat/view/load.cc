// The view's place in the life of the process: load, fork, exit.
//
// Nothing here costs a system call unless one of the POLLSHIM_* variables asks for something.
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "compat/view/output.h"
#include "compat/view/process.h"
#include "compat/view/settings.h"
#include "compat/view/symbol.h"

namespace pollshim::view {
namespace {

pthread_once_t started_once = PTHREAD_ONCE_INIT;

void before_fork() {
  pthread_mutex_lock(&process.lock);
}

void after_fork_in_parent() {
  pthread_mutex_unlock(&process.lock);
}

// The child starts from nought: what the parent did is in the parent's report, and the page belongs
// to the parent.
void after_fork_in_child() {
  process.page = nullptr;
  process.page_tried = false;
  process.started_ns = now_ns();
  process.retired_count = 0;
  process.retired = {};
  for (LoopView* view = process.first; view != nullptr; view = view->next) {
    view->slot = &view->own;
    LoopFigures fresh = {};
    if (!view->closed) {
      if (pthread_equal(view->thread.load(std::memory_order_relaxed), pthread_self())) {
        view->raw = {};
        view->collect(view->loop, &view->raw);
      }
      view->baseline = view->raw;
      view->needs_slot = true;
      fresh.id = view->figures.id;
      fresh.opened_ns = process.started_ns;
      memcpy(fresh.backend, view->figures.backend, sizeof fresh.backend);
    }
    view->figures = fresh;
    write_figures(view->own, view->figures);
  }
  pthread_mutex_unlock(&process.lock);
}

void start_once() {
  process.started_ns = now_ns();
  remember_standard_error();
  keep_program_symbols();
  pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

[[gnu::constructor]] void at_load() {
  if (settings().verbose) {
    remember_standard_error();
    report_load();
  }
  if (settings().watches_loops()) start();
}

[[gnu::destructor]] void at_exit() {
  if (!settings().watches_loops()) return;
  // A program may exit from a signal handler that interrupted the opening of a loop: a report is
  // not worth hanging for.
  timespec limit;
  clock_gettime(CLOCK_REALTIME, &limit);
  limit.tv_sec += 1;
  bool locked = pthread_mutex_timedlock(&process.lock, &limit) == 0;
  if (locked) refresh_own_loops();
  if (settings().stats) report_process();
  remove_page();
  if (locked) pthread_mutex_unlock(&process.lock);
}

}  // namespace

void start() {
  pthread_once(&started_once, start_once);
}

}  // namespace pollshim::view
