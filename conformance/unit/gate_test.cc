// Every transition of a gate, and the info word beside it.
#include "conformance/unit/core_tests.h"
#include "core/poll_desc.h"

namespace netpoll::test {

namespace {

int place;
Waiter* const kWaiter = reinterpret_cast<Waiter*>(&place);

void nil_with_a_waiter_arriving_becomes_wait(void**) {
  Gate gate;
  assert_int_equal(gate.arrive(), Arrival::kMayPark);
  assert_int_equal(gate.peek(), Gate::kWait);
}

void ready_with_a_waiter_arriving_becomes_nil_and_lets_it_through(void**) {
  Gate gate;
  assert_null(gate.unblock(true));
  assert_int_equal(gate.arrive(), Arrival::kWasReady);
  assert_int_equal(gate.peek(), Gate::kNil);
}

void wait_refuses_a_second_waiter(void**) {
  Gate gate;
  gate.arrive();
  assert_int_equal(gate.arrive(), Arrival::kOccupied);
  assert_int_equal(gate.peek(), Gate::kWait);
}

void a_parked_waiter_refuses_a_second_one(void**) {
  Gate gate;
  gate.arrive();
  assert_true(gate.commit(kWaiter));
  assert_int_equal(gate.arrive(), Arrival::kOccupied);
  assert_ptr_equal(gate.parked(), kWaiter);
}

void wait_commits_to_the_waiter(void**) {
  Gate gate;
  gate.arrive();
  assert_true(gate.commit(kWaiter));
  assert_ptr_equal(gate.parked(), kWaiter);
}

void wait_with_readiness_becomes_ready_and_the_commit_fails(void**) {
  Gate gate;
  gate.arrive();
  assert_null(gate.unblock(true));
  assert_int_equal(gate.peek(), Gate::kReady);
  assert_false(gate.commit(kWaiter));
  assert_true(gate.settle());
}

void wait_with_a_timeout_becomes_nil_and_the_commit_fails(void**) {
  Gate gate;
  gate.arrive();
  assert_null(gate.unblock(false));
  assert_int_equal(gate.peek(), Gate::kNil);
  assert_false(gate.commit(kWaiter));
  assert_false(gate.settle());
}

void a_parked_waiter_with_readiness_is_handed_out_and_leaves_ready(void**) {
  Gate gate;
  gate.arrive();
  gate.commit(kWaiter);
  assert_ptr_equal(gate.unblock(true), kWaiter);
  assert_int_equal(gate.peek(), Gate::kReady);
}

void a_parked_waiter_with_a_timeout_is_handed_out_and_leaves_nil(void**) {
  Gate gate;
  gate.arrive();
  gate.commit(kWaiter);
  assert_ptr_equal(gate.unblock(false), kWaiter);
  assert_int_equal(gate.peek(), Gate::kNil);
}

void nil_with_readiness_remembers_it(void**) {
  Gate gate;
  assert_null(gate.unblock(true));
  assert_int_equal(gate.peek(), Gate::kReady);
}

void nil_with_a_timeout_stays_nil(void**) {
  Gate gate;
  assert_null(gate.unblock(false));
  assert_int_equal(gate.peek(), Gate::kNil);
}

void ready_stays_ready_whatever_comes(void**) {
  Gate gate;
  gate.unblock(true);
  assert_null(gate.unblock(true));
  assert_int_equal(gate.peek(), Gate::kReady);
  assert_null(gate.unblock(false));
  assert_int_equal(gate.peek(), Gate::kReady);
}

void reset_drops_a_remembered_edge(void**) {
  Gate gate;
  gate.unblock(true);
  gate.reset();
  assert_int_equal(gate.peek(), Gate::kNil);
  gate.reset();
  assert_int_equal(gate.peek(), Gate::kNil);
}

void settling_takes_ready_and_leaves_nil(void**) {
  Gate gate;
  gate.unblock(true);
  assert_true(gate.settle());
  assert_int_equal(gate.peek(), Gate::kNil);
  assert_false(gate.settle());
}

void publishing_keeps_the_error_bit(void**) {
  InfoWord info;
  info.publish(5, 0);
  assert_true(info.set_event_error(true, 5));
  info.publish(5, kInfoReadExpired);
  assert_int_equal(info.flags(), kInfoReadExpired | kInfoEventError);
  assert_int_equal(info.generation(), 5);
}

void publishing_can_not_set_the_error_bit(void**) {
  InfoWord info;
  info.publish(1, kInfoEventError | kInfoClosing);
  assert_int_equal(info.flags(), kInfoClosing);
}

void the_error_bit_lands_on_the_right_incarnation_only(void**) {
  InfoWord info;
  info.publish(7, 0);
  assert_false(info.set_event_error(true, 6));
  assert_int_equal(info.flags(), 0);
  assert_true(info.set_event_error(true, 7));
  assert_int_equal(info.flags(), kInfoEventError);
  assert_false(info.set_event_error(false, 8));
  assert_int_equal(info.flags(), kInfoEventError);
  assert_true(info.set_event_error(false, 0));
  assert_int_equal(info.flags(), 0);
}

void the_widest_generation_is_compared_whole(void**) {
  InfoWord info;
  info.publish(kGenerationMask, 0);
  assert_true(info.set_event_error(true, kGenerationMask));
  assert_int_equal(info.generation(), kGenerationMask);
}

void no_generation_is_ever_zero(void**) {
  assert_int_equal(next_generation(0), 1);
  assert_int_equal(next_generation(1), 2);
  assert_int_equal(next_generation(kGenerationMask), 1);
}

void errors_are_checked_in_the_order_of_the_contract(void**) {
  PollDesc desc;
  desc.info.publish(1, kInfoClosing | kInfoReadExpired);
  assert_int_equal(desc.check(kRead), PollError::kClosing);
  desc.info.publish(1, kInfoReadExpired);
  desc.info.set_event_error(true, 1);
  assert_int_equal(desc.check(kRead), PollError::kTimeout);
  // An error is left to write(2) to report, and a reader's deadline is no concern of a writer's.
  assert_int_equal(desc.check(kWrite), PollError::kNone);
  desc.info.publish(1, 0);
  assert_int_equal(desc.check(kRead), PollError::kNotPollable);
  desc.info.publish(1, kInfoWriteExpired);
  assert_int_equal(desc.check(kWrite), PollError::kTimeout);
}

void the_native_table_wakes_whoever_would_get_an_answer(void**) {
  for (unsigned bits = 0; bits < 32; ++bits) {
    const ModeSet modes = kNativeReadiness[static_cast<KernelBits>(bits)];
    const bool reads = (bits & (kIn | kPeerClosed | kHangup | kError)) != 0;
    const bool writes = (bits & (kOut | kHangup | kError)) != 0;
    assert_int_equal((modes & kRead) != 0, reads);
    assert_int_equal((modes & kWrite) != 0, writes);
    assert_int_equal(modes & kInvalid, 0);
  }
  assert_int_equal(kNativeReadiness[kBadDescriptor], kRead | kWrite | kInvalid);
}

constexpr CMUnitTest kTests[] = {
    cmocka_unit_test(nil_with_a_waiter_arriving_becomes_wait),
    cmocka_unit_test(ready_with_a_waiter_arriving_becomes_nil_and_lets_it_through),
    cmocka_unit_test(wait_refuses_a_second_waiter),
    cmocka_unit_test(a_parked_waiter_refuses_a_second_one),
    cmocka_unit_test(wait_commits_to_the_waiter),
    cmocka_unit_test(wait_with_readiness_becomes_ready_and_the_commit_fails),
    cmocka_unit_test(wait_with_a_timeout_becomes_nil_and_the_commit_fails),
    cmocka_unit_test(a_parked_waiter_with_readiness_is_handed_out_and_leaves_ready),
    cmocka_unit_test(a_parked_waiter_with_a_timeout_is_handed_out_and_leaves_nil),
    cmocka_unit_test(nil_with_readiness_remembers_it),
    cmocka_unit_test(nil_with_a_timeout_stays_nil),
    cmocka_unit_test(ready_stays_ready_whatever_comes),
    cmocka_unit_test(reset_drops_a_remembered_edge),
    cmocka_unit_test(settling_takes_ready_and_leaves_nil),
    cmocka_unit_test(publishing_keeps_the_error_bit),
    cmocka_unit_test(publishing_can_not_set_the_error_bit),
    cmocka_unit_test(the_error_bit_lands_on_the_right_incarnation_only),
    cmocka_unit_test(the_widest_generation_is_compared_whole),
    cmocka_unit_test(no_generation_is_ever_zero),
    cmocka_unit_test(errors_are_checked_in_the_order_of_the_contract),
    cmocka_unit_test(the_native_table_wakes_whoever_would_get_an_answer),
};

}  // namespace

harness_group gate_group() {
  return {"gate", kTests, sizeof kTests / sizeof kTests[0]};
}

}  // namespace netpoll::test
