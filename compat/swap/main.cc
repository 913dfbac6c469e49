// The `pollshim` command: picks the subcommand.
#include <stdio.h>

#include "compat/swap/verdict.h"
#include "config.h"

namespace pollshim::swap {
namespace {

constexpr char kHelp[] =
    "usage: pollshim run [OPTION...] [--] PROGRAM [ARGUMENT...]\n"
    "       pollshim check PROGRAM\n"
    "       pollshim doctor\n"
    "       pollshim top [--once] [--interval=SECONDS] [PID]\n"
    "       pollshim --version | --help\n"
    "\n"
    "Puts pollshim's libevent 2.1 and libev 4 under an unmodified program.\n"
    "\n"
    "run      start the program with ours in place of the originals\n"
    "  --backend=epoll|poll|select  what its loops are to run on\n"
    "  --stats[=FILE]               a table at its exit on standard error, or JSON in a file\n"
    "  --stall=MS                   report every callback that blocks a loop for longer\n"
    "  --verbose                    one line when our library is loaded\n"
    "  --top                        let `pollshim top` look at its loops\n"
    "  --force                      run it even if imported symbols are missing\n"
    "  --quiet                      no note when the program itself has nothing to replace\n"
    "check    say what would be replaced, and whether every symbol it imports is there\n"
    "doctor   say what this system offers, and prove a swap\n"
    "top      show the loops of a running program\n"
    "\n"
    "Exit codes: pollshim(1).\n";

struct Subcommand {
  const char* name;
  int (*run)(int argc, char** argv);
};
constexpr Subcommand kSubcommands[] = {
    {"run", run_command}, {"check", check_command},       {"doctor", doctor_command},
    {"top", top_command}, {"doctor-probe", doctor_probe},  // what `doctor` starts to prove a swap;
                                                           // not for people
};

int command(int argc, char** argv) {
  const char* name = argc > 1 ? argv[1] : "";
  if (same(name, "--version")) {
    puts("pollshim " PACKAGE_VERSION);
    return kFine;
  }
  if (same(name, "--help") || same(name, "help")) {
    fputs(kHelp, stdout);
    return kFine;
  }
  for (const Subcommand& each : kSubcommands) {
    if (same(each.name, name)) return each.run(argc - 1, argv + 1);
  }
  if (*name != '\0') fprintf(stderr, "pollshim: no such subcommand: %s\n", name);
  fputs(kHelp, stderr);
  return kUsage;
}

}  // namespace
}  // namespace pollshim::swap

int main(int argc, char** argv) {
  return pollshim::swap::command(argc, argv);
}
