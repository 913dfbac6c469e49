// `pollshim top PID`: the loops of a running program, live, from the page that it publishes.
//
// On a terminal the picture is redrawn in place; elsewhere one picture follows another. Without a
// PID: who publishes a page.
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "compat/swap/page_reader.h"
#include "compat/swap/verdict.h"

namespace pollshim::swap {
namespace {

struct Options {
  bool once = false;
  double interval = 1.0;
  pid_t pid = 0;
};

volatile sig_atomic_t interrupted;

bool read_options(int argc, char** argv, Options* options) {
  for (int i = 1; i < argc; i++) {
    char* end = argv[i];
    if (same(argv[i], "--once")) {
      options->once = true;
    } else if (strncmp(argv[i], "--interval=", 11) == 0) {
      options->interval = strtod(argv[i] + 11, &end);
      if (*end != '\0' || !(options->interval >= 0.05 && options->interval <= 3600)) return false;
    } else {
      long pid = strtol(argv[i], &end, 10);
      if (*argv[i] == '\0' || *end != '\0' || pid <= 0 || pid > INT32_MAX || options->pid != 0)
        return false;
      options->pid = static_cast<pid_t>(pid);
    }
  }
  return true;
}

int list_publishers() {
  List<PageFile> pages = find_pages(0);
  if (pages.empty()) {
    fputs("pollshim: no program publishes its loops; start one with `pollshim run --top`\n",
          stderr);
    return kNotPublishing;
  }
  for (const PageFile& file : pages) {
    if (file.page != nullptr) {
      printf("%7d  %-10.16s %.64s\n", file.pid, file.page->engine, file.page->program);
    } else {
      printf("%7d  %s: %s\n", file.pid, file.path, file.problem);
    }
  }
  return kFine;
}

// ---- one picture
// --------------------------------------------------------------------------------------------------------------

const LoopSample* find_loop(const PageSample& taken, uint64_t id) {
  for (const LoopSample& loop : taken.loops) {
    if (loop.figures.id == id) return &loop;
  }
  return nullptr;
}

// The name of a callback is known once it has been among the slowest; until then its address has to
// do.
void print_doing(const LoopSample& loop, uint64_t now) {
  double since = now > loop.since_ns ? static_cast<double>(now - loop.since_ns) / 1e6 : 0;
  if (loop.state == view::LoopState::kWaiting) {
    printf("waiting for %.0f ms", since);
  } else if (loop.state != view::LoopState::kInCallback) {
    printf("in no callback");
  } else {
    const char* name = nullptr;
    for (const view::CallbackFigures& entry : loop.figures.slowest) {
      if (entry.function == loop.function) name = entry.where;
    }
    if (name != nullptr) {
      printf("in %s for %.1f ms", name, since);
    } else {
      printf("in 0x%" PRIx64 " for %.1f ms", loop.function, since);
    }
  }
}

// A loop asleep has counted nothing of its present wait yet: what has passed of it is added here.
uint64_t waiting_until(const LoopSample& loop, uint64_t now) {
  uint64_t waiting = loop.figures.waiting_ns;
  if (loop.state == view::LoopState::kWaiting && now > loop.since_ns)
    waiting += now - loop.since_ns;
  return waiting;
}

double share(uint64_t later, uint64_t earlier, double interval_ns) {
  double part = later > earlier ? static_cast<double>(later - earlier) / interval_ns * 100 : 0;
  return part > 100 ? 100 : part;
}

void print_loop(const LoopSample& now, const LoopSample& before, uint64_t now_ns,
                uint64_t before_ns) {
  double interval_ns = static_cast<double>(now_ns - before_ns);
  double interval = interval_ns / 1e9;
  const view::Counters& a = now.figures.counters;
  const view::Counters& b = before.figures.counters;
  auto rate = [&](uint64_t later, uint64_t earlier) {
    return static_cast<double>(later - earlier) / interval;
  };
  printf("%5" PRIu64 " %-8s %9.0f %9.0f %9.0f %9.0f %8.0f %7" PRIu64 " %6.1f %6.1f  ",
         now.figures.id, now.figures.backend, rate(a.turns, b.turns),
         rate(a.events_delivered, b.events_delivered), rate(a.wakes_asked, b.wakes_asked),
         rate(a.wakes_written, b.wakes_written),
         rate(a.registrations + a.modifications + a.removals,
              b.registrations + b.modifications + b.removals),
         a.timers_pending,
         share(waiting_until(now, now_ns), waiting_until(before, before_ns), interval_ns),
         share(now.figures.callback_ns, before.figures.callback_ns, interval_ns));
  print_doing(now, now_ns);
  printf("\n");
}

void print_slowest(const PageSample& taken) {
  struct Slow {
    uint64_t loop;
    const view::CallbackFigures* entry;
  };
  static List<Slow> slow;  // filled anew each time, for as long as somebody watches
  slow.clear();
  for (const LoopSample& loop : taken.loops) {
    for (const view::CallbackFigures& entry : loop.figures.slowest) {
      if (entry.function != 0 && entry.calls != 0) slow.add({loop.figures.id, &entry});
    }
  }
  qsort(slow.begin(), slow.size(), sizeof(Slow), [](const void* a, const void* b) {
    uint64_t x = static_cast<const Slow*>(a)->entry->longest_ns;
    uint64_t y = static_cast<const Slow*>(b)->entry->longest_ns;
    return x < y ? 1 : x > y ? -1 : 0;
  });
  if (slow.empty()) return;
  puts(" loop  longest ms   mean ms     calls  slowest callbacks");
  for (size_t i = 0; i < slow.size() && i < view::kPageCallbacks; i++) {
    const view::CallbackFigures& entry = *slow[i].entry;
    printf("%5" PRIu64 " %11.3f %9.3f %9" PRIu64 "  %s\n", slow[i].loop,
           static_cast<double>(entry.longest_ns) / 1e6,
           static_cast<double>(entry.total_ns) / static_cast<double>(entry.calls) / 1e6,
           entry.calls, entry.where);
  }
}

void print_page(const view::Page& page, const PageSample& now, const PageSample& before) {
  double age = static_cast<double>(now.taken_ns - page.started_ns) / 1e9;
  printf("%.64s[%u]  %.16s %.32s  up %.0f s  %zu loops", page.program, page.pid, page.engine,
         page.engine_version, age, now.loops.size());
  if (uint32_t unseen = page.unseen_loops.load(std::memory_order_relaxed); unseen > 0)
    printf(" (and %u without a place)", unseen);
  printf("\n%5s %-8s %9s %9s %9s %9s %8s %7s %6s %6s  %s\n", "loop", "backend", "turns/s",
         "events/s", "wakes/s", "written/s", "kernel/s", "timers", "wait%", "busy%", "doing");
  for (const LoopSample& loop : now.loops) {
    const LoopSample* earlier = find_loop(before, loop.figures.id);
    if (earlier != nullptr) print_loop(loop, *earlier, now.taken_ns, before.taken_ns);
  }
  print_slowest(now);
}

// ---- the display
// --------------------------------------------------------------------------------------------------------------------

void rest(double seconds) {
  auto whole = static_cast<time_t>(seconds);
  timespec length = {whole, static_cast<long>((seconds - static_cast<double>(whole)) * 1e9)};
  nanosleep(&length, nullptr);  // an interrupt ends it early, which is what it is for
}

bool is_over(pid_t pid) {
  return kill(pid, 0) != 0 && errno == ESRCH;
}

int explain_missing(pid_t pid) {
  if (is_over(pid)) {
    fprintf(stderr, "pollshim: no such process: %d\n", pid);
  } else {
    fprintf(stderr,
            "pollshim: process %d publishes no page; start it with `pollshim run --top`, or with "
            "POLLSHIM_TOP=1\n",
            pid);
  }
  return kNotPublishing;
}

int show(const Options& options) {
  List<PageFile> pages = find_pages(options.pid);
  List<PageFile> shown;
  for (const PageFile& file : pages) {
    if (file.page != nullptr) shown.add(file);
    if (file.problem != nullptr) fprintf(stderr, "pollshim: %s: %s\n", file.path, file.problem);
  }
  if (shown.empty()) return pages.empty() ? explain_missing(options.pid) : kNotPublishing;
  bool terminal = isatty(STDOUT_FILENO) == 1;
  List<PageSample> samples[2];  // the last and the present, by turns
  for (const PageFile& file : shown) {
    samples[0].add({});
    samples[1].add({});
    take_sample(*file.page, &samples[0][samples[0].size() - 1]);
  }
  int present = 1;
  do {
    rest(options.interval);
    if (interrupted != 0) break;
    if (is_over(options.pid)) {
      printf("process %d has ended\n", options.pid);
      break;
    }
    if (terminal && !options.once) fputs("\033[H\033[2J", stdout);
    for (size_t i = 0; i < shown.size(); i++) {
      take_sample(*shown[i].page, &samples[present][i]);
      print_page(*shown[i].page, samples[present][i], samples[1 - present][i]);
    }
    present = 1 - present;
    fflush(stdout);
  } while (!options.once && ferror(stdout) == 0);
  return kFine;
}

}  // namespace

int top_command(int argc, char** argv) {
  Options options;
  if (!read_options(argc, argv, &options)) {
    fputs("usage: pollshim top [--once] [--interval=SECONDS] [PID]\n", stderr);
    return kUsage;
  }
  if (options.pid == 0) return list_publishers();
  struct sigaction on_interrupt = {};
  on_interrupt.sa_handler = [](int) { interrupted = 1; };
  sigaction(SIGINT, &on_interrupt, nullptr);
  sigaction(SIGTERM, &on_interrupt, nullptr);
  return show(options);
}

}  // namespace pollshim::swap
