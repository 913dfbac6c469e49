/* The macros of libevent that ours write otherwise than the original, put to use: the probe
 * compiles this with either set of headers and compares what it prints. Every value that could tell
 * two implementations apart is there: equal and unequal seconds, carries, borrows, zero, negative.
 */
#include <event2/util.h>
#include <stdio.h>

static const struct timeval times[] = {
    {0, 0},      {0, 1}, {0, 999999}, {1, 0},       {1, 1},  {1, 500000},
    {1, 999999}, {2, 0}, {-1, 0},     {-1, 999999}, {-5, 3}, {1700000000, 123456},
};
enum { kTimes = sizeof times / sizeof times[0] };

static void show(const char* what, const struct timeval* time) {
  printf("%s %ld.%06ld\n", what, (long)time->tv_sec, (long)time->tv_usec);
}

static void compare(const struct timeval* a, const struct timeval* b) {
  printf("compare %d%d%d%d%d%d\n", evutil_timercmp(a, b, ==), evutil_timercmp(a, b, !=),
         evutil_timercmp(a, b, <), evutil_timercmp(a, b, <=), evutil_timercmp(a, b, >),
         evutil_timercmp(a, b, >=));
}

static void add_and_subtract(const struct timeval* a, const struct timeval* b) {
  struct timeval result;
  evutil_timeradd(a, b, &result);
  show("sum", &result);
  evutil_timersub(a, b, &result);
  show("difference", &result);
}

/* The result may be one of the arguments. */
static void in_place(const struct timeval* a, const struct timeval* b) {
  struct timeval left = *a, right = *b;
  evutil_timeradd(&left, b, &left);
  show("sum in the first", &left);
  evutil_timersub(a, &right, &right);
  show("difference in the second", &right);
}

/* All of them must be a single statement, or an expression. */
static int as_statements(int choice) {
  struct timeval a = {1, 2}, b = {3, 4}, c;
  if (choice)
    evutil_timeradd(&a, &b, &c);
  else
    evutil_timersub(&a, &b, &c);
  return !evutil_timerisset(&c) || (evutil_timercmp(&c, &a, <) ? 1 : 2);
}

int main(void) {
  for (int i = 0; i < kTimes; ++i) {
    printf("is set %d\n", evutil_timerisset(&times[i]) ? 1 : 0);
    for (int j = 0; j < kTimes; ++j) {
      compare(&times[i], &times[j]);
      add_and_subtract(&times[i], &times[j]);
      in_place(&times[i], &times[j]);
    }
  }
  printf("statements %d %d\n", as_statements(0), as_statements(1));
  return 0;
}
