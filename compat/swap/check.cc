// `pollshim check PROGRAM`: the table of what a swap would replace, and whether every import is
// there.
#include <stdio.h>

#include "compat/swap/verdict.h"

namespace pollshim::swap {
namespace {

void print_head(const Target& target) {
  printf("%s", target.path);
  if (target.interpreter != nullptr) printf(": a script, run by %s", target.interpreter);
  printf("\n");
}

void print_row(const Row& row) {
  printf("  %-26s %7zu %7zu %7zu  %s\n", row.what->soname, row.imports.size(),
         row.imports.size() - row.missing, row.missing,
         row.ours != nullptr ? row.ours : "not replaced: we have none");
  printf("  %-26s original: %s, needed by %s\n", "",
         row.original != nullptr ? row.original : "not installed", row.needed_by);
}

void print_table(const Closure& closure) {
  printf("  %-26s %7s %7s %7s  %s\n", "SONAME", "imports", "there", "missing", "replaced by");
  for (const Row& row : closure.rows)
    print_row(row);
}

}  // namespace

ExitCode judge_closure(const Closure& closure) {
  for (const char* series : closure.other_series) {
    fprintf(stderr,
            "pollshim: %s: another series, with another binary interface; we replace libevent 2.1 "
            "and libev 4\n",
            series);
  }
  if (!closure.other_series.empty()) return kOtherSeries;
  for (const Row& row : closure.rows) {
    if (row.ours == nullptr) {
      fprintf(stderr,
              "pollshim: there is no %s in %s; a family is swapped as a whole or not at all\n",
              row.what->soname, our_directory());
    }
    for (const Import& import : row.imports) {
      if (!import.there) {
        fprintf(stderr, "pollshim: missing from %s: %s, imported by %s\n", row.what->soname,
                import.symbol, import.importer);
      }
    }
  }
  if (closure.missing() != 0) return kSymbolsMissing;
  for (const char* library : closure.not_found)
    fprintf(stderr, "pollshim: not found: %s\n", library);
  if (!closure.not_found.empty()) return kDependencyNotFound;
  return closure.rows.empty() ? kNothingToReplace : kFine;
}

int check_command(int argc, char** argv) {
  if (argc != 2 || argv[1][0] == '-') {
    fputs("usage: pollshim check PROGRAM\n", stderr);
    return kUsage;
  }
  Target target;
  if (ExitCode code = find_target(argv[1], &target); code != kFine) return code;
  Closure closure = close_over(target.program);
  print_head(target);
  if (!closure.rows.empty()) print_table(closure);
  fflush(stdout);
  ExitCode code = judge_closure(closure);
  if (code == kNothingToReplace) {
    fprintf(stderr,
            "pollshim: nothing to replace: neither %s nor any library it is linked with needs "
            "libevent 2.1 or libev 4. What it "
            "loads with dlopen, and what programs it starts need, is not known here.\n",
            target.program.path);
  }
  if (code == kFine) printf("every import is there: `pollshim run %s` swaps ours in\n", argv[1]);
  return code;
}

}  // namespace pollshim::swap
