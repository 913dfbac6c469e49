/* event_base_dump_events: one line for each event, exactly as the real library writes it.  The
 * lines of the library's own events say "Internal" and are left out of the comparison. */
#include "conformance/event/suite.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The dump as a string, without the internal events.  The caller frees it. */
static char* dump(struct event_base* base) {
  char *all = NULL, *kept = NULL;
  size_t all_size = 0, kept_size = 0;
  FILE* stream = open_memstream(&all, &all_size);
  event_base_dump_events(base, stream);
  fclose(stream);
  stream = open_memstream(&kept, &kept_size);
  for (char* line = strtok(all, "\n"); line != NULL; line = strtok(NULL, "\n"))
    if (strstr(line, " Internal") == NULL) fprintf(stream, "%s\n", line);
  fclose(stream);
  free(all);
  return kept;
}

static void an_empty_base_dumps_two_headings(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  char* text = dump(base);
  assert_string_equal(text, "Inserted events:\nActive events:\n");
  free(text);
  event_base_free(base);
}

static void inserted_events_are_listed_with_their_flags(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct event* reader = event_new(base, pair.near, EV_READ | EV_PERSIST, count_call, NULL);
  struct event* writer = event_new(base, pair.far, EV_WRITE | EV_CLOSED, count_call, NULL);
  struct event* signal_event = evsignal_new(base, SIGUSR1, count_call, NULL);
  event_add(reader, NULL);
  event_add(writer, NULL);
  event_add(signal_event, NULL);
  char *text = dump(base), expected[512];
  snprintf(expected, sizeof expected,
           "Inserted events:\n"
           "  %p [fd  %d] Read Persist\n"
           "  %p [fd  %d] Write EOF\n"
           "  %p [sig %d] Signal Persist\n"
           "Active events:\n",
           (void*)reader, pair.near, (void*)writer, pair.far, (void*)signal_event, SIGUSR1);
  assert_string_equal(text, expected);
  free(text);
  event_free(reader);
  event_free(writer);
  event_free(signal_event);
  event_base_free(base);
  pair_close(&pair);
}

static void an_edge_event_says_so(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct event* event = event_new(base, pair.near, EV_READ | EV_ET, count_call, NULL);
  event_add(event, NULL);
  char *text = dump(base), expected[256];
  snprintf(expected, sizeof expected, "Inserted events:\n  %p [fd  %d] Read ET\nActive events:\n",
           (void*)event, pair.near);
  assert_string_equal(text, expected);
  free(text);
  event_free(event);
  event_base_free(base);
  pair_close(&pair);
}

static void a_timer_is_listed_with_the_wall_clock_time_of_its_expiry(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct timeval late = {30, 0}, expires;
  struct event* timer = evtimer_new(base, count_call, NULL);
  event_add(timer, &late);
  event_pending(timer, EV_TIMEOUT, &expires);
  char *text = dump(base), *time = strstr(text, " Timeout=");
  assert_non_null(time);
  long seconds = 0;
  int microseconds = 0;
  assert_int_equal(sscanf(time, " Timeout=%ld.%6d\n", &seconds, &microseconds), 2);
  assert_true(labs(seconds - (long)expires.tv_sec) <= 1);
  *time = 0;
  char expected[256];
  snprintf(expected, sizeof expected, "Inserted events:\n  %p [fd  -1]", (void*)timer);
  assert_string_equal(text, expected);
  free(text);
  event_free(timer);
  event_base_free(base);
}

static void active_events_are_listed_with_their_reasons_and_priority(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  event_base_priority_init(base, 3);
  struct event* first = event_new(base, -1, 0, count_call, &(struct tally){0});
  struct event* second = evsignal_new(base, SIGUSR1, count_call, &(struct tally){0});
  event_priority_set(first, 2);
  event_active(first, EV_READ | EV_WRITE | EV_TIMEOUT, 1);
  event_active(second, EV_SIGNAL, 1);
  char *text = dump(base), one[256], two[256];
  snprintf(one, sizeof one, "  %p [fd  -1, priority=2] Read Write Timeout active", (void*)first);
  snprintf(two, sizeof two, "  %p [sig %d, priority=1] Signal active", (void*)second, SIGUSR1);
  char* heading = strstr(text, "Active events:\n");
  assert_non_null(heading);
  assert_non_null(strstr(heading, one));
  assert_non_null(strstr(heading, two));
  *heading = 0;
  assert_string_equal(text, "Inserted events:\n");
  free(text);
  event_free(first);
  event_free(second);
  event_base_free(base);
}

static void an_event_both_inserted_and_active_is_listed_under_both(void** state) {
  (void)state;
  struct event_base* base = suite_base();
  struct pair pair = pair_open();
  struct event* event = event_new(base, pair.near, EV_READ, count_call, &(struct tally){0});
  event_add(event, NULL);
  event_active(event, EV_READ | EV_CLOSED, 1);
  char *text = dump(base), expected[512];
  snprintf(expected, sizeof expected,
           "Inserted events:\n"
           "  %p [fd  %d] Read\n"
           "Active events:\n"
           "  %p [fd  %d, priority=0] Read EOF active\n",
           (void*)event, pair.near, (void*)event, pair.near);
  assert_string_equal(text, expected);
  free(text);
  event_free(event);
  event_base_free(base);
  pair_close(&pair);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(an_empty_base_dumps_two_headings),
    cmocka_unit_test(inserted_events_are_listed_with_their_flags),
    cmocka_unit_test(an_edge_event_says_so),
    cmocka_unit_test(a_timer_is_listed_with_the_wall_clock_time_of_its_expiry),
    cmocka_unit_test(active_events_are_listed_with_their_reasons_and_priority),
    cmocka_unit_test(an_event_both_inserted_and_active_is_listed_under_both),
};
DEFINE_GROUP(dump, tests);
