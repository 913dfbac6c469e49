// The watched loop: takes its figures, times its waits and callbacks, and keeps its slowest
// callbacks.
//
// Called by the loops through view.h. Everything here runs only when something was switched on.
// Times are taken once at each end of a wait and of a callback; figures are published where a loop
// is about to wait, which is where `top` will look.
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bit>
#include <iterator>

#include "compat/view/process.h"
#include "compat/view/settings.h"
#include "compat/view/symbol.h"

namespace pollshim::view {

constinit Process process = {.lock = PTHREAD_MUTEX_INITIALIZER,
                             .first = nullptr,
                             .closed = 0,
                             .opened = 0,
                             .started_ns = 0,
                             .retired_count = 0,
                             .retired = {},
                             .page = nullptr,
                             .page_tried = false};

uint64_t now_ns() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000000000U + static_cast<uint64_t>(now.tv_nsec);
}

namespace {

void set_state(PageLoop& slot, LoopState state, uint64_t since, const void* function) {
  slot.function.store(reinterpret_cast<uintptr_t>(function), std::memory_order_relaxed);
  slot.since_ns.store(since, std::memory_order_relaxed);
  slot.state.store(state, std::memory_order_relaxed);
}

// Counters are words and nothing else, so that sums and differences need not name them one by one.
struct CounterWords {
  uint64_t at[sizeof(Counters) / sizeof(uint64_t)];
};

Counters difference(const Counters& a, const Counters& b) {
  auto words = std::bit_cast<CounterWords>(a);
  auto other = std::bit_cast<CounterWords>(b);
  for (size_t i = 0; i < std::size(words.at); i++)
    words.at[i] -= other.at[i];
  auto result = std::bit_cast<Counters>(words);
  result.timers_pending = a.timers_pending;
  return result;
}

Counters sum(const Counters& a, const Counters& b) {
  auto words = std::bit_cast<CounterWords>(a);
  auto other = std::bit_cast<CounterWords>(b);
  for (size_t i = 0; i < std::size(words.at); i++)
    words.at[i] += other.at[i];
  return std::bit_cast<Counters>(words);
}

void collect_now(LoopView& view, uint64_t now) {
  view.raw = {};
  view.collect(view.loop, &view.raw);
  view.figures.counters = difference(view.raw, view.baseline);
  view.figures.taken_ns = now;
}

// The entry of this function, or the one it may take: an empty one, or the least slow if this call
// was slower.
CallbackFigures* entry_for(LoopFigures& figures, uint64_t function, uint64_t duration) {
  CallbackFigures* least = &figures.slowest[0];
  for (CallbackFigures& entry : figures.slowest) {
    if (entry.function == function) return &entry;
    if (entry.longest_ns < least->longest_ns) least = &entry;
  }
  return least->function == 0 || duration > least->longest_ns ? least : nullptr;
}

void note_callback(LoopFigures& figures, const void* function, uint64_t duration) {
  auto address = static_cast<uint64_t>(reinterpret_cast<uintptr_t>(function));
  CallbackFigures* entry = entry_for(figures, address, duration);
  if (entry == nullptr) return;
  if (entry->function != address) {
    *entry = {};
    entry->function = address;
    name_function(function, entry->where, sizeof entry->where);
  }
  entry->calls++;
  entry->total_ns += duration;
  if (duration > entry->longest_ns) entry->longest_ns = duration;
}

PageLoop* free_slot(Page* page) {
  for (PageLoop& slot : page->loops) {
    LoopState state = slot.state.load(std::memory_order_relaxed);
    if (state != LoopState::kFree && state != LoopState::kClosed) continue;
    slot.state.store(LoopState::kIdle, std::memory_order_relaxed);
    return &slot;
  }
  page->unseen_loops.fetch_add(1, std::memory_order_relaxed);
  return nullptr;
}

// Under the lock.
void take_slot(LoopView& view) {
  Page* page = page_of_process();
  PageLoop* slot = page != nullptr ? free_slot(page) : nullptr;
  view.slot = slot != nullptr ? slot : &view.own;
  view.needs_slot = false;
}

// The room of the oldest closed loop once enough are kept, its figures saved; else new room.
LoopView* room_for_loop() {
  LoopView** link = &process.first;
  if (process.closed >= kClosedKept) {
    while (!(*link)->closed)
      link = &(*link)->next;
    LoopView* oldest = *link;
    *link = oldest->next;
    merge_figures(&process.retired, oldest->figures);
    process.retired_count++;
    process.closed--;
    memset(static_cast<void*>(oldest), 0, sizeof *oldest);
    return oldest;
  }
  void* room = aligned_alloc(alignof(LoopView), sizeof(LoopView));
  if (room != nullptr) memset(room, 0, sizeof(LoopView));
  return static_cast<LoopView*>(room);
}

}  // namespace

