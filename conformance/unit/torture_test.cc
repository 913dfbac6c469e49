// Descriptor torture: an fd table over every backend, against poll(2) as the oracle. Random steps
// open, close, replace, duplicate and fork descriptors with and without telling the table, in every
// order; after each turn nobody may have been told of another's readiness, everybody of his own,
// and a loop with nothing to do must not spin.
//
// The front end that is played here is honest about identity, and does what a real one would do
// when it is told of a descriptor that has changed hands: it takes its watcher away, or states it
// anew.
#include <poll.h>
#include <sys/prctl.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "backends/backends.h"
#include "conformance/harness/harness.h"
#include "conformance/unit/torture_world.h"
#include "core/fd_table.h"

namespace netpoll {
extern const BackendOps kNarrowKqueueBackend;
}

namespace torture {

namespace {

using namespace netpoll;

struct Plan {
  const char* name;
  bool edges;      // some of the demands are for edges
  bool laid_back;  // the table keeps registrations, adds lazily and emulates regular files
  std::uint64_t seed;
};

struct Subject {
  const char* label;
  const BackendOps* ops;
  int plans;  // the first so many are for it
};

struct Case {
  const Subject* subject;
  const Plan* plan;
};

constexpr int kStepsOfASubject = 1'000'000;  // shared among its plans
constexpr ModeSet kBoth = kRead | kWrite;

constexpr ModeSet modes(unsigned bits) {
  return static_cast<ModeSet>(bits);
}

// What the front end knows of the watcher of one number.
struct Watch {
  std::uintptr_t waiter = 0;  // a new one for every statement, so that a late delivery shows
  ModeSet wanted = 0;
  bool edge = false;
  bool edge_last_turn = false;
  bool replaced = true;     // the number changed hands since the table was last told of it
  bool trusted = false;     // may still be verified, which reports anew what is ready
  bool was_closed = false;  // ... or was nobody's when it was told
  ModeSet due = 0;          // edges that came and were not delivered
  ModeSet allowed = 0;      // edges for which there was a reason
};

struct Step {
  const char* what;
  int subject;  // a number, or kChannel and one of those
  int detail;
};
constexpr int kChannel = 1000;
constexpr int kNumber = 2000;

// A backend that notes whose interest it was told to change: what is ready there is reported anew.
class NotingBackend {
 public:
  explicit NotingBackend(const BackendOps& real) : ops_(real) {
    real_modify_ = real.modify;
    ops_.modify = [](Backend* backend, int fd, Cookie cookie, Interest from, Interest to) {
      const int number = fd - World::fd_of(0);
      if (number >= 0 && number < kNumbers) modified_[number] = true;
      return real_modify_(backend, fd, cookie, from, to);
    };
  }
  const BackendOps& ops() const { return ops_; }
  static bool take_modified(int number) { return std::exchange(modified_[number], false); }

 private:
  BackendOps ops_;
  static inline decltype(BackendOps::modify) real_modify_;
  static inline bool modified_[kNumbers];
};

class Torture {
 public:
  Torture(const Subject& subject, const Plan& plan, std::uint64_t seed)
      : subject_(subject),
        plan_(plan),
        backend_(*subject.ops),
        random_(seed),
        world_(random_),
        table_(poller_) {
    assert_int_equal(poller_.init(backend_.ops(), {}), 0);
    table_.configure({.readiness = kNativeReadiness,
                      .lazy_additions = plan.laid_back,
                      .keep_registrations = plan.laid_back,
                      .emulate_regular_files = plan.laid_back});
    world_.ask();
  }

  void run(int steps) {
    for (step_ = 0; step_ < steps; ++step_) {
      take_step();
      if (random_.one_in(300)) settle();
    }
    settle();
  }

  const PollerCounters& counters() { return poller_.counters(); }
  int turns() const { return turns_; }
  int delivered() const { return delivered_; }

 private:
  bool is(const char* backend) const {
    return std::strcmp(subject_.ops->traits.name, backend) == 0;
  }

