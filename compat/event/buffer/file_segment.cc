#include "compat/event/buffer/file_segment.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <new>

#include "compat/event/buffer/chunk.h"
#include "compat/event/lock.h"
#include "compat/event/log.h"
#include "compat/event/memory.h"

namespace pollshim::event {

namespace {

// An empty file has contents too: none, but somewhere.
unsigned char no_contents[1];

}  // namespace

FileSegment* FileSegment::make(int fd, off_t offset, off_t length, unsigned flags) {
  if (length == -1) {
    struct stat status;
    if (fstat(fd, &status) < 0) return nullptr;
    length = status.st_size;
  }
  constexpr auto kLargest = static_cast<off_t>(kLargestChunk);
  if (offset < 0 || length < 0 || length > kLargest || offset > kLargest - length) return nullptr;

  void* memory = allocate_zeroed(1, sizeof(evbuffer_file_segment));
  if (memory == nullptr) return nullptr;
  auto* segment = new (memory) evbuffer_file_segment;
  segment->fd_ = fd;
  segment->flags_ = flags;
  segment->file_offset_ = static_cast<std::size_t>(offset);
  segment->length_ = static_cast<std::size_t>(length);
  if (!segment->may_be_sent() && !segment->materialize()) {
    release(memory);
    return nullptr;
  }
  if ((flags & EVBUF_FS_DISABLE_LOCKING) == 0) segment->lock_ = make_lock(0);
  return segment;
}

bool FileSegment::materialize() {
  Guard guard(lock_);
  if (contents_ != nullptr) return true;
  if (length_ == 0) {
    contents_ = no_contents;
    return true;
  }
  return ((flags_ & EVBUF_FS_DISABLE_MMAP) == 0 && map()) || read_in();
}

bool FileSegment::map() {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t leading = file_offset_ % page;
  const std::size_t whole = length_ + leading;
  void* mapping =
      mmap(nullptr, whole, PROT_READ, MAP_PRIVATE, fd_, static_cast<off_t>(file_offset_ - leading));
  if (mapping == MAP_FAILED) {
    log_warning_errno("%s: mmap(%d, %zu, %zu) failed", __func__, fd_, file_offset_, length_);
    return false;
  }
  mapping_ = mapping;
  mapping_length_ = whole;
  contents_ = static_cast<unsigned char*>(mapping) + leading;
  return true;
}

// By lseek and read, not pread: sandboxed programs have allowed what libevent always called.
bool FileSegment::read_in() {
  auto* memory = static_cast<unsigned char*>(allocate(length_));
  if (memory == nullptr) return false;
  const off_t position = lseek(fd_, 0, SEEK_CUR);
  std::size_t done = 0;
  if (position >= 0 && lseek(fd_, static_cast<off_t>(file_offset_), SEEK_SET) >= 0) {
    while (done < length_) {
      const ssize_t n = read(fd_, memory + done, length_ - done);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) break;
      done += static_cast<std::size_t>(n);
    }
  }
  const int error = errno;
  const bool restored = position >= 0 && lseek(fd_, position, SEEK_SET) >= 0;
  if (done < length_ || !restored) {
    release(memory);
    errno = error;
    return false;
  }
  contents_ = memory;
  return true;
}

void FileSegment::let_go() {
  if (holders_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  if (mapping_ != nullptr) {
    if (munmap(mapping_, mapping_length_) != 0) log_warning_errno("%s: munmap failed", __func__);
  } else if (contents_ != no_contents && contents_ != nullptr) {
    release(contents_);
  }
  if ((flags_ & EVBUF_FS_CLOSE_ON_FREE) != 0 && fd_ >= 0) close(fd_);
  if (cleanup_ != nullptr) {
    cleanup_(static_cast<evbuffer_file_segment*>(this), static_cast<int>(flags_),
             cleanup_argument_);
  }
  free_lock(lock_, 0);
  release(static_cast<evbuffer_file_segment*>(this));
}

}  // namespace pollshim::event
