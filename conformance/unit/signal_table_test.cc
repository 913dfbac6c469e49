// The process-wide table of signals: any number of loops, one handler, and everything put back.
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "conformance/unit/backend_fixture.h"
#include "conformance/unit/core_tests.h"
#include "core/signal_table.h"

namespace netpoll::test {

namespace {

std::atomic<int> wakes{0};
void count_wake(void*) {
  wakes.fetch_add(1);
}

void every_loop_that_watches_a_signal_gets_it(void**) {
  SignalSink sinks[3];
  for (SignalSink& sink : sinks) {
    assert_int_equal(sink.open(count_wake, &sink), 0);
    assert_int_equal(sink.watch(SIGUSR1), 0);
  }
  wakes = 0;
  raise(SIGUSR1);
  assert_int_equal(wakes, 3);
  for (SignalSink& sink : sinks) {
    assert_true(sink.take_any());
    assert_int_equal(sink.take(SIGUSR1), 1);
    assert_int_equal(sink.take(SIGUSR1), 0);
    assert_false(sink.take_any());
  }
}

void a_loop_that_has_left_gets_nothing_and_the_others_still_do(void**) {
  SignalSink stays, leaves;
  stays.open(count_wake, nullptr);
  leaves.open(count_wake, nullptr);
  stays.watch(SIGUSR1);
  leaves.watch(SIGUSR1);
  leaves.unwatch(SIGUSR1);
  raise(SIGUSR1);
  assert_false(leaves.has_any());
  assert_int_equal(stays.take(SIGUSR1), 1);
}

void several_catches_are_counted(void**) {
  SignalSink sink;
  sink.open(count_wake, nullptr);
  sink.watch(SIGUSR2);
  for (int i = 0; i < 5; ++i)
    raise(SIGUSR2);
  assert_int_equal(sink.take(SIGUSR2), 5);
}

void what_was_caught_outlasts_its_watcher(void**) {
  SignalSink sink;
  sink.open(count_wake, nullptr);
  sink.watch(SIGUSR1);
  raise(SIGUSR1);
  sink.unwatch(SIGUSR1);
  sink.watch(SIGUSR1);
  assert_true(sink.take_any());
  assert_int_equal(sink.take(SIGUSR1), 1);
}

void my_own_handler(int) {}

void the_previous_handler_comes_back_with_the_last_watcher(void**) {
  struct sigaction mine {};
  mine.sa_handler = my_own_handler;
  mine.sa_flags = SA_RESTART;
  sigaction(SIGUSR1, &mine, nullptr);
  SignalSink one, other;
  one.open(count_wake, nullptr);
  other.open(count_wake, nullptr);
  one.watch(SIGUSR1);
  other.watch(SIGUSR1);
  struct sigaction now {};
  one.unwatch(SIGUSR1);
  sigaction(SIGUSR1, nullptr, &now);
  assert_true(now.sa_handler != my_own_handler);
  other.close();
  sigaction(SIGUSR1, nullptr, &now);
  assert_true(now.sa_handler == my_own_handler);
}

void watching_twice_counts_once(void**) {
  SignalSink sink;
  sink.open(count_wake, nullptr);
  assert_int_equal(sink.watch(SIGUSR1), 0);
  assert_int_equal(sink.watch(SIGUSR1), 0);
  assert_int_equal(sink.unwatch(SIGUSR1), 0);
  assert_false(sink.watches(SIGUSR1));
  assert_int_equal(sink.unwatch(SIGUSR1), 0);
}

void numbers_that_are_no_signals_are_refused(void**) {
  SignalSink sink;
  sink.open(count_wake, nullptr);
  for (const int number : {-1, 0, kSignals, 100000, int{SIGKILL}, int{SIGSTOP}}) {
    assert_int_equal(sink.watch(number), EINVAL);
    assert_false(sink.watches(number));
  }
}

void errno_survives_the_handler(void**) {
  SignalSink sink;
  sink.open([](void*) { errno = 1; }, nullptr);
  sink.watch(SIGUSR1);
  errno = 42;
  raise(SIGUSR1);
  assert_int_equal(errno, 42);
}

void closing_while_handlers_run_elsewhere_is_safe(void**) {
  std::atomic<bool> over{false};
  // Somebody always watches, so that the signal is never deadly.
  SignalSink keeper;
  keeper.open(count_wake, nullptr);
  keeper.watch(SIGUSR1);
  auto storm = [&] {
    while (!over.load())
      pthread_kill(pthread_self(), SIGUSR1);
  };
  Thread first(storm), second(storm);
  for (int i = 0; i < 2000; ++i) {
    int* context = static_cast<int*>(std::malloc(sizeof(int)));
    *context = 7;
    SignalSink sink;
    sink.open([](void* place) { assert_int_equal(*static_cast<int*>(place), 7); }, context);
    sink.watch(SIGUSR1);
    sink.close();
    std::free(context);  // no handler may look at it any more
  }
  over.store(true);
}

void a_forked_child_may_forget_what_its_parent_caught(void**) {
  SignalSink sink;
  sink.open(count_wake, nullptr);
  sink.watch(SIGUSR1);
  raise(SIGUSR1);
  const pid_t child = fork();
  if (child == 0) {
    sink.after_fork();
    if (!sink.has_any()) _exit(3);
    sink.forget();
    if (sink.has_any() || sink.take(SIGUSR1) != 0) _exit(1);
    raise(SIGUSR1);
    _exit(sink.take(SIGUSR1) == 1 ? 0 : 2);
  }
  int status = -1;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  assert_int_equal(sink.take(SIGUSR1), 1);
}

constexpr CMUnitTest kTests[] = {
    cmocka_unit_test(every_loop_that_watches_a_signal_gets_it),
    cmocka_unit_test(a_loop_that_has_left_gets_nothing_and_the_others_still_do),
    cmocka_unit_test(several_catches_are_counted),
    cmocka_unit_test(what_was_caught_outlasts_its_watcher),
    cmocka_unit_test(the_previous_handler_comes_back_with_the_last_watcher),
    cmocka_unit_test(watching_twice_counts_once),
    cmocka_unit_test(numbers_that_are_no_signals_are_refused),
    cmocka_unit_test(errno_survives_the_handler),
    cmocka_unit_test(closing_while_handlers_run_elsewhere_is_safe),
    cmocka_unit_test(a_forked_child_may_forget_what_its_parent_caught),
};

}  // namespace

harness_group signal_table_group() {
  return {"signal_table", kTests, sizeof kTests / sizeof kTests[0]};
}

}  // namespace netpoll::test
