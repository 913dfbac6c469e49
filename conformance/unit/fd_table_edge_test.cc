// Edge mode of the fd table: what is remembered, what is held, what the kernel is told of it.
#include <cerrno>
#include <initializer_list>

#include "conformance/unit/fd_table_fixture.h"

namespace netpoll::test {

namespace {

void edge_demand(Table& table, unsigned modes, unsigned prepaid = 0,
                 Identity identity = Identity::kSame) {
  assert_int_equal(
      table.loop.fds().set_demand(kFd,
                                  {modes != 0 ? kWaiter : nullptr, static_cast<ModeSet>(modes),
                                   true, static_cast<ModeSet>(prepaid)},
                                  identity),
      0);
}

void what_was_paid_for_ahead_costs_nothing_later(void**) {
  Table table;
  edge_demand(table, kRead, kWrite, Identity::kUnknown);
  assert_int_equal(fake()->interest.modes, kRead | kWrite);
  assert_true(fake()->interest.edge);
  edge_demand(table, kRead | kWrite);
  edge_demand(table, kWrite);
  edge_demand(table, kRead);
  table.turn();
  assert_int_equal(table.calls().changes(), 1);
}

void an_edge_that_nobody_wanted_is_remembered(void**) {
  Table table;
  edge_demand(table, kRead, kWrite, Identity::kUnknown);
  fake()->report(table.cookie(), kOut);
  table.turn();
  assert_int_equal(table.ready(), 0);
  edge_demand(table, kRead | kWrite);
  assert_true(table.loop.fds().has_instant());
  table.turn();
  assert_int_equal(fake()->delay, 0);
  assert_int_equal(table.ready(), 1);
  assert_int_equal(table.first().modes, kWrite);
  table.turn();
  assert_int_equal(table.ready(), 0);
  assert_int_equal(table.calls().changes(), 1);
}

void exact_demand(Table& table, unsigned modes, Identity identity) {
  assert_int_equal(
      table.loop.fds().set_demand(
          kFd,
          {.waiter = kWaiter, .modes = static_cast<ModeSet>(modes), .edge = true, .exact = true},
          identity),
      0);
}

void an_exact_registration_is_narrowed_before_the_next_sleep(void**) {
  Table table;
  exact_demand(table, kRead | kWrite, Identity::kUnknown);
  exact_demand(table, kRead, Identity::kSame);
  assert_int_equal(fake()->interest.modes, kRead | kWrite);
  table.turn();
  assert_int_equal(fake()->interest.modes, kRead);
  assert_true(fake()->interest.edge);
  table.turn();
  assert_int_equal(table.calls().changes(), 2);
}

void an_exact_registration_that_is_widened_again_in_time_costs_one_call(void**) {
  Table table;
  exact_demand(table, kRead | kWrite, Identity::kUnknown);
  exact_demand(table, kRead, Identity::kSame);
  exact_demand(table, kRead | kWrite, Identity::kUnknown);
  table.turn();
  assert_int_equal(fake()->interest.modes, kRead | kWrite);
  assert_int_equal(table.calls().changes(), 2);
}

void an_exact_registration_forgets_who_left_before_the_others_came(void**) {
  Table table;
  exact_demand(table, kRead, Identity::kUnknown);
  edge_demand(table, 0);
  exact_demand(table, kWrite, Identity::kUnknown);
  assert_int_equal(fake()->interest.modes, kWrite);
}

void an_edge_that_was_delivered_is_not_remembered(void**) {
  Table table;
  edge_demand(table, kRead, 0, Identity::kUnknown);
  fake()->report(table.cookie(), kIn);
  table.turn();
  assert_int_equal(table.ready(), 1);
  edge_demand(table, 0);
  edge_demand(table, kRead);
  table.turn(0);
  assert_int_equal(table.ready(), 0);
}

void who_stops_before_the_end_leaves_readiness_for_the_next(void**) {
  Table table;
  edge_demand(table, kRead, kWrite, Identity::kUnknown);
  fake()->report(table.cookie(), kIn);
  table.turn();
  edge_demand(table, kWrite);
  table.loop.fds().remember(kFd, kRead);
  table.turn(0);
  assert_int_equal(table.ready(), 0);
  edge_demand(table, kRead | kWrite);
  table.turn();
  assert_int_equal(table.ready(), 1);
  assert_int_equal(table.first().modes, kRead);
}

void remembering_for_someone_who_waits_delivers_at_once(void**) {
  Table table;
  edge_demand(table, kRead, 0, Identity::kUnknown);
  table.loop.fds().remember(kFd, kRead);
  table.turn();
  assert_int_equal(fake()->delay, 0);
  assert_int_equal(table.first().modes, kRead);
}

void one_who_wants_levels_turns_the_descriptor_to_levels_and_back(void**) {
  Table table;
  edge_demand(table, kRead, kWrite, Identity::kUnknown);
  assert_int_equal(table.demand(kRead, Identity::kSame), 0);
  assert_int_equal(table.calls().modify, 1);
  assert_false(fake()->interest.edge);
  edge_demand(table, kRead);
  assert_int_equal(table.calls().modify, 2);
  assert_true(fake()->interest.edge);
}

void an_edge_noted_before_the_demand_turned_to_levels_is_dropped(void**) {
  Table table;
  edge_demand(table, kRead, 0, Identity::kUnknown);
  table.loop.fds().remember(kFd, kRead);
  assert_int_equal(table.demand(kRead, Identity::kSame), 0);
  table.turn(0);
  assert_int_equal(table.ready(), 0);
}

void an_edge_noted_before_the_demand_narrowed_waits_for_it_to_widen(void**) {
  Table table;
  edge_demand(table, kRead | kWrite, 0, Identity::kUnknown);
  table.loop.fds().remember(kFd, kRead | kWrite);
  edge_demand(table, kRead);
  table.turn(0);
  assert_int_equal(table.ready(), 1);
  assert_int_equal(table.first().modes, kRead);
  edge_demand(table, kRead | kWrite);
  table.turn(0);
  assert_int_equal(table.ready(), 1);
  assert_int_equal(table.first().modes, kWrite);
}

void what_grows_in_edge_mode_is_told_by_a_lazy_table_too(void**) {
  Table table({.lazy_additions = true, .keep_registrations = true});
  edge_demand(table, kRead, 0, Identity::kUnknown);
  table.turn();
  edge_demand(table, kRead | kWrite);
  table.turn();
  assert_int_equal(table.calls().modify, 1);
  assert_int_equal(fake()->interest.modes, kRead | kWrite);
  assert_true(fake()->interest.edge);
}

void a_new_file_under_the_number_remembers_nothing(void**) {
  Table table;
  edge_demand(table, kRead, kWrite, Identity::kUnknown);
  fake()->report(table.cookie(), kOut);
  table.turn();
  fake()->modify_error = ENOENT;
  edge_demand(table, kRead | kWrite, 0, Identity::kUnknown);
  table.turn(0);
  assert_int_equal(table.ready(), 0);
}

void without_edges_in_the_kernel_levels_do(void**) {
  Table table({}, kFakeLevelBackend);
  edge_demand(table, kRead, kWrite, Identity::kUnknown);
  assert_false(fake()->interest.edge);
  assert_int_equal(fake()->interest.modes, kRead);
  fake()->report(table.cookie(), kIn);
  table.turn();
  assert_int_equal(table.ready(), 1);
}

// ---- held registrations ----

void a_held_registration_outlives_its_watchers_and_coming_back_is_free(void**) {
  Table table;
  assert_int_equal(table.loop.fds().hold(kFd), 0);
  edge_demand(table, kRead | kClosed, 0, Identity::kUnknown);
  for (int i = 0; i < 3; ++i) {
    edge_demand(table, 0);
    table.turn();
    edge_demand(table, kRead | kClosed);
    assert_false(table.loop.fds().has_unverified());
    table.turn();
  }
  assert_int_equal(table.calls().changes(), 1);
}

void an_edge_while_held_is_kept_for_the_next_watcher(void**) {
  Table table;
  table.loop.fds().hold(kFd);
  edge_demand(table, kRead, 0, Identity::kUnknown);
  edge_demand(table, 0);
  fake()->report(table.cookie(), kIn);
  table.turn();
  assert_int_equal(table.ready(), 0);
  table.turn();
  edge_demand(table, kRead);
  table.turn();
  assert_int_equal(fake()->delay, 0);
  assert_int_equal(table.first().modes, kRead);
  assert_int_equal(table.calls().changes(), 1);
}

void what_is_reported_in_vain_again_is_not_asked_for_until_somebody_wants_it(void**) {
  Table table;
  table.loop.fds().hold(kFd);
  edge_demand(table, kRead, 0, Identity::kUnknown);
  edge_demand(table, 0);
  for (int i = 0; i < 2; ++i) {
    fake()->report(table.cookie(), kIn);
    table.turn();
  }
  table.turn();
  assert_int_equal(table.calls().remove, 1);
  edge_demand(table, kRead);
  assert_int_equal(table.calls().add, 2);
  assert_false(table.loop.fds().has_instant());  // the kernel says it anew
}

void being_writable_in_vain_is_said_once(void**) {
  Table table;
  edge_demand(table, kRead | kWrite, 0, Identity::kUnknown);
  edge_demand(table, kRead);
  fake()->report(table.cookie(), kOut);
  table.turn();
  assert_int_equal(table.ready(), 0);
  table.turn();
  assert_int_equal(table.calls().modify, 1);
  assert_int_equal(fake()->interest.modes, kRead);
  edge_demand(table, kRead | kWrite);
  assert_int_equal(table.calls().modify, 2);
  assert_false(table.loop.fds().has_instant());
}

void being_writable_beside_something_wanted_is_not_in_vain(void**) {
  Table table;
  edge_demand(table, kRead | kWrite, 0, Identity::kUnknown);
  edge_demand(table, kRead);
  for (int i = 0; i < 3; ++i) {
    fake()->report(table.cookie(), kIn | kOut);
    table.turn();
    assert_int_equal(table.first().modes, kRead);
  }
  assert_int_equal(table.calls().changes(), 1);
}

void one_who_met_the_end_of_readiness_takes_the_remembered_edge_away(void**) {
  Table table;
  edge_demand(table, kRead | kWrite, 0, Identity::kUnknown);
  edge_demand(table, kRead);
  fake()->report(table.cookie(), kIn | kOut);
  table.turn();
  table.loop.fds().forget(kFd, kWrite);
  edge_demand(table, kRead | kWrite);
  assert_false(table.loop.fds().has_instant());
}

void the_end_is_known_once_it_was_seen(void**) {
  Table table;
  for (const unsigned bits : {unsigned{kIn} | kPeerClosed, unsigned{kHangup}, unsigned{kError}}) {
    table.loop.fds().hold(kFd);
    edge_demand(table, kRead | kClosed, 0, Identity::kUnknown);
    assert_false(table.loop.fds().end_seen(kFd));
    fake()->report(table.cookie(), bits);
    table.turn();
    assert_true(table.loop.fds().end_seen(kFd));
    edge_demand(table, 0);
    assert_true(table.loop.fds().end_seen(kFd));
    table.loop.fds().release(kFd, true);
    assert_false(table.loop.fds().end_seen(kFd));
  }
}

void releasing_what_nobody_watches_tells_the_kernel(void**) {
  Table table;
  table.loop.fds().hold(kFd);
  edge_demand(table, kRead, 0, Identity::kUnknown);
  edge_demand(table, 0);
  table.loop.fds().release(kFd, false);
  assert_int_equal(table.calls().remove, 1);
  assert_int_equal(table.loop.fds().watched(), 0);
}

void releasing_what_is_closed_then_needs_no_call(void**) {
  Table table;
  table.loop.fds().hold(kFd);
  edge_demand(table, kRead, 0, Identity::kUnknown);
  const Cookie before = table.cookie();
  edge_demand(table, 0);
  table.loop.fds().release(kFd, true);
  assert_int_equal(table.loop.fds().watched(), 0);
  table.loop.fds().hold(kFd);
  edge_demand(table, kRead, 0, Identity::kUnknown);
  assert_int_equal(table.calls().add, 2);
  assert_int_equal(table.calls().remove, 0);
  fake()->report(before, kIn);
  table.turn();
  assert_int_equal(table.ready(), 0);
}

void after_zombies_what_is_closed_is_removed_first(void**) {
  Table table;
  table.loop.fds().remove_eagerly();
  table.loop.fds().hold(kFd);
  edge_demand(table, kRead, 0, Identity::kUnknown);
  edge_demand(table, 0);
  assert_int_equal(table.calls().remove, 0);
  table.loop.fds().release(kFd, true);
  assert_int_equal(table.calls().remove, 1);
}

void levels_are_not_held(void**) {
  Table table({}, kFakeLevelBackend);
  table.loop.fds().hold(kFd);
  edge_demand(table, kRead, 0, Identity::kUnknown);
  edge_demand(table, 0);
  table.turn();
  assert_int_equal(table.calls().remove, 1);
  edge_demand(table, kRead, 0, Identity::kUnknown);
  table.loop.fds().release(kFd, true);
  edge_demand(table, 0);
  table.turn();
  assert_int_equal(table.calls().remove, 2);
  assert_int_equal(table.loop.fds().watched(), 0);
}

void a_forked_child_keeps_what_is_held(void**) {
  Table table;
  table.loop.fds().hold(kFd);
  edge_demand(table, kRead, 0, Identity::kUnknown);
  edge_demand(table, 0);
  assert_int_equal(table.loop.fds().reset(ResetReason::kForked), 0);
  assert_int_equal(table.calls().add, 2);
  edge_demand(table, kRead);
  assert_int_equal(table.calls().changes(), 2);
}

void holding_what_is_no_descriptor_is_refused(void**) {
  Table table;
  assert_int_equal(table.loop.fds().hold(-1), EBADF);
  table.loop.fds().release(-1, true);
  table.loop.fds().release(kFd, true);
  assert_int_equal(table.calls().changes(), 0);
}

constexpr CMUnitTest kTests[] = {
    cmocka_unit_test(what_was_paid_for_ahead_costs_nothing_later),
    cmocka_unit_test(an_edge_that_nobody_wanted_is_remembered),
    cmocka_unit_test(an_exact_registration_is_narrowed_before_the_next_sleep),
    cmocka_unit_test(an_exact_registration_that_is_widened_again_in_time_costs_one_call),
    cmocka_unit_test(an_exact_registration_forgets_who_left_before_the_others_came),
    cmocka_unit_test(an_edge_that_was_delivered_is_not_remembered),
    cmocka_unit_test(who_stops_before_the_end_leaves_readiness_for_the_next),
    cmocka_unit_test(remembering_for_someone_who_waits_delivers_at_once),
    cmocka_unit_test(one_who_wants_levels_turns_the_descriptor_to_levels_and_back),
    cmocka_unit_test(an_edge_noted_before_the_demand_turned_to_levels_is_dropped),
    cmocka_unit_test(an_edge_noted_before_the_demand_narrowed_waits_for_it_to_widen),
    cmocka_unit_test(what_grows_in_edge_mode_is_told_by_a_lazy_table_too),
    cmocka_unit_test(a_new_file_under_the_number_remembers_nothing),
    cmocka_unit_test(without_edges_in_the_kernel_levels_do),
    cmocka_unit_test(a_held_registration_outlives_its_watchers_and_coming_back_is_free),
    cmocka_unit_test(an_edge_while_held_is_kept_for_the_next_watcher),
    cmocka_unit_test(what_is_reported_in_vain_again_is_not_asked_for_until_somebody_wants_it),
    cmocka_unit_test(being_writable_in_vain_is_said_once),
    cmocka_unit_test(being_writable_beside_something_wanted_is_not_in_vain),
    cmocka_unit_test(one_who_met_the_end_of_readiness_takes_the_remembered_edge_away),
    cmocka_unit_test(the_end_is_known_once_it_was_seen),
    cmocka_unit_test(releasing_what_nobody_watches_tells_the_kernel),
    cmocka_unit_test(releasing_what_is_closed_then_needs_no_call),
    cmocka_unit_test(after_zombies_what_is_closed_is_removed_first),
    cmocka_unit_test(levels_are_not_held),
    cmocka_unit_test(a_forked_child_keeps_what_is_held),
    cmocka_unit_test(holding_what_is_no_descriptor_is_refused),
};

}  // namespace

harness_group fd_table_edge_group() {
  return {"edge", kTests, sizeof kTests / sizeof kTests[0]};
}

}  // namespace netpoll::test
