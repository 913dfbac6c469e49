// ev_stat: changes of what lstat says about a path. inotify says when it is worth looking, where
// the file system is known to tell it of every change; elsewhere, and beside it where that is
// uncertain, a timer does.
#pragma once

#include <ev.h>

#include <cstddef>

struct ev_loop;

namespace pollshim::ev {

class Stats {
 public:
  void configure(bool may_use_inotify) { may_use_inotify_ = may_use_inotify; }
  void close();

  void start(ev_loop& loop, ev_stat* watcher);
  void stop(ev_loop& loop, ev_stat* watcher);
  static void refresh(ev_stat* watcher);

  void after_fork(ev_loop& loop);

 private:
  static constexpr unsigned kBuckets = 16;

  void open_inotify(ev_loop& loop);
  bool listen(ev_loop& loop);
  void watch(ev_loop& loop, ev_stat* watcher);
  void watch_parent(ev_stat* watcher, int error);
  void unwatch(ev_stat* watcher);
  void unlink(ev_stat* watcher);
  void rearm_timer(ev_loop& loop, ev_stat* watcher);
  void look(ev_loop& loop, ev_stat* watcher);
  void handle_bucket(ev_loop& loop, unsigned bucket, int wd, unsigned mask);

  static void on_timer(ev_loop* loop, ev_timer* timer, int events);
  static void on_inotify(ev_loop* loop, ev_io* watcher, int events);

  bool may_use_inotify_ = true;
  int inotify_ = -1;
  ev_io inotify_watcher_ = {};
  ev_stat* first_[kBuckets] = {};  // by inotify's number, the newest first; linked by `next`
};

}  // namespace pollshim::ev
