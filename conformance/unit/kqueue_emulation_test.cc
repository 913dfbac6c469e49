// The emulated kqueue against the manual page of the real one. The tests of the kqueue backend are
// worth as much as this is true.
#include <fcntl.h>
#include <pthread.h>
#include <sys/event.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <ctime>
#include <initializer_list>

#include "conformance/harness/harness.h"

namespace {

constexpr timespec kNoTime = {0, 0};
constexpr timespec kPlenty = {10, 0};

struct Kernel {
  Kernel() : number(kqueue()) { assert_true(number >= 0); }
  ~Kernel() { close(number); }

  int change(std::uintptr_t ident, int filter, unsigned flags, unsigned fflags = 0, long data = 0) {
    const struct kevent change = {
        ident,  static_cast<short>(filter), static_cast<unsigned short>(flags), fflags, data,
        &number};
    return kevent(number, &change, 1, nullptr, 0, nullptr) == 0 ? 0 : errno;
  }
  int wait(const timespec& time) {
    count = kevent(number, nullptr, 0, events, 4, &time);
    return count;
  }
  int look() { return wait(kNoTime); }

  int number;
  struct kevent events[4];
  int count = 0;
};

struct Sockets {
  Sockets() { assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0); }
  std::uintptr_t ident() const { return static_cast<std::uintptr_t>(ends[0]); }
  void send() const { assert_int_equal(write(ends[1], "12345", 5), 5); }
  int ends[2];
};

void a_readable_descriptor_is_reported_with_what_was_registered(void**) {
  Kernel kernel;
  const Sockets sockets;
  assert_int_equal(kernel.change(sockets.ident(), EVFILT_READ, EV_ADD), 0);
  assert_int_equal(kernel.look(), 0);
  sockets.send();
  for (int i = 0; i < 2; ++i) {
    assert_int_equal(kernel.look(), 1);
    assert_int_equal(kernel.events[0].ident, sockets.ident());
    assert_int_equal(kernel.events[0].filter, EVFILT_READ);
    assert_int_equal(kernel.events[0].data, 5);
    assert_ptr_equal(kernel.events[0].udata, &kernel.number);
    assert_int_equal(kernel.events[0].flags, 0);
  }
}

void clear_reports_each_change_once(void**) {
  Kernel kernel;
  const Sockets sockets;
  kernel.change(sockets.ident(), EVFILT_READ, EV_ADD | EV_CLEAR);
  for (int i = 0; i < 2; ++i) {
    sockets.send();
    assert_int_equal(kernel.look(), 1);
    assert_int_equal(kernel.events[0].flags, EV_CLEAR);
    assert_int_equal(kernel.look(), 0);
  }
}

void one_shot_is_gone_after_its_first_report(void**) {
  Kernel kernel;
  const Sockets sockets;
  kernel.change(sockets.ident(), EVFILT_WRITE, EV_ADD | EV_ONESHOT);
  assert_int_equal(kernel.look(), 1);
  assert_int_equal(kernel.look(), 0);
  assert_int_equal(kernel.change(sockets.ident(), EVFILT_WRITE, EV_DELETE), ENOENT);
}

void adding_again_updates_and_reports_again_but_keeps_the_trigger(void**) {
  Kernel kernel;
  const Sockets sockets;
  sockets.send();
  kernel.change(sockets.ident(), EVFILT_READ, EV_ADD | EV_CLEAR);
  assert_int_equal(kernel.look(), 1);
  assert_int_equal(kernel.change(sockets.ident(), EVFILT_READ, EV_ADD), 0);
  assert_int_equal(kernel.look(), 1);
  assert_int_equal(kernel.look(), 0);
}

void enabling_needs_something_to_enable(void**) {
  Kernel kernel;
  const Sockets sockets;
  sockets.send();
  assert_int_equal(kernel.change(sockets.ident(), EVFILT_READ, EV_ENABLE), ENOENT);
  kernel.change(sockets.ident(), EVFILT_READ, EV_ADD);
  kernel.change(sockets.ident(), EVFILT_READ, EV_DISABLE);
  assert_int_equal(kernel.look(), 0);
  assert_int_equal(kernel.change(sockets.ident(), EVFILT_READ, EV_ENABLE), 0);
  assert_int_equal(kernel.look(), 1);
}

void an_end_of_file_is_marked(void**) {
  Kernel kernel;
  const Sockets sockets;
  kernel.change(sockets.ident(), EVFILT_READ, EV_ADD);
  shutdown(sockets.ends[1], SHUT_WR);
  assert_int_equal(kernel.look(), 1);
  assert_int_equal(kernel.events[0].flags, EV_EOF);
}

