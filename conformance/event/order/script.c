/* One actor for each lower-case letter, on one base, over a few channels of the differential
 * fuzzer's kind.  A token is looked up and done; there is no state but that of the actors. */
#include "conformance/event/order/script.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conformance/event/differential/channels.h"
#include "conformance/event/virtual_clock.h"

enum { actor_count = 26, channels = 4, callback_limit = 20 };

struct actor {
  struct event* event;
  const char* next_script; /* the '{' of what its next callback does, or NULL */
};

static struct actor actors[actor_count];
static struct event_base* base;
static const struct timeval* common;
static int callbacks;
static char* trace;
static size_t trace_size, trace_length;

static void run_until(const char** cursor, char end);

static void note(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int count = vsnprintf(trace + trace_length, trace_size - trace_length, format, arguments);
  va_end(arguments);
  if (count > 0 && trace_length + (size_t)count < trace_size) trace_length += (size_t)count;
}

static void wrong(const char* where) {
  fprintf(stderr, "scenario does not parse at: %s\n", where);
  exit(2);
}

static void note_reason(short what) {
  static const struct {
    short flag;
    char letter;
  } names[] = {{EV_READ, 'r'},   {EV_WRITE, 'w'}, {EV_TIMEOUT, 't'},
               {EV_SIGNAL, 's'}, {EV_ET, 'e'},    {EV_CLOSED, 'c'}};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (what & names[i].flag) note("%c", names[i].letter);
}

/* In milliseconds from the last full second, where the virtual clock starts. */
static void note_cached_time(void) {
  struct timeval now;
  event_base_gettimeofday_cached(base, &now);
  note(" wall%ld", (long)now.tv_usec / 1000);
}

/* ---- callbacks
 * ----------------------------------------------------------------------------------- */

static void on_event(evutil_socket_t fd, short what, void* argument) {
  (void)fd;
  struct actor* actor = argument;
  note(" %c:", (char)('a' + (actor - actors)));
  note_reason(what);
  if (++callbacks > callback_limit) {
    event_base_loopbreak(base);
    return;
  }
  const char* cursor = actor->next_script;
  if (cursor == NULL) return;
  cursor++;
  note("(");
  run_until(&cursor, '}');
  note(" )");
  actor->next_script = *cursor == '{' ? cursor : NULL;
}

static void on_once(evutil_socket_t fd, short what, void* argument) {
  (void)fd;
  (void)argument;
  note(" once:");
  note_reason(what);
}

static void on_end(struct event* event, void* argument) {
  (void)event;
  note(" end-of-%c", (char)('a' + ((struct actor*)argument - actors)));
}

static void on_stuck(void) {
  note(" waits");
  event_base_loopbreak(base);
}

static void on_log(int severity, const char* message) {
  (void)message;
  note(" log%d", severity);
}

/* ---- tokens
 * -------------------------------------------------------------------------------------- */

static long number(const char** cursor) {
  char* end;
  long value = strtol(*cursor, &end, 10);
  if (end == *cursor) wrong(*cursor);
  *cursor = end;
  return value;
}

static struct actor* actor(const char** cursor) {
  char letter = *(*cursor)++;
  if (letter < 'a' || letter > 'z') wrong(*cursor - 1);
  return &actors[letter - 'a'];
}

static short reasons(const char** cursor) {
  short what = 0;
  for (;; (*cursor)++) {
    if (**cursor == 'r')
      what |= EV_READ;
    else if (**cursor == 'w')
      what |= EV_WRITE;
    else if (**cursor == 't')
      what |= EV_TIMEOUT;
    else if (**cursor == 's')
      what |= EV_SIGNAL;
    else if (**cursor == 'p')
      what |= EV_PERSIST;
    else if (**cursor == 'e')
      what |= EV_ET;
    else if (**cursor == 'c')
      what |= EV_CLOSED;
    else
      return what;
  }
}

/* a:rp0@1{...}{...}: what actor a watches, its priority, and its callbacks' scripts. */
static void define(struct actor* self, const char** cursor) {
  short what = reasons(cursor);
  int fd = -1;
  if (what & EV_SIGNAL)
    fd = number(cursor) == 0 ? SIGUSR1 : SIGUSR2;
  else if (what & (EV_READ | EV_WRITE | EV_CLOSED))
    fd = channel_fd((int)number(cursor), 0);
  self->event = event_new(base, fd, (short)(what & ~EV_TIMEOUT), on_event, self);
  if (**cursor == '@') {
    (*cursor)++;
    event_priority_set(self->event, (int)number(cursor));
  }
  self->next_script = **cursor == '{' ? *cursor : NULL;
  int depth = 0;
  do {
    if (**cursor == '{') depth++;
    if (**cursor == '}') depth--;
    if (depth > 0 || **cursor == '}') (*cursor)++;
    if (**cursor == 0 && depth > 0) wrong(*cursor);
  } while (depth > 0 || **cursor == '{');
}

static void add(const char** cursor) {
  struct actor* self = actor(cursor);
  const struct timeval* timeout = NULL;
  struct timeval delay;
  if (**cursor == 'C') {
    (*cursor)++;
    timeout = common;
  } else if (**cursor >= '0' && **cursor <= '9') {
    long count = number(cursor);
    delay = (struct timeval){count / 1000, count % 1000 * 1000};
    timeout = &delay;
  }
  if (event_add(self->event, timeout) != 0) note(" refused");
}

