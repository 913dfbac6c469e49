// The exit codes of the command, as its manual page lists them: one for each thing that can be
// wrong, the same for every subcommand. `run` otherwise ends with the program's own status, so
// these keep clear of the usual small ones.
#pragma once

namespace pollshim::swap {

enum ExitCode {
  kFine = 0,
  kSymbolsMissing = 1,
  kUsage = 2,
  kNothingToReplace = 110,
  kStaticProgram = 111,
  kPrivileged = 112,  // set-uid, set-gid or file capabilities
  kOtherArchitecture = 113,
  kOtherSeries = 114,  // libevent 2.0 or 2.2, libev 3 …
  kNotElf = 115,
  kLibrariesNotFound = 116,  // ours
  kDependencyNotFound = 117,
  kNotPublishing = 118,  // `top`: no such process, or one without a page
  kSwapNotProven = 119,  // `doctor`
  kFailed = 125,         // anything else: out of memory, unreadable files
  kNotExecutable = 126,
  kNoSuchProgram = 127,
};

}  // namespace pollshim::swap
