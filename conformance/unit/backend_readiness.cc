// What a backend reports of descriptors that are ready: levels, edges, and more of them than fit.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "conformance/unit/backend_fixture.h"

namespace netpoll::test {

namespace {

void nothing_is_reported_of_an_empty_set(void** state) {
  Fixture f(state);
  assert_int_equal(f.look(), 0);
}

void readable_data_is_reported_with_its_cookie(void** state) {
  Fixture f(state);
  const Cookie cookie = make_cookie(0x00abcdef, kGenerationMask);
  const Pair pair = make_socket_pair();
  f.must_add(pair.near, cookie, level(kRead));
  assert_int_equal(f.look(), 0);
  pair.write_far();
  assert_int_equal(f.look(), 1);
  assert_int_equal(f.bits(cookie), kIn);
}

void only_the_directions_asked_for_are_reported(void** state) {
  Fixture f(state);
  const Pair reader = make_socket_pair();
  const Pair writer = make_socket_pair();
  reader.write_far();
  writer.write_far();
  f.must_add(reader.near, kFirst, level(kRead));
  f.must_add(writer.near, kOther, level(kWrite));
  f.look();
  assert_int_equal(f.bits(kFirst), kIn);
  assert_int_equal(f.bits(kOther), kOut);
}

void both_directions_of_one_descriptor_are_reported(void** state) {
  Fixture f(state);
  const Pair pair = make_socket_pair();
  pair.write_far();
  f.must_add(pair.near, kFirst, level(kRead | kWrite));
  f.look();
  assert_int_equal(f.bits(kFirst), kIn | kOut);
}

void a_level_is_reported_until_it_is_gone(void** state) {
  Fixture f(state);
  const Pair pair = make_socket_pair();
  pair.write_far(2);
  f.must_add(pair.near, kFirst, level(kRead));
  for (int i = 0; i < 3; ++i) {
    f.look();
    assert_int_equal(f.bits(kFirst), kIn);
  }
  pair.drain_near();
  assert_int_equal(f.look(), 0);
}

void a_full_buffer_is_not_writable_until_the_peer_reads(void** state) {
  Fixture f(state);
  const Pair pair = make_pipe_to_write();
  f.must_add(pair.near, kFirst, level(kWrite));
  f.look();
  assert_int_equal(f.bits(kFirst), kOut);
  pair.fill_near();
  assert_int_equal(f.look(), 0);
  pair.drain_far();
  f.look();
  assert_int_equal(f.bits(kFirst), kOut);
}

// A backend without edges ignores the wish, and says so in its traits.
void an_edge_is_reported_once(void** state) {
  Fixture f(state);
  const Pair pair = make_socket_pair();
  f.must_add(pair.near, kFirst, edge(kRead));
  assert_int_equal(f.look(), 0);
  pair.write_far();
  assert_int_equal(f.look(), 1);
  assert_int_equal(f.bits(kFirst) & kIn, kIn);
  assert_int_equal(f.look(), f.traits().edge ? 0 : 1);
}

void each_arrival_of_data_is_an_edge(void** state) {
  Fixture f(state);
  const Pair pair = make_socket_pair();
  f.must_add(pair.near, kFirst, edge(kRead));
  for (int i = 0; i < 3; ++i) {
    pair.write_far();
    f.look();
    assert_int_equal(f.bits(kFirst) & kIn, kIn);
  }
}

void an_edge_registration_covers_all_directions_asked_for(void** state) {
  Fixture f(state);
  const Pair pair = make_socket_pair();
  f.must_add(pair.near, kFirst, edge(kAllModes));
  f.look();
  assert_int_equal(f.bits(kFirst), kOut);
  pair.write_far();
  f.look();
  assert_int_equal(f.bits(kFirst) & kIn, kIn);
}

void readiness_from_before_the_registration_is_an_edge(void** state) {
  Fixture f(state);
  const Pair pair = make_socket_pair();
  pair.write_far();
  f.must_add(pair.near, kFirst, edge(kRead));
  f.look();
  assert_int_equal(f.bits(kFirst) & kIn, kIn);
}

void writability_regained_is_an_edge(void** state) {
  Fixture f(state);
  const Pair pair = make_pipe_to_write();
  f.must_add(pair.near, kFirst, edge(kWrite));
  f.look();
  pair.fill_near();
  assert_int_equal(f.look(), 0);
  pair.drain_far();
  f.look();
  assert_int_equal(f.bits(kFirst), kOut);
  assert_int_equal(f.look(), f.traits().edge ? 0 : 1);
}

// ---- more events than room ----

constexpr int kMany = 100;
constexpr int kLittleRoom = 7;

struct Crowd {
  Pair pairs[kMany];
  int reports[kMany] = {};

  Crowd(Fixture& f, Interest interest) {
    for (int i = 0; i < kMany; ++i) {
      pairs[i] = make_socket_pair();
      f.must_add(pairs[i].near, cookie_of(i), interest);
      pairs[i].write_far();
    }
  }

