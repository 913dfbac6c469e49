#include "compat/ev/stat.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#if defined(__linux__)
#include <sys/inotify.h>
#include <sys/vfs.h>
#endif

#include "compat/ev/loop.h"

namespace pollshim::ev {

namespace {

// libev's own odd numbers: polls of many programs then do not fall into step.
constexpr ev_tstamp kUsualInterval = 5.0074891;
constexpr ev_tstamp kUncertainInterval = 30.1074891;
constexpr ev_tstamp kShortestInterval = 0.1074891;

ev_stat* next_of(const ev_stat* watcher) {
  return reinterpret_cast<ev_stat*>(watcher->next);
}

ev_tstamp interval_or(const ev_stat* watcher, ev_tstamp usual) {
  return watcher->interval != 0. ? watcher->interval : usual;
}

bool differ(const ev_statdata& a, const ev_statdata& b) {
  return a.st_dev != b.st_dev || a.st_ino != b.st_ino || a.st_mode != b.st_mode ||
         a.st_nlink != b.st_nlink || a.st_uid != b.st_uid || a.st_gid != b.st_gid ||
         a.st_rdev != b.st_rdev || a.st_size != b.st_size || a.st_atime != b.st_atime ||
         a.st_mtime != b.st_mtime || a.st_ctime != b.st_ctime;
}

}  // namespace

void Stats::refresh(ev_stat* watcher) {
  if (::lstat(watcher->path, &watcher->attr) < 0) {
    watcher->attr.st_nlink = 0;
  } else if (watcher->attr.st_nlink == 0) {
    watcher->attr.st_nlink = 1;  // unlinked, and still there
  }
}

void Stats::start(ev_loop& loop, ev_stat* watcher) {
  if (watcher->active != 0) return;
  refresh(watcher);
  if (watcher->interval < kShortestInterval && watcher->interval != 0.) {
    watcher->interval = kShortestInterval;
  }
  ev_timer_init(&watcher->timer, on_timer, 0., interval_or(watcher, kUsualInterval));
  ev_set_priority(&watcher->timer, watcher->priority);
  if (!loop.start(head_of(watcher), 1)) return;
  open_inotify(loop);
  if (inotify_ >= 0) {
    watch(loop, watcher);
  } else {
    rearm_timer(loop, watcher);
  }
}

void Stats::stop(ev_loop& loop, ev_stat* watcher) {
  loop.pending.withdraw(head_of(watcher));
  if (watcher->active == 0) return;
  unwatch(watcher);
  if (watcher->timer.active != 0) {
    ++loop.active;
    Timers::stop(loop, &watcher->timer);
  }
  loop.stop(head_of(watcher));
}

// The timer is the library's: it does not hold the loop.
void Stats::rearm_timer(ev_loop& loop, ev_stat* watcher) {
  if (watcher->timer.active != 0) ++loop.active;
  loop.timers.again(loop, &watcher->timer);
  if (watcher->timer.active != 0) --loop.active;
}

void Stats::on_timer(ev_loop* loop, ev_timer* timer, int) {
  auto* watcher =
      reinterpret_cast<ev_stat*>(reinterpret_cast<char*>(timer) - offsetof(ev_stat, timer));
  loop->stats.look(*loop, watcher);
}

void Stats::look(ev_loop& loop, ev_stat* watcher) {
  const ev_statdata before = watcher->attr;
  refresh(watcher);
  if (!differ(before, watcher->attr)) return;
  // `prev` changes with an event only, so that it always differs from `attr` when that is reported.
  watcher->prev = before;
  if (inotify_ >= 0) {
    // The path may be another file by now, or lead through other directories.
    unwatch(watcher);
    watch(loop, watcher);
    refresh(watcher);
  }
  loop.feed(head_of(watcher), EV_STAT);
}

void Stats::close() {
  if (inotify_ >= 0) ::close(inotify_);
  inotify_ = -1;
}

#if defined(__linux__)

namespace {

constexpr unsigned kChanges = IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_MODIFY | IN_CREATE |
                              IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DONT_FOLLOW |
                              IN_MASK_ADD;

// File systems of this machine alone: nobody changes them behind the kernel's back.
constexpr long kLocalFileSystems[] = {
    0x1373,      // devfs
    0x4006,      // fat
    0x4d44,      // msdos
    0xef53,      // ext
    0x72b6,      // jffs2
    0x858458f6,  // ramfs
    0x5346544e,  // ntfs
    0x3153464a,  // jfs
    0x9123683e,  // btrfs
    0x52654973,  // reiserfs
    0x01021994,  // tmpfs
    0x58465342,  // xfs
};

bool is_local(const char* path) {
  struct statfs file_system {};
  if (::statfs(path, &file_system) != 0) return false;
  for (const long local : kLocalFileSystems) {
    if (static_cast<long>(file_system.f_type) == local) return true;
  }
  return false;
}

}  // namespace

void Stats::open_inotify(ev_loop& loop) {
  if (!may_use_inotify_) return;
  may_use_inotify_ = false;
  listen(loop);
}

bool Stats::listen(ev_loop& loop) {
  inotify_ = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  if (inotify_ < 0) return false;
  ev_io_init(&inotify_watcher_, on_inotify, inotify_, EV_READ);
  ev_set_priority(&inotify_watcher_, kHighestPriority);
  loop.ios.start(loop, &inotify_watcher_);
  if (inotify_watcher_.active != 0) --loop.active;
  return true;
}

void Stats::watch(ev_loop& loop, ev_stat* watcher) {
  watcher->wd = ::inotify_add_watch(inotify_, watcher->path, kChanges);
  if (watcher->wd >= 0) {
    watcher->timer.repeat = is_local(watcher->path) ? 0. : interval_or(watcher, kUncertainInterval);
  } else {
    watcher->timer.repeat = interval_or(watcher, kUsualInterval);
    watch_parent(watcher, errno);
  }
  if (watcher->wd >= 0) {
    ev_stat*& first = first_[static_cast<unsigned>(watcher->wd) % kBuckets];
    watcher->next = reinterpret_cast<ev_watcher_list*>(first);
    first = watcher;
  }
  rearm_timer(loop, watcher);
}

// A path that is not there may come into being: the nearest directory above it that can be watched
// gives a hint. The timer goes on beside it, so a path too long for this loses nothing but time.
void Stats::watch_parent(ev_stat* watcher, int error) {
  char path[4096];
  const std::size_t length = std::strlen(watcher->path);
  if (length >= sizeof path) return;
  std::memcpy(path, watcher->path, length + 1);
  while (watcher->wd < 0 && (error == ENOENT || error == EACCES)) {
    char* const slash = std::strrchr(path, '/');
    if (slash == nullptr || slash == path) return;
    *slash = '\0';
    const unsigned hints = error == EACCES ? IN_ATTRIB : unsigned{IN_CREATE} | IN_MOVED_TO;
    watcher->wd =
        ::inotify_add_watch(inotify_, path, hints | IN_MASK_ADD | IN_DELETE_SELF | IN_MOVE_SELF);
    error = errno;
  }
}

void Stats::unlink(ev_stat* watcher) {
  ev_stat** const bucket = &first_[static_cast<unsigned>(watcher->wd) % kBuckets];
  ev_stat* previous = nullptr;
  for (ev_stat* candidate = *bucket; candidate != nullptr; candidate = next_of(candidate)) {
    if (candidate == watcher) {
      if (previous != nullptr) {
        previous->next = watcher->next;
      } else {
        *bucket = next_of(watcher);
      }
      return;
    }
    previous = candidate;
  }
}

// Others on the same number are told that it is gone, and watch anew.
void Stats::unwatch(ev_stat* watcher) {
  const int wd = watcher->wd;
  if (wd < 0) return;
  unlink(watcher);
  watcher->wd = -2;
  ::inotify_rm_watch(inotify_, wd);
}

void Stats::on_inotify(ev_loop* loop, ev_io*, int) {
  Stats& self = loop->stats;
  alignas(inotify_event) char buffer[4096];
  const ssize_t got = ::read(self.inotify_, buffer, sizeof buffer);
  for (ssize_t at = 0; at < got;) {
    const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
    at += static_cast<ssize_t>(sizeof *event + event->len);
    if (event->wd >= 0) {
      self.handle_bucket(*loop, static_cast<unsigned>(event->wd) % kBuckets, event->wd,
                         event->mask);
      continue;
    }
    // The queue overflowed: anything may have changed.
    for (unsigned bucket = 0; bucket < kBuckets; ++bucket)
      self.handle_bucket(*loop, bucket, -1, event->mask);
  }
}

void Stats::handle_bucket(ev_loop& loop, unsigned bucket, int wd, unsigned mask) {
  ev_stat* next = nullptr;
  for (ev_stat* watcher = first_[bucket]; watcher != nullptr; watcher = next) {
    next = next_of(watcher);
    if (watcher->wd != wd && wd != -1) continue;
    if (mask & (IN_IGNORED | IN_UNMOUNT | IN_DELETE_SELF)) {
      unlink(watcher);
      watcher->wd = -1;
      watch(loop, watcher);
    }
    look(loop, watcher);
  }
}

// The inotify queue is shared with the parent, so what happens from now on needs one of our own;
// what happened since the fork may have been told to the parent alone.
void Stats::after_fork(ev_loop& loop) {
  if (inotify_ < 0) return;
  if (inotify_watcher_.active != 0) ++loop.active;
  loop.ios.stop(loop, &inotify_watcher_);
  close();
  listen(loop);
  for (ev_stat*& first : first_) {
    ev_stat* next = nullptr;
    ev_stat* watcher = first;
    first = nullptr;
    for (; watcher != nullptr; watcher = next) {
      next = next_of(watcher);
      watcher->wd = -1;
      if (inotify_ >= 0) {
        watch(loop, watcher);
      } else {
        watcher->timer.repeat = interval_or(watcher, kUsualInterval);
        rearm_timer(loop, watcher);
      }
    }
  }
}

#else

void Stats::open_inotify(ev_loop&) {}
void Stats::watch(ev_loop&, ev_stat*) {}
void Stats::unwatch(ev_stat*) {}
void Stats::after_fork(ev_loop&) {}

#endif

}  // namespace pollshim::ev
