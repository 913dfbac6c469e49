// Strings and numbers, independent of the locale; and the date as HTTP writes it.
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "event2/util.h"

namespace {

unsigned char to_lower(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 'A' && byte <= 'Z' ? static_cast<unsigned char>(byte + ('a' - 'A')) : byte;
}

// At most `limit` characters of each are looked at.
int compare_ignoring_case(const char* a, const char* b, size_t limit) {
  for (; limit != 0; --limit, ++a, ++b) {
    // Signed, as the original compares: bytes past 127 come before the letters.
    const auto left = static_cast<signed char>(to_lower(*a));
    const auto right = static_cast<signed char>(to_lower(*b));
    if (left != right) return left < right ? -1 : 1;
    if (left == 0) return 0;
  }
  return 0;
}

constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

}  // namespace

extern "C" {

int evutil_ascii_strcasecmp(const char* a, const char* b) {
  return compare_ignoring_case(a, b, SIZE_MAX);
}

int evutil_ascii_strncasecmp(const char* a, const char* b, size_t limit) {
  return compare_ignoring_case(a, b, limit);
}

ev_int64_t evutil_strtoll(const char* text, char** end, int base) {
  return std::strtoll(text, end, base);
}

int evutil_vsnprintf(char* out, size_t size, const char* format, va_list arguments) {
  if (size == 0) return 0;
  const int length = std::vsnprintf(out, size, format, arguments);
  out[size - 1] = '\0';
  return length;
}

int evutil_snprintf(char* out, size_t size, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int length = evutil_vsnprintf(out, size, format, arguments);
  va_end(arguments);
  return length;
}

int evutil_date_rfc1123(char* out, const size_t size, const tm* time) {
  tm now;
  if (time == nullptr) {
    const time_t seconds = std::time(nullptr);
    gmtime_r(&seconds, &now);
    time = &now;
  }
  return evutil_snprintf(out, size, "%s, %02d %s %4d %02d:%02d:%02d GMT", kDays[time->tm_wday],
                         time->tm_mday, kMonths[time->tm_mon], 1900 + time->tm_year, time->tm_hour,
                         time->tm_min, time->tm_sec);
}

}  // extern "C"
