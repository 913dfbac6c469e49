/* What a poller that keeps registrations in the kernel must survive: descriptors closed without
 * event_del, numbers reused, duplicates alive in another process, events deleted under the loop's
 * hands.  Where the original fails, the test asserts how, and says why on it is so. */
#include "conformance/event/suite.h"

#include <event2/event_struct.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void turn(struct event_base* base) {
  event_base_loop(base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
}

/* Runs the loop for some milliseconds; returns those of them that this process computed. */
static long run_and_measure(struct event_base* base, long duration) {
  struct rusage before, after;
  struct timeval wait = milliseconds(duration), used;
  getrusage(RUSAGE_SELF, &before);
  event_base_loopexit(base, &wait);
  event_base_loop(base, EVLOOP_NO_EXIT_ON_EMPTY);
  getrusage(RUSAGE_SELF, &after);
  struct timeval first, second;
  evutil_timeradd(&before.ru_utime, &before.ru_stime, &first);
  evutil_timeradd(&after.ru_utime, &after.ru_stime, &second);
  evutil_timersub(&second, &first, &used);
  return used.tv_sec * 1000 + used.tv_usec / 1000;
}

static void put_at(int number, int* fd) {
  dup2(*fd, number);
  close(*fd);
  *fd = number;
}

static void a_watched_descriptor_closed_without_deletion_leaves_the_others_working(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair gone = pair_open(), kept = pair_open();
  struct tally dead = {0}, alive = {0};
  struct event* closed = event_new(base, gone.near, EV_READ | EV_PERSIST, count_call, &dead);
  struct event* open = event_new(base, kept.near, EV_READ | EV_PERSIST, count_call, &alive);
  event_add(closed, NULL);
  event_add(open, NULL);
  close(gone.near);
  gone.near = -1;
  send_byte(kept.far);
  log_capture();
  if (suite_is_method(base, "select") && suite_on_original()) {
    assert_int_equal(event_base_loop(base, EVLOOP_NONBLOCK | EVLOOP_ONCE), -1);
    assert_matches(log_text(), "2 select: Bad file descriptor");
    assert_int_equal(event_del(closed), 0);
  }
  assert_int_equal(event_base_loop(base, EVLOOP_NONBLOCK | EVLOOP_ONCE), 0);
  assert_int_equal(alive.calls, 1);
  assert_int_equal(event_del(closed), 0);
  turn(base);
  assert_int_equal(alive.calls, 2);
  event_free(closed);
  event_free(open);
  event_base_free(base);
  pair_close(&gone);
  pair_close(&kept);
}

static void deleting_after_the_close_is_no_error(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct event* event = event_new(base, pair.near, EV_READ, count_call, NULL);
  event_add(event, NULL);
  close(pair.near);
  log_capture();
  assert_int_equal(event_del(event), 0);
  assert_string_equal(log_text(), "");
  assert_int_equal(event_base_dispatch(base), 1);
  event_free(event);
  event_base_free(base);
  pair.near = -1;
  pair_close(&pair);
}

/* Failing must leave the descriptor's list as it was, however often it is tried. */
static void additions_to_a_closed_descriptor_fail_again_and_again(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct tally seen = {0};
  struct event* reader = event_new(base, pair.near, EV_READ | EV_PERSIST, count_call, &seen);
  struct event* writer = event_new(base, pair.near, EV_WRITE | EV_PERSIST, count_call, &seen);
  assert_int_equal(event_add(reader, NULL), 0);
  close(pair.near);
  log_capture();
  for (int i = 0; i < 3; i++) {
    int answer = event_add(writer, NULL);
    if (suite_has_feature(base, EV_FEATURE_ET)) {
      assert_int_equal(answer, -1);
      assert_int_equal(event_pending(writer, EV_WRITE, NULL), 0);
    }
  }
  assert_int_equal(event_del(reader), 0);
  assert_int_equal(event_del(writer), 0);
  turn(base);
  assert_int_equal(seen.calls, 0);
  event_free(reader);
  event_free(writer);
  event_base_free(base);
  close(pair.far);
}

enum reassign { keep_event, assign_event };

/* A one-shot event fires; its descriptor is closed; another takes its number; the event is added
 * again, with or without event_assign, and must watch the newcomer. */
static void reuse_after_firing(enum reassign way) {
  struct event_base* base = suite_base();
  struct pair first = pair_open(), second = pair_open();
  struct tally seen = {0};
  struct event event;
  int number = first.near;
  event_assign(&event, base, number, EV_READ, count_call, &seen);
  event_add(&event, NULL);
  send_byte(first.far);
  event_base_dispatch(base);
  assert_int_equal(seen.calls, 1);
  close(first.near);
  put_at(number, &second.near);
  if (way == assign_event) event_assign(&event, base, number, EV_READ, count_call, &seen);
  assert_int_equal(event_add(&event, NULL), 0);
  turn(base);
  assert_int_equal(seen.calls, 1);
  send_byte(second.far);
  event_base_dispatch(base);
  assert_int_equal(seen.calls, 2);
  event_base_free(base);
  close(first.far);
  pair_close(&second);
}

