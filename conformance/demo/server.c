/*
 * The demo's own server: a small HTTP/1.1 responder, written as programs of libevent's first ten
 * years were: each connection has an event for one reading, which its callback adds again, and a
 * buffer. Compiled with the distribution's headers and linked to the distribution's library; the
 * demo swaps ours in when it runs. Usage: demo-server PORT. Ends on SIGTERM.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char reply[] =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\nhello\n";

struct connection {
  struct event readable;
  struct event writable;
  struct evbuffer* input;
  struct evbuffer* output;
};

static void hang_up(struct connection* connection) {
  event_del(&connection->readable);
  event_del(&connection->writable);
  close(event_get_fd(&connection->readable));
  evbuffer_free(connection->input);
  evbuffer_free(connection->output);
  free(connection);
}

/* True unless the connection is lost. What the socket does not take now waits for it. */
static int send_output(struct connection* connection) {
  if (evbuffer_write(connection->output, event_get_fd(&connection->readable)) < 0 &&
      errno != EAGAIN)
    return 0;
  return evbuffer_get_length(connection->output) == 0 ||
         event_add(&connection->writable, NULL) == 0;
}

static void on_writable(evutil_socket_t fd, short what, void* context) {
  (void)fd;
  (void)what;
  if (!send_output(context)) hang_up(context);
}

/* Every request ends with an empty line; a body is not expected. */
static void on_readable(evutil_socket_t fd, short what, void* context) {
  struct connection* connection = context;
  (void)what;
  if (evbuffer_read(connection->input, fd, -1) <= 0) {
    hang_up(connection);
    return;
  }
  struct evbuffer_ptr end;
  while ((end = evbuffer_search(connection->input, "\r\n\r\n", 4, NULL)).pos >= 0) {
    evbuffer_drain(connection->input, (size_t)end.pos + 4);
    evbuffer_add(connection->output, reply, sizeof reply - 1);
  }
  if (!send_output(connection) || event_add(&connection->readable, NULL) != 0) hang_up(connection);
}

static void on_connection(evutil_socket_t listening, short what, void* base) {
  (void)what;
  int fd = accept(listening, NULL, NULL);
  if (fd < 0) return;
  struct connection* connection = calloc(1, sizeof *connection);
  if (connection == NULL || evutil_make_socket_nonblocking(fd) != 0) {
    free(connection);
    close(fd);
    return;
  }
  connection->input = evbuffer_new();
  connection->output = evbuffer_new();
  event_assign(&connection->readable, base, fd, EV_READ, on_readable, connection);
  event_assign(&connection->writable, base, fd, EV_WRITE, on_writable, connection);
  if (connection->input == NULL || connection->output == NULL ||
      event_add(&connection->readable, NULL) != 0)
    abort();
}

static void on_signal(evutil_socket_t number, short what, void* base) {
  (void)number;
  (void)what;
  event_base_loopbreak(base);
}

static int listen_on(const char* port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  address.sin_port = htons((unsigned short)atoi(port));
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0 || evutil_make_listen_socket_reuseable(fd) != 0 ||
      evutil_make_socket_nonblocking(fd) != 0)
    return -1;
  return bind(fd, (struct sockaddr*)&address, sizeof address) == 0 && listen(fd, 128) == 0 ? fd
                                                                                           : -1;
}

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  int listening = listen_on(argv[1]);
  struct event_base* base = event_base_new();
  struct event* term = event_new(base, SIGTERM, EV_SIGNAL | EV_PERSIST, on_signal, base);
  struct event* coming = event_new(base, listening, EV_READ | EV_PERSIST, on_connection, base);
  if (listening < 0 || term == NULL || coming == NULL || event_add(term, NULL) != 0 ||
      event_add(coming, NULL) != 0) {
    fprintf(stderr, "demo-server: cannot listen on port %s\n", argv[1]);
    return 1;
  }
  signal(SIGPIPE, SIG_IGN);
  event_base_dispatch(base);
  event_free(coming);
  event_free(term);
  event_base_free(base);
  return 0;
}
