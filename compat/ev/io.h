// ev_io: the watchers of each descriptor, and what the core has been told of them. Changes are only
// noted; one call of the core for each descriptor that really changed is made when a turn is about
// to wait. A start that follows a stop without ev_io_set in between asks nothing of the kernel.
#pragma once

#include <ev.h>

#include <cstdint>

#include "core/gate.h"
#include "core/modes.h"

struct ev_loop;

namespace pollshim::ev {

class IoTable {
 public:
  IoTable() = default;
  IoTable(const IoTable&) = delete;
  IoTable& operator=(const IoTable&) = delete;
  ~IoTable();

  void start(ev_loop& loop, ev_io* watcher);
  void stop(ev_loop& loop, ev_io* watcher);

  // Tells the core what has changed.
  void pass_on_changes(ev_loop& loop);
  bool has_changes() const { return first_changed_ != kNoDescriptor; }

  // What the core hands back for a descriptor is its first watcher, once all changes were passed
  // on: an event then touches nothing of this table.
  static ev_io* watcher_of(netpoll::Waiter* waiter) { return reinterpret_cast<ev_io*>(waiter); }
  static netpoll::Waiter* waiter_of(ev_io* first) {
    return reinterpret_cast<netpoll::Waiter*>(first);
  }
  static ev_io* next_of(const ev_io* watcher) { return reinterpret_cast<ev_io*>(watcher->next); }

  // Feeds the watchers of a descriptor that the wait found ready, or of no use, where any watcher
  // was started or stopped since the core was told.
  [[gnu::noinline]] void feed_changed(ev_loop& loop, int fd, netpoll::ModeSet modes);
  // As if `fd` were ready for `events`.
  void feed(ev_loop& loop, int fd, int events);

  void verify(const ev_loop& loop) const;

 private:
  struct Descriptor {
    ev_io* first;         // the newest watcher; they are linked by `next`
    int next_changed;     // the descriptor that changed after this one
    std::uint8_t told;    // what the core knows to be wanted
    std::uint8_t change;  // kChanged and kNewFile; not 0 while it stands in the list of changes
  };
  static constexpr std::uint8_t kChanged = 1;
  static constexpr std::uint8_t kNewFile = 2;
  static constexpr int kNoDescriptor = -1;

  bool reach(int fd);
  [[gnu::noinline]] void make_room_and_start(ev_loop& loop, ev_io* watcher);
  void start_in_room(ev_loop& loop, ev_io* watcher, unsigned lane);
  void note_change(Descriptor& descriptor, int fd, unsigned change);
  bool tell(ev_loop& loop, int fd, Descriptor& descriptor);
  [[gnu::noinline]] void kill(ev_loop& loop, int fd);

  Descriptor* descriptors_ = nullptr;
  std::uint32_t size_ = 0;  // those that have their content; memory behind them is not touched
  std::uint32_t capacity_ = 0;
  int first_changed_ = kNoDescriptor;
  int last_changed_ = kNoDescriptor;
};

}  // namespace pollshim::ev
