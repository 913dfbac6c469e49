// Adding, modifying and removing: what holds after each, and which errno answers what can not be.
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "conformance/unit/backend_fixture.h"

namespace netpoll::test {

namespace {

void modify_reports_again_what_is_ready(void** state) {
  Fixture f(state);
  const Pair pair = make_socket_pair();
  pair.write_far();
  for (const bool edges : {false, true}) {
    const Interest both{kRead | kWrite, edges};
    f.must_add(pair.near, kFirst, both);
    for (int i = 0; i < 3; ++i) {
      f.look();
      assert_int_equal(f.bits(kFirst), kIn | kOut);
      f.must_modify(pair.near, kFirst, both, both);
    }
    f.must_remove(pair.near, both);
  }
}

void modify_turns_a_descriptor_to_the_other_direction_and_back(void** state) {
  Fixture f(state);
  const Pair pair = make_socket_pair();
  pair.write_far();
  for (const bool edges : {false, true}) {
    const Interest read{kRead, edges}, write{kWrite, edges};
    f.must_add(pair.near, kFirst, read);
    f.must_modify(pair.near, kFirst, read, write);
    f.look();
    assert_int_equal(f.bits(kFirst), kOut);
    f.must_modify(pair.near, kFirst, write, read);
    f.look();
    assert_int_equal(f.bits(kFirst), kIn);
    f.must_remove(pair.near, read);
  }
}

void modify_widens_and_narrows(void** state) {
  Fixture f(state);
  const Pair pair = make_socket_pair();
  pair.write_far();
  f.must_add(pair.near, kFirst, level(kWrite));
  f.must_modify(pair.near, kFirst, level(kWrite), level(kRead | kWrite));
  f.look();
  assert_int_equal(f.bits(kFirst), kIn | kOut);
  f.must_modify(pair.near, kFirst, level(kRead | kWrite), level(kRead));
  f.look();
  assert_int_equal(f.bits(kFirst), kIn);
}

void modify_switches_between_levels_and_edges(void** state) {
  Fixture f(state);
  const Pair pair = make_socket_pair();
  pair.write_far();
  f.must_add(pair.near, kFirst, level(kRead));
  f.must_modify(pair.near, kFirst, level(kRead), edge(kRead));
  assert_int_equal(f.look(), 1);
  assert_int_equal(f.look(), f.traits().edge ? 0 : 1);
  f.must_modify(pair.near, kFirst, edge(kRead), level(kRead));
  for (int i = 0; i < 2; ++i)
    assert_int_equal(f.look(), 1);
}

void modify_gives_a_new_cookie(void** state) {
  Fixture f(state);
  const Pair pair = make_socket_pair();
  pair.write_far();
  f.must_add(pair.near, kFirst, level(kRead));
  f.must_modify(pair.near, kOther, level(kRead), level(kRead));
  f.look();
  assert_int_equal(f.bits(kFirst), 0);
  assert_int_equal(f.bits(kOther), kIn);
}

void what_is_removed_is_reported_no_more(void** state) {
  Fixture f(state);
  const Pair pair = make_socket_pair();
  const Pair other = make_socket_pair();
  for (const Interest interest : {level(kRead), level(kWrite), level(kAllModes), edge(kAllModes)}) {
    f.must_add(pair.near, kFirst, interest);
    f.must_add(other.near, kOther, interest);
    pair.write_far();
    other.write_far();
    f.must_remove(pair.near, interest);
    f.look();
    assert_int_equal(f.reports(kFirst), 0);
    assert_in_range(f.reports(kOther), 1, 2);
    f.must_remove(other.near, interest);
    assert_int_equal(f.look(), 0);
  }
}

void what_is_added_again_has_its_new_cookie(void** state) {
  Fixture f(state);
  const Pair pair = make_socket_pair();
  pair.write_far();
  for (Generation generation = 1; generation < 5; ++generation) {
    f.must_add(pair.near, make_cookie(1, generation), edge(kRead));
    f.look();
    assert_int_equal(f.count, 1);
    assert_int_equal(f.events[0].cookie, make_cookie(1, generation));
    f.must_remove(pair.near, edge(kRead));
  }
}

// Removing out of order moves the others about in an array; they must keep their identity.
void removal_in_any_order_leaves_the_others_alone(void** state) {
  constexpr int kMany = 8;
  for (int removed = 0; removed < kMany; ++removed) {
    Fixture f(state);
    Pair pairs[kMany];
    for (int i = 0; i < kMany; ++i) {
      pairs[i] = make_socket_pair();
      pairs[i].write_far();
      f.must_add(pairs[i].near, make_cookie(static_cast<Slot>(i + 1), 1), level(kRead));
    }
    f.must_remove(pairs[removed].near, level(kRead));
    f.look();
    for (int i = 0; i < kMany; ++i) {
      const Cookie cookie = make_cookie(static_cast<Slot>(i + 1), 1);
      assert_int_equal(f.reports(cookie), i == removed ? 0 : 1);
    }
    const Pair& neighbour = pairs[(removed + 1) % kMany];
    f.must_add(pairs[removed].near, make_cookie(100, 1), level(kRead));
    f.must_modify(neighbour.near, make_cookie(200, 1), level(kRead), level(kRead));
    assert_int_equal(f.look(), kMany);
    assert_int_equal(f.reports(make_cookie(100, 1)), 1);
    assert_int_equal(f.reports(make_cookie(200, 1)), 1);
    for (const Pair& pair : pairs) {
      close(pair.near);
      close(pair.far);
    }
  }
}

// ---- what can not be ----

void a_negative_descriptor_is_refused(void** state) {
  Fixture f(state);
  for (const int fd : {-1, -100, INT32_MIN}) {
    assert_int_equal(f.add(fd, kFirst, level(kRead)), EBADF);
    assert_int_equal(f.modify(fd, kFirst, level(kRead), level(kWrite)), EBADF);
    assert_int_equal(f.remove(fd, level(kRead)), EBADF);
  }
  assert_int_equal(f.look(), 0);
}

// A kernel that keeps the set says so at once. One that is shown it in every wait says so there.
void a_closed_descriptor_is_refused_or_reported_as_bad(void** state) {
  Fixture f(state);
  const Pair pair = make_socket_pair();
  const int closed = dup(pair.near);
  close(closed);
  const int error = f.add(closed, kFirst, level(kRead));
  f.look();
  if (f.traits().forgets_closed) {
    assert_int_equal(error, EBADF);
    assert_int_equal(f.count, 0);
  } else {
    assert_int_equal(error, 0);
    assert_int_equal(f.count, 1);
    assert_int_equal(f.bits(kFirst), kBadDescriptor);
  }
}

void a_bad_descriptor_does_not_starve_the_others(void** state) {
  Fixture f(state);
  const Pair good = make_socket_pair();
  const Pair bad = make_socket_pair();
  f.must_add(good.near, kFirst, level(kRead));
  f.must_add(bad.near, kOther, level(kRead | kWrite));
  good.write_far();
  close(bad.near);
  for (int i = 0; i < 2; ++i) {
    f.wait(kGenerous);
    assert_int_equal(f.bits(kFirst), kIn);
    assert_int_equal(f.bits(kOther), f.traits().forgets_closed ? 0 : kBadDescriptor);
  }
  const int error = f.remove(bad.near, level(kRead | kWrite));
  assert_int_equal(error, f.traits().forgets_closed ? EBADF : 0);
  f.look();
  assert_int_equal(f.bits(kOther), 0);
  assert_int_equal(f.bits(kFirst), kIn);
}

void a_descriptor_that_was_never_added_is_not_there(void** state) {
  Fixture f(state);
  const Pair pair = make_socket_pair();
  assert_int_equal(f.modify(pair.near, kFirst, level(kRead), level(kRead)), ENOENT);
  assert_int_equal(f.modify(pair.near, kFirst, level(kRead), level(kWrite)), ENOENT);
  assert_int_equal(f.modify(pair.near, kFirst, edge(kRead), level(kRead)), ENOENT);
  for (const unsigned modes : {kRead, kWrite, kAllModes})
    assert_int_equal(f.remove(pair.near, level(modes)), ENOENT);
  pair.write_far();
  assert_int_equal(f.look(), 0);
}

// kqueue has no such answer: adding what is there updates it.
void a_second_addition_is_told_of_the_first(void** state) {
  Fixture f(state);
  const Pair pair = make_socket_pair();
  pair.write_far();
  f.must_add(pair.near, kFirst, level(kRead));
  assert_int_equal(f.add(pair.near, kOther, level(kRead)), f.is_kqueue() ? 0 : EEXIST);
  f.look();
  assert_int_equal(f.count, 1);
  assert_int_equal(f.reports(f.is_kqueue() ? kOther : kFirst), 1);
}

int make_regular_file() {
  const int fd = memfd_create("regular file", MFD_CLOEXEC);
  assert_true(fd >= 0);
  return fd;
}

void a_regular_file_is_refused_or_always_ready(void** state) {
  Fixture f(state);
  const int fd = make_regular_file();
  const int error = f.add(fd, kFirst, level(kRead | kWrite));
  f.look();
  if (f.traits().watches_regular_files) {
    assert_int_equal(error, 0);
    assert_int_equal(f.bits(kFirst), kIn | kOut);
    return;
  }
  if (f.is_kqueue()) {  // readable up to its end
    assert_int_equal(error, 0);
    assert_int_equal(f.bits(kFirst), kOut);
    assert_int_equal(write(fd, "text", 4), 4);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    f.look();
    assert_int_equal(f.bits(kFirst), kIn | kOut);
    return;
  }
  assert_int_equal(error, EPERM);
  assert_int_equal(f.count, 0);
}

// ---- numbers that change hands ----

void modify_of_a_closed_descriptor_says_so(void** state) {
  Fixture f(state);
  const Pair pair = make_socket_pair();
  f.must_add(pair.near, kFirst, level(kRead));
  close(pair.near);
  for (const Interest to : {level(kRead), level(kWrite), edge(kRead)}) {
    const int error = f.modify(pair.near, kFirst, level(kRead), to);
    assert_int_equal(error, f.traits().forgets_closed ? EBADF : 0);
    if (error == 0) {
      f.look();
      assert_int_equal(f.bits(kFirst), kBadDescriptor);
      f.must_modify(pair.near, kFirst, to, level(kRead));
    }
  }
}

// Where the kernel keeps the set, the number's new owner is not in it, and modify says so. Where it
// does not, there is nothing to go stale: the new owner is watched.
void modify_does_not_take_a_new_file_for_the_old_one(void** state) {
  const Interest kBoth = level(kRead | kWrite);
  const struct {
    Interest from, to;
  } cases[] = {{level(kRead), level(kRead)},  {level(kRead), kBoth},
               {level(kRead), level(kWrite)}, {level(kRead), edge(kRead)},
               {kBoth, level(kWrite)},        {edge(kAllModes), edge(kAllModes)}};
  for (const auto& [from, to] : cases) {
    Fixture f(state);
    Pair old = make_socket_pair();
    const Pair fresh = make_socket_pair();
    f.must_add(old.near, kFirst, from);
    assert_int_equal(dup2(fresh.near, old.near), old.near);
    fresh.write_far();
    const int error = f.modify(old.near, kFirst, from, to);
    assert_int_equal(error, f.traits().forgets_closed ? ENOENT : 0);
    f.look();
    if (f.traits().forgets_closed) {
      assert_int_equal(f.count, 0);
      f.must_add(old.near, kOther, to);
      f.look();
      assert_in_range(f.reports(kOther), 1, 2);
    } else {
      assert_in_range(f.reports(kFirst), 1, 2);
    }
    for (const int fd : {old.near, old.far, fresh.near, fresh.far})
      close(fd);
  }
}

void removal_of_a_closed_descriptor_says_so(void** state) {
  Fixture f(state);
  const Pair pair = make_socket_pair();
  for (const Interest interest : {level(kRead), level(kWrite), edge(kAllModes)}) {
    const int fd = dup(pair.near);
    f.must_add(fd, kFirst, interest);
    close(fd);
    assert_int_equal(f.remove(fd, interest), f.traits().forgets_closed ? EBADF : 0);
    if (f.is("epoll")) f.ops->reset(f.backend, ResetReason::kZombies);
    f.look();
    assert_int_equal(f.reports(kFirst), 0);
  }
}

void removal_does_not_take_a_new_file_for_the_old_one(void** state) {
  Fixture f(state);
  const Pair old = make_socket_pair();
  const Pair fresh = make_socket_pair();
  for (const Interest interest : {level(kRead), level(kWrite), edge(kAllModes)}) {
    const int fd = dup(old.near);
    f.must_add(fd, kFirst, interest);
    assert_int_equal(dup2(fresh.near, fd), fd);
    assert_int_equal(f.remove(fd, interest), f.traits().forgets_closed ? ENOENT : 0);
    close(fd);
    if (f.is("epoll")) f.ops->reset(f.backend, ResetReason::kZombies);
  }
}

// epoll_ctl looks at the kind of file first, and then says EPERM.
void a_regular_file_in_place_of_the_old_one_is_just_not_there(void** state) {
  for (const Interest interest : {level(kRead), edge(kAllModes)}) {
    Fixture f(state);
    const Pair old = make_socket_pair();
    const int file = make_regular_file();
    f.must_add(old.near, kFirst, interest);
    assert_int_equal(dup2(file, old.near), old.near);
    const int answer = f.traits().forgets_closed ? ENOENT : 0;
    assert_int_equal(f.modify(old.near, kFirst, interest, interest), answer);
    assert_int_equal(f.remove(old.near, interest), answer);
  }
}

void the_last_descriptor_of_a_file_takes_its_registration_with_it(void** state) {
  Fixture f(state);
  Pair pair = make_socket_pair();
  pair.write_far();
  f.must_add(pair.near, kFirst, level(kRead));
  pair.close_near();
  f.look();
  assert_int_equal(f.bits(kFirst), f.traits().forgets_closed ? 0 : kBadDescriptor);
}

// The zombie of epoll: registered by number and file, it lives on with the file, can not be reached
// by the number, and is got rid of by a reset alone.
void a_closed_descriptor_whose_duplicate_lives_on_is_a_zombie_of_epoll_alone(void** state) {
  Fixture f(state);
  Pair pair = make_socket_pair();
  pair.write_far();
  f.must_add(pair.near, kFirst, level(kRead));
  const int duplicate = dup(pair.near);
  const int number = pair.near;
  pair.close_near();
  f.look();
  if (f.is("epoll")) {
    assert_int_equal(f.bits(kFirst), kIn);
    assert_int_equal(f.remove(number, level(kRead)), EBADF);
    f.look();
    assert_int_equal(f.bits(kFirst), kIn);
    assert_int_equal(f.ops->reset(f.backend, ResetReason::kZombies), 0);
    assert_int_equal(f.look(), 0);
  } else {
    assert_int_equal(f.bits(kFirst), f.traits().forgets_closed ? 0 : kBadDescriptor);
  }
  close(duplicate);
}

constexpr CMUnitTest kTests[] = {
    cmocka_unit_test(modify_reports_again_what_is_ready),
    cmocka_unit_test(modify_turns_a_descriptor_to_the_other_direction_and_back),
    cmocka_unit_test(modify_widens_and_narrows),
    cmocka_unit_test(modify_switches_between_levels_and_edges),
    cmocka_unit_test(modify_gives_a_new_cookie),
    cmocka_unit_test(what_is_removed_is_reported_no_more),
    cmocka_unit_test(what_is_added_again_has_its_new_cookie),
    cmocka_unit_test(removal_in_any_order_leaves_the_others_alone),
    cmocka_unit_test(a_negative_descriptor_is_refused),
    cmocka_unit_test(a_closed_descriptor_is_refused_or_reported_as_bad),
    cmocka_unit_test(a_bad_descriptor_does_not_starve_the_others),
    cmocka_unit_test(a_descriptor_that_was_never_added_is_not_there),
    cmocka_unit_test(a_second_addition_is_told_of_the_first),
    cmocka_unit_test(a_regular_file_is_refused_or_always_ready),
    cmocka_unit_test(modify_of_a_closed_descriptor_says_so),
    cmocka_unit_test(modify_does_not_take_a_new_file_for_the_old_one),
    cmocka_unit_test(removal_of_a_closed_descriptor_says_so),
    cmocka_unit_test(removal_does_not_take_a_new_file_for_the_old_one),
    cmocka_unit_test(a_regular_file_in_place_of_the_old_one_is_just_not_there),
    cmocka_unit_test(the_last_descriptor_of_a_file_takes_its_registration_with_it),
    cmocka_unit_test(a_closed_descriptor_whose_duplicate_lives_on_is_a_zombie_of_epoll_alone),
};

}  // namespace

TestList registration_tests() {
  return {kTests, sizeof kTests / sizeof kTests[0]};
}

}  // namespace netpoll::test
