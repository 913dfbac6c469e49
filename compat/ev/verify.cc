#include "compat/ev/verify.h"

#include "compat/ev/loop.h"

namespace pollshim::ev {

void verify_watcher(const ev_loop& loop, const ev_watcher* watcher) {
  if (watcher->priority < kLowestPriority || watcher->priority > kHighestPriority) {
    give_up("a watcher has an impossible priority");
  }
  if (watcher->pending != 0 && !loop.pending.is_consistent(watcher)) {
    give_up("a pending watcher is not where it says");
  }
}

void verify_loop(const ev_loop& loop) {
  loop.ios.verify(loop);
  loop.timers.verify(loop);
  loop.periodics.verify(loop);
  loop.idles.verify(loop);
  loop.prepares.verify(loop);
  loop.checks.verify(loop);
  loop.forks.verify(loop);
  loop.cleanups.verify(loop);
  loop.asyncs.verify(loop);
}

}  // namespace pollshim::ev
