// An explicit-state model checker for small lock-free protocols. Actors run real code whose atomics
// are model::Atomic; every access is a point at which any other actor may go on instead, and a load
// may read any value that the memory model allows. All of that is explored.
//
// Memory is a history of messages for each location, with views in the manner of release/acquire
// operational models: an actor may read any message that is not older than what it knows of; a
// read-modify-write reads the newest; release and acquire pass knowledge on; sequentially
// consistent accesses also pass it through one global view. Weakening turns those into
// acquire-release.
//
// States are recognised by their memory, their views and what each actor has read so far, which
// determines where its deterministic code stands. Used by the model tests alone.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace model {

struct Options {
  bool weaken_seq_cst = false;
  std::uint64_t most_executions = 20'000'000;  // a bound for broken protocols, reported when hit
};

struct Result {
  std::uint64_t executions = 0;  // complete runs, from start to end
  std::uint64_t pruned = 0;      // runs cut short in a state that was seen before
  std::uint64_t states = 0;
  bool exhausted = false;  // everything reachable was explored
  std::string violation;   // empty if the protocol holds; else what failed
  std::string trace;       // ... and the accesses that led there
};

// What one scenario is made of, made anew for every run: `setup` creates the shared objects, each
// actor is a function, `finally` looks at the end of a run in which every actor finished.
struct Scenario {
  std::function<void()> setup;
  std::vector<std::function<void()>> actors;
  std::function<void()> finally;
};

Result explore(const Scenario& scenario, const Options& options = {});

// For actors and `finally`: what must hold.
void require(bool condition, const char* what);

// A sleep that another actor ends: blocks until raised, and lowers nothing. An actor that sleeps
// for ever while nobody else can run is a lost wake-up, and reported.
class Bell {
 public:
  Bell();
  void raise();
  void lower();
  void wait();
  bool raised() const;      // for `finally`
  unsigned raises() const;  // likewise: how often it was raised in all

 private:
  unsigned location_;
};

// Accesses to memory, by location number. Used through Atomic.
unsigned new_location(std::uint64_t initial);
std::uint64_t load(unsigned location, std::memory_order order);
void store(unsigned location, std::uint64_t value, std::memory_order order);
std::uint64_t update(unsigned location, std::memory_order success, std::memory_order failure,
                     const std::function<bool(std::uint64_t old, std::uint64_t& next)>& change);

// The face of std::atomic that the state machines use.
template <class T>
class Atomic {
 public:
  Atomic() : Atomic(T{}) {}
  explicit(false) Atomic(T initial)
      : location_(new_location(static_cast<std::uint64_t>(initial))) {}

  T load(std::memory_order order) const { return static_cast<T>(model::load(location_, order)); }
  void store(T value, std::memory_order order) {
    model::store(location_, static_cast<std::uint64_t>(value), order);
  }
  T exchange(T value, std::memory_order order) {
    return static_cast<T>(update(location_, order, order, [&](std::uint64_t, std::uint64_t& next) {
      next = static_cast<std::uint64_t>(value);
      return true;
    }));
  }
  bool compare_exchange_strong(T& expected, T desired, std::memory_order success,
                               std::memory_order failure) {
    bool changed = false;
    const std::uint64_t old =
        update(location_, success, failure, [&](std::uint64_t now, std::uint64_t& next) {
          changed = now == static_cast<std::uint64_t>(expected);
          next = static_cast<std::uint64_t>(desired);
          return changed;
        });
    expected = static_cast<T>(old);
    return changed;
  }
  // Spurious failures would only repeat a loop that is there anyway.
  bool compare_exchange_weak(T& expected, T desired, std::memory_order success,
                             std::memory_order failure) {
    return compare_exchange_strong(expected, desired, success, failure);
  }

 private:
  unsigned location_;
};

}  // namespace model
