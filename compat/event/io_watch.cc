#include "compat/event/io_watch.h"

#include <cerrno>

#include "compat/event/debug_mode.h"
#include "compat/event/log.h"

namespace pollshim::event {

namespace {

using netpoll::Demand;
using netpoll::ModeSet;

bool is_own(const Event* ev) {
  return (ev->ev_evcallback.evcb_flags & kFlagEdgeMode) != 0;
}

// An error overrides everything else and goes to readers and writers; a hang-up does too, unless it
// comes with the news that the peer has closed, which is a direction of its own here.
constexpr netpoll::ReadinessMap make_epoll_readiness() {
  netpoll::ReadinessMap map{};
  for (unsigned bits = 0; bits < netpoll::kKernelBitCombinations; ++bits) {
    unsigned modes = 0;
    if (bits & netpoll::kError) {
      modes = netpoll::kRead | netpoll::kWrite;
    } else if ((bits & netpoll::kHangup) && !(bits & netpoll::kPeerClosed)) {
      modes = netpoll::kRead | netpoll::kWrite;
    } else {
      if (bits & netpoll::kIn) modes |= netpoll::kRead;
      if (bits & netpoll::kOut) modes |= netpoll::kWrite;
      if (bits & netpoll::kPeerClosed) modes |= netpoll::kClosed;
    }
    map.modes[bits] = static_cast<ModeSet>(modes);
  }
  return map;
}

constexpr netpoll::ReadinessMap make_plain_readiness() {
  netpoll::ReadinessMap map =
      netpoll::make_readiness_map({.in = netpoll::kRead,
                                   .out = netpoll::kWrite,
                                   .peer_closed = netpoll::kClosed,
                                   .hangup = netpoll::kRead | netpoll::kWrite,
                                   .error = netpoll::kRead | netpoll::kWrite});
  for (ModeSet& modes : map.modes)
    modes = static_cast<ModeSet>(modes & netpoll::kAllModes);
  return map;
}

short events_of(ModeSet modes) {
  int events = 0;
  if (modes & netpoll::kRead) events |= EV_READ;
  if (modes & netpoll::kWrite) events |= EV_WRITE;
  if (modes & netpoll::kClosed) events |= EV_CLOSED;
  return static_cast<short>(events);
}

netpoll::Waiter* as_waiter(Event* ev) {
  return reinterpret_cast<netpoll::Waiter*>(ev);
}
Event* as_event(netpoll::Waiter* waiter) {
  return reinterpret_cast<Event*>(waiter);
}

bool wants_edges(const Event* ev) {
  return (ev->ev_events & EV_ET) != 0 || is_own(ev);
}

// What all watchers of a descriptor want together: edges only if every one of them can do with
// edges, because a level reported once too often does no harm and one too few hangs.
Demand demand_of(Event* head) {
  unsigned modes = 0;
  bool edge = head != nullptr;
  bool own_reader = false;
  bool exact = false;
  for (const Event* ev = head; ev != nullptr; ev = next_watcher(ev)) {
    modes |= modes_of(ev->ev_events);
    edge = edge && wants_edges(ev);
    // Programs see what the kernel does when it is told that one direction is wanted no more: it
    // reports the other anew. One that did not read to the end may live by that.
    exact = exact || !is_own(ev);
    own_reader = own_reader || (is_own(ev) && (ev->ev_events & EV_READ) != 0);
  }
  // An end that comes with the last bytes gives no edge of its own.
  if (edge && own_reader) modes |= netpoll::kClosed;
  return {.waiter = as_waiter(head),
          .modes = static_cast<ModeSet>(modes),
          .edge = edge,
          .exact = exact};
}

void link_first(Event* ev, Event* head) {
  auto& place = ev->ev_.ev_io.ev_io_next;
  place.le_next = head;
  place.le_prev = nullptr;  // the head of a chain has no one before it
  if (head != nullptr) head->ev_.ev_io.ev_io_next.le_prev = &place.le_next;
}

// Returns the new head.
Event* unlink(Event* ev, Event* head) {
  auto& place = ev->ev_.ev_io.ev_io_next;
  if (place.le_next != nullptr) place.le_next->ev_.ev_io.ev_io_next.le_prev = place.le_prev;
  if (place.le_prev == nullptr) return place.le_next;
  *place.le_prev = place.le_next;
  return head;
}

// What the other watchers of the descriptor want.
short wanted_beside(const Event* head) {
  int events = 0;
  for (const Event* ev = head; ev != nullptr; ev = next_watcher(ev))
    events |= ev->ev_events;
  return static_cast<short>(events & kIoEvents);
}

// Whether the number still means the file that the kernel was last told about. An event that its
// own firing removed, and that comes back before the turn is over, is taken at its word: no call.
// Not with edges: adding one for a direction that nobody watched promises to report what is ready
// already, and only the kernel can say.
netpoll::Identity look_up_identity(event_base* base, const Event* ev, const Event* head) {
  const short flags = ev->ev_evcallback.evcb_flags;
  if (is_own(ev) && base->loop.fds().held(ev->ev_fd)) return netpoll::Identity::kSame;
  if ((ev->ev_events & EV_ET) != 0 && !is_own(ev)) {
    const short new_directions = static_cast<short>(ev->ev_events & ~wanted_beside(head));
    if ((new_directions & kIoEvents) == 0) return netpoll::Identity::kSame;
    // What was reported to nobody may have been read by now.
    base->loop.fds().forget(ev->ev_fd, modes_of(new_directions));
    return netpoll::Identity::kUnknown;
  }
  const bool known = head != nullptr || (flags & kFlagJustFired) != 0;
  return known ? netpoll::Identity::kSame : netpoll::Identity::kUnknown;
}

// To the letter: people search their logs for it.
void warn_refused(const Event* ev, const Event* head) {
  const int before = wanted_beside(head);
  const int added = ev->ev_events & kIoEvents & ~before;
  const int edge = ev->ev_events & EV_ET;
  const int all = before | added;
  const unsigned kernel = (all & EV_READ ? 0x1u : 0u) | (all & EV_WRITE ? 0x4u : 0u) |
                          (all & EV_CLOSED ? 0x2000u : 0u) | (edge ? 1u << 31 : 0u);
  const auto change = [&](int direction) { return added & direction ? 1 | edge : 0; };
  const auto word = [&](int direction) { return added & direction ? "add" : "none"; };
  log_warning_errno(
      "Epoll %s(%d) on fd %d failed. Old events were %d; read change was %d (%s); "
      "write change was %d (%s); close change was %d (%s)",
      before != 0 ? "MOD" : "ADD", static_cast<int>(kernel), ev->ev_fd, before, change(EV_READ),
      word(EV_READ), change(EV_WRITE), word(EV_WRITE), change(EV_CLOSED), word(EV_CLOSED));
}

void activate_chain(Event* head, ModeSet modes, short extra) {
  const short events = events_of(modes);
  for (Event* ev = head; ev != nullptr; ev = next_watcher(ev)) {
    const bool ends = (events & EV_CLOSED) != 0 && is_own(ev);
    const short news = ends ? static_cast<short>(events | EV_READ) : events;
    if (ev->ev_events & news) activate_event(ev, ev->ev_events & (news | extra), 1);
  }
}

}  // namespace

constinit const netpoll::ReadinessMap kEpollReadiness = make_epoll_readiness();
constinit const netpoll::ReadinessMap kPlainReadiness = make_plain_readiness();

ModeSet modes_of(short events) {
  unsigned modes = 0;
  if (events & EV_READ) modes |= netpoll::kRead;
  if (events & EV_WRITE) modes |= netpoll::kWrite;
  if (events & EV_CLOSED) modes |= netpoll::kClosed;
  return static_cast<ModeSet>(modes);
}

Event* first_watcher(event_base* base, int fd) {
  return as_event(base->loop.fds().waiter(fd));
}

int watch_io(event_base* base, Event* ev) {
  const int fd = ev->ev_fd;
  if (fd < 0 || (ev->ev_evcallback.evcb_flags & kFlagPresumed) != 0) return 0;
  if (fd > netpoll::FdTable::kHighest) {  // as the original, without a word
    errno = EBADF;
    return -1;
  }
  Event* head = first_watcher(base, fd);
  if (debug_mode_on && head != nullptr && (head->ev_events & EV_ET) != (ev->ev_events & EV_ET)) {
    log_warning("Tried to mix edge-triggered and non-edge-triggered events on fd %d", fd);
    return -1;
  }
  link_first(ev, head);
  const Demand demand = demand_of(ev);
  const int error = base->loop.fds().set_demand(fd, demand, look_up_identity(base, ev, head));
  if (error == 0) return 0;
  unlink(ev, ev);
  errno = error;
  warn_refused(ev, head);
  errno = error;
  return -1;
}

void unwatch_io(event_base* base, Event* ev, short undelivered) {
  const int fd = ev->ev_fd;
  if (fd < 0) return;
  short& flags = ev->ev_evcallback.evcb_flags;
  if (flags & kFlagPresumed) {
    flags = static_cast<short>(flags & ~kFlagPresumed);
    return;
  }
  Event* head = unlink(ev, first_watcher(base, fd));
  base->loop.fds().lower_demand(fd, demand_of(head));
  // The kernel gave its edge; the next to watch is owed it.
  if (is_own(ev) && (undelivered & kIoEvents) != 0) {
    base->loop.fds().remember(fd, modes_of(undelivered));
  }
}

void activate_io(event_base* base, int fd, short events) {
  activate_chain(first_watcher(base, fd), modes_of(events), 0);
}

void activate_ready(event_base* base, const netpoll::WaiterList& ready) {
  // Only a backend that knows edges says so to those who asked for them.
  const short edge = (base->features & EV_FEATURE_ET) ? EV_ET : 0;
  for (const netpoll::ReadyWaiter& entry : ready) {
    activate_chain(as_event(entry.waiter), entry.modes, edge);
  }
}

}  // namespace pollshim::event
