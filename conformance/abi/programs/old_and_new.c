/* Names of libevent 1.4 and of 2.1 in one program, as old programs carried forward have them:
 * compiles without a warning with either set of headers, and linked with either library prints the
 * same. */
#include <evdns.h>
#include <event.h>
#include <event2/bufferevent_ssl.h>
#include <event2/listener.h>
#include <event2/thread.h>
#include <evhttp.h>
#include <evrpc.h>
#include <evutil.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>

struct request;
struct reply;
EVRPC_HEADER(Message, request, reply)

struct waiting {
  struct event event; /* embedded, as it always was */
  TAILQ_ENTRY(waiting) next;
};
TAILQ_HEAD(waiting_list, waiting);

static int fired;

static void on_timeout(evutil_socket_t fd, short what, void* argument) {
  (void)fd;
  fired += what == EV_TIMEOUT && argument != NULL;
}

static void old_names(struct event_base* base) {
  struct timeval soon = {0, 1};
  struct waiting one;
  memset(&one, 0, sizeof one);
  evtimer_set(&one.event, on_timeout, &one);
  event_base_set(base, &one.event);
  timeout_add(&one.event, &soon);
  printf("pending %d initialized %d\n", timeout_pending(&one.event, NULL) != 0,
         timeout_initialized(&one.event));
  event_base_loop(base, EVLOOP_ONCE);
  printf("fired %d descriptor %d\n", fired, EVENT_FD(&one.event));
  timeout_del(&one.event);
}

static void new_names(struct event_base* base) {
  struct event* timer = evtimer_new(base, on_timeout, event_self_cbarg());
  struct timeval soon;
  evutil_timerclear(&soon);
  evtimer_add(timer, &soon);
  event_base_dispatch(base);
  printf("fired %d version %s %x\n", fired, LIBEVENT_VERSION, (unsigned)LIBEVENT_VERSION_NUMBER);
  event_free(timer);
}

int main(void) {
  struct event_base* base = event_init();
  if (base == NULL) return 1;
  old_names(base);
  new_names(base);
  event_base_free(base);
  return 0;
}
