// What a model test asserts: that a protocol holds in all that is reachable, or that one which was
// broken on purpose is caught. Each prints how much was explored.
#pragma once

#include <cstdio>

#include "conformance/unit/model.h"

extern "C" {
#include "conformance/harness/harness.h"
}

namespace model {

inline Result report(const char* name, const Result& result) {
  std::printf("%s: %llu executions, %llu states, %llu pruned%s%s\n", name,
              static_cast<unsigned long long>(result.executions),
              static_cast<unsigned long long>(result.states),
              static_cast<unsigned long long>(result.pruned), result.violation.empty() ? "" : ": ",
              result.violation.c_str());
  return result;
}

inline void must_hold(const char* name, const Scenario& scenario) {
  const Result result = report(name, explore(scenario));
  if (!result.violation.empty()) std::printf("%s", result.trace.c_str());
  assert_true(result.violation.empty());
  assert_true(result.exhausted);
  assert_true(result.executions > 0);
}

inline void must_be_caught(const char* name, const Scenario& scenario, bool weaken) {
  Options options;
  options.weaken_seq_cst = weaken;
  const Result result = report(name, explore(scenario, options));
  std::printf("%s", result.trace.c_str());
  assert_false(result.violation.empty());
}

// model_lock_test.cc
harness_group lock_group();

}  // namespace model
