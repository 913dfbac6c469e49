// The fd table over epoll, where a registration belongs to a file under a number: a number that
// goes to another file and comes back finds what it left behind. Files are eventfds, kept open by
// duplicates, so that nothing that was registered ever goes by itself.
#include <sys/eventfd.h>
#include <unistd.h>

#include "backends/backends.h"
#include "conformance/unit/fd_table_fixture.h"

namespace netpoll::test {

namespace {

constexpr FdTableOptions kStrict = {};
constexpr FdTableOptions kLaidBack = {
    .lazy_additions = true, .keep_registrations = true, .emulate_regular_files = true};

// Two files, and a number that names now the one and now the other.
struct TwoFiles {
  explicit TwoFiles(const FdTableOptions& options) : table(options, kEpollBackend) {
    for (int& file : files) {
      file = ::eventfd(0, EFD_NONBLOCK);
      assert_true(file >= 0);
    }
    number = ::dup(files[0]);
    assert_true(number >= 0);
  }
  ~TwoFiles() {
    ::close(number);
    for (const int file : files)
      ::close(file);
  }

  void demand(unsigned modes, Identity identity, bool edge = false) {
    Waiter* const waiter = modes != 0 ? kWaiter : nullptr;
    const Demand demand = {.waiter = waiter, .modes = static_cast<ModeSet>(modes), .edge = edge};
    assert_int_equal(table.loop.fds().set_demand(number, demand, identity), 0);
  }

  // The front end is honest: the watcher goes, the number is given to the other file, which is new.
  void becomes(int file, unsigned modes, bool edge = false) {
    demand(0, Identity::kSame);
    assert_int_equal(::dup2(files[file], number), number);
    demand(modes, Identity::kUnknown, edge);
    table.turn(0);
    assert_int_equal(table.ready(), 0);
  }

  void make_readable(int file) { assert_int_equal(::eventfd_write(files[file], 1), 0); }

  // How many turns it takes until the watcher is told; a few at most.
  bool told_soon() {
    for (int turn = 0; turn < 3; ++turn) {
      table.turn(0);
      if (table.ready() != 0) return table.first().modes == kRead;
    }
    return false;
  }

  Table table;
  int files[2];
  int number;
};

void comes_back(TwoFiles& world, bool edge = false) {
  world.becomes(0, kRead, edge);
  world.becomes(1, kRead, edge);
  world.becomes(0, kRead, edge);
}

void nobody_is_told_of_the_file_in_between(const FdTableOptions& options, bool edge = false) {
  TwoFiles world(options);
  comes_back(world, edge);
  world.make_readable(1);
  for (int turn = 0; turn < 4; ++turn) {
    world.table.turn(0);
    assert_int_equal(world.table.ready(), 0);
  }
  world.make_readable(0);
  assert_true(world.told_soon());
}

void after_a_return_nobody_is_told_of_the_file_in_between(void**) {
  nobody_is_told_of_the_file_in_between(kStrict);
}
void with_edges_neither(void**) {
  nobody_is_told_of_the_file_in_between(kStrict, true);
}
void nor_where_registrations_are_kept(void**) {
  nobody_is_told_of_the_file_in_between(kLaidBack);
}
void nor_where_edges_are_kept(void**) {
  nobody_is_told_of_the_file_in_between(kLaidBack, true);
}

// ---- what it costs ----

struct Calls {
  std::uint64_t additions;
  std::uint64_t changes;
};

Calls calls_of(TwoFiles& world) {
  const PollerCounters& counters = world.table.loop.poller().counters();
  return {counters.registrations, counters.modifications};
}

void assert_cost(TwoFiles& world, const Calls& before, std::uint64_t additions,
                 std::uint64_t changes) {
  const Calls now = calls_of(world);
  assert_int_equal(now.additions - before.additions, additions);
  assert_int_equal(now.changes - before.changes, changes);
}

void pause(TwoFiles& world) {
  world.demand(0, Identity::kSame);
  world.table.turn(0);
}

void what_a_program_calls_new_costs_one_call(void**) {
  TwoFiles world(kLaidBack);
  world.becomes(0, kRead);
  for (const int file : {1, 0}) {  // the second time the kernel knows it, under a stale tag
    pause(world);
    const Calls before = calls_of(world);
    assert_int_equal(::dup2(world.files[file], world.number), world.number);
    world.demand(kRead, Identity::kNew);
    world.table.turn(0);
    assert_cost(world, before, 1, file == 0 ? 1 : 0);
  }
}

// A program may call the same file new over and over.
void what_is_called_new_to_no_purpose_costs_one_call_from_the_second_time_on(void**) {
  TwoFiles world(kLaidBack);
  world.becomes(0, kRead);
  world.becomes(1, kRead);
  for (const std::uint64_t additions : {1u, 0u, 0u}) {
    pause(world);
    const Calls before = calls_of(world);
    world.demand(kRead, Identity::kNew);
    world.table.turn(0);
    assert_cost(world, before, additions, 1);
  }
}

void a_pause_costs_one_call_whatever_the_number_named_before(void**) {
  TwoFiles world(kLaidBack);
  for (const int file : {0, 1}) {
    world.becomes(file, kRead);
    pause(world);
    const Calls before = calls_of(world);
    world.demand(kRead, Identity::kUnknown);
    world.table.turn(0);
    assert_cost(world, before, file == 0 ? 1 : 0, file == 0 ? 0 : 1);
  }
}

}  // namespace

harness_group fd_table_return_group() {
  static const CMUnitTest tests[] = {
      cmocka_unit_test(after_a_return_nobody_is_told_of_the_file_in_between),
      cmocka_unit_test(with_edges_neither),
      cmocka_unit_test(nor_where_registrations_are_kept),
      cmocka_unit_test(nor_where_edges_are_kept),
      cmocka_unit_test(what_a_program_calls_new_costs_one_call),
      cmocka_unit_test(what_is_called_new_to_no_purpose_costs_one_call_from_the_second_time_on),
      cmocka_unit_test(a_pause_costs_one_call_whatever_the_number_named_before),
  };
  return {"a number that comes back", tests, sizeof tests / sizeof tests[0]};
}

}  // namespace netpoll::test
