#include "conformance/unit/torture_world.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

namespace torture {

namespace {

void must(bool condition) {
  if (!condition) std::abort();
}

void move(int from, int to) {
  must(dup2(from, to) == to);
  close(from);
}

void make_ends(Kind kind, int* near, int* far) {
  int ends[2];
  if (kind == Kind::kRegularFile) {
    *near = memfd_create("torture", MFD_CLOEXEC);
    *far = -1;
    must(*near >= 0);
    return;
  }
  if (kind == Kind::kSocket) {
    must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
    // Small buffers fill quickly.
    const int bytes = 4096;
    for (const int end : ends)
      setsockopt(end, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
  } else {
    must(pipe2(ends, O_NONBLOCK) == 0);
    fcntl(ends[1], F_SETPIPE_SZ, 4096);
  }
  const bool reads = kind != Kind::kPipeToWrite;
  *near = ends[reads ? 0 : 1];
  *far = ends[reads ? 1 : 0];
}

constexpr char kData[8192] = {};

void read_all(int fd) {
  char bytes[8192];
  while (read(fd, bytes, sizeof bytes) > 0) {
  }
}

}  // namespace

World::World(Random& random) : random_(random) {
  for (int& channel : channel_of_)
    channel = kNone;
  for (int& channel : named_before_)
    channel = kNone;
  for (int& channel : holder_channel_)
    channel = kNone;
  for (pid_t& child : children_)
    child = kNone;
  // select(2) does not look at numbers beyond the size of the process's table, which grows with the
  // highest number that was ever open.
  const int highest = kFirstHolder + kHolders;
  move(memfd_create("torture", MFD_CLOEXEC), highest);
  ::close(highest);
}

World::~World() {
  for (int i = 0; i < kChildren; ++i)
    end_child();
  for (int i = 0; i < kHolders; ++i)
    drop_holder();
  for (int number = 0; number < kNumbers; ++number) {
    if (is_open(number)) close(number);
  }
  for (int channel = 0; channel < kChannels; ++channel)
    close_far(channel);
}

bool World::in_use(int channel) const {
  for (const int other : channel_of_) {
    if (other == channel) return true;
  }
  for (const int other : holder_channel_) {
    if (other == channel) return true;
  }
  return false;
}

int World::free_channel() {
  for (int tries = 0; tries < 4 * kChannels; ++tries) {
    const int channel = random_.below(kChannels);
    if (!in_use(channel)) return channel;
  }
  std::abort();
}

void World::close_far(int channel) {
  if (!channels_[channel].far_open) return;
  ::close(far_of(channel));
  channels_[channel].far_open = false;
}

void World::open(int number, bool regular_files) {
  const int channel = free_channel();
  close_far(channel);
  Kind kind = static_cast<Kind>(random_.below(3));
  if (regular_files && random_.one_in(12)) kind = Kind::kRegularFile;
  int near, far;
  make_ends(kind, &near, &far);
  move(near, fd_of(number));
  if (far >= 0) move(far, far_of(channel));
  channels_[channel] = {kind, far >= 0};
  name(number, channel);
}

void World::name(int number, int channel) {
  if (is_open(number)) named_before_[number] = channel_of_[number];
  channel_of_[number] = channel;
}

void World::close(int number) {
  must(::close(fd_of(number)) == 0);
  named_before_[number] = channel_of_[number];
  channel_of_[number] = kNone;
}

void World::duplicate(int from, int to) {
  must(dup2(fd_of(from), fd_of(to)) == fd_of(to));
  name(to, channel_of_[from]);
}

// A descriptor of that channel that is open, or kNone.
int World::descriptor_of(int channel) const {
  if (channel == kNone) return kNone;
  for (int i = 0; i < kNumbers; ++i) {
    if (channel_of_[i] == channel) return fd_of(i);
  }
  for (int i = 0; i < kHolders; ++i) {
    if (holder_channel_[i] == channel) return kFirstHolder + i;
  }
  return kNone;
}

bool World::can_return(int number) const {
  const int channel = named_before_[number];
  return channel != channel_of_[number] && descriptor_of(channel) != kNone;
}

void World::come_back(int number) {
  const int channel = named_before_[number];
  must(dup2(descriptor_of(channel), fd_of(number)) == fd_of(number));
  name(number, channel);
}

void World::hold(int number) {
  drop_holder();
  must(dup2(fd_of(number), kFirstHolder + next_holder_) >= 0);
  holder_channel_[next_holder_] = channel_of_[number];
}

void World::drop_holder() {
  next_holder_ = (next_holder_ + 1) % kHolders;
  if (holder_channel_[next_holder_] == kNone) return;
  ::close(kFirstHolder + next_holder_);
  holder_channel_[next_holder_] = kNone;
}

void World::fork_child() {
  end_child();
  const pid_t child = fork();
  must(child >= 0);
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;)
      pause();
  }
  children_[next_child_] = child;
}

void World::end_child() {
  next_child_ = (next_child_ + 1) % kChildren;
  const pid_t child = children_[next_child_];
  if (child == kNone) return;
  kill(child, SIGKILL);
  must(waitpid(child, nullptr, 0) == child);
  children_[next_child_] = kNone;
}

// ---- I/O ----

void World::read_near(int number) {
  if (kind_of(number) == Kind::kPipeToWrite) return;
  if (random_.one_in(4)) {
    char byte;
    (void)!read(fd_of(number), &byte, 1);
  } else {
    read_all(fd_of(number));
  }
}

void World::fill_near(int number) {
  const Kind kind = kind_of(number);
  if (kind == Kind::kPipeToRead || kind == Kind::kRegularFile) return;
  while (write(fd_of(number), kData, sizeof kData) > 0) {
  }
}

bool World::write_far(int channel) {
  if (!channels_[channel].far_open || channels_[channel].kind == Kind::kPipeToWrite) return false;
  const auto bytes = 1 + static_cast<std::size_t>(random_.below(16));
  return write(far_of(channel), kData, bytes) > 0;
}

void World::drain_far(int channel) {
  if (!channels_[channel].far_open || channels_[channel].kind == Kind::kPipeToRead) return;
  read_all(far_of(channel));
}

void World::hang_up(int channel) {
  if (!channels_[channel].far_open) return;
  if (channels_[channel].kind == Kind::kSocket && random_.one_in(2)) {
    shutdown(far_of(channel), random_.one_in(2) ? SHUT_WR : SHUT_RDWR);
  } else {
    close_far(channel);
  }
}

// ---- the truth ----

void World::ask() {
  pollfd polled[kNumbers];
  for (int i = 0; i < kNumbers; ++i)
    polled[i] = {fd_of(i), POLLIN | POLLOUT | POLLRDHUP, 0};
  must(poll(polled, kNumbers, 0) >= 0);
  for (int i = 0; i < kNumbers; ++i)
    revents_[i] = polled[i].revents;
}

}  // namespace torture
