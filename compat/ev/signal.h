// ev_signal: signals as events. The core's table catches them, for any number of loops; here is
// which watchers of this loop they belong to, and signalfd, for loops that were asked to use it.
#pragma once

#include <ev.h>
#include <signal.h>

#include "core/signal_table.h"

struct ev_loop;

namespace pollshim::ev {

class Signals {
 public:
  void configure(bool may_use_signalfd) { may_use_signalfd_ = may_use_signalfd; }
  void close(ev_loop& loop);

  void start(ev_loop& loop, ev_signal* watcher);
  void stop(ev_loop& loop, ev_signal* watcher);

  // As if the signal had been caught and looked at already.
  void feed(ev_loop& loop, int signal);
  // Feeds the watchers of every signal that was caught since the last time.
  void feed_caught(ev_loop& loop);

  bool has_news(const ev_loop& loop) const;
  // Whether a signal ever came by way of a handler, and not of signalfd.
  bool has_used_handlers() const { return sink_ != nullptr; }

 private:
  int catch_signal(ev_loop& loop, int signal);
  void release_signal(ev_loop& loop, int signal);
  bool open_signalfd(ev_loop& loop);
  static void on_signalfd(ev_loop* loop, ev_io* watcher, int events);

  ev_signal* first_[netpoll::kSignals] = {};  // the newest watcher of each signal, linked by `next`
  netpoll::SignalSink* sink_ = nullptr;       // the core's share of this loop, once it is used
  bool may_use_signalfd_ = false;
  int signalfd_ = -1;
  sigset_t signalfd_set_ = {};
  ev_io signalfd_watcher_ = {};
};

// Marks a signal as caught in every loop that watches it. Async-signal-safe.
void mark_signal(int signal);

}  // namespace pollshim::ev
