// The lock of one word, model-checked as the handshakes of the poller are. The kernel's queue of
// sleepers is modelled as a set that is entered before the word is looked at. The real one does
// both at once, so more can go wrong here: a wake-up may be spent on somebody who would not have
// slept.
#include <bit>
#include <optional>

#include "conformance/unit/model_verdict.h"
#include "core/lock_word.h"

namespace {

using model::must_be_caught;
using model::must_hold;
using ModelLock = netpoll::BasicLockWord<model::Atomic>;

constexpr auto kBoth = std::memory_order_acq_rel;

struct Locked {
  ModelLock lock;
  unsigned sleepers = model::new_location(0);  // a bit for each thread
  model::Bell bells[3];
  model::Atomic<unsigned> counted{0};  // what is locked: nothing but the lock puts it in order
};

std::optional<Locked> locked;
unsigned threads = 0;

void set_up() {
  locked.emplace();
}

// ---- The kernel: sleep if the word is as expected, wake one.

void sleep_as(unsigned thread, std::uint32_t expected) {
  const std::uint64_t bit = 1U << thread;
  model::update(locked->sleepers, kBoth, kBoth, [&](std::uint64_t now, std::uint64_t& next) {
    next = now | bit;
    return true;
  });
  if (locked->lock.word().load(std::memory_order_acquire) != expected) {
    const std::uint64_t before =
        model::update(locked->sleepers, kBoth, kBoth, [&](std::uint64_t now, std::uint64_t& next) {
          next = now & ~bit;
          return true;
        });
    if (before & bit) return;
  }
  locked->bells[thread].wait();
  locked->bells[thread].lower();
}

void wake_one() {
  const std::uint64_t before =
      model::update(locked->sleepers, kBoth, kBoth, [](std::uint64_t now, std::uint64_t& next) {
        next = now & (now - 1);
        return true;
      });
  if (before != 0) locked->bells[std::countr_zero(before)].raise();
}

// ---- The threads: each counts once under the lock.

void count() {
  const unsigned now = locked->counted.load(std::memory_order_relaxed);
  locked->counted.store(now + 1, std::memory_order_relaxed);
}

void everybody_counted() {
  const unsigned newest = locked->counted.exchange(0, std::memory_order_relaxed);
  model::require(newest == threads, "no count is lost");
}

void lock_and_count(unsigned thread) {
  if (!locked->lock.try_take()) {
    while (!locked->lock.take_or_announce())
      sleep_as(thread, ModelLock::kAwaited);
  }
  count();
  if (locked->lock.give_back()) wake_one();
}

// Broken on purpose: who was woken takes it as if nobody else slept.
void forget_the_others(unsigned thread) {
  while (!locked->lock.try_take()) {
    if (locked->lock.take_or_announce()) break;
    sleep_as(thread, ModelLock::kAwaited);
  }
  count();
  if (locked->lock.give_back()) wake_one();
}

// Broken on purpose: nobody is told of the sleeper.
void sleep_unannounced(unsigned thread) {
  while (!locked->lock.try_take())
    sleep_as(thread, 1);
  count();
  if (locked->lock.give_back()) wake_one();
}

// Broken on purpose: the lock is given back without a word about what was done under it.
void give_back_in_silence(unsigned thread) {
  while (!locked->lock.try_take())
    sleep_as(thread, 1);
  count();
  locked->lock.give_back_alone();
  wake_one();
}

model::Scenario each(void (*thread)(unsigned), unsigned how_many) {
  threads = how_many;
  model::Scenario scenario{set_up, {}, everybody_counted};
  for (unsigned i = 0; i < how_many; ++i)
    scenario.actors.emplace_back([thread, i] { thread(i); });
  return scenario;
}

void two_threads_take_turns(void**) {
  must_hold("lock / lock", each(lock_and_count, 2));
}

void three_threads_take_turns(void**) {
  must_hold("lock / lock / lock", each(lock_and_count, 3));
}

void who_was_woken_must_announce_the_others(void**) {
  must_be_caught("forget the others", each(forget_the_others, 3), false);
}

void who_sleeps_must_announce_it(void**) {
  must_be_caught("sleep unannounced", each(sleep_unannounced, 2), false);
}

void giving_back_must_release(void**) {
  must_be_caught("give back in silence", each(give_back_in_silence, 2), false);
}

constexpr CMUnitTest kTests[] = {
    cmocka_unit_test(two_threads_take_turns),
    cmocka_unit_test(three_threads_take_turns),
    cmocka_unit_test(who_was_woken_must_announce_the_others),
    cmocka_unit_test(who_sleeps_must_announce_it),
    cmocka_unit_test(giving_back_must_release),
};

}  // namespace

harness_group model::lock_group() {
  return {"lock", kTests, sizeof kTests / sizeof kTests[0]};
}
