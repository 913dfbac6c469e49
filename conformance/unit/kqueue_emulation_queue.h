// One emulated kqueue: its knotes, how they change and what they report. Called by
// kqueue_emulation.cc with the lock held; knows no numbers of queues and does not sleep.
#pragma once

#include <sys/event.h>

#include <cstdint>

namespace kqueue_emulation {

using Nanoseconds = std::int64_t;

struct Knote {
  struct kevent wanted;
  bool disabled;
  bool in_epoll;  // READ and WRITE of what epoll can watch
  bool active;    // the others: to be reported
  Nanoseconds due, period;
};

struct Queue {
  int references;
  int readers, writers;  // epoll sets
  int bell;              // an eventfd that is rung when something else became active
  unsigned turn;
  Knote* knotes;
  int count, room;
};

// 0, or the errno that the change is answered with.
int apply_change(Queue& queue, const struct kevent& change);

// Takes up to `room` events without sleeping. Returns how many.
int harvest(Queue& queue, struct kevent* events, int room);

// When a wait has to look again although no descriptor stirred: at `deadline`, or before.
Nanoseconds next_look(const Queue& queue, Nanoseconds deadline);

// The descriptor is about to be closed.
void forget_descriptor(Queue& queue, int fd);

Nanoseconds now();

}  // namespace kqueue_emulation
