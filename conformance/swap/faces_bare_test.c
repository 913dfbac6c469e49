/*
 * Many faces, loaded by hand into a process that is linked to none of them: locally, and with deep
 * binding, where every library prefers what it needs itself. Upstream's libraries are then several
 * implementations side by side; ours stay one.
 */
#include "conformance/swap/faces.h"

static void* bare(const char* soname, int mode) {
  void* handle = handle_of(soname, mode);
  return symbol(handle, "event_base_new");
}

static void expect_one_implementation(int mode) {
  void* through_first = bare(faces[0], mode);
  assert_ptr_equal(bare(faces[1], mode), through_first);
  /* libevent_pthreads needs the core: what it reaches must be the same as well. */
  assert_ptr_equal(bare(faces[3], mode), through_first);
}

static void faces_loaded_locally_are_one_implementation(void** state) {
  (void)state;
  expect_one_implementation(RTLD_NOW | RTLD_LOCAL);
}

static void faces_loaded_with_deep_binding_are_one_implementation(void** state) {
  (void)state;
  expect_one_implementation(RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
}

static void state_set_through_a_local_face_is_seen_through_a_deeply_bound_one(void** state) {
  (void)state;
  void* local = handle_of(faces[0], RTLD_NOW | RTLD_LOCAL);
  void* deep = handle_of(faces[1], RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
  void (*set)(void* (*)(size_t), void* (*)(void*, size_t), void (*)(void*));
  set = (__typeof__(set))symbol(local, "event_set_mem_functions");
  set(count_allocation, count_reallocation, free);
  void* (*base_new)(void) = (__typeof__(base_new))symbol(deep, "event_base_new");
  void (*base_free)(void*) = (__typeof__(base_free))symbol(local, "event_base_free");
  void* base = base_new();
  assert_true(allocations > 0);
  base_free(base);
}

int main(int argc, char** argv) {
  static const struct CMUnitTest tests[] = {
      cmocka_unit_test(faces_loaded_locally_are_one_implementation),
      cmocka_unit_test(faces_loaded_with_deep_binding_are_one_implementation),
      cmocka_unit_test(state_set_through_a_local_face_is_seen_through_a_deeply_bound_one),
  };
  return harness_main(argc, argv, tests, sizeof tests / sizeof tests[0]);
}
