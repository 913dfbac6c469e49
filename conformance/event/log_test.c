/* Log and fatal hooks: what reaches a callback, what the default writes where, debug logging on and
 * off, and how the process ends when a fatal error finds no callback or one that returns. */
#include "conformance/event/suite.h"

#include <event2/event_struct.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void warn(void) {
  struct event* event = event_new(NULL, -1, 0, count_call, NULL);
  event_add(event, NULL);
  free(event);
}

static void a_callback_gets_severity_and_text_without_a_newline(void** state) {
  (void)state;
  suite_start();
  log_capture();
  warn();
  assert_string_equal(log_text(), "2 event_add: event has no event_base set.\n");
}

static void severities_have_their_numbers(void** state) {
  (void)state;
  assert_int_equal(EVENT_LOG_DEBUG, 0);
  assert_int_equal(EVENT_LOG_MSG, 1);
  assert_int_equal(EVENT_LOG_WARN, 2);
  assert_int_equal(EVENT_LOG_ERR, 3);
  assert_int_equal(_EVENT_LOG_DEBUG, 0);
  assert_int_equal(_EVENT_LOG_ERR, 3);
}

/* What the library writes to standard error in a child that runs `scenario`. */
static char* standard_error_of(void (*scenario)(void), int* status) {
  static char text[4096];
  int ends[2];
  if (pipe(ends) != 0) abort();
  pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    close(ends[0]);
    close(ends[1]);
    scenario();
    _exit(0);
  }
  close(ends[1]);
  size_t length = 0;
  ssize_t count;
  while ((count = read(ends[0], text + length, sizeof text - 1 - length)) > 0)
    length += (size_t)count;
  text[length] = 0;
  close(ends[0]);
  waitpid(child, status, 0);
  return text;
}

static void without_a_callback_lines_go_to_standard_error(void** state) {
  (void)state;
  int status;
  assert_string_equal(standard_error_of(warn, &status),
                      "[warn] event_add: event has no event_base set.\n");
  assert_int_equal(status, 0);
}

static void show_the_method(void) {
  setenv("EVENT_SHOW_METHOD", "1", 1);
  event_base_free(event_base_new());
}

static void an_ordinary_message_is_marked_as_such(void** state) {
  (void)state;
  int status;
  assert_matches(standard_error_of(show_the_method, &status), "?msg? libevent using: *");
}

static void unset_and_warn(void) {
  log_capture();
  event_set_log_callback(NULL);
  warn();
}

static void no_callback_brings_the_default_back(void** state) {
  (void)state;
  int status;
  assert_string_equal(standard_error_of(unset_and_warn, &status),
                      "[warn] event_add: event has no event_base set.\n");
}

static void debug_and_make_a_base(void) {
  event_enable_debug_logging(EVENT_DBG_ALL);
  struct event_base* base = event_base_new();
  struct timeval soon = milliseconds(1);
  struct event* timer = evtimer_new(base, count_call, &(struct tally){0});
  event_add(timer, &soon);
  event_base_dispatch(base);
  event_free(timer);
  event_base_free(base);
}

static void debug_lines_appear_when_asked_for(void** state) {
  (void)state;
  int status;
  char* text = standard_error_of(debug_and_make_a_base, &status);
  assert_int_equal(status, 0);
  assert_matches(text, "?debug? event_add: event: 0x* *");
}

static void do_not_debug(void) {
  event_enable_debug_logging(EVENT_DBG_ALL);
  event_enable_debug_logging(EVENT_DBG_NONE);
  event_base_free(event_base_new());
}

static void and_not_when_turned_off_again(void** state) {
  (void)state;
  int status;
  assert_string_equal(standard_error_of(do_not_debug, &status), "");
}

static void debug_lines_reach_a_callback_as_severity_zero(void** state) {
  (void)state;
  suite_start();
  event_enable_debug_logging(EVENT_DBG_ALL);
  log_capture();
  debug_and_make_a_base();
  event_set_log_callback(NULL);
  event_enable_debug_logging(EVENT_DBG_NONE);
  assert_matches(log_text(), "0 event_add: event: 0x* *");
}

static void provoke(void) {
  event_enable_debug_mode();
  event_enable_debug_mode();
}

static void misuse_an_event(void) {
  event_enable_debug_mode();
  static struct event event;
  event_get_fd(&event);
}

static void without_a_fatal_callback_a_wrong_setup_exits_with_one(void** state) {
  (void)state;
  int status;
  assert_string_equal(standard_error_of(provoke, &status),
                      "[err] event_enable_debug_mode was called twice!\n");
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 1);
}

static void without_a_fatal_callback_a_misused_event_aborts(void** state) {
  (void)state;
  int status;
  assert_matches(standard_error_of(misuse_an_event, &status),
                 "?err? * called on a non-initialized event 0x*");
  assert_true(WIFSIGNALED(status));
  assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void ignore_fatality(int code) {
  (void)code;
}

static void provoke_with_a_callback_that_returns(void) {
  event_set_fatal_callback(ignore_fatality);
  misuse_an_event();
}

/* With the code it was given, cut to what an exit status holds: 0xdeaddead here. */
static void a_fatal_callback_that_returns_still_ends_the_process(void** state) {
  (void)state;
  int status;
  standard_error_of(provoke_with_a_callback_that_returns, &status);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0xad);
}

static void provoke_with_the_callback_unset(void) {
  event_set_fatal_callback(ignore_fatality);
  event_set_fatal_callback(NULL);
  misuse_an_event();
}

static void no_fatal_callback_brings_the_default_back(void** state) {
  (void)state;
  int status;
  standard_error_of(provoke_with_the_callback_unset, &status);
  assert_true(WIFSIGNALED(status));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_callback_gets_severity_and_text_without_a_newline),
    cmocka_unit_test(severities_have_their_numbers),
    cmocka_unit_test(without_a_callback_lines_go_to_standard_error),
    cmocka_unit_test(an_ordinary_message_is_marked_as_such),
    cmocka_unit_test(no_callback_brings_the_default_back),
    cmocka_unit_test(debug_lines_appear_when_asked_for),
    cmocka_unit_test(and_not_when_turned_off_again),
    cmocka_unit_test(debug_lines_reach_a_callback_as_severity_zero),
    cmocka_unit_test(without_a_fatal_callback_a_wrong_setup_exits_with_one),
    cmocka_unit_test(without_a_fatal_callback_a_misused_event_aborts),
    cmocka_unit_test(a_fatal_callback_that_returns_still_ends_the_process),
    cmocka_unit_test(no_fatal_callback_brings_the_default_back),
};
DEFINE_GROUP(log, tests);
