// What the operations of a timer heap cost, at three sizes. Prints; asserts that the work was done,
// and nothing about time.
#include <cstdio>
#include <cstdlib>
#include <initializer_list>

#include "conformance/unit/random.h"
#include "core/timer_heap.h"

namespace {

using netpoll::Nanoseconds;
using netpoll::TimerHeap;
using netpoll::TimerId;

template <class Operation>
double cost_of(std::uint32_t count, Operation&& operation) {
  const Nanoseconds start = netpoll::monotonic_now();
  for (std::uint32_t i = 0; i < count; ++i)
    operation(i);
  return static_cast<double>(netpoll::monotonic_now() - start) / count;
}

int measure(std::uint32_t count) {
  TimerHeap heap;
  netpoll::test::Random random;
  auto* timers = static_cast<TimerId*>(std::malloc(sizeof(TimerId) * count));
  int owner;
  const double arm = cost_of(count, [&](std::uint32_t i) {
    timers[i] = heap.arm(&owner, 1'000'000 + random.below(1'000'000));
  });
  const double later = cost_of(count, [&](std::uint32_t) {
    const TimerId timer = timers[random.below(count)];
    heap.move(timer, heap.when(timer) + random.below(1000));
  });
  const double earlier = cost_of(count, [&](std::uint32_t) {
    const TimerId timer = timers[random.below(count)];
    heap.move(timer, heap.when(timer) - random.below(1000));
  });
  const std::uint32_t half = count / 2;
  const double cancel = cost_of(half, [&](std::uint32_t i) { heap.cancel(timers[i]); });
  std::uint32_t expired = 0;
  const double expire = cost_of(count - half, [&](std::uint32_t) {
    expired += heap.pop_due(netpoll::kForever - 1) != nullptr;
  });
  std::printf(
      "%8u timers: arm %6.1f ns, later %6.1f ns, earlier %6.1f ns, cancel %6.1f ns, "
      "expire %6.1f ns\n",
      count, arm, later, earlier, cancel, expire);
  if (expired != count - half || !heap.empty())
    std::printf("%u of %u expired, %u are left\n", expired, count - half, heap.size());
  std::free(timers);
  return expired == count - half && heap.empty() ? 0 : 1;
}

}  // namespace

int main() {
  int failed = 0;
  for (const std::uint32_t count : {1'000u, 100'000u, 1'000'000u})
    failed |= measure(count);
  std::printf("%d passed, %d failed\n", 3 - failed, failed);
  return failed;
}
