// The timer heap against a sorted reference, and what it promises about cost.
#include <cstdlib>
#include <initializer_list>

#include "conformance/unit/core_tests.h"
#include "conformance/unit/random.h"
#include "core/timer_heap.h"

namespace netpoll::test {

namespace {

// The reference: an array kept sorted by time and then by the order of arming.
constexpr int kMost = 400;
struct Reference {
  struct Entry {
    Nanoseconds when;
    TimerId timer;
  };
  Entry entries[kMost];
  int count = 0;

  void insert(Nanoseconds when, TimerId timer) {
    int place = count++;
    for (; place > 0 && entries[place - 1].when > when; --place)
      entries[place] = entries[place - 1];
    entries[place] = {when, timer};
  }
  Nanoseconds erase(TimerId timer) {
    int place = 0;
    while (entries[place].timer != timer)
      ++place;
    const Nanoseconds when = entries[place].when;
    for (--count; place < count; ++place)
      entries[place] = entries[place + 1];
    return when;
  }
};

void* owner_of(std::uint32_t number) {
  return reinterpret_cast<void*>(std::uintptr_t{number} * 16 + 16);
}

// The heap is asked for the earliest timer once in so many steps: between that, nothing makes it
// put those that are new in their places.
void match_a_sorted_reference(int steps_between_looks) {
  TimerHeap heap;
  static Reference reference;
  reference.count = 0;
  Random random;
  Nanoseconds now = 0;
  std::uint32_t serial = 0;
  long expired = 0;
  for (int step = 0; step < 1'000'000; ++step) {
    const int what = random.below(10);
    if (reference.count == 0 || (what < 3 && reference.count < kMost)) {
      const Nanoseconds when = now + random.below(1000);
      const TimerId timer = heap.arm(owner_of(serial++), when);
      assert_int_not_equal(timer, kNoTimer);
      reference.insert(when, timer);
    } else if (what < 7) {
      // Later and earlier, in equal parts.
      const TimerId timer = reference.entries[random.below(reference.count)].timer;
      reference.erase(timer);
      const Nanoseconds when = now + random.below(1000);
      assert_true(heap.move(timer, when));
      reference.insert(when, timer);
    } else if (what < 8) {
      const TimerId timer = reference.entries[random.below(reference.count)].timer;
      reference.erase(timer);
      heap.cancel(timer);
    } else if (step % steps_between_looks == 0) {
      now += random.below(20 * static_cast<std::uint32_t>(steps_between_looks));
      while (reference.count != 0 && reference.entries[0].when <= now) {
        const TimerId timer = reference.entries[0].timer;
        if (steps_between_looks == 1) assert_int_equal(heap.first(), timer);
        void* const owner = heap.owner(timer);
        assert_ptr_equal(heap.pop_due(now), owner);
        reference.erase(timer);
        ++expired;
      }
      assert_null(heap.pop_due(now));
    }
    assert_int_equal(heap.size(), reference.count);
    if (step % steps_between_looks != 0) continue;
    assert_true(heap.earliest() == (reference.count != 0 ? reference.entries[0].when : kForever));
  }
  assert_true(expired > 10'000);
}

void a_million_random_steps_match_a_sorted_reference(void**) {
  match_a_sorted_reference(1);
}

void so_they_do_where_many_come_and_go_before_the_heap_is_asked(void**) {
  for (const int steps : {7, 100, 1000})
    match_a_sorted_reference(steps);
}

void moving_later_and_cancelling_sift_nothing(void**) {
  TimerHeap heap;
  Random random;
  constexpr int kTimers = 10'000;
  static TimerId timers[kTimers];
  for (auto& timer : timers)
    timer = heap.arm(owner_of(1), random.below(1'000'000));
  heap.earliest();  // puts all of them in their places
  const std::uint64_t steps = heap.sift_steps();
  for (int i = 0; i < 100'000; ++i) {
    const TimerId timer = timers[random.below(kTimers)];
    assert_true(heap.move(timer, heap.when(timer) + random.below(1000)));
  }
  assert_true(heap.sift_steps() == steps);
  // Cancelling does none either, until the sweep that the void promises have paid for.
  for (int i = 0; i < kTimers / 3; ++i)
    heap.cancel(timers[i]);
  assert_true(heap.sift_steps() == steps);
  assert_int_equal(heap.size(), kTimers - kTimers / 3);
}

void new_timers_behind_the_earliest_are_not_ordered_yet(void**) {
  TimerHeap heap;
  Random random;
  heap.arm(owner_of(1), 1000);
  assert_true(heap.earliest() == 1000);
  const std::uint64_t steps = heap.sift_steps();
  TimerId last = kNoTimer;
  for (int i = 0; i < 10'000; ++i) {
    if (last != kNoTimer) heap.cancel(last);
    last = heap.arm(owner_of(2), 2000 + random.below(1'000'000));
    assert_true(heap.earliest() == 1000);
  }
  assert_true(heap.sift_steps() == steps);
  assert_ptr_equal(heap.pop_due(1000), owner_of(1));
  assert_true(heap.earliest() == heap.when(last));
}

void a_cancelled_timer_leaves_nothing_of_its_owner_behind(void**) {
  TimerHeap heap;
  void* owner = std::malloc(1);
  const TimerId timer = heap.arm(owner, 5);
  heap.arm(owner_of(2), 7);
  heap.cancel(timer);
  std::free(owner);  // and the sanitizer watches that nobody looks
  assert_ptr_equal(heap.pop_due(10), owner_of(2));
  assert_null(heap.pop_due(10));
}

void equals_come_out_in_the_order_in_which_they_were_armed(void**) {
  TimerHeap heap;
  for (std::uint32_t i = 0; i < 100; ++i)
    heap.arm(owner_of(i), 50);
  for (std::uint32_t i = 0; i < 100; ++i)
    assert_ptr_equal(heap.pop_due(50), owner_of(i));
}

void moving_puts_a_timer_behind_its_equals(void**) {
  TimerHeap heap;
  const TimerId first = heap.arm(owner_of(1), 50);
  const TimerId second = heap.arm(owner_of(2), 90);
  heap.arm(owner_of(3), 70);
  heap.move(first, 70);
  heap.move(second, 70);
  assert_ptr_equal(heap.pop_due(70), owner_of(3));
  assert_ptr_equal(heap.pop_due(70), owner_of(1));
  assert_ptr_equal(heap.pop_due(70), owner_of(2));
}

void nothing_is_ever_early(void**) {
  TimerHeap heap;
  const TimerId timer = heap.arm(owner_of(1), 100);
  assert_null(heap.pop_due(99));
  heap.move(timer, 200);
  assert_null(heap.pop_due(100));
  assert_null(heap.pop_due(199));
  assert_ptr_equal(heap.pop_due(200), owner_of(1));
}

void slots_are_reused_and_old_promises_do_not_bind_the_new_timer(void**) {
  TimerHeap heap;
  const TimerId timer = heap.arm(owner_of(1), 10);
  heap.cancel(timer);
  assert_int_equal(heap.arm(owner_of(2), 1000), timer);
  assert_null(heap.pop_due(500));
  assert_true(heap.earliest() == 1000);
  assert_ptr_equal(heap.pop_due(1000), owner_of(2));
}

void a_timer_that_takes_a_cancelled_ones_place_keeps_its_own_time(void**) {
  TimerHeap heap;
  const TimerId soon = heap.arm(owner_of(1), 10);
  const TimerId late = heap.arm(owner_of(2), 300);
  heap.cancel(soon);
  heap.cancel(late);
  assert_false(heap.is_armed(soon));
  assert_int_equal(heap.arm(owner_of(3), 100), late);
  assert_int_equal(heap.arm(owner_of(4), 100), soon);
  assert_null(heap.pop_due(99));
  assert_ptr_equal(heap.pop_due(300), owner_of(3));
  assert_ptr_equal(heap.pop_due(300), owner_of(4));
  assert_null(heap.pop_due(300));
}

void a_place_that_was_kept_is_given_up_when_the_others_join_the_heap(void**) {
  TimerHeap heap;
  const TimerId cancelled = heap.arm(owner_of(1), 20);
  heap.arm(owner_of(2), 10);
  heap.cancel(cancelled);
  assert_true(heap.earliest() == 10);
  assert_int_equal(heap.arm(owner_of(3), 30), cancelled);
  assert_ptr_equal(heap.pop_due(30), owner_of(2));
  assert_ptr_equal(heap.pop_due(30), owner_of(3));
  assert_null(heap.pop_due(30));
}

void void_promises_do_not_pile_up(void**) {
  TimerHeap heap;
  const TimerId timer = heap.arm(owner_of(1), 1'000'000);
  // Each move to an earlier time leaves a promise behind; sweeping keeps them few, or this would
  // sift through a hundred thousand at the end.
  for (Nanoseconds when = 999'999; when > 0; when -= 10)
    assert_true(heap.move(timer, when));
  const std::uint64_t steps = heap.sift_steps();
  assert_ptr_equal(heap.pop_due(1'000'000), owner_of(1));
  assert_int_equal(heap.first(), kNoTimer);
  assert_true(heap.sift_steps() - steps < 2'000);
}

// Many moves and cancellations without an expiry in between, which is what makes the heap sweep.
void sweeping_loses_nothing_and_keeps_the_order(void**) {
  Random random;
  for (int round = 0; round < 20; ++round) {
    TimerHeap heap;
    constexpr std::uint32_t kTimers = 1000;
    static TimerId timers[kTimers];
    for (auto& timer : timers)
      timer = heap.arm(owner_of(1), 1'000'000 + random.below(1'000'000));
    for (int i = 0; i < 5000; ++i) {
      const TimerId timer = timers[random.below(kTimers)];
      const Nanoseconds step = random.below(1000);
      assert_true(heap.move(timer, heap.when(timer) + (random.below(2) != 0 ? step : -step)));
    }
    for (std::uint32_t i = 0; i < kTimers / 2; ++i)
      heap.cancel(timers[i]);
    Nanoseconds before = 0;
    for (std::uint32_t left = kTimers / 2; left != 0; --left) {
      assert_int_equal(heap.size(), left);
      const Nanoseconds earliest = heap.earliest();
      assert_true(earliest >= before);
      before = earliest;
      assert_non_null(heap.pop_due(earliest));
    }
    assert_true(heap.empty());
    assert_true(heap.earliest() == kForever);
  }
}

void every_armed_timer_can_be_walked(void**) {
  TimerHeap heap;
  for (std::uint32_t i = 0; i < 10; ++i)
    heap.arm(owner_of(i), i);
  heap.cancel(3);
  int seen = 0;
  for (TimerId timer = 1; timer < heap.end(); ++timer)
    seen += heap.is_armed(timer);
  assert_int_equal(seen, 9);
}

void an_empty_heap_has_no_earliest(void**) {
  TimerHeap heap;
  assert_true(heap.empty());
  assert_true(heap.earliest() == kForever);
  assert_int_equal(heap.first(), kNoTimer);
  assert_null(heap.pop_due(kForever));
}

constexpr CMUnitTest kTests[] = {
    cmocka_unit_test(a_million_random_steps_match_a_sorted_reference),
    cmocka_unit_test(so_they_do_where_many_come_and_go_before_the_heap_is_asked),
    cmocka_unit_test(moving_later_and_cancelling_sift_nothing),
    cmocka_unit_test(new_timers_behind_the_earliest_are_not_ordered_yet),
    cmocka_unit_test(a_cancelled_timer_leaves_nothing_of_its_owner_behind),
    cmocka_unit_test(equals_come_out_in_the_order_in_which_they_were_armed),
    cmocka_unit_test(moving_puts_a_timer_behind_its_equals),
    cmocka_unit_test(nothing_is_ever_early),
    cmocka_unit_test(slots_are_reused_and_old_promises_do_not_bind_the_new_timer),
    cmocka_unit_test(a_timer_that_takes_a_cancelled_ones_place_keeps_its_own_time),
    cmocka_unit_test(a_place_that_was_kept_is_given_up_when_the_others_join_the_heap),
    cmocka_unit_test(void_promises_do_not_pile_up),
    cmocka_unit_test(sweeping_loses_nothing_and_keeps_the_order),
    cmocka_unit_test(every_armed_timer_can_be_walked),
    cmocka_unit_test(an_empty_heap_has_no_earliest),
};

}  // namespace

harness_group timer_heap_group() {
  return {"timer_heap", kTests, sizeof kTests / sizeof kTests[0]};
}

}  // namespace netpoll::test
