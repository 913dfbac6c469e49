// The run queue, and the small rooms beside it: clock sums, waiter lists, notes.
#include "core/run_queue.h"
#include "conformance/unit/backend_fixture.h"
#include "conformance/unit/core_tests.h"
#include "core/clock.h"
#include "core/note.h"
#include "core/waiter.h"

namespace netpoll::test {

namespace {

void the_bitmap_finds_the_first_lane_from_anywhere(void**) {
  LaneBitmap bitmap;
  assert_true(bitmap.empty());
  assert_int_equal(bitmap.first(), LaneBitmap::kLanes);
  for (const unsigned lane : {0u, 63u, 64u, 200u, 255u})
    bitmap.set(lane);
  assert_int_equal(bitmap.first(), 0);
  assert_int_equal(bitmap.first(1), 63);
  assert_int_equal(bitmap.first(64), 64);
  assert_int_equal(bitmap.first(65), 200);
  assert_int_equal(bitmap.first(201), 255);
  bitmap.clear(255);
  assert_int_equal(bitmap.first(201), LaneBitmap::kLanes);
  assert_int_equal(bitmap.first(LaneBitmap::kLanes), LaneBitmap::kLanes);
  assert_false(bitmap.test(1));
  assert_true(bitmap.test(200));
}

void a_lane_is_first_in_first_out(void**) {
  LinkedLane lane;
  lane.init();
  QueueLink links[4];
  for (int i = 0; i < 3; ++i)
    lane.push_back(&links[i]);
  lane.push_front(&links[3]);
  for (const int i : {3, 0, 1, 2}) {
    assert_ptr_equal(lane.first(), &links[i]);
    lane.remove(&links[i]);
  }
  assert_true(lane.empty());
}

void a_link_can_be_taken_out_of_anywhere(void**) {
  for (int victim = 0; victim < 3; ++victim) {
    LinkedLane lane;
    lane.init();
    QueueLink links[4];
    for (int i = 0; i < 3; ++i)
      lane.push_back(&links[i]);
    lane.remove(&links[victim]);
    lane.push_back(&links[3]);
    for (int i = 0; i < 4; ++i) {
      if (i == victim) continue;
      assert_ptr_equal(lane.first(), &links[i]);
      lane.remove(&links[i]);
    }
    assert_true(lane.empty());
  }
}

void the_queue_runs_priorities_in_order(void**) {
  LinkedLane lanes[3];
  LinkedRunQueue queue;
  queue.adopt(lanes, 3);
  QueueLink links[3];
  queue.push(2, &links[0]);
  queue.push(0, &links[1]);
  queue.push(2, &links[2]);
  assert_int_equal(queue.first_lane(), 0);
  queue.remove(0, &links[1]);
  assert_int_equal(queue.first_lane(), 2);
  queue.remove(2, &links[0]);
  assert_ptr_equal(queue.first(2), &links[2]);
  queue.remove(2, &links[2]);
  assert_true(queue.empty());
}

void sums_of_time_saturate(void**) {
  assert_true(add_saturating(5, 7) == 12);
  assert_true(add_saturating(5, kForever) == kForever);
  assert_true(add_saturating(kForever, kForever) == kForever);
  assert_true(from_timespec(to_timespec(1'234'567'890'123)) == 1'234'567'890'123);
}

Nanoseconds frozen() {
  return 42;
}

void time_comes_from_where_the_tests_say(void**) {
  set_clock_source({frozen, frozen});
  LoopClock clock;
  assert_true(clock.update() == 42);
  assert_true(clock.now() == 42);
  assert_true(wall_now() == 42);
  restore_clock_source();
  assert_true(monotonic_now() != 42);
}

void a_waiter_list_keeps_order_and_grows_only_when_told(void**) {
  WaiterList list;
  assert_true(list.reserve(10));
  assert_true(list.reserve(5));
  assert_int_equal(list.capacity(), 10);
  int places[10];
  for (unsigned i = 0; i < 10; ++i)
    list.push(reinterpret_cast<Waiter*>(&places[i]), i, kRead);
  unsigned next = 0;
  for (const ReadyWaiter& entry : list)
    assert_ptr_equal(entry.waiter, &places[next++]);
  assert_int_equal(next, 10);
  list.clear();
  assert_true(list.empty());
}

void a_note_that_was_signalled_before_the_sleep_ends_it_at_once(void**) {
  Note note;
  note.signal();
  note.signal();
  assert_true(note.sleep(-1));
  assert_true(note.signalled());
  note.clear();
  assert_false(note.signalled());
}

void a_note_sleeps_for_its_time_and_not_less(void**) {
  Note note;
  const Nanoseconds start = monotonic_now();
  assert_false(note.sleep(20'000'000));
  assert_true(monotonic_now() - start >= 20'000'000);
  assert_false(note.sleep(0));
}

void a_note_is_signalled_by_another_thread(void**) {
  Note note;
  auto signal = [&] { note.signal(); };
  Thread thread(signal);
  assert_true(note.sleep(kGenerous));
}

constexpr CMUnitTest kTests[] = {
    cmocka_unit_test(the_bitmap_finds_the_first_lane_from_anywhere),
    cmocka_unit_test(a_lane_is_first_in_first_out),
    cmocka_unit_test(a_link_can_be_taken_out_of_anywhere),
    cmocka_unit_test(the_queue_runs_priorities_in_order),
    cmocka_unit_test(sums_of_time_saturate),
    cmocka_unit_test(time_comes_from_where_the_tests_say),
    cmocka_unit_test(a_waiter_list_keeps_order_and_grows_only_when_told),
    cmocka_unit_test(a_note_that_was_signalled_before_the_sleep_ends_it_at_once),
    cmocka_unit_test(a_note_sleeps_for_its_time_and_not_less),
    cmocka_unit_test(a_note_is_signalled_by_another_thread),
};

}  // namespace

harness_group run_queue_group() {
  return {"run_queue", kTests, sizeof kTests / sizeof kTests[0]};
}

}  // namespace netpoll::test
