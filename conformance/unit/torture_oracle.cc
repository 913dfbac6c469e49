// The oracle of the torture: after each turn nobody may have been told of another's readiness,
// everybody of his own, and a loop with nothing to do must not spin. The truth is poll(2)'s.
#include <poll.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "conformance/harness/harness.h"
#include "conformance/unit/torture.h"

namespace torture {

using namespace netpoll;

// ---- what is observed ----

ObservedBackend::ObservedBackend(const BackendOps& real) : ops_(real) {
  real_ = &real;
  ops_.add = [](Backend* backend, int fd, Cookie cookie, Interest interest) {
    disturbed_ |= waiting_;
    return real_->add(backend, fd, cookie, interest);
  };
  ops_.modify = [](Backend* backend, int fd, Cookie cookie, Interest from, Interest to) {
    disturbed_ |= waiting_;
    const int number = World::number_of(fd);
    if (number >= 0 && number < kNumbers) modified_[number] = true;
    return real_->modify(backend, fd, cookie, from, to);
  };
  ops_.remove = [](Backend* backend, int fd, Interest from) {
    disturbed_ |= waiting_;
    return real_->remove(backend, fd, from);
  };
}

bool Torture::is(const char* backend) const {
  return std::strcmp(subject_.ops->traits.name, backend) == 0;
}

void Torture::give_up(const char* why, int number) {
  std::fprintf(stderr, "TORTURE_SEED=%llu, step %d, number %d: %s\n",
               static_cast<unsigned long long>(seed_), step_, number, why);
  const int channel = number != kNone ? world_.channel_of(number) : kNone;
  for (int i = 0; i < kHistory; ++i) {
    const Step& step = history_[(history_end_ + i) % kHistory];
    if (step.what == nullptr) continue;
    if (number == kNone || step.subject == number || step.subject == kNone ||
        step.subject == kChannel + channel || step.detail == kNumber + number)
      std::fprintf(stderr, "  %-18s %3d  %d\n", step.what, step.subject, step.detail);
  }
  if (number != kNone) {
    const Watch& watch = watches_[number];
    std::fprintf(stderr, "  wanted %d edge %d replaced %d due %d allowed %d revents %x kind %d\n",
                 watch.wanted, watch.edge, watch.replaced, watch.due, watch.allowed,
                 static_cast<unsigned>(world_.revents(number)),
                 world_.is_open(number) ? static_cast<int>(world_.kind_of(number)) : -1);
  }
  fail_msg("%s/%s: %s", subject_.label, plan_.name, why);
  std::abort();
}

void Torture::log(const char* what, int subject, int detail) {
  history_[history_end_] = {what, subject, detail};
  history_end_ = (history_end_ + 1) % kHistory;
}

// ---- the truth, in the words of the native readiness map ----

// What has to be reported, level-triggered, of an open number that is watched for everything.
ModeSet Torture::ready(int number) const {
  const short revents = world_.revents(number);
  if (is("kqueue") && world_.kind_of(number) == Kind::kRegularFile)
    return kWrite;  // empty: at its end
  unsigned result = 0;
  if (revents & (POLLIN | POLLHUP | POLLERR)) result |= kRead;
  if (revents & (POLLOUT | POLLERR)) result |= kWrite;
  if ((revents & POLLHUP) && !is("select")) result |= kWrite;
  return modes(result);
}

// What the table reports in every turn, edge or not, because the kernel can not watch it.
ModeSet Torture::always_ready(int number) const {
  return plan_.laid_back && world_.kind_of(number) == Kind::kRegularFile ? kBoth : ModeSet{0};
}

// What no edge will tell of again.
bool Torture::has_ended(int number) const {
  return (world_.revents(number) & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

// What may be reported beyond that.
ModeSet Torture::arguable(int number) const {
  const bool end = (world_.revents(number) & (POLLHUP | POLLRDHUP)) != 0;
  return is("kqueue") && end ? kBoth : ModeSet{0};
}

// ---- a turn of the loop ----

void Torture::turn(bool may_sleep) {
  log("turn", kNone, may_sleep);
  ++turns_;
  for (Watch& watch : watches_)
    watch.interrupted = false;
  const std::uint64_t rebuilds = counters().rebuilds;
  table_.reconcile(may_sleep);
  if (counters().rebuilds != rebuilds) allow_all_edges();
  for (int number = 0; number < kNumbers; ++number) {
    Watch& watch = watches_[number];
    if (backend_.take_modified(number)) watch.allowed = kBoth;
    if (watch.wanted != 0) watch.told_edge = watch.edge;
  }
  wait();
  report_ = {};
  report_.events = poller_.event_count();
  report_.complete = report_.events < static_cast<int>(poller_.event_capacity());
  ready_.clear();
  table_.visit_ready(ready_);
  note_owners();
  for (int number = 0; number < kNumbers; ++number)
    check(number);
  for (int number = 0; number < kNumbers; ++number) {
    if (may_sleep && !watches_[number].interrupted) watches_[number].trusted = false;
    react(number);
  }
}

// Another thread may speak to the table before the kernel has looked, and after.
void Torture::wait() {
  const bool interrupted = !resting_ && random_.one_in(8);
  poller_.begin_wait(interrupted ? -1 : 0);
  if (interrupted) interrupt();
  if (poller_.wait(0) != 0) give_up("the wait failed", kNone);
  if (interrupted && random_.one_in(2)) interrupt();
  poller_.finish_wait();
}

void Torture::interrupt() {
  ++interruptions_;
  log("during the wait", kNone);
  waiting_ = true;
  backend_.set_waiting(true);
  const int steps = 1 + random_.below(4);
  for (int i = 0; i < steps; ++i)
    speak();
  waiting_ = false;
  backend_.set_waiting(false);
  if (backend_.was_disturbed()) give_up("a backend was told something while it waits", kNone);
}

void Torture::note_owners() {
  for (const netpoll::test::Ready& entry : ready_) {
    const auto waiter = reinterpret_cast<std::uintptr_t>(entry.waiter);
    const int number = static_cast<int>(waiter % 64);
    if (number >= kNumbers || watches_[number].waiter != waiter)
      give_up("delivered to a waiter that is gone", number < kNumbers ? number : kNone);
    if (entry.fd != World::fd_of(number)) give_up("delivered with the number of another", number);
    if ((entry.modes & ~(watches_[number].wanted | kInvalid)) != 0)
      give_up("delivered what was not wanted", number);
    log("told", number, entry.modes);
    report_.modes[number] = modes(report_.modes[number] | unsigned{entry.modes});
    ++report_.waiters;
    ++delivered_;
  }
}

void Torture::check(int number) {
  const Watch& watch = watches_[number];
  const ModeSet reported = report_.modes[number];
  if (table_.held(World::fd_of(number)) != watch.held) give_up("held, or not, by mistake", number);
  if (watch.wanted == 0 || watch.replaced) return;
  if (watch.hopeless) {
    if (!(reported & kInvalid) && !watch.interrupted) give_up("not told that it is closed", number);
    return;
  }
  if (reported & kInvalid) give_up("told that it is closed", number);
  const bool all = report_.complete && !watch.interrupted;
  const unsigned missing = ready(number) & unsigned{watch.wanted} & ~unsigned{reported};
  if (watch.edge) {
    if (reported & ~watch.allowed & ~always_ready(number))
      give_up("an edge without a reason", number);
    if (all && (watch.due & missing) != 0) give_up("an edge was lost", number);
    if (table_.end_seen(World::fd_of(number)) && !has_ended(number))
      give_up("an end was seen where there is none", number);
  } else {
    if (reported & ~(ready(number) | arguable(number))) give_up("not ready at all", number);
    if (all && missing != 0) give_up("readiness was lost", number);
  }
}

void Torture::react(int number) {
  Watch& watch = watches_[number];
  const ModeSet reported = report_.modes[number];
  if (reported != 0 && (watch.replaced || (reported & kInvalid))) {
    if (resting_ || random_.one_in(2)) {
      withdraw_demand(number);
    } else {
      state_demand(number);
    }
    return;
  }
  watch.due = modes(watch.due & ~unsigned{reported});
  if (world_.is_open(number)) watch.due = modes(watch.due & unsigned{ready(number)});
  if (report_.complete && !watch.trusted && !watch.interrupted) watch.allowed = 0;
}

// Left alone, the loop comes to rest: each event that the kernel still reports then is one that
// somebody wants.
void Torture::settle() {
  resting_ = true;
  for (int i = 0; i < kTurnsToRest; ++i)
    turn(true);
  resting_ = false;
  if (report_.complete && report_.waiters < report_.events)
    give_up("events in vain, turn after turn", kNone);
  if (plan_.laid_back) return;
  std::uint32_t needed = 0;
  for (const Watch& watch : watches_)
    needed += watch.wanted != 0 || watch.held;
  if (table_.watched() != needed) give_up("a descriptor that nobody needs is still known", kNone);
}

}  // namespace torture
