// Descriptor torture: an fd table over every backend, against poll(2) as the oracle. Random steps
// open, close, replace, duplicate and fork descriptors with and without telling the table, in every
// order, and hold registrations, and speak to the table while it waits. This file owns the plans
// and the subjects; torture.h has the rest. TORTURE_SEED and TORTURE_STEPS repeat or vary a run; a
// failure names the seed of its life.
#include <cinttypes>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "backends/backends.h"
#include "conformance/harness/harness.h"
#include "conformance/unit/torture.h"

namespace netpoll {
extern const BackendOps kNarrowKqueueBackend;
}

namespace torture {

using namespace netpoll;

Torture::Torture(const Subject& subject, const Plan& plan, std::uint64_t seed)
    : subject_(subject),
      plan_(plan),
      seed_(seed),
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

void Torture::run(int steps) {
  for (step_ = 0; step_ < steps; ++step_) {
    take_step();
    if (random_.one_in(300)) settle();
  }
  settle();
}

namespace {

struct Case {
  const Subject* subject;
  const Plan* plan;
};

constexpr int kStepsOfASubject = 1'000'000;  // shared among its plans
// A table that was deceived a few times is careful ever after, so that it takes many of them.
constexpr int kStepsOfALife = 1'000;

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
    {"levels_survive_what_descriptors_go_through", false, false, 1'000'000},
    {"edges_survive_what_descriptors_go_through", true, false, 2'000'000},
    {"levels_of_a_laid_back_table_survive_it_too", false, true, 3'000'000},
    {"edges_of_a_laid_back_table_survive_it_too", true, true, 4'000'000},
};
constexpr std::size_t kPlanCount = sizeof kPlans / sizeof kPlans[0];

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

struct Tally {
  std::uint64_t turns = 0;
  std::uint64_t interruptions = 0;
  std::uint64_t deliveries = 0;
  std::uint64_t stale = 0;
  std::uint64_t rebuilds = 0;

  void add(Torture& life) {
    turns += static_cast<std::uint64_t>(life.turns());
    interruptions += static_cast<std::uint64_t>(life.interruptions());
    deliveries += static_cast<std::uint64_t>(life.delivered());
    stale += life.counters().stale;
    rebuilds += life.counters().rebuilds;
  }
};

void torture(void** state) {
  const Case& chosen = *static_cast<Case*>(*state);
  const std::uint64_t seed = number_from("TORTURE_SEED", chosen.plan->seed);
  const auto share = static_cast<std::uint64_t>(kStepsOfASubject / chosen.subject->plans);
  const int steps = static_cast<int>(number_from("TORTURE_STEPS", share));
  std::signal(SIGPIPE, SIG_IGN);
  Tally tally;
  int lives = 0;
  for (; lives * kStepsOfALife < steps; ++lives) {
    Torture life(*chosen.subject, *chosen.plan, seed + static_cast<std::uint64_t>(lives));
    life.run(kStepsOfALife);
    tally.add(life);
  }
  std::printf("%d lives of %d steps, %" PRIu64 " turns, %" PRIu64 " interruptions, %" PRIu64
              " deliveries, %" PRIu64 " stale events, %" PRIu64 " rebuilds\n",
              lives, kStepsOfALife, tally.turns, tally.interruptions, tally.deliveries, tally.stale,
              tally.rebuilds);
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
