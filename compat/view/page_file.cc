// The page's file: made when the first loop of a process opens, removed when the process exits.
//
// Not made at load: with a preloaded library that would be a file for every small helper that a
// program starts.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "compat/view/process.h"
#include "compat/view/settings.h"

namespace pollshim::view {
namespace {

char page_path[512];

// A file left by a killed process that had our process id is removed; somebody else's is not ours
// to remove, and then there is no page. Never follows a link: the directory is open to everybody.
int create_file() {
  const int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  int fd = open(page_path, flags, 0600);
  if (fd < 0 && errno == EEXIST && unlink(page_path) == 0) fd = open(page_path, flags, 0600);
  return fd;
}

Page* map_file(int fd) {
  // Room is taken now: writing to a page that a full file system cannot back would be a SIGBUS in
  // the program's loop.
  if (posix_fallocate(fd, 0, sizeof(Page)) != 0) return nullptr;
  void* mapped = mmap(nullptr, sizeof(Page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  return mapped == MAP_FAILED ? nullptr : static_cast<Page*>(mapped);
}

void fill_header(Page* page) {
  memcpy(page->magic, kPageMagic, sizeof page->magic);
  page->page_size = sizeof(Page);
  page->loop_size = sizeof(PageLoop);
  page->loop_count = kPageLoops;
  page->pid = static_cast<uint32_t>(getpid());
  page->started_ns = process.started_ns;
  strncpy(page->engine, engine.name, sizeof page->engine - 1);
  strncpy(page->engine_version, engine.version, sizeof page->engine_version - 1);
  strncpy(page->program, program_invocation_short_name, sizeof page->program - 1);
  page->version.store(kPageVersion, std::memory_order_release);
}

}  // namespace

Page* page_of_process() {
  if (process.page_tried || settings().top == nullptr) return process.page;
  process.page_tried = true;
  int length = snprintf(page_path, sizeof page_path, "%s/%s%d.%s", settings().top, kPagePrefix,
                        getpid(), engine.name);
  if (length < 0 || static_cast<size_t>(length) >= sizeof page_path) return nullptr;
  int fd = create_file();
  if (fd < 0) return nullptr;
  process.page = map_file(fd);
  close(fd);
  if (process.page == nullptr) {
    unlink(page_path);
  } else {
    fill_header(process.page);
  }
  return process.page;
}

void remove_page() {
  if (process.page != nullptr) unlink(page_path);
}

}  // namespace pollshim::view
