/*
 * ev_embed: one loop inside another.
 */
#include <stdlib.h>
#include <unistd.h>

#include "conformance/ev/groups.h"

static struct ev_loop* make_embeddable(void) {
  struct ev_loop* loop = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
  assert_non_null(loop);
  assert_true(ev_backend(loop) & ev_embeddable_backends());
  return loop;
}

static void an_embedded_loop_is_run_by_the_outer_one(void** state) {
  (void)state;
  struct ev_loop* outer = make_loop();
  struct ev_loop* inner = make_embeddable();
  struct pipe_ends ends = make_pipe();
  ev_embed embed;
  ev_io io;
  start_io(inner, &io, "inner", ends.reader, EV_READ);
  ev_embed_init(&embed, NULL, inner);
  assert_ptr_equal(embed.other, inner);
  ev_embed_start(outer, &embed);
  ev_run(outer, EVRUN_NOWAIT);
  assert_trace("");
  put_byte(ends.writer);
  ev_run(outer, EVRUN_ONCE);
  assert_trace("inner:read");
  take_byte(ends.reader);
  ev_run(outer, EVRUN_NOWAIT);
  assert_trace("");
  ev_embed_stop(outer, &embed);
  ev_loop_destroy(inner);
  ev_loop_destroy(outer);
}

static void sweep(EV_P_ ev_embed* w, int revents) {
  note_embed(EV_A_ w, revents);
  ev_embed_sweep(EV_A_ w);
}

static void a_callback_decides_when_the_embedded_loop_runs(void** state) {
  (void)state;
  struct ev_loop* outer = make_loop();
  struct ev_loop* inner = make_embeddable();
  struct pipe_ends ends = make_pipe();
  ev_embed embed;
  ev_io io;
  start_io(inner, &io, "inner", ends.reader, EV_READ);
  ev_embed_init(&embed, sweep, inner);
  embed.data = "embed";
  ev_embed_start(outer, &embed);
  ev_run(outer, EVRUN_NOWAIT);
  put_byte(ends.writer);
  ev_run(outer, EVRUN_ONCE);
  assert_trace("embed:embed inner:read");
  ev_loop_destroy(outer);
  ev_loop_destroy(inner);
}

static void watchers_added_to_the_embedded_loop_later_are_heard(void** state) {
  (void)state;
  struct ev_loop* outer = make_loop();
  struct ev_loop* inner = make_embeddable();
  struct pipe_ends ends = make_pipe();
  ev_embed embed;
  ev_io io;
  ev_embed_init(&embed, NULL, inner);
  ev_embed_start(outer, &embed);
  ev_run(outer, EVRUN_NOWAIT);
  start_io(inner, &io, "late", ends.reader, EV_READ);
  put_byte(ends.writer);
  ev_run(outer, EVRUN_NOWAIT);
  assert_trace(
      "late:read late:read"); /* once when the change is passed on, once when it is reported */
  ev_loop_destroy(outer);
  ev_loop_destroy(inner);
}

static void a_stopped_embed_leaves_the_inner_loop_alone(void** state) {
  (void)state;
  struct ev_loop* outer = make_loop();
  struct ev_loop* inner = make_embeddable();
  struct pipe_ends ends = make_pipe();
  ev_embed embed;
  ev_io io;
  start_io(inner, &io, "inner", ends.reader, EV_READ);
  ev_embed_init(&embed, NULL, inner);
  ev_embed_start(outer, &embed);
  ev_embed_start(outer, &embed);
  ev_run(outer, EVRUN_NOWAIT);
  ev_embed_stop(outer, &embed);
  ev_embed_stop(outer, &embed);
  put_byte(ends.writer);
  assert_int_equal(ev_run(outer, EVRUN_NOWAIT), 0);
  assert_trace("");
  ev_run(inner, EVRUN_ONCE);
  assert_trace("inner:read");
  ev_loop_destroy(outer);
  ev_loop_destroy(inner);
}

static void stop_itself(EV_P_ ev_io* w, int revents) {
  note_io(EV_A_ w, revents);
  ev_io_stop(EV_A_ w);
}

static void an_inner_loop_that_is_done_does_not_wake_the_outer_one(void** state) {
  (void)state;
  struct ev_loop* outer = make_loop();
  struct ev_loop* inner = make_embeddable();
  struct pipe_ends ends = make_pipe();
  ev_embed embed;
  ev_io io;
  ev_timer timer;
  ev_io_init(&io, stop_itself, ends.writer, EV_WRITE);
  io.data = "inner";
  ev_io_start(inner, &io);
  ev_embed_init(&embed, sweep, inner);
  embed.data = "embed";
  ev_embed_start(outer, &embed);
  ev_timer_init(&timer, note_timer, 0.05, 0.);
  timer.data = "timer";
  ev_timer_start(outer, &timer);
  while (ev_is_active(&timer)) {
    ev_run(outer, EVRUN_ONCE);
  }
  assert_trace("inner:write timer:timer");
  ev_loop_destroy(outer);
  ev_loop_destroy(inner);
}

static void an_embed_holds_the_outer_loop(void** state) {
  (void)state;
  struct ev_loop* outer = make_loop();
  struct ev_loop* inner = make_embeddable();
  ev_embed embed;
  ev_embed_init(&embed, NULL, inner);
  ev_embed_start(outer, &embed);
  assert_true(ev_run(outer, EVRUN_NOWAIT) > 0);
  ev_embed_stop(outer, &embed);
  assert_int_equal(ev_run(outer, EVRUN_NOWAIT), 0);
  ev_loop_destroy(outer);
  ev_loop_destroy(inner);
}

static void embed_a_select_loop(void) {
  struct ev_loop* outer = ev_loop_new(0);
  struct ev_loop* inner = ev_loop_new(EVBACKEND_SELECT | EVFLAG_NOENV);
  ev_embed embed;
  ev_embed_init(&embed, NULL, inner);
  ev_embed_start(outer, &embed);
}

static void a_loop_that_cannot_be_embedded_is_refused(void** state) {
  (void)state;
  if (!on_pollshim()) {
    assert_true(ends_in_abort(embed_a_select_loop));
    return;
  }
  struct ev_loop* outer = make_loop();
  struct ev_loop* inner = ev_loop_new(EVBACKEND_SELECT | EVFLAG_NOENV);
  ev_embed embed;
  ev_embed_init(&embed, note_embed, inner);
  embed.data = "embed";
  ev_embed_start(outer, &embed);
  assert_false(ev_is_active(&embed));
  ev_run(outer, EVRUN_NOWAIT);
  assert_trace("embed:error");
  ev_loop_destroy(outer);
  ev_loop_destroy(inner);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(an_embedded_loop_is_run_by_the_outer_one),
    cmocka_unit_test(a_callback_decides_when_the_embedded_loop_runs),
    cmocka_unit_test(watchers_added_to_the_embedded_loop_later_are_heard),
    cmocka_unit_test(a_stopped_embed_leaves_the_inner_loop_alone),
    cmocka_unit_test(an_inner_loop_that_is_done_does_not_wake_the_outer_one),
    cmocka_unit_test(an_embed_holds_the_outer_loop),
    cmocka_unit_test(a_loop_that_cannot_be_embedded_is_refused),
};
const struct harness_group embed_group = {"embed", tests, sizeof tests / sizeof tests[0]};
