// ev_io: the watchers of each descriptor, and what the core has been told of them. Changes are only
// noted; one call of the core for each descriptor that really changed is made when a turn is about
// to wait. A start that follows a stop without ev_io_set in between costs nothing at all.
#pragma once

#include <ev.h>

#include <cstdint>

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
  bool has_changes() const { return changed_size_ != 0; }

  // Feeds the watchers of the descriptors that the last wait found ready.
  void feed_ready(ev_loop& loop);
  // As if `fd` were ready for `events`.
  void feed(ev_loop& loop, int fd, int events);

  void verify(const ev_loop& loop) const;

 private:
  struct Descriptor {
    ev_io* first;         // the newest watcher; they are linked by `next`
    std::uint8_t told;    // what the core knows to be wanted
    std::uint8_t change;  // kChanged and kNewFile; not 0 while it stands in changed_
  };
  static constexpr std::uint8_t kChanged = 1;
  static constexpr std::uint8_t kNewFile = 2;

  bool make_room(int fd);
  bool note_change(int fd, unsigned change);
  void kill(ev_loop& loop, int fd);

  Descriptor* descriptors_ = nullptr;
  std::uint32_t size_ = 0;
  int* changed_ = nullptr;
  std::uint32_t changed_size_ = 0;
  std::uint32_t changed_capacity_ = 0;
};

}  // namespace pollshim::ev
