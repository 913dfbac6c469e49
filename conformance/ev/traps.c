/*
 * What real programs do to a libev they are linked with: hold a copy of ev_default_loop_ptr,
 * because they are not position-independent, and bring functions of their own under names that the
 * library exports too. This suite is such a program. (A timer set while active, and `repeat`
 * written directly, are in timer_test.c.)
 */
#include <dlfcn.h>
#include <ev.h>
#include <string.h>

#include "conformance/harness/harness.h"

/* ev.h declares it inside of a function alone. */
extern struct ev_loop* ev_default_loop_ptr; /* NOLINT(readability-redundant-declaration) */

static int own_calls;
void* event_init(void);
void* event_init(void) {
  ++own_calls;
  return NULL;
}
int event_add(void* event, void* time);
int event_add(void* event, void* time) {
  (void)event;
  (void)time;
  return ++own_calls;
}
int event_base_loop(void* base, int flags);
int event_base_loop(void* base, int flags) {
  (void)base;
  (void)flags;
  return ++own_calls;
}

/* What the library brings under a name that this program does not have. */
struct event_base;
struct event_base* event_base_new(void);
int event_base_dispatch(struct event_base* base);
int event_base_loopexit(struct event_base* base, void* time);
void event_base_free(struct event_base* base);

static const char* file_of(const void* address) {
  Dl_info where;
  return dladdr(address, &where) != 0 ? where.dli_fname : "";
}

static void the_program_holds_a_copy_of_the_default_loop_s_pointer(void** state) {
  (void)state;
  /* Otherwise the next test would prove nothing. */
  assert_string_equal(file_of(&ev_default_loop_ptr), file_of(&own_calls));
}

static void the_copy_is_the_one_that_the_library_uses(void** state) {
  (void)state;
  assert_int_equal(sizeof(struct ev_loop*), 8);
  assert_null(ev_default_loop_ptr);
  assert_null(EV_DEFAULT_UC);
  struct ev_loop* loop = ev_default_loop(0);
  assert_non_null(loop);
  assert_ptr_equal(ev_default_loop_ptr, loop);
  assert_ptr_equal(EV_DEFAULT_UC, loop);
  assert_true(ev_is_default_loop(loop));
  ev_loop_destroy(loop);
  assert_null(ev_default_loop_ptr);
}

static void functions_of_the_program_with_the_library_s_names_stay_the_program_s(void** state) {
  (void)state;
  struct event_base* base = event_base_new();
  assert_non_null(base);
  event_base_loopexit(base, NULL);
  ev_run((struct ev_loop*)base, EVRUN_NOWAIT); /* a base is a loop */
  event_base_free(base);
  ev_run(ev_default_loop(0), EVRUN_NOWAIT);
  assert_int_equal(own_calls, 0);
  assert_null(event_init());
  assert_int_equal(own_calls, 1);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_program_holds_a_copy_of_the_default_loop_s_pointer),
    cmocka_unit_test(the_copy_is_the_one_that_the_library_uses),
    cmocka_unit_test(functions_of_the_program_with_the_library_s_names_stay_the_program_s),
};

int main(int argc, char** argv) {
  return harness_main(argc, argv, tests, sizeof tests / sizeof tests[0]);
}