  [[noreturn]] void give_up(const char* why, int number) {
    std::fprintf(stderr, "step %d, number %d: %s\n", step_, number, why);
    const int channel = number != kNone ? world_.channel_of(number) : kNone;
    for (int i = 0; i < kHistory; ++i) {
      const Step& step = history_[(history_end_ + i) % kHistory];
      if (step.what == nullptr) continue;
      if (number == kNone || step.subject == number || step.subject == kNone ||
          step.subject == kChannel + channel || step.detail == kNumber + number)
        std::fprintf(stderr, "  %-18s %3d  %d\n", step.what, step.subject, step.detail);
    }
    if (number != kNone) {
      const Watch& watch = watches_[number];
      std::fprintf(stderr, "  wanted %d edge %d replaced %d due %d allowed %d revents %x kind %d\n",
                   watch.wanted, watch.edge, watch.replaced, watch.due, watch.allowed,
                   static_cast<unsigned>(world_.revents(number)),
                   world_.is_open(number) ? static_cast<int>(world_.kind_of(number)) : -1);
    }
    fail_msg("%s/%s: %s", subject_.label, plan_.name, why);
    std::abort();
  }

  void log(const char* what, int subject, int detail = 0) {
    history_[history_end_] = {what, subject, detail};
    history_end_ = (history_end_ + 1) % kHistory;
  }

  // ---- the truth, in the words of the native readiness map ----

  // What has to be reported, level-triggered, of an open number that is watched for everything.
  ModeSet ready(int number) const {
    const short revents = world_.revents(number);
    if (is("kqueue") && world_.kind_of(number) == Kind::kRegularFile)
      return kWrite;  // empty: at its end
    unsigned result = 0;
    if (revents & (POLLIN | POLLHUP | POLLERR)) result |= kRead;
    if (revents & (POLLOUT | POLLERR)) result |= kWrite;
    if ((revents & POLLHUP) && !is("select")) result |= kWrite;
    return modes(result);
  }

  // What the table reports in every turn, edge or not, because the kernel can not watch it.
  ModeSet always_ready(int number) const {
    return plan_.laid_back && world_.kind_of(number) == Kind::kRegularFile ? kBoth : ModeSet{0};
  }

  // What may be reported beyond that.
  ModeSet arguable(int number) const {
    const bool end = (world_.revents(number) & (POLLHUP | POLLRDHUP)) != 0;
    return is("kqueue") && end ? kBoth : ModeSet{0};
  }

  // ---- steps ----

  int any_number() { return random_.below(kNumbers); }

  void take_step() {
    const int number = any_number();
    switch (random_.below(32)) {
      case 0:
      case 1:
        return replace(number);
      case 2:
        return close_behind_its_back(number);
      case 3:
        return close_politely(number);
      case 4:
        return duplicate(number);
      case 5:
        return hold(number);
      case 6:
      case 7:
      case 8:
      case 9:
        return write_far();
      case 10:
      case 11:
      case 12:
        return read_near(number);
      case 13:
        return fill_near(number);
      case 14:
      case 15:
        return drain_far();
      case 16:
        return random_.one_in(4) ? hang_up() : write_far();
      case 17:
      case 18:
      case 19:
      case 20:
        return state_demand(number);
      case 21:
      case 22:
        return withdraw_demand(number);
      case 23:
        return remember(number);
      case 24:
        return rare_step();
      default:
        return turn(random_.one_in(3));
    }
  }

  void rare_step() {
    if (random_.one_in(40)) return fork_child();
    if (random_.one_in(20)) return end_child();
    if (random_.one_in(40)) return reset(ResetReason::kForked);
    if (random_.one_in(40)) return reset(ResetReason::kZombies);
    log("drop holder", kNone);
    world_.drop_holder();
  }

  // After every change of the world: what became ready is an edge, and whatever happens on a
  // channel is reason enough for one.
  void look_around(int channel, ModeSet fresh = 0) {
    ModeSet before[kNumbers];
    for (int i = 0; i < kNumbers; ++i)
      before[i] = world_.is_open(i) ? ready(i) : ModeSet{0};
    world_.ask();
    for (int i = 0; i < kNumbers; ++i) {
      if (!world_.is_open(i)) continue;
      Watch& watch = watches_[i];
      const bool stirred = channel == kNone || world_.channel_of(i) == channel;
      unsigned due = watch.due | unsigned(ready(i) & ~before[i]);
      if (stirred) {
        due |= fresh;
        watch.allowed = kBoth;
      }
      watch.due = modes(due);
    }
  }