static void a_number_reused_after_firing_is_watched_anew(void** state) {
  (void)state;
  reuse_after_firing(keep_event);
}

static void a_number_reused_after_firing_is_watched_anew_when_assigned(void** state) {
  (void)state;
  reuse_after_firing(assign_event);
}

/* The same while the event is still pending: after the deletion the old registration is gone. */
static void reuse_after_deletion(enum reassign way, short flags) {
  struct event_base* base = suite_base();
  struct pair first = pair_open(), second = pair_open();
  struct tally seen = {0};
  struct event event;
  int number = first.near;
  event_assign(&event, base, number, flags, count_call, &seen);
  event_add(&event, NULL);
  turn(base);
  event_del(&event);
  close(first.near);
  put_at(number, &second.near);
  if (way == assign_event) event_assign(&event, base, number, flags, count_call, &seen);
  assert_int_equal(event_add(&event, NULL), 0);
  send_byte(second.far);
  turn(base);
  assert_int_equal(seen.calls, 1);
  event_del(&event);
  event_base_free(base);
  close(first.far);
  pair_close(&second);
}

static void a_number_reused_after_deletion_is_watched_anew(void** state) {
  (void)state;
  reuse_after_deletion(keep_event, EV_READ | EV_PERSIST);
  reuse_after_deletion(assign_event, EV_READ | EV_PERSIST);
  reuse_after_deletion(keep_event, EV_READ | EV_ET | EV_PERSIST);
  reuse_after_deletion(assign_event, EV_READ);
}

static void a_number_reused_before_the_deletion_is_watched_anew(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair first = pair_open(), second = pair_open();
  struct tally seen = {0};
  int number = first.near;
  struct event* event = event_new(base, number, EV_READ | EV_PERSIST, count_call, &seen);
  event_add(event, NULL);
  turn(base);
  put_at(number, &second.near);
  assert_int_equal(event_del(event), 0);
  assert_int_equal(event_add(event, NULL), 0);
  send_byte(second.far);
  turn(base);
  assert_int_equal(seen.calls, 1);
  event_free(event);
  event_base_free(base);
  close(first.far);
  pair_close(&second);
}

/* The dead event still holds the number when a second one arrives for the new owner. */
static void a_second_event_on_a_reused_number_is_served(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair first = pair_open(), second = pair_open();
  struct tally old = {0}, new = {0};
  int number = first.near;
  struct event* reader = event_new(base, number, EV_READ | EV_PERSIST, count_call, &old);
  struct event* writer = event_new(base, number, EV_WRITE | EV_PERSIST, count_call, &new);
  event_add(reader, NULL);
  turn(base);
  put_at(number, &second.near);
  log_capture();
  assert_int_equal(event_add(writer, NULL), 0);
  turn(base);
  assert_int_equal(new.calls, 1);
  assert_int_equal(old.calls, 0);
  event_free(reader);
  event_free(writer);
  event_base_free(base);
  close(first.far);
  pair_close(&second);
}

/* A child holds a duplicate, so the kernel keeps the registration of a descriptor that is closed
 * here.  Whoever deletes before closing must never hear of it again. */
static void a_duplicate_in_a_child_does_not_bring_a_deleted_event_back(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair first = pair_open(), second = pair_open();
  struct tally seen = {0};
  int number = first.near, hold[2];
  assert_int_equal(pipe(hold), 0);
  struct event* event = event_new(base, number, EV_READ, count_call, &seen);
  event_add(event, NULL);
  send_byte(first.far);
  event_base_dispatch(base);
  assert_int_equal(seen.calls, 1);
  pid_t child = fork();
  if (child == 0) {
    char byte;
    close(hold[1]);
    _exit(read(hold[0], &byte, 1) != 0);
  }
  close(first.near);
  put_at(number, &second.near);
  event_add(event, NULL);
  send_byte(first.far);
  for (int i = 0; i < 3; i++)
    turn(base);
  assert_int_equal(seen.calls, 1);
  assert_true(run_and_measure(base, 100) < 60);
  assert_int_equal(seen.calls, 1);
  send_byte(second.far);
  turn(base);
  assert_int_equal(seen.calls, 2);
  event_free(event);
  event_base_free(base);
  close(hold[1]);
  waitpid(child, NULL, 0);
  close(hold[0]);
  close(first.far);
  pair_close(&second);
}

