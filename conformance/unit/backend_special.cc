// What only one backend can be asked: the stub's refusals, and the failures of kevent(2) that the
// emulation can bring about.
#include <sys/event.h>
#include <unistd.h>

#include <cerrno>

#include "conformance/unit/backend_fixture.h"
#include "conformance/unit/kqueue_emulation.h"

namespace netpoll::test {

namespace {

// ---- stub ----

void the_stub_watches_nothing(void** state) {
  Fixture f(state);
  const Pair pair = make_socket_pair();
  for (const Interest interest : {level(kRead), edge(kAllModes)}) {
    assert_int_equal(f.add(pair.near, kFirst, interest), EPERM);
    assert_int_equal(f.modify(pair.near, kFirst, interest, interest), ENOENT);
    assert_int_equal(f.remove(pair.near, interest), ENOENT);
    assert_int_equal(f.add(-1, kFirst, interest), EBADF);
    assert_int_equal(f.modify(-1, kFirst, interest, interest), EBADF);
    assert_int_equal(f.remove(-1, interest), EBADF);
  }
  pair.write_far();
  assert_int_equal(f.wait(kMillisecond), 0);
}

constexpr CMUnitTest kStubTests[] = {
    cmocka_unit_test(the_stub_watches_nothing),
};

// ---- kqueue ----

void an_addition_that_fails_half_way_leaves_no_filter(void** state) {
  for (const int filter : {EVFILT_READ, EVFILT_WRITE}) {
    Fixture f(state);
    const Pair pair = make_socket_pair();
    pair.write_far();
    kqueue_emulation::fail_next_addition(filter, ENOMEM);
    assert_int_equal(f.add(pair.near, kFirst, level(kAllModes)), ENOMEM);
    assert_int_equal(f.look(), 0);
    f.must_add(pair.near, kOther, level(kAllModes));
    f.look();
    assert_int_equal(f.bits(kOther), kIn | kOut);
  }
}

void a_modification_that_fails_half_way_changes_nothing(void** state) {
  const struct {
    Interest from, to;
    unsigned bits;
    int fails;
  } cases[] = {{level(kRead), level(kWrite), kIn, EVFILT_WRITE},
               {level(kWrite), level(kRead), kOut, EVFILT_READ},
               {level(kRead), level(kRead | kWrite), kIn, EVFILT_WRITE},
               {level(kRead | kWrite), edge(kRead | kWrite), kIn | kOut, EVFILT_READ}};
  for (const auto& [from, to, bits, fails] : cases) {
    Fixture f(state);
    const Pair pair = make_socket_pair();
    pair.write_far();
    f.must_add(pair.near, kFirst, from);
    kqueue_emulation::fail_next_addition(fails, ENOMEM);
    assert_int_equal(f.modify(pair.near, kFirst, from, to), ENOMEM);
    for (int i = 0; i < 2; ++i) {
      f.look();
      assert_int_equal(f.bits(kFirst), bits);
    }
  }
}

void a_change_that_is_interrupted_anywhere_is_completed(void** state) {
  for (int changes = 0; changes < 4; ++changes) {
    Fixture f(state);
    const Pair pair = make_socket_pair();
    pair.write_far();
    kqueue_emulation::interrupt_after(changes % 2);
    f.must_add(pair.near, kFirst, level(kRead | kWrite));
    f.look();
    assert_int_equal(f.bits(kFirst), kIn | kOut);
    kqueue_emulation::interrupt_after(changes);
    f.must_modify(pair.near, kFirst, level(kRead | kWrite), edge(kRead | kWrite));
    f.look();
    assert_int_equal(f.bits(kFirst), kIn | kOut);
    assert_int_equal(f.look(), 0);
    kqueue_emulation::interrupt_after(changes % 2);
    f.must_remove(pair.near, edge(kRead | kWrite));
    assert_int_equal(f.modify(pair.near, kFirst, level(kRead), level(kRead)), ENOENT);
    assert_int_equal(f.modify(pair.near, kFirst, level(kWrite), level(kWrite)), ENOENT);
  }
}

// udata has too few bits for a cookie on some systems: what comes of an earlier life must still be
// told apart, and no slot or generation may be taken for another.
void the_whole_cookie_comes_back_and_only_the_latest(void** state) {
  Fixture f(state);
  const Pair pair = make_socket_pair();
  pair.write_far();
  const Cookie cookies[] = {make_cookie(1, 1), make_cookie(1, kGenerationMask),
                            make_cookie(0xffffffff, 1), make_cookie(0xffffffff, kGenerationMask),
                            make_cookie(1, 1)};
  for (const Cookie cookie : cookies) {
    f.must_add(pair.near, cookie, level(kRead));
    f.look();
    assert_int_equal(f.count, 1);
    assert_int_equal(f.events[0].cookie, cookie);
    f.must_remove(pair.near, level(kRead));
  }
}

constexpr CMUnitTest kKqueueTests[] = {
    cmocka_unit_test(an_addition_that_fails_half_way_leaves_no_filter),
    cmocka_unit_test(a_modification_that_fails_half_way_changes_nothing),
    cmocka_unit_test(a_change_that_is_interrupted_anywhere_is_completed),
    cmocka_unit_test(the_whole_cookie_comes_back_and_only_the_latest),
};

}  // namespace

TestList stub_tests() {
  return {kStubTests, sizeof kStubTests / sizeof kStubTests[0]};
}

TestList kqueue_tests() {
  return {kKqueueTests, sizeof kKqueueTests / sizeof kKqueueTests[0]};
}

}  // namespace netpoll::test