void a_low_water_mark_beyond_reach_leaves_the_end_of_file(void**) {
  Kernel kernel;
  const Sockets sockets;
  kernel.change(sockets.ident(), EVFILT_READ, EV_ADD, NOTE_LOWAT, INT32_MAX);
  sockets.send();
  assert_int_equal(kernel.look(), 0);
  shutdown(sockets.ends[1], SHUT_WR);
  assert_int_equal(kernel.look(), 1);
}

void the_first_change_that_fails_ends_the_call(void**) {
  Kernel kernel;
  const Sockets sockets;
  const struct kevent changes[] = {{sockets.ident(), EVFILT_READ, EV_ADD, 0, 0, nullptr},
                                   {sockets.ident(), EVFILT_WRITE, EV_DELETE, 0, 0, nullptr},
                                   {sockets.ident(), EVFILT_WRITE, EV_ADD, 0, 0, nullptr}};
  assert_int_equal(kevent(kernel.number, changes, 3, nullptr, 0, nullptr), -1);
  assert_int_equal(errno, ENOENT);
  sockets.send();
  assert_int_equal(kernel.look(), 1);
  assert_int_equal(kernel.events[0].filter, EVFILT_READ);
}

void with_room_for_events_each_change_that_fails_is_one(void**) {
  Kernel kernel;
  const Sockets sockets;
  const struct kevent changes[] = {{sockets.ident(), EVFILT_WRITE, EV_DELETE, 0, 0, nullptr},
                                   {12345, EVFILT_READ, EV_ADD, 0, 0, nullptr},
                                   {sockets.ident(), EVFILT_WRITE, EV_ADD, 0, 0, nullptr}};
  assert_int_equal(kevent(kernel.number, changes, 3, kernel.events, 4, &kPlenty), 2);
  assert_int_equal(kernel.events[0].flags, EV_ERROR);
  assert_int_equal(kernel.events[0].data, ENOENT);
  assert_int_equal(kernel.events[1].flags, EV_ERROR);
  assert_int_equal(kernel.events[1].data, EBADF);
  assert_int_equal(kernel.look(), 1);
}

void a_receipt_confirms_and_reports_nothing_else(void**) {
  Kernel kernel;
  const Sockets sockets;
  const struct kevent change = {sockets.ident(), EVFILT_WRITE, EV_ADD | EV_RECEIPT, 0, 0, nullptr};
  assert_int_equal(kevent(kernel.number, &change, 1, kernel.events, 4, &kPlenty), 1);
  assert_int_equal(kernel.events[0].flags, EV_ERROR);
  assert_int_equal(kernel.events[0].data, 0);
}

void closing_a_number_forgets_it_although_a_duplicate_lives_on(void**) {
  Kernel kernel;
  const Sockets sockets;
  sockets.send();
  const int duplicate = dup(sockets.ends[0]);
  kernel.change(sockets.ident(), EVFILT_READ, EV_ADD);
  close(sockets.ends[0]);
  assert_int_equal(kernel.look(), 0);
  assert_int_equal(dup2(duplicate, sockets.ends[0]), sockets.ends[0]);
  assert_int_equal(kernel.look(), 0);
  assert_int_equal(kernel.change(sockets.ident(), EVFILT_READ, EV_DELETE), ENOENT);
}

void replacing_a_number_forgets_it(void**) {
  Kernel kernel;
  const Sockets old, fresh;
  kernel.change(old.ident(), EVFILT_WRITE, EV_ADD);
  dup2(fresh.ends[0], old.ends[0]);
  assert_int_equal(kernel.look(), 0);
  assert_int_equal(kernel.change(old.ident(), EVFILT_WRITE, EV_ENABLE), ENOENT);
}

void a_user_event_is_reported_when_it_is_triggered(void**) {
  Kernel kernel;
  for (const unsigned clear : {0u, unsigned{EV_CLEAR}}) {
    assert_int_equal(kernel.change(7, EVFILT_USER, 0, NOTE_TRIGGER), ENOENT);
    assert_int_equal(kernel.change(7, EVFILT_USER, EV_ADD | clear), 0);
    assert_int_equal(kernel.look(), 0);
    assert_int_equal(kernel.change(7, EVFILT_USER, 0, NOTE_TRIGGER), 0);
    assert_int_equal(kernel.look(), 1);
    assert_int_equal(kernel.look(), clear ? 0 : 1);
    assert_int_equal(kernel.change(7, EVFILT_USER, EV_DELETE), 0);
  }
}

void a_user_event_ends_a_wait_in_another_thread(void**) {
  Kernel kernel;
  kernel.change(7, EVFILT_USER, EV_ADD | EV_CLEAR);
  pthread_t thread;
  const auto trigger = [](void* argument) -> void* {
    usleep(10000);
    static_cast<Kernel*>(argument)->change(7, EVFILT_USER, 0, NOTE_TRIGGER);
    return nullptr;
  };
  assert_int_equal(pthread_create(&thread, nullptr, trigger, &kernel), 0);
  assert_int_equal(kevent(kernel.number, nullptr, 0, kernel.events, 4, nullptr), 1);
  assert_int_equal(kernel.events[0].filter, EVFILT_USER);
  pthread_join(thread, nullptr);
}

