/* What kernel_calls counts of bufferevents: servers that echo, and what listeners do. The clients'
 * own calls and their waiting are left out by marks, so that the figures are exact.
 * echo-calls NAME ROUNDS      or no argument: the names and the promises */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conformance/event/kernel_calls.h"

enum { most_clients = 50, message_size = 64 };

struct scenario {
  const char* name;
  int family, clients;
  double calls, registrations; /* promised for a round; below 0: nothing is */
  int filtered, reconnects, idle_turn;
};

/* A round is one message of each client. What is read in vain shows in a turn with nothing to do.
 */
static const struct scenario scenarios[] = {
    {"echo of 64 bytes, 1 connection", AF_INET, 1, 3, 0, 0, 0, 0},
    {"echo of 64 bytes, 50 connections", AF_INET, 50, 2.1 * 50, 0, 0, 0, 0},
    {"echo of 64 bytes, 50 connections, and an idle turn", AF_INET, 50, 2.1 * 50, 0, 0, 0, 1},
    {"echo of 64 bytes through a filter, 50 connections", AF_INET, 50, 2.1 * 50, 0, 1, 0, 0},
    {"echo of 64 bytes, 1 local connection, and an idle turn", AF_UNIX, 1, 4, 0, 0, 0, 1},
    {"echo of 64 bytes, 50 local connections, and an idle turn", AF_UNIX, 50, 2.1 * 50, 0, 0, 0, 1},
    {"accept, echo of 64 bytes, close", AF_INET, 1, -1, -1, 0, 1, 0},
};

static struct event_base* base;
static struct evconnlistener* listener;
static struct sockaddr_in address;
static int clients[most_clients], servers[most_clients], opened, closed, answered, counting;
static const struct scenario* scenario;

static void need(int holds) {
  if (!holds) abort();
}

static void echo(struct bufferevent* bev, void* unused) {
  (void)unused;
  bufferevent_write_buffer(bev, bufferevent_get_input(bev));
}

/* A write callback of a filter comes before the bytes have left. */
static void note_answer(struct evbuffer* output, const struct evbuffer_cb_info* info,
                        void* unused) {
  (void)output, (void)unused;
  if (info->n_deleted) answered++;
}

static void close_server(struct bufferevent* bev, short what, void* unused) {
  (void)what, (void)unused;
  bufferevent_free(bev);
  closed++;
}

static void serve(int fd) {
  servers[opened++ % most_clients] = fd;
  struct bufferevent* bev = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
  need(bev != NULL);
  evbuffer_add_cb(bufferevent_get_output(bev), note_answer, NULL);
  if (scenario->filtered) bev = bufferevent_filter_new(bev, NULL, NULL, 0, NULL, NULL);
  need(bev != NULL);
  bufferevent_setcb(bev, echo, NULL, close_server, NULL);
  bufferevent_enable(bev, EV_READ);
}

static void serve_accepted(struct evconnlistener* from, evutil_socket_t fd, struct sockaddr* peer,
                           int size, void* unused) {
  (void)from, (void)peer, (void)size, (void)unused;
  serve(fd);
}

static void await_input(int fd) {
  struct pollfd ready = {fd, POLLIN, 0};
  need(poll(&ready, 1, 10000) == 1);
}

/* Turns of the loop, which are counted, until so many things have happened. */
static void turn_until(const int* happened, int times) {
  if (counting) kernel_calls_mark();
  while (*happened < times)
    event_base_loop(base, EVLOOP_ONCE);
  if (scenario->idle_turn) event_base_loop(base, EVLOOP_NONBLOCK);
  if (counting) kernel_calls_mark();
}

static int dial(void) {
  int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
  need(connect(fd, (struct sockaddr*)&address, sizeof address) == 0);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

static void open_clients(void) {
  for (int i = 0; i < scenario->clients; i++) {
    if (scenario->family == AF_UNIX) {
      int pair[2];
      need(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
      evutil_make_socket_nonblocking(pair[0]);
      clients[i] = pair[1];
      serve(pair[0]);
    } else {
      clients[i] = dial();
      while (opened <= i)
        event_base_loop(base, EVLOOP_ONCE);
    }
  }
}

static void exchange(void) {
  char bytes[message_size];
  memset(bytes, 'x', sizeof bytes);
  for (int i = 0; i < scenario->clients; i++)
    need(write(clients[i], bytes, sizeof bytes) == sizeof bytes);
  for (int i = 0; i < scenario->clients; i++)
    if (!scenario->reconnects) await_input(servers[i]);
  answered = 0;
  turn_until(&answered, scenario->clients);
  for (int i = 0; i < scenario->clients; i++) {
    await_input(clients[i]);
    need(read(clients[i], bytes, sizeof bytes) == sizeof bytes);
  }
}

static void reconnect(void) {
  clients[0] = dial();
  await_input(evconnlistener_get_fd(listener));
  exchange();
  close(clients[0]);
  await_input(servers[(opened - 1) % most_clients]);
  closed = 0;
  turn_until(&closed, 1);
}

static void listen_on_loopback(void) {
  socklen_t size = sizeof address;
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  listener = evconnlistener_new_bind(base, serve_accepted, NULL, LEV_OPT_CLOSE_ON_FREE, 64,
                                     (struct sockaddr*)&address, sizeof address);
  need(listener != NULL);
  need(getsockname(evconnlistener_get_fd(listener), (struct sockaddr*)&address, &size) == 0);
}

static void run(int rounds) {
  base = event_base_new();
  listen_on_loopback();
  if (!scenario->reconnects) open_clients();
  /* The first rounds may still be preparation. */
  for (int i = -3; i < rounds; i++) {
    counting = i >= 0;
    if (scenario->reconnects)
      reconnect();
    else
      exchange();
  }
}

int main(int argc, char** argv) {
  for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++) {
    scenario = &scenarios[i];
    if (argc < 2 && scenario->calls < 0) puts(scenario->name);
    if (argc < 2 && scenario->calls >= 0)
      printf("%s\t%g\t%g\n", scenario->name, scenario->calls, scenario->registrations);
    if (argc < 3 || strcmp(argv[1], scenario->name) != 0) continue;
    run(atoi(argv[2]));
    return 0;
  }
  return argc < 2 ? 0 : 2;
}
