// ev_once: one descriptor event or timeout, whichever comes first, without a watcher of the
// program's. Those that still wait when their loop is destroyed go with it, uncalled.
#pragma once

#include <ev.h>

namespace pollshim::ev {

using OnceCallback = void (*)(int events, void* argument);
struct Once;

class Onces {
 public:
  Onces() = default;
  Onces(const Onces&) = delete;
  Onces& operator=(const Onces&) = delete;
  ~Onces();

  void start(ev_loop& loop, int fd, int events, ev_tstamp timeout, OnceCallback callback,
             void* argument);
  // It is due.
  void forget(Once* once);

 private:
  Once* first_ = nullptr;
};

}  // namespace pollshim::ev
