/* Registrations that outlive their descriptors, because a duplicate keeps the file open: in this
 * process or in a child, once or again and again.  epoll reports them under a number that has
 * another meaning by now, and nobody can delete them.  The original calls the number's new owner
 * for them; on ours they call nobody, and do not keep the loop busy (DIFFERENCES.md). */
#include "conformance/event/suite.h"

#include <sys/wait.h>
#include <unistd.h>

enum { takeovers = 6 };

static void turn(struct event_base* base) {
  event_base_loop(base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
}

static int calls_the_wrong_one(struct event_base* base) {
  return suite_on_original() && suite_has_feature(base, EV_FEATURE_ET);
}

static void take_over(int number, int* fd) {
  if (dup2(*fd, number) < 0) _exit(1);
  close(*fd);
  *fd = number;
}

/* Turns of a loop that has nothing to do for `duration` milliseconds. */
static int idle_turns(struct event_base* base, long duration) {
  int turns = 0;
  struct timeval wait = milliseconds(duration);
  struct tally over = {0};
  struct event* timer = evtimer_new(base, count_call, &over);
  event_add(timer, &wait);
  while (over.calls == 0) {
    event_base_loop(base, EVLOOP_ONCE);
    turns++;
  }
  event_free(timer);
  return turns;
}

/* `number` is watched and readable; another file takes it over before the event is deleted. */
static void a_number_is_taken_over(struct event_base* base, struct event* event, int number,
                                   struct pair* next) {
  turn(base);
  take_over(number, &next->near);
  event_del(event);
  event_add(event, NULL);
}

static void a_duplicate_in_this_process_calls_nobody(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  const int wrong = calls_the_wrong_one(base);
  struct pair first = pair_open(), second = pair_open();
  struct tally seen = {0};
  const int number = first.near, duplicate = dup(number);
  struct event* event = event_new(base, number, EV_READ | EV_PERSIST, count_call, &seen);
  event_add(event, NULL);
  a_number_is_taken_over(base, event, number, &second);
  send_byte(first.far);
  for (int i = 0; i < 4; i++)
    turn(base);
  assert_int_equal(seen.calls, wrong ? 4 : 0);
  seen.calls = 0;
  send_byte(second.far);
  turn(base);
  assert_true(seen.calls >= 1);
  event_free(event);
  event_base_free(base);
  close(duplicate);
  close(first.far);
  pair_close(&second);
}

/* Whatever is done about the first must not wear off. */
static void numbers_taken_over_again_and_again_call_nobody(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  const int wrong = calls_the_wrong_one(base);
  struct pair pairs[takeovers + 1];
  int duplicates[takeovers];
  struct tally seen = {0};
  for (int i = 0; i <= takeovers; i++)
    pairs[i] = pair_open();
  const int number = pairs[0].near;
  struct event* event = event_new(base, number, EV_READ | EV_PERSIST, count_call, &seen);
  event_add(event, NULL);
  for (int i = 0; i < takeovers; i++) {
    duplicates[i] = dup(number);
    a_number_is_taken_over(base, event, number, &pairs[i + 1]);
    send_byte(pairs[i].far);
    for (int j = 0; j < 4; j++)
      turn(base);
    if (!wrong) assert_int_equal(seen.calls, 0);
  }
  assert_int_equal(seen.calls > 0, wrong);
  event_del(event);
  if (!wrong) assert_true(idle_turns(base, 50) <= 10);
  event_add(event, NULL);
  seen.calls = 0;
  send_byte(pairs[takeovers].far);
  turn(base);
  assert_true(seen.calls >= 1);
  event_free(event);
  event_base_free(base);
  for (int i = 0; i < takeovers; i++) {
    close(duplicates[i]);
    close(pairs[i].far);
  }
  pair_close(&pairs[takeovers]);
}

/* A child has the first file open, but the deletion came before the close. */
static void a_child_that_keeps_the_file_changes_nothing_after_a_deletion_in_time(void** state) {
  (void)state;
  for (int assigned = 0; assigned < 2; assigned++) {
    struct event_base* base = suite_base();
    struct pair first = pair_open(), second = pair_open();
    struct tally seen = {0};
    int hold[2];
    assert_int_equal(pipe(hold), 0);
    struct event* event = event_new(base, first.near, EV_READ | EV_PERSIST, count_call, &seen);
    event_add(event, NULL);
    turn(base);
    pid_t child = fork();
    if (child == 0) {
      char byte;
      close(hold[1]);
      _exit(read(hold[0], &byte, 1) != 0);
    }
    const int number = first.near;
    event_del(event);
    take_over(number, &second.near);
    if (assigned) event_assign(event, base, number, EV_READ | EV_PERSIST, count_call, &seen);
    event_add(event, NULL);
    send_byte(first.far);
    for (int i = 0; i < 3; i++)
      turn(base);
    assert_int_equal(seen.calls, 0);
    assert_true(idle_turns(base, 50) <= 10);
    send_byte(second.far);
    turn(base);
    assert_int_equal(seen.calls, 1);
    event_free(event);
    event_base_free(base);
    close(hold[1]);
    waitpid(child, NULL, 0);
    close(hold[0]);
    close(first.far);
    pair_close(&second);
  }
}

/* Both files stay open, and the event is deleted in time: nothing excuses a call for the wrong one,
 * in either library. */
static void a_number_that_comes_back_is_told_of_its_own_file(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair first = pair_open(), second = pair_open();
  struct tally seen = {0};
  const int number = dup(first.near);
  const int names[] = {second.near, first.near};
  struct event* event = event_new(base, number, EV_READ | EV_PERSIST, count_call, &seen);
  event_add(event, NULL);
  turn(base);
  for (int i = 0; i < 2; i++) {
    event_del(event);
    assert_int_equal(dup2(names[i], number), number);
    event_add(event, NULL);
    turn(base);
  }
  send_byte(second.far);
  for (int i = 0; i < 4; i++)
    turn(base);
  assert_int_equal(seen.calls, 0);
  send_byte(first.far);
  for (int i = 0; i < 3; i++)
    turn(base);
  assert_true(seen.calls >= 1);
  event_free(event);
  event_base_free(base);
  close(number);
  pair_close(&first);
  pair_close(&second);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_duplicate_in_this_process_calls_nobody),
    cmocka_unit_test(numbers_taken_over_again_and_again_call_nobody),
    cmocka_unit_test(a_child_that_keeps_the_file_changes_nothing_after_a_deletion_in_time),
    cmocka_unit_test(a_number_that_comes_back_is_told_of_its_own_file),
};
DEFINE_GROUP(zombie, tests);
