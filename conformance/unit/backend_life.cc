// The life of a backend: what creating one costs and leaves behind when it fails, what survives a
// reset and a fork, which descriptors are its own, and what names it goes by.
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "conformance/unit/backend_fixture.h"

namespace netpoll::test {

namespace {

const BackendOps& ops_of(void** state) {
  return *static_cast<const Subject*>(*state)->ops;
}

bool has_descriptors(const Fixture& f) {
  return !f.is("stub");
}

// While it lives, no descriptor can be opened but `spare` of them.
class Cramped {
 public:
  explicit Cramped(int spare) {
    int highest = -1;
    for (int fd = 0; fd < 1024; ++fd) {
      if (fcntl(fd, F_GETFD) >= 0) highest = fd;
    }
    for (int fd = 0; fd <= highest; ++fd) {
      if (fcntl(fd, F_GETFD) < 0) dup2(0, fd);
    }
    getrlimit(RLIMIT_NOFILE, &before_);
    rlimit limit = before_;
    const int most = highest + 1 + spare;
    limit.rlim_cur = static_cast<rlim_t>(most);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
  }
  ~Cramped() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_;
};

// ---- creation ----

int create_with_room_for(const BackendOps& ops, int spare, Backend** out) {
  const Cramped cramped(spare);
  return ops.create({}, out);
}

void creation_without_free_descriptors_leaves_nothing_behind(void** state) {
  const BackendOps& ops = ops_of(state);
  { const Cramped fills_the_holes(0); }
  const int before = open_descriptors();
  int spare = 0;
  Backend* backend = nullptr;
  while (const int error = create_with_room_for(ops, spare, &backend)) {
    assert_int_equal(error, EMFILE);
    assert_null(backend);
    assert_int_equal(open_descriptors(), before);
    assert_in_range(++spare, 1, 8);
  }
  ops.destroy(backend);
  assert_int_equal(open_descriptors(), before);
  assert_int_equal(spare == 0, std::strcmp(ops.traits.name, "stub") == 0);
}

void a_backend_needs_no_further_descriptor_to_work(void** state) {
  const Pair pair = make_socket_pair();
  Fixture f(state);
  const Cramped cramped(0);
  const Interest interest = level(kRead);
  assert_int_equal(f.add(pair.near, kFirst, interest), has_descriptors(f) ? 0 : EPERM);
  pair.write_far();
  f.wake();
  assert_int_equal(f.wait(0), has_descriptors(f) ? 2 : 1);
  f.drain();
  assert_int_equal(f.remove(pair.near, interest), has_descriptors(f) ? 0 : ENOENT);
}

void destruction_closes_everything(void** state) {
  const int before = open_descriptors();
  for (int i = 0; i < 3; ++i) {
    Fixture f(state);
    assert_int_equal(open_descriptors() > before, has_descriptors(f));
    const Pair pair = make_socket_pair();
    f.add(pair.near, kFirst, level(kRead));
    f.wake();
    f.look();
    f.ops->reset(f.backend, ResetReason::kZombies);
    f.ops->reset(f.backend, ResetReason::kForked);
    close(pair.near);
    close(pair.far);
  }
  assert_int_equal(open_descriptors(), before);
}

void backends_do_not_share_anything(void** state) {
  Fixture one(state);
  Fixture two(state);
  const Pair pair = make_socket_pair();
  if (has_descriptors(one)) {
    one.must_add(pair.near, kFirst, level(kWrite));
    two.must_add(pair.near, kOther, level(kWrite));
    one.look();
    assert_int_equal(one.bits(kFirst), kOut);
    assert_int_equal(one.bits(kOther), 0);
    one.must_remove(pair.near, level(kWrite));
    two.look();
    assert_int_equal(two.bits(kOther), kOut);
  }
  one.wake();
  two.look();
  assert_false(two.woken());
}

void own_descriptors_are_recognised(void** state) {
  const Pair pair = make_socket_pair();
  Fixture f(state);
  int owned = 0;
  for (int fd = -2; fd < 64; ++fd)
    owned += f.ops->owns(f.backend, fd);
  assert_in_range(owned, has_descriptors(f) ? 1 : 0, has_descriptors(f) ? 3 : 0);
  for (const int fd : {-1, 0, 1, 2, pair.near, pair.far, INT32_MAX})
    assert_false(f.ops->owns(f.backend, fd));
  f.ops->reset(f.backend, ResetReason::kForked);
  int owned_after = 0;
  for (int fd = -2; fd < 64; ++fd)
    owned_after += f.ops->owns(f.backend, fd);
  assert_int_equal(owned_after, owned);
}

void own_descriptors_close_when_a_program_is_executed(void** state) {
  Fixture f(state);
  for (int fd = 0; fd < 64; ++fd) {
    if (f.ops->owns(f.backend, fd)) assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
  }
  f.ops->reset(f.backend, ResetReason::kZombies);
  f.ops->reset(f.backend, ResetReason::kForked);
  for (int fd = 0; fd < 64; ++fd) {
    if (f.ops->owns(f.backend, fd)) assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
  }
}

void a_backend_is_found_by_its_name_and_no_other(void** state) {
  const BackendOps& ops = ops_of(state);
  for (const char* unknown : {"", "nonsense", "epol", "epolls", "EPOLL", " poll"})
    assert_null(find_backend(unknown));
  assert_ptr_equal(find_backend("stub"), &kStubBackend);
  const BackendOps* found = find_backend(ops.traits.name);
  if (std::strcmp(ops.traits.name, "kqueue") == 0) {
    assert_null(found);  // this kernel has none; the tests reach it by another way
  } else {
    assert_ptr_equal(found, &ops);
  }
}

void the_best_backend_comes_first(void**) {
  const BackendList list = available_backends();
  assert_int_equal(list.count, 3);
  assert_ptr_equal(list.entries[0], &kEpollBackend);
  assert_ptr_equal(list.entries[1], &kPollBackend);
  assert_ptr_equal(list.entries[2], &kSelectBackend);
  for (std::size_t i = 1; i < list.count; ++i)
    assert_true(list.entries[0]->traits.constant_cost > list.entries[i]->traits.constant_cost);
}

void traits_are_what_the_kernels_promise(void** state) {
  Fixture f(state);
  const bool keeps_set = f.is("epoll") || f.is_kqueue();
  const bool shows_set = f.is("poll") || f.is("select");
  assert_int_equal(f.traits().edge, keeps_set);
  assert_int_equal(f.traits().concurrent, keeps_set && !f.is_narrow());
  assert_int_equal(f.traits().forgets_closed, keeps_set);
  assert_int_equal(f.traits().constant_cost, !shows_set);
  assert_int_equal(f.traits().peer_closed, keeps_set || f.is("poll"));
  assert_int_equal(f.traits().watches_regular_files, shows_set);
}

// ---- reset ----

void a_reset_forgets_every_registration(void** state) {
  for (const ResetReason reason : {ResetReason::kZombies, ResetReason::kForked}) {
    Fixture f(state);
    const Pair pair = make_socket_pair();
    pair.write_far();
    const int answer = has_descriptors(f) ? 0 : EPERM;
    assert_int_equal(f.add(pair.near, kFirst, level(kRead)), answer);
    assert_int_equal(f.ops->reset(f.backend, reason), 0);
    assert_int_equal(f.look(), 0);
    assert_int_equal(f.modify(pair.near, kFirst, level(kRead), level(kRead)), ENOENT);
    assert_int_equal(f.remove(pair.near, level(kRead)), ENOENT);
    assert_int_equal(f.add(pair.near, kOther, level(kRead)), answer);
    f.look();
    assert_int_equal(f.bits(kOther), has_descriptors(f) ? kIn : 0);
    assert_int_equal(f.bits(kFirst), 0);
    f.wake();
    f.wait(-1);
    assert_true(f.woken());
  }
}

void a_reset_because_of_zombies_keeps_a_raised_wake(void** state) {
  for (const bool fetched : {false, true}) {
    Fixture f(state);
    f.wake();
    if (fetched) f.look();
    assert_int_equal(f.ops->reset(f.backend, ResetReason::kZombies), 0);
    assert_int_equal(f.wait(-1), 1);
    assert_true(f.woken());
    f.drain();
    assert_int_equal(f.look(), 0);
  }
}

void a_reset_after_a_fork_begins_with_no_wake(void** state) {
  for (const bool fetched : {false, true}) {
    Fixture f(state);
    f.wake();
    if (fetched) f.look();
    assert_int_equal(f.ops->reset(f.backend, ResetReason::kForked), 0);
    assert_int_equal(f.look(), 0);
    f.wake();
    assert_int_equal(f.wait(-1), 1);
  }
}

void wakes_during_resets_because_of_zombies_are_not_lost(void** state) {
  constexpr int kRounds = 3000;
  Fixture f(state);
  std::atomic<int> asked{0}, seen{0};
  auto waker = [&] {
    for (int round = 1; round <= kRounds; ++round) {
      asked.store(round);
      f.wake();
      while (seen.load() != round) {
      }
    }
  };
  Thread thread(waker);
  while (seen.load() != kRounds) {
    assert_int_equal(f.ops->reset(f.backend, ResetReason::kZombies), 0);
    if (f.wait(kGenerous) == 0) fail_msg("a wake was lost in round %d", asked.load());
    f.drain();
    seen.store(asked.load());
  }
}

void a_reset_without_free_descriptors_leaves_the_old_set_in_place(void** state) {
  const Pair pair = make_socket_pair();
  Fixture f(state);
  if (!has_descriptors(f)) {
    const Cramped cramped(0);
    assert_int_equal(f.ops->reset(f.backend, ResetReason::kForked), 0);
    return;
  }
  f.must_add(pair.near, kFirst, level(kRead));
  const Cramped cramped(0);
  const int fork_error = f.ops->reset(f.backend, ResetReason::kForked);
  assert_int_equal(fork_error, EMFILE);
  pair.write_far();
  f.look();
  assert_int_equal(f.bits(kFirst), kIn);
  f.wake();
  f.look();
  assert_true(f.woken());
  f.drain();
  const int zombie_error = f.ops->reset(f.backend, ResetReason::kZombies);
  f.look();
  if (f.traits().constant_cost) {
    assert_int_equal(zombie_error, EMFILE);
    assert_int_equal(f.bits(kFirst), kIn);
  } else {  // needs no descriptor for it
    assert_int_equal(zombie_error, 0);
    assert_int_equal(f.count, 0);
  }
}

// ---- the wake facility ----

// How many of the backend's own descriptors are of a kind, by the kernel's name for them.
int own_descriptors_called(const Fixture& f, const char* prefix) {
  int count = 0;
  for (int fd = 0; fd < 64; ++fd) {
    if (!f.ops->owns(f.backend, fd)) continue;
    char link[32], name[64] = {};
    std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    assert_true(readlink(link, name, sizeof name - 1) > 0);
    count += std::strncmp(name, prefix, std::strlen(prefix)) == 0;
  }
  return count;
}

bool has_wake_descriptor(const Fixture& f) {
  return has_descriptors(f) && !f.is_kqueue();
}

void a_wake_left_for_later_has_no_descriptor_until_it_is_opened(void** state) {
  BackendOptions later;
  later.wake = WakeKind::kLater;
  Fixture at_once(state), f(state, later);
  if (!has_wake_descriptor(f)) {
    assert_null(f.ops->open_wake);
    return;
  }
  const int before = open_descriptors();
  assert_int_equal(own_descriptors_called(f, "anon_inode:[eventfd]"), 0);
  assert_int_equal(f.ops->open_wake(at_once.backend), 0);
  assert_int_equal(open_descriptors(), before);
  f.wake();  // reaches nobody, and no other descriptor
  assert_int_equal(f.look(), 0);
  assert_int_equal(f.wait(1'000'000), 0);
  for (const ResetReason reason : {ResetReason::kZombies, ResetReason::kForked})
    assert_int_equal(f.ops->reset(f.backend, reason), 0);
  assert_int_equal(open_descriptors(), before);
  assert_int_equal(f.look(), 0);

  const Pair pair = make_socket_pair();
  f.must_add(pair.near, kFirst, level(kRead));
  pair.write_far();
  assert_int_equal(f.wait(-1), 1);
  {
    const Cramped cramped(0);
    assert_int_equal(f.ops->open_wake(f.backend), EMFILE);
  }
  assert_int_equal(f.ops->open_wake(f.backend), 0);
  f.wake();
  assert_int_equal(f.look(), 2);
  assert_true(f.woken());
  assert_int_equal(f.bits(kFirst), kIn);
  f.drain();
  f.must_remove(pair.near, level(kRead));
  assert_int_equal(f.look(), 0);
  for (const ResetReason reason : {ResetReason::kZombies, ResetReason::kForked}) {
    assert_int_equal(f.ops->reset(f.backend, reason), 0);
    f.wake();
    assert_int_equal(f.wait(-1), 1);
    f.drain();
  }
}

void a_wake_by_a_pipe_makes_no_eventfd(void** state) {
  BackendOptions piped;
  piped.wake = WakeKind::kPipe;
  Fixture f(state, piped);
  if (!has_wake_descriptor(f)) return;
  for (int round = 0; round < 2; ++round) {
    assert_int_equal(own_descriptors_called(f, "anon_inode:[eventfd]"), 0);
    assert_int_equal(own_descriptors_called(f, "pipe:"), 2);
    f.wake();
    f.wake();
    assert_int_equal(f.wait(-1), 1);
    f.drain();
    assert_int_equal(f.look(), 0);
    assert_int_equal(f.ops->reset(f.backend, ResetReason::kForked), 0);
  }
}

// ---- fork ----

// Runs in the child: 0, or the line of what went wrong. A child must not unwind into the harness.
#define CHECK_IN_CHILD(condition) \
  if (!(condition)) _exit(__LINE__ % 200 + 1)

void in_child(void (*function)(Fixture&, const Pair&), Fixture& f, const Pair& pair) {
  const pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    function(f, pair);
    _exit(0);
  }
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
}

void live_on_alone(Fixture& f, const Pair& pair) {
  CHECK_IN_CHILD(f.ops->reset(f.backend, ResetReason::kForked) == 0);
  CHECK_IN_CHILD(f.ops->wait(f.backend, 0, f.events, Fixture::kCapacity) == 0);
  const bool watches = f.ops->add(f.backend, pair.near, kOther, level(kRead)) == 0;
  CHECK_IN_CHILD(watches == has_descriptors(f));
  const int count = f.ops->wait(f.backend, 0, f.events, Fixture::kCapacity);
  CHECK_IN_CHILD(count == (watches ? 1 : 0));
  if (watches) {
    CHECK_IN_CHILD(f.events[0].cookie == kOther);
    CHECK_IN_CHILD(f.ops->remove(f.backend, pair.near, level(kRead)) == 0);
  }
  f.wake();
  CHECK_IN_CHILD(f.ops->wait(f.backend, -1, f.events, Fixture::kCapacity) == 1);
  CHECK_IN_CHILD(f.events[0].cookie == kWakeCookie);
  f.drain();
  f.wake();
  f.ops->destroy(f.backend);
}

void a_child_that_resets_does_not_disturb_its_parent(void** state) {
  Fixture f(state);
  const Pair pair = make_socket_pair();
  const int answer = has_descriptors(f) ? 0 : EPERM;
  assert_int_equal(f.add(pair.near, kFirst, level(kRead)), answer);
  pair.write_far();
  for (int i = 0; i < 3; ++i) {
    in_child(live_on_alone, f, pair);
    f.look();
    assert_false(f.woken());
    assert_int_equal(f.bits(kFirst), has_descriptors(f) ? kIn : 0);
  }
  f.wake();
  f.look();
  assert_true(f.woken());
}

void destroy_only(Fixture& f, const Pair&) {
  // The number of the kernel set may have become another file's in a child that did not inherit it.
  int numbers[64];
  int count = 0;
  for (int fd = 0; fd < 64; ++fd) {
    if (!f.ops->owns(f.backend, fd) || fcntl(fd, F_GETFD) >= 0) continue;
    CHECK_IN_CHILD(dup2(0, fd) == fd);
    numbers[count++] = fd;
  }
  f.ops->destroy(f.backend);
  for (int i = 0; i < count; ++i)
    CHECK_IN_CHILD(fcntl(numbers[i], F_GETFD) >= 0);
}

void a_child_that_destroys_does_not_disturb_its_parent(void** state) {
  Fixture f(state);
  const Pair pair = make_socket_pair();
  const int answer = has_descriptors(f) ? 0 : EPERM;
  assert_int_equal(f.add(pair.near, kFirst, level(kRead)), answer);
  in_child(destroy_only, f, pair);
  pair.write_far();
  f.wake();
  f.look();
  assert_true(f.woken());
  assert_int_equal(f.bits(kFirst), has_descriptors(f) ? kIn : 0);
}

// ---- threads ----

void additions_reach_a_wait_under_way_where_the_traits_say_so(void** state) {
  Fixture f(state);
  if (!f.traits().concurrent) {
    // Nothing to promise: core/fd_table makes such changes between two waits.
    assert_true(f.is_narrow() || !f.traits().forgets_closed);
    return;
  }
  const Pair pair = make_socket_pair();
  pair.write_far();
  auto add_later = [&] {
    usleep(10000);
    f.ops->add(f.backend, pair.near, kFirst, level(kRead));
  };
  Thread thread(add_later);
  f.wait(-1);
  assert_int_equal(f.bits(kFirst), kIn);
}

constexpr CMUnitTest kTests[] = {
    cmocka_unit_test(creation_without_free_descriptors_leaves_nothing_behind),
    cmocka_unit_test(a_backend_needs_no_further_descriptor_to_work),
    cmocka_unit_test(destruction_closes_everything),
    cmocka_unit_test(backends_do_not_share_anything),
    cmocka_unit_test(own_descriptors_are_recognised),
    cmocka_unit_test(own_descriptors_close_when_a_program_is_executed),
    cmocka_unit_test(a_backend_is_found_by_its_name_and_no_other),
    cmocka_unit_test(the_best_backend_comes_first),
    cmocka_unit_test(traits_are_what_the_kernels_promise),
    cmocka_unit_test(a_reset_forgets_every_registration),
    cmocka_unit_test(a_reset_because_of_zombies_keeps_a_raised_wake),
    cmocka_unit_test(a_reset_after_a_fork_begins_with_no_wake),
    cmocka_unit_test(wakes_during_resets_because_of_zombies_are_not_lost),
    cmocka_unit_test(a_reset_without_free_descriptors_leaves_the_old_set_in_place),
    cmocka_unit_test(a_wake_left_for_later_has_no_descriptor_until_it_is_opened),
    cmocka_unit_test(a_wake_by_a_pipe_makes_no_eventfd),
    cmocka_unit_test(a_child_that_resets_does_not_disturb_its_parent),
    cmocka_unit_test(a_child_that_destroys_does_not_disturb_its_parent),
    cmocka_unit_test(additions_reach_a_wait_under_way_where_the_traits_say_so),
};

}  // namespace

TestList life_tests() {
  return {kTests, sizeof kTests / sizeof kTests[0]};
}

}  // namespace netpoll::test
