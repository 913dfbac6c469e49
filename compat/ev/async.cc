#include "compat/ev/async.h"

#include "compat/ev/loop.h"

namespace pollshim::ev {

namespace {

// The field is a plain int of the C interface, which the program may read at any time.
int exchange_sent(ev_async* watcher, int value) {
  return __atomic_exchange_n(&watcher->sent, value, __ATOMIC_SEQ_CST);
}

}  // namespace

Asyncs::Asyncs() {
  ev_init(&wake_watcher_, look);
  wake_watcher_.priority = kHighestPriority;
}

void Asyncs::start(ev_loop& loop, ev_async* watcher) {
  if (watcher->active != 0) return;
  was_used_ = true;
  loop.expect_wakes();
  exchange_sent(watcher, 0);
  watchers_.start(loop, head_of(watcher));
}

void Asyncs::stop(ev_loop& loop, ev_async* watcher) {
  watchers_.stop(loop, head_of(watcher));
}

void Asyncs::send(ev_loop& loop, ev_async* watcher) {
  exchange_sent(watcher, 1);
  notify(loop);
}

void Asyncs::notify(ev_loop& loop) {
  // While the loop has not looked, whoever set it first has woken the loop, or is about to; and it
  // looks at the watchers behind taking this back. Sequential consistency of both is what the
  // sender's part of that rests on.
  if (sent_.load(std::memory_order_seq_cst)) return;
  if (sent_.exchange(true, std::memory_order_seq_cst)) return;
  loop.core.wake();
}

bool Asyncs::has_news(const ev_loop& loop) const {
  return sent_.load(std::memory_order_acquire) || loop.signals.has_news(loop);
}

void Asyncs::feed_wake(ev_loop& loop, int events) {
  loop.feed(&wake_watcher_, events);
}

// Nothing that was sent on either side of the fork may be lost.
void Asyncs::after_fork(ev_loop& loop) {
  if (was_used_ || loop.signals.has_used_handlers()) feed_wake(loop, EV_CUSTOM);
}

void Asyncs::look(ev_loop* loop, ev_watcher*, int) {
  Asyncs& self = loop->asyncs;
  ++loop->wakes_asked;
  // The note first: what comes behind it leaves another one.
  loop->core.poller().take_note();
  loop->signals.feed_caught(*loop);
  if (!self.sent_.exchange(false, std::memory_order_seq_cst)) return;
  for (std::uint32_t position = self.watchers_.size(); position-- > 0;) {
    auto* watcher = reinterpret_cast<ev_async*>(self.watchers_.at(position));
    // Most are found unsent, and are not to be taken away from the threads that may send them.
    if (__atomic_load_n(&watcher->sent, __ATOMIC_SEQ_CST) == 0) continue;
    if (exchange_sent(watcher, 0) != 0) loop->feed(head_of(watcher), EV_ASYNC);
  }
  loop->children.reap_delivered(*loop);
}

}  // namespace pollshim::ev
