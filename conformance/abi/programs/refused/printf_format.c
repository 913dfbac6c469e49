/* -Wformat: the printf-like functions check their arguments. */
#include <event2/buffer.h>
#include <event2/util.h>

int wrong(char* buffer, size_t size) {
  return evutil_snprintf(buffer, size, "%d", "no number");
}
