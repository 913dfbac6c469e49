/* The helpers that turns.h promises. */
#include "conformance/buffers/turns.h"

#include <netinet/tcp.h>
#include <poll.h>
#include <time.h>

struct event_base* new_base(void) {
  signal(SIGPIPE, SIG_IGN);
  struct event_base* base = event_base_new();
  assert_non_null(base);
  return base;
}

void run_ready(struct event_base* base) {
  for (int i = 0; i < 12; ++i)
    event_base_loop(base, EVLOOP_NONBLOCK);
}

double seconds_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void tick(evutil_socket_t fd, short what, void* arg) {
  (void)fd, (void)what, (void)arg;
}

static void run_while(struct event_base* base, const int* condition, double seconds) {
  struct timeval five = {0, 5000};
  struct event* ticker = event_new(base, -1, EV_PERSIST, tick, NULL);
  event_add(ticker, &five);
  double end = seconds_now() + seconds;
  while ((!condition || !*condition) && seconds_now() < end)
    event_base_loop(base, EVLOOP_ONCE);
  event_free(ticker);
}

void run_until(struct event_base* base, const int* condition) {
  run_while(base, condition, 10);
  if (!*condition) fail_msg("%s", "waited for ten seconds in vain");
}

void run_for(struct event_base* base, int milliseconds) {
  run_while(base, NULL, milliseconds / 1000.0);
}

void send_text(int descriptor, const char* text) {
  assert_int_equal(send(descriptor, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

void assert_received(int descriptor, const char* text) {
  char got[70000];
  size_t used = 0;
  ssize_t n;
  struct pollfd ready = {descriptor, POLLIN, 0};
  while (used < strlen(text) && poll(&ready, 1, 2000) == 1 &&
         (n = read(descriptor, got + used, sizeof got - 1 - used)) > 0)
    used += (size_t)n;
  n = recv(descriptor, got + used, 100, MSG_DONTWAIT);
  if (n > 0) used += (size_t)n;
  got[used] = 0;
  assert_string_equal(got, text);
}

size_t clog_socket(int descriptor) {
  char bytes[4096];
  size_t sum = 0;
  ssize_t n;
  memset(bytes, '#', sizeof bytes);
  while ((n = send(descriptor, bytes, sizeof bytes, MSG_NOSIGNAL | MSG_DONTWAIT)) > 0)
    sum += (size_t)n;
  return sum;
}

void drain_descriptor(int descriptor) {
  char bytes[65536];
  while (recv(descriptor, bytes, sizeof bytes, MSG_DONTWAIT) > 0) {
  }
}

int tcp_listener(struct sockaddr_in* address) {
  socklen_t length = sizeof *address;
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  memset(address, 0, sizeof *address);
  address->sin_family = AF_INET;
  address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  assert_int_equal(bind(listener, (struct sockaddr*)address, sizeof *address), 0);
  assert_int_equal(listen(listener, 64), 0);
  assert_int_equal(getsockname(listener, (struct sockaddr*)address, &length), 0);
  return listener;
}

void tcp_pair(int pair[2]) {
  struct sockaddr_in address;
  int listener = tcp_listener(&address), on = 1;
  pair[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(connect(pair[0], (struct sockaddr*)&address, sizeof address), 0);
  pair[1] = accept(listener, NULL, NULL);
  assert_true(pair[1] >= 0);
  close(listener);
  for (int i = 0; i < 2; ++i) {
    evutil_make_socket_nonblocking(pair[i]);
    setsockopt(pair[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
}
