// The kqueue backend as it is on the oldest systems, over the emulation: udata has 32 bits, and
// there is no user filter to wake with. Its classes that differ from the wide one's are those
// which that one never uses.
#define KQUEUE_NARROW_USER_DATA
#define NETPOLL_KQUEUE_WITHOUT_USER_FILTER
#define kKqueueBackend kNarrowKqueueBackend
#include "backends/kqueue.cc"  // NOLINT(bugprone-suspicious-include): the same code once more
#undef kevent

namespace {

struct kevent widened(const struct narrow_kevent& narrow) {
  return {narrow.ident,  narrow.filter, narrow.flags,
          narrow.fflags, narrow.data,   reinterpret_cast<void*>(std::uintptr_t{narrow.udata})};
}

struct narrow_kevent narrowed(const struct kevent& wide) {
  return {wide.ident, wide.filter,
          wide.flags, wide.fflags,
          wide.data,  static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(wide.udata))};
}

constexpr int kMost = 64;

}  // namespace

extern "C" int narrow_kevent(int kq, const struct narrow_kevent* changes, int change_count,
                             struct narrow_kevent* events, int event_count,
                             const struct timespec* timeout) {
  struct kevent wide_changes[kMost];
  struct kevent wide_events[kMost];
  if (event_count > kMost) event_count = kMost;
  for (int i = 0; i < change_count; ++i)
    wide_changes[i] = widened(changes[i]);
  const int count = kevent(kq, wide_changes, change_count, wide_events, event_count, timeout);
  for (int i = 0; i < count; ++i)
    events[i] = narrowed(wide_events[i]);
  return count;
}
