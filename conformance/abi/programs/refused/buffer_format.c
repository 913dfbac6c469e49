/* -Wformat: so does the one that prints into a buffer. */
#include <event2/buffer.h>

int wrong(struct evbuffer* buffer) {
  return evbuffer_add_printf(buffer, "%s %d", "one", "two");
}
