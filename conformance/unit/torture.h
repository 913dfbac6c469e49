// The descriptor torture: one fd table over one backend, the front end that plays with it, and what
// is known of every number. torture_steps.cc does the random steps, torture_oracle.cc judges each
// turn by poll(2); torture_test.cc says over which backends. Nothing in core knows of it.
//
// The front end that is played is honest about identity: it says so when a number may have changed
// hands, holds a registration only while the number keeps its meaning, and when it is told of a
// descriptor that has changed hands it takes its watcher away, or states it anew.
#pragma once

#include <cstdint>
#include <utility>

#include "conformance/unit/ready_list.h"
#include "conformance/unit/torture_world.h"
#include "core/fd_table.h"

namespace torture {

using netpoll::kInvalid;
using netpoll::kRead;
using netpoll::kWrite;
using netpoll::ModeSet;

struct Plan {
  const char* name;
  bool edges;      // some of the demands are for edges
  bool laid_back;  // the table keeps registrations, adds lazily and emulates regular files
  std::uint64_t seed;
};

struct Subject {
  const char* label;
  const netpoll::BackendOps* ops;
  int plans;  // the first so many are for it
};

inline constexpr ModeSet kBoth = kRead | kWrite;

constexpr ModeSet modes(unsigned bits) {
  return static_cast<ModeSet>(bits);
}

// What the front end knows of the watcher of one number.
struct Watch {
  std::uintptr_t waiter = 0;  // a new one for every statement, so that a late delivery shows
  ModeSet wanted = 0;
  bool edge = false;
  bool told_edge = false;    // what the kernel knows
  bool replaced = true;      // the number changed hands since the table was last told of it
  bool distrusted = false;   // ... which the table was told to expect
  bool held = false;         // its registration is
  bool trusted = false;      // may still be verified, which reports anew what is ready
  bool hopeless = false;     // was nobody's when the table was told of it, or can not be watched
  bool interrupted = false;  // spoken of during the wait of this turn: what of it is too late, the
                             // next one will say
  ModeSet due = 0;           // edges that came and were not delivered
  ModeSet allowed = 0;       // edges for which there was a reason
};

struct Step {
  const char* what;
  int subject;  // a number, or kChannel and one of those
  int detail;
};
inline constexpr int kChannel = 1000;
inline constexpr int kNumber = 2000;

// A backend that notes whose interest it was told to change: what is ready there is reported anew.
// One that can not be told anything while it waits notes as well whether it was.
class ObservedBackend {
 public:
  explicit ObservedBackend(const netpoll::BackendOps& real);
  const netpoll::BackendOps& ops() const { return ops_; }
  bool take_modified(int number) { return std::exchange(modified_[number], false); }
  void set_waiting(bool waiting) { waiting_ = waiting && !ops_.traits.concurrent; }
  bool was_disturbed() const { return disturbed_; }

 private:
  netpoll::BackendOps ops_;
  static inline const netpoll::BackendOps* real_;
  static inline bool modified_[kNumbers];
  static inline bool waiting_;
  static inline bool disturbed_;
};

class Torture {
 public:
  Torture(const Subject& subject, const Plan& plan, std::uint64_t seed);

  void run(int steps);

  const netpoll::PollerCounters& counters() { return poller_.counters(); }
  int turns() const { return turns_; }
  int delivered() const { return delivered_; }
  int interruptions() const { return interruptions_; }

 private:
  // ---- steps ----
  int any_number() { return random_.below(kNumbers); }
  void take_step();
  void rare_step();
  void speak();  // a step of the front end alone, the world as it is

  void look_around(int channel, ModeSet fresh = 0);
  void changed_hands(int number);
  void replace(int number);
  void close_behind_its_back(int number);
  void close_politely(int number);
  void duplicate(int number);
  void come_back(int number);
  void keep_open(int number);
  void write_far();
  void read_near(int number);
  void fill_near(int number);
  void drain_far();
  void hang_up();
  void fork_child();
  void end_child();
  void reset(netpoll::ResetReason reason);
  void allow_all_edges();

  void state_demand(int number);
  void hand_over(int number);
  int expected_error(int number);
  void withdraw_demand(int number);
  void remember(int number);
  void forget(int number);
  void hold(int number);
  void release(int number, bool closing);
  void let_go(int number);
  void distrust_departed();

  // ---- the oracle ----
  struct Report {
    ModeSet modes[kNumbers] = {};
    int events = 0;
    int waiters = 0;
    bool complete = true;  // there was room for all that the kernel had to say
  };

  bool is(const char* backend) const;
  ModeSet ready(int number) const;
  ModeSet always_ready(int number) const;
  ModeSet arguable(int number) const;
  bool has_ended(int number) const;

  void turn(bool may_sleep);
  void wait();
  void interrupt();
  void note_owners();
  void check(int number);
  void react(int number);
  void settle();

  [[noreturn]] void give_up(const char* why, int number);
  void log(const char* what, int subject, int detail = 0);

  static constexpr int kTurnsToRest = 8;
  static constexpr int kHistory = 1000;

  const Subject& subject_;
  const Plan& plan_;
  const std::uint64_t seed_;
  ObservedBackend backend_;
  Random random_;
  World world_;
  netpoll::Poller poller_;
  netpoll::FdTable table_;
  netpoll::test::ReadyList ready_;
  Watch watches_[kNumbers];
  Report report_;
  std::uintptr_t last_waiter_ = 0;
  Step history_[kHistory] = {};
  int history_end_ = 0;
  bool waiting_ = false;
  bool resting_ = false;
  int step_ = 0;
  int turns_ = 0;
  int delivered_ = 0;
  int interruptions_ = 0;
};

}  // namespace torture
