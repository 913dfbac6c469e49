// Deadlines, through the netpoller that threads use, on the fake backend and on epoll.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "backends/backends.h"
#include "backends/delay.h"
#include "conformance/unit/backend_fixture.h"
#include "conformance/unit/core_tests.h"
#include "conformance/unit/fake_backend.h"
#include "core/deadline.h"
#include "core/netpoller.h"

namespace netpoll::test {

namespace {

// A slot with deadlines, without a kernel.
struct Subject {
  Subject() {
    slot = cache.allocate(3);
    assert_true(deadlines.open(slot));
  }
  Unblocked set(Nanoseconds delay, unsigned modes, Nanoseconds now = 1000) {
    Unblocked freed;
    assert_int_equal(deadlines.set(slot, delay, static_cast<ModeSet>(modes), now, freed), 0);
    return freed;
  }
  PollError check(ModeSet mode) { return cache.at(slot).check(mode); }
  unsigned expire(Nanoseconds now) {
    unsigned count = 0;
    Unblocked freed;
    while (deadlines.expire_one(now, freed))
      ++count;
    return count;
  }
  PollCache cache;
  Deadlines deadlines{cache};
  Slot slot;
};

void none_is_the_beginning_and_zero_takes_one_away(void**) {
  Subject subject;
  assert_true(subject.deadlines.earliest() == kForever);
  subject.set(500, kRead | kWrite);
  subject.set(0, kRead | kWrite);
  assert_true(subject.deadlines.earliest() == kForever);
  assert_int_equal(subject.expire(1000000), 0);
  assert_int_equal(subject.check(kRead), PollError::kNone);
}

void one_in_the_past_has_passed_at_once(void**) {
  Subject subject;
  subject.set(-1, kRead);
  assert_int_equal(subject.check(kRead), PollError::kTimeout);
  assert_int_equal(subject.check(kWrite), PollError::kNone);
  assert_int_equal(subject.deadlines.timer_count(), 0);
}

void one_in_the_future_passes_when_it_is_due_and_not_before(void**) {
  Subject subject;
  subject.set(500, kWrite, 1000);
  assert_true(subject.deadlines.earliest() == 1500);
  assert_int_equal(subject.expire(1499), 0);
  assert_int_equal(subject.check(kWrite), PollError::kNone);
  assert_int_equal(subject.expire(1500), 1);
  assert_int_equal(subject.check(kWrite), PollError::kTimeout);
  assert_int_equal(subject.check(kRead), PollError::kNone);
}

void two_equal_ones_share_a_timer_and_pass_together(void**) {
  Subject subject;
  subject.set(500, kRead | kWrite);
  assert_int_equal(subject.deadlines.timer_count(), 1);
  assert_int_equal(subject.expire(1500), 1);
  assert_int_equal(subject.check(kRead), PollError::kTimeout);
  assert_int_equal(subject.check(kWrite), PollError::kTimeout);
}

void two_different_ones_have_a_timer_each(void**) {
  Subject subject;
  subject.set(500, kRead);
  subject.set(900, kWrite);
  assert_int_equal(subject.deadlines.timer_count(), 2);
  assert_int_equal(subject.expire(1500), 1);
  assert_int_equal(subject.check(kRead), PollError::kTimeout);
  assert_int_equal(subject.check(kWrite), PollError::kNone);
  assert_int_equal(subject.expire(1900), 1);
  assert_int_equal(subject.check(kWrite), PollError::kTimeout);
}

void becoming_equal_and_different_again_moves_the_timers(void**) {
  Subject subject;
  subject.set(500, kRead);
  subject.set(900, kWrite);
  subject.set(500, kWrite);
  assert_int_equal(subject.deadlines.timer_count(), 1);
  subject.set(900, kRead);
  assert_int_equal(subject.deadlines.timer_count(), 2);
  assert_int_equal(subject.expire(1500), 1);
  assert_int_equal(subject.check(kRead), PollError::kNone);
  assert_int_equal(subject.check(kWrite), PollError::kTimeout);
}

void a_deadline_that_is_moved_does_not_pass_at_its_old_time(void**) {
  Subject subject;
  subject.set(500, kRead);
  subject.set(5000, kRead);
  assert_int_equal(subject.expire(1500), 0);
  assert_int_equal(subject.check(kRead), PollError::kNone);
  subject.set(100, kRead);
  assert_int_equal(subject.expire(1100), 1);
  assert_int_equal(subject.expire(100000), 0);
}

void a_deadline_that_has_passed_can_be_set_anew(void**) {
  Subject subject;
  subject.set(-1, kRead);
  subject.set(500, kRead);
  assert_int_equal(subject.check(kRead), PollError::kNone);
  subject.expire(1500);
  assert_int_equal(subject.check(kRead), PollError::kTimeout);
  subject.set(0, kRead);
  assert_int_equal(subject.check(kRead), PollError::kNone);
}

void a_deadline_too_far_away_is_never(void**) {
  Subject subject;
  subject.set(kForever, kRead, 1000);
  assert_true(subject.deadlines.earliest() == kForever);
  assert_int_equal(subject.expire(kForever - 1), 0);
}

int places[2];
Waiter* const kReader = reinterpret_cast<Waiter*>(&places[0]);
Waiter* const kWriter = reinterpret_cast<Waiter*>(&places[1]);

void park_both(Subject& subject) {
  PollDesc& desc = subject.cache.at(subject.slot);
  desc.read.arrive();
  desc.read.commit(kReader);
  desc.write.arrive();
  desc.write.commit(kWriter);
}

void evicting_frees_both_directions_and_stops_the_timers(void**) {
  Subject subject;
  subject.set(500, kRead);
  subject.set(700, kWrite);
  park_both(subject);
  Unblocked freed;
  assert_true(subject.deadlines.evict(subject.slot, freed));
  assert_int_equal(freed.count, 2);
  assert_ptr_equal(freed.waiters[0], kReader);
  assert_ptr_equal(freed.waiters[1], kWriter);
  assert_int_equal(subject.check(kRead), PollError::kClosing);
  assert_int_equal(subject.check(kWrite), PollError::kClosing);
  assert_int_equal(subject.deadlines.timer_count(), 0);
}

void evicting_twice_is_refused_and_takes_no_deadlines_after(void**) {
  Subject subject;
  Unblocked freed;
  assert_true(subject.deadlines.evict(subject.slot, freed));
  assert_false(subject.deadlines.evict(subject.slot, freed));
  subject.set(500, kRead);
  assert_int_equal(subject.deadlines.timer_count(), 0);
}

void passing_frees_its_own_direction_only(void**) {
  Subject subject;
  park_both(subject);
  subject.set(500, kRead);
  Unblocked freed;
  assert_true(subject.deadlines.expire_one(1500, freed));
  assert_int_equal(freed.count, 1);
  assert_ptr_equal(freed.waiters[0], kReader);
}

// ---- with threads and a kernel ----

struct Connection {
  explicit Connection(const BackendOps& backend = kEpollBackend) {
    assert_int_equal(netpoller.init(backend), 0);
    pair = make_socket_pair();
    assert_int_equal(netpoller.open(pair.near, &cookie), 0);
  }
  ~Connection() {
    netpoller.unblock(cookie);
    netpoller.close(cookie);
    pair.close_near();
    pair.close_far();
  }
  Netpoller netpoller;
  Pair pair;
  Cookie cookie;
};

void a_past_deadline_fails_even_with_data_ready(void**) {
  Connection connection;
  connection.pair.write_far();
  connection.netpoller.set_deadline(connection.cookie, -1, kRead);
  assert_int_equal(connection.netpoller.wait(connection.cookie, kRead), PollError::kTimeout);
  assert_int_equal(connection.netpoller.reset(connection.cookie, kRead), PollError::kTimeout);
}

void a_wait_ends_at_its_deadline_and_not_before(void**) {
  for (const BackendOps* backend : {&kEpollBackend, &kPollBackend, &kSelectBackend}) {
    Connection connection(*backend);
    for (const Nanoseconds delay : {Nanoseconds{1}, 100 * kMicrosecond, 1'500'000L, 20'000'000L}) {
      const Nanoseconds start = monotonic_now();
      connection.netpoller.set_deadline(connection.cookie, delay, kRead);
      assert_int_equal(connection.netpoller.wait(connection.cookie, kRead), PollError::kTimeout);
      assert_true(monotonic_now() - start >= delay);
    }
  }
}

void a_deadline_reset_while_waiting_does_not_end_the_wait(void**) {
  Connection connection;
  connection.netpoller.set_deadline(connection.cookie, 30'000'000, kRead);
  auto reset_then_write = [&] {
    while (connection.netpoller.waiters() == 0)
      usleep(100);
    connection.netpoller.set_deadline(connection.cookie, 0, kRead);
    usleep(60'000);
    connection.pair.write_far();
  };
  Thread thread(reset_then_write);
  assert_int_equal(connection.netpoller.wait(connection.cookie, kRead), PollError::kNone);
}

void a_deadline_brought_forward_while_waiting_ends_the_wait(void**) {
  Connection connection;
  connection.netpoller.set_deadline(connection.cookie, kGenerous, kRead);
  auto bring_forward = [&] {
    while (connection.netpoller.waiters() == 0)
      usleep(100);
    connection.netpoller.set_deadline(connection.cookie, 1'000'000, kRead);
  };
  Thread thread(bring_forward);
  assert_int_equal(connection.netpoller.wait(connection.cookie, kRead), PollError::kTimeout);
}

void unblocking_ends_waits_in_both_directions(void**) {
  Connection connection;
  connection.pair.fill_near();
  PollError results[2] = {PollError::kNone, PollError::kNone};
  connection.netpoller.poll(0);
  connection.netpoller.reset(connection.cookie, kWrite);
  auto read = [&] { results[0] = connection.netpoller.wait(connection.cookie, kRead); };
  auto write = [&] { results[1] = connection.netpoller.wait(connection.cookie, kWrite); };
  {
    Thread reader(read);
    Thread writer(write);
    while (connection.netpoller.waiters() != 2)
      usleep(100);
    assert_int_equal(connection.netpoller.close(connection.cookie), EBUSY);
    assert_int_equal(connection.netpoller.unblock(connection.cookie), 0);
  }
  assert_int_equal(results[0], PollError::kClosing);
  assert_int_equal(results[1], PollError::kClosing);
  assert_int_equal(connection.netpoller.waiters(), 0);
}

void an_error_event_alone_makes_a_descriptor_not_pollable_for_its_incarnation_only(void**) {
  Netpoller netpoller;
  assert_int_equal(netpoller.init(kFakeBackend), 0);
  Cookie cookie;
  assert_int_equal(netpoller.open(4, &cookie), 0);
  fake()->report(cookie, kError);
  netpoller.poll(0);
  assert_int_equal(netpoller.reset(cookie, kRead), PollError::kNotPollable);
  assert_int_equal(netpoller.reset(cookie, kWrite), PollError::kNone);
  netpoller.unblock(cookie);
  assert_int_equal(netpoller.close(cookie), 0);
  Cookie successor;
  assert_int_equal(netpoller.open(4, &successor), 0);
  assert_int_equal(cookie_slot(successor), cookie_slot(cookie));
  fake()->report(cookie, kError);
  netpoller.poll(0);
  assert_int_equal(netpoller.reset(successor, kRead), PollError::kNone);
  // With anything beside it, it is an event like others.
  fake()->report(successor, kError | kIn);
  netpoller.poll(0);
  assert_int_equal(netpoller.reset(successor, kRead), PollError::kNone);
}

void delays_are_rounded_up(void**) {
  assert_int_equal(delay_in_milliseconds(-1), -1);
  assert_int_equal(delay_in_milliseconds(0), 0);
  assert_int_equal(delay_in_milliseconds(1), 1);
  assert_int_equal(delay_in_milliseconds(999'999), 1);
  assert_int_equal(delay_in_milliseconds(1'000'000), 1);
  assert_int_equal(delay_in_milliseconds(1'000'001), 2);
  assert_true(delay_in_milliseconds(kForever) > 0);
  assert_int_equal(delay_as_timespec(1'500'000'000).tv_sec, 1);
  assert_int_equal(delay_as_timespec(1'500'000'000).tv_nsec, 500'000'000);
}

constexpr CMUnitTest kTests[] = {
    cmocka_unit_test(none_is_the_beginning_and_zero_takes_one_away),
    cmocka_unit_test(one_in_the_past_has_passed_at_once),
    cmocka_unit_test(one_in_the_future_passes_when_it_is_due_and_not_before),
    cmocka_unit_test(two_equal_ones_share_a_timer_and_pass_together),
    cmocka_unit_test(two_different_ones_have_a_timer_each),
    cmocka_unit_test(becoming_equal_and_different_again_moves_the_timers),
    cmocka_unit_test(a_deadline_that_is_moved_does_not_pass_at_its_old_time),
    cmocka_unit_test(a_deadline_that_has_passed_can_be_set_anew),
    cmocka_unit_test(a_deadline_too_far_away_is_never),
    cmocka_unit_test(evicting_frees_both_directions_and_stops_the_timers),
    cmocka_unit_test(evicting_twice_is_refused_and_takes_no_deadlines_after),
    cmocka_unit_test(passing_frees_its_own_direction_only),
    cmocka_unit_test(a_past_deadline_fails_even_with_data_ready),
    cmocka_unit_test(a_wait_ends_at_its_deadline_and_not_before),
    cmocka_unit_test(a_deadline_reset_while_waiting_does_not_end_the_wait),
    cmocka_unit_test(a_deadline_brought_forward_while_waiting_ends_the_wait),
    cmocka_unit_test(unblocking_ends_waits_in_both_directions),
    cmocka_unit_test(an_error_event_alone_makes_a_descriptor_not_pollable_for_its_incarnation_only),
    cmocka_unit_test(delays_are_rounded_up),
};

}  // namespace

harness_group deadline_group() {
  return {"deadline", kTests, sizeof kTests / sizeof kTests[0]};
}

}  // namespace netpoll::test
