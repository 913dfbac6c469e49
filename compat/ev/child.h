// ev_child: what became of child processes. libev reaps them on the default loop alone; here a
// child watcher may live on any loop, and whichever loop hears of a death first reaps the child and
// leaves its status for the others.
#pragma once

#include <ev.h>
#include <sys/types.h>

#include <cstdint>

struct ev_loop;

namespace pollshim::ev {

class Children {
 public:
  Children();

  // The default loop reaps for as long as it lives, watchers or not.
  void reap_always(ev_loop& loop);
  void leave(ev_loop& loop);

  void start(ev_loop& loop, ev_child* watcher);
  void stop(ev_loop& loop, ev_child* watcher);

  // Feeds what another loop has reaped.
  void reap_delivered(ev_loop& loop);

 private:
  struct Status {
    pid_t process;
    int status;
  };
  static constexpr unsigned kBuckets = 16;

  static void on_signal(ev_loop* loop, ev_signal* watcher, int events);
  void listen(ev_loop& loop);
  void feed(ev_loop& loop, unsigned bucket, const Status& status);
  void feed(ev_loop& loop, const Status& status);
  void deliver_to_others(ev_loop& reaper, const Status& status);
  void join(ev_loop& loop);

  ev_child* first_[kBuckets] = {};  // by process number, the newest first; linked by `next`
  std::uint32_t size_ = 0;
  ev_signal signal_watcher_;
  bool reaps_always_ = false;

  // Guarded by the lock in child.cc.
  ev_loop* next_loop_ = nullptr;  // of all loops that have child watchers
  bool joined_ = false;
  Status* delivered_ = nullptr;
  std::uint32_t delivered_size_ = 0;
  std::uint32_t delivered_capacity_ = 0;
};

}  // namespace pollshim::ev
