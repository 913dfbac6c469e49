// `pollshim doctor`: what the kernel offers, what is installed, and a swap proven on a tiny
// program.
//
// The tiny program is this command itself, started again with the swap's environment: it loads each
// library by its SONAME, as a program's plug-in would be, runs a loop with it, and looks into its
// own memory map.
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "compat/swap/families.h"
#include "compat/swap/search.h"
#include "compat/swap/verdict.h"
#include "config.h"

namespace pollshim::swap {
namespace {

void say(const char* what, const char* found) {
  printf("  %-28s %s\n", what, found);
}

// ---- the kernel
// --------------------------------------------------------------------------------------------------------------

// Asked with arguments that cannot succeed: any answer but "no such call" means that it is there.
const char* offers(long result) {
  if (result < 0 && errno == ENOSYS) return "no";
  if (result < 0 && errno == EPERM) return "forbidden here";
  return "yes";
}

void report_kernel() {
  utsname system;
  puts("kernel");
  if (uname(&system) == 0) say("version", format("%s %s", system.sysname, system.release));
  say("epoll_create1", offers(syscall(SYS_epoll_create1, -1)));
#ifdef SYS_epoll_pwait2
  say("epoll_pwait2", offers(syscall(SYS_epoll_pwait2, -1, nullptr, 0, nullptr, nullptr, 0)));
#endif
  say("eventfd", offers(syscall(SYS_eventfd2, 0, -1)));
  say("timerfd", offers(syscall(SYS_timerfd_create, -1, -1)));
#ifdef SYS_io_uring_setup
  say("io_uring", offers(syscall(SYS_io_uring_setup, 0, nullptr)));
#endif
}

// ---- the libraries
// -------------------------------------------------------------------------------------------------------------

void report_libraries(const ElfFile& self) {
  const char* directory = our_directory();
  printf("ours, in %s\n", directory != nullptr ? directory : "(not found)");
  for (const Replaceable& each : kReplaceable) {
    say(each.soname,
        directory != nullptr && our_library(each.soname) != nullptr ? "there" : "missing");
  }
  puts("the system's");
  for (const Replaceable& each : kReplaceable) {
    Requester requester = {&self, nullptr};
    const char* path = find_library(each.soname, requester);
    say(each.soname, path != nullptr ? path : "not installed");
  }
}

void report_environment() {
  puts("environment");
  size_t said = 0;
  for (const char* name :
       {"LD_PRELOAD", "LD_LIBRARY_PATH", "POLLSHIM_LIBRARIES", "POLLSHIM_VERBOSE", "POLLSHIM_STATS",
        "POLLSHIM_STALL_MS", "POLLSHIM_TOP", "EVENT_NOEPOLL", "EVENT_NOPOLL", "EVENT_NOSELECT",
        "LIBEV_FLAGS"}) {
    const char* value = getenv(name);
    if (value != nullptr) say(name, value);
    said += value != nullptr ? 1 : 0;
  }
  if (said == 0) say("nothing set", "");
}

// ---- the proof
// -------------------------------------------------------------------------------------------------------------------

bool prove(const Replaceable& library) {
  const char* path = our_library(library.soname);
  if (path == nullptr) return false;
  fflush(stdout);
  pid_t child = fork();
  if (child < 0) return false;
  if (child == 0) {
    setenv("LD_PRELOAD", path, 1);
    setenv("LD_LIBRARY_PATH", our_directory(), 1);
    execl("/proc/self/exe", "pollshim", "doctor-probe", library.soname, path,
          static_cast<char*>(nullptr));
    _exit(kFailed);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// ---- inside the tiny program
// ---------------------------------------------------------------------------------------------------------

template <typename Function>
Function function(void* library, const char* name) {
  auto found = reinterpret_cast<Function>(dlsym(library, name));
  if (found == nullptr) printf("no %s; ", name);
  return found;
}

int times_called;

// One turn of a libevent loop: a pipe becomes readable.
bool turn_libevent(void* library, int readable) {
  auto version = function<const char* (*)()>(library, "event_get_version");
  auto base_new = function<void* (*)()>(library, "event_base_new");
  auto once = function<int (*)(void*, int, short, void (*)(int, short, void*), void*, const void*)>(
      library, "event_base_once");
  auto dispatch = function<int (*)(void*)>(library, "event_base_dispatch");
  auto free_base = function<void (*)(void*)>(library, "event_base_free");
  if (version == nullptr || base_new == nullptr || once == nullptr || dispatch == nullptr ||
      free_base == nullptr)
    return false;
  void* base = base_new();
  constexpr short kRead = 2;  // EV_READ
  if (base == nullptr ||
      once(
          base, readable, kRead, [](int, short, void*) { times_called++; }, nullptr, nullptr) != 0)
    return false;
  bool done = dispatch(base) >= 0;
  free_base(base);
  printf("libevent %s, ", version());
  return done;
}

// The same with libev.
bool turn_libev(void* library, int readable) {
  auto major = function<int (*)()>(library, "ev_version_major");
  auto minor = function<int (*)()>(library, "ev_version_minor");
  auto loop_new = function<void* (*)(unsigned)>(library, "ev_loop_new");
  auto once =
      function<void (*)(void*, int, int, double, void (*)(int, void*), void*)>(library, "ev_once");
  auto run = function<int (*)(void*, int)>(library, "ev_run");
  auto destroy = function<void (*)(void*)>(library, "ev_loop_destroy");
  if (major == nullptr || minor == nullptr || loop_new == nullptr || once == nullptr ||
      run == nullptr || destroy == nullptr)
    return false;
  void* loop = loop_new(0);
  if (loop == nullptr) return false;
  once(
      loop, readable, 1, -1, [](int, void*) { times_called++; }, nullptr);  // 1: EV_READ
  run(loop, 0);
  destroy(loop);
  printf("libev %d.%d, ", major(), minor());
  return true;
}

// True if `path`, and no other file of this name, is mapped.
bool only_ours_is_mapped(const char* soname, const char* path) {
  FILE* maps = fopen("/proc/self/maps", "re");
  if (maps == nullptr) return false;
  char line[4096];
  bool ours = false;
  bool others = false;
  while (fgets(line, sizeof line, maps) != nullptr) {
    line[strcspn(line, "\n")] = '\0';
    const char* file = strchr(line, '/');
    if (file == nullptr) continue;
    size_t stem = strcspn(soname, ".");
    if (same(file, path)) {
      ours = true;
    } else if (strncmp(base_name(file), soname, stem) == 0 &&
               strncmp(file, directory_of(path), strlen(directory_of(path))) != 0) {
      others = true;
    }
  }
  fclose(maps);
  if (others) printf("the original is mapped as well; ");
  return ours && !others;
}

}  // namespace

int doctor_probe(int argc, char** argv) {
  if (argc != 3) return kUsage;
  const Replaceable* what = replaceable(argv[1]);
  void* library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  if (what == nullptr || library == nullptr) {
    printf("cannot be loaded: %s\n", dlerror());
    return kFailed;
  }
  bool mapped = only_ours_is_mapped(argv[1], real_path(argv[2]));
  int ends[2];
  if (pipe(ends) != 0 || write(ends[1], "x", 1) != 1) return kFailed;
  alarm(10);
  // The other members of libevent's family carry no loop that could be found by name through them
  // alone.
  bool has_loop =
      dlsym(library, what->family == Family::kLibev ? "ev_run" : "event_base_dispatch") != nullptr;
  bool turned = true;
  if (has_loop) {
    turned = what->family == Family::kLibev ? turn_libev(library, ends[0])
                                            : turn_libevent(library, ends[0]);
    turned = turned && times_called == 1;
  }
  puts(!mapped    ? "ours is not the one loaded"
       : !turned  ? "its loop did not deliver"
       : has_loop ? "swapped, one event delivered"
                  : "swapped");
  return mapped && turned ? kFine : kFailed;
}

int doctor_command(int argc, char**) {
  if (argc != 1) {
    fputs("usage: pollshim doctor\n", stderr);
    return kUsage;
  }
  puts("pollshim " PACKAGE_VERSION);
  ElfFile self;
  if (read_elf("/proc/self/exe", &self) != ElfResult::kRead) return kFailed;
  report_kernel();
  report_libraries(self);
  report_environment();
  puts("proof");
  if (our_directory() == nullptr) return kLibrariesNotFound;
  bool proven = true;
  for (const Replaceable& each : kReplaceable) {
    printf("  %-28s ", each.soname);
    if (our_library(each.soname) == nullptr) {
      puts(each.always ? "missing" : "not in this build: `check` refuses programs that need it");
      proven = proven && !each.always;
    } else if (!prove(each)) {
      proven = false;
    }
  }
  puts(proven ? "all well" : "not all well");
  return proven ? kFine : kSwapNotProven;
}

}  // namespace pollshim::swap