LoopView* open_loop(const void* loop, const char* backend, Collect collect) {
  if (!settings().watches_loops()) return nullptr;
  start();
  pthread_mutex_lock(&process.lock);
  LoopView* view = room_for_loop();
  if (view != nullptr) {
    view->loop = loop;
    view->collect = collect;
    view->thread.store(pthread_self(), std::memory_order_relaxed);
    view->figures.id = ++process.opened;
    view->figures.opened_ns = now_ns();
    strncpy(view->figures.backend, backend, sizeof view->figures.backend - 1);
    take_slot(*view);
    collect_now(*view, view->figures.opened_ns);
    write_figures(*view->slot, view->figures);
    set_state(*view->slot, LoopState::kIdle, view->figures.opened_ns, nullptr);
    LoopView** end = &process.first;
    while (*end != nullptr)
      end = &(*end)->next;
    *end = view;
  }
  pthread_mutex_unlock(&process.lock);
  return view;
}

void close_loop(LoopView* view) {
  if (view == nullptr) return;
  pthread_mutex_lock(&process.lock);
  uint64_t now = now_ns();
  collect_now(*view, now);
  write_figures(*view->slot, view->figures);
  set_state(*view->slot, LoopState::kClosed, now, nullptr);
  if (view->slot !=
      &view->own) {  // the slot may be given to another loop; the last word on this one stays here
    view->slot = &view->own;
    write_figures(*view->slot, view->figures);
  }
  view->closed = true;
  process.closed++;
  pthread_mutex_unlock(&process.lock);
}

void take_figures(LoopView& view) {
  view.thread.store(pthread_self(), std::memory_order_relaxed);
  collect_now(view, now_ns());
  write_figures(*view.slot, view.figures);
}

void wait_begin(LoopView& view) {
  if (view.needs_slot) {
    pthread_mutex_lock(&process.lock);
    take_slot(view);
    pthread_mutex_unlock(&process.lock);
  }
  view.thread.store(pthread_self(), std::memory_order_relaxed);
  uint64_t now = now_ns();
  collect_now(view, now);
  write_figures(*view.slot, view.figures);
  view.wait_started_ns = now;
  set_state(*view.slot, LoopState::kWaiting, now, nullptr);
}

void wait_end(LoopView& view) {
  uint64_t now = now_ns();
  view.figures.waiting_ns += now - view.wait_started_ns;
  set_state(*view.slot, LoopState::kIdle, now, nullptr);
}

void callback_begin(CallbackFrame& frame) {
  LoopView& view = *frame.view;
  frame.started_ns = now_ns();
  frame.waiting_before_ns = view.figures.waiting_ns;
  frame.callbacks_before_ns = view.figures.callback_ns;
  set_state(*view.slot, LoopState::kInCallback, frame.started_ns, frame.function);
}

void callback_end(CallbackFrame& frame) {
  LoopView& view = *frame.view;
  if (view.closed) return;
  uint64_t now = now_ns();
  // A callback that ran the loop itself did not block it while that run was waiting, and the
  // callbacks of that run are part of this one's time already.
  uint64_t duration = now - frame.started_ns - (view.figures.waiting_ns - frame.waiting_before_ns);
  view.figures.callback_ns = frame.callbacks_before_ns + duration;
  view.figures.callbacks++;
  note_callback(view.figures, frame.function, duration);
  set_state(*view.slot, LoopState::kIdle, now, nullptr);
  uint64_t stall = settings().stall_ns;
  if (stall != 0 && duration > stall) report_stall(view, frame.function, duration);
}

void refresh_own_loops() {
  for (LoopView* view = process.first; view != nullptr; view = view->next) {
    if (!view->closed &&
        pthread_equal(view->thread.load(std::memory_order_relaxed), pthread_self()))
      take_figures(*view);
  }
}

void merge_figures(LoopFigures* a, const LoopFigures& b) {
  a->waiting_ns += b.waiting_ns;
  a->callback_ns += b.callback_ns;
  a->callbacks += b.callbacks;
  a->counters = sum(a->counters, b.counters);
  for (const CallbackFigures& other : b.slowest) {
    if (other.function == 0) continue;
    CallbackFigures* entry = entry_for(*a, other.function, other.longest_ns);
    if (entry == nullptr) continue;
    if (entry->function != other.function) {
      *entry = other;
      continue;
    }
    entry->calls += other.calls;
    entry->total_ns += other.total_ns;
    if (other.longest_ns > entry->longest_ns) entry->longest_ns = other.longest_ns;
  }
}

}  // namespace pollshim::view
