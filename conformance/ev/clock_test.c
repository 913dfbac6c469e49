/*
 * Jumps of the wall clock: what it says is this program's own affair here, since both libraries ask
 * for the time through functions that the program may bring. Periodics follow the clock wherever it
 * goes, timers never do. A jump is noticed by comparing clocks within about half a second, or at
 * once where a timerfd tells of it; that is an eventfd of ours.
 */
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "conformance/ev/groups.h"

enum { hour = 3600 };

static atomic_long jumped; /* by so many seconds */
static int clock_descriptor = -1;

int clock_gettime(clockid_t clock, struct timespec* time) {
  const long result = syscall(SYS_clock_gettime, clock, time);
  if (result == 0 && clock == CLOCK_REALTIME) time->tv_sec += atomic_load(&jumped);
  return (int)result;
}

/* The distribution's libev asks for the wall clock this way. */
int gettimeofday(struct timeval* restrict time, void* restrict zone) {
  (void)zone;
  struct timespec now;
  const int result = clock_gettime(CLOCK_REALTIME, &now);
  *time = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
  return result;
}

/* Both arm it far ahead, to be told when the clock is set. */
int timerfd_create(clockid_t clock, int flags) {
  (void)clock;
  return clock_descriptor =
             eventfd(0, flags & TFD_CLOEXEC ? EFD_CLOEXEC | EFD_NONBLOCK : EFD_NONBLOCK);
}
int timerfd_settime(int fd, int flags, const struct itimerspec* value, struct itimerspec* old) {
  (void)flags, (void)value, (void)old;
  eventfd_t news;
  eventfd_read(fd, &news);
  return 0;
}

/* Only comparing the clocks tells of a jump. */
static struct ev_loop* make_untold_loop(void) {
  struct ev_loop* loop = ev_loop_new(EVFLAG_NOTIMERFD);
  assert_non_null(loop);
  return loop;
}

static void jump(EV_P_ ev_timer* w, int revents) {
  (void)EV_A, (void)revents;
  note("jump");
  atomic_fetch_add(&jumped, *(long*)w->data);
}

/* A loop that turns often, so that it can notice; the jump comes in its first turn. */
struct ticking {
  ev_timer tick, jump;
  long seconds;
};
static void ignore(EV_P_ ev_timer* w, int revents) {
  (void)EV_A, (void)w, (void)revents;
}
static void start_ticking(EV_P_ struct ticking* ticking, long seconds) {
  ev_timer_init(&ticking->tick, ignore, 0.02, 0.02);
  ev_timer_start(EV_A_ & ticking->tick);
  ticking->seconds = seconds;
  ev_timer_init(&ticking->jump, jump, 0., 0.);
  ticking->jump.data = &ticking->seconds;
  ev_timer_start(EV_A_ & ticking->jump);
}

static void stop_all(EV_P_ ev_periodic* w, int revents) {
  note_periodic(EV_A_ w, revents);
  ev_break(EV_A_ EVBREAK_ALL);
}

static void a_moment_that_a_jump_has_passed_is_due(void** state) {
  (void)state;
  struct ev_loop* loop = make_untold_loop();
  struct ticking ticking;
  ev_periodic periodic;
  ev_periodic_init(&periodic, stop_all, ev_now(loop) + hour, 0., 0);
  periodic.data = "periodic";
  ev_periodic_start(loop, &periodic);
  start_ticking(loop, &ticking, 2L * hour);
  run_for(loop, 10.);
  assert_trace("jump periodic:periodic");
  assert_true(fabs(ev_now(loop) - ev_time()) < 1.);
  ev_loop_destroy(loop);
}

static void a_moment_that_a_jump_has_put_off_waits(void** state) {
  (void)state;
  struct ev_loop* loop = make_untold_loop();
  struct ticking ticking;
  ev_periodic periodic;
  ev_periodic_init(&periodic, stop_all, ev_now(loop) + 1.2, 0., 0);
  periodic.data = "periodic";
  ev_periodic_start(loop, &periodic);
  start_ticking(loop, &ticking, -hour);
  run_for(loop, 1.8);
  assert_trace("jump");
  assert_true(ev_is_active(&periodic));
  ev_loop_destroy(loop);
}

