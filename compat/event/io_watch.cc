#include "compat/event/io_watch.h"

#include <cerrno>

#include "compat/event/debug_mode.h"
#include "compat/event/log.h"
#include "compat/event/queue.h"

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

// What watchers of a descriptor want together: edges only if every one of them can do with edges,
// because a level reported once too often does no harm and one too few hangs.
class Sum {
 public:
  Sum() = default;
  explicit Sum(const Demand& demand)
      : modes_(demand.modes), level_(!demand.edge), exact_(demand.exact) {}

  void add(const Event* ev) {
    modes_ |= modes_of(ev->ev_events);
    level_ = level_ || !wants_edges(ev);
    // Programs see what the kernel does when it is told that one direction is wanted no more: it
    // reports the other anew. One that did not read to the end may live by that.
    exact_ = exact_ || !is_own(ev);
    own_reader_ = own_reader_ || (is_own(ev) && (ev->ev_events & EV_READ) != 0);
  }

  Demand demand(Event* head) const {
    const bool edge = head != nullptr && !level_;
    // An end that comes with the last bytes gives no edge of its own.
    const unsigned end = edge && own_reader_ ? netpoll::kClosed : 0u;
    return {.waiter = as_waiter(head),
            .modes = static_cast<ModeSet>(modes_ | end),
            .edge = edge,
            .exact = exact_};
  }

 private:
  unsigned modes_ = 0;
  bool level_ = false;
  bool exact_ = false;
  bool own_reader_ = false;
};

bool is_as_much(const Demand& one, const Demand& other) {
  return one.modes == other.modes && one.edge == other.edge && one.exact == other.exact;
}

// So many watchers are simply looked at; where there are more, what was demanded before tells when
// the rest adds nothing.
constexpr int kFew = 4;

// Pre: `newcomer`, or else whoever has left, is all that has changed since `before`.
[[gnu::noinline]] Demand demand_of_crowd(Event* head, const Event* newcomer, const Demand& before) {
  // With the first level among edges, what was asked for on behalf of the edges is not any more.
  const bool turns_to_levels = newcomer != nullptr && before.edge && !wants_edges(newcomer);
  if (newcomer != nullptr && !turns_to_levels) {
    Sum sum(before);
    sum.add(newcomer);
    return sum.demand(head);
  }
  Sum sum;
  for (const Event* ev = head; ev != nullptr; ev = next_watcher(ev)) {
    sum.add(ev);
    if (newcomer == nullptr && is_as_much(sum.demand(head), before)) break;
  }
  return sum.demand(head);
}

// `newcomer` is in the chain already, or was, and wants something else now; nullptr when one has
// left.
Demand demand_of(event_base* base, int fd, Event* head, const Event* newcomer) {
  Sum sum;
  int looked_at = 0;
  for (const Event* ev = head; ev != nullptr; ev = next_watcher(ev)) {
    if (__builtin_expect(looked_at++ == kFew, 0)) {
      return demand_of_crowd(head, newcomer, base->loop.fds().demand(fd));
    }
    sum.add(ev);
  }
  return sum.demand(head);
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

// Which of these directions the other watchers of the descriptor want.
short wanted_beside(const Event* head, short directions) {
  int events = 0;
  for (const Event* ev = head; ev != nullptr && (directions & ~events) != 0; ev = next_watcher(ev))
    events |= ev->ev_events;
  return static_cast<short>(events & directions);
}

// Whether the number still means the file that the kernel was last told about. An event that its
// own firing removed, and that comes back before the turn is over, is taken at its word: no call.
// Not with edges: adding one for a direction that nobody watched promises to report what is ready
// already, and only the kernel can say.
netpoll::Identity look_up_identity(event_base* base, const Event* ev, const Event* head) {
  const short flags = ev->ev_evcallback.evcb_flags;
  if (is_own(ev) && base->loop.fds().held(ev->ev_fd)) return netpoll::Identity::kSame;
  if ((ev->ev_events & EV_ET) != 0 && !is_own(ev)) {
    const short directions = ev->ev_events & kIoEvents;
    const short new_directions = static_cast<short>(directions & ~wanted_beside(head, directions));
    if (new_directions == 0) return netpoll::Identity::kSame;
    // What was reported to nobody may have been read by now.
    base->loop.fds().forget(ev->ev_fd, modes_of(new_directions));
    return netpoll::Identity::kUnknown;
  }
  const bool known = head != nullptr || (flags & kFlagJustFired) != 0;
  return known ? netpoll::Identity::kSame : netpoll::Identity::kUnknown;
}

// To the letter: people search their logs for it.
void warn_refused(const Event* ev, const Event* head) {
  const int before = wanted_beside(head, kIoEvents);
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

void activate_chain(event_base* base, Event* head, ModeSet modes, short extra) {
  const short events = events_of(modes);
  for (Event* ev = head; ev != nullptr; ev = next_watcher(ev)) {
    const bool ends = (events & EV_CLOSED) != 0 && is_own(ev);
    const short news = ends ? static_cast<short>(events | EV_READ) : events;
    if (!(ev->ev_events & news)) continue;
    const int result = ev->ev_events & (news | extra);
    if (!activate_idle(base, ev, result)) activate_event(ev, result, 1);
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
  const Demand demand = demand_of(base, fd, ev, ev);
  const int error = base->loop.fds().set_demand(fd, demand, look_up_identity(base, ev, head));
  if (error == 0) return 0;
  unlink(ev, ev);
  errno = error;
  warn_refused(ev, head);
  errno = error;
  return -1;
}

int watch_io_anew(event_base* base, Event* ev) {
  const int fd = ev->ev_fd;
  const Demand demand = demand_of(base, fd, first_watcher(base, fd), ev);
  return base->loop.fds().set_demand(fd, demand, netpoll::Identity::kSame);
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
  base->loop.fds().lower_demand(fd, demand_of(base, fd, head, nullptr));
  // The kernel gave its edge; the next to watch is owed it.
  if (is_own(ev) && (undelivered & kIoEvents) != 0) {
    base->loop.fds().remember(fd, modes_of(undelivered));
  }
}

void activate_io(event_base* base, int fd, short events) {
  activate_chain(base, first_watcher(base, fd), modes_of(events), 0);
  notify_if_elsewhere(base);
}

void activate_ready(event_base* base, netpoll::Waiter* waiter, ModeSet modes, short extra) {
  activate_chain(base, as_event(waiter), modes, extra);
}

}  // namespace pollshim::event
