// The fd table while its loop waits: what another thread says then is told at once, or after the
// wait where the backend can not be told; and what the kernel reports meanwhile may be out of date.
#include <cerrno>

#include "conformance/unit/fd_table_fixture.h"

namespace netpoll::test {

namespace {

constexpr FdTableOptions kLazy = {.readiness = kNativeReadiness,
                                  .lazy_additions = true,
                                  .keep_registrations = true,
                                  .emulate_regular_files = true};

Table* waiting;

void edge_demand(Table& table, unsigned modes, unsigned = 0, Identity identity = Identity::kSame) {
  assert_int_equal(table.demand(modes, identity, kWaiter, true), 0);
}

void during_a_wait_a_concurrent_backend_is_told_at_once(void**) {
  Table table;
  waiting = &table;
  fake()->during_wait = [] {
    assert_int_equal(waiting->demand(kRead, Identity::kUnknown), 0);
    assert_int_equal(fake()->calls.add, 1);
    waiting->leave();
    assert_int_equal(fake()->calls.remove, 1);
  };
  table.turn();
  assert_int_equal(table.calls().wake, 0);
}

void during_a_wait_other_backends_are_told_later_and_the_loop_is_woken(void**) {
  Table table({}, kFakeLevelBackend);
  waiting = &table;
  fake()->during_wait = [] {
    assert_int_equal(waiting->demand(kRead, Identity::kUnknown), 0);
    assert_int_equal(fake()->calls.add, 0);
    assert_int_equal(fake()->calls.wake, 1);
    fake()->during_wait = nullptr;
  };
  table.turn();
  table.turn();
  assert_int_equal(table.calls().add, 1);
}

void narrow_demand(Table& table, ModeSet modes, Identity identity) {
  const Demand demand = {.waiter = kWaiter, .modes = modes, .edge = true, .exact = true};
  assert_int_equal(table.loop.fds().set_demand(kFd, demand, identity), 0);
}

void an_exact_registration_is_narrowed_at_once(void**) {
  Table table;
  narrow_demand(table, kRead | kWrite, Identity::kUnknown);
  waiting = &table;
  fake()->during_wait = [] {
    narrow_demand(*waiting, kRead, Identity::kSame);
    assert_int_equal(fake()->interest.modes, kRead);
    fake()->during_wait = nullptr;
  };
  table.turn();
  table.turn();
  assert_int_equal(table.calls().changes(), 2);
}

void releasing_during_a_wait_is_told_after_it_where_it_has_to_be(void**) {
  Table table({}, kFakeLevelBackend);
  table.loop.fds().hold(kFd);
  edge_demand(table, kRead, 0, Identity::kUnknown);
  waiting = &table;
  fake()->during_wait = [] {
    edge_demand(*waiting, 0);
    waiting->loop.fds().release(kFd, true);
    assert_int_equal(fake()->calls.remove, 0);
    fake()->during_wait = nullptr;
  };
  table.turn();
  table.turn();
  assert_int_equal(table.calls().remove, 1);
  assert_int_equal(table.loop.fds().watched(), 0);
}

void what_is_reported_of_a_file_that_another_thread_has_replaced_is_not_delivered(void**) {
  Table table(kLazy);
  table.demand(kRead, Identity::kUnknown);
  table.turn();
  waiting = &table;
  fake()->during_wait = [] {
    fake()->report(fake()->cookie, kIn);
    waiting->demand(kRead, Identity::kUnknown, kOtherWaiter);
    fake()->during_wait = nullptr;
  };
  table.turn();
  assert_int_equal(table.ready(), 0);
  table.turn();  // the kernel is asked: another file, under another tag
  fake()->report(table.cookie(), kIn);
  table.turn();
  assert_int_equal(table.ready(), 1);
  assert_ptr_equal(table.first().waiter, kOtherWaiter);
}

void the_end_of_a_file_is_not_that_of_its_successor(void**) {
  Table table(kLazy);
  edge_demand(table, kRead, 0, Identity::kUnknown);
  table.turn();
  fake()->report(table.cookie(), kIn | kPeerClosed);
  table.turn();
  assert_true(table.loop.fds().end_seen(kFd));
  edge_demand(table, kRead, 0, Identity::kUnknown);
  assert_false(table.loop.fds().end_seen(kFd));
}

void a_set_made_anew_will_tell_of_an_end_again(void**) {
  Table table;
  edge_demand(table, kRead, 0, Identity::kUnknown);
  fake()->report(table.cookie(), kIn | kPeerClosed);
  table.turn();
  assert_true(table.loop.fds().end_seen(kFd));
  assert_int_equal(table.loop.after_fork(), 0);
  assert_false(table.loop.fds().end_seen(kFd));
}

void an_edge_left_behind_is_no_readiness_for_a_demand_of_levels_during_the_wait(void**) {
  Table table(kLazy);
  edge_demand(table, kRead, 0, Identity::kUnknown);
  table.turn();
  waiting = &table;
  fake()->during_wait = [] {
    waiting->loop.fds().remember(kFd, kRead);
    waiting->demand(kRead);
    fake()->during_wait = nullptr;
  };
  table.turn();
  assert_int_equal(table.ready(), 0);
}

void news_of_a_closed_descriptor_is_out_of_date_for_what_is_stated_during_the_wait(void**) {
  Table table({}, kFakeLevelBackend);
  table.demand(kRead, Identity::kUnknown);
  fake()->add_error = EBADF;
  assert_int_equal(table.loop.after_fork(), 0);
  waiting = &table;
  fake()->during_wait = [] {
    waiting->demand(kRead, Identity::kUnknown);
    fake()->during_wait = nullptr;
  };
  table.turn();
  assert_int_equal(table.ready(), 0);
  table.turn();
  assert_int_equal(table.ready(), 0);
}

constexpr CMUnitTest kTests[] = {
    cmocka_unit_test(during_a_wait_a_concurrent_backend_is_told_at_once),
    cmocka_unit_test(during_a_wait_other_backends_are_told_later_and_the_loop_is_woken),
    cmocka_unit_test(an_exact_registration_is_narrowed_at_once),
    cmocka_unit_test(releasing_during_a_wait_is_told_after_it_where_it_has_to_be),
    cmocka_unit_test(what_is_reported_of_a_file_that_another_thread_has_replaced_is_not_delivered),
    cmocka_unit_test(the_end_of_a_file_is_not_that_of_its_successor),
    cmocka_unit_test(a_set_made_anew_will_tell_of_an_end_again),
    cmocka_unit_test(an_edge_left_behind_is_no_readiness_for_a_demand_of_levels_during_the_wait),
    cmocka_unit_test(news_of_a_closed_descriptor_is_out_of_date_for_what_is_stated_during_the_wait),
};

}  // namespace

harness_group fd_table_wait_group() {
  return {"wait", kTests, sizeof kTests / sizeof kTests[0]};
}

}  // namespace netpoll::test