  static Cookie cookie_of(int i) { return make_cookie(static_cast<Slot>(i + 1), 3); }

  void wait_once(Fixture& f) {
    f.wait(0, kLittleRoom);
    for (int i = 0; i < f.count; ++i) {
      const Slot slot = cookie_slot(f.events[i].cookie);
      assert_in_range(slot, 1, kMany);
      assert_int_equal(f.events[i].cookie, cookie_of(static_cast<int>(slot) - 1));
      ++reports[slot - 1];
    }
  }
};

void nobody_starves_when_more_are_ready_than_fit(void** state) {
  Fixture f(state);
  Crowd crowd(f, level(kRead));
  for (int waits = 0; waits < 2 * (kMany / kLittleRoom + 1); ++waits) {
    crowd.wait_once(f);
    assert_int_equal(f.count, kLittleRoom);
  }
  for (const int reports : crowd.reports)
    assert_in_range(reports, 1, 3);
}

void edges_that_do_not_fit_come_with_the_next_waits(void** state) {
  Fixture f(state);
  Crowd crowd(f, edge(kRead));
  if (!f.traits().edge) {
    crowd.wait_once(f);
    assert_int_equal(f.count, kLittleRoom);
    return;
  }
  int total = 0;
  do {
    crowd.wait_once(f);
    total += f.count;
  } while (f.count != 0);
  assert_int_equal(total, kMany);
  for (const int reports : crowd.reports)
    assert_int_equal(reports, 1);
}

void a_wake_is_not_lost_among_more_events_than_fit(void** state) {
  Fixture f(state);
  Crowd crowd(f, level(kRead));
  f.wake();
  bool woken = false;
  for (int waits = 0; waits < kMany && !woken; ++waits) {
    f.wait(0, kLittleRoom);
    woken = f.woken();
  }
  assert_true(woken);
}

void room_for_a_single_event_is_enough(void** state) {
  Fixture f(state);
  const Pair one = make_socket_pair();
  const Pair two = make_socket_pair();
  f.must_add(one.near, kFirst, level(kRead));
  f.must_add(two.near, kOther, level(kRead));
  one.write_far();
  two.write_far();
  int first = 0, other = 0;
  for (int i = 0; i < 6; ++i) {
    assert_int_equal(f.wait(0, 1), 1);
    first += f.reports(kFirst);
    other += f.reports(kOther);
  }
  assert_int_equal(first, 3);
  assert_int_equal(other, 3);
}

// ---- numbers ----

void descriptors_beyond_fd_setsize_are_watched(void** state) {
  constexpr int kHigh = 3000;
  rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_max <= kHigh) harness_unsupported("3000 descriptors");
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  Fixture f(state);
  const Pair low = make_socket_pair();
  const Pair high = make_socket_pair();
  assert_int_equal(dup2(high.near, kHigh), kHigh);
  f.must_add(kHigh, kFirst, level(kRead));
  f.must_add(low.near, kOther, level(kRead));
  assert_int_equal(f.look(), 0);
  high.write_far();
  f.look();
  assert_int_equal(f.bits(kFirst), kIn);
  assert_int_equal(f.bits(kOther), 0);
  f.must_remove(kHigh, level(kRead));
  low.write_far();
  f.look();
  assert_int_equal(f.bits(kFirst), 0);
  assert_int_equal(f.bits(kOther), kIn);
}

constexpr CMUnitTest kTests[] = {
    cmocka_unit_test(nothing_is_reported_of_an_empty_set),
    cmocka_unit_test(readable_data_is_reported_with_its_cookie),
    cmocka_unit_test(only_the_directions_asked_for_are_reported),
    cmocka_unit_test(both_directions_of_one_descriptor_are_reported),
    cmocka_unit_test(a_level_is_reported_until_it_is_gone),
    cmocka_unit_test(a_full_buffer_is_not_writable_until_the_peer_reads),
    cmocka_unit_test(an_edge_is_reported_once),
    cmocka_unit_test(each_arrival_of_data_is_an_edge),
    cmocka_unit_test(an_edge_registration_covers_all_directions_asked_for),
    cmocka_unit_test(readiness_from_before_the_registration_is_an_edge),
    cmocka_unit_test(writability_regained_is_an_edge),
    cmocka_unit_test(nobody_starves_when_more_are_ready_than_fit),
    cmocka_unit_test(edges_that_do_not_fit_come_with_the_next_waits),
    cmocka_unit_test(a_wake_is_not_lost_among_more_events_than_fit),
    cmocka_unit_test(room_for_a_single_event_is_enough),
    cmocka_unit_test(descriptors_beyond_fd_setsize_are_watched),
};

}  // namespace

TestList readiness_tests() {
  return {kTests, sizeof kTests / sizeof kTests[0]};
}

}  // namespace netpoll::test
