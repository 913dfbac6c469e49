#include "conformance/unit/backend_fixture.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>

namespace netpoll::test {

Fixture::Fixture(void** state, BackendOptions options)
    : ops(static_cast<const Subject*>(*state)->ops) {
  assert_int_equal(ops->create(options, &backend), 0);
  assert_non_null(backend);
}

Fixture::~Fixture() {
  ops->destroy(backend);
}

bool Fixture::is(const char* name) const {
  return std::strcmp(ops->traits.name, name) == 0;
}

int Fixture::add(int fd, Cookie cookie, Interest interest) {
  return ops->add(backend, fd, cookie, interest);
}
void Fixture::must_add(int fd, Cookie cookie, Interest interest) {
  assert_int_equal(add(fd, cookie, interest), 0);
}
int Fixture::modify(int fd, Cookie cookie, Interest from, Interest to) {
  return ops->modify(backend, fd, cookie, from, to);
}
void Fixture::must_modify(int fd, Cookie cookie, Interest from, Interest to) {
  assert_int_equal(modify(fd, cookie, from, to), 0);
}
int Fixture::remove(int fd, Interest from) {
  return ops->remove(backend, fd, from);
}
void Fixture::must_remove(int fd, Interest from) {
  assert_int_equal(remove(fd, from), 0);
}

int Fixture::wait(std::int64_t delay, int capacity) {
  assert_in_range(capacity, 1, kCapacity);
  count = ops->wait(backend, delay, events, capacity);
  assert_in_range(count, 0, capacity);
  return count;
}

unsigned Fixture::bits(Cookie cookie) const {
  unsigned bits = 0;
  for (int i = 0; i < count; ++i) {
    if (events[i].cookie == cookie) bits |= events[i].bits;
  }
  return bits;
}

int Fixture::reports(Cookie cookie) const {
  int reports = 0;
  for (int i = 0; i < count; ++i)
    reports += events[i].cookie == cookie;
  return reports;
}

// ---- pairs ----

namespace {

Pair non_blocking(int near, int far) {
  for (const int fd : {near, far})
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
  return {near, far};
}

void drain(int fd) {
  char bytes[65536];
  while (read(fd, bytes, sizeof bytes) > 0) {
  }
}

}  // namespace

Pair make_socket_pair() {
  int ends[2];
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  return non_blocking(ends[0], ends[1]);
}

Pair make_pipe_to_read() {
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  return non_blocking(ends[0], ends[1]);
}

Pair make_pipe_to_write() {
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  return non_blocking(ends[1], ends[0]);
}

Pair make_tcp_pair() {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  socklen_t length = sizeof address;
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  assert_int_equal(bind(listener, generic, length), 0);
  assert_int_equal(listen(listener, 1), 0);
  assert_int_equal(getsockname(listener, generic, &length), 0);
  const int near = socket(AF_INET, SOCK_STREAM, 0);
  assert_int_equal(connect(near, generic, length), 0);
  const int far = accept(listener, nullptr, nullptr);
  assert_true(far >= 0);
  close(listener);
  return non_blocking(near, far);
}

void Pair::close_near() {
  assert_int_equal(close(near), 0);
  near = -1;
}
void Pair::close_far() {
  assert_int_equal(close(far), 0);
  far = -1;
}
void Pair::write_far(std::size_t bytes) const {
  static const char data[4096] = {};
  assert_in_range(bytes, 1, sizeof data);
  assert_int_equal(write(far, data, bytes), bytes);
}
void Pair::drain_near() const {
  drain(near);
}
void Pair::drain_far() const {
  drain(far);
}
void Pair::fill_near() const {
  static const char data[65536] = {};
  std::size_t size = sizeof data;
  while (size > 0) {
    if (write(near, data, size) < 0) {
      assert_int_equal(errno, EAGAIN);
      size /= 2;
    }
  }
}

// ---- the process ----

int open_descriptors() {
  DIR* directory = opendir("/proc/self/fd");
  assert_non_null(directory);
  int count = 0;
  while (const dirent* entry = readdir(directory))
    count += entry->d_name[0] != '.';
  closedir(directory);
  return count - 1;  // without the one that counted
}

std::int64_t monotonic_nanoseconds() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * kSecond + time.tv_nsec;
}

}  // namespace netpoll::test