static void loop(const char** cursor) {
  int flags = 0;
  for (; **cursor == 'L' || **cursor == 'O' || **cursor == 'N'; (*cursor)++)
    flags |= **cursor == 'O' ? EVLOOP_ONCE : **cursor == 'N' ? EVLOOP_NONBLOCK : 0;
  note(" [");
  int answer = event_base_loop(base, flags);
  note(" ]=%d", answer);
}

static void configure(const char** cursor, const char* name) {
  *cursor += strlen(name);
  int value = (int)number(cursor);
  if (strcmp(name, "priorities=") == 0) event_base_priority_init(base, value);
}

static void discard(int fd) {
  char bytes[4096];
  while (read(fd, bytes, sizeof bytes) > 0) {
  }
}

static void block_writing(int fd) {
  static const char bytes[512];
  while (write(fd, bytes, sizeof bytes) > 0) {
  }
}

static void token(const char** cursor) {
  const char* start = *cursor;
  if (start[0] >= 'a' && start[0] <= 'z' && start[1] == ':') {
    *cursor += 2;
    define(&actors[start[0] - 'a'], cursor);
    return;
  }
  if (strncmp(start, "priorities=", 11) == 0) {
    configure(cursor, "priorities=");
    return;
  }
  (*cursor)++;
  switch (*start) {
    case '+':
      add(cursor);
      break;
    case '-':
      event_del(actor(cursor)->event);
      break;
    case '~': {
      struct actor* self = actor(cursor);
      event_free(self->event);
      self->event = NULL;
      break;
    }
    case '^': {
      struct actor* self = actor(cursor);
      event_free_finalize(0, self->event, on_end);
      self->event = NULL;
      break;
    }
    case '!': {
      struct actor* self = actor(cursor);
      short what = reasons(cursor);
      event_active(self->event, what, 1);
      break;
    }
    case '#': {
      struct actor* self = actor(cursor);
      event_priority_set(self->event, (int)number(cursor));
      break;
    }
    case '/':
      event_remove_timer(actor(cursor)->event);
      break;
    case '1': {
      long count = **cursor >= '0' && **cursor <= '9' ? number(cursor) : 0;
      struct timeval delay = {count / 1000, count % 1000 * 1000};
      event_base_once(base, -1, EV_TIMEOUT, on_once, NULL, &delay);
      break;
    }
    case '>':
      if (write(channel_fd((int)number(cursor), 1), "x", 1) != 1) note(" full");
      break;
    case '<':
      discard(channel_fd((int)number(cursor), 0));
      break;
    case '=':
      block_writing(channel_fd((int)number(cursor), 0));
      break;
    case '|':
      shutdown(channel_fd((int)number(cursor), 1), SHUT_WR);
      break;
    case '$':
      raise(number(cursor) == 0 ? SIGUSR1 : SIGUSR2);
      break;
    case '%':
      event_base_active_by_signal(base, number(cursor) == 0 ? SIGUSR1 : SIGUSR2);
      break;
    case '&': {
      int fd = channel_fd((int)number(cursor), 0);
      event_base_active_by_fd(base, fd, reasons(cursor));
      break;
    }
    case 'B':
      event_base_loopbreak(base);
      break;
    case 'K':
      event_base_loopcontinue(base);
      break;
    case 'X':
      if (**cursor >= '0' && **cursor <= '9') {
        long count = number(cursor);
        struct timeval delay = {count / 1000, count % 1000 * 1000};
        event_base_loopexit(base, &delay);
      } else {
        event_base_loopexit(base, NULL);
      }
      break;
    case 'T':
      virtual_clock_advance(number(cursor));
      break;
    case 'U':
      event_base_update_cache_time(base);
      break;
    case '?':
      note(" at%lld", virtual_clock_milliseconds());
      break;
    case 'W':
      note_cached_time();
      break;
    case 'L':
    case 'O':
    case 'N':
      *cursor = start;
      loop(cursor);
      break;
    default:
      wrong(start);
  }
}

static void run_until(const char** cursor, char end) {
  for (;;) {
    while (**cursor == ' ' || **cursor == '\n')
      (*cursor)++;
    if (**cursor == end) break;
    if (**cursor == 0) wrong("the end");
    token(cursor);
  }
  if (end != 0) (*cursor)++;
}

/* ---- a whole script
 * -------------------------------------------------------------------------------- */

void script_prepare(void) {
  event_set_log_callback(on_log);
  virtual_clock_stuck = on_stuck;
  signal(SIGUSR1, SIG_IGN);
  signal(SIGUSR2, SIG_IGN);
}

void script_run(const char* script, char* out, size_t size) {
  struct timeval duration = {0, 10000};
  trace = out;
  trace_size = size;
  trace_length = 0;
  trace[0] = 0;
  callbacks = 0;
  memset(actors, 0, sizeof actors);
  virtual_clock_reset();
  base = event_base_new();
  if (base == NULL) exit(2);
  common = event_base_init_common_timeout(base, &duration);
  for (int channel = 0; channel < channels; channel++)
    channel_open(channel, 0);
  run_until(&script, 0);
  for (int i = 0; i < actor_count; i++)
    if (actors[i].event != NULL) event_free(actors[i].event);
  event_base_free(base);
  for (int channel = 0; channel < channels; channel++)
    channel_close(channel);
}
