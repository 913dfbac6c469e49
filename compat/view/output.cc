// Reports in whole lines. See output.h.
#include "compat/view/output.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pollshim::view {
namespace {

struct Identity {
  dev_t device;
  ino_t inode;
  bool known;
};
Identity at_start;

}  // namespace

void remember_standard_error() {
  struct stat status;
  if (fstat(STDERR_FILENO, &status) == 0) at_start = {status.st_dev, status.st_ino, true};
}

int standard_error() {
  struct stat status;
  if (fstat(STDERR_FILENO, &status) != 0) return -1;
  if (at_start.known && status.st_dev == at_start.device && status.st_ino == at_start.inode)
    return STDERR_FILENO;
  // Redirected since: a log file, a pipe to a logger, a terminal or /dev/null are meant for text,
  // anything else is not.
  return S_ISREG(status.st_mode) || S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode)
             ? STDERR_FILENO
             : -1;
}

void Output::flush() {
  size_t written = 0;
  while (fd_ >= 0 && written < used_) {
    ssize_t count = write(fd_, buffer_ + written, used_ - written);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    written += static_cast<size_t>(count);
  }
  used_ = 0;
}

void Output::print(const char* format, ...) {
  for (int attempt = 0; attempt < 2; attempt++) {
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(buffer_ + used_, sizeof buffer_ - used_, format, arguments);
    va_end(arguments);
    if (length < 0) return;
    if (static_cast<size_t>(length) < sizeof buffer_ - used_) {
      used_ += static_cast<size_t>(length);
      return;
    }
    flush();  // and once more, into the empty buffer; a piece longer than all of it is dropped
  }
}

void Output::print_json(const char* text) {
  print("\"");
  for (const char* at = text; *at != '\0'; at++) {
    auto byte = static_cast<unsigned char>(*at);
    if (byte == '"' || byte == '\\') {
      print("\\%c", byte);
    } else if (byte < 0x20 ||
               byte >= 0x7f) {  // file names need not be UTF-8, a JSON document must be
      print("\\u%04x", byte);
    } else {
      print("%c", byte);
    }
  }
  print("\"");
}

}  // namespace pollshim::view
