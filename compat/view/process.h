// What the view knows of this process: its watched loops, its page, and the totals of loops long
// closed.
//
// Shared by the view's own files. A LoopView is never freed, only used again: a callback may close
// the very loop that runs it.
#pragma once

#include <pthread.h>

#include <cstdint>

#include "compat/view/page.h"
#include "compat/view/view.h"

namespace pollshim::view {

struct LoopView {
  LoopView* next;  // in the order of opening
  const void* loop;
  Collect collect;
  bool closed;
  bool needs_slot;  // came through a fork: its place in the child's own page is looked for when it
                    // runs
  std::atomic<pthread_t> thread;  // that ran it last
  PageLoop* slot;                 // in the page, or `own`
  uint64_t wait_started_ns;
  Counters raw;         // as collected last
  Counters baseline;    // what the parent process had counted before a fork
  LoopFigures figures;  // touched by the loop's thread alone; everybody else reads the slot
  PageLoop own;
};

// Loops that a program makes and frees without end (one for each request, say) would fill the list:
// beyond this many closed ones the oldest is added to `retired` and its room used again.
inline constexpr unsigned kClosedKept = 32;

struct Process {
  pthread_mutex_t lock;
  LoopView* first;
  unsigned closed;
  uint64_t opened;
  uint64_t started_ns;
  uint64_t retired_count;
  LoopFigures retired;
  Page* page;
  bool page_tried;
};
extern Process process;

uint64_t now_ns();

// Reads the settings and, when loops are watched, prepares the reports and the fork handlers. Any
// number of times.
void start();

// The page of this process, made when first asked for; null when not wanted or not possible. Under
// the lock.
Page* page_of_process();
// Takes the file away. The mapping stays: other threads may still be writing to it.
void remove_page();

// One line on standard error about a callback that ran too long.
void report_stall(const LoopView& view, const void* function, uint64_t duration_ns);
// The one line at load.
void report_load();
// The table, or the JSON document, of the whole process.
void report_process();

// Brings the figures of loops that the calling thread runs up to date, as far as that can be done
// safely.
void refresh_own_loops();
// Adds b to a, and keeps the slowest callbacks of both.
void merge_figures(LoopFigures* a, const LoopFigures& b);

}  // namespace pollshim::view
