// Which system calls a change of watchers costs, and when: counted on a backend of the tests' own.
#include <cerrno>

#include "conformance/unit/fd_table_fixture.h"

namespace netpoll::test {

namespace {

void what_grows_is_told_at_once(void**) {
  Table table;
  assert_int_equal(table.demand(kRead, Identity::kUnknown), 0);
  assert_int_equal(table.calls().add, 1);
  assert_int_equal(fake()->interest.modes, kRead);
  assert_int_equal(table.demand(kRead | kWrite), 0);
  assert_int_equal(table.calls().modify, 1);
  assert_int_equal(fake()->interest.modes, kRead | kWrite);
  table.turn();
  assert_int_equal(table.calls().changes(), 2);
}

void what_the_kernel_knows_is_not_told_again(void**) {
  Table table;
  table.demand(kRead | kWrite, Identity::kUnknown);
  table.demand(kRead, Identity::kSame, kOtherWaiter);
  table.demand(kRead | kWrite);
  table.turn();
  assert_int_equal(table.calls().changes(), 1);
}

void what_shrinks_is_told_once_before_the_sleep(void**) {
  Table table;
  table.demand(kRead | kWrite, Identity::kUnknown);
  table.demand(kRead);
  assert_int_equal(table.calls().modify, 0);
  table.turn();
  assert_int_equal(table.calls().modify, 1);
  assert_int_equal(fake()->interest.modes, kRead);
  table.turn();
  assert_int_equal(table.calls().modify, 1);
}

void the_last_watcher_to_leave_costs_one_removal_before_the_sleep(void**) {
  Table table;
  table.demand(kRead, Identity::kUnknown);
  table.leave();
  assert_int_equal(table.calls().remove, 0);
  assert_int_equal(table.loop.fds().watched(), 1);
  table.turn();
  assert_int_equal(table.calls().remove, 1);
  assert_int_equal(table.loop.fds().watched(), 0);
}

void leaving_and_coming_back_as_perhaps_another_file_costs_one_call(void**) {
  Table table;
  table.demand(kRead, Identity::kUnknown);
  const Cookie before = table.cookie();
  table.leave();
  table.demand(kRead, Identity::kUnknown);
  assert_int_equal(table.calls().modify, 1);
  table.turn();
  assert_int_equal(table.calls().changes(), 2);
  assert_true(table.cookie() == before);
}

void another_file_under_the_same_number_gets_another_cookie(void**) {
  Table table;
  table.demand(kRead, Identity::kUnknown);
  const Cookie before = table.cookie();
  table.leave();
  fake()->modify_error = ENOENT;
  assert_int_equal(table.demand(kRead, Identity::kUnknown), 0);
  assert_int_equal(table.calls().add, 2);
  assert_false(table.cookie() == before);
  fake()->report(before, kIn);
  table.turn();
  assert_int_equal(table.ready(), 0);
  assert_int_equal(table.loop.poller().counters().stale, 1);
}

void a_trusted_return_costs_one_call_before_the_sleep(void**) {
  Table table;
  table.demand(kRead, Identity::kUnknown);
  table.leave();
  table.demand(kRead, Identity::kSame);
  assert_true(table.loop.fds().has_unverified());
  assert_int_equal(table.calls().changes(), 1);
  table.turn();
  assert_int_equal(table.calls().modify, 1);
  assert_false(table.loop.fds().has_unverified());
}

void no_word_is_taken_for_what_left_before_a_pause(void**) {
  Table table;
  table.demand(kRead, Identity::kUnknown);
  const Cookie before = table.cookie();
  table.leave();
  table.loop.fds().distrust_departed();
  fake()->modify_error = ENOENT;
  assert_int_equal(table.demand(kRead, Identity::kSame), 0);
  assert_false(table.loop.fds().has_unverified());
  assert_int_equal(table.calls().add, 2);
  assert_false(table.cookie() == before);
}

void a_pause_costs_nothing_for_watchers_that_stay(void**) {
  Table table;
  table.demand(kRead | kWrite, Identity::kUnknown);
  table.demand(kRead);
  table.loop.fds().distrust_departed();
  table.demand(kRead | kWrite);
  table.turn();
  assert_int_equal(table.calls().changes(), 1);
}

// As a loop does that is never idle: each turn a one-shot watcher fires and comes back.
void a_trusted_return_costs_nothing_in_a_busy_loop(void**) {
  Table table;
  table.demand(kRead, Identity::kUnknown);
  const Cookie cookie = table.cookie();
  constexpr int kTurns = 1000;
  for (int i = 0; i < kTurns; ++i) {
    fake()->report(cookie, kIn);
    table.turn();
    assert_int_equal(table.ready(), 1);
    table.leave();
    table.demand(kRead, Identity::kSame);
  }
  // Trust is renewed once in so many turns, and no wait is wasted.
  assert_true(table.calls().modify <= kTurns / 32 + 1);
  assert_int_equal(table.calls().wait, kTurns);
  assert_int_equal(table.calls().add, 1);
}

// And one that sleeps every time: never more than one extra wait in nine.
void an_idle_loop_does_not_pay_for_looking_ahead(void**) {
  Table table;
  table.demand(kRead, Identity::kUnknown);
  const Cookie cookie = table.cookie();
  static Cookie wakes_up;
  wakes_up = cookie;
  constexpr int kTurns = 900;
  fake()->during_wait = [] {
    if (fake()->delay != 0) fake()->report(wakes_up, kIn);
  };
  for (int i = 0; i < kTurns; ++i) {
    table.turn();
    assert_int_equal(table.ready(), 1);
    table.leave();
    table.demand(kRead, Identity::kSame);
  }
  assert_true(table.calls().modify <= kTurns);
  assert_true(table.calls().wait <= kTurns + kTurns / 9 + 1);
}

void a_trusted_return_that_was_a_lie_is_found_out_before_the_sleep(void**) {
  Table table;
  table.demand(kRead, Identity::kUnknown);
  const Cookie before = table.cookie();
  table.leave();
  table.demand(kRead, Identity::kSame);
  fake()->modify_error = ENOENT;
  table.turn();
  assert_int_equal(table.calls().add, 2);
  fake()->report(table.cookie(), kIn);
  table.turn();
  assert_int_equal(table.ready(), 1);
  assert_false(table.cookie() == before);
}

void a_descriptor_that_proves_closed_is_reported_as_invalid(void**) {
  Table table;
  table.demand(kRead | kWrite, Identity::kUnknown);
  table.demand(kRead);
  fake()->modify_error = EBADF;
  table.turn();
  assert_int_equal(table.ready(), 1);
  assert_ptr_equal(table.first().waiter, kWaiter);
  assert_int_equal(table.first().modes, kInvalid);
  assert_int_equal(fake()->delay, 0);  // the news did not have to wait
  table.turn();
  assert_int_equal(table.ready(), 0);
}

void failing_to_add_leaves_nothing_behind(void**) {
  Table table;
  for (const int error : {EBADF, EPERM, ENOMEM, ENOSPC}) {
    fake()->add_error = error;
    assert_int_equal(table.demand(kRead, Identity::kUnknown), error);
    assert_int_equal(table.loop.fds().watched(), 0);
    assert_null(table.loop.fds().waiter(kFd));
  }
  assert_int_equal(table.demand(kRead, Identity::kUnknown), 0);
}

void failing_to_grow_leaves_the_old_demand_in_force(void**) {
  Table table;
  table.demand(kRead, Identity::kUnknown);
  fake()->modify_error = ENOMEM;
  assert_int_equal(table.demand(kRead | kWrite, Identity::kSame, kOtherWaiter), ENOMEM);
  assert_ptr_equal(table.loop.fds().waiter(kFd), kWaiter);
  assert_int_equal(table.loop.fds().wanted(kFd), kRead);
  fake()->report(table.cookie(), kIn);
  table.turn();
  assert_ptr_equal(table.first().waiter, kWaiter);
}

void leaving_can_not_fail_whatever_the_kernel_says(void**) {
  Table table;
  // One wants levels and one edges, so together they want levels; when the first leaves, the kernel
  // has to be told, and finds the number closed.
  table.demand(kRead, Identity::kUnknown);
  fake()->modify_error = EBADF;
  table.loop.fds().lower_demand(kFd, {kOtherWaiter, kRead, true, 0});
  assert_ptr_equal(table.loop.fds().waiter(kFd), kOtherWaiter);
  fake()->add_error = EBADF;
  table.turn();
  assert_ptr_equal(table.first().waiter, kOtherWaiter);
  assert_int_equal(table.first().modes, kInvalid);
  table.loop.fds().lower_demand(kFd, {});
  table.turn();
  assert_int_equal(table.loop.fds().watched(), 0);
  table.loop.fds().lower_demand(99, {});
}

void a_registration_that_is_there_already_is_taken_over(void**) {
  Table table;
  fake()->add_error = EEXIST;
  assert_int_equal(table.demand(kRead, Identity::kUnknown), 0);
  assert_int_equal(table.calls().modify, 1);
}

void negative_descriptors_are_refused(void**) {
  Table table;
  assert_int_equal(table.loop.fds().set_demand(-1, {kWaiter, kRead, false, 0}, Identity::kSame),
                   EBADF);
  assert_null(table.loop.fds().waiter(-1));
  assert_int_equal(table.loop.fds().wanted(-1), 0);
}

void waiters_get_what_they_want_and_no_more(void**) {
  Table table;
  table.demand(kRead, Identity::kUnknown);
  fake()->report(table.cookie(), kIn | kOut);
  table.turn();
  assert_int_equal(table.first().modes, kRead);
  table.demand(kWrite);
  fake()->report(table.cookie(), kHangup);
  table.turn();
  assert_int_equal(table.first().modes, kWrite);
}

void the_order_of_the_kernel_is_kept(void**) {
  Table table;
  Cookie cookies[3];
  for (int i = 0; i < 3; ++i) {
    auto* waiter = reinterpret_cast<Waiter*>(&places[i]);
    table.loop.fds().set_demand(i, {waiter, kRead, false, 0}, Identity::kUnknown);
    cookies[i] = table.cookie();
  }
  for (const int i : {2, 0, 1})
    fake()->report(cookies[i], kIn);
  table.turn();
  const Ready* entry = table.list.begin();
  for (const int i : {2, 0, 1}) {
    assert_ptr_equal(entry->waiter, &places[i]);
    ++entry;
  }
}

void what_is_ready_goes_to_whom_the_demand_was_handed_over(void**) {
  Table table;
  table.demand(kRead | kWrite, Identity::kUnknown);
  table.turn();
  const int told = table.calls().changes();
  table.loop.fds().hand_over(kFd, kOtherWaiter);
  for (const KernelBits bits : {kIn, kOut}) {
    fake()->report(table.cookie(), bits);
    table.turn();
    assert_int_equal(table.ready(), 1);
    assert_ptr_equal(table.first().waiter, kOtherWaiter);
    assert_int_equal(table.first().fd, kFd);
  }
  assert_int_equal(table.calls().changes(), told);
  table.leave();
  assert_null(table.loop.fds().waiter(kFd));
}

void more_events_than_one_buffer_all_arrive(void**) {
  Table table;
  constexpr int kMany = 200;
  for (int fd = 0; fd < kMany; ++fd) {
    table.loop.fds().set_demand(fd, {kWaiter, kRead, false, 0}, Identity::kUnknown);
    fake()->report(table.cookie(), kIn);
  }
  std::uint32_t seen = 0;
  int turns = 0;
  while (seen < kMany) {
    table.turn();
    seen += table.ready();
    ++turns;
    assert_true(turns < 10);
  }
  assert_int_equal(seen, kMany);
  assert_int_equal(turns, 3);  // 64, then 128 in a buffer that has grown, then the rest
}

// ---- zombies ----

void the_same_stale_event_twice_in_a_row_rebuilds_the_set(void**) {
  Table table;
  table.demand(kRead, Identity::kUnknown);
  const Cookie zombie = table.cookie();
  fake()->remove_error = EBADF;  // closed by its owner, alive in a duplicate
  table.leave();
  table.turn();
  table.loop.fds().set_demand(9, {kOtherWaiter, kRead, false, 0}, Identity::kUnknown);
  for (int turn = 0; turn < 2; ++turn) {
    fake()->report(zombie, kIn);
    table.turn();
    assert_int_equal(table.ready(), 0);
  }
  const int added = table.calls().add;
  table.turn();
  assert_int_equal(table.calls().reset, 1);
  assert_int_equal(table.calls().add, added + 1);  // who is still watched was registered anew
  assert_false(table.loop.fds().eager_removal());
}

void once_stale_may_be_anybodys_change_and_rebuilds_nothing(void**) {
  Table table;
  table.demand(kRead, Identity::kUnknown);
  const Cookie stale = table.cookie();
  table.leave();
  table.turn();
  fake()->report(stale, kIn);
  table.turn();
  table.turn();
  fake()->report(stale, kIn);
  table.turn();
  table.turn();
  assert_int_equal(table.calls().reset, 0);
}

void a_second_zombie_makes_removal_eager(void**) {
  Table table;
  for (int round = 0; round < 2; ++round) {
    table.demand(kRead, Identity::kUnknown);
    const Cookie zombie = table.cookie();
    table.leave();
    table.turn();
    for (int turn = 0; turn < 2; ++turn) {
      fake()->report(zombie, kIn);
      table.turn();
    }
    table.turn();
    assert_int_equal(table.calls().reset, round + 1);
  }
  assert_true(table.loop.fds().eager_removal());
  table.demand(kRead, Identity::kUnknown);
  const int removed = table.calls().remove;
  table.leave();
  assert_int_equal(table.calls().remove, removed + 1);
}

constexpr CMUnitTest kTests[] = {
    cmocka_unit_test(what_grows_is_told_at_once),
    cmocka_unit_test(what_the_kernel_knows_is_not_told_again),
    cmocka_unit_test(what_shrinks_is_told_once_before_the_sleep),
    cmocka_unit_test(the_last_watcher_to_leave_costs_one_removal_before_the_sleep),
    cmocka_unit_test(leaving_and_coming_back_as_perhaps_another_file_costs_one_call),
    cmocka_unit_test(another_file_under_the_same_number_gets_another_cookie),
    cmocka_unit_test(a_trusted_return_costs_one_call_before_the_sleep),
    cmocka_unit_test(no_word_is_taken_for_what_left_before_a_pause),
    cmocka_unit_test(a_pause_costs_nothing_for_watchers_that_stay),
    cmocka_unit_test(a_trusted_return_costs_nothing_in_a_busy_loop),
    cmocka_unit_test(an_idle_loop_does_not_pay_for_looking_ahead),
    cmocka_unit_test(a_trusted_return_that_was_a_lie_is_found_out_before_the_sleep),
    cmocka_unit_test(a_descriptor_that_proves_closed_is_reported_as_invalid),
    cmocka_unit_test(failing_to_add_leaves_nothing_behind),
    cmocka_unit_test(failing_to_grow_leaves_the_old_demand_in_force),
    cmocka_unit_test(leaving_can_not_fail_whatever_the_kernel_says),
    cmocka_unit_test(a_registration_that_is_there_already_is_taken_over),
    cmocka_unit_test(negative_descriptors_are_refused),
    cmocka_unit_test(waiters_get_what_they_want_and_no_more),
    cmocka_unit_test(the_order_of_the_kernel_is_kept),
    cmocka_unit_test(what_is_ready_goes_to_whom_the_demand_was_handed_over),
    cmocka_unit_test(more_events_than_one_buffer_all_arrive),
    cmocka_unit_test(the_same_stale_event_twice_in_a_row_rebuilds_the_set),
    cmocka_unit_test(once_stale_may_be_anybodys_change_and_rebuilds_nothing),
    cmocka_unit_test(a_second_zombie_makes_removal_eager),
};

}  // namespace

harness_group fd_table_group() {
  return {"fd_table", kTests, sizeof kTests / sizeof kTests[0]};
}

}  // namespace netpoll::test
