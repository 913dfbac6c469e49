#include "compat/event/debug_mode.h"

#include <fcntl.h>

#include <atomic>
#include <cstdlib>

#include "compat/event/log.h"
#include "compat/event/memory.h"
#include "core/lock.h"

namespace pollshim::event {

bool debug_mode_on = false;

namespace {

// Threads that create bases and events of their own all set it, and nobody waits for it.
std::atomic<bool> too_late{false};

constexpr int kAbort = static_cast<int>(0xdeaddead);

// What debug mode knows of one event.
struct Known {
  const Event* ev;
  Known* next;
  bool added;
};

// A hash table with chains. Guarded by table_lock, which is taken inside of base locks only.
netpoll::Mutex table_lock;
Known** buckets = nullptr;
std::size_t bucket_count = 0;
std::size_t known_count = 0;

std::size_t bucket_of(const Event* ev, std::size_t count) {
  return (reinterpret_cast<std::uintptr_t>(ev) >> 6) * 0x9e3779b97f4a7c15u % count;
}

Known* find(const Event* ev) {
  if (bucket_count == 0) return nullptr;
  Known* known = buckets[bucket_of(ev, bucket_count)];
  while (known != nullptr && known->ev != ev)
    known = known->next;
  return known;
}

[[noreturn]] void out_of_memory() {
  fatal_errno(1, "Out of memory in debugging code");
}

void grow() {
  const std::size_t wider = bucket_count == 0 ? 64 : bucket_count * 2;
  auto** fresh = static_cast<Known**>(allocate_zeroed(wider, sizeof(Known*)));
  if (fresh == nullptr) out_of_memory();
  for (std::size_t i = 0; i < bucket_count; ++i) {
    for (Known* known = buckets[i]; known != nullptr;) {
      Known* next = known->next;
      Known*& head = fresh[bucket_of(known->ev, wider)];
      known->next = head;
      head = known;
      known = next;
    }
  }
  if (buckets != nullptr) release(buckets);
  buckets = fresh;
  bucket_count = wider;
}

void insert(const Event* ev) {
  if (known_count * 2 >= bucket_count) grow();
  auto* known = static_cast<Known*>(allocate(sizeof(Known)));
  if (known == nullptr) out_of_memory();
  Known*& head = buckets[bucket_of(ev, bucket_count)];
  *known = {ev, head, false};
  head = known;
  ++known_count;
}

void erase(const Event* ev) {
  if (bucket_count == 0) return;
  Known** place = &buckets[bucket_of(ev, bucket_count)];
  while (*place != nullptr && (*place)->ev != ev)
    place = &(*place)->next;
  if (*place == nullptr) return;
  Known* known = *place;
  *place = known->next;
  release(known);
  --known_count;
}

// The words are the ones that users grep their logs for.
[[noreturn]] void complain(const char* what, const Event* ev) {
  table_lock.unlock();
  fatal(kAbort, "%s %p (events: 0x%x, fd: %d, flags: 0x%x)", what, static_cast<const void*>(ev),
        static_cast<unsigned>(ev->ev_events), ev->ev_fd,
        static_cast<unsigned>(ev->ev_evcallback.evcb_flags));
}

}  // namespace

void note_anything_created() {
  // Read first: a line that every thread writes to for each event would be fought over.
  if (!too_late.load(std::memory_order_relaxed)) too_late.store(true, std::memory_order_relaxed);
}

void disable_debug_mode() {
  const netpoll::MutexGuard guard(table_lock);
  for (std::size_t i = 0; i < bucket_count; ++i) {
    while (Known* known = buckets[i]) {
      buckets[i] = known->next;
      release(known);
    }
  }
  if (buckets != nullptr) release(buckets);
  buckets = nullptr;
  bucket_count = known_count = 0;
  debug_mode_on = false;
}

namespace debug {

void setup(const Event* ev) {
  note_anything_created();
  const netpoll::MutexGuard guard(table_lock);
  if (Known* known = find(ev)) {
    known->added = false;
  } else {
    insert(ev);
  }
}

void teardown(const Event* ev) {
  note_anything_created();
  const netpoll::MutexGuard guard(table_lock);
  erase(ev);
}

void added(const Event* ev) {
  note_anything_created();
  const netpoll::MutexGuard guard(table_lock);
  Known* known = find(ev);
  if (known == nullptr) complain("event_debug_note_add_: noting an add on a non-setup event", ev);
  known->added = true;
}

void removed(const Event* ev) {
  note_anything_created();
  const netpoll::MutexGuard guard(table_lock);
  Known* known = find(ev);
  if (known == nullptr) complain("event_debug_note_del_: noting a del on a non-setup event", ev);
  known->added = false;
}

void require_setup(const Event* ev) {
  const netpoll::MutexGuard guard(table_lock);
  if (find(ev) != nullptr) return;
  complain("event_debug_assert_is_setup_ called on a non-initialized event", ev);
}

void require_not_added(const Event* ev) {
  const netpoll::MutexGuard guard(table_lock);
  const Known* known = find(ev);
  if (known == nullptr || !known->added) return;
  complain("event_debug_assert_not_added_ called on an already added event", ev);
}

void require_nonblocking(int fd) {
  if (fd < 0) return;
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags >= 0) EVENT_CHECK(flags & O_NONBLOCK);
}

}  // namespace debug

}  // namespace pollshim::event

using namespace pollshim::event;

extern "C" {

void event_enable_debug_mode(void) {
  if (debug_mode_on) fatal(1, "event_enable_debug_mode was called twice!");
  if (too_late.load(std::memory_order_relaxed)) {
    fatal(1, "event_enable_debug_mode must be called *before* creating any events or event_bases");
  }
  debug_mode_on = true;
}

}  // extern "C"
