/*
 * Many faces, one implementation: whatever combination of SONAMEs a process brings together, and
 * however it loads them, there is one state behind them. Linked to all of libevent's names at once,
 * and to libev; once in either order (FIRST in the environment says which). Compiled against the
 * distribution's headers; says by the library's own behaviour where a call has landed.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>
#ifdef WITH_TLS
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#endif
#include <event2/event.h>
#include <event2/thread.h>
#include <pthread.h>

#include "conformance/harness/harness.h"
#include "conformance/swap/faces.h"

/* faces_ev.c: headers of the two libraries do not go together. One turn with a readable descriptor;
 * how often it was called. */
int turn_of_libev(int fd);

static void every_face_leads_to_the_same_functions(void** state) {
  (void)state;
  static const char* const names[] = {"event_base_new", "event_add", "event_set_mem_functions",
                                      "event_base_dispatch"};
  for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
    void* first = symbol(handle_of(faces[0], RTLD_NOW | RTLD_NOLOAD), names[n]);
    for (size_t i = 1; i < FACES; i++) {
      void* handle = handle_of(faces[i], RTLD_NOW | RTLD_NOLOAD);
      if (strcmp(faces[i], "libevent_extra-2.1.so.7") == 0 && dlsym(handle, names[n]) == NULL)
        continue;
      assert_ptr_equal(symbol(handle, names[n]), first);
    }
  }
}

static void hooks_set_through_one_face_serve_the_others(void** state) {
  (void)state;
  void (*set)(void* (*)(size_t), void* (*)(void*, size_t), void (*)(void*));
  set = (__typeof__(set))symbol(handle_of(faces[0], RTLD_NOW | RTLD_NOLOAD),
                                "event_set_mem_functions");
  set(count_allocation, count_reallocation, free);
  struct event_base* (*base_new)(void) =
      (__typeof__(base_new))symbol(handle_of(faces[1], RTLD_NOW | RTLD_NOLOAD), "event_base_new");
  struct event_base* base = base_new();
  assert_non_null(base);
  assert_true(allocations > 0);
  unsigned before = allocations;
  struct evbuffer* buffer = evbuffer_new();
  assert_true(allocations > before);
  evbuffer_free(buffer);
  event_base_free(base);
}

static struct event* woken;
static void* wake(void* context) {
  usleep(50000);
  event_active(woken, EV_TIMEOUT, 0);
  return context;
}
static void leave(evutil_socket_t fd, short what, void* base) {
  (void)fd;
  (void)what;
  event_base_loopbreak(base);
}

static void threads_enabled_through_the_pthreads_face_lock_bases_of_the_others(void** state) {
  (void)state;
  pthread_t thread;
  assert_int_equal(evthread_use_pthreads(), 0);
  struct event_base* base = event_base_new();
  woken = event_new(base, -1, 0, leave, base);
  assert_int_equal(pthread_create(&thread, NULL, wake, NULL), 0);
  /* Without a lock the base has nothing to be woken by, and would sleep on here. */
  assert_int_equal(event_base_loop(base, EVLOOP_NO_EXIT_ON_EMPTY), 0);
  pthread_join(thread, NULL);
  event_free(woken);
  event_base_free(base);
}

#ifdef WITH_TLS
static void tls_bufferevents_of_their_own_face_live_on_the_same_bases(void** state) {
  (void)state;
  struct event_base* base = event_base_new();
  struct bufferevent* plain = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
  /* Asks the core's structure for its kind, from the other library. */
  assert_null(bufferevent_openssl_get_ssl(plain));
  assert_ptr_equal(bufferevent_get_base(plain), base);
  bufferevent_free(plain);
  event_base_free(base);
}
#endif

/* ---- libevent and libev together
 * ------------------------------------------------------------------------------------------- */

static int libevent_calls;
static void on_libevent(evutil_socket_t fd, short what, void* context) {
  (void)fd;
  (void)what;
  (void)context;
  libevent_calls++;
}

static int readable_pipe(void) {
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  assert_int_equal(write(ends[1], "x", 1), 1);
  return ends[0];
}

/* By handle, because libev exports functions of the same names and may be first. */
#define LIBEVENT(name) \
  ((__typeof__(&name))symbol(handle_of(faces[0], RTLD_NOW | RTLD_NOLOAD), #name))

static void a_loop_of_each_library_in_one_process(void** state) {
  (void)state;
  int fd = readable_pipe();
  struct event_base* base = LIBEVENT(event_base_new)();
  struct event* event = LIBEVENT(event_new)(base, fd, EV_READ, on_libevent, NULL);
  assert_int_equal(LIBEVENT(event_add)(event, NULL), 0);
  assert_int_equal(turn_of_libev(fd), 1);
  assert_true(LIBEVENT(event_base_loop)(base, EVLOOP_ONCE) >= 0);
  assert_int_equal(libevent_calls, 1);
  assert_int_equal(turn_of_libev(fd), 1);
  LIBEVENT(event_free)(event);
  LIBEVENT(event_base_free)(base);
}

/* event_base_once makes an event inside the library, assigns, adds and frees it: by names that
 * libev has, too. */
static void calls_inside_libevent_are_not_led_astray_by_names_of_libev(void** state) {
  (void)state;
  struct event_base* base = LIBEVENT(event_base_new)();
  const struct timeval soon = {0, 1000};
  assert_int_equal(
      LIBEVENT(event_base_once)(base, readable_pipe(), EV_READ, on_libevent, NULL, NULL), 0);
  assert_int_equal(LIBEVENT(event_base_once)(base, -1, EV_TIMEOUT, on_libevent, NULL, &soon), 0);
  assert_true(LIBEVENT(event_base_dispatch)(base) >= 0);
  assert_int_equal(libevent_calls, 2);
  LIBEVENT(event_base_free)(base);
}

static void the_first_in_order_has_the_names_that_both_export(void** state) {
  (void)state;
  const char* first = getenv("FIRST");
  if (first == NULL) first = faces[0];
  assert_ptr_equal(dlsym(RTLD_DEFAULT, "event_init"),
                   symbol(handle_of(first, RTLD_NOW | RTLD_NOLOAD), "event_init"));
}

int main(int argc, char** argv) {
  static const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_face_leads_to_the_same_functions),
      cmocka_unit_test(hooks_set_through_one_face_serve_the_others),
      cmocka_unit_test(threads_enabled_through_the_pthreads_face_lock_bases_of_the_others),
#ifdef WITH_TLS
      cmocka_unit_test(tls_bufferevents_of_their_own_face_live_on_the_same_bases),
#endif
      cmocka_unit_test(a_loop_of_each_library_in_one_process),
      cmocka_unit_test(calls_inside_libevent_are_not_led_astray_by_names_of_libev),
      cmocka_unit_test(the_first_in_order_has_the_names_that_both_export),
  };
  return harness_main(argc, argv, tests, sizeof tests / sizeof tests[0]);
}
