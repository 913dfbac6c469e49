// Descriptor torture: an fd table over every backend, against poll(2) as the oracle. Random steps
// open, close, replace, duplicate and fork descriptors with and without telling the table, in every
// order, and hold registrations, and speak to the table while it waits. This file owns the plans
// and the subjects; torture.h has the rest. TORTURE_SEED and TORTURE_STEPS repeat or vary a run.
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
  std::printf(
      "%d steps, %d turns, %d interruptions, %d deliveries, %llu stale events, "
      "%llu rebuilds\n",
      steps, torture.turns(), torture.interruptions(), torture.delivered(),
      static_cast<unsigned long long>(counters.stale),
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
