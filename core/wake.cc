#include "core/wake.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#if defined(__linux__)
#include <sys/eventfd.h>
#endif

namespace netpoll {

namespace {

int open_pipe(int ends[2]) {
#if defined(__linux__)
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0) return 0;
  if (errno != ENOSYS) return errno;
#endif
  if (::pipe(ends) != 0) return errno;
  for (int i = 0; i < 2; ++i) {
    ::fcntl(ends[i], F_SETFD, FD_CLOEXEC);
    ::fcntl(ends[i], F_SETFL, O_NONBLOCK);
  }
  return 0;
}

}  // namespace

int WakeDescriptor::open(WakeKind kind) {
  if (kind == WakeKind::kLater) return 0;
#if defined(__linux__)
  if (kind == WakeKind::kCheapest) {
    read_ = write_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (read_ >= 0) return 0;
    if (errno != ENOSYS) return errno;
  }
#endif
  int ends[2];
  const int error = open_pipe(ends);
  if (error != 0) return error;
  read_ = ends[0];
  write_ = ends[1];
  return 0;
}

int WakeDescriptor::open_like(const WakeDescriptor& other) {
  if (!other.is_open()) return open(WakeKind::kLater);
  return open(other.read_ == other.write_ ? WakeKind::kCheapest : WakeKind::kPipe);
}

void WakeDescriptor::close() {
  if (write_ >= 0 && write_ != read_) ::close(write_);
  if (read_ >= 0) ::close(read_);
  read_ = write_ = -1;
}

void WakeDescriptor::raise() const {
  if (!is_open()) return;
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
