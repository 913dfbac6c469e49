#include "core/poller.h"

#include <cerrno>
#include <cstdlib>

namespace netpoll {

int Poller::init(const BackendOps& backend, const BackendOptions& options) {
  events_ = static_cast<KernelEvent*>(std::malloc(sizeof(KernelEvent) * kFirstCapacity));
  if (events_ == nullptr) return ENOMEM;
  const int error = backend.create(options, &backend_);
  if (error != 0) {
    std::free(events_);
    events_ = nullptr;
    backend_ = nullptr;
    return error;
  }
  ops_ = &backend;
  capacity_ = kFirstCapacity;
  return 0;
}

void Poller::shut_down() {
  if (backend_ == nullptr) return;
  ops_->destroy(backend_);
  backend_ = nullptr;
  std::free(events_);
  events_ = nullptr;
  capacity_ = event_count_ = 0;
}

std::int64_t Poller::begin_wait(std::int64_t delay) {
  if (delay != 0) {
    announced_ = wake_flag_.announce();
    if (!announced_) delay = 0;
  }
  waiting_ = true;
  return delay;
}

int Poller::wait(std::int64_t delay) {
  ++counters_.waits;
  const int count = ops_->wait(backend_, delay, events_, capacity_);
  event_count_ = count > 0 ? count : 0;
  return count < 0 ? -count : 0;
}

void Poller::finish_wait() {
  waiting_ = false;
  wake_position_ = -1;
  for (int i = 0; i < event_count_; ++i) {
    if (events_[i].cookie != kWakeCookie) continue;
    // Drain first. Were the sleep announced again before, the next breaker's write could be
    // swallowed here and its wake-up lost.
    ops_->drain(backend_);
    wake_position_ = i;
    break;
  }
  counters_.events += static_cast<std::uint64_t>(event_count_);
  if (announced_) {
    announced_ = false;
    if (wake_flag_.settle()) ++counters_.wakes_received;
  }
}

void Poller::double_event_capacity() {
  void* memory = std::realloc(events_, sizeof(KernelEvent) * static_cast<unsigned>(capacity_) * 2);
  if (memory == nullptr) return;
  events_ = static_cast<KernelEvent*>(memory);
  capacity_ *= 2;
}

int Poller::add(Slot slot, Interest interest) {
  ++counters_.registrations;
  return ops_->add(backend_, cache_.at(slot).fd, cache_.cookie_of(slot), interest);
}

int Poller::modify(Slot slot, Interest from, Interest to) {
  ++counters_.modifications;
  return ops_->modify(backend_, cache_.at(slot).fd, cache_.cookie_of(slot), from, to);
}

int Poller::remove(Slot slot, Interest from) {
  ++counters_.removals;
  return ops_->remove(backend_, cache_.at(slot).fd, from);
}

int Poller::reset(ResetReason reason) {
  const int error = ops_->reset(backend_, reason);
  if (error != 0) return error;
  event_count_ = 0;
  if (reason == ResetReason::kForked) {
    wake_flag_.reset();
    waiting_ = announced_ = false;
  } else {
    ++counters_.rebuilds;
  }
  return 0;
}

}  // namespace netpoll
