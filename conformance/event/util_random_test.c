/* The secure random generator: that it gives bytes of every value, different ones each time and in
 * each process, and what its set-up calls answer where the system has a generator of its own. */
#include "conformance/event/suite.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void the_generator_can_be_seeded_any_number_of_times(void** state) {
  (void)state;
  assert_int_equal(evutil_secure_rng_init(), 0);
  assert_int_equal(evutil_secure_rng_init(), 0);
}

static void bytes_come_without_initialisation_and_take_every_value(void** state) {
  (void)state;
  unsigned char bytes[65536];
  int seen[256] = {0};
  evutil_secure_rng_get_bytes(bytes, sizeof bytes);
  for (size_t i = 0; i < sizeof bytes; i++)
    seen[bytes[i]]++;
  for (int value = 0; value < 256; value++)
    assert_true(seen[value] > 100 && seen[value] < 500);
}

static void two_requests_differ(void** state) {
  (void)state;
  unsigned char first[32], second[32];
  evutil_secure_rng_get_bytes(first, sizeof first);
  evutil_secure_rng_get_bytes(second, sizeof second);
  assert_memory_not_equal(first, second, sizeof first);
}

static void exactly_as_many_bytes_as_asked_for_are_written(void** state) {
  (void)state;
  for (size_t size = 0; size < 40; size++) {
    unsigned char bytes[48];
    int changed = 0;
    for (int attempt = 0; attempt < 8; attempt++) {
      memset(bytes, '#', sizeof bytes);
      evutil_secure_rng_get_bytes(bytes, size);
      for (size_t i = size; i < sizeof bytes; i++)
        assert_int_equal(bytes[i], '#');
      changed += size > 0 && bytes[size - 1] != '#';
    }
    assert_true(size == 0 || changed > 0);
  }
}

static void a_forked_child_does_not_repeat_its_parent(void** state) {
  (void)state;
  unsigned char parents[32], childs[32];
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  evutil_secure_rng_get_bytes(parents, sizeof parents);
  pid_t child = fork();
  if (child == 0) {
    evutil_secure_rng_get_bytes(childs, sizeof childs);
    _exit(write(ends[1], childs, sizeof childs) != sizeof childs);
  }
  evutil_secure_rng_get_bytes(parents, sizeof parents);
  assert_int_equal(read(ends[0], childs, sizeof childs), sizeof childs);
  assert_memory_not_equal(parents, childs, sizeof parents);
  waitpid(child, NULL, 0);
  close(ends[0]);
  close(ends[1]);
}

static void stirring_entropy_in_harms_nothing(void** state) {
  (void)state;
  unsigned char first[32], second[32];
  evutil_secure_rng_add_bytes("not much entropy", 16);
  evutil_secure_rng_get_bytes(first, sizeof first);
  evutil_secure_rng_add_bytes("not much entropy", 16);
  evutil_secure_rng_add_bytes("", 0);
  evutil_secure_rng_get_bytes(second, sizeof second);
  assert_memory_not_equal(first, second, sizeof first);
}

/* Debian builds on the C library's own generator, which reads no device. */
static void another_device_cannot_be_chosen(void** state) {
  (void)state;
  static char name[] = "/dev/urandom";
  assert_int_equal(evutil_secure_rng_set_urandom_device_file(name), -1);
  assert_int_equal(evutil_secure_rng_init(), 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_generator_can_be_seeded_any_number_of_times),
    cmocka_unit_test(bytes_come_without_initialisation_and_take_every_value),
    cmocka_unit_test(two_requests_differ),
    cmocka_unit_test(exactly_as_many_bytes_as_asked_for_are_written),
    cmocka_unit_test(a_forked_child_does_not_repeat_its_parent),
    cmocka_unit_test(stirring_entropy_in_harms_nothing),
    cmocka_unit_test(another_device_cannot_be_chosen),
};
DEFINE_GROUP(util_random, tests);