  void changed_hands(int number) {
    watches_[number].replaced = true;
    world_.ask();
  }

  void replace(int number) {
    log("open", number);
    world_.open(number, true);
    log("  is", number, kChannel + world_.channel_of(number));
    changed_hands(number);
  }

  void close_behind_its_back(int number) {
    if (!world_.is_open(number)) return;
    log("close", number);
    world_.close(number);
    changed_hands(number);
  }

  void close_politely(int number) {
    if (!world_.is_open(number)) return;
    if (random_.one_in(2)) {
      withdraw_demand(number);
      close_behind_its_back(number);
    } else {
      close_behind_its_back(number);
      withdraw_demand(number);
    }
  }

  void duplicate(int number) {
    const int other = any_number();
    if (other == number || !world_.is_open(number)) return;
    log("dup2", number, kNumber + other);
    world_.duplicate(number, other);
    changed_hands(other);
  }

  void hold(int number) {
    if (!world_.is_open(number)) return;
    log("hold", number);
    world_.hold(number);
  }

  void write_far() {
    const int channel = random_.below(kChannels);
    log("write far", kChannel + channel);
    const bool written = world_.write_far(channel);
    look_around(channel, written ? kRead : ModeSet{0});
  }

  void read_near(int number) {
    if (!world_.is_open(number)) return;
    log("read", number);
    world_.read_near(number);
    look_around(world_.channel_of(number));
  }

  void fill_near(int number) {
    if (!world_.is_open(number)) return;
    log("fill", number);
    world_.fill_near(number);
    look_around(world_.channel_of(number));
  }

  void drain_far() {
    const int channel = random_.below(kChannels);
    log("drain far", kChannel + channel);
    world_.drain_far(channel);
    look_around(channel);
  }

  void hang_up() {
    const int channel = random_.below(kChannels);
    log("hang up", kChannel + channel);
    world_.hang_up(channel);
    look_around(channel);
  }

  void fork_child() {
    log("fork", kNone);
    world_.fork_child();
    look_around(kNone);
  }

  void end_child() {
    log("end child", kNone);
    world_.end_child();
    look_around(kNone);
  }

  void reset(ResetReason reason) {
    log("reset", kNone, static_cast<int>(reason));
    if (table_.reset(reason) != 0) give_up("reset failed", kNone);
    allow_all_edges();
  }

  void allow_all_edges() {
    for (Watch& watch : watches_)
      watch.allowed = kBoth;
  }

  // ---- what the front end says ----

  void state_demand(int number) {
    Watch& watch = watches_[number];
    const bool open = world_.is_open(number);
    Demand demand;
    demand.modes = modes(static_cast<unsigned>(1 + random_.below(3)));
    demand.edge = plan_.edges && random_.one_in(2);
    if (demand.edge && random_.one_in(2)) demand.prepaid = kBoth;
    const std::uintptr_t waiter = ++last_waiter_ * 64 + static_cast<unsigned>(number);
    demand.waiter = reinterpret_cast<Waiter*>(waiter);
    const bool same = !watch.replaced && random_.one_in(2);
    log(demand.edge ? "demand edge" : "demand", number, demand.modes + (same ? 100 : 0));
    const int error = table_.set_demand(World::fd_of(number), demand,
                                        same ? Identity::kSame : Identity::kUnknown);
    if (error != expected_error(number)) {
      log("answered", number, error);
      give_up("the wrong answer to a demand", number);
    }
    if (error != 0) {
      if (random_.one_in(2)) withdraw_demand(number);
      return;
    }
    watch.waiter = waiter;
    watch.wanted = demand.modes;
    watch.edge = demand.edge && subject_.ops->traits.edge;
    // Asked anew, the kernel reports everything that is ready.
    if (!same || (watch.edge && !watch.edge_last_turn)) watch.due = kBoth;
    watch.allowed = kBoth;
    watch.replaced = false;
    watch.trusted = same;
    watch.was_closed = !open;
  }

