// The random steps of the torture: what happens to the descriptors, and what the front end says to
// the table. Each keeps the book of what the oracle may expect; it judges nothing.
#include <cerrno>

#include "conformance/unit/torture.h"

namespace torture {

using namespace netpoll;

void Torture::take_step() {
  const int number = any_number();
  switch (random_.below(34)) {
    case 0:
    case 1:
      return replace(number);
    case 2:
      return close_behind_its_back(number);
    case 3:
      return close_politely(number);
    case 4:
      return duplicate(number);
    case 5:
      return random_.one_in(2) ? keep_open(number) : come_back(number);
    case 6:
    case 7:
    case 8:
    case 9:
      return write_far();
    case 10:
    case 11:
    case 12:
      return read_near(number);
    case 13:
      return fill_near(number);
    case 14:
    case 15:
      return drain_far();
    case 16:
      return random_.one_in(4) ? hang_up() : write_far();
    case 17:
    case 18:
    case 19:
    case 20:
      return state_demand(number);
    case 21:
    case 22:
      return withdraw_demand(number);
    case 23:
      return random_.one_in(2) ? remember(number) : forget(number);
    case 24:
      return rare_step();
    case 25:
    case 26:
      return watches_[number].held ? release(number, random_.one_in(2)) : hold(number);
    default:
      return turn(random_.one_in(3));
  }
}

void Torture::rare_step() {
  if (random_.one_in(40)) return fork_child();
  if (random_.one_in(20)) return end_child();
  if (random_.one_in(40)) return reset(ResetReason::kForked);
  if (random_.one_in(40)) return reset(ResetReason::kZombies);
  if (random_.one_in(4)) return distrust_departed();
  log("drop holder", kNone);
  world_.drop_holder();
}

void Torture::speak() {
  const int number = any_number();
  switch (random_.below(8)) {
    case 0:
      return withdraw_demand(number);
    case 1:
      return remember(number);
    case 2:
      return forget(number);
    case 3:
    case 4:
      return watches_[number].held ? release(number, random_.one_in(2)) : hold(number);
    case 5:
      return hand_over(number);
    default:
      return state_demand(number);
  }
}

// ---- the world ----

// After every change of the world: what became ready is an edge, and whatever happens on a
// channel is reason enough for one.
void Torture::look_around(int channel, ModeSet fresh) {
  ModeSet before[kNumbers];
  for (int i = 0; i < kNumbers; ++i)
    before[i] = world_.is_open(i) ? ready(i) : ModeSet{0};
  world_.ask();
  for (int i = 0; i < kNumbers; ++i) {
    if (!world_.is_open(i)) continue;
    Watch& watch = watches_[i];
    const bool stirred = channel == kNone || world_.channel_of(i) == channel;
    unsigned due = watch.due | unsigned(ready(i) & ~before[i]);
    if (stirred) {
      due |= fresh;
      watch.allowed = kBoth;
    }
    watch.due = modes(due);
  }
}

void Torture::changed_hands(int number) {
  watches_[number].replaced = true;
  world_.ask();
}

void Torture::replace(int number) {
  let_go(number);
  log("open", number);
  world_.open(number, true);
  const int channel = world_.channel_of(number);
  log("  is", number, kChannel + channel);
  changed_hands(number);
}

void Torture::close_behind_its_back(int number) {
  if (!world_.is_open(number)) return;
  let_go(number);
  log("close", number);
  world_.close(number);
  changed_hands(number);
}

void Torture::close_politely(int number) {
  if (!world_.is_open(number)) return;
  if (random_.one_in(2)) {
    withdraw_demand(number);
    close_behind_its_back(number);
  } else {
    close_behind_its_back(number);
    withdraw_demand(number);
  }
}

void Torture::duplicate(int number) {
  const int other = any_number();
  if (other == number || !world_.is_open(number)) return;
  if (random_.one_in(2)) keep_open(other);
  let_go(other);
  log("dup2", number, kNumber + other);
  world_.duplicate(number, other);
  changed_hands(other);
}

void Torture::come_back(int number) {
  if (random_.one_in(2)) keep_open(number);
  if (!world_.can_return(number)) return;
  let_go(number);
  log("come back", number);
  world_.come_back(number);
  changed_hands(number);
}

void Torture::keep_open(int number) {
  if (!world_.is_open(number)) return;
  log("keep open", number);
  world_.hold(number);
}

void Torture::write_far() {
  const int channel = random_.below(kChannels);
  log("write far", kChannel + channel);
  const bool written = world_.write_far(channel);
  look_around(channel, written ? kRead : ModeSet{0});
}

void Torture::read_near(int number) {
  if (!world_.is_open(number)) return;
  log("read", number);
  world_.read_near(number);
  look_around(world_.channel_of(number));
}

void Torture::fill_near(int number) {
  if (!world_.is_open(number)) return;
  log("fill", number);
  world_.fill_near(number);
  look_around(world_.channel_of(number));
}

void Torture::drain_far() {
  const int channel = random_.below(kChannels);
  log("drain far", kChannel + channel);
  world_.drain_far(channel);
  look_around(channel);
}

void Torture::hang_up() {
  const int channel = random_.below(kChannels);
  log("hang up", kChannel + channel);
  world_.hang_up(channel);
  look_around(channel);
}

void Torture::fork_child() {
  log("fork", kNone);
  world_.fork_child();
  look_around(kNone);
}

void Torture::end_child() {
  log("end child", kNone);
  world_.end_child();
  look_around(kNone);
}

void Torture::reset(ResetReason reason) {
  log("reset", kNone, static_cast<int>(reason));
  if (table_.reset(reason) != 0) give_up("reset failed", kNone);
  allow_all_edges();
}

void Torture::allow_all_edges() {
  for (Watch& watch : watches_)
    watch.allowed = kBoth;
}

// ---- what the front end says ----

void Torture::state_demand(int number) {
  Watch& watch = watches_[number];
  const bool open = world_.is_open(number);
  Demand demand;
  demand.modes = modes(static_cast<unsigned>(1 + random_.below(3)));
  demand.edge = plan_.edges && random_.one_in(2);
  if (demand.edge && random_.one_in(2)) demand.prepaid = kBoth;
  if (demand.edge && demand.prepaid == 0) demand.exact = random_.one_in(2);
  const std::uintptr_t waiter = ++last_waiter_ * 64 + static_cast<unsigned>(number);
  demand.waiter = reinterpret_cast<Waiter*>(waiter);
  const bool same = (!watch.replaced || watch.distrusted) && random_.one_in(2);
  const int details = (same ? 100 : 0) + (demand.prepaid != 0 ? 10 : 0) + (demand.exact ? 20 : 0);
  log(demand.edge ? "demand edge" : "demand", number, demand.modes + details);
  // What is put off until the wait is over can not fail yet.
  const bool put_off = waiting_ && !subject_.ops->traits.concurrent;
  const int refusal = expected_error(number);
  const Identity identity = same ? Identity::kSame : Identity::kUnknown;
  // A front end that has put its changes off does not speak while somebody waits.
  const bool settles = plan_.laid_back && !demand.edge && !waiting_ && random_.one_in(2);
  const int fd = World::fd_of(number);
  const int error = settles ? table_.settle_demand(fd, demand.waiter, demand.modes, identity)
                            : table_.set_demand(fd, demand, identity);
  if (error != (put_off ? 0 : refusal)) {
    log("answered", number, error);
    give_up("the wrong answer to a demand", number);
  }
  if (error != 0) {
    // The old demand is still in force, for what it is worth.
    if (watch.hopeless || random_.one_in(2)) withdraw_demand(number);
    return;
  }
  watch.waiter = waiter;
  watch.wanted = demand.modes;
  watch.edge = demand.edge && subject_.ops->traits.edge;
  // Asked anew, the kernel reports everything that is ready.
  if (!same || watch.replaced || (watch.edge && !watch.told_edge)) watch.due = kBoth;
  if (!put_off && !plan_.laid_back) watch.told_edge = watch.edge;
  watch.allowed = kBoth;
  watch.replaced = watch.distrusted = false;
  watch.trusted = same;
  watch.hopeless = !open || refusal != 0;
  watch.interrupted = waiting_;
}

// Somebody else speaks for the descriptor, and wants the same.
void Torture::hand_over(int number) {
  Watch& watch = watches_[number];
  if (watch.wanted == 0 || watch.edge) return;
  watch.waiter = ++last_waiter_ * 64 + static_cast<unsigned>(number);
  log("hand over", number);
  table_.hand_over(World::fd_of(number), reinterpret_cast<Waiter*>(watch.waiter));
}

int Torture::expected_error(int number) {
  if (is("stub")) return EPERM;
  if (plan_.laid_back || !subject_.ops->traits.forgets_closed) return 0;
  if (!world_.is_open(number)) return EBADF;
  return world_.kind_of(number) == Kind::kRegularFile && is("epoll") ? EPERM : 0;
}

void Torture::withdraw_demand(int number) {
  Watch& watch = watches_[number];
  log("withdraw", number);
  const int fd = World::fd_of(number);
  if (watch.held || random_.one_in(2)) {
    table_.lower_demand(fd, {});
  } else {
    const Identity identity = watch.replaced ? Identity::kUnknown : Identity::kSame;
    if (table_.set_demand(fd, {}, identity) != 0) give_up("withdrawal failed", number);
  }
  watch.wanted = 0;
  watch.waiter = 0;
  watch.interrupted = waiting_;
}

// A reader or writer that stopped early. What it leaves behind is for whoever comes next.
void Torture::remember(int number) {
  Watch& watch = watches_[number];
  if (!watch.edge || watch.replaced) return;
  const ModeSet left = watch.wanted != 0 && random_.one_in(2)
                           ? watch.wanted
                           : modes(static_cast<unsigned>(1 + random_.below(3)));
  log("remember", number, left);
  table_.remember(World::fd_of(number), left);
  watch.due = modes(watch.due | unsigned{left});
  watch.allowed = kBoth;
  watch.interrupted = waiting_;
}

// One that went on until there was nothing more.
void Torture::forget(int number) {
  Watch& watch = watches_[number];
  if (!watch.edge || watch.replaced || !world_.is_open(number)) return;
  const ModeSet done = modes(unsigned{kBoth} & ~unsigned{ready(number)});
  if (done == 0) return;
  log("forget", number, done);
  table_.forget(World::fd_of(number), done);
  watch.due = modes(watch.due & ~unsigned{done});
}

// Its holder vouches from here on that the number keeps its meaning.
void Torture::hold(int number) {
  Watch& watch = watches_[number];
  if (!world_.is_open(number)) return;
  log("hold", number);
  if (table_.hold(World::fd_of(number)) != 0) give_up("holding failed", number);
  watch.held = true;
}

void Torture::release(int number, bool closing) {
  Watch& watch = watches_[number];
  if (!watch.held) return;
  log("release", number, closing);
  table_.release(World::fd_of(number), closing);
  watch.held = false;
  watch.interrupted = waiting_;
  if (closing) close_behind_its_back(number);
}

// Before a held number changes hands. That it is about to be closed may be said or not.
void Torture::let_go(int number) {
  Watch& watch = watches_[number];
  if (!watch.held) return;
  const bool closing = random_.one_in(2);
  log("let go", number, closing);
  table_.release(World::fd_of(number), closing);
  watch.held = false;
  watch.interrupted = waiting_;
}

// The front end will not look for a while: what nobody watches by now may be anything after that.
// A table that keeps registrations relies on news of every file instead.
void Torture::distrust_departed() {
  if (plan_.laid_back) return;
  log("distrust departed", kNone);
  table_.distrust_departed();
  for (Watch& watch : watches_)
    watch.distrusted = watch.wanted == 0 && !watch.held;
}

}  // namespace torture
