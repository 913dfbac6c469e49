// kqueue(2) and kevent(2) on Linux, good enough to run the kqueue backend for real. READ and WRITE
// filters ride on one epoll set each, with EV_CLEAR as EPOLLET; USER and TIMER filters and regular
// files are kept here. A kqueue forgets a descriptor when its number is closed, and is not
// inherited by a forked child. For tests alone; it must not know the backend.
#include "conformance/unit/kqueue_emulation.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <initializer_list>

#include "conformance/unit/kqueue_emulation_queue.h"

extern "C" int __real_close(int fd);
extern "C" int __real_dup2(int from, int to);

namespace {

using namespace kqueue_emulation;

constexpr int kMostNumbers = 8192;
Queue* queues[kMostNumbers];
int end_of_queues;  // one past the highest number ever used
pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
std::atomic<int> interrupt_countdown{-1};

// A kernel takes no signal half way through a system call: a handler may trigger a user event at
// any moment, and must not find the lock taken by the thread that it interrupted.
class Critical {
 public:
  Critical() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
    pthread_mutex_lock(&mutex);
  }
  ~Critical() {
    const int saved = errno;
    pthread_mutex_unlock(&mutex);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    errno = saved;
  }

 private:
  sigset_t before_;
};

Queue* find_queue(int number) {
  return number >= 0 && number < kMostNumbers ? queues[number] : nullptr;
}

void forget_everywhere(int fd) {
  for (int number = 0; number < end_of_queues; ++number) {
    if (queues[number] != nullptr) forget_descriptor(*queues[number], fd);
  }
}

// ---- the life of a queue ----

void close_all(const Queue& queue) {
  for (const int fd : {queue.readers, queue.writers, queue.bell})
    if (fd >= 0) __real_close(fd);
}

void release(int number) {
  Queue* queue = queues[number];
  queues[number] = nullptr;
  if (--queue->references > 0) return;
  close_all(*queue);
  std::free(queue->knotes);
  std::free(queue);
}

// A child does not inherit kqueues: their numbers are closed there.
void leave_behind() {
  for (int number = 0; number < end_of_queues; ++number) {
    if (queues[number] == nullptr) continue;
    release(number);
    __real_close(number);
  }
  pthread_mutex_init(&mutex, nullptr);
}

void register_fork_handler() {
  pthread_atfork(nullptr, nullptr, leave_behind);
}
pthread_once_t fork_handler = PTHREAD_ONCE_INIT;

void name_queue(int number, Queue* queue) {
  queues[number] = queue;
  if (end_of_queues <= number) end_of_queues = number + 1;
}

int fail(int error) {
  errno = error;
  return -1;
}

// The number of errors reported among the events, or -1.
int apply_all(Queue& queue, const struct kevent* changes, int count, struct kevent* events,
              int room) {
  int reported = 0;
  for (int i = 0; i < count; ++i) {
    if (room == 0 && interrupt_countdown.load() >= 0 && interrupt_countdown.fetch_sub(1) == 0)
      return fail(EINTR);
    const int error = apply_change(queue, changes[i]);
    if (error == 0 && !(changes[i].flags & EV_RECEIPT)) continue;
    if (reported == room) {
      if (error != 0) return fail(error);
      continue;
    }
    events[reported] = changes[i];
    events[reported].flags = EV_ERROR;
    events[reported].data = error;
    ++reported;
  }
  return reported;
}

int wait_for_events(int number, struct kevent* events, int room, const timespec* timeout) {
  Nanoseconds deadline = -1;
  if (timeout != nullptr)
    deadline = now() + timeout->tv_sec * Nanoseconds{1000000000} + timeout->tv_nsec;
  for (;;) {
    pollfd polled[3];
    Nanoseconds look;
    {
      const Critical critical;
      Queue* queue = find_queue(number);
      if (queue == nullptr) return fail(EBADF);
      const int count = harvest(*queue, events, room);
      if (count != 0) return count;
      polled[0] = {queue->readers, POLLIN, 0};
      polled[1] = {queue->writers, POLLIN, 0};
      polled[2] = {queue->bell, POLLIN, 0};
      look = next_look(*queue, deadline);
    }
    const Nanoseconds moment = now();
    if (deadline >= 0 && moment >= deadline) return 0;
    const Nanoseconds left = look < 0 ? -1 : look > moment ? look - moment : 0;
    const timespec limit = {left / 1000000000, left % 1000000000};
    if (ppoll(polled, 3, left < 0 ? nullptr : &limit, nullptr) < 0) return -1;
  }
}

}  // namespace

namespace kqueue_emulation {

void interrupt_after(int changes) {
  interrupt_countdown.store(changes);
}

}  // namespace kqueue_emulation

extern "C" {

int kqueue(void) {
  pthread_once(&fork_handler, register_fork_handler);
  auto* queue = static_cast<Queue*>(std::calloc(1, sizeof(Queue)));
  if (queue == nullptr) return fail(ENOMEM);
  const int number = eventfd(0, 0);
  queue->references = 1;
  queue->readers = epoll_create1(EPOLL_CLOEXEC);
  queue->writers = epoll_create1(EPOLL_CLOEXEC);
  queue->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (queue->bell >= 0 && number < kMostNumbers) {
    const Critical critical;
    name_queue(number, queue);
    return number;
  }
  close_all(*queue);
  if (number >= 0) __real_close(number);
  std::free(queue);
  return fail(EMFILE);
}

int kevent(int kq, const struct kevent* changes, int change_count, struct kevent* events,
           int event_count, const struct timespec* timeout) {
  {
    const Critical critical;
    Queue* queue = find_queue(kq);
    if (queue == nullptr) return fail(EBADF);
    const int reported = apply_all(*queue, changes, change_count, events, event_count);
    if (reported != 0) return reported;
  }
  return event_count == 0 ? 0 : wait_for_events(kq, events, event_count, timeout);
}

int __wrap_close(int fd) {
  const Critical critical;
  if (find_queue(fd) != nullptr) {
    release(fd);
  } else {
    forget_everywhere(fd);
  }
  return __real_close(fd);
}

int __wrap_dup2(int from, int to) {
  const Critical critical;
  if (from == to || fcntl(from, F_GETFD) < 0) return __real_dup2(from, to);
  if (find_queue(to) != nullptr) {
    release(to);
  } else {
    forget_everywhere(to);
  }
  const int result = __real_dup2(from, to);
  Queue* queue = find_queue(from);
  if (result == to && queue != nullptr) {
    name_queue(to, queue);
    ++queue->references;
  }
  return result;
}

}  // extern "C"