std::int64_t now() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * std::int64_t{1000000000} + time.tv_nsec;
}

void a_timer_comes_back_and_counts(void**) {
  Kernel kernel;
  const std::int64_t start = now();
  assert_int_equal(kernel.change(3, EVFILT_TIMER, EV_ADD, NOTE_USECONDS, 5000), 0);
  assert_int_equal(kernel.wait(kPlenty), 1);
  assert_true(now() - start >= 5000000);
  assert_in_range(kernel.events[0].data, 1, 1000);
  usleep(20000);
  assert_int_equal(kernel.look(), 1);
  assert_in_range(kernel.events[0].data, 3, 1000);
  assert_int_equal(kernel.change(3, EVFILT_TIMER, EV_DELETE), 0);
  assert_int_equal(kernel.look(), 0);
}

void a_timer_of_one_shot_comes_once(void**) {
  Kernel kernel;
  kernel.change(3, EVFILT_TIMER, EV_ADD | EV_ONESHOT, NOTE_NSECONDS, 1000);
  assert_int_equal(kernel.wait(kPlenty), 1);
  assert_int_equal(kernel.change(3, EVFILT_TIMER, EV_DELETE), ENOENT);
}

void a_wait_lasts_its_time_to_the_nanosecond(void**) {
  Kernel kernel;
  constexpr timespec kShort = {0, 1234567};
  const std::int64_t start = now();
  assert_int_equal(kernel.wait(kShort), 0);
  assert_true(now() - start >= kShort.tv_nsec);
}

void a_pipe_without_readers_can_not_be_watched_for_writing(void**) {
  Kernel kernel;
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  close(ends[0]);
  const auto ident = static_cast<std::uintptr_t>(ends[1]);
  assert_int_equal(kernel.change(ident, EVFILT_WRITE, EV_ADD), EPIPE);
  assert_int_equal(kernel.change(ident, EVFILT_READ, EV_ADD), 0);
  assert_int_equal(kernel.look(), 1);
  assert_int_equal(kernel.events[0].flags, EV_EOF);
}

void a_child_does_not_inherit_it(void**) {
  Kernel kernel;
  const Sockets sockets;
  kernel.change(sockets.ident(), EVFILT_WRITE, EV_ADD);
  const pid_t child = fork();
  if (child == 0) _exit(fcntl(kernel.number, F_GETFD) == -1 && errno == EBADF ? 0 : 1);
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  assert_int_equal(kernel.look(), 1);
}

void a_closed_or_foreign_number_is_refused(void**) {
  const Sockets sockets;
  struct kevent event;
  for (const int number : {-1, sockets.ends[0], 1000}) {
    assert_int_equal(kevent(number, nullptr, 0, &event, 1, &kNoTime), -1);
    assert_int_equal(errno, EBADF);
  }
}

constexpr CMUnitTest kTests[] = {
    cmocka_unit_test(a_readable_descriptor_is_reported_with_what_was_registered),
    cmocka_unit_test(clear_reports_each_change_once),
    cmocka_unit_test(one_shot_is_gone_after_its_first_report),
    cmocka_unit_test(adding_again_updates_and_reports_again_but_keeps_the_trigger),
    cmocka_unit_test(enabling_needs_something_to_enable),
    cmocka_unit_test(an_end_of_file_is_marked),
    cmocka_unit_test(a_low_water_mark_beyond_reach_leaves_the_end_of_file),
    cmocka_unit_test(the_first_change_that_fails_ends_the_call),
    cmocka_unit_test(with_room_for_events_each_change_that_fails_is_one),
    cmocka_unit_test(a_receipt_confirms_and_reports_nothing_else),
    cmocka_unit_test(closing_a_number_forgets_it_although_a_duplicate_lives_on),
    cmocka_unit_test(replacing_a_number_forgets_it),
    cmocka_unit_test(a_user_event_is_reported_when_it_is_triggered),
    cmocka_unit_test(a_user_event_ends_a_wait_in_another_thread),
    cmocka_unit_test(a_timer_comes_back_and_counts),
    cmocka_unit_test(a_timer_of_one_shot_comes_once),
    cmocka_unit_test(a_wait_lasts_its_time_to_the_nanosecond),
    cmocka_unit_test(a_pipe_without_readers_can_not_be_watched_for_writing),
    cmocka_unit_test(a_child_does_not_inherit_it),
    cmocka_unit_test(a_closed_or_foreign_number_is_refused),
};

}  // namespace

int main(int argc, char** argv) {
  return harness_main(argc, argv, kTests, sizeof kTests / sizeof kTests[0]);
}
