/*
 * The demo's own server: a small HTTP/1.1 responder on bufferevents, as anybody might have written
 * it against libevent. Compiled with the distribution's headers and linked to the distribution's
 * library; the demo swaps ours in when it runs. Usage: demo-server PORT. It prints one line when it
 * listens, and ends on SIGTERM.
 */
#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char reply[] =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\nhello\n";

/* Every request ends with an empty line; a body is not expected. */
static void on_data(struct bufferevent* connection, void* context) {
  (void)context;
  struct evbuffer* input = bufferevent_get_input(connection);
  while (1) {
    struct evbuffer_ptr end = evbuffer_search(input, "\r\n\r\n", 4, NULL);
    if (end.pos < 0) return;
    evbuffer_drain(input, (size_t)end.pos + 4);
    bufferevent_write(connection, reply, sizeof reply - 1);
  }
}

static void on_event(struct bufferevent* connection, short what, void* context) {
  (void)context;
  if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) bufferevent_free(connection);
}

static void on_connection(struct evconnlistener* listener, evutil_socket_t fd,
                          struct sockaddr* peer, int length, void* context) {
  (void)peer;
  (void)length;
  (void)context;
  struct bufferevent* connection =
      bufferevent_socket_new(evconnlistener_get_base(listener), fd, BEV_OPT_CLOSE_ON_FREE);
  if (connection == NULL) {
    evutil_closesocket(fd);
    return;
  }
  bufferevent_setcb(connection, on_data, NULL, on_event, NULL);
  bufferevent_enable(connection, EV_READ | EV_WRITE);
}

static void on_signal(evutil_socket_t number, short what, void* base) {
  (void)number;
  (void)what;
  event_base_loopbreak(base);
}

int main(int argc, char** argv) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (argc != 2) return 2;
  address.sin_port = htons((unsigned short)atoi(argv[1]));
  struct event_base* base = event_base_new();
  struct event* term = event_new(base, SIGTERM, EV_SIGNAL | EV_PERSIST, on_signal, base);
  struct evconnlistener* listener =
      evconnlistener_new_bind(base, on_connection, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE,
                              128, (struct sockaddr*)&address, sizeof address);
  if (term == NULL || listener == NULL || event_add(term, NULL) != 0) {
    fprintf(stderr, "demo-server: cannot listen on port %s\n", argv[1]);
    return 1;
  }
  printf("listening on %s with libevent %s\n", argv[1], event_get_version());
  fflush(stdout);
  event_base_dispatch(base);
  evconnlistener_free(listener);
  event_free(term);
  event_base_free(base);
  return 0;
}
