// What the fd table is told to do otherwise: to add late, to keep what nobody watches, to take a
// front end at its word; files that never block; and the table of a forked child.
#include <cerrno>

#include "conformance/unit/fd_table_fixture.h"

namespace netpoll::test {

namespace {

constexpr FdTableOptions kLazy = {.readiness = kNativeReadiness,
                                  .lazy_additions = true,
                                  .keep_registrations = true,
                                  .emulate_regular_files = true};

void lazy_additions_wait_for_the_sleep_and_report_their_errors_there(void**) {
  Table table(kLazy);
  assert_int_equal(table.demand(kRead, Identity::kUnknown), 0);
  table.leave();
  table.turn();
  assert_int_equal(table.calls().changes(), 0);
  table.demand(kRead, Identity::kUnknown);
  fake()->add_error = EBADF;
  table.turn();
  assert_int_equal(table.calls().add, 1);
  assert_int_equal(table.first().modes, kInvalid);
}

void settle(Table& table, ModeSet modes, Identity identity = Identity::kUnknown) {
  assert_int_equal(table.loop.fds().settle_demand(kFd, kWaiter, modes, identity), 0);
}

void a_demand_that_is_settled_is_told_by_one_call_before_the_sleep(void**) {
  Table table(kLazy);
  settle(table, kRead);
  table.turn();
  assert_int_equal(table.calls().add, 1);
  const Cookie before = table.cookie();
  fake()->add_error = EEXIST;
  settle(table, kRead);
  assert_int_equal(table.calls().add, 2);
  fake()->report(before, kIn);
  table.turn();
  assert_int_equal(table.ready(), 1);
  assert_int_equal(table.calls().changes(), 2);
  settle(table, 0);
  fake()->add_error = 0;
  settle(table, kRead);
  assert_int_equal(table.calls().add, 3);
  assert_true(table.cookie() != before);
  fake()->report(before, kIn);
  fake()->report(table.cookie(), kIn);
  table.turn();
  assert_int_equal(table.ready(), 1);
  assert_int_equal(table.calls().changes(), 3);
}

void a_settled_demand_for_a_closed_number_is_reported_as_such(void**) {
  Table table(kLazy);
  settle(table, kRead);
  table.turn();
  fake()->add_error = EBADF;
  settle(table, kRead);
  table.turn();
  assert_int_equal(table.first().modes, kInvalid);
}

void a_settled_change_of_direction_modifies_what_is_there(void**) {
  Table table(kLazy);
  settle(table, kRead);
  table.turn();
  settle(table, kRead | kWrite, Identity::kSame);
  table.turn();
  assert_int_equal(table.calls().modify, 1);
  assert_int_equal(fake()->interest.modes, kRead | kWrite);
  assert_int_equal(table.calls().changes(), 2);
}

void kept_registrations_make_leaving_and_coming_back_free(void**) {
  Table table(kLazy);
  table.demand(kRead, Identity::kUnknown);
  table.turn();
  for (int i = 0; i < 10; ++i) {
    table.leave();
    table.turn();
    table.demand(kRead, Identity::kSame);
    table.turn();
  }
  assert_int_equal(table.calls().changes(), 1);
}

void a_kept_registration_that_is_reported_in_vain_is_removed(void**) {
  Table table(kLazy);
  table.demand(kRead, Identity::kUnknown);
  table.turn();
  const Cookie cookie = table.cookie();
  table.leave();
  fake()->report(cookie, kIn);
  table.turn();
  assert_int_equal(table.ready(), 0);
  table.turn();
  assert_int_equal(table.calls().remove, 1);
  assert_int_equal(table.calls().reset, 0);
  assert_int_equal(table.loop.fds().watched(), 0);
}

void a_kept_registration_of_a_closed_descriptor_is_a_zombie(void**) {
  Table table(kLazy);
  table.demand(kRead, Identity::kUnknown);
  table.turn();
  const Cookie cookie = table.cookie();
  table.leave();
  fake()->remove_error = EBADF;
  fake()->report(cookie, kIn);
  table.turn();
  table.loop.fds().set_demand(9, {kOtherWaiter, kRead, false, 0}, Identity::kUnknown);
  table.turn();
  assert_int_equal(table.calls().reset, 1);
  assert_int_equal(fake()->fd, 9);  // who is still watched is known to the new set before it sleeps
  assert_int_equal(table.calls().add, 3);
}

void a_new_file_that_the_front_end_speaks_of_is_added_by_one_call(void**) {
  Table table(kLazy);
  table.demand(kRead, Identity::kUnknown);
  table.turn();
  const Cookie before = table.cookie();
  table.leave();
  table.demand(kWrite, Identity::kUnknown);
  assert_int_equal(table.calls().changes(), 1);
  table.turn();
  assert_int_equal(table.calls().add, 2);
  assert_int_equal(table.calls().changes(), 2);
  assert_false(table.cookie() == before);
  fake()->report(table.cookie(), kOut);
  fake()->report(before, kIn);
  table.turn();
  assert_int_equal(table.ready(), 1);
  assert_int_equal(table.loop.poller().counters().stale, 1);
}

void an_old_file_that_the_front_end_took_for_a_new_one_keeps_its_registration(void**) {
  Table table(kLazy);
  table.demand(kRead, Identity::kUnknown);
  table.turn();
  const Cookie cookie = table.cookie();
  table.leave();
  table.demand(kRead, Identity::kUnknown);
  fake()->add_error = EEXIST;
  table.turn();
  assert_int_equal(table.calls().changes(), 2);
  fake()->report(cookie, kIn);
  table.turn();
  assert_int_equal(table.ready(), 1);
  // For another direction after a while without watchers, one call more.
  table.leave();
  table.turn();
  table.demand(kWrite, Identity::kUnknown);
  fake()->add_error = EEXIST;
  table.turn();
  assert_int_equal(table.calls().changes(), 4);
  assert_int_equal(table.calls().modify, 1);
  assert_true(table.cookie() == cookie);
}

// As a program does that stops a watcher, sets it to another direction, and starts it again.
void an_old_file_is_given_another_direction_by_one_call(void**) {
  Table table(kLazy);
  table.demand(kRead, Identity::kUnknown);
  table.turn();
  const Cookie cookie = table.cookie();
  table.demand(kRead | kWrite, Identity::kUnknown);
  table.turn();
  assert_int_equal(table.calls().changes(), 2);
  assert_int_equal(table.calls().modify, 1);
  assert_true(table.cookie() == cookie);
  // And if it was a new file all the same, by two.
  table.demand(kWrite, Identity::kUnknown);
  fake()->modify_error = ENOENT;
  table.turn();
  assert_int_equal(table.calls().changes(), 4);
  assert_int_equal(table.calls().add, 2);
  assert_false(table.cookie() == cookie);
}

// What was suspected must be asked for, however it was left alone and trusted in between.
void a_suspicion_outlasts_a_while_without_watchers(void**) {
  Table table(kLazy);
  table.demand(kRead, Identity::kUnknown);
  table.turn();
  table.demand(kRead, Identity::kUnknown);
  table.leave();
  table.turn();
  assert_int_equal(table.calls().changes(), 1);
  table.demand(kRead, Identity::kSame);
  table.turn();
  assert_int_equal(table.calls().changes(), 2);
}

void files_that_never_block_are_ready_in_every_turn(void**) {
  Table table(kLazy);
  table.demand(kRead | kWrite, Identity::kUnknown);
  fake()->add_error = EPERM;
  for (int i = 0; i < 3; ++i) {
    table.turn();
    assert_int_equal(table.ready(), 1);
    assert_int_equal(table.first().modes, kRead | kWrite);
    assert_int_equal(fake()->delay, 0);
  }
  table.leave();
  table.turn();
  table.turn();
  assert_int_equal(table.ready(), 0);
  assert_int_equal(fake()->delay, -1);
}

// ---- after a fork ----

void a_forked_child_registers_what_is_wanted_and_forgets_the_rest(void**) {
  Table table;
  table.demand(kRead, Identity::kUnknown);
  table.loop.fds().set_demand(8, {kOtherWaiter, kWrite, false, 0}, Identity::kUnknown);
  table.leave();
  assert_int_equal(table.loop.after_fork(), 0);
  assert_int_equal(table.calls().reset, 1);
  assert_int_equal(table.calls().add, 3);
  assert_int_equal(fake()->fd, 8);
  table.turn();
  assert_int_equal(table.calls().remove, 0);
  assert_int_equal(table.loop.fds().watched(), 1);
}

void news_of_a_closed_descriptor_is_dropped_once_it_is_open_again(void**) {
  Table table;
  table.demand(kRead, Identity::kUnknown);
  fake()->add_error = EBADF;
  assert_int_equal(table.loop.after_fork(), 0);
  assert_true(table.loop.fds().has_instant());
  assert_int_equal(table.demand(kRead, Identity::kUnknown), 0);
  table.turn(0);
  assert_int_equal(table.ready(), 0);
}

void a_lazy_table_registers_anew_what_is_still_wanted_by_the_next_wait(void**) {
  Table table(kLazy);
  table.demand(kRead, Identity::kUnknown);
  table.loop.fds().set_demand(8, {kOtherWaiter, kWrite, false, 0}, Identity::kUnknown);
  table.turn();
  assert_int_equal(table.calls().add, 2);
  assert_int_equal(table.loop.after_fork(), 0);
  table.leave();
  table.turn();
  assert_int_equal(table.calls().reset, 1);
  assert_int_equal(table.calls().add, 3);
  assert_int_equal(fake()->fd, 8);
  assert_int_equal(table.calls().remove, 0);
  assert_int_equal(table.loop.fds().watched(), 1);
}

void a_descriptor_that_was_closed_before_a_fork_is_reported_by_a_lazy_table(void**) {
  Table table(kLazy);
  table.demand(kRead, Identity::kUnknown);
  table.turn();
  assert_int_equal(table.loop.after_fork(), 0);
  fake()->add_error = EBADF;
  table.turn();
  assert_int_equal(fake()->delay, 0);
  assert_int_equal(table.ready(), 1);
  assert_int_equal(table.first().modes, kInvalid);
}

void a_set_that_can_not_be_made_anew_leaves_the_old_one(void**) {
  Table table;
  table.demand(kRead, Identity::kUnknown);
  fake()->reset_error = EMFILE;
  assert_int_equal(table.loop.after_fork(), EMFILE);
  fake()->report(table.cookie(), kIn);
  table.turn();
  assert_int_equal(table.ready(), 1);
}

constexpr CMUnitTest kTests[] = {
    cmocka_unit_test(lazy_additions_wait_for_the_sleep_and_report_their_errors_there),
    cmocka_unit_test(a_demand_that_is_settled_is_told_by_one_call_before_the_sleep),
    cmocka_unit_test(a_settled_demand_for_a_closed_number_is_reported_as_such),
    cmocka_unit_test(a_settled_change_of_direction_modifies_what_is_there),
    cmocka_unit_test(kept_registrations_make_leaving_and_coming_back_free),
    cmocka_unit_test(a_kept_registration_that_is_reported_in_vain_is_removed),
    cmocka_unit_test(a_kept_registration_of_a_closed_descriptor_is_a_zombie),
    cmocka_unit_test(a_new_file_that_the_front_end_speaks_of_is_added_by_one_call),
    cmocka_unit_test(an_old_file_that_the_front_end_took_for_a_new_one_keeps_its_registration),
    cmocka_unit_test(an_old_file_is_given_another_direction_by_one_call),
    cmocka_unit_test(a_suspicion_outlasts_a_while_without_watchers),
    cmocka_unit_test(files_that_never_block_are_ready_in_every_turn),
    cmocka_unit_test(a_forked_child_registers_what_is_wanted_and_forgets_the_rest),
    cmocka_unit_test(news_of_a_closed_descriptor_is_dropped_once_it_is_open_again),
    cmocka_unit_test(a_lazy_table_registers_anew_what_is_still_wanted_by_the_next_wait),
    cmocka_unit_test(a_descriptor_that_was_closed_before_a_fork_is_reported_by_a_lazy_table),
    cmocka_unit_test(a_set_that_can_not_be_made_anew_leaves_the_old_one),
};

}  // namespace

harness_group fd_table_policy_group() {
  return {"fd_table_policy", kTests, sizeof kTests / sizeof kTests[0]};
}

}  // namespace netpoll::test
