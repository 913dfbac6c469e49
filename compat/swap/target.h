// The program that a user names: found, followed through its #! line, and judged fit for a swap or
// not.
//
// Called by `check` and `run` alike, so that both refuse the same things in the same words.
#pragma once

#include "compat/swap/elf_file.h"
#include "compat/swap/exit_codes.h"

namespace pollshim::swap {

struct Target {
  const char* path;         // what will be executed
  const char* interpreter;  // of a script: the program that really runs; else null
  ElfFile program;          // the interpreter's file where there is one
};

// Looks for `name` as a shell would. Anything but kFine has been explained on standard error.
ExitCode find_target(const char* name, Target* target);

}  // namespace pollshim::swap
