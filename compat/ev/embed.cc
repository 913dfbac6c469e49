#include "compat/ev/embed.h"

#include <cstddef>
#include <cstdint>

#include "compat/ev/backend.h"
#include "compat/ev/loop.h"

namespace pollshim::ev {

namespace {

template <class Part>
ev_embed* embed_of(Part* part, std::size_t offset) {
  return reinterpret_cast<ev_embed*>(reinterpret_cast<char*>(part) - offset);
}

// Which kernel set the watched descriptor stood for: rebuilding it leaves another one behind, maybe
// under the same number.
void*& set_identity(ev_embed* watcher) {
  return watcher->idle.data;
}
void* current_identity(ev_loop& inner) {
  return reinterpret_cast<void*>(
      static_cast<std::uintptr_t>(inner.core.poller().counters().rebuilds + 1));
}

void watch_set(ev_loop& loop, ev_embed* watcher) {
  ev_loop& inner = *watcher->other;
  set_identity(watcher) = current_identity(inner);
  ev_io_set(&watcher->io, inner.core.poller().descriptor(), EV_READ);
  loop.ios.start(loop, &watcher->io);
}

void on_io(ev_loop* loop, ev_io* io, int) {
  ev_embed* watcher = embed_of(io, offsetof(ev_embed, io));
  if (watcher->cb != nullptr) {
    loop->feed(head_of(watcher), EV_EMBED);
  } else {
    watcher->other->run(EVRUN_NOWAIT);
  }
}

void on_prepare(ev_loop* loop, ev_prepare* prepare, int) {
  ev_embed* watcher = embed_of(prepare, offsetof(ev_embed, prepare));
  ev_loop& inner = *watcher->other;
  while (inner.ios.has_changes()) {
    inner.ios.pass_on_changes(inner);
    inner.run(EVRUN_NOWAIT);
  }
  if (watcher->active == 0 || set_identity(watcher) == current_identity(inner)) return;
  loop->ios.stop(*loop, &watcher->io);
  watch_set(*loop, watcher);
}

void on_fork(ev_loop* loop, ev_fork* fork, int) {
  ev_embed* watcher = embed_of(fork, offsetof(ev_embed, fork));
  stop_embed(*loop, watcher);
  watcher->other->forked = true;
  watcher->other->run(EVRUN_NOWAIT);
  start_embed(*loop, watcher);
}

}  // namespace

void start_embed(ev_loop& loop, ev_embed* watcher) {
  if (watcher->active != 0) return;
  ev_loop& inner = *watcher->other;
  if (!(inner.backend & embeddable_backends()) || inner.core.poller().descriptor() < 0 ||
      !loop.start(head_of(watcher), 1)) {
    loop.refuse(head_of(watcher));
    return;
  }
  ev_init(&watcher->io, on_io);
  ev_set_priority(&watcher->io, watcher->priority);
  watch_set(loop, watcher);
  ev_prepare_init(&watcher->prepare, on_prepare);
  ev_set_priority(&watcher->prepare, kLowestPriority);
  loop.prepares.start(loop, head_of(&watcher->prepare));
  ev_fork_init(&watcher->fork, on_fork);
  loop.forks.start(loop, head_of(&watcher->fork));
}

void stop_embed(ev_loop& loop, ev_embed* watcher) {
  loop.pending.withdraw(head_of(watcher));
  if (watcher->active == 0) return;
  loop.ios.stop(loop, &watcher->io);
  loop.prepares.stop(loop, head_of(&watcher->prepare));
  loop.forks.stop(loop, head_of(&watcher->fork));
  loop.stop(head_of(watcher));
}

void sweep_embed(ev_embed* watcher) {
  watcher->other->run(EVRUN_NOWAIT);
}

}  // namespace pollshim::ev
