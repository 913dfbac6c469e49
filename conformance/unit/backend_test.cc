// The test library of backends, instantiated for each of them: the same tests, with the subject as
// their state. The groups of the suite are called after the subjects.
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "conformance/unit/backend_fixture.h"

namespace netpoll::test {

namespace {

constexpr Subject kSubjects[] = {
    {"epoll", &kEpollBackend},
    {"kqueue", &kKqueueBackend},
    {"kqueue-narrow", &kNarrowKqueueBackend},
    {"poll", &kPollBackend},
    {"select", &kSelectBackend},
    {"stub", &kStubBackend},
};
constexpr std::size_t kSubjectCount = sizeof kSubjects / sizeof kSubjects[0];
constexpr std::size_t kMostTests = 128;

struct Group {
  CMUnitTest tests[kMostTests];
  std::size_t count = 0;

  void append(const TestList& list, const Subject& subject) {
    for (std::size_t i = 0; i < list.count; ++i) {
      if (count == kMostTests) std::abort();
      tests[count] = list.tests[i];
      tests[count++].initial_state = const_cast<Subject*>(&subject);
    }
  }
};

bool is(const Subject& subject, const char* name) {
  return std::strcmp(subject.ops->traits.name, name) == 0;
}

void fill(Group& group, const Subject& subject) {
  group.append(wait_tests(), subject);
  group.append(life_tests(), subject);
  group.append(memory_tests(), subject);
  if (is(subject, "kqueue")) group.append(kqueue_tests(), subject);
  if (is(subject, "stub")) {
    group.append(stub_tests(), subject);
    return;
  }
  group.append(readiness_tests(), subject);
  group.append(registration_tests(), subject);
  group.append(mapping_tests(), subject);
}

}  // namespace

}  // namespace netpoll::test

int main(int argc, char** argv) {
  using namespace netpoll::test;
  static Group groups[kSubjectCount];
  harness_group named[kSubjectCount];
  std::signal(SIGPIPE, SIG_IGN);
  for (std::size_t i = 0; i < kSubjectCount; ++i) {
    fill(groups[i], kSubjects[i]);
    named[i] = {kSubjects[i].label, groups[i].tests, groups[i].count};
  }
  return harness_main_groups(argc, argv, named, kSubjectCount);
}
