/* What kernel_calls counts: one scenario, some number of times over, between two calls of the
 * kernel that do nothing but mark the beginning and the end.  Everything before the first mark is
 * preparation. kernel-calls-scenarios NAME COUNT      or no argument: the names */
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conformance/event/kernel_calls.h"

static struct event_base* base;
static struct event* reader;
static struct event* other;
static int pair[2];

static void open_pair(void) {
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0) abort();
}

static void read_byte(evutil_socket_t fd, short what, void* unused) {
  char byte;
  (void)unused;
  if (what & EV_READ && read(fd, &byte, 1) != 1) abort();
}

static void read_and_add_again(evutil_socket_t fd, short what, void* unused) {
  read_byte(fd, what, unused);
  event_add(reader, NULL);
}

static void nothing(evutil_socket_t fd, short what, void* unused) {
  (void)fd;
  (void)what;
  (void)unused;
}

static void make_ready(void) {
  if (write(pair[1], "x", 1) != 1) abort();
}

static void turn(void) {
  event_base_loop(base, EVLOOP_ONCE);
}

static void watch(short events, event_callback_fn callback, const struct timeval* timeout) {
  reader = event_new(base, pair[0], events, callback, NULL);
  event_add(reader, timeout);
}

static void a_persistent_read(int count) {
  if (count < 0) return watch(EV_READ | EV_PERSIST, read_byte, NULL);
  for (int i = 0; i < count; i++) {
    make_ready();
    turn();
  }
}

static void a_persistent_read_with_a_timeout(int count) {
  struct timeval minute = {60, 0};
  if (count < 0) return watch(EV_READ | EV_PERSIST, read_byte, &minute);
  for (int i = 0; i < count; i++) {
    make_ready();
    turn();
  }
}

static void a_one_shot_added_again_in_its_callback(int count) {
  if (count < 0) return watch(EV_READ, read_and_add_again, NULL);
  for (int i = 0; i < count; i++) {
    make_ready();
    turn();
  }
}

static void a_one_shot_added_again_between_loops(int count) {
  if (count < 0) return watch(EV_READ, read_byte, NULL);
  for (int i = 0; i < count; i++) {
    make_ready();
    turn();
    event_add(reader, NULL);
  }
}

static void deleted_and_added(int count) {
  if (count < 0) return watch(EV_READ | EV_PERSIST, read_byte, NULL);
  for (int i = 0; i < count; i++) {
    event_del(reader);
    event_add(reader, NULL);
    make_ready();
    turn();
  }
}

static void deleted_assigned_and_added(int count) {
  if (count < 0) return watch(EV_READ | EV_PERSIST, read_byte, NULL);
  for (int i = 0; i < count; i++) {
    event_del(reader);
    event_assign(reader, base, pair[0], EV_READ | EV_PERSIST, read_byte, NULL);
    event_add(reader, NULL);
    make_ready();
    turn();
  }
}

static void a_writer_added_and_deleted_beside_a_reader(int count) {
  if (count < 0) {
    watch(EV_READ | EV_PERSIST, read_byte, NULL);
    other = event_new(base, pair[0], EV_WRITE | EV_PERSIST, nothing, NULL);
    return;
  }
  for (int i = 0; i < count; i++) {
    event_add(other, NULL);
    turn();
    event_del(other);
    make_ready();
    turn();
  }
}

static void watch_with_many(void) {
  for (int i = 0; i < 8; i++)
    event_add(event_new(base, pair[0], EV_READ | EV_PERSIST, nothing, NULL), NULL);
}

static void a_writer_added_and_deleted_beside_a_crowd(int count) {
  if (count < 0) watch_with_many();
  a_writer_added_and_deleted_beside_a_reader(count);
}

static void one_of_a_crowd_deleted_and_added(int count) {
  if (count < 0) watch_with_many();
  deleted_and_added(count);
}

static void edges_read(int count) {
  if (count < 0) return watch(EV_READ | EV_PERSIST | EV_ET, read_byte, NULL);
  for (int i = 0; i < count; i++) {
    make_ready();
    turn();
  }
}

