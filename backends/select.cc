// The select(2) backend, for kernels and sandboxes that have nothing better. Owns bitmaps that grow
// with the highest descriptor, beyond FD_SETSIZE where the kernel allows it, and a wake descriptor.
// select reports directions only: a hang-up or an error makes a descriptor readable or writable.
#if defined(__APPLE__)
#define _DARWIN_UNLIMITED_SELECT 1
#endif
#include <fcntl.h>
#include <sys/select.h>
#include <sys/time.h>
#include <sys/types.h>

#include <bit>
#include <cerrno>
#include <cstdlib>
#include <type_traits>

#include "backends/backends.h"
#include "backends/delay.h"
#include "backends/state.h"
#include "core/wake.h"

namespace netpoll {

namespace {

// The kernel's own word: on big-endian machines the width decides where a descriptor's bit lies.
using Word = std::conditional_t<NFDBITS == 32, std::uint32_t, std::uint64_t>;
constexpr int kWordBits = NFDBITS;
static_assert(sizeof(Word) * 8 == kWordBits);

// One set of descriptors. All sets of a backend have the same size.
struct Bitmap {
  Word* words = nullptr;
  int size = 0;  // in words

  static int word_of(int fd) { return fd / kWordBits; }
  static Word bit_of(int fd) { return Word{1} << (fd % kWordBits); }
  bool has(int fd) const { return (words[word_of(fd)] & bit_of(fd)) != 0; }
  void put(int fd, bool on) {
    if (on) {
      words[word_of(fd)] |= bit_of(fd);
    } else {
      words[word_of(fd)] &= ~bit_of(fd);
    }
  }
  fd_set* for_kernel() { return reinterpret_cast<fd_set*>(words); }
};

struct SelectBackend {
  WakeDescriptor wake;
  bool precise = false;
  Bitmap read, write;         // what is wanted
  Bitmap readable, writable;  // what the last wait asked for, then what it got
  Bitmap bad;                 // descriptors that the last wait found closed
  FdArray<Cookie> cookies;    // kWakeCookie: not registered
  int end = 0;                // one past the highest descriptor in use
  int next = 0;               // where the last wait ran out of room for events
};

using Self = SelectBackend;

template <class Function>
void for_each_bitmap(SelectBackend& select, Function&& function) {
  Bitmap* const all[] = {&select.read, &select.write, &select.readable, &select.writable,
                         &select.bad};
  for (Bitmap* bitmap : all)
    function(*bitmap);
}

bool make_room(SelectBackend& select, int fd) {
  bool roomy = true;
  for_each_bitmap(select, [&](Bitmap& bitmap) {
    roomy = roomy && grow_array(bitmap.words, bitmap.size, Bitmap::word_of(fd) + 1);
  });
  return roomy;
}

void clear(Bitmap& bitmap) {
  std::memset(bitmap.words, 0, sizeof(Word) * static_cast<unsigned>(bitmap.size));
}

void want(SelectBackend& select, int fd, ModeSet modes) {
  select.read.put(fd, (modes & kRead) != 0);
  select.write.put(fd, (modes & kWrite) != 0);
}

void extend_to(SelectBackend& select, int fd) {
  if (select.end <= fd) select.end = fd + 1;
}

bool in_use(const SelectBackend& select, int fd) {
  return fd == select.wake.read_end() || select.cookies.get(fd) != kWakeCookie;
}

// Takes in the wake descriptor, if there is one, the first time or after it changed its number.
int watch_wake(SelectBackend& select) {
  const int fd = select.wake.read_end();
  if (fd < 0) return 0;
  if (!make_room(select, fd)) return ENOMEM;
  select.read.put(fd, true);
  extend_to(select, fd);
  return 0;
}

void free_bitmaps(SelectBackend* select) {
  for_each_bitmap(*select, [](Bitmap& bitmap) { std::free(bitmap.words); });
  free_state(select);
}

int select_create(const BackendOptions& options, Backend** out) {
  auto* select = make_state<SelectBackend>();
  if (select == nullptr) return ENOMEM;
  select->precise = options.precise_waits;
  // Room for the lowest descriptors from the start: the sets are never without memory.
  int error = make_room(*select, 0) ? select->wake.open(options.wake) : ENOMEM;
  if (error == 0) {
    error = watch_wake(*select);
    if (error != 0) select->wake.close();
  }
  if (error != 0) {
    free_bitmaps(select);
    return error;
  }
  *out = as_backend(select);
  return 0;
}

void select_destroy(Backend* backend) {
  state_of<Self>(backend).wake.close();
  free_bitmaps(&state_of<Self>(backend));
}

int select_add(Backend* backend, int fd, Cookie cookie, Interest interest) {
  SelectBackend& select = state_of<Self>(backend);
  if (fd < 0) return EBADF;
  if (select.cookies.get(fd) != kWakeCookie) return EEXIST;
  if (!make_room(select, fd) || !select.cookies.set(fd, cookie)) return ENOMEM;
  want(select, fd, interest.modes);
  extend_to(select, fd);
  return 0;
}

int select_modify(Backend* backend, int fd, Cookie cookie, Interest, Interest to) {
  SelectBackend& select = state_of<Self>(backend);
  if (fd < 0) return EBADF;
  if (select.cookies.get(fd) == kWakeCookie) return ENOENT;
  select.cookies.set(fd, cookie);
  want(select, fd, to.modes);
  return 0;
}

int select_remove(Backend* backend, int fd, Interest) {
  SelectBackend& select = state_of<Self>(backend);
  if (fd < 0) return EBADF;
  if (select.cookies.get(fd) == kWakeCookie) return ENOENT;
  select.cookies.set(fd, kWakeCookie);
  want(select, fd, 0);
  while (select.end > 0 && !in_use(select, select.end - 1))
    --select.end;
  return 0;
}

// ---- waiting ----

int words_in_use(const SelectBackend& select) {
  return select.end == 0 ? 0 : Bitmap::word_of(select.end - 1) + 1;
}

// Copies what is wanted into the sets that the kernel overwrites, without what is known to be bad.
void prepare(SelectBackend& select) {
  for (int i = 0; i < words_in_use(select); ++i) {
    select.readable.words[i] = select.read.words[i] & ~select.bad.words[i];
    select.writable.words[i] = select.write.words[i] & ~select.bad.words[i];
  }
}

int enter(SelectBackend& select, std::int64_t delay) {
  fd_set* const readable = select.readable.for_kernel();
  fd_set* const writable = select.writable.for_kernel();
  if (delay < 0) return ::select(select.end, readable, writable, nullptr, nullptr);
  if (select.precise && delay % kNanosecondsPerMicrosecond != 0) {
    const timespec limit = delay_as_timespec(delay);
    return ::pselect(select.end, readable, writable, nullptr, &limit, nullptr);
  }
  timeval limit = delay_as_timeval(delay);
  return ::select(select.end, readable, writable, nullptr, &limit);
}

// select says that some descriptor is bad, and not which.
void find_bad(SelectBackend& select) {
  for (int fd = 0; fd < select.end; ++fd) {
    if (!select.read.has(fd) && !select.write.has(fd)) continue;
    if (::fcntl(fd, F_GETFD) == -1 && errno == EBADF) select.bad.put(fd, true);
  }
}

KernelBits bits_of(const SelectBackend& select, int fd) {
  unsigned bits = 0;
  if (select.bad.has(fd)) bits |= kBadDescriptor;
  if (select.readable.has(fd)) bits |= kIn;
  if (select.writable.has(fd)) bits |= kOut;
  return static_cast<KernelBits>(bits);
}

// The descriptors of one word of the sets that have something to report.
Word hits_in(const SelectBackend& select, int word) {
  return select.readable.words[word] | select.writable.words[word] | select.bad.words[word];
}

// Goes on behind the last event that found room: none of many busy descriptors is left out twice.
// The word in which that happened is looked at twice, from there to its end and up to there.
int gather(SelectBackend& select, KernelEvent* events, int capacity) {
  const int wake = select.wake.read_end();
  const int words = words_in_use(select);
  int taken = 0;
  if (wake >= 0 && select.readable.has(wake)) events[taken++] = {kWakeCookie, kIn};
  if (select.next >= select.end) select.next = 0;
  const int first = Bitmap::word_of(select.next);
  const Word behind = ~Word{0} << (select.next % kWordBits);
  for (int i = 0; i <= words; ++i) {
    const int word = (first + i) % words;
    Word hits = hits_in(select, word);
    if (i == 0) hits &= behind;
    if (i == words) hits &= ~behind;
    for (; hits != 0; hits &= hits - 1) {
      const int fd = word * kWordBits + std::countr_zero(hits);
      if (fd == wake) continue;
      if (taken == capacity) {
        select.next = fd;
        return taken;
      }
      events[taken++] = {select.cookies.get(fd), bits_of(select, fd)};
    }
  }
  return taken;
}

int select_wait(Backend* backend, std::int64_t delay, KernelEvent* events, int capacity) {
  SelectBackend& select = state_of<Self>(backend);
  prepare(select);
  int count = enter(select, delay);
  if (count >= 0) return count == 0 ? 0 : gather(select, events, capacity);
  if (errno != EBADF) return errno == EINTR ? 0 : -errno;
  // The others are asked as well, or one bad descriptor would starve them.
  find_bad(select);
  prepare(select);
  count = enter(select, 0);
  // Fails only if yet another one was closed meanwhile: the next wait finds them all.
  const int taken = count < 0 ? 0 : gather(select, events, capacity);
  clear(select.bad);
  return taken;
}

void select_wake(Backend* backend) {
  state_of<Self>(backend).wake.raise();
}

void select_drain(Backend* backend) {
  state_of<Self>(backend).wake.drain();
}

int select_reset(Backend* backend, ResetReason reason) {
  SelectBackend& select = state_of<Self>(backend);
  if (reason == ResetReason::kForked) {
    WakeDescriptor fresh;
    const int error = fresh.open_like(select.wake);
    if (error != 0) return error;
    if (fresh.is_open() && !make_room(select, fresh.read_end())) {
      fresh.close();
      return ENOMEM;
    }
    select.wake.close();
    select.wake = fresh;
  }
  select.cookies.clear();
  select.end = 0;
  for_each_bitmap(select, clear);
  return watch_wake(select);
}

int select_open_wake(Backend* backend) {
  SelectBackend& select = state_of<Self>(backend);
  if (select.wake.is_open()) return 0;
  int error = select.wake.open();
  if (error != 0) return error;
  error = watch_wake(select);
  if (error != 0) select.wake.close();
  return error;
}

bool select_owns(const Backend* backend, int fd) {
  return state_of<Self>(backend).wake.owns(fd);
}

}  // namespace

const BackendOps kSelectBackend = {
    .traits = {.name = "select",
               .edge = false,
               .peer_closed = false,
               .concurrent = false,
               .forgets_closed = false,
               .watches_regular_files = true,
               .constant_cost = false},
    .create = select_create,
    .destroy = select_destroy,
    .add = select_add,
    .modify = select_modify,
    .remove = select_remove,
    .wait = select_wait,
    .wake = select_wake,
    .drain = select_drain,
    .reset = select_reset,
    .owns = select_owns,
    .open_wake = select_open_wake,
};

}  // namespace netpoll