static void an_interval_is_counted_anew_from_where_the_clock_is(void** state) {
  (void)state;
  struct ev_loop* loop = make_untold_loop();
  struct ticking ticking;
  ev_periodic periodic;
  ev_periodic_init(&periodic, note_periodic, 0., 24. * hour, 0);
  ev_periodic_start(loop, &periodic);
  const double before = ev_periodic_at(&periodic);
  start_ticking(loop, &ticking, -48L * hour);
  run_for(loop, 1.2);
  assert_trace("jump");
  assert_true(ev_periodic_at(&periodic) == before - 48. * hour);
  ev_loop_destroy(loop);
}

static double asked_at[8];
static int asked;
static ev_tstamp far_ahead(ev_periodic* w, ev_tstamp now) {
  (void)w;
  if (asked < 8) asked_at[asked++] = now;
  return now + 24. * hour;
}

static void a_reschedule_callback_is_asked_again_after_a_jump(void** state) {
  (void)state;
  struct ev_loop* loop = make_untold_loop();
  struct ticking ticking;
  ev_periodic periodic;
  ev_periodic_init(&periodic, note_periodic, 0., 0., far_ahead);
  ev_periodic_start(loop, &periodic);
  assert_int_equal(asked, 1);
  start_ticking(loop, &ticking, hour);
  run_for(loop, 1.2);
  assert_trace("jump");
  assert_int_equal(asked, 2);
  assert_true(asked_at[1] - asked_at[0] >= hour);
  ev_loop_destroy(loop);
}

static void timers_do_not_follow_the_wall_clock(void** state) {
  (void)state;
  struct ev_loop* loop = make_untold_loop();
  struct ticking forth;
  ev_timer far, near;
  ev_timer_init(&far, note_timer, (double)hour, 0.);
  far.data = "far";
  ev_timer_start(loop, &far);
  ev_timer_init(&near, note_timer, 0.8, 0.);
  near.data = "near";
  ev_timer_start(loop, &near);
  const double began = seconds_now();
  start_ticking(loop, &forth, 2L * hour);
  run_for(loop, 1.2);
  assert_trace("jump near:timer");
  assert_true(seconds_now() - began >= 0.8);
  const double left = ev_timer_remaining(loop, &far);
  assert_true(left > hour - 60. && left < hour);
  ev_loop_destroy(loop);
}

struct teller {
  pthread_t thread;
  double after;
};
static void* jump_and_tell(void* argument) {
  const struct teller* teller = argument;
  ev_sleep(teller->after);
  atomic_store(&jumped, 2L * hour);
  assert_int_equal(eventfd_write(clock_descriptor, 1), 0);
  return NULL;
}

/* Whether a periodic that the jump makes due comes; nothing turns this loop but the news. */
static bool is_told(double after) {
  struct ev_loop* loop = make_loop();
  ev_periodic periodic;
  ev_periodic_init(&periodic, stop_all, ev_now(loop) + hour, 0., 0);
  periodic.data = "periodic";
  ev_periodic_start(loop, &periodic);
  struct teller teller = {.after = after};
  assert_int_equal(pthread_create(&teller.thread, NULL, jump_and_tell, &teller), 0);
  const bool told = run_for(loop, after + 2.);
  pthread_join(teller.thread, NULL);
  if (told) assert_trace("periodic:periodic");
  ev_loop_destroy(loop);
  return told;
}

static void a_jump_that_the_kernel_tells_of_ends_the_wait(void** state) {
  (void)state;
  assert_true(is_told(0.7));
}

/* libev believes its own reckoning again in the next turn, if the clock was read not long ago. */
static void a_jump_behind_a_reading_of_the_clock_is_believed_here(void** state) {
  (void)state;
  assert_int_equal(is_told(0.05), on_pollshim());
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_moment_that_a_jump_has_passed_is_due),
    cmocka_unit_test(a_moment_that_a_jump_has_put_off_waits),
    cmocka_unit_test(an_interval_is_counted_anew_from_where_the_clock_is),
    cmocka_unit_test(a_reschedule_callback_is_asked_again_after_a_jump),
    cmocka_unit_test(timers_do_not_follow_the_wall_clock),
    cmocka_unit_test(a_jump_that_the_kernel_tells_of_ends_the_wait),
    cmocka_unit_test(a_jump_behind_a_reading_of_the_clock_is_believed_here),
};
const struct harness_group clock_group = {"clock", tests, sizeof tests / sizeof tests[0]};