  int expected_error(int number) {
    if (is("stub")) return EPERM;
    if (plan_.laid_back || !subject_.ops->traits.forgets_closed) return 0;
    if (!world_.is_open(number)) return EBADF;
    return world_.kind_of(number) == Kind::kRegularFile && is("epoll") ? EPERM : 0;
  }

  void withdraw_demand(int number) {
    Watch& watch = watches_[number];
    log("withdraw", number);
    const Identity identity = watch.replaced ? Identity::kUnknown : Identity::kSame;
    if (table_.set_demand(World::fd_of(number), {}, identity) != 0)
      give_up("withdrawal failed", number);
    watch.wanted = 0;
    watch.waiter = 0;
  }

  // A reader or writer that stopped early.
  void remember(int number) {
    Watch& watch = watches_[number];
    if (!watch.edge || watch.replaced || watch.wanted == 0) return;
    log("remember", number);
    table_.remember(World::fd_of(number), watch.wanted);
    watch.due = modes(watch.due | watch.wanted);
    watch.allowed = kBoth;
  }

  // ---- a turn of the loop ----

  struct Report {
    ModeSet modes[kNumbers] = {};
    int events = 0;
    int waiters = 0;
    bool complete = true;  // there was room for all that the kernel had to say
  };

  void turn(bool may_sleep) {
    log("turn", kNone, may_sleep);
    ++turns_;
    const std::uint64_t rebuilds = counters().rebuilds;
    table_.reconcile(may_sleep);
    if (counters().rebuilds != rebuilds) allow_all_edges();
    for (int number = 0; number < kNumbers; ++number) {
      if (NotingBackend::take_modified(number)) watches_[number].allowed = kBoth;
    }
    poller_.begin_wait(0);
    if (poller_.wait(0) != 0) give_up("the wait failed", kNone);
    poller_.finish_wait();
    report_ = {};
    report_.events = poller_.event_count();
    report_.complete = report_.events < static_cast<int>(poller_.event_capacity());
    table_.collect(ready_);
    note_owners();
    for (int number = 0; number < kNumbers; ++number)
      check(number);
    for (int number = 0; number < kNumbers; ++number) {
      if (may_sleep) watches_[number].trusted = false;
      react(number);
    }
  }

  void note_owners() {
    for (const ReadyWaiter& entry : ready_) {
      const auto waiter = reinterpret_cast<std::uintptr_t>(entry.waiter);
      const int number = static_cast<int>(waiter % 64);
      if (number >= kNumbers || watches_[number].waiter != waiter)
        give_up("delivered to a waiter that is gone", number < kNumbers ? number : kNone);
      if ((entry.modes & ~(watches_[number].wanted | kInvalid)) != 0)
        give_up("delivered what was not wanted", number);
      report_.modes[number] = modes(report_.modes[number] | unsigned{entry.modes});
      ++report_.waiters;
      ++delivered_;
    }
  }

  void check(int number) {
    const Watch& watch = watches_[number];
    const ModeSet reported = report_.modes[number];
    if (watch.wanted == 0 || watch.replaced) return;
    if (watch.was_closed) {
      if (!(reported & kInvalid)) give_up("not told that it is closed", number);
      return;
    }
    if (reported & kInvalid) give_up("told that it is closed", number);
    const unsigned now = ready(number) & unsigned{watch.wanted};
    if (watch.edge) {
      if (reported & ~watch.allowed & ~always_ready(number))
        give_up("an edge without a reason", number);
      if (report_.complete && (watch.due & now & ~unsigned{reported}) != 0)
        give_up("an edge was lost", number);
    } else {
      if (reported & ~(ready(number) | arguable(number))) give_up("not ready at all", number);
      if (report_.complete && (now & ~unsigned{reported}) != 0)
        give_up("readiness was lost", number);
    }
  }

