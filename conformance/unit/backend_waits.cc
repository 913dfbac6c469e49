// How long a wait lasts, and what ends it: the delay, a signal handler, a wake from anywhere. Runs
// on every subject, the one without descriptors included.
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "backends/delay.h"
#include "conformance/unit/backend_fixture.h"

namespace netpoll::test {

namespace {

// ---- the delay ----

void a_delay_of_zero_does_not_sleep(void** state) {
  Fixture f(state);
  const std::int64_t start = monotonic_nanoseconds();
  for (int i = 0; i < 1000; ++i)
    assert_int_equal(f.look(), 0);
  assert_true(monotonic_nanoseconds() - start < kGenerous);
}

void a_wait_never_ends_before_its_delay(void** state) {
  constexpr std::int64_t kDelays[] = {1,
                                      999,
                                      1'000,
                                      1'001,
                                      kMillisecond - 1,
                                      kMillisecond,
                                      kMillisecond + 1,
                                      1'500'000,
                                      2 * kMillisecond - 1,
                                      7 * kMillisecond + 300'001,
                                      20 * kMillisecond};
  for (const bool precise : {false, true}) {
    Fixture f(state, {.precise_waits = precise});
    for (const std::int64_t delay : kDelays) {
      for (int i = 0; i < 5; ++i) {
        const std::int64_t start = monotonic_nanoseconds();
        assert_int_equal(f.wait(delay), 0);
        const std::int64_t slept = monotonic_nanoseconds() - start;
        assert_true(slept >= delay);
        assert_true(slept < kGenerous);
      }
    }
  }
}

void delays_are_rounded_up_and_cut_but_never_down(void**) {
  assert_int_equal(delay_in_milliseconds(-1), -1);
  assert_int_equal(delay_in_milliseconds(INT64_MIN), -1);
  assert_int_equal(delay_in_milliseconds(0), 0);
  assert_int_equal(delay_in_milliseconds(1), 1);
  assert_int_equal(delay_in_milliseconds(kMillisecond), 1);
  assert_int_equal(delay_in_milliseconds(kMillisecond + 1), 2);
  assert_int_equal(delay_in_milliseconds(INT64_MAX), kLongestDelay / kMillisecond);

  assert_int_equal(delay_as_timeval(0).tv_usec, 0);
  assert_int_equal(delay_as_timeval(1).tv_usec, 1);
  assert_int_equal(delay_as_timeval(kSecond - 1).tv_sec, 1);
  assert_int_equal(delay_as_timeval(kSecond - 1).tv_usec, 0);
  assert_int_equal(delay_as_timeval(kSecond + 1'000).tv_usec, 1);
  assert_int_equal(delay_as_timeval(INT64_MAX).tv_sec, kLongestDelay / kSecond);

  assert_int_equal(delay_as_timespec(0).tv_nsec, 0);
  assert_int_equal(delay_as_timespec(kSecond + 1).tv_sec, 1);
  assert_int_equal(delay_as_timespec(kSecond + 1).tv_nsec, 1);
  assert_int_equal(delay_as_timespec(INT64_MAX).tv_sec, kLongestDelay / kSecond);
}

// ---- signals ----

std::atomic<int> handled{0};

void count_signal(int) {
  handled.fetch_add(1);
}

void handle_with(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  assert_int_equal(sigaction(SIGUSR1, &action, nullptr), 0);
}

// Sends signals to a thread until told to stop: one that came before the wait is not enough.
struct Signaller {
  pthread_t target;
  std::atomic<bool> stop{false};
  void operator()() {
    while (!stop.load()) {
      pthread_kill(target, SIGUSR1);
      usleep(2000);
    }
  }
};

// The stub makes no call that a signal could interrupt, unless its handler wakes it.
void a_signal_handler_ends_a_wait_without_events(void** state) {
  Fixture f(state);
  handle_with(count_signal);
  Signaller signaller{pthread_self()};
  const std::int64_t delay = f.is("stub") ? 30 * kMillisecond : 2 * kGenerous;
  const std::int64_t start = monotonic_nanoseconds();
  Thread thread(signaller);
  const int count = f.wait(delay);
  const std::int64_t slept = monotonic_nanoseconds() - start;
  signaller.stop.store(true);
  thread.join();
  assert_int_equal(count, 0);
  assert_true(handled.load() > 0);
  if (f.is("stub")) {
    assert_true(slept >= delay);
  } else {
    assert_true(slept < kGenerous);
  }
}

// ---- wakes ----

void a_wake_before_the_wait_ends_it(void** state) {
  Fixture f(state);
  f.wake();
  assert_int_equal(f.wait(-1), 1);
  assert_true(f.woken());
}

void a_wake_from_another_thread_ends_the_wait(void** state) {
  Fixture f(state);
  auto wake_later = [&] {
    usleep(10000);
    f.wake();
  };
  Thread thread(wake_later);
  assert_int_equal(f.wait(-1), 1);
  assert_true(f.woken());
}

Fixture* fixture_of_handler;
std::atomic<int> errno_changed{0};

void wake_in_handler(int) {
  handled.fetch_add(1);
  const int before = errno;
  errno = ENOTTY;
  fixture_of_handler->wake();
  if (errno != ENOTTY) errno_changed.fetch_add(1);
  errno = before;
}

void a_wake_in_a_signal_handler_ends_the_wait(void** state) {
  Fixture f(state);
  fixture_of_handler = &f;
  handle_with(wake_in_handler);
  Signaller signaller{pthread_self()};
  Thread thread(signaller);
  // The thread sanitizer does not know that select() blocks: it keeps a handler back until the next
  // atomic access, which is this one.
  do {
    f.wait(-1);
  } while (handled.load() == 0 || !f.woken());
  signaller.stop.store(true);
  thread.join();
  assert_true(handled.load() > 0);
  assert_int_equal(errno_changed.load(), 0);
}

// The handler may interrupt the backend at work, not only asleep.
void wakes_in_a_handler_do_no_harm_to_the_work_they_interrupt(void** state) {
  Fixture f(state);
  fixture_of_handler = &f;
  handle_with(wake_in_handler);
  Signaller signaller{pthread_self()};
  Thread thread(signaller);
  const Pair pair = make_socket_pair();
  while (handled.load() < 20) {
    const bool added = f.add(pair.near, kFirst, level(kRead)) == 0;
    assert_true(added != f.is("stub"));
    f.look();
    if (f.woken()) f.drain();
    if (added) f.must_remove(pair.near, level(kRead));
  }
  signaller.stop.store(true);
  thread.join();
  assert_int_equal(errno_changed.load(), 0);
}

void a_wake_stays_raised_until_it_is_drained(void** state) {
  Fixture f(state);
  f.wake();
  for (const std::int64_t delay : {std::int64_t{0}, std::int64_t{0}, kGenerous, std::int64_t{-1}}) {
    assert_int_equal(f.wait(delay), 1);
    assert_true(f.woken());
  }
  f.drain();
  assert_int_equal(f.wait(2 * kMillisecond), 0);
}

void many_wakes_are_as_good_as_one(void** state) {
  Fixture f(state);
  for (int i = 0; i < 100; ++i)
    f.wake();
  assert_int_equal(f.wait(-1), 1);
  for (int i = 0; i < 100; ++i)
    f.wake();
  f.drain();
  assert_int_equal(f.look(), 0);
  f.wake();
  assert_int_equal(f.wait(-1), 1);
}

void draining_what_was_not_raised_does_nothing(void** state) {
  Fixture f(state);
  f.drain();
  assert_int_equal(f.look(), 0);
  f.wake();
  f.drain();
  f.drain();
  f.wake();
  assert_int_equal(f.wait(-1), 1);
}

void waking_leaves_errno_alone(void** state) {
  Fixture f(state);
  for (int i = 0; i < 3; ++i) {
    errno = ENOTTY;
    f.wake();
    assert_int_equal(errno, ENOTTY);
  }
}

// No thread's last wake may be lost, whatever the others and the draining do around it.
void wakes_of_many_threads_are_all_noticed(void** state) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 2000;
  Fixture f(state);
  std::atomic<int> asked[kThreads] = {};
  std::atomic<int> next{0};
  auto waker = [&] {
    const int self = next.fetch_add(1);
    for (int round = 1; round <= kRounds; ++round) {
      asked[self].store(round);
      f.wake();
    }
  };
  Thread threads[kThreads] = {Thread(waker), Thread(waker), Thread(waker), Thread(waker)};
  int seen[kThreads] = {};
  for (bool all = false; !all;) {
    f.wait(-1);
    assert_true(f.woken());
    f.drain();
    all = true;
    for (int i = 0; i < kThreads; ++i) {
      seen[i] = asked[i].load();
      all = all && seen[i] == kRounds;
    }
  }
  for (Thread& thread : threads)
    thread.join();
}

constexpr CMUnitTest kTests[] = {
    cmocka_unit_test(a_delay_of_zero_does_not_sleep),
    cmocka_unit_test(a_wait_never_ends_before_its_delay),
    cmocka_unit_test(delays_are_rounded_up_and_cut_but_never_down),
    cmocka_unit_test(a_signal_handler_ends_a_wait_without_events),
    cmocka_unit_test(a_wake_before_the_wait_ends_it),
    cmocka_unit_test(a_wake_from_another_thread_ends_the_wait),
    cmocka_unit_test(a_wake_in_a_signal_handler_ends_the_wait),
    cmocka_unit_test(wakes_in_a_handler_do_no_harm_to_the_work_they_interrupt),
    cmocka_unit_test(a_wake_stays_raised_until_it_is_drained),
    cmocka_unit_test(many_wakes_are_as_good_as_one),
    cmocka_unit_test(draining_what_was_not_raised_does_nothing),
    cmocka_unit_test(waking_leaves_errno_alone),
    cmocka_unit_test(wakes_of_many_threads_are_all_noticed),
};

}  // namespace

TestList wait_tests() {
  return {kTests, sizeof kTests / sizeof kTests[0]};
}

}  // namespace netpoll::test
