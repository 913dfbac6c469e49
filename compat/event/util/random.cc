// Random bytes for those who must not guess them: the kernel's, without a pool of our own that a
// fork could duplicate.
#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#include <cerrno>

#include "compat/event/log.h"
#include "event2/util.h"

namespace {

// For kernels without getrandom(). False if the device can not give enough.
bool read_device(unsigned char* out, size_t size) {
  const int fd = ::open("/dev/urandom", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  while (size != 0) {
    const ssize_t got = ::read(fd, out, size);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    out += got;
    size -= static_cast<size_t>(got);
  }
  ::close(fd);
  return size == 0;
}

bool fill(unsigned char* out, size_t size) {
  while (size != 0) {
    const ssize_t got = ::getrandom(out, size, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return read_device(out, size);
    out += got;
    size -= static_cast<size_t>(got);
  }
  return true;
}

}  // namespace

extern "C" {

void evutil_secure_rng_get_bytes(void* out, size_t size) {
  // There is no way to report this, and going on with guessable bytes would be worse.
  if (!fill(static_cast<unsigned char*>(out), size)) {
    pollshim::event::fatal_errno(1, "no source of random bytes");
  }
}

int evutil_secure_rng_init(void) {
  unsigned char probe;
  return fill(&probe, 1) ? 0 : -1;
}

// The kernel needs neither a device file nor our help; the first is refused, so that nobody
// believes to have chosen, and the second does no harm.
int evutil_secure_rng_set_urandom_device_file(char*) {
  return -1;
}
void evutil_secure_rng_add_bytes(const char*, size_t) {}

}  // extern "C"
