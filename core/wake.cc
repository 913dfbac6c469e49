#include "core/wake.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#if defined(__linux__)
#include <sys/eventfd.h>
#endif

namespace netpoll {

int WakeDescriptor::open() {
#if defined(__linux__)
  read_ = write_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (read_ >= 0) return 0;
  if (errno != ENOSYS) return errno;
#endif
  int ends[2];
  if (::pipe(ends) != 0) return errno;
  for (const int end : ends) {
    ::fcntl(end, F_SETFD, FD_CLOEXEC);
    ::fcntl(end, F_SETFL, O_NONBLOCK);
  }
  read_ = ends[0];
  write_ = ends[1];
  return 0;
}

void WakeDescriptor::close() {
  if (write_ >= 0 && write_ != read_) ::close(write_);
  if (read_ >= 0) ::close(read_);
  read_ = write_ = -1;
}

void WakeDescriptor::raise() const {
  const int saved = errno;
  // Eight bytes suit an eventfd, and do no harm to a pipe. EAGAIN means that it is raised already.
  const std::uint64_t one = 1;
  while (::write(write_, &one, sizeof one) < 0 && errno == EINTR) {
  }
  errno = saved;
}

void WakeDescriptor::drain() const {
  if (read_ == write_) {
    std::uint64_t count;
    while (::read(read_, &count, sizeof count) < 0 && errno == EINTR) {
    }
    return;
  }
  char bytes[64];
  for (;;) {
    const ssize_t got = ::read(read_, bytes, sizeof bytes);
    if (got == static_cast<ssize_t>(sizeof bytes)) continue;
    if (got < 0 && errno == EINTR) continue;
    return;
  }
}

}  // namespace netpoll
