// The lock that evthread_use_pthreads() hands out: one thread at a time, as often as its holder
// likes where it is recursive, and nobody sleeps for ever. How its word goes from hand to hand is
// model-checked beside this (model_lock_test.cc).
#include "compat/event/thread_lock.h"

#include <sys/wait.h>
#include <time.h>

#include <atomic>

extern "C" {
#include "conformance/harness/harness.h"
}

namespace {

using pollshim::event::ThreadLock;

constexpr int kThreads = 4;

struct Shared {
  explicit Shared(bool recursive) : lock(recursive) {}
  ThreadLock lock;
  long counted = 0;
  std::atomic<int> arrived{0};
};

void run_threads(void* (*body)(void*), Shared* shared, int count = kThreads) {
  pthread_t threads[kThreads];
  for (int i = 0; i < count; ++i)
    assert_int_equal(pthread_create(&threads[i], nullptr, body, shared), 0);
  for (int i = 0; i < count; ++i)
    pthread_join(threads[i], nullptr);
}

void nap() {
  const timespec time = {0, 20'000'000};
  nanosleep(&time, nullptr);
}

void* count_often(void* self) {
  auto* shared = static_cast<Shared*>(self);
  for (int i = 0; i < 50000; ++i) {
    shared->lock.lock();
    ++shared->counted;
    shared->lock.unlock();
  }
  return nullptr;
}

void one_thread_at_a_time_has_it(void**) {
  for (const bool recursive : {false, true}) {
    Shared shared(recursive);
    run_threads(count_often, &shared);
    assert_int_equal(shared.counted, kThreads * 50000L);
  }
}

void* hold_while_others_sleep(void* self) {
  auto* shared = static_cast<Shared*>(self);
  for (int i = 0; i < 3; ++i) {
    ++shared->arrived;
    shared->lock.lock();
    ++shared->counted;
    nap();
    shared->lock.unlock();
  }
  return nullptr;
}

void who_sleeps_for_it_is_woken(void**) {
  Shared shared(false);
  run_threads(hold_while_others_sleep, &shared);
  assert_int_equal(shared.counted, kThreads * 3);
}

void* try_once(void* self) {
  auto* shared = static_cast<Shared*>(self);
  if (shared->lock.try_lock()) ++shared->counted;
  return nullptr;
}

void trying_waits_for_nobody(void**) {
  for (const bool recursive : {false, true}) {
    Shared shared(recursive);
    shared.lock.lock();
    run_threads(try_once, &shared, 1);
    assert_int_equal(shared.counted, 0);
    assert_int_equal(shared.lock.try_lock(), recursive);
    if (recursive) shared.lock.unlock();
    shared.lock.unlock();
    run_threads(try_once, &shared, 1);
    assert_int_equal(shared.counted, 1);
  }
}

void a_recursive_one_is_given_back_as_often_as_it_was_taken(void**) {
  Shared shared(true);
  for (int i = 0; i < 5; ++i)
    shared.lock.lock();
  for (int i = 0; i < 4; ++i) {
    shared.lock.unlock();
    run_threads(try_once, &shared, 1);
    assert_int_equal(shared.counted, 0);
  }
  shared.lock.unlock();
  run_threads(try_once, &shared, 1);
  assert_int_equal(shared.counted, 1);
}

// Taken while there was one thread only, and given back while there are others.
void a_thread_that_is_started_later_finds_it_held(void**) {
  Shared shared(false);
  pthread_t thread;
  shared.lock.lock();
  assert_int_equal(pthread_create(&thread, nullptr, hold_while_others_sleep, &shared), 0);
  while (shared.arrived == 0)
    nap();
  nap();
  assert_int_equal(shared.counted, 0);
  shared.lock.unlock();
  pthread_join(thread, nullptr);
  assert_int_equal(shared.counted, 3);
  shared.lock.lock();
  shared.lock.unlock();
}

void a_forked_child_gives_back_what_its_parent_held(void**) {
  Shared shared(true);
  run_threads(count_often, &shared, 1);  // from now on there is more than one thread, or was
  shared.lock.lock();
  const pid_t child = fork();
  if (child == 0) {
    shared.lock.lock();
    shared.lock.unlock();
    shared.lock.unlock();
    _exit(shared.lock.try_lock() ? 0 : 1);
  }
  int status = -1;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  shared.lock.unlock();
}

void errno_is_left_alone(void**) {
  Shared shared(false);
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, nullptr, hold_while_others_sleep, &shared), 0);
  while (shared.arrived == 0)
    nap();
  errno = EDOM;
  for (int i = 0; i < 3; ++i) {
    shared.lock.lock();
    shared.lock.unlock();
  }
  assert_int_equal(errno, EDOM);
  pthread_join(thread, nullptr);
}

}  // namespace

int main(int argc, char** argv) {
  static const CMUnitTest tests[] = {
      cmocka_unit_test(one_thread_at_a_time_has_it),
      cmocka_unit_test(who_sleeps_for_it_is_woken),
      cmocka_unit_test(trying_waits_for_nobody),
      cmocka_unit_test(a_recursive_one_is_given_back_as_often_as_it_was_taken),
      cmocka_unit_test(a_thread_that_is_started_later_finds_it_held),
      cmocka_unit_test(a_forked_child_gives_back_what_its_parent_held),
      cmocka_unit_test(errno_is_left_alone),
  };
  return harness_main(argc, argv, tests, sizeof tests / sizeof tests[0]);
}
