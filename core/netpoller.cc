#include "core/netpoller.h"

#include <cerrno>
#include <new>

namespace netpoll {

// A thread that is parked. Lives on that thread's stack; everything but the note is guarded by the
// netpoller's mutex, under which it is woken: it can not return while its waker still looks at it.
struct Netpoller::ThreadWaiter : ParkedWaiter {
  explicit ThreadWaiter(Netpoller* owner) : ParkedWaiter{wake_up}, poller(owner) {}

  static void wake_up(ParkedWaiter* waiter) {
    auto* self = static_cast<ThreadWaiter*>(waiter);
    const MutexGuard guard(self->poller->mutex_);
    self->done = true;
    if (self->leads) self->poller->wake();
    self->note.signal();
  }

  Netpoller* poller;
  Note note;
  ThreadWaiter* next = nullptr;
  bool leads = false;
  bool called = false;  // to lead, by somebody who left
  bool done = false;
};

namespace {

Waiter* as_waiter(ParkedWaiter* waiter) {
  return reinterpret_cast<Waiter*>(waiter);
}
ParkedWaiter* as_parked(Waiter* waiter) {
  return reinterpret_cast<ParkedWaiter*>(waiter);
}

constexpr Interest kEverything{kAllModes, true};

Interest level_interest(ModeSet modes) {
  return {modes, false};
}

}  // namespace

Netpoller::Netpoller() : deadlines_(poller_.cache()) {
  pthread_cond_init(&changes_applied_, nullptr);
}

Netpoller::~Netpoller() {
  shut_down();
  pthread_cond_destroy(&changes_applied_);
}

int Netpoller::init(const BackendOps& backend) {
  BackendOptions options;
  options.precise_waits = true;
  const int error = poller_.init(backend, options);
  if (error != 0) return error;
  if (!ready_.reserve(2 * poller_.event_capacity())) {
    poller_.shut_down();
    return ENOMEM;
  }
  return 0;
}

void Netpoller::shut_down() {
  poller_.shut_down();
}

// ---- descriptors ----

int Netpoller::open(int fd, Cookie* out) {
  if (fd < 0) return EBADF;
  const MutexGuard guard(mutex_);
  const Slot slot = poller_.cache().allocate(fd);
  if (slot == kNoSlot) return ENOMEM;
  int error = deadlines_.open(slot) ? 0 : ENOMEM;
  // A backend without edges is told when somebody waits.
  if (error == 0 && registers_edges()) error = poller_.add(slot, kEverything);
  if (error != 0) {
    poller_.cache().release(slot);
    return error;
  }
  if (registers_edges()) poller_.cache().at(slot).registration.flags = kRegistered;
  *out = poller_.cache().cookie_of(slot);
  return 0;
}

int Netpoller::close(Cookie cookie) {
  const MutexGuard guard(mutex_);
  PollDesc* desc = find(cookie);
  if (desc == nullptr) return EBADF;
  const Slot slot = cookie_slot(cookie);
  if (!deadlines_.closing(slot)) return EBUSY;
  if (desc->read.peek() > Gate::kReady || desc->write.peek() > Gate::kReady) return EBUSY;
  desc->registration.wanted = 0;
  if (may_change_now()) {
    apply(*desc, slot);
  } else {
    // The leader waits with this descriptor in its hands; it has to let go first.
    note_change(*desc, slot);
    poller_.wake();
    while (desc->registration.flags & kChanged) {
      pthread_cond_wait(&changes_applied_, mutex_.native());
    }
  }
  poller_.cache().release(slot);
  return 0;
}

PollError Netpoller::reset(Cookie cookie, ModeSet mode) {
  PollDesc* desc = find(cookie);
  if (desc == nullptr) return PollError::kStale;
  const PollError error = desc->check(mode);
  if (error == PollError::kNone) desc->gate(mode).reset();
  return error;
}

int Netpoller::set_deadline(Cookie cookie, Nanoseconds delay, ModeSet modes) {
  Unblocked freed;
  int error = 0;
  {
    const MutexGuard guard(mutex_);
    if (find(cookie) == nullptr) return EBADF;
    error = deadlines_.set(cookie_slot(cookie), delay, modes, monotonic_now(), freed);
    if (led_ && deadlines_.earliest() < sleeps_until_) poller_.wake();
  }
  wake_freed(freed);
  return error;
}

int Netpoller::unblock(Cookie cookie) {
  Unblocked freed;
  {
    const MutexGuard guard(mutex_);
    if (find(cookie) == nullptr) return EBADF;
    if (!deadlines_.evict(cookie_slot(cookie), freed)) return EALREADY;
  }
  wake_freed(freed);
  return 0;
}

// ---- waiting ----

PollError Netpoller::wait(Cookie cookie, ModeSet mode) {
  PollDesc* desc = find(cookie);
  if (desc == nullptr) return PollError::kStale;
  PollError error = desc->check(mode);
  while (error == PollError::kNone) {
    const PollError result = block(*desc, cookie_slot(cookie), mode, false);
    if (result != PollError::kParked) return result;
    // Not ready, so it was a deadline or a close; or one that was taken back before we ran.
    error = desc->check(mode);
  }
  return error;
}

PollError Netpoller::wait_canceled(Cookie cookie, ModeSet mode) {
  PollDesc* desc = find(cookie);
  if (desc == nullptr) return PollError::kStale;
  for (;;) {
    const PollError result = block(*desc, cookie_slot(cookie), mode, true);
    if (result != PollError::kParked) return result;
  }
}

PollError Netpoller::block(PollDesc& desc, Slot slot, ModeSet mode, bool whatever_happens) {
  Gate& gate = desc.gate(mode);
  if (!registers_edges()) arm(desc, slot, mode);
  switch (gate.arrive()) {
    case Arrival::kWasReady:
      return PollError::kNone;
    case Arrival::kOccupied:
      return PollError::kBusy;
    case Arrival::kMayPark:
      break;
  }
  ThreadWaiter self(this);
  // The gate says "wait" before the word is looked at; whoever changes the word looks at the gate
  // after. One of the two sees the other.
  if (whatever_happens || desc.check(mode) == PollError::kNone) {
    if (gate.commit(as_waiter(&self))) {
      waiters_.fetch_add(1, std::memory_order_relaxed);
      sleep(self);
    }
  }
  return gate.settle() ? PollError::kNone : PollError::kParked;
}

PollError Netpoller::park(Cookie cookie, ModeSet mode, ParkedWaiter* waiter) {
  PollDesc* desc = find(cookie);
  if (desc == nullptr) return PollError::kStale;
  PollError error = desc->check(mode);
  if (error != PollError::kNone) return error;
  Gate& gate = desc->gate(mode);
  if (!registers_edges()) arm(*desc, cookie_slot(cookie), mode);
  const Arrival arrival = gate.arrive();
  if (arrival == Arrival::kWasReady) return PollError::kNone;
  if (arrival == Arrival::kOccupied) return PollError::kBusy;
  error = desc->check(mode);
  if (error == PollError::kNone) {
    waiters_.fetch_add(1, std::memory_order_relaxed);
    if (gate.commit(as_waiter(waiter))) return PollError::kParked;
    waiters_.fetch_sub(1, std::memory_order_relaxed);
    error = desc->check(mode);
  }
  return gate.settle() ? PollError::kNone : error;
}

PollError Netpoller::settle(Cookie cookie, ModeSet mode) {
  PollDesc* desc = find(cookie);
  if (desc == nullptr) return PollError::kStale;
  if (desc->gate(mode).settle()) return PollError::kNone;
  const PollError error = desc->check(mode);
  return error == PollError::kNone ? PollError::kParked : error;
}

// ---- who leads ----

void Netpoller::sleep(ThreadWaiter& self) {
  mutex_.lock();
  while (!self.done) {
    if (led_) {
      follow(self);
      continue;
    }
    led_ = self.leads = true;
    self.called = false;
    while (!self.done) {
      mutex_.unlock();
      // A wait that fails would fail again at once: leave the processor to others for a moment.
      if (poll_as_leader(-1) < 0) self.note.sleep(kMillisecond);
      mutex_.lock();
    }
    led_ = self.leads = false;
    hand_on_the_lead();
  }
  // Called to lead, and freed before it could: the others still sleep.
  if (self.called && !led_) hand_on_the_lead();
  mutex_.unlock();
}

// Pre and post: the mutex is held. Sleeps until the wait is over or the lead is free.
void Netpoller::follow(ThreadWaiter& self) {
  self.note.clear();
  self.called = false;
  self.next = followers_;
  followers_ = &self;
  mutex_.unlock();
  self.note.sleep(-1);
  mutex_.lock();
  for (ThreadWaiter** place = &followers_; *place != nullptr; place = &(*place)->next) {
    if (*place != &self) continue;
    *place = self.next;
    break;
  }
}

// Not to one that is about to leave as well.
void Netpoller::hand_on_the_lead() {
  ThreadWaiter* heir = followers_;
  while (heir != nullptr && heir->done)
    heir = heir->next;
  if (heir == nullptr) return;
  heir->called = true;
  heir->note.signal();
}

int Netpoller::poll(Nanoseconds delay) {
  {
    const MutexGuard guard(mutex_);
    if (led_) return 0;
    led_ = true;
  }
  const int result = poll_as_leader(delay);
  const MutexGuard guard(mutex_);
  led_ = false;
  hand_on_the_lead();
  return result;
}

// Pre: the caller leads, and does not hold the mutex.
int Netpoller::poll_as_leader(Nanoseconds delay) {
  mutex_.lock();
  apply_changes();
  delay = poller_.begin_wait(delay_until_deadline(delay));
  mutex_.unlock();
  const int error = poller_.wait(delay);
  mutex_.lock();
  poller_.finish_wait();
  sleeps_until_ = 0;
  collect(monotonic_now());
  apply_changes();
  mutex_.unlock();
  for (const ReadyWaiter& entry : ready_)
    call(entry.waiter);
  return error != 0 ? -error : static_cast<int>(ready_.size());
}

Nanoseconds Netpoller::delay_until_deadline(Nanoseconds delay) {
  const Nanoseconds earliest = deadlines_.earliest();
  const Nanoseconds now = monotonic_now();
  sleeps_until_ = delay < 0 ? kForever : add_saturating(now, delay);
  if (earliest >= sleeps_until_) return delay;
  sleeps_until_ = earliest;
  return earliest > now ? earliest - now : 0;
}

void Netpoller::collect(Nanoseconds now) {
  const bool full = poller_.wait_was_full();
  ready_.clear();
  poller_.for_each_event(
      [&](Cookie cookie, PollDesc& desc, KernelBits bits) { make_ready(cookie, desc, bits); },
      [](Cookie) {});
  if (full && ready_.reserve(4 * poller_.event_capacity())) poller_.double_event_capacity();
  for (;;) {
    // Each deadline frees two at most; the list may grow, and what does not fit stays due.
    if (ready_.size() + 2 > ready_.capacity() && !ready_.reserve(2 * ready_.capacity())) return;
    Unblocked freed;
    if (!deadlines_.expire_one(now, freed)) return;
    for (unsigned i = 0; i < freed.count; ++i)
      ready_.push(freed.waiters[i], kNoSlot, 0);
  }
}

void Netpoller::make_ready(Cookie cookie, PollDesc& desc, KernelBits bits) {
  const Slot slot = cookie_slot(cookie);
  const ModeSet modes = kNativeReadiness[bits];
  // The event's generation goes along: the error must not land on a successor.
  desc.info.set_event_error(bits == kError, cookie_generation(cookie));
  if (modes & kRead) {
    if (Waiter* waiter = desc.read.unblock(true)) ready_.push(waiter, slot, kRead);
  }
  if (modes & kWrite) {
    if (Waiter* waiter = desc.write.unblock(true)) ready_.push(waiter, slot, kWrite);
  }
  if (registers_edges()) return;
  desc.registration.wanted = static_cast<ModeSet>(desc.registration.wanted & ~modes);
  note_change(desc, slot);
}

void Netpoller::wake_freed(const Unblocked& freed) {
  for (unsigned i = 0; i < freed.count; ++i)
    call(freed.waiters[i]);
}

// The count goes down after the waiter can run, so that it never says "nobody" too early.
void Netpoller::call(Waiter* waiter) {
  ParkedWaiter* parked = as_parked(waiter);
  parked->ready(parked);
  waiters_.fetch_sub(1, std::memory_order_relaxed);
}

// ---- backends without edges: one-shot interest, armed by whoever waits ----

void Netpoller::arm(PollDesc& desc, Slot slot, ModeSet mode) {
  const MutexGuard guard(mutex_);
  if (desc.registration.wanted & mode) return;
  desc.registration.wanted = static_cast<ModeSet>(desc.registration.wanted | mode);
  if (may_change_now()) {
    apply(desc, slot);
    return;
  }
  note_change(desc, slot);
  poller_.wake();
}

void Netpoller::note_change(PollDesc& desc, Slot slot) {
  if (desc.registration.flags & kChanged) return;
  desc.registration.flags = static_cast<std::uint8_t>(desc.registration.flags | kChanged);
  desc.registration.next = first_change_;
  first_change_ = slot;
}

void Netpoller::apply(PollDesc& desc, Slot slot) {
  Registration& registration = desc.registration;
  const bool registered = (registration.flags & kRegistered) != 0;
  if (registers_edges()) {
    if (registered && registration.wanted == 0) poller_.remove(slot, kEverything);
    return;
  }
  const Interest from = level_interest(registration.kernel);
  const Interest to = level_interest(registration.wanted);
  if (to.modes == 0) {
    if (registered) poller_.remove(slot, from);
    registration.flags = static_cast<std::uint8_t>(registration.flags & ~kRegistered);
    registration.kernel = 0;
    return;
  }
  const int error = registered ? poller_.modify(slot, from, to) : poller_.add(slot, to);
  if (error != 0) return;
  registration.flags = static_cast<std::uint8_t>(registration.flags | kRegistered);
  registration.kernel = to.modes & kAllModes;
}

void Netpoller::apply_changes() {
  bool any = false;
  while (first_change_ != kNoSlot) {
    const Slot slot = first_change_;
    PollDesc& desc = poller_.cache().at(slot);
    first_change_ = desc.registration.next;
    desc.registration.flags = static_cast<std::uint8_t>(desc.registration.flags & ~kChanged);
    apply(desc, slot);
    any = true;
  }
  if (any) pthread_cond_broadcast(&changes_applied_);
}

// ---- fork ----

int Netpoller::after_fork() {
  new (&mutex_) Mutex;
  new (&changes_applied_) pthread_cond_t;
  pthread_cond_init(&changes_applied_, nullptr);
  led_ = false;
  followers_ = nullptr;
  first_change_ = kNoSlot;
  waiters_.store(0, std::memory_order_relaxed);
  const int error = poller_.reset(ResetReason::kForked);
  if (error != 0) return error;
  for (Slot slot = 1; slot < poller_.cache().end(); ++slot) {
    PollDesc& desc = poller_.cache().at(slot);
    if (desc.fd < 0) continue;
    // Whoever was parked was a thread of the parent.
    desc.read.clear();
    desc.write.clear();
    desc.registration = Registration{};
    if (registers_edges() && poller_.add(slot, kEverything) == 0) {
      desc.registration.flags = kRegistered;
    }
  }
  return 0;
}

}  // namespace netpoll
