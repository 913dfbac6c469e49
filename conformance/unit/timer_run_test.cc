// Very many timers due at once: they come out in the same order as one by one, whatever happens to
// them on the way, and cost no sifting. And the sorting behind it, by itself.
#include <cstdlib>
#include <cstring>
#include <initializer_list>

#include "conformance/unit/allowance.h"
#include "conformance/unit/core_tests.h"
#include "conformance/unit/random.h"
#include "core/timer_heap.h"

namespace netpoll::test {

namespace {

// ---- sorting ----

constexpr std::uint32_t kMostPromises = 20'000;
Promise promises[kMostPromises];
Promise expected[kMostPromises];
Promise spare[kMostPromises];

int compare(const void* a, const void* b) {
  const auto& left = *static_cast<const Promise*>(a);
  const auto& right = *static_cast<const Promise*>(b);
  if (left.bound != right.bound) return left.bound < right.bound ? -1 : 1;
  return left.stamp < right.stamp ? -1 : left.stamp > right.stamp;
}

// Fills in the times by `when(i)` and stamps in an order of their own, and sorts.
template <class When>
void sort_and_check(std::uint32_t count, When&& when) {
  for (std::uint32_t i = 0; i < count; ++i)
    promises[i] = {i + 1, (i * 7919u) % 0x7fffffffu, when(i)};
  std::memcpy(expected, promises, sizeof(Promise) * count);
  std::qsort(expected, count, sizeof(Promise), compare);
  sort_promises(promises, spare, count);
  for (std::uint32_t i = 0; i < count; ++i) {
    assert_int_equal(promises[i].timer, expected[i].timer);
    assert_int_equal(promises[i].stamp, expected[i].stamp);
    assert_true(promises[i].bound == expected[i].bound);
  }
}

void promises_of_all_kinds_are_sorted_by_time_and_then_by_age(void**) {
  Random random;
  for (const std::uint32_t count : {0u, 1u, 2u, 15u, 16u, 17u, 100u, 1000u, kMostPromises}) {
    sort_and_check(count, [&](std::uint32_t) { return Nanoseconds{42}; });
    sort_and_check(count, [&](std::uint32_t) { return Nanoseconds{random.below(10)}; });
    sort_and_check(count, [&](std::uint32_t) { return Nanoseconds{random.below(20'000'000)}; });
    sort_and_check(count, [&](std::uint32_t i) { return Nanoseconds{i}; });
    sort_and_check(count, [&](std::uint32_t i) { return -Nanoseconds{i}; });
    // Anything that a number can be.
    sort_and_check(count, [&](std::uint32_t) { return static_cast<Nanoseconds>(random.next()); });
    // A crowd within a microsecond, and a straggler far away on either side.
    sort_and_check(count, [&](std::uint32_t i) {
      if (i == 1) return INT64_MIN;
      if (i == 2) return INT64_MAX;
      return Nanoseconds{1'000'000'000} + random.below(1000);
    });
    // Crowds within crowds: the leading bits tell next to nothing.
    sort_and_check(count, [&](std::uint32_t) {
      return static_cast<Nanoseconds>(std::uint64_t{1} << random.below(63)) + random.below(3);
    });
  }
}

// Stamps wrap after two thousand million, and then two may be the same.
void equal_stamps_of_equal_times_end_the_sorting(void**) {
  constexpr std::uint32_t kCount = 1000;
  for (std::uint32_t i = 0; i < kCount; ++i)
    promises[i] = {i + 1, 5, 42};
  sort_promises(promises, spare, kCount);
  std::uint64_t sum = 0;
  for (std::uint32_t i = 0; i < kCount; ++i)
    sum += promises[i].timer;
  assert_int_equal(sum, kCount * (kCount + 1) / 2);
}

// ---- runs ----

// Timers in the order in which they are due, kept by insertion.
struct Reference {
  struct Entry {
    Nanoseconds when;
    TimerId timer;
  };
  static constexpr int kMost = 4000;
  Entry entries[kMost];
  int count = 0;

  void insert(Nanoseconds when, TimerId timer) {
    int first = 0;
    for (int end = count; first != end;) {
      const int middle = (first + end) / 2;
      if (entries[middle].when <= when) {
        first = middle + 1;
      } else {
        end = middle;
      }
    }
    std::memmove(entries + first + 1, entries + first,
                 sizeof(Entry) * static_cast<unsigned>(count - first));
    entries[first] = {when, timer};
    ++count;
  }
  void erase(int place) {
    --count;
    std::memmove(entries + place, entries + place + 1,
                 sizeof(Entry) * static_cast<unsigned>(count - place));
  }
  Entry take(int place) {
    const Entry entry = entries[place];
    erase(place);
    return entry;
  }
};

Reference reference;
int owner;

struct World {
  TimerHeap heap;
  Random random;
  Nanoseconds now = 0;

  World() { reference.count = 0; }
  void arm(Nanoseconds when) {
    const TimerId timer = heap.arm(&owner, when);
    assert_int_not_equal(timer, kNoTimer);
    reference.insert(when, timer);
  }
  int any() { return random.below(reference.count); }
  void move(int place, Nanoseconds when) {
    const Reference::Entry entry = reference.take(place);
    assert_true(heap.move(entry.timer, when));
    reference.insert(when, entry.timer);
  }
  void cancel(int place) { heap.cancel(reference.take(place).timer); }
  // Expires the first one. False when none is due.
  bool expire() {
    const bool due = reference.count != 0 && reference.entries[0].when <= now;
    const TimerId timer = heap.first_due(now);
    assert_int_equal(timer, due ? reference.entries[0].timer : kNoTimer);
    if (due) cancel(0);
    return due;
  }
  // What callbacks do in between.
  void disturb() {
    if (reference.count == 0) return;
    switch (random.below(6)) {
      case 0:
        return cancel(any());
      case 1:
        return move(any(), now + 1 + random.below(1000));
      case 2:  // to a time that is past as well
        return move(any(), now - random.below(100));
      case 3:
        return move(0, now + random.below(3) - 1);
      case 4:
        return arm(now + random.below(1000));
      default:
        return arm(now - random.below(10));
    }
  }
};

void crowds_come_out_in_order_without_sifting(void**) {
  for (const std::uint32_t count : {20u, 100u, 1000u, 3000u}) {
    World world;
    for (std::uint32_t i = 0; i < count; ++i)
      world.arm(world.random.below(count / 2));
    world.now = count;
    while (world.expire())
      continue;
    assert_true(world.heap.empty());
    assert_true(world.heap.sift_steps() == 0);
  }
}

// The others stay as they were, in the heap and behind it.
void those_that_are_not_due_stay(void**) {
  World world;
  for (int i = 0; i < 1000; ++i)
    world.arm(world.random.below(2000));
  world.heap.earliest();  // these are in the heap
  for (int i = 0; i < 600; ++i)
    world.arm(world.random.below(2000));
  while (reference.count != 0) {
    world.now += 700;
    while (world.expire())
      continue;
    const bool left = reference.count != 0;
    assert_true(world.heap.earliest() == (left ? reference.entries[0].when : kForever));
  }
}

void a_run_may_be_left_in_the_middle(void**) {
  World world;
  for (int i = 0; i < 2000; ++i)
    world.arm(world.random.below(1000));
  world.now = 1000;
  for (int round = 0; reference.count != 0; ++round) {
    for (int i = 0; i < 100 && world.expire(); ++i)
      continue;
    if (reference.count == 0) break;
    assert_true(world.heap.earliest() == reference.entries[0].when);
    assert_int_equal(world.heap.first(), reference.entries[0].timer);
    // A clock that goes back.
    if (round % 3 == 0) assert_int_equal(world.heap.first_due(-1), kNoTimer);
  }
}

void crowds_are_expired_while_everything_changes(void**) {
  World world;
  long expired = 0;
  for (int round = 0; round < 300; ++round) {
    const std::uint32_t crowd = world.random.below(round % 10 == 0 ? 2000u : 200u);
    for (std::uint32_t i = 0; i < crowd && reference.count < Reference::kMost - 10; ++i)
      world.arm(world.now + world.random.below(1500));
    if (world.random.below(2) == 0) world.heap.earliest();
    world.now += world.random.below(1200);
    while (world.expire()) {
      ++expired;
      if (world.random.below(4) == 0 && reference.count < Reference::kMost - 10) world.disturb();
    }
    assert_int_equal(world.heap.size(), reference.count);
  }
  assert_true(expired > 50'000);
}

// One that is due and is put off by whoever it belongs to, again and again.
void a_crowd_that_is_put_off_is_due_later_in_order(void**) {
  World world;
  for (int i = 0; i < 3000; ++i)
    world.arm(world.random.below(1000));
  for (int round = 0; round < 5; ++round) {
    world.now += 1000;
    while (reference.count != 0 && reference.entries[0].when <= world.now) {
      assert_int_equal(world.heap.first_due(world.now), reference.entries[0].timer);
      world.move(0, world.now + 1 + world.random.below(1000));
    }
    assert_int_equal(world.heap.first_due(world.now), kNoTimer);
  }
  assert_int_equal(world.heap.size(), 3000);
}

void void_promises_do_not_pile_up_in_runs(void**) {
  World world;
  for (int round = 0; round < 200; ++round) {
    // After the first round only a run itself needs memory: there is room for a thousand promises.
    const Allowance allowance(round == 0 ? 100 : 1);
    for (int i = 0; i < 1000; ++i)
      world.arm(world.now + world.random.below(100));
    world.now += 100;
    while (world.expire())
      continue;
  }
  assert_true(world.heap.sift_steps() == 0);
  assert_int_equal(world.heap.end(), 1001);
}

void without_memory_they_come_out_one_by_one(void**) {
  World world;
  for (int i = 0; i < 1000; ++i)
    world.arm(world.random.below(500));
  world.now = 500;
  {
    const Allowance none(0);
    while (world.expire())
      continue;
  }
  assert_true(world.heap.empty());
  assert_true(world.heap.sift_steps() > 1000);
}

constexpr CMUnitTest kTests[] = {
    cmocka_unit_test(promises_of_all_kinds_are_sorted_by_time_and_then_by_age),
    cmocka_unit_test(equal_stamps_of_equal_times_end_the_sorting),
    cmocka_unit_test(crowds_come_out_in_order_without_sifting),
    cmocka_unit_test(those_that_are_not_due_stay),
    cmocka_unit_test(a_run_may_be_left_in_the_middle),
    cmocka_unit_test(crowds_are_expired_while_everything_changes),
    cmocka_unit_test(a_crowd_that_is_put_off_is_due_later_in_order),
    cmocka_unit_test(void_promises_do_not_pile_up_in_runs),
    cmocka_unit_test(without_memory_they_come_out_one_by_one),
};

}  // namespace

harness_group timer_run_group() {
  return {"timer_run", kTests, sizeof kTests / sizeof kTests[0]};
}

}  // namespace netpoll::test
