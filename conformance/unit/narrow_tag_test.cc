// The slab with a tag of three bits: what takes 268 million reuses of a slot elsewhere happens here
// after seven. The core is compiled into this file once more, under that width.
#include "conformance/unit/core_tests.h"
#include "core/poll_cache.cc"  // NOLINT(bugprone-suspicious-include): the same code once more

namespace netpoll::test {

static_assert(kGenerationBits == 3);

namespace {

void the_tag_wraps_past_zero(void**) {
  PollCache cache;
  Slot slot = cache.allocate(1);
  Generation expected = 1;
  for (int i = 0; i < 100; ++i) {
    assert_int_equal(cache.at(slot).info.generation(), expected);
    expected = expected == 7 ? 1 : expected + 1;
    cache.release(slot);
    slot = cache.allocate(1);
  }
}

void a_stale_cookie_is_rejected_in_every_generation_but_its_own(void**) {
  PollCache cache;
  Slot slot = cache.allocate(1);
  const Cookie stale = cache.cookie_of(slot);
  for (int reuse = 1; reuse < 50; ++reuse) {
    cache.release(slot);
    slot = cache.allocate(1);
    // After a full round it can not be told apart: what comes of that is a spurious readiness,
    // which everybody who waits tolerates by trying again.
    const bool same_tag = reuse % 7 == 0;
    assert_int_equal(cache.find_live(stale) != nullptr, same_tag);
  }
}

void an_error_lands_in_its_own_generation_only_however_often_the_tag_wrapped(void**) {
  InfoWord info;
  Generation generation = 1;
  for (int i = 0; i < 100; ++i) {
    info.publish(generation, 0);
    for (Generation other = 1; other <= kGenerationMask; ++other) {
      assert_int_equal(info.set_event_error(true, other), other == generation);
      info.set_event_error(false, 0);
    }
    generation = next_generation(generation);
  }
}

}  // namespace

}  // namespace netpoll::test

int main(int argc, char** argv) {
  using namespace netpoll::test;
  static const CMUnitTest tests[] = {
      cmocka_unit_test(the_tag_wraps_past_zero),
      cmocka_unit_test(a_stale_cookie_is_rejected_in_every_generation_but_its_own),
      cmocka_unit_test(an_error_lands_in_its_own_generation_only_however_often_the_tag_wrapped),
  };
  return harness_main(argc, argv, tests, sizeof tests / sizeof tests[0]);
}
