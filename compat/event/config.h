// What a program asks of a base before it exists (event_config). Filled in by config.cc, read by
// base.cc.
#pragma once

#include <climits>

#include "core/backend.h"
#include "event2/event.h"

namespace pollshim::event {

struct AvoidedMethod {
  AvoidedMethod* next;
  char* name;
};

// The backends in the order in which they are tried, with what the API says about each.
struct Method {
  const char* name;
  const char* disabled_by;  // the environment variable
  int features;
  const netpoll::BackendOps* backend;
};
inline constexpr int kMethodCount = 3;
extern const Method kMethods[kMethodCount];

bool is_avoided(const event_config* config, const char* method);

// The value of an environment variable, unless the program runs with somebody else's rights.
const char* environment(const char* name);

}  // namespace pollshim::event

struct event_config {
  pollshim::event::AvoidedMethod* avoided = nullptr;
  pollshim::event::AvoidedMethod** last = &avoided;
  int required_features = 0;
  int flags = 0;
  int cpus_hint = 0;
  timeval max_dispatch_interval{-1, 0};
  int max_dispatch_callbacks = INT_MAX;
  int limit_callbacks_after_priority = 1;
};
