// Where the view's reports go: standard error or a file, in whole lines, through write(2) alone.
//
// Used by the view's reports. Never touches stdio's streams: the program may have closed them, or
// be exiting.
#pragma once

#include <cstddef>

namespace pollshim::view {

// Called at start. Daemons close descriptor 2, and the next socket gets its number: a report must
// never be sent to a stranger.
void remember_standard_error();
// The descriptor of standard error, or -1 if it has become a socket or something else that is not
// for text.
int standard_error();

class Output {
 public:
  explicit Output(int fd) : fd_(fd) {}
  ~Output() { flush(); }
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  [[gnu::format(printf, 2, 3)]] void print(const char* format, ...);
  // The text as a JSON string, with its quotes.
  void print_json(const char* text);
  void flush();

 private:
  int fd_;
  size_t used_ = 0;
  char buffer_[1536];  // on the stack of a thread that may have a small one
};

}  // namespace pollshim::view