static void deleted_and_added_one_of_two_edges(int count) {
  if (count < 0) {
    watch(EV_READ | EV_PERSIST | EV_ET, read_byte, NULL);
    other = event_new(base, pair[0], EV_WRITE | EV_PERSIST | EV_ET, nothing, NULL);
    event_add(other, NULL);
    return;
  }
  for (int i = 0; i < count; i++) {
    event_del(other);
    event_add(other, NULL);
    make_ready();
    turn();
  }
}

static void connections_come_and_go(int count) {
  if (count < 0) return watch(EV_READ | EV_PERSIST, read_byte, NULL);
  for (int i = 0; i < count; i++) {
    event_del(reader);
    close(pair[0]);
    close(pair[1]);
    open_pair();
    event_assign(reader, base, pair[0], EV_READ | EV_PERSIST, read_byte, NULL);
    event_add(reader, NULL);
    make_ready();
    turn();
  }
}

static void timeouts_only(int count) {
  struct timeval soon = {0, 1000};
  if (count < 0) {
    reader = event_new(base, -1, 0, nothing, NULL);
    return;
  }
  for (int i = 0; i < count; i++) {
    event_add(reader, &soon);
    turn();
  }
}

static void timeouts_moved_but_never_due(int count) {
  struct timeval minute = {60, 0};
  if (count < 0) {
    reader = event_new(base, -1, 0, nothing, NULL);
    return;
  }
  for (int i = 0; i < count; i++) {
    event_add(reader, &minute);
    event_base_loop(base, EVLOOP_NONBLOCK);
  }
}

static void activations(int count) {
  if (count < 0) {
    reader = event_new(base, -1, 0, nothing, NULL);
    return;
  }
  for (int i = 0; i < count; i++) {
    event_active(reader, EV_READ, 1);
    event_base_loop(base, EVLOOP_NONBLOCK);
  }
}

static void signals_caught(int count) {
  if (count < 0) {
    reader = event_new(base, SIGUSR1, EV_SIGNAL | EV_PERSIST, nothing, NULL);
    event_add(reader, NULL);
    return;
  }
  for (int i = 0; i < count; i++) {
    raise(SIGUSR1);
    turn();
  }
}

static const struct {
  const char* name;
  void (*run)(int count); /* prepares when the count is negative */
} scenarios[] = {
    {"a persistent read", a_persistent_read},
    {"a persistent read with a timeout", a_persistent_read_with_a_timeout},
    {"a one-shot added again in its callback", a_one_shot_added_again_in_its_callback},
    {"a one-shot added again between loops", a_one_shot_added_again_between_loops},
    {"deleted and added", deleted_and_added},
    {"deleted, assigned and added", deleted_assigned_and_added},
    {"a writer added and deleted beside a reader", a_writer_added_and_deleted_beside_a_reader},
    {"a writer added and deleted beside a crowd", a_writer_added_and_deleted_beside_a_crowd},
    {"one of a crowd deleted and added", one_of_a_crowd_deleted_and_added},
    {"edges read", edges_read},
    {"deleted and added, one of two edges", deleted_and_added_one_of_two_edges},
    {"connections come and go", connections_come_and_go},
    {"timeouts only", timeouts_only},
    {"timeouts moved but never due", timeouts_moved_but_never_due},
    {"activations", activations},
    {"signals caught", signals_caught},
};

int main(int argc, char** argv) {
  size_t count = sizeof scenarios / sizeof scenarios[0];
  for (size_t i = 0; i < count; i++) {
    if (argc < 2) {
      puts(scenarios[i].name);
      continue;
    }
    if (argc < 3 || strcmp(argv[1], scenarios[i].name) != 0) continue;
    base = event_base_new();
    open_pair();
    scenarios[i].run(-1);
    /* The first rounds may still be preparation. */
    scenarios[i].run(3);
    kernel_calls_mark();
    scenarios[i].run(atoi(argv[2]));
    kernel_calls_mark();
    return 0;
  }
  return argc < 2 ? 0 : 2;
}
