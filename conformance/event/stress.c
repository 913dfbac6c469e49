/* Threads against a running loop: workers add, delete, activate, free and finalize events of theirs
 * while another thread dispatches.  Two things must hold: what was made to happen happens (within a
 * deadline far beyond what it takes), and no callback runs once a blocking event_del or event_free
 * returned. The fields a callback touches are plain on purpose: the thread sanitizer sees a
 * callback that comes too late as a race with the worker that already took them back. stress
 * [--seconds S] [--threads N] [--seed N] */
#include <event2/event.h>
#include <event2/thread.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { most_threads = 16, deadline_seconds = 10 };

/* What one event's callback works on. */
struct cell {
  struct event* event;
  int taken_back; /* plain: see above */
  long scratch;
  sem_t called;
  sem_t finalized;
};

struct worker {
  pthread_t thread;
  uint64_t random;
  struct cell cell;
  int pair[2];
  long operations;
};

static struct event_base* base;
static atomic_long callbacks, missed, late;
static atomic_int stopping;

static int below(struct worker* worker, int limit) {
  worker->random ^= worker->random << 13;
  worker->random ^= worker->random >> 7;
  worker->random ^= worker->random << 17;
  return (int)(worker->random % (uint64_t)limit);
}

static void on_event(evutil_socket_t fd, short what, void* argument) {
  struct cell* cell = argument;
  atomic_fetch_add(&callbacks, 1);
  if (cell->taken_back) atomic_fetch_add(&late, 1);
  cell->scratch++;
  if (what & EV_READ && fd >= 0) {
    char bytes[64];
    while (read(fd, bytes, sizeof bytes) > 0) {
    }
  }
  sem_post(&cell->called);
}

static void on_once(evutil_socket_t fd, short what, void* argument) {
  (void)fd;
  (void)what;
  atomic_fetch_add(&callbacks, 1);
  sem_post(argument);
}

static void on_finalize(struct event* event, void* argument) {
  struct cell* cell = argument;
  (void)event;
  cell->scratch++;
  sem_post(&cell->finalized);
}

static void expect_on(sem_t* semaphore, const char* what) {
  struct timespec deadline;
  clock_gettime(CLOCK_REALTIME, &deadline);
  deadline.tv_sec += deadline_seconds;
  if (sem_timedwait(semaphore, &deadline) == 0) return;
  fprintf(stderr, "missed: %s\n", what);
  atomic_fetch_add(&missed, 1);
  atomic_store(&stopping, 1);
}

static void expect(struct worker* worker, const char* what) {
  expect_on(&worker->cell.called, what);
}

static void begin(struct worker* worker, int fd, short events) {
  struct cell* cell = &worker->cell;
  cell->taken_back = 0;
  cell->event = event_new(base, fd, events, on_event, cell);
  if (cell->event == NULL) abort();
}

/* Takes the cell back: from here on no callback may touch it. */
static void end(struct worker* worker, int way) {
  struct cell* cell = &worker->cell;
  if (way == 0) event_del(cell->event);
  if (way == 1) event_del_block(cell->event);
  if (way == 2) {
    event_free(cell->event);
    cell->event = NULL;
  }
  cell->taken_back = 1;
  cell->scratch = 0;
  if (cell->event != NULL) event_free(cell->event);
  cell->event = NULL;
  while (sem_trywait(&cell->called) == 0) {
  }
}

static void activate_and_wait(struct worker* worker) {
  begin(worker, -1, below(worker, 2) ? EV_PERSIST : 0);
  for (int i = below(worker, 4); i >= 0; i--) {
    event_active(worker->cell.event, EV_READ, 1);
    expect(worker, "an activation");
  }
  end(worker, below(worker, 3));
}

static void activate_and_take_back(struct worker* worker) {
  begin(worker, -1, EV_PERSIST);
  for (int i = below(worker, 3); i >= 0; i--)
    event_active(worker->cell.event, EV_WRITE, 1);
  end(worker, below(worker, 3));
}

static void time_out(struct worker* worker) {
  struct timeval soon = {0, below(worker, 1500)};
  begin(worker, -1, 0);
  event_add(worker->cell.event, &soon);
  expect(worker, "a timeout");
  end(worker, below(worker, 3));
}

static void time_out_or_not(struct worker* worker) {
  struct timeval period = {0, 1 + below(worker, 300)};
  begin(worker, -1, EV_PERSIST);
  event_add(worker->cell.event, &period);
  if (below(worker, 2)) expect(worker, "the first of a series of timeouts");
  if (below(worker, 2)) event_add(worker->cell.event, &period);
  end(worker, below(worker, 3));
}

