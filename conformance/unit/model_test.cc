// The handshakes of the netpoller, model-checked: the very templates that the libraries are made
// of, compiled over the model's atomic, in every interleaving and with every value that weak memory
// allows. Each protocol is also broken on purpose, to show that the checker would see it.
#include "conformance/unit/model.h"

#include <optional>

#include "conformance/unit/model_verdict.h"
#include "core/gate.h"
#include "core/info_word.h"
#include "core/wake.h"

namespace {

using model::must_be_caught;
using model::must_hold;
using netpoll::Arrival;
using netpoll::kInfoClosing;
using netpoll::kInfoReadExpired;
using ModelGate = netpoll::BasicGate<model::Atomic>;
using ModelInfo = netpoll::BasicInfoWord<model::Atomic>;
using ModelWakeFlag = netpoll::BasicWakeFlag<model::Atomic>;

constexpr netpoll::Generation kGeneration = 1;

// ---- waiting at a gate --------------------------------------------------------------------------

// A descriptor's direction, and one thread that may be parked in it.
struct Direction {
  ModelGate gate;
  ModelInfo info;
  model::Bell bell;  // what the parked thread sleeps on
  unsigned wakes = 0;
  bool returned = false;
  bool was_ready = false;
};

std::optional<Direction> direction;

netpoll::Waiter* the_waiter() {
  return reinterpret_cast<netpoll::Waiter*>(&direction->bell);
}

void set_up_direction() {
  direction.emplace();
  direction->info.publish(kGeneration, 0);
}

void wake(netpoll::Waiter* waiter) {
  if (waiter == nullptr) return;
  model::require(waiter == the_waiter(), "the gate hands out the waiter that was parked");
  model::require(++direction->wakes == 1, "a parked waiter is woken once");
  direction->bell.raise();
}

// As the netpoller blocks a thread: arrive, look at the word, commit, sleep, settle.
bool block() {
  const Arrival arrival = direction->gate.arrive();
  if (arrival == Arrival::kWasReady) return true;
  model::require(arrival == Arrival::kMayPark, "nobody else waits here");
  if ((direction->info.flags() & (kInfoClosing | kInfoReadExpired)) == 0 &&
      direction->gate.commit(the_waiter())) {
    direction->bell.wait();
    direction->bell.lower();
    direction->wakes = 0;
  }
  return direction->gate.settle();
}

void wait_for_readiness_or_error() {
  while ((direction->info.flags() & (kInfoClosing | kInfoReadExpired)) == 0) {
    if (!block()) continue;
    direction->was_ready = true;
    break;
  }
  direction->returned = true;
}

void become_ready() {
  wake(direction->gate.unblock(true));
}

void close_it() {
  direction->info.publish(kGeneration, kInfoClosing);
  wake(direction->gate.unblock(false));
}

void deadline_passes() {
  direction->info.publish(kGeneration, kInfoReadExpired);
  wake(direction->gate.unblock(false));
}

// The deadline is taken back before the waiter has run: it must not report one, and go on waiting.
void deadline_passes_and_is_reset() {
  deadline_passes();
  direction->info.publish(kGeneration, 0);
}

void it_returned() {
  model::require(direction->returned, "the waiter came back");
}
void it_returned_ready() {
  it_returned();
  model::require(direction->was_ready, "readiness is reported");
}

// ---- waking a loop ------------------------------------------------------------------------------

struct SleepingLoop {
  ModelWakeFlag flag;
  model::Bell descriptor;  // the eventfd
  model::Atomic<unsigned> work{0};
  unsigned done = 0;
  unsigned announced = 0;
};

std::optional<SleepingLoop> loop;
unsigned breakers = 0;

void set_up_loop() {
  loop.emplace();
}

void take_work() {
  loop->done += loop->work.exchange(0, std::memory_order_relaxed);
}

// The right order: drain, settle, look at the work, announce, sleep.
void run_loop() {
  take_work();
  while (loop->done < breakers) {
    if (loop->flag.announce()) {
      ++loop->announced;
      loop->descriptor.wait();
      loop->descriptor.lower();
      loop->flag.settle();
    }
    take_work();
  }
}

// The sleep is announced again before the descriptor is drained: a breaker's write in between is
// swallowed, and its flag keeps everybody else from writing.
void run_loop_that_announces_before_draining() {
  take_work();
  bool announced = loop->flag.announce();
  while (loop->done < breakers) {
    if (announced) loop->descriptor.wait();
    loop->flag.settle();
    take_work();
    announced = loop->flag.announce();
    loop->descriptor.lower();
  }
}

void break_loop() {
  loop->work.exchange(1, std::memory_order_relaxed);
  if (loop->flag.notify()) loop->descriptor.raise();
}

// Two breakers add to the work instead of setting it.
void add_work_and_break() {
  for (;;) {
    unsigned now = loop->work.load(std::memory_order_relaxed);
    if (loop->work.compare_exchange_strong(now, now + 1, std::memory_order_relaxed,
                                           std::memory_order_relaxed)) {
      break;
    }
  }
  if (loop->flag.notify()) loop->descriptor.raise();
}

void one_write_a_sleep() {
  model::require(loop->done == breakers, "all work is seen");
  model::require(loop->descriptor.raises() <= loop->announced, "one write a sleep at the most");
}

// ---- running them -------------------------------------------------------------------------------

void waiting_against_readiness_holds(void**) {
  must_hold("wait / ready",
            {set_up_direction, {wait_for_readiness_or_error, become_ready}, it_returned_ready});
}

void waiting_against_closing_holds(void**) {
  must_hold("wait / close",
            {set_up_direction, {wait_for_readiness_or_error, close_it}, it_returned});
}

void waiting_against_a_deadline_holds(void**) {
  must_hold("wait / deadline",
            {set_up_direction, {wait_for_readiness_or_error, deadline_passes}, it_returned});
}

void waiting_against_readiness_and_closing_holds(void**) {
  must_hold("wait / ready / close",
            {set_up_direction, {wait_for_readiness_or_error, become_ready, close_it}, it_returned});
}

void waiting_against_readiness_and_a_deadline_holds(void**) {
  must_hold("wait / ready / deadline",
            {set_up_direction,
             {wait_for_readiness_or_error, become_ready, deadline_passes},
             it_returned});
}

void waiting_against_a_deadline_that_is_taken_back_ends_with_readiness(void**) {
  must_hold("wait / ready / deadline reset",
            {set_up_direction,
             {wait_for_readiness_or_error, become_ready, deadline_passes_and_is_reset},
             it_returned});
}

void waiting_against_closing_and_a_deadline_holds(void**) {
  must_hold(
      "wait / close / deadline",
      {set_up_direction, {wait_for_readiness_or_error, close_it, deadline_passes}, it_returned});
}

void two_pollers_wake_a_waiter_once(void**) {
  must_hold("wait / ready / ready", {set_up_direction,
                                     {wait_for_readiness_or_error, become_ready, become_ready},
                                     it_returned_ready});
}

void acquire_and_release_are_not_enough_against_closing(void**) {
  must_be_caught("wait / close, weakened",
                 {set_up_direction, {wait_for_readiness_or_error, close_it}, it_returned}, true);
}

void acquire_and_release_are_not_enough_against_a_deadline(void**) {
  must_be_caught("wait / deadline, weakened",
                 {set_up_direction, {wait_for_readiness_or_error, deadline_passes}, it_returned},
                 true);
}

// The closer looks at the gate before it publishes: nobody is there yet, and nobody is told.
void close_in_the_wrong_order() {
  wake(direction->gate.unblock(false));
  direction->info.publish(kGeneration, kInfoClosing);
}

void publishing_after_unblocking_is_caught(void**) {
  must_be_caught(
      "wait / close in the wrong order",
      {set_up_direction, {wait_for_readiness_or_error, close_in_the_wrong_order}, it_returned},
      false);
}

void breaking_a_sleep_holds(void**) {
  breakers = 1;
  must_hold("block / break", {set_up_loop, {run_loop, break_loop}, one_write_a_sleep});
}

void two_breakers_cost_one_write_a_sleep(void**) {
  breakers = 2;
  must_hold("block / break / break",
            {set_up_loop, {run_loop, add_work_and_break, add_work_and_break}, one_write_a_sleep});
}

void announcing_before_draining_is_caught(void**) {
  breakers = 2;
  must_be_caught("announce before drain",
                 {set_up_loop,
                  {run_loop_that_announces_before_draining, add_work_and_break, add_work_and_break},
                  nullptr},
                 false);
}

// A breaker that only tries to change "awake" or "blocking" writes nothing when it fails, and so
// releases nothing: the loop that then takes the note may not see the work. Broken on purpose.
struct LazyFlag {
  model::Atomic<unsigned> notified{0};
  bool notify() {
    unsigned expected = 0;
    return notified.compare_exchange_strong(expected, 1, std::memory_order_acq_rel,
                                            std::memory_order_relaxed);
  }
};
std::optional<LazyFlag> lazy;

void set_up_lazy_loop() {
  loop.emplace();
  lazy.emplace();
}

void store_work_and_break_lazily(unsigned bit) {
  for (;;) {
    unsigned now = loop->work.load(std::memory_order_relaxed);
    if (loop->work.compare_exchange_strong(now, now | bit, std::memory_order_relaxed,
                                           std::memory_order_relaxed)) {
      break;
    }
  }
  if (lazy->notify()) loop->descriptor.raise();
}

void run_lazy_loop() {
  while (loop->done != 3) {
    loop->descriptor.wait();
    loop->descriptor.lower();
    lazy->notified.exchange(0, std::memory_order_acq_rel);
    loop->done |= loop->work.load(std::memory_order_relaxed);
  }
}

void a_failed_exchange_releases_nothing_and_is_caught(void**) {
  must_be_caught("break by compare-and-swap",
                 {set_up_lazy_loop,
                  {run_lazy_loop, [] { store_work_and_break_lazily(1); },
                   [] { store_work_and_break_lazily(2); }},
                  nullptr},
                 false);
}

// ---- the error bit ------------------------------------------------------------------------------

void reuse_the_slot() {
  direction->info.publish(netpoll::next_generation(kGeneration), 0);
}

void report_an_error_of_the_old_incarnation() {
  direction->info.set_event_error(true, kGeneration);
}

void clear_and_reuse_the_slot() {
  reuse_the_slot();
  direction->info.set_event_error(false, 0);
}

void no_error_on_the_successor() {
  model::require((direction->info.flags() & netpoll::kInfoEventError) == 0,
                 "an error of the old incarnation does not land on the new one");
}

void an_error_never_lands_on_a_successor(void**) {
  must_hold("error / reuse", {set_up_direction,
                              {report_an_error_of_the_old_incarnation, clear_and_reuse_the_slot},
                              no_error_on_the_successor});
}

constexpr CMUnitTest kTests[] = {
    cmocka_unit_test(waiting_against_readiness_holds),
    cmocka_unit_test(waiting_against_closing_holds),
    cmocka_unit_test(waiting_against_a_deadline_holds),
    cmocka_unit_test(waiting_against_readiness_and_closing_holds),
    cmocka_unit_test(waiting_against_readiness_and_a_deadline_holds),
    cmocka_unit_test(waiting_against_a_deadline_that_is_taken_back_ends_with_readiness),
    cmocka_unit_test(waiting_against_closing_and_a_deadline_holds),
    cmocka_unit_test(two_pollers_wake_a_waiter_once),
    cmocka_unit_test(acquire_and_release_are_not_enough_against_closing),
    cmocka_unit_test(acquire_and_release_are_not_enough_against_a_deadline),
    cmocka_unit_test(publishing_after_unblocking_is_caught),
    cmocka_unit_test(breaking_a_sleep_holds),
    cmocka_unit_test(two_breakers_cost_one_write_a_sleep),
    cmocka_unit_test(announcing_before_draining_is_caught),
    cmocka_unit_test(a_failed_exchange_releases_nothing_and_is_caught),
    cmocka_unit_test(an_error_never_lands_on_a_successor),
};

}  // namespace

int main(int argc, char** argv) {
  const harness_group groups[] = {
      {"poller", kTests, sizeof kTests / sizeof kTests[0]},
      model::lock_group(),
  };
  return harness_main_groups(argc, argv, groups, sizeof groups / sizeof groups[0]);
}
