// What can be said of a program before it is run: the same words and exit codes for `check` and for
// `run`.
#pragma once

#include "compat/swap/closure.h"
#include "compat/swap/exit_codes.h"
#include "compat/swap/target.h"

namespace pollshim::swap {

// Complains on standard error about whatever stands in the way of a swap; kFine if nothing does,
// and kNothingToReplace, without a word, if there is nothing to swap.
ExitCode judge_closure(const Closure& closure);

int check_command(int argc, char** argv);
int run_command(int argc, char** argv);
int doctor_command(int argc, char** argv);
int doctor_probe(int argc, char** argv);
int top_command(int argc, char** argv);

}  // namespace pollshim::swap
