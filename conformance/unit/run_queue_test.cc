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

void the_ends_of_a_lane_are_known(void**) {
  LinkedLane lane;
  lane.init();
  assert_null(lane.last());
  QueueLink links[3];
  for (QueueLink& link : links) {
    lane.push_back(&link);
    assert_ptr_equal(lane.last(), &link);
  }
  assert_null(lane.before(&links[0]));
  assert_ptr_equal(lane.before(&links[1]), &links[0]);
  assert_ptr_equal(lane.before(&links[2]), &links[1]);
  lane.remove(&links[2]);
  assert_ptr_equal(lane.last(), &links[1]);
  lane.remove_first();
  lane.remove_first();
  assert_true(lane.empty());
  assert_null(lane.last());
  lane.push_back(&links[2]);
  assert_ptr_equal(lane.first(), &links[2]);
}

void an_entry_goes_behind_any_other_or_in_front_of_all(void**) {
  LinkedLane lane;
  lane.init();
  QueueLink links[4];
  lane.insert_behind(nullptr, &links[1]);    // 1
  lane.insert_behind(&links[1], &links[3]);  // 1 3: the last one
  assert_ptr_equal(lane.last(), &links[3]);
  lane.insert_behind(&links[1], &links[2]);  // 1 2 3
  lane.insert_behind(nullptr, &links[0]);    // 0 1 2 3
  assert_ptr_equal(lane.last(), &links[3]);
  for (int i = 0; i < 4; ++i) {
    assert_ptr_equal(lane.first(), &links[i]);
    assert_null(lane.before(&links[i]));
    lane.remove_first();
  }
  assert_true(lane.empty());
}

// A lane and an array go through the same random steps.
class LaneOracle {
 public:
  static constexpr int kLinks = 12;
  LaneOracle() { lane_.init(); }

  void step() {
    const int link = random(kLinks);
    const int at = place_of(link);
    if (at >= 0) {
      if (at == 0 && random(2) == 0) {
        lane_.remove_first();
      } else {
        lane_.remove(&links_[link]);
      }
      --count_;
      for (int i = at; i < count_; ++i)
        order_[i] = order_[i + 1];
    } else {
      const int to = random(count_ + 1);
      if (to == 0 && random(2) == 0) {
        lane_.push_front(&links_[link]);
      } else if (to == count_ && random(2) == 0) {
        lane_.push_back(&links_[link]);
      } else {
        lane_.insert_behind(to == 0 ? nullptr : &links_[order_[to - 1]], &links_[link]);
      }
      for (int i = count_++; i > to; --i)
        order_[i] = order_[i - 1];
      order_[to] = link;
    }
  }

  void compare() {
    assert_int_equal(lane_.empty(), count_ == 0);
    const QueueLink* link = lane_.first();
    for (int i = 0; i < count_; ++i) {
      assert_ptr_equal(link, &links_[order_[i]]);
      assert_ptr_equal(lane_.before(link), i == 0 ? nullptr : &links_[order_[i - 1]]);
      link = link->next;
    }
    assert_null(link);
    assert_ptr_equal(lane_.last(), count_ == 0 ? nullptr : &links_[order_[count_ - 1]]);
  }

 private:
  int random(int bound) {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<int>((state_ >> 33) % static_cast<unsigned>(bound));
  }
  int place_of(int link) const {
    for (int i = 0; i < count_; ++i) {
      if (order_[i] == link) return i;
    }
    return -1;
  }

  LinkedLane lane_;
  QueueLink links_[kLinks];
  int order_[kLinks] = {};
  int count_ = 0;
  std::uint64_t state_ = 1;
};

void a_lane_is_what_an_array_would_be_after_a_hundred_thousand_steps(void**) {
  LaneOracle oracle;
  for (int i = 0; i < 100'000; ++i) {
    oracle.step();
    oracle.compare();
  }
}

void a_lane_whose_only_entry_is_taken_is_found_no_more(void**) {
  LinkedLane lanes[2];
  LinkedRunQueue queue;
  queue.adopt(lanes, 2);
  assert_int_equal(queue.lane_count(), 2);
  QueueLink links[2];
  queue.push(1, &links[0]);
  queue.push(1, &links[1]);
  queue.remove_first(1);
  assert_int_equal(queue.first_lane(), 1);
  assert_ptr_equal(queue.first(1), &links[1]);
  queue.remove_first(1);
  assert_true(queue.empty());
  assert_int_equal(queue.first_lane(), LaneBitmap::kLanes);
  queue.push(0, &links[0]);
  assert_int_equal(queue.first_lane(), 0);
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
    cmocka_unit_test(the_ends_of_a_lane_are_known),
    cmocka_unit_test(an_entry_goes_behind_any_other_or_in_front_of_all),
    cmocka_unit_test(a_lane_is_what_an_array_would_be_after_a_hundred_thousand_steps),
    cmocka_unit_test(a_lane_whose_only_entry_is_taken_is_found_no_more),
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
