// See page_reader.h.
#include "compat/swap/page_reader.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

namespace pollshim::swap {
namespace {

const char* page_directory() {
  const char* wanted = getenv("POLLSHIM_TOP");
  return wanted != nullptr && *wanted == '/' ? wanted : view::kPageDirectory;
}

bool is_running(pid_t pid) {
  return kill(pid, 0) == 0 || errno == EPERM;
}

void map_page(PageFile* file) {
  int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  struct stat status;
  if (fd < 0 || fstat(fd, &status) != 0) {
    file->problem = strerror(errno);
    if (fd >= 0) close(fd);
    return;
  }
  if (!S_ISREG(status.st_mode) || static_cast<size_t>(status.st_size) < sizeof(view::Page)) {
    file->problem = "not a page of this version";
    close(fd);
    return;
  }
  void* mapped = mmap(nullptr, sizeof(view::Page), PROT_READ, MAP_SHARED, fd, 0);
  close(fd);
  if (mapped == MAP_FAILED) {
    file->problem = strerror(errno);
    return;
  }
  auto page = static_cast<const view::Page*>(mapped);
  bool fits = memcmp(page->magic, view::kPageMagic, sizeof page->magic) == 0 &&
              page->version.load(std::memory_order_acquire) == view::kPageVersion &&
              page->page_size == sizeof(view::Page) && page->loop_size == sizeof(view::PageLoop) &&
              page->loop_count == view::kPageLoops;
  if (fits) {
    file->page = page;
  } else {
    file->problem = "not a page of this version";
    munmap(mapped, sizeof(view::Page));
  }
}

uint64_t now_ns() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000000000U + static_cast<uint64_t>(now.tv_nsec);
}

}  // namespace

List<PageFile> find_pages(pid_t pid_or_zero) {
  List<PageFile> pages;
  DIR* directory = opendir(page_directory());
  if (directory == nullptr) return pages;
  const size_t prefix = strlen(view::kPagePrefix);
  while (const dirent* entry = readdir(directory)) {
    if (strncmp(entry->d_name, view::kPagePrefix, prefix) != 0) continue;
    char* end;
    long pid = strtol(entry->d_name + prefix, &end, 10);
    if (pid <= 0 || *end != '.' || (pid_or_zero != 0 && pid != pid_or_zero)) continue;
    PageFile file = {static_cast<pid_t>(pid), format("%s/%s", page_directory(), entry->d_name),
                     nullptr, nullptr};
    if (!is_running(file.pid)) {
      unlink(file.path);
      continue;
    }
    map_page(&file);
    pages.add(file);
  }
  closedir(directory);
  return pages;
}

void take_sample(const view::Page& page, PageSample* taken) {
  taken->taken_ns = now_ns();
  taken->loops.clear();
  for (const view::PageLoop& slot : page.loops) {
    LoopSample loop;
    loop.state = slot.state.load(std::memory_order_relaxed);
    if (loop.state == view::LoopState::kFree || loop.state == view::LoopState::kClosed) continue;
    loop.since_ns = slot.since_ns.load(std::memory_order_relaxed);
    loop.function = slot.function.load(std::memory_order_relaxed);
    if (!view::read_figures(slot, &loop.figures) || loop.figures.id == 0) continue;
    loop.figures.backend[sizeof loop.figures.backend - 1] = '\0';
    for (view::CallbackFigures& entry : loop.figures.slowest)
      entry.where[sizeof entry.where - 1] = '\0';
    taken->loops.add(loop);
  }
}

}  // namespace pollshim::swap