  void react(int number) {
    Watch& watch = watches_[number];
    const ModeSet reported = report_.modes[number];
    if (reported != 0 && (watch.replaced || (reported & kInvalid))) {
      if (resting_ || random_.one_in(2)) {
        withdraw_demand(number);
      } else {
        state_demand(number);
      }
      return;
    }
    watch.edge_last_turn = watch.edge;
    watch.due = modes(watch.due & ~unsigned{reported});
    if (world_.is_open(number)) watch.due = modes(watch.due & unsigned{ready(number)});
    if (report_.complete && !watch.trusted) watch.allowed = 0;
  }

  // Left alone, the loop comes to rest: each event that the kernel still reports then is one that
  // somebody wants.
  void settle() {
    resting_ = true;
    for (int i = 0; i < kTurnsToRest; ++i)
      turn(true);
    resting_ = false;
    if (report_.complete && report_.waiters < report_.events)
      give_up("events in vain, turn after turn", kNone);
  }

  static constexpr int kTurnsToRest = 8;
  static constexpr int kHistory = 1000;

  const Subject& subject_;
  const Plan& plan_;
  NotingBackend backend_;
  Random random_;
  World world_;
  Poller poller_;
  FdTable table_;
  WaiterList ready_;
  Watch watches_[kNumbers];
  Report report_;
  std::uintptr_t last_waiter_ = 0;
  Step history_[kHistory] = {};
  int history_end_ = 0;
  bool resting_ = false;
  int step_ = 0;
  int turns_ = 0;
  int delivered_ = 0;
};

// ---- the suite ----

constexpr Subject kSubjects[] = {
    {"epoll", &kEpollBackend, 4},
    {"kqueue", &kKqueueBackend, 4},
    {"kqueue-narrow", &kNarrowKqueueBackend, 4},
    {"poll", &kPollBackend, 4},
    {"select", &kSelectBackend, 4},
    {"stub", &kStubBackend, 2},  // refuses everything, which a laid-back table takes for readiness
};
constexpr std::size_t kSubjectCount = sizeof kSubjects / sizeof kSubjects[0];

constexpr Plan kPlans[] = {
    {"levels_survive_what_descriptors_go_through", false, false, 1},
    {"edges_survive_what_descriptors_go_through", true, false, 2},
    {"levels_of_a_laid_back_table_survive_it_too", false, true, 3},
    {"edges_of_a_laid_back_table_survive_it_too", true, true, 4},
};
constexpr std::size_t kPlanCount = sizeof kPlans / sizeof kPlans[0];

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

void torture(void** state) {
  const Case& chosen = *static_cast<Case*>(*state);
  const std::uint64_t seed = number_from("TORTURE_SEED", chosen.plan->seed);
  const auto share = static_cast<std::uint64_t>(kStepsOfASubject / chosen.subject->plans);
  const int steps = static_cast<int>(number_from("TORTURE_STEPS", share));
  std::signal(SIGPIPE, SIG_IGN);
  Torture torture(*chosen.subject, *chosen.plan, seed);
  torture.run(steps);
  const PollerCounters& counters = torture.counters();
  std::printf("%d steps, %d turns, %d deliveries, %llu stale events, %llu rebuilds\n", steps,
              torture.turns(), torture.delivered(), static_cast<unsigned long long>(counters.stale),
              static_cast<unsigned long long>(counters.rebuilds));
}

}  // namespace

}  // namespace torture

int main(int argc, char** argv) {
  using namespace torture;
  static CMUnitTest tests[kSubjectCount][kPlanCount];
  static Case cases[kSubjectCount][kPlanCount];
  harness_group groups[kSubjectCount];
  for (std::size_t i = 0; i < kSubjectCount; ++i) {
    const auto plans = static_cast<std::size_t>(kSubjects[i].plans);
    for (std::size_t j = 0; j < plans; ++j) {
      cases[i][j] = {&kSubjects[i], &kPlans[j]};
      tests[i][j] = {kPlans[j].name, torture::torture, nullptr, nullptr, &cases[i][j]};
    }
    groups[i] = {kSubjects[i].label, tests[i], plans};
  }
  return harness_main_groups(argc, argv, groups, kSubjectCount);
}
