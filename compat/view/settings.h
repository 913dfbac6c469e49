// What the environment asked the view for, read once.
//
// Used by the view's own files only. Set-uid programs get the defaults: their environment is not
// theirs. Knows no loop.
#pragma once

#include <cstdint>

namespace pollshim::view {

struct Settings {
  bool verbose;            // POLLSHIM_VERBOSE
  bool stats;              // POLLSHIM_STATS
  const char* stats_file;  // null: text on standard error; else JSON, appended ("%p" stands for the
                           // process id)
  uint64_t stall_ns;       // POLLSHIM_STALL_MS; 0: off
  const char* top;         // POLLSHIM_TOP: the directory of the page; null: off

  bool watches_loops() const { return stats || stall_ns != 0 || top != nullptr; }
};

// Any thread, at any time, also before constructors ran.
const Settings& settings();

}  // namespace pollshim::view