/* Here the number changes hands before the deletion, which then misses the old registration: epoll
 * keeps it for the child's duplicate and goes on reporting the number.  The original cannot tell
 * that report from one about the new owner and calls back. */
static void a_registration_nobody_can_delete_does_not_call_the_new_owner(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  int wrong = suite_on_original() && suite_has_feature(base, EV_FEATURE_ET);
  struct pair first = pair_open(), second = pair_open();
  struct tally seen = {0};
  int number = first.near, hold[2];
  assert_int_equal(pipe(hold), 0);
  struct event* event = event_new(base, number, EV_READ | EV_PERSIST, count_call, &seen);
  event_add(event, NULL);
  turn(base);
  pid_t child = fork();
  if (child == 0) {
    char byte;
    close(hold[1]);
    _exit(read(hold[0], &byte, 1) != 0);
  }
  put_at(number, &second.near);
  event_del(event);
  event_add(event, NULL);
  send_byte(first.far);
  for (int i = 0; i < 3; i++)
    turn(base);
  assert_int_equal(seen.calls, wrong ? 3 : 0);
  if (!wrong) assert_true(run_and_measure(base, 150) < 90);
  send_byte(second.far);
  turn(base);
  assert_true(seen.calls > (wrong ? 3 : 0));
  event_free(event);
  event_base_free(base);
  close(hold[1]);
  waitpid(child, NULL, 0);
  close(hold[0]);
  close(first.far);
  pair_close(&second);
}

static void a_duplicate_in_a_child_does_not_make_an_idle_loop_spin(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct tally seen = {0};
  int hold[2];
  assert_int_equal(pipe(hold), 0);
  struct event* event = event_new(base, pair.near, EV_READ, count_call, &seen);
  event_add(event, NULL);
  send_byte(pair.far);
  event_base_dispatch(base);
  pid_t child = fork();
  if (child == 0) {
    char byte;
    close(hold[1]);
    _exit(read(hold[0], &byte, 1) != 0);
  }
  close(pair.near);
  pair.near = -1;
  send_byte(pair.far);
  assert_true(run_and_measure(base, 150) < 90);
  assert_int_equal(seen.calls, 1);
  event_free(event);
  event_base_free(base);
  close(hold[1]);
  waitpid(child, NULL, 0);
  close(hold[0]);
  pair_close(&pair);
}

struct killer {
  struct tally seen;
  struct event* victims[3];
  int free_them;
};

static void kill_others(evutil_socket_t fd, short what, void* argument) {
  struct killer* killer = argument;
  count_call(fd, what, &killer->seen);
  for (int i = 0; i < 3; i++) {
    if (killer->victims[i] == NULL) continue;
    if (killer->free_them)
      event_free(killer->victims[i]);
    else
      event_del(killer->victims[i]);
    killer->victims[i] = NULL;
  }
}

/* Four ready descriptors in one batch, each of whose callbacks removes the three others. */
static void one_survives(int free_them) {
  enum { count = 4 };
  struct event_base* base = suite_base();
  struct pair pairs[count];
  struct killer killers[count] = {{{0}, {NULL}, 0}};
  struct event* events[count];
  for (int i = 0; i < count; i++) {
    pairs[i] = pair_open();
    send_byte(pairs[i].far);
    killers[i].free_them = free_them;
    events[i] = event_new(base, pairs[i].near, EV_READ | EV_PERSIST, kill_others, &killers[i]);
    event_add(events[i], NULL);
  }
  for (int i = 0; i < count; i++)
    for (int j = 0, victim = 0; j < count; j++)
      if (j != i) killers[i].victims[victim++] = events[j];
  turn(base);
  int calls = 0, survivor = -1;
  for (int i = 0; i < count; i++) {
    calls += killers[i].seen.calls;
    if (killers[i].seen.calls) survivor = i;
  }
  assert_int_equal(calls, 1);
  for (int i = 0; i < count; i++) {
    if (!free_them || i == survivor) event_free(events[i]);
    pair_close(&pairs[i]);
  }
  event_base_free(base);
}

static void an_event_deleted_by_an_earlier_callback_of_the_batch_does_not_run(void** state) {
  (void)state;
  one_survives(0);
}

static void an_event_freed_by_an_earlier_callback_of_the_batch_does_not_run(void** state) {
  (void)state;
  one_survives(1);
}

struct closer {
  struct tally seen;
  int* victim;
  int* newcomer;
};

static void close_and_replace(evutil_socket_t fd, short what, void* argument) {
  struct closer* closer = argument;
  count_call(fd, what, &closer->seen);
  drain(fd);
  if (closer->victim == NULL) return;
  put_at(*closer->victim, closer->newcomer);
}

/* The readiness of the second was found before the first replaced it: the event is still pending,
 * so its callback runs, as the original's does; once, and never again for the old descriptor. */
