// Reads the pages that running programs publish (compat/view/page.h), from outside.
//
// Used by `top`. Trusts nothing in a page: it is written by a program that may be anything by now.
#pragma once

#include <sys/types.h>

#include "compat/swap/memory.h"
#include "compat/view/page.h"

namespace pollshim::swap {

struct PageFile {
  pid_t pid;
  const char* path;
  const view::Page* page;  // null if it could not be mapped
  const char* problem;     // why not
};

// The pages in the page directory (POLLSHIM_TOP's, if that names one): all of them, or those of one
// process. Files that processes now dead have left are removed on the way, as far as we may.
List<PageFile> find_pages(pid_t pid_or_zero);

// One look at a loop.
struct LoopSample {
  view::LoopState state;
  uint64_t since_ns;
  uint64_t function;
  view::LoopFigures figures;
};
struct PageSample {
  uint64_t taken_ns;
  List<LoopSample> loops;
};
void take_sample(const view::Page& page, PageSample* taken);

}  // namespace pollshim::swap
