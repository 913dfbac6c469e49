// The slab of descriptors, and stale events: injected, and real ones from epoll.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backends/backends.h"
#include "conformance/unit/core_tests.h"
#include "conformance/unit/fake_backend.h"
#include "core/netpoller.h"
#include "core/poller.h"

namespace netpoll::test {

namespace {

void slots_start_behind_the_wake_cookie(void**) {
  PollCache cache;
  const Slot slot = cache.allocate(3);
  assert_int_not_equal(slot, kNoSlot);
  assert_int_not_equal(cache.cookie_of(slot), kWakeCookie);
  assert_int_equal(cache.at(slot).fd, 3);
  assert_int_equal(cache.live(), 1);
}

void the_last_slot_released_is_the_next_one_handed_out_in_a_new_generation(void**) {
  PollCache cache;
  cache.allocate(3);
  const Slot slot = cache.allocate(4);
  const Cookie old = cache.cookie_of(slot);
  cache.release(slot);
  assert_null(cache.find_live(old));
  assert_int_equal(cache.allocate(5), slot);
  assert_null(cache.find_live(old));
  assert_non_null(cache.find_live(cache.cookie_of(slot)));
}

void a_descriptor_never_moves_however_many_there_are(void**) {
  PollCache cache;
  constexpr Slot kMany = 5000;  // over several segments
  PollDesc* first = &cache.at(cache.allocate(0));
  for (Slot i = 1; i < kMany; ++i) {
    const Slot slot = cache.allocate(static_cast<int>(i));
    assert_int_equal(cache.at(slot).fd, i);
  }
  assert_ptr_equal(first, cache.find(1));
  assert_int_equal(cache.live(), kMany);
  for (Slot slot = 1; slot <= kMany; ++slot)
    cache.release(slot);
  // Type-stable: released slots are still there to be looked at.
  for (Slot slot = 1; slot <= kMany; ++slot)
    assert_int_equal(cache.at(slot).fd, -1);
  assert_int_equal(cache.live(), 0);
}

void cookies_of_slots_that_never_were_find_nothing(void**) {
  PollCache cache;
  assert_null(cache.find(1));
  assert_null(cache.find_live(make_cookie(1, 1)));
  cache.allocate(0);
  assert_null(cache.find(1000000));
  assert_null(cache.find_live(make_cookie(0xffffffff, 1)));
}

void a_reused_slot_carries_nothing_over(void**) {
  PollCache cache;
  const Slot slot = cache.allocate(1);
  PollDesc& desc = cache.at(slot);
  desc.info.set_event_error(true, 0);
  desc.read.remember();
  desc.registration.wanted = kRead;
  cache.release(slot);
  cache.allocate(2);
  assert_int_equal(desc.info.flags(), 0);
  assert_int_equal(desc.read.peek(), Gate::kNil);
  assert_int_equal(desc.registration.wanted, 0);
}

// Whatever the width of the tag, it wraps past zero and never meets its predecessor. This file is
// also compiled with a tag of three bits, where it wraps a hundred times here.
void tags_wrap_without_ever_being_zero_or_the_one_before(void**) {
  PollCache cache;
  Slot slot = cache.allocate(1);
  Generation before = 0;
  for (int i = 0; i < 1000; ++i) {
    const Generation generation = cache.at(slot).info.generation();
    assert_int_not_equal(generation, 0);
    assert_int_not_equal(generation, before);
    assert_true(generation <= kGenerationMask);
    before = generation;
    cache.release(slot);
    slot = cache.allocate(1);
  }
}

int live_events;
int stale_events;

void count_events(Poller& poller) {
  live_events = stale_events = 0;
  poller.wait(poller.begin_wait(0));
  poller.finish_wait();
  poller.for_each_event([](Cookie, PollDesc&, KernelBits) { ++live_events; },
                        [](Cookie) { ++stale_events; });
}

void an_injected_event_of_a_closed_descriptor_is_dropped(void**) {
  Poller poller;
  assert_int_equal(poller.init(kFakeBackend, {}), 0);
  const Slot slot = poller.cache().allocate(7);
  const Cookie old = poller.cache().cookie_of(slot);
  fake()->report(old, kIn);
  count_events(poller);
  assert_int_equal(live_events, 1);
  poller.cache().release(slot);
  fake()->report(old, kIn);
  count_events(poller);
  assert_int_equal(live_events, 0);
  assert_int_equal(stale_events, 1);
  // The number and the slot come back; the event is still of the one before.
  assert_int_equal(poller.cache().allocate(7), slot);
  fake()->report(old, kIn);
  fake()->report(poller.cache().cookie_of(slot), kIn);
  count_events(poller);
  assert_int_equal(live_events, 1);
  assert_int_equal(stale_events, 1);
  assert_int_equal(poller.counters().stale, 2);
}

// epoll keeps reporting a file whose number was closed while a duplicate lives: the real thing.
void a_real_event_of_a_closed_descriptor_does_not_wake_its_successor(void**) {
  Netpoller netpoller;
  assert_int_equal(netpoller.init(kEpollBackend), 0);
  int old[2], fresh[2];
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, old), 0);
  Cookie cookie;
  assert_int_equal(netpoller.open(old[0], &cookie), 0);
  const int duplicate = dup(old[0]);
  netpoller.poll(0);  // its first edge of writability
  // Forget it behind the kernel's back, as a close that came first would.
  assert_int_equal(netpoller.unblock(cookie), 0);
  const int number = old[0];
  close(old[0]);
  netpoller.close(cookie);
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fresh), 0);
  if (fresh[0] != number) {
    assert_int_equal(dup2(fresh[0], number), number);
    close(fresh[0]);
  }
  Cookie successor;
  assert_int_equal(netpoller.open(number, &successor), 0);
  netpoller.poll(0);
  netpoller.reset(successor, kRead);
  assert_int_equal(write(old[1], "x", 1), 1);
  const auto stale_before = netpoller.counters().stale;
  netpoller.poll(0);
  assert_int_equal(netpoller.counters().stale, stale_before + 1);
  // Nobody has marked the successor readable.
  static ParkedWaiter waiter{[](ParkedWaiter*) {}};
  assert_int_equal(netpoller.park(successor, kRead, &waiter), PollError::kParked);
  close(number);
  close(duplicate);
  close(old[1]);
  close(fresh[1]);
}

constexpr CMUnitTest kTests[] = {
    cmocka_unit_test(slots_start_behind_the_wake_cookie),
    cmocka_unit_test(the_last_slot_released_is_the_next_one_handed_out_in_a_new_generation),
    cmocka_unit_test(a_descriptor_never_moves_however_many_there_are),
    cmocka_unit_test(cookies_of_slots_that_never_were_find_nothing),
    cmocka_unit_test(a_reused_slot_carries_nothing_over),
    cmocka_unit_test(tags_wrap_without_ever_being_zero_or_the_one_before),
    cmocka_unit_test(an_injected_event_of_a_closed_descriptor_is_dropped),
    cmocka_unit_test(a_real_event_of_a_closed_descriptor_does_not_wake_its_successor),
};

}  // namespace

harness_group poll_cache_group() {
  return {"poll_cache", kTests, sizeof kTests / sizeof kTests[0]};
}

}  // namespace netpoll::test
