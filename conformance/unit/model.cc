#include "conformance/unit/model.h"

#include <ucontext.h>

#include <cstdio>
#include <cstdlib>
#include <unordered_set>

// The address sanitizer has to be told that a stack was left and will be used again. (The thread
// sanitizer has nothing to do here: it all happens on one thread, and it does not follow actors.)
#if defined(__SANITIZE_ADDRESS__)
#define MODEL_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MODEL_ASAN 1
#endif
#endif
#if defined(MODEL_ASAN)
#include <sanitizer/asan_interface.h>
#endif

#if !defined(__clang__)
// The compiler takes a change of context for a longjmp.
#pragma GCC diagnostic ignored "-Wclobbered"
#endif

namespace model {

namespace {

constexpr std::size_t kStackSize = 64 * 1024;

using View = std::vector<unsigned>;  // for each location, the oldest message that may be read

void join(View& into, const View& other) {
  if (into.size() < other.size()) into.resize(other.size(), 0);
  for (std::size_t i = 0; i < other.size(); ++i) {
    if (other[i] > into[i]) into[i] = other[i];
  }
}

unsigned known(const View& view, unsigned location) {
  return location < view.size() ? view[location] : 0;
}

void learn(View& view, unsigned location, unsigned message) {
  if (view.size() <= location) view.resize(location + 1, 0);
  if (view[location] < message) view[location] = message;
}

struct Message {
  std::uint64_t value;
  View released;  // what a reader that acquires it learns
};

struct Actor {
  ucontext_t context;
  std::vector<char> stack;
  const std::function<void()>* code = nullptr;
  View view;
  std::uint64_t history = 0;  // a digest of everything it has read
  bool finished = false;
  int waits_for = -1;  // the location of a bell
};

void mix(std::uint64_t& digest, std::uint64_t value) {
  digest ^= value + 0x9e3779b97f4a7c15u + (digest << 6) + (digest >> 2);
  digest *= 0xff51afd7ed558ccdu;
  digest ^= digest >> 33;
}

// One run, and the tree of choices that all runs together make up.
class Machine {
 public:
  Result run(const Scenario& scenario, const Options& options);

  unsigned add_location(std::uint64_t initial) {
    memory_.push_back({Message{initial, {}}});
    return static_cast<unsigned>(memory_.size() - 1);
  }

  // Lets any actor go on before the current one makes its next access.
  void pause() {
    if (in_actor()) leave(actors_[index()]);
  }

  std::uint64_t load(unsigned location, std::memory_order order);
  void store(unsigned location, std::uint64_t value, std::memory_order order);
  std::uint64_t update(unsigned location, std::memory_order success, std::memory_order failure,
                       const std::function<bool(std::uint64_t, std::uint64_t&)>& change);
  void wait(unsigned location);
  std::uint64_t newest(unsigned location) const { return memory_[location].back().value; }

  void fail(const std::string& what);

 private:
  enum class End { kFinished, kPruned, kFailed };

  void leave(Actor& actor) { swapcontext(&actor.context, &scheduler_); }
  void resume(Actor& actor) { swapcontext(&scheduler_, &actor.context); }

  std::size_t index() const { return static_cast<std::size_t>(current_); }
  bool in_actor() const { return current_ >= 0; }
  View& view() { return in_actor() ? actors_[index()].view : setup_view_; }
  bool seq_cst(std::memory_order order) const {
    return order == std::memory_order_seq_cst && !options_.weaken_seq_cst;
  }
  static bool acquires(std::memory_order order) {
    return order == std::memory_order_acquire || order == std::memory_order_acq_rel ||
           order == std::memory_order_seq_cst || order == std::memory_order_consume;
  }
  static bool releases(std::memory_order order) {
    return order == std::memory_order_release || order == std::memory_order_acq_rel ||
           order == std::memory_order_seq_cst;
  }

  std::uint64_t read(unsigned location, unsigned message, std::memory_order order);
  void append(unsigned location, std::uint64_t value, std::memory_order order,
              const View* continued);
  void remember(std::uint64_t value) {
    if (in_actor()) mix(actors_[index()].history, value);
  }
  void note(const char* what, unsigned location, std::uint64_t value);
  unsigned choose(unsigned alternatives);
  bool next_branch();
  std::uint64_t state_digest() const;
  bool runnable(const Actor& actor) const;
  End run_once(const Scenario& scenario);
  void start(const Scenario& scenario);
  static void enter();

  struct Choice {
    unsigned taken;
    unsigned alternatives;
  };