static void a_descriptor_replaced_within_the_batch_is_called_at_most_once(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair first = pair_open(), second = pair_open(), third = pair_open();
  struct closer one = {.victim = &second.near, .newcomer = &third.near}, two = {.victim = NULL};
  struct event* early = event_new(base, first.near, EV_READ, close_and_replace, &one);
  struct event* late = event_new(base, second.near, EV_READ | EV_PERSIST, close_and_replace, &two);
  event_add(early, NULL);
  event_add(late, NULL);
  send_byte(first.far);
  send_byte(second.far);
  for (int i = 0; i < 5; i++)
    turn(base);
  assert_int_equal(one.seen.calls, 1);
  assert_true(two.seen.calls <= 1);
  event_free(early);
  event_free(late);
  event_base_free(base);
  pair_close(&first);
  close(second.far);
  pair_close(&third);
}

struct other_loop {
  struct event_base* base;
  int fd;
  struct tally seen;
  int number_of_turns;
};

static void* watch_in_other_base(void* argument) {
  struct other_loop* other = argument;
  struct event* event =
      event_new(other->base, other->fd, EV_READ | EV_PERSIST, count_call, &other->seen);
  event_add(event, NULL);
  turn(other->base);
  turn(other->base);
  event_free(event);
  return NULL;
}

/* As an accepting thread hands connections to its workers. */
static void a_descriptor_passed_to_another_loop_leaves_the_first_alone(void** state) {
  (void)state;
  assert_int_equal(evthread_use_pthreads(), 0);
  struct event_base* base = event_base_new();
  struct other_loop other = {.base = event_base_new()};
  struct pair pair = pair_open();
  struct tally seen = {0};
  struct event* event = event_new(base, pair.near, EV_READ, count_call, &seen);
  event_add(event, NULL);
  send_byte(pair.far);
  event_base_dispatch(base);
  assert_int_equal(seen.calls, 1);
  other.fd = pair.near;
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, watch_in_other_base, &other), 0);
  assert_true(run_and_measure(base, 100) < 60);
  pthread_join(thread, NULL);
  assert_int_equal(other.seen.calls, 2);
  assert_int_equal(seen.calls, 1);
  event_free(event);
  event_base_free(base);
  event_base_free(other.base);
  pair_close(&pair);
}

static void reinit_after_fork_forgets_descriptors_closed_meanwhile(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair gone = pair_open(), kept = pair_open();
  struct tally dead = {0}, alive = {0};
  struct event* idle = event_new(base, gone.near, EV_READ, count_call, &dead);
  struct event* event = event_new(base, kept.near, EV_READ | EV_PERSIST, count_call, &alive);
  event_add(idle, NULL);
  event_add(event, NULL);
  send_byte(gone.far);
  turn(base);
  assert_int_equal(dead.calls, 1);
  close(gone.near);
  pid_t child = fork();
  if (child == 0) {
    if (event_reinit(base) != 0) _exit(1);
    send_byte(kept.far);
    turn(base);
    _exit(alive.calls == 1 ? 0 : 2);
  }
  int status = -1;
  waitpid(child, &status, 0);
  assert_int_equal(status, 0);
  event_free(idle);
  event_free(event);
  event_base_free(base);
  close(gone.far);
  pair_close(&kept);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_watched_descriptor_closed_without_deletion_leaves_the_others_working),
    cmocka_unit_test(deleting_after_the_close_is_no_error),
    cmocka_unit_test(additions_to_a_closed_descriptor_fail_again_and_again),
    cmocka_unit_test(a_number_reused_after_firing_is_watched_anew),
    cmocka_unit_test(a_number_reused_after_firing_is_watched_anew_when_assigned),
    cmocka_unit_test(a_number_reused_after_deletion_is_watched_anew),
    cmocka_unit_test(a_number_reused_before_the_deletion_is_watched_anew),
    cmocka_unit_test(a_second_event_on_a_reused_number_is_served),
    cmocka_unit_test(a_duplicate_in_a_child_does_not_bring_a_deleted_event_back),
    cmocka_unit_test(a_registration_nobody_can_delete_does_not_call_the_new_owner),
    cmocka_unit_test(a_duplicate_in_a_child_does_not_make_an_idle_loop_spin),
    cmocka_unit_test(an_event_deleted_by_an_earlier_callback_of_the_batch_does_not_run),
    cmocka_unit_test(an_event_freed_by_an_earlier_callback_of_the_batch_does_not_run),
    cmocka_unit_test(a_descriptor_replaced_within_the_batch_is_called_at_most_once),
    cmocka_unit_test(a_descriptor_passed_to_another_loop_leaves_the_first_alone),
    cmocka_unit_test(reinit_after_fork_forgets_descriptors_closed_meanwhile),
};
DEFINE_GROUP(hazard, tests);
