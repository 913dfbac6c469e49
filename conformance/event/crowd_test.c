/* Many events on one descriptor: each gets its own part, whoever comes and goes beside it, and
 * adding one costs no more than among few. A handful is io_test.c's. */
#include "conformance/event/suite.h"

#include <stdlib.h>

enum { members = 24, steps = 600, original_limit = 65535 };

static void turn(struct event_base* base) {
  event_base_loop(base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
}

struct member {
  struct event* event;
  struct tally seen;
  short wants;
  int added;
};

static void each_of_many_gets_its_own_part_while_others_come_and_go(void** state) {
  (void)state;
  static const short kinds[] = {EV_READ, EV_READ, EV_READ, EV_WRITE, EV_READ | EV_WRITE};
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct member crowd[members] = {0};
  for (int i = 0; i < members; i++) {
    crowd[i].wants = kinds[i % 5];
    crowd[i].event = event_new(base, pair.near, (short)(crowd[i].wants | EV_PERSIST), count_call,
                               &crowd[i].seen);
  }
  unsigned random = 1;
  int readable = 0;
  for (int step = 0; step < steps; step++) {
    random = random * 1103515245 + 12345;
    struct member* member = &crowd[(random >> 16) % members];
    /* The crowd grows and shrinks in waves, down to one and up to all. */
    const int arrive = (random >> 8) % 8 < (step / 100 % 2 == 0 ? 7 : 1);
    assert_int_equal(arrive ? event_add(member->event, NULL) : event_del(member->event), 0);
    member->added = arrive;
    if (step % 3 == 0) {
      readable ? (void)drain(pair.near) : send_byte(pair.far);
      readable = !readable;
    }
    turn(base);
    for (int i = 0; i < members; i++) {
      const int due = crowd[i].wants & (EV_WRITE | (readable ? EV_READ : 0));
      assert_int_equal(crowd[i].seen.calls, crowd[i].added && due != 0);
      if (crowd[i].seen.calls != 0) assert_int_equal(crowd[i].seen.what, due);
      crowd[i].seen = (struct tally){0};
    }
  }
  for (int i = 0; i < members; i++)
    event_free(crowd[i].event);
  event_base_free(base);
  pair_close(&pair);
}

static void edges_of_many_come_once_until_a_level_joins_them(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  if (!suite_has_feature(base, EV_FEATURE_ET)) {
    event_base_free(base);
    return;
  }
  struct pair pair = pair_open();
  struct tally edges = {0}, levels = {0};
  struct event* crowd[members];
  for (int i = 0; i < members; i++) {
    crowd[i] = event_new(base, pair.near, EV_READ | EV_ET | EV_PERSIST, count_call, &edges);
    assert_int_equal(event_add(crowd[i], NULL), 0);
  }
  struct event* writer = event_new(base, pair.near, EV_WRITE | EV_PERSIST, count_call, &levels);
  send_byte(pair.far);
  turn(base);
  turn(base);
  assert_int_equal(edges.calls, members);
  event_del(crowd[3]);
  send_byte(pair.far);
  turn(base);
  turn(base);
  assert_int_equal(edges.calls, 2 * members - 1);
  assert_int_equal(event_add(writer, NULL), 0);
  turn(base);
  turn(base);
  assert_int_equal(levels.calls, 2);
  assert_int_equal(edges.calls, 4 * members - 3);
  for (int i = 0; i < members; i++)
    event_free(crowd[i]);
  event_free(writer);
  event_base_free(base);
  pair_close(&pair);
}

/* Were each addition to look at all of its neighbours, this would take minutes. */
static void more_than_sixteen_bits_can_count_may_watch_one_descriptor(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct tally readers = {0}, writers = {0};
  struct event** crowd = calloc(original_limit + 1, sizeof *crowd);
  assert_non_null(crowd);
  for (int i = 0; i < original_limit; i++) {
    crowd[i] = event_new(base, pair.near, EV_READ, count_call, &readers);
    assert_int_equal(event_add(crowd[i], NULL), 0);
  }
  struct event* last = event_new(base, pair.near, EV_READ, count_call, &readers);
  struct event* writer = event_new(base, pair.near, EV_WRITE, count_call, &writers);
  log_capture();
  if (suite_on_original()) {
    assert_int_equal(event_add(last, NULL), -1);
    assert_matches(log_text(), "2 Too many events reading or writing on fd *");
    assert_int_equal(event_pending(last, EV_READ, NULL), 0);
  } else {
    assert_int_equal(event_add(last, NULL), 0);
    assert_string_equal(log_text(), "");
  }
  assert_int_equal(event_add(writer, NULL), 0);
  send_byte(pair.far);
  turn(base);
  assert_int_equal(readers.calls, original_limit + (suite_on_original() ? 0 : 1));
  assert_int_equal(writers.calls, 1);
  for (int i = 0; i < original_limit; i++)
    event_free(crowd[i]);
  event_free(last);
  event_free(writer);
  free(crowd);
  event_base_free(base);
  pair_close(&pair);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(each_of_many_gets_its_own_part_while_others_come_and_go),
    cmocka_unit_test(edges_of_many_come_once_until_a_level_joins_them),
    cmocka_unit_test(more_than_sixteen_bits_can_count_may_watch_one_descriptor),
};
DEFINE_GROUP(crowd, tests);
