#include "core/signal_table.h"

#include <cerrno>
#include <cstdlib>
#include <new>
#include <utility>

#include "core/lock.h"

namespace netpoll {

// Type-stable: linked once, never freed, handed to the next sink when its owner is gone. A handler
// that runs right now on another thread may still look at it.
struct SignalSink::Node {
  Node* next = nullptr;
  std::atomic<void (*)(void*)> wake{nullptr};
  std::atomic<void*> context{nullptr};
  std::atomic<std::uint32_t> entered{0};  // handlers that are inside right now
  std::atomic<bool> any{false};
  std::atomic<bool> watched[kSignals] = {};
  std::atomic<std::uint32_t> caught[kSignals] = {};
  bool in_use = false;  // guarded by table_lock
};

namespace {

Mutex table_lock;
std::atomic<SignalSink::Node*> all_sinks{nullptr};

// Guarded by table_lock: how many sinks watch each signal, and what to put back at the end. Few
// processes watch more than two or three signals, so each brings its own room.
std::uint32_t watchers[kSignals];
struct sigaction* former_action[kSignals];

void mark_node(SignalSink::Node& node, int signal) {
  node.caught[signal].fetch_add(1, std::memory_order_relaxed);
  node.any.store(true, std::memory_order_seq_cst);
}

void on_signal(int signal) {
  const int saved = errno;
  for (SignalSink::Node* node = all_sinks.load(std::memory_order_acquire); node != nullptr;
       node = node->next) {
    if (!node->watched[signal].load(std::memory_order_seq_cst)) continue;
    // Announce first, then look again: close() waits for those that it can see in here.
    node->entered.fetch_add(1, std::memory_order_seq_cst);
    if (node->watched[signal].load(std::memory_order_seq_cst)) {
      mark_node(*node, signal);
      if (auto* wake = node->wake.load(std::memory_order_seq_cst)) {
        wake(node->context.load(std::memory_order_seq_cst));
      }
    }
    node->entered.fetch_sub(1, std::memory_order_seq_cst);
  }
  errno = saved;
}

bool is_signal(int signal) {
  return signal > 0 && signal < kSignals;
}

int install(int signal) {
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sigfillset(&action.sa_mask);
  auto* const former = static_cast<struct sigaction*>(std::malloc(sizeof(struct sigaction)));
  if (former == nullptr) return ENOMEM;
  if (::sigaction(signal, &action, former) != 0) {
    const int error = errno;
    std::free(former);
    return error;
  }
  former_action[signal] = former;
  return 0;
}

int put_back(int signal) {
  struct sigaction* const former = std::exchange(former_action[signal], nullptr);
  const int error = ::sigaction(signal, former, nullptr) == 0 ? 0 : errno;
  std::free(former);
  return error;
}

// Pre: table_lock is held. The handler takes no lock, so a signal may well interrupt its holder.
SignalSink::Node* find_free_node() {
  for (SignalSink::Node* node = all_sinks.load(std::memory_order_relaxed); node != nullptr;
       node = node->next) {
    if (!node->in_use) return node;
  }
  void* memory = std::malloc(sizeof(SignalSink::Node));
  if (memory == nullptr) return nullptr;
  auto* node = new (memory) SignalSink::Node;
  node->next = all_sinks.load(std::memory_order_relaxed);
  all_sinks.store(node, std::memory_order_release);
  return node;
}

}  // namespace

int SignalSink::open(void (*wake)(void*), void* context) {
  const MutexGuard guard(table_lock);
  Node* node = find_free_node();
  if (node == nullptr) return ENOMEM;
  node->in_use = true;
  node->any.store(false, std::memory_order_relaxed);
  for (auto& count : node->caught)
    count.store(0, std::memory_order_relaxed);
  node->context.store(context, std::memory_order_seq_cst);
  node->wake.store(wake, std::memory_order_seq_cst);
  node_ = node;
  return 0;
}

void SignalSink::close() {
  if (node_ == nullptr) return;
  for (int signal = 1; signal < kSignals; ++signal) {
    if (watches(signal)) unwatch(signal);
  }
  node_->wake.store(nullptr, std::memory_order_seq_cst);
  while (node_->entered.load(std::memory_order_seq_cst) != 0) {
  }
  const MutexGuard guard(table_lock);
  node_->in_use = false;
  node_ = nullptr;
}

int SignalSink::watch(int signal) {
  if (!is_signal(signal)) return EINVAL;
  const MutexGuard guard(table_lock);
  if (node_->watched[signal].load(std::memory_order_relaxed)) return 0;
  if (watchers[signal] == 0) {
    const int error = install(signal);
    if (error != 0) return error;
  }
  ++watchers[signal];
  node_->watched[signal].store(true, std::memory_order_seq_cst);
  return 0;
}

int SignalSink::unwatch(int signal) {
  if (!is_signal(signal)) return EINVAL;
  const MutexGuard guard(table_lock);
  if (!node_->watched[signal].load(std::memory_order_relaxed)) return 0;
  node_->watched[signal].store(false, std::memory_order_seq_cst);
  if (--watchers[signal] != 0) return 0;
  return put_back(signal);
}

bool SignalSink::watches(int signal) const {
  return node_ != nullptr && is_signal(signal) &&
         node_->watched[signal].load(std::memory_order_relaxed);
}

std::uint32_t SignalSink::take(int signal) {
  return node_->caught[signal].exchange(0, std::memory_order_relaxed);
}

bool SignalSink::take_any() {
  return node_->any.exchange(false, std::memory_order_seq_cst);
}

bool SignalSink::has_any() const {
  return node_ != nullptr && node_->any.load(std::memory_order_relaxed);
}

void SignalSink::after_fork() {
  if (node_ == nullptr) return;
  node_->entered.store(0, std::memory_order_relaxed);
}

void SignalSink::forget() {
  if (node_ == nullptr) return;
  node_->any.store(false, std::memory_order_relaxed);
  for (auto& count : node_->caught)
    count.store(0, std::memory_order_relaxed);
}

void SignalSink::mark_everywhere(int signal) {
  if (is_signal(signal)) on_signal(signal);
}

}  // namespace netpoll
