/* <sys/queue.h> before and after libevent's headers: its macros are whole either way. */
#include <event2/event_struct.h>
#include <event2/keyvalq_struct.h>

#include <sys/queue.h>

#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/rpc.h>
#include <event2/rpc_struct.h>

struct item {
  struct event event;
  LIST_ENTRY(item) next;
};
LIST_HEAD(item_list, item);

int is_empty(const struct item_list* list);
struct evkeyval* first_header(const struct evkeyvalq* headers);

int is_empty(const struct item_list* list) {
  return LIST_EMPTY(list);
}

struct evkeyval* first_header(const struct evkeyvalq* headers) {
  return TAILQ_FIRST(headers);
}
