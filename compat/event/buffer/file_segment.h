// A range of a file that buffers can hold: sent by the kernel, mapped, or read into memory,
// whichever its flags allow and its readers need. Owns the mapping or the copy, the descriptor if
// it was told to, and the user's cleanup. Held by count; safe to hold from several threads unless
// told otherwise.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstddef>

#include "event2/buffer.h"

namespace pollshim::event {

class FileSegment {
 public:
  // nullptr for a range that is none, a file that can not be read, or want of memory.
  static FileSegment* make(int fd, off_t offset, off_t length, unsigned flags);

  void hold() { holders_.fetch_add(1, std::memory_order_relaxed); }
  void let_go();

  // Makes contents() valid. False if the file could neither be mapped nor read.
  bool materialize();
  unsigned char* contents() const { return contents_; }

  bool may_be_sent() const { return (flags_ & EVBUF_FS_DISABLE_SENDFILE) == 0; }
  int fd() const { return fd_; }
  std::size_t file_offset() const { return file_offset_; }
  std::size_t length() const { return length_; }

  void set_cleanup(evbuffer_file_segment_cleanup_cb cleanup, void* argument) {
    cleanup_ = cleanup;
    cleanup_argument_ = argument;
  }

 private:
  bool map();
  bool read_in();

  std::atomic<unsigned> holders_{1};
  unsigned flags_ = 0;
  int fd_ = -1;
  std::size_t file_offset_ = 0;
  std::size_t length_ = 0;
  void* lock_ = nullptr;
  unsigned char* contents_ = nullptr;
  void* mapping_ = nullptr;  // nullptr if the contents were read in
  std::size_t mapping_length_ = 0;
  evbuffer_file_segment_cleanup_cb cleanup_ = nullptr;
  void* cleanup_argument_ = nullptr;
};

}  // namespace pollshim::event

struct evbuffer_file_segment : pollshim::event::FileSegment {};