  Options options_;
  std::vector<std::vector<Message>> memory_;
  std::vector<Actor> actors_;
  View setup_view_;
  View global_view_;
  ucontext_t scheduler_;
  int current_ = -1;
  std::vector<Choice> path_;
  std::size_t depth_ = 0;
  std::unordered_set<std::uint64_t> seen_;
  std::string violation_;
  std::string trace_;
};

Machine* machine = nullptr;

unsigned Machine::choose(unsigned alternatives) {
  if (alternatives == 1) return 0;
  if (depth_ == path_.size()) path_.push_back({0, alternatives});
  return path_[depth_++].taken;
}

// Moves on to the first choice that still has an alternative, from the end of the path.
bool Machine::next_branch() {
  while (!path_.empty()) {
    Choice& last = path_.back();
    if (++last.taken < last.alternatives) return true;
    path_.pop_back();
  }
  return false;
}

void Machine::note(const char* what, unsigned location, std::uint64_t value) {
  char line[96];
  std::snprintf(line, sizeof line, "actor %d: %s location %u = %llu\n", current_, what, location,
                static_cast<unsigned long long>(value));
  trace_ += line;
}

std::uint64_t Machine::read(unsigned location, unsigned message, std::memory_order order) {
  const Message& chosen = memory_[location][message];
  learn(view(), location, message);
  if (acquires(order)) join(view(), chosen.released);
  remember(chosen.value);
  return chosen.value;
}

void Machine::append(unsigned location, std::uint64_t value, std::memory_order order,
                     const View* continued) {
  const auto message = static_cast<unsigned>(memory_[location].size());
  learn(view(), location, message);
  Message fresh{value, {}};
  if (continued != nullptr) fresh.released = *continued;  // a release sequence goes on
  if (releases(order)) join(fresh.released, view());
  learn(fresh.released, location, message);
  memory_[location].push_back(fresh);
  remember(message);  // a store reads nothing, but it is a step
}

std::uint64_t Machine::load(unsigned location, std::memory_order order) {
  pause();
  if (seq_cst(order)) join(view(), global_view_);
  const unsigned oldest = known(view(), location);
  const auto count = static_cast<unsigned>(memory_[location].size()) - oldest;
  // The newest first: that is what most runs see.
  const unsigned message = oldest + (count - 1 - choose(count));
  const std::uint64_t value = read(location, message, order);
  if (seq_cst(order)) join(global_view_, view());
  note("loads", location, value);
  return value;
}

void Machine::store(unsigned location, std::uint64_t value, std::memory_order order) {
  pause();
  if (seq_cst(order)) join(view(), global_view_);
  append(location, value, order, nullptr);
  if (seq_cst(order)) join(global_view_, view());
  note("stores", location, value);
}

std::uint64_t Machine::update(unsigned location, std::memory_order success,
                              std::memory_order failure,
                              const std::function<bool(std::uint64_t, std::uint64_t&)>& change) {
  pause();
  const std::uint64_t now = newest(location);
  std::uint64_t next = 0;
  if (!change(now, next)) {
    // A failed compare-and-swap is a load of the newest value here; that it might read an older one
    // only adds a turn to the loop around it.
    if (seq_cst(failure)) join(view(), global_view_);
    const std::uint64_t value =
        read(location, static_cast<unsigned>(memory_[location].size() - 1), failure);
    if (seq_cst(failure)) join(global_view_, view());
    note("fails to change", location, value);
    return value;
  }
  if (seq_cst(success)) join(view(), global_view_);
  const auto last = static_cast<unsigned>(memory_[location].size() - 1);
  const std::uint64_t old = read(location, last, success);
  const View continued = memory_[location][last].released;
  append(location, next, success, &continued);
  if (seq_cst(success)) join(global_view_, view());
  note("changes", location, next);
  return old;
}

// Waking up orders nothing by itself in this model, as little as a return from the kernel is
// promised to; the protocols must not depend on it.
void Machine::wait(unsigned location) {
  Actor& self = actors_[index()];
  self.waits_for = static_cast<int>(location);
  pause();
  self.waits_for = -1;
  remember(newest(location));
  note("wakes by", location, newest(location));
}

bool Machine::runnable(const Actor& actor) const {
  if (actor.finished) return false;
  return actor.waits_for < 0 || (newest(static_cast<unsigned>(actor.waits_for)) & 1) != 0;
}

std::uint64_t Machine::state_digest() const {
  std::uint64_t digest = 0;
  const auto mix_view = [&](const View& view) {
    mix(digest, view.size());
    for (const unsigned message : view)
      mix(digest, message);
  };
  for (const auto& location : memory_) {
    mix(digest, location.size());
    for (const Message& message : location) {
      mix(digest, message.value);
      mix_view(message.released);
    }
  }
  mix_view(global_view_);
  for (const Actor& actor : actors_) {
    mix(digest, actor.history);
    mix(digest, actor.finished);
    mix(digest, static_cast<std::uint64_t>(actor.waits_for) + 1);
    mix_view(actor.view);
  }
  return digest;
}

void Machine::enter() {
  Actor& self = machine->actors_[machine->index()];
  (*self.code)();
  self.finished = true;
  machine->leave(self);
}

void Machine::start(const Scenario& scenario) {
  memory_.clear();
  setup_view_.clear();
  global_view_.clear();
  trace_.clear();
  depth_ = 0;
  current_ = -1;
  scenario.setup();
  actors_.resize(scenario.actors.size());
  for (std::size_t i = 0; i < actors_.size(); ++i) {
    Actor& actor = actors_[i];
    if (actor.stack.empty()) actor.stack.resize(kStackSize);
#if defined(MODEL_ASAN)
    ASAN_UNPOISON_MEMORY_REGION(actor.stack.data(), actor.stack.size());
#endif
    getcontext(&actor.context);
    actor.context.uc_stack.ss_sp = actor.stack.data();
    actor.context.uc_stack.ss_size = actor.stack.size();
    actor.context.uc_link = nullptr;
    makecontext(&actor.context, enter, 0);
    actor.code = &scenario.actors[i];
    actor.view = setup_view_;
    actor.history = i;
    actor.finished = false;
    actor.waits_for = -1;
  }
}

Machine::End Machine::run_once(const Scenario& scenario) {
  start(scenario);
  // What an actor does before its first access nobody can see: from there on, one resumption is
  // one access.
  for (std::size_t i = 0; i < actors_.size(); ++i) {
    current_ = static_cast<int>(i);
    resume(actors_[i]);
  }
  current_ = -1;
  for (;;) {
    std::vector<int> candidates;
    bool unfinished = false;
    for (std::size_t i = 0; i < actors_.size(); ++i) {
      unfinished = unfinished || !actors_[i].finished;
      if (runnable(actors_[i])) candidates.push_back(static_cast<int>(i));
    }
    if (!unfinished) break;
    if (candidates.empty()) {
      violation_ = "everybody who is left sleeps for ever: a wake-up was lost";
      return End::kFailed;
    }
    // Only where the path ends is this state new to this run; before that it is a replay.
    if (depth_ == path_.size() && !seen_.insert(state_digest()).second) return End::kPruned;
    const unsigned choice = choose(static_cast<unsigned>(candidates.size()));
    current_ = candidates[choice];
    resume(actors_[index()]);
    current_ = -1;
    if (!violation_.empty()) return End::kFailed;
  }
  if (scenario.finally) scenario.finally();
  return violation_.empty() ? End::kFinished : End::kFailed;
}

Result Machine::run(const Scenario& scenario, const Options& options) {
  options_ = options;
  Result result;
  for (;;) {
    const End end = run_once(scenario);
    if (end == End::kFinished) ++result.executions;
    if (end == End::kPruned) ++result.pruned;
    if (end == End::kFailed) {
      result.violation = violation_;
      result.trace = trace_;
      break;
    }
    if (!next_branch()) {
      result.exhausted = true;
      break;
    }
    if (result.executions + result.pruned >= options.most_executions) break;
  }
  result.states = seen_.size();
  return result;
}

void Machine::fail(const std::string& what) {
  if (violation_.empty()) violation_ = what;
  // An actor does not go on after this: its run is over.
  if (in_actor()) leave(actors_[index()]);
}

}  // namespace

Result explore(const Scenario& scenario, const Options& options) {
  Machine fresh;
  machine = &fresh;
  Result result = fresh.run(scenario, options);
  machine = nullptr;
  return result;
}

void require(bool condition, const char* what) {
  if (!condition) machine->fail(what);
}

unsigned new_location(std::uint64_t initial) {
  return machine->add_location(initial);
}

std::uint64_t load(unsigned location, std::memory_order order) {
  return machine->load(location, order);
}

void store(unsigned location, std::uint64_t value, std::memory_order order) {
  machine->store(location, value, order);
}

std::uint64_t update(unsigned location, std::memory_order success, std::memory_order failure,
                     const std::function<bool(std::uint64_t, std::uint64_t&)>& change) {
  return machine->update(location, success, failure, change);
}

// The kernel's own state is one value that everybody agrees on: every access is a read-modify-write
// that passes on no knowledge.
Bell::Bell() : location_(new_location(0)) {}

void Bell::raise() {
  update(location_, std::memory_order_relaxed, std::memory_order_relaxed,
         [](std::uint64_t old, std::uint64_t& next) {
           next = (old & 1) != 0 ? old + 2 : old + 3;  // one raise more, and raised
           return true;
         });
}

void Bell::lower() {
  update(location_, std::memory_order_relaxed, std::memory_order_relaxed,
         [](std::uint64_t old, std::uint64_t& next) {
           next = old & ~std::uint64_t{1};
           return true;
         });
}

bool Bell::raised() const {
  return (machine->newest(location_) & 1) != 0;
}
void Bell::wait() {
  machine->wait(location_);
}
unsigned Bell::raises() const {
  return static_cast<unsigned>(machine->newest(location_) >> 1);
}

}  // namespace model
