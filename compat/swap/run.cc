// `pollshim run PROGRAM ARGS...`: sets the environment under which the loader takes our libraries,
// and becomes the program.
//
// What the program and its libraries need is preloaded by path, which beats even an RPATH.
// LD_LIBRARY_PATH reaches the rest: what is loaded with dlopen, and the programs that this one
// starts.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compat/swap/verdict.h"

namespace pollshim::swap {
namespace {

struct Options {
  const char* backend = nullptr;
  const char* stats = nullptr;
  const char* stall = nullptr;
  bool verbose = false;
  bool top = false;
  bool force = false;
  bool quiet = false;
};

void put(const char* name, const char* value) {
  if (setenv(name, value, 1) != 0) out_of_memory();
}

// ---- options
// -------------------------------------------------------------------------------------------------------------

// The two libraries are told in their own ways, which need no knowledge of ours: libevent by
// excluding the others, libev by the bit of the one.
constexpr struct Backend {
  const char* name;
  const char* excluded_by;
  const char* flags;
} kBackends[] = {
    {"epoll", "EVENT_NOEPOLL", "4"},
    {"poll", "EVENT_NOPOLL", "2"},
    {"select", "EVENT_NOSELECT", "1"},
};

bool is_backend(const char* name) {
  for (const Backend& backend : kBackends) {
    if (same(backend.name, name)) return true;
  }
  return false;
}

void choose_backend(const char* name) {
  for (const Backend& backend : kBackends) {
    if (same(backend.name, name)) {
      put("LIBEV_FLAGS", backend.flags);
      unsetenv(backend.excluded_by);
    } else {
      put(backend.excluded_by, "1");
    }
  }
}

const char* value_of(const char* argument, const char* option) {
  size_t length = strlen(option);
  return strncmp(argument, option, length) == 0 && argument[length] == '=' ? argument + length + 1
                                                                           : nullptr;
}

bool is_duration(const char* text) {
  char* end;
  double milliseconds = strtod(text, &end);
  return end != text && *end == '\0' && milliseconds > 0 && milliseconds < 1e9;
}

// The index of the program's name; 0 after complaining.
int read_options(int argc, char** argv, Options* options) {
  int i = 1;
  for (; i < argc && argv[i][0] == '-' && argv[i][1] != '\0'; i++) {
    const char* argument = argv[i];
    if (same(argument, "--")) return i + 1;
    if (const char* backend = value_of(argument, "--backend")) {
      if (!is_backend(backend)) {
        fprintf(stderr, "pollshim: no such backend: %s (there are epoll, poll, select)\n", backend);
        return 0;
      }
      options->backend = backend;
    } else if (same(argument, "--stats")) {
      options->stats = "1";
    } else if (const char* file = value_of(argument, "--stats")) {
      options->stats = file;
    } else if (const char* stall = value_of(argument, "--stall")) {
      if (!is_duration(stall)) {
        fprintf(stderr, "pollshim: --stall wants a number of milliseconds, not '%s'\n", stall);
        return 0;
      }
      options->stall = stall;
    } else if (same(argument, "--verbose")) {
      options->verbose = true;
    } else if (same(argument, "--top")) {
      options->top = true;
    } else if (same(argument, "--force")) {
      options->force = true;
    } else if (same(argument, "--quiet")) {
      options->quiet = true;
    } else {
      fprintf(stderr, "pollshim: run: no such option: %s\n", argument);
      return 0;
    }
  }
  return i;
}

// ---- the environment
// -------------------------------------------------------------------------------------------------------

// True if one of the separated items of the list is this one.
bool lists(const char* list, const char* item) {
  size_t length = strlen(item);
  for (const char* at = list; (at = strstr(at, item)) != nullptr; at++) {
    bool begins = at == list || strchr(" :;", at[-1]) != nullptr;
    if (begins && strchr(" :;", at[length]) != nullptr)
      return true;  // the end counts as a separator
  }
  return false;
}

// What was preloaded before stays in front: a sanitizer's or an allocator's library insists on
// being first.
void preload(const char* path) {
  const char* before = getenv("LD_PRELOAD");
  if (before == nullptr || *before == '\0') {
    put("LD_PRELOAD", path);
  } else if (!lists(before, path)) {
    put("LD_PRELOAD", format("%s:%s", before, path));
  }
}

void search_first(const char* directory) {
  const char* before = getenv("LD_LIBRARY_PATH");
  if (before == nullptr || *before == '\0') {
    put("LD_LIBRARY_PATH", directory);
  } else if (!lists(before, directory)) {
    put("LD_LIBRARY_PATH", format("%s:%s", directory, before));
  }
}

bool should_preload(const Replaceable& library, const Closure& closure) {
  return library.always ? closure.needs(library.family) : closure.needs(library.soname);
}

bool set_environment(const Closure& closure) {
  const char* directory = our_directory();
  if (strpbrk(directory, ":;") != nullptr) {
    fprintf(stderr,
            "pollshim: the loader cannot be told of %s: a path may not contain ':' or ';' there\n",
            directory);
    return false;
  }
  // A blank separates preloads; such a directory is left to the search path, and the file's bare
  // name to the preload.
  bool by_path = strpbrk(directory, " \t\n") == nullptr;
  for (const Replaceable& each : kReplaceable) {
    const char* path = our_library(each.soname);
    if (path != nullptr && should_preload(each, closure)) preload(by_path ? path : each.soname);
  }
  search_first(directory);
  return true;
}

void set_view(const Options& options) {
  if (options.backend != nullptr) choose_backend(options.backend);
  if (options.stats != nullptr) put("POLLSHIM_STATS", options.stats);
  if (options.stall != nullptr) put("POLLSHIM_STALL_MS", options.stall);
  if (options.verbose) put("POLLSHIM_VERBOSE", "1");
  if (options.top) put("POLLSHIM_TOP", "1");
}

// A relative name for the statistics means a file here, wherever the program goes; and a file of an
// earlier run is not added to.
const char* statistics_file(const char* name) {
  if (same(name, "1")) return name;
  struct stat status;
  if (strstr(name, "%p") == nullptr && lstat(name, &status) == 0 && S_ISREG(status.st_mode))
    unlink(name);
  if (*name == '/') return name;
  char* here = getcwd(nullptr, 0);
  const char* path = here != nullptr ? format("%s/%s", here, name) : name;
  free(here);
  return path;
}

}  // namespace

int run_command(int argc, char** argv) {
  Options options;
  int first = read_options(argc, argv, &options);
  if (first == 0 || first >= argc) {
    fputs(
        "usage: pollshim run [--backend=epoll|poll|select] [--stats[=FILE]] [--stall=MS] "
        "[--verbose] [--top] [--force] [--quiet] [--] "
        "PROGRAM [ARGUMENT...]\n",
        stderr);
    return kUsage;
  }
  Target target;
  if (ExitCode code = find_target(argv[first], &target); code != kFine) return code;
  Closure closure = close_over(target.program);
  ExitCode code = judge_closure(closure);
  bool dangerous = code == kSymbolsMissing || code == kOtherSeries;
  if (dangerous && !options.force) {
    fputs("pollshim: not run; --force runs it all the same\n", stderr);
    return code;
  }
  if (code == kNothingToReplace && target.interpreter == nullptr && !options.quiet) {
    fprintf(stderr,
            "pollshim: note: %s itself has nothing to replace; programs it starts and libraries it "
            "loads later may have\n",
            target.path);
  }
  if (options.stats != nullptr) options.stats = statistics_file(options.stats);
  set_view(options);
  if (!set_environment(closure)) return kLibrariesNotFound;
  fflush(nullptr);
  execv(target.path, argv + first);
  int why = errno;
  fprintf(stderr, "pollshim: cannot run %s: %s\n", target.path, strerror(why));
  return why == ENOENT ? kNoSuchProgram : kNotExecutable;
}

}  // namespace pollshim::swap
