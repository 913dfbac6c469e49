#include "conformance/unit/fake_backend.h"

#include <cerrno>
#include <cstdlib>
#include <new>

namespace netpoll::test {

namespace {

FakeBackend* alive = nullptr;

int take(int& error) {
  const int result = error;
  error = 0;
  return result;
}

int create(const BackendOptions&, Backend** out) {
  alive = new (std::malloc(sizeof(FakeBackend))) FakeBackend;
  *out = reinterpret_cast<Backend*>(alive);
  return 0;
}

void destroy(Backend* backend) {
  std::free(backend);
  alive = nullptr;
}

int told(int& count, int fd, Cookie cookie, Interest interest, int& error) {
  ++count;
  alive->fd = fd;
  alive->cookie = cookie;
  alive->interest = interest;
  return take(error);
}

int add(Backend*, int fd, Cookie cookie, Interest interest) {
  return told(alive->calls.add, fd, cookie, interest, alive->add_error);
}

int modify(Backend*, int fd, Cookie cookie, Interest, Interest to) {
  return told(alive->calls.modify, fd, cookie, to, alive->modify_error);
}

int remove(Backend*, int fd, Interest) {
  return told(alive->calls.remove, fd, 0, {0, false}, alive->remove_error);
}

int wait(Backend*, std::int64_t delay, KernelEvent* events, int capacity) {
  ++alive->calls.wait;
  alive->delay = delay;
  if (alive->during_wait != nullptr) alive->during_wait();
  const int count = alive->pending_count < capacity ? alive->pending_count : capacity;
  for (int i = 0; i < count; ++i)
    events[i] = alive->pending[i];
  for (int i = count; i < alive->pending_count; ++i) {
    alive->pending[i - count] = alive->pending[i];
  }
  alive->pending_count -= count;
  return count;
}

void wake(Backend*) {
  ++alive->calls.wake;
}
void drain(Backend*) {
  ++alive->calls.drain;
}

int reset(Backend*, ResetReason) {
  ++alive->calls.reset;
  return take(alive->reset_error);
}

bool owns(const Backend*, int) {
  return false;
}

constexpr BackendOps make_ops(const char* name, bool like_epoll) {
  return {.traits = {.name = name,
                     .edge = like_epoll,
                     .peer_closed = true,
                     .concurrent = like_epoll,
                     .forgets_closed = like_epoll,
                     .watches_regular_files = !like_epoll,
                     .constant_cost = true,
                     .tells_known = like_epoll},
          .create = create,
          .destroy = destroy,
          .add = add,
          .modify = modify,
          .remove = remove,
          .wait = wait,
          .wake = wake,
          .drain = drain,
          .reset = reset,
          .owns = owns};
}

}  // namespace

FakeBackend* fake() {
  return alive;
}

constinit const BackendOps kFakeBackend = make_ops("fake", true);
constinit const BackendOps kFakeLevelBackend = make_ops("fake level", false);

}  // namespace netpoll::test
