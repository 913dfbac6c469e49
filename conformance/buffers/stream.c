/* The helpers that stream.h promises. */
#include "conformance/buffers/stream.h"

void tell(struct story* story, const char* format, ...) {
  va_list arguments;
  if (!story) return;
  if (story->used) story->text[story->used++] = ' ';
  va_start(arguments, format);
  int n = vsnprintf(story->text + story->used, sizeof story->text - story->used, format, arguments);
  va_end(arguments);
  story->used += (size_t)n;
  assert_true(story->used < sizeof story->text - 2);
}

void tell_read(struct bufferevent* bev, void* context) {
  struct teller* teller = context;
  ++teller->reads;
  tell(teller->story, "%s:read(%zu)", teller->name,
       evbuffer_get_length(bufferevent_get_input(bev)));
}

void tell_write(struct bufferevent* bev, void* context) {
  struct teller* teller = context;
  ++teller->writes;
  tell(teller->story, "%s:write(%zu)", teller->name,
       evbuffer_get_length(bufferevent_get_output(bev)));
}

void tell_event(struct bufferevent* bev, short what, void* context) {
  struct teller* teller = context;
  teller->last_error = EVUTIL_SOCKET_ERROR();
  (void)bev;
  ++teller->events;
  teller->last_event = what;
  tell(teller->story, "%s:event(0x%02x)", teller->name, (unsigned)what);
}

void listen_to(struct teller* teller, struct story* story, const char* name,
               struct bufferevent* bev) {
  memset(teller, 0, sizeof *teller);
  teller->story = story;
  teller->name = name;
  teller->bev = bev;
  bufferevent_setcb(bev, tell_read, tell_write, tell_event, teller);
}

struct bufferevent* socket_bev(struct event_base* base, int options, int* peer) {
  int pair[2];
  stream_pair(pair);
  struct bufferevent* bev = bufferevent_socket_new(base, pair[0], options);
  assert_non_null(bev);
  *peer = pair[1];
  return bev;
}

void assert_input(struct bufferevent* bev, const char* text) {
  struct evbuffer* input = bufferevent_get_input(bev);
  assert_text(input, text);
  assert_int_equal(evbuffer_drain(input, strlen(text)), 0);
}
