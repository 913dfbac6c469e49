// What the view says: the line at load, the line about a stall, the table or the JSON document at
// exit.
//
// Reads figures through the loops' slots only, because other threads may still be running their
// loops while the process exits.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "compat/view/output.h"
#include "compat/view/process.h"
#include "compat/view/settings.h"
#include "compat/view/symbol.h"
#include "config.h"

namespace pollshim::view {
namespace {

double seconds(uint64_t nanoseconds) {
  return static_cast<double>(nanoseconds) / 1e9;
}
double milliseconds(uint64_t nanoseconds) {
  return static_cast<double>(nanoseconds) / 1e6;
}

const char* base_name(const char* path) {
  const char* slash = strrchr(path, '/');
  return slash != nullptr ? slash + 1 : path;
}

// The slowest callbacks of some loops, slowest first.
struct Ranking {
  CallbackFigures* at[kPageCallbacks];
  size_t count;
};

Ranking rank(LoopFigures& figures) {
  Ranking ranking = {};
  for (CallbackFigures& entry : figures.slowest) {
    if (entry.function == 0) continue;
    size_t place = ranking.count++;
    for (; place > 0 && ranking.at[place - 1]->longest_ns < entry.longest_ns; place--) {
      ranking.at[place] = ranking.at[place - 1];
    }
    ranking.at[place] = &entry;
  }
  return ranking;
}

bool was_used(const LoopFigures& figures) {
  return figures.counters.turns != 0 || figures.callbacks != 0;
}

// Calls `each(figures, closed)` for every loop that did anything; says how many there were.
template <typename Each>
size_t for_each_used_loop(Each each) {
  size_t count = 0;
  for (LoopView* view = process.first; view != nullptr; view = view->next) {
    LoopFigures figures;
    if (!read_figures(*view->slot, &figures) || !was_used(figures)) continue;
    each(figures, view->closed);
    count++;
  }
  return count;
}

void print_row(Output& out, const char* name, const LoopFigures& figures) {
  const Counters& c = figures.counters;
  out.print("%5s %-8s %9" PRIu64 " %9" PRIu64 " %7" PRIu64 " %7" PRIu64 " %7" PRIu64 " %7" PRIu64
            " %7" PRIu64 " %9" PRIu64 " %5" PRIu64 " %7" PRIu64 " %9.3f %9.3f",
            name, figures.backend, c.turns, c.waits, c.wakes_asked, c.wakes_written,
            c.registrations, c.modifications, c.removals, c.events_delivered, c.stale_dropped,
            c.timers_fired, seconds(figures.waiting_ns), seconds(figures.callback_ns));
  LoopFigures copy = figures;
  Ranking ranking = rank(copy);
  if (ranking.count > 0) {
    out.print(" %9.3f  %s", milliseconds(ranking.at[0]->longest_ns), ranking.at[0]->where);
  }
  out.print("\n");
}

void print_table(Output& out) {
  out.print("%5s %-8s %9s %9s %7s %7s %7s %7s %7s %9s %5s %7s %9s %9s %9s  %s\n", "loop", "backend",
            "turns", "waits", "wakes", "written", "added", "changed", "removed", "events", "stale",
            "timers", "waiting s", "busy s", "longest ms", "in");
  LoopFigures total = process.retired;
  size_t loops = for_each_used_loop([&](const LoopFigures& figures, bool) {
    char name[24];
    snprintf(name, sizeof name, "%" PRIu64, figures.id);
    print_row(out, name, figures);
    merge_figures(&total, figures);
  });
  if (process.retired_count > 0) {
    out.print("%5s %" PRIu64 " closed loops in one\n", "", process.retired_count);
    print_row(out, "old", process.retired);
  }
  if (loops + process.retired_count > 1) print_row(out, "all", total);
  Ranking ranking = rank(total);
  if (ranking.count == 0) return;
  out.print("slowest callbacks: longest ms, mean ms, calls while among the slowest\n");
  for (size_t i = 0; i < ranking.count; i++) {
    const CallbackFigures& entry = *ranking.at[i];
    char where[192];
    name_function_fully(reinterpret_cast<const void*>(static_cast<uintptr_t>(entry.function)),
                        where, sizeof where);
    out.print("%11.3f %9.3f %9" PRIu64 "  %s\n", milliseconds(entry.longest_ns),
              milliseconds(entry.total_ns / entry.calls), entry.calls, where);
  }
}

void print_json_figures(Output& out, LoopFigures& figures) {
  const Counters& c = figures.counters;
  const struct {
    const char* name;
    uint64_t value;
  } members[] = {{"turns", c.turns},
                 {"waits", c.waits},
                 {"wakes_asked", c.wakes_asked},
                 {"wakes_written", c.wakes_written},
                 {"registrations", c.registrations},
                 {"modifications", c.modifications},
                 {"removals", c.removals},
                 {"events_delivered", c.events_delivered},
                 {"stale_dropped", c.stale_dropped},
                 {"timers_fired", c.timers_fired},
                 {"timers_pending", c.timers_pending},
                 {"callbacks", figures.callbacks},
                 {"waiting_ns", figures.waiting_ns},
                 {"callback_ns", figures.callback_ns}};
  for (const auto& member : members)
    out.print("\"%s\":%" PRIu64 ",", member.name, member.value);
  out.print("\"slowest\":[");
  Ranking ranking = rank(figures);
  for (size_t i = 0; i < ranking.count; i++) {
    const CallbackFigures& entry = *ranking.at[i];
    out.print("%s{\"callback\":", i > 0 ? "," : "");
    out.print_json(entry.where);
    out.print(",\"longest_ns\":%" PRIu64 ",\"total_ns\":%" PRIu64 ",\"calls\":%" PRIu64 "}",
              entry.longest_ns, entry.total_ns, entry.calls);
  }
  out.print("]");
}

void print_document(int fd) {
  Output out(fd);
  out.print("{\"pollshim\":\"%s\",\"engine\":\"%s\",\"engine_version\":\"%s\",\"program\":",
            PACKAGE_VERSION, engine.name, engine.version);
  out.print_json(program_invocation_short_name);
  out.print(",\"pid\":%d,\"seconds\":%.6f,\"loops\":[", getpid(),
            seconds(now_ns() - process.started_ns));
  bool first = true;
  for_each_used_loop([&](LoopFigures& figures, bool closed) {
    out.print("%s{\"id\":%" PRIu64 ",\"backend\":\"%s\",\"closed\":%s,", first ? "" : ",",
              figures.id, figures.backend, closed ? "true" : "false");
    print_json_figures(out, figures);
    out.print("}");
    first = false;
  });
  out.print("],\"older_closed\":{\"loops\":%" PRIu64 ",", process.retired_count);
  print_json_figures(out, process.retired);
  out.print("}}\n");
}

// The file's name with the process id in place of "%p", for programs that start others.
bool stats_path(char* path, size_t size) {
  const char* marker = strstr(settings().stats_file, "%p");
  int length = marker == nullptr ? snprintf(path, size, "%s", settings().stats_file)
                                 : snprintf(path, size, "%.*s%d%s",
                                            static_cast<int>(marker - settings().stats_file),
                                            settings().stats_file, getpid(), marker + 2);
  return length > 0 && static_cast<size_t>(length) < size;
}

struct Faces {
  const char* directory;
  size_t directory_length;
  char names[256];
  size_t used;
};

// Which of our SONAMEs this process has mapped, as far as they lie beside the engine.
int collect_face(dl_phdr_info* info, size_t, void* context) {
  auto faces = static_cast<Faces*>(context);
  const char* name = base_name(info->dlpi_name);
  auto directory_length = static_cast<size_t>(name - info->dlpi_name);
  if (directory_length != faces->directory_length ||
      strncmp(info->dlpi_name, faces->directory, directory_length) != 0)
    return 0;
  if (strncmp(name, "libev", 5) != 0) return 0;
  int length = snprintf(faces->names + faces->used, sizeof faces->names - faces->used, "%s%s",
                        faces->used > 0 ? " " : "", name);
  if (length > 0 && static_cast<size_t>(length) < sizeof faces->names - faces->used)
    faces->used += static_cast<size_t>(length);
  return 0;
}

}  // namespace

void report_load() {
  Dl_info info = {};
  const char* file =
      dladdr(reinterpret_cast<const void*>(&report_load), &info) != 0 && info.dli_fname != nullptr
          ? info.dli_fname
          : "?";
  Faces faces = {file, static_cast<size_t>(base_name(file) - file), "", 0};
  dl_iterate_phdr(collect_face, &faces);
  Output out(standard_error());
  out.print("pollshim %s: %s %s in %s[%d] from %s, as %s, backend %s\n", PACKAGE_VERSION,
            engine.name, engine.version, program_invocation_short_name, getpid(), file,
            faces.used > 0 ? faces.names : "part of the program", engine.first_backend());
}

void report_stall(const LoopView& view, const void* function, uint64_t duration_ns) {
  int saved_errno = errno;
  char where[192];
  name_function_fully(function, where, sizeof where);
  {
    Output out(standard_error());
    out.print("pollshim: stall in %s[%d], %s loop %" PRIu64 ": %s ran %.3f ms (limit %.3f ms)\n",
              program_invocation_short_name, getpid(), engine.name, view.figures.id, where,
              milliseconds(duration_ns), milliseconds(settings().stall_ns));
  }
  errno = saved_errno;
}

void report_process() {
  size_t used = for_each_used_loop([](const LoopFigures&, bool) {}) + process.retired_count;
  if (used == 0) return;
  int fd = standard_error();
  if (settings().stats_file != nullptr) {
    char path[1024];
    fd = stats_path(path, sizeof path)
             ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0666)
             : -1;
    if (fd < 0) {
      Output(standard_error())
          .print("pollshim: cannot write statistics to %s: %s\n", settings().stats_file,
                 strerror(errno));
      return;
    }
    print_document(fd);
    close(fd);
    return;
  }
  Output out(fd);
  out.print("pollshim %s: %s %s in %s[%d], %zu loop%s in %.3f s\n", PACKAGE_VERSION, engine.name,
            engine.version, program_invocation_short_name, getpid(), used, used == 1 ? "" : "s",
            seconds(now_ns() - process.started_ns));
  print_table(out);
}

}  // namespace pollshim::view
