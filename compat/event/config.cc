#include "compat/event/config.h"

#include <cstdlib>
#include <cstring>
#include <new>

#include "backends/backends.h"
#include "compat/event/memory.h"

namespace pollshim::event {

const Method kMethods[kMethodCount] = {
    {"epoll", "EVENT_NOEPOLL", EV_FEATURE_ET | EV_FEATURE_O1 | EV_FEATURE_EARLY_CLOSE,
     &netpoll::kEpollBackend},
    {"poll", "EVENT_NOPOLL", EV_FEATURE_FDS | EV_FEATURE_EARLY_CLOSE, &netpoll::kPollBackend},
    {"select", "EVENT_NOSELECT", EV_FEATURE_FDS, &netpoll::kSelectBackend},
};

bool is_avoided(const event_config* config, const char* method) {
  if (config == nullptr) return false;
  for (const AvoidedMethod* avoided = config->avoided; avoided != nullptr;
       avoided = avoided->next) {
    if (std::strcmp(avoided->name, method) == 0) return true;
  }
  return false;
}

const char* environment(const char* name) {
  return secure_getenv(name);
}

}  // namespace pollshim::event

using namespace pollshim::event;

extern "C" {

event_config* event_config_new(void) {
  void* memory = allocate_zeroed(1, sizeof(event_config));
  return memory != nullptr ? new (memory) event_config : nullptr;
}

void event_config_free(event_config* config) {
  while (AvoidedMethod* avoided = config->avoided) {
    config->avoided = avoided->next;
    release(avoided->name);
    release(avoided);
  }
  release(config);
}

int event_config_avoid_method(event_config* config, const char* method) {
  auto* avoided = static_cast<AvoidedMethod*>(allocate(sizeof(AvoidedMethod)));
  if (avoided == nullptr) return -1;
  avoided->next = nullptr;
  avoided->name = duplicate_string(method);
  if (avoided->name == nullptr) {
    release(avoided);
    return -1;
  }
  *config->last = avoided;
  config->last = &avoided->next;
  return 0;
}

int event_config_require_features(event_config* config, int features) {
  if (config == nullptr) return -1;
  config->required_features = features;
  return 0;
}

int event_config_set_flag(event_config* config, int flag) {
  if (config == nullptr) return -1;
  config->flags |= flag;
  return 0;
}

int event_config_set_num_cpus_hint(event_config* config, int cpus) {
  if (config == nullptr) return -1;
  config->cpus_hint = cpus;
  return 0;
}

int event_config_set_max_dispatch_interval(event_config* config, const timeval* interval,
                                           int max_callbacks, int min_priority) {
  if (interval != nullptr) {
    config->max_dispatch_interval = *interval;
  } else {
    config->max_dispatch_interval.tv_sec = -1;
  }
  config->max_dispatch_callbacks = max_callbacks >= 0 ? max_callbacks : INT_MAX;
  config->limit_callbacks_after_priority = min_priority < 0 ? 0 : min_priority;
  return 0;
}

const char** event_get_supported_methods(void) {
  // Made anew at each call and owned by the library, as the original does: a program may have
  // written into the last one.
  static const char** methods = nullptr;
  auto** fresh = static_cast<const char**>(allocate_zeroed(kMethodCount + 1, sizeof(const char*)));
  if (fresh == nullptr) return nullptr;
  for (int i = 0; i < kMethodCount; ++i)
    fresh[i] = kMethods[i].name;
  if (methods != nullptr) release(methods);
  methods = fresh;
  return methods;
}

}  // extern "C"
