/*
 * The sample legacy project: one source, as old programs are, that a Makefile, a configure script
 * and a CMakeLists.txt each build in their usual way. Two ends talk over a socket pair, a timer
 * ticks, another thread wakes the loop; then it says which library did it, and from which
 * file.
 */
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/thread.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct event_base* base;
static struct event* woken;
static int ticks, wakes;
static char answer[16];

static void on_tick(evutil_socket_t fd, short what, void* context) {
  (void)fd, (void)what, (void)context;
  if (++ticks == 3) event_base_loopexit(base, NULL);
}
static void on_wake(evutil_socket_t fd, short what, void* context) {
  (void)fd, (void)what, (void)context;
  wakes++;
}
static void* wake(void* context) {
  (void)context;
  event_active(woken, EV_TIMEOUT, 0);
  return NULL;
}
static void echo(evutil_socket_t fd, short what, void* context) {
  struct evbuffer* buffer = context;
  (void)what;
  if (evbuffer_read(buffer, fd, -1) > 0) evbuffer_write(buffer, fd);
}
static void collect(evutil_socket_t fd, short what, void* context) {
  struct evbuffer* buffer = context;
  (void)what;
  if (evbuffer_read(buffer, fd, -1) > 0) evbuffer_remove(buffer, answer, sizeof answer - 1);
}

static void print_libraries(void) {
  char line[4096], last[4096] = "";
  FILE* maps = fopen("/proc/self/maps", "r");
  while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
    char* file = strchr(line, '/');
    if (file == NULL || strcmp(file, last) == 0 || strstr(file, "/libevent") == NULL) continue;
    strcpy(last, file);
    printf("library %s", file);
  }
  if (maps != NULL) fclose(maps);
}

int main(void) {
  struct timeval tick = {0, 20000};
  struct event* readable[2];
  struct evbuffer* buffers[2];
  evutil_socket_t ends[2];
  pthread_t thread;
  if (evthread_use_pthreads() != 0 || (base = event_base_new()) == NULL) return 1;
  if (evutil_socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return 1;
  for (int i = 0; i < 2; i++) {
    evutil_make_socket_nonblocking(ends[i]);
    buffers[i] = evbuffer_new();
    readable[i] =
        event_new(base, ends[i], EV_READ | EV_PERSIST, i == 0 ? collect : echo, buffers[i]);
    event_add(readable[i], NULL);
  }
  struct event* timer = event_new(base, -1, EV_PERSIST, on_tick, NULL);
  woken = event_new(base, -1, 0, on_wake, NULL);
  event_add(timer, &tick);
  if (write(ends[0], "hello", 5) != 5) return 1;
  pthread_create(&thread, NULL, wake, NULL);
  event_base_dispatch(base);
  pthread_join(thread, NULL);
  printf("libevent %s: %d ticks, %d wakes, answer %s\n", event_get_version(), ticks, wakes, answer);
  print_libraries();
  for (int i = 0; i < 2; i++) {
    event_free(readable[i]);
    evbuffer_free(buffers[i]);
    evutil_closesocket(ends[i]);
  }
  event_free(timer);
  event_free(woken);
  event_base_free(base);
  return ticks == 3 && wakes == 1 && strcmp(answer, "hello") == 0 ? 0 : 1;
}