static void read_one(struct worker* worker) {
  begin(worker, worker->pair[0], below(worker, 2) ? EV_READ | EV_PERSIST : EV_READ);
  event_add(worker->cell.event, NULL);
  if (write(worker->pair[1], "x", 1) != 1) abort();
  expect(worker, "a readable socket");
  end(worker, below(worker, 3));
}

static void read_or_not(struct worker* worker) {
  struct timeval minute = {60, 0};
  begin(worker, worker->pair[0], EV_READ | EV_PERSIST);
  if (write(worker->pair[1], "x", 1) != 1) abort();
  for (int i = below(worker, 4); i >= 0; i--) {
    event_add(worker->cell.event, below(worker, 2) ? &minute : NULL);
    if (below(worker, 2)) event_del(worker->cell.event);
  }
  end(worker, below(worker, 3));
  char bytes[64];
  while (read(worker->pair[0], bytes, sizeof bytes) > 0) {
  }
}

static void once(struct worker* worker) {
  struct timeval soon = {0, below(worker, 1000)};
  if (event_base_once(base, -1, EV_TIMEOUT, on_once, &worker->cell.called,
                      below(worker, 2) ? &soon : NULL) != 0)
    abort();
  expect(worker, "an event_base_once");
}

static void finalize(struct worker* worker) {
  begin(worker, -1, EV_PERSIST | EV_FINALIZE);
  if (below(worker, 2)) {
    event_active(worker->cell.event, EV_READ, 1);
    if (below(worker, 2)) expect(worker, "an activation before a finalizer");
  }
  struct cell* cell = &worker->cell;
  if (event_free_finalize(0, cell->event, on_finalize) != 0) abort();
  expect_on(&cell->finalized, "a finalizer");
  cell->event = NULL;
  cell->taken_back = 1;
  cell->scratch = 0;
  while (sem_trywait(&cell->called) == 0) {
  }
}

static void* work(void* argument) {
  struct worker* worker = argument;
  static void (*const operations[])(struct worker*) = {activate_and_wait,
                                                       activate_and_take_back,
                                                       time_out,
                                                       time_out_or_not,
                                                       read_one,
                                                       read_or_not,
                                                       once,
                                                       finalize};
  while (!atomic_load(&stopping)) {
    operations[below(worker, sizeof operations / sizeof operations[0])](worker);
    worker->operations++;
  }
  return NULL;
}

static void* dispatch(void* unused) {
  (void)unused;
  event_base_loop(base, EVLOOP_NO_EXIT_ON_EMPTY);
  return NULL;
}

int main(int argc, char** argv) {
  int seconds = 2, threads = 4;
  uint64_t seed = 1;
  static struct worker workers[most_threads];
  for (int i = 1; i + 1 < argc; i += 2) {
    if (strcmp(argv[i], "--seconds") == 0) seconds = atoi(argv[i + 1]);
    if (strcmp(argv[i], "--threads") == 0) threads = atoi(argv[i + 1]);
    if (strcmp(argv[i], "--seed") == 0) seed = strtoull(argv[i + 1], NULL, 10);
  }
  if (threads < 1 || threads > most_threads || evthread_use_pthreads() != 0) return 2;
  base = event_base_new();
  pthread_t loop;
  if (base == NULL || pthread_create(&loop, NULL, dispatch, NULL) != 0) return 2;
  for (int i = 0; i < threads; i++) {
    struct worker* worker = &workers[i];
    worker->random = (seed + (uint64_t)i) * 0x9e3779b97f4a7c15u | 1;
    sem_init(&worker->cell.called, 0, 0);
    sem_init(&worker->cell.finalized, 0, 0);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, worker->pair) != 0)
      return 2;
    if (pthread_create(&worker->thread, NULL, work, worker) != 0) return 2;
  }
  for (int i = 0; i < seconds * 20 && !atomic_load(&stopping); i++)
    nanosleep(&(struct timespec){0, 50000000}, NULL);
  atomic_store(&stopping, 1);
  long operations = 0;
  for (int i = 0; i < threads; i++) {
    pthread_join(workers[i].thread, NULL);
    operations += workers[i].operations;
    close(workers[i].pair[0]);
    close(workers[i].pair[1]);
  }
  event_base_loopbreak(base);
  pthread_join(loop, NULL);
  event_base_free(base);
  libevent_global_shutdown();
  printf("stress: %d threads, %ld operations, %ld callbacks, %ld missed, %ld late\n", threads,
         operations, atomic_load(&callbacks), atomic_load(&missed), atomic_load(&late));
  return missed != 0 || late != 0 || operations == 0;
}
