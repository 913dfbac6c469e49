// What front ends that keep libev-like books need of the core, each on its own: a kernel set that
// can be watched in another, the place of a wake-up among the events, a wake-up that is forgotten,
// the first timer that is due, and a signal marked in every loop.
#include <poll.h>
#include <unistd.h>

#include <csignal>

#include "backends/backends.h"
#include "conformance/harness/harness.h"
#include "conformance/unit/ready_list.h"
#include "core/loop.h"

namespace netpoll::test {

namespace {

struct Pipe {
  Pipe() { assert_int_equal(::pipe(ends), 0); }
  ~Pipe() {
    ::close(ends[0]);
    ::close(ends[1]);
  }
  void put() const { assert_int_equal(::write(ends[1], "x", 1), 1); }
  int ends[2] = {-1, -1};
};

void open(Loop& loop, const char* backend) {
  LoopOptions options;
  options.backend = find_backend(backend);
  assert_int_equal(loop.init(options), 0);
}

Waiter* some_waiter() {
  return reinterpret_cast<Waiter*>(64);
}

bool is_readable(int fd) {
  pollfd polled = {fd, POLLIN, 0};
  return ::poll(&polled, 1, 0) == 1;
}

void an_epoll_set_is_readable_while_it_has_events(void**) {
  Loop loop;
  open(loop, "epoll");
  const Pipe pipe;
  const int set = loop.poller().descriptor();
  assert_true(set >= 0);
  assert_true(loop.poller().owns(set));
  assert_int_equal(
      loop.fds().set_demand(pipe.ends[0], {some_waiter(), kRead, false}, Identity::kUnknown), 0);
  assert_false(is_readable(set));
  pipe.put();
  assert_true(is_readable(set));
  loop.shut_down();
}

void backends_without_a_kernel_set_have_no_descriptor(void**) {
  for (const char* backend : {"poll", "select"}) {
    Loop loop;
    open(loop, backend);
    assert_int_equal(loop.poller().descriptor(), -1);
    loop.shut_down();
  }
}

void a_wake_up_is_placed_among_the_events_as_the_kernel_reported_it(void**) {
  Loop loop;
  open(loop, "epoll");
  const Pipe first;
  const Pipe second;
  for (const Pipe* pipe : {&first, &second}) {
    assert_int_equal(
        loop.fds().set_demand(pipe->ends[0], {some_waiter(), kRead, false}, Identity::kUnknown), 0);
  }
  ReadyList ready;
  assert_int_equal(loop.wait(0, kSleepInKernel, ready), 0);
  assert_int_equal(ready.wake_place(), ReadyList::kNoPlace);

  // A write is made only for a loop that sleeps, so the events come while it does.
  const auto wake_in_between = [&](auto&& sleep) {
    first.put();
    loop.wake();
    second.put();
    sleep();
  };
  assert_int_equal(loop.wait(kSecond, wake_in_between, ready), 0);
  assert_int_equal(ready.size(), 2);
  assert_int_equal(ready.wake_place(), 1);
  loop.shut_down();
}

void a_note_that_was_taken_does_not_cut_the_next_sleep_short(void**) {
  Loop loop;
  open(loop, "epoll");
  loop.wake();
  loop.poller().take_note();
  const Nanoseconds before = monotonic_now();
  ReadyList ready;
  assert_int_equal(loop.wait(20 * kMillisecond, kSleepInKernel, ready), 0);
  assert_true(monotonic_now() - before >= 20 * kMillisecond);

  loop.wake();
  const Nanoseconds again = monotonic_now();
  assert_int_equal(loop.wait(20 * kSecond, kSleepInKernel, ready), 0);
  assert_true(monotonic_now() - again < 10 * kSecond);
  loop.shut_down();
}

void the_first_due_timer_stays_armed_and_can_be_moved(void**) {
  TimerHeap heap;
  int a = 0;
  int b = 0;
  const TimerId first = heap.arm(&a, 10);
  const TimerId second = heap.arm(&b, 20);
  assert_int_equal(heap.first_due(9), kNoTimer);
  assert_int_equal(heap.first_due(10), first);
  assert_true(heap.move(first, 30));
  assert_int_equal(heap.first_due(10), kNoTimer);
  assert_int_equal(heap.first_due(100), second);
  assert_true(heap.move(second, 40));
  assert_int_equal(heap.first_due(100), first);
  assert_int_equal(heap.size(), 2);
}

void a_signal_can_be_marked_in_every_loop_that_watches_it(void**) {
  Loop watching;
  Loop also_watching;
  Loop indifferent;
  for (Loop* loop : {&watching, &also_watching, &indifferent})
    open(*loop, "epoll");
  assert_int_equal(watching.watch_signal(SIGUSR1), 0);
  assert_int_equal(also_watching.watch_signal(SIGUSR1), 0);
  assert_int_equal(indifferent.watch_signal(SIGUSR2), 0);
  SignalSink::mark_everywhere(SIGUSR1);
  SignalSink::mark_everywhere(0);
  SignalSink::mark_everywhere(100000);
  assert_int_equal(watching.signals().take(SIGUSR1), 1);
  assert_int_equal(also_watching.signals().take(SIGUSR1), 1);
  assert_false(indifferent.signals().has_any());
  for (Loop* loop : {&watching, &also_watching, &indifferent})
    loop->shut_down();
}

}  // namespace

}  // namespace netpoll::test

int main(int argc, char** argv) {
  using namespace netpoll::test;
  static const CMUnitTest tests[] = {
      cmocka_unit_test(an_epoll_set_is_readable_while_it_has_events),
      cmocka_unit_test(backends_without_a_kernel_set_have_no_descriptor),
      cmocka_unit_test(a_wake_up_is_placed_among_the_events_as_the_kernel_reported_it),
      cmocka_unit_test(a_note_that_was_taken_does_not_cut_the_next_sleep_short),
      cmocka_unit_test(the_first_due_timer_stays_armed_and_can_be_moved),
      cmocka_unit_test(a_signal_can_be_marked_in_every_loop_that_watches_it),
  };
  return harness_main(argc, argv, tests, sizeof tests / sizeof tests[0]);
}
