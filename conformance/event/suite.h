/* What every room of the libevent event-core suite shares: the lock half of the run matrix, bases
 * made under it, a callback that counts, connected socket pairs, captured log lines, and scenarios
 * that are expected to end their process.  The backend half of the matrix is libevent's own
 * environment (EVENT_NOEPOLL ...), so nothing here knows about it.
 * Only <event2/...> is included: the same objects run on Debian's library and on ours. */
#ifndef CONFORMANCE_EVENT_SUITE_H
#define CONFORMANCE_EVENT_SUITE_H

#include "conformance/harness/harness.h"

#include <event2/event.h>
#include <event2/thread.h>
#include <event2/util.h>
#include <sys/time.h>

/* Sets locking up as SUITE_LOCKS (none, pthreads) asks, once for the process.  Every test that
 * makes a base calls it first, through suite_base() or by hand. */
void suite_start(void);
int suite_has_locks(void);

/* Whether this is the original library.  Only for the differences listed in
 * conformance/DIFFERENCES.md: a test that asks asserts what each of the two does. */
int suite_on_original(void);

/* A base, asserted.  The caller frees it. */
struct event_base* suite_base(void);
struct event_base* suite_base_with_flag(int flag);
int suite_is_method(struct event_base* base, const char* method);
int suite_has_feature(struct event_base* base, int feature);

/* Counts its calls and keeps the arguments of the last one. */
struct tally {
  int calls;
  evutil_socket_t fd;
  short what;
};
void count_call(evutil_socket_t fd, short what, void* tally);

/* Appends one letter to a string: `letters` names the order in which callbacks ran. */
struct letters {
  char text[64];
  size_t length;
};
struct lettered {
  struct letters* letters;
  char letter;
  struct event* event;
  struct event_base* base;
  int left;
};
void write_letter(evutil_socket_t fd, short what, void* lettered);

/* Two connected, non-blocking stream sockets. */
struct pair {
  int near;
  int far;
};
struct pair pair_open(void);
void pair_close(struct pair* pair);
void send_byte(int fd);
int drain(int fd);
void fill(int fd);

struct timeval milliseconds(long count);
long long now_in_milliseconds(void);
/* Microseconds on the clock of the base's own timers.  Only this one proves that a timer was not
 * early: the real library's clock is a coarse one, some milliseconds behind the system's. */
long long base_clock(struct event_base* base);

/* Every log line from now on, each preceded by its severity and a blank: "2 event_add: ...\n". */
void log_capture(void);
const char* log_text(void);
int log_has(const char* pattern);

/* Runs `scenario` in a forked child that records log lines and turns the library's fatal call into
 * its end.  Nothing in a scenario may assert; it exits 0 by returning. */
struct outcome {
  int fatal;      /* the fatal callback ran */
  int fatal_code; /* with this argument */
  int status;     /* as waitpid() gives it */
  char log[4096];
};
struct outcome run_in_child(void (*scenario)(void*), void* argument);
/* The scenario ends in the fatal callback, with a log line that matches `pattern` (fnmatch). */
#define assert_fatal(scenario, argument, pattern) \
  assert_fatal_at(scenario, argument, pattern, __FILE__, __LINE__)
/* The scenario returns. */
#define assert_survives(scenario, argument) \
  assert_survives_at(scenario, argument, __FILE__, __LINE__)
void assert_fatal_at(void (*scenario)(void*), void* argument, const char* pattern, const char* file,
                     int line);
void assert_survives_at(void (*scenario)(void*), void* argument, const char* file, int line);

/* One line of text matches, '*' and '?' as in a file name pattern. */
#define assert_matches(text, pattern) assert_matches_at(text, pattern, __FILE__, __LINE__)
void assert_matches_at(const char* text, const char* pattern, const char* file, int line);

/* The groups, one per file. */
#define SUITE_GROUP(name) extern const struct harness_group name##_group
SUITE_GROUP(base);
SUITE_GROUP(config);
SUITE_GROUP(loop);
SUITE_GROUP(loop_exit);
SUITE_GROUP(priority);
SUITE_GROUP(event_object);
SUITE_GROUP(io);
SUITE_GROUP(edge);
SUITE_GROUP(crowd);
SUITE_GROUP(timer);
SUITE_GROUP(common_timeout);
SUITE_GROUP(clock);
SUITE_GROUP(signal);
SUITE_GROUP(active);
SUITE_GROUP(once);
SUITE_GROUP(finalize);
SUITE_GROUP(introspect);
SUITE_GROUP(dump);
SUITE_GROUP(bad_input);
SUITE_GROUP(bad_argument);
SUITE_GROUP(debug_mode);
SUITE_GROUP(memory);
SUITE_GROUP(log);
SUITE_GROUP(shutdown);
SUITE_GROUP(fork);
SUITE_GROUP(thread);
SUITE_GROUP(lock);
SUITE_GROUP(condition);
SUITE_GROUP(hazard);
SUITE_GROUP(zombie);
SUITE_GROUP(compat);
SUITE_GROUP(util_socket);
SUITE_GROUP(util_address);
SUITE_GROUP(util_getaddrinfo);
SUITE_GROUP(util_string);
SUITE_GROUP(util_time);
SUITE_GROUP(util_random);

#define DEFINE_GROUP(name, tests) \
  const struct harness_group name##_group = {#name, tests, sizeof tests / sizeof tests[0]}

#endif
