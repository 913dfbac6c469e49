// Waking a loop: once a sleep, from threads and from signal handlers, never lost.
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>

#include "backends/backends.h"
#include "conformance/unit/backend_fixture.h"
#include "conformance/unit/core_tests.h"
#include "conformance/unit/fake_backend.h"
#include "conformance/unit/ready_list.h"
#include "core/loop.h"

namespace netpoll::test {

namespace {

void an_awake_loop_is_told_by_a_note_and_not_by_a_write(void**) {
  WakeFlag flag;
  assert_false(flag.notify());
  assert_false(flag.notify());
  assert_true(flag.notified());
  assert_false(flag.announce());  // look again first
  assert_true(flag.announce());
  assert_false(flag.settle());
}

void the_first_to_wake_a_sleeper_writes_and_nobody_after(void**) {
  WakeFlag flag;
  assert_true(flag.announce());
  assert_true(flag.blocking());
  assert_true(flag.notify());
  assert_false(flag.notify());
  assert_true(flag.settle());
  assert_false(flag.notified());
}

void a_wake_descriptor_is_level_and_drains_whole(void**) {
  WakeDescriptor descriptor;
  assert_int_equal(descriptor.open(), 0);
  errno = 77;
  for (int i = 0; i < 100; ++i)
    descriptor.raise();
  assert_int_equal(errno, 77);
  descriptor.drain();
  char byte[8];
  assert_int_equal(read(descriptor.read_end(), byte, sizeof byte), -1);
  assert_int_equal(errno, EAGAIN);
  assert_true(descriptor.owns(descriptor.read_end()));
  assert_false(descriptor.owns(-1));
  descriptor.close();
  assert_false(descriptor.owns(0));
}

void waking_a_busy_loop_costs_no_system_call(void**) {
  Loop loop;
  assert_int_equal(loop.init({.backend = &kFakeBackend, .backend_options = {}, .fds = {}}), 0);
  ReadyList ready;
  for (int i = 0; i < 10; ++i)
    loop.wake();
  assert_int_equal(fake()->calls.wake, 0);
  assert_int_equal(loop.wait(-1, kSleepInKernel, ready), 0);
  assert_int_equal(fake()->delay, 0);  // it looks again instead of sleeping
  assert_int_equal(loop.wait(-1, kSleepInKernel, ready), 0);
  assert_int_equal(fake()->delay, -1);
}

void waking_a_sleeping_loop_costs_one(void**) {
  Loop loop;
  assert_int_equal(loop.init({.backend = &kFakeBackend, .backend_options = {}, .fds = {}}), 0);
  static Loop* sleeper;
  sleeper = &loop;
  fake()->during_wait = [] {
    for (int i = 0; i < 10; ++i)
      sleeper->wake();
    fake()->report(kWakeCookie, kIn);
  };
  ReadyList ready;
  assert_int_equal(loop.wait(-1, kSleepInKernel, ready), 0);
  assert_int_equal(fake()->calls.wake, 1);
  assert_int_equal(fake()->calls.drain, 1);
  assert_int_equal(ready.size(), 0);
  assert_int_equal(ready.wake_place(), 0);
}

// Eight threads of a hundred thousand breaks each. The loop counts the sleeps it announced; work is
// handed over in a counter that is published before each break.
struct Storm {
  Poller poller;
  std::atomic<std::uint32_t> published{0};
};
constexpr std::uint32_t kThreads = 8;
constexpr std::uint32_t kBreaks = 100'000;

void a_storm_of_breaks_costs_one_write_a_sleep_and_loses_none(void**) {
  for (const BackendOps* backend :
       {&kEpollBackend, &kPollBackend, &kSelectBackend, &kStubBackend}) {
    Storm storm;
    assert_int_equal(storm.poller.init(*backend, {}), 0);
    auto breaks = [&] {
      for (std::uint32_t i = 0; i < kBreaks; ++i) {
        storm.published.fetch_add(1, std::memory_order_relaxed);
        storm.poller.wake();
      }
    };
    std::uint64_t sleeps = 0;
    {
      Thread threads[kThreads] = {Thread(breaks), Thread(breaks), Thread(breaks), Thread(breaks),
                                  Thread(breaks), Thread(breaks), Thread(breaks), Thread(breaks)};
      // Were a wake-up lost, the last sleep would not end, and this test would run out of time.
      while (storm.published.load(std::memory_order_relaxed) != kThreads * kBreaks) {
        const std::int64_t delay = storm.poller.begin_wait(-1);
        sleeps += delay != 0;
        assert_int_equal(storm.poller.wait(delay), 0);
        storm.poller.finish_wait();
      }
    }
    const std::uint64_t writes = storm.poller.counters().wakes_written.load();
    std::printf("%s: %u breaks, %llu sleeps, %llu writes\n", backend->traits.name,
                kThreads * kBreaks, static_cast<unsigned long long>(sleeps),
                static_cast<unsigned long long>(writes));
    assert_true(writes <= sleeps);
  }
}

Poller* poller_of_the_handler;

void a_signal_handler_may_wake(void**) {
  for (const BackendOps* backend :
       {&kEpollBackend, &kPollBackend, &kSelectBackend, &kStubBackend}) {
    Poller poller;
    assert_int_equal(poller.init(*backend, {}), 0);
    poller_of_the_handler = &poller;
    struct sigaction action {};
    action.sa_handler = [](int) { poller_of_the_handler->wake(); };
    sigaction(SIGUSR1, &action, nullptr);
    for (int i = 0; i < 50; ++i) {
      const pthread_t sleeper = pthread_self();
      std::atomic<bool> over{false};
      auto interrupt = [&] {
        while (!over.load()) {
          pthread_kill(sleeper, SIGUSR1);
          usleep(500);
        }
      };
      Thread thread(interrupt);
      assert_int_equal(poller.wait(poller.begin_wait(kGenerous)), 0);
      poller.finish_wait();
      over.store(true);
    }
    std::signal(SIGUSR1, SIG_IGN);
  }
}

void a_timed_wait_that_a_signal_interrupts_brings_nothing_and_no_error(void**) {
  Poller poller;
  assert_int_equal(poller.init(kEpollBackend, {}), 0);
  struct sigaction action {};
  action.sa_handler = [](int) {};
  sigaction(SIGALRM, &action, nullptr);
  ualarm(20'000, 0);
  assert_int_equal(poller.wait(poller.begin_wait(kGenerous)), 0);
  poller.finish_wait();
  assert_int_equal(poller.event_count(), 0);
}

constexpr CMUnitTest kTests[] = {
    cmocka_unit_test(an_awake_loop_is_told_by_a_note_and_not_by_a_write),
    cmocka_unit_test(the_first_to_wake_a_sleeper_writes_and_nobody_after),
    cmocka_unit_test(a_wake_descriptor_is_level_and_drains_whole),
    cmocka_unit_test(waking_a_busy_loop_costs_no_system_call),
    cmocka_unit_test(waking_a_sleeping_loop_costs_one),
    cmocka_unit_test(a_storm_of_breaks_costs_one_write_a_sleep_and_loses_none),
    cmocka_unit_test(a_signal_handler_may_wake),
    cmocka_unit_test(a_timed_wait_that_a_signal_interrupts_brings_nothing_and_no_error),
};

}  // namespace

harness_group wake_group() {
  return {"wake", kTests, sizeof kTests / sizeof kTests[0]};
}

}  // namespace netpoll::test
