// What the library has to say: messages at four levels through the user's log callback, and the
// fatal end through the user's fatal callback. Owns both hooks; everybody may call it.
#pragma once

#include <cstdarg>

#include "event2/event.h"

namespace pollshim::event {

[[gnu::format(printf, 1, 2)]] void log_debug(const char* format, ...);
[[gnu::format(printf, 1, 2)]] void log_message(const char* format, ...);
[[gnu::format(printf, 1, 2)]] void log_warning(const char* format, ...);
// Appends ": " and what errno means.
[[gnu::format(printf, 1, 2)]] void log_warning_errno(const char* format, ...);
// Appends what the socket's error means.
[[gnu::format(printf, 2, 3)]] void log_warning_socket(evutil_socket_t socket, const char* format,
                                                      ...);

// Logs at error level and ends the process through the fatal callback, or exit(code).
[[noreturn]] [[gnu::format(printf, 2, 3)]] void fatal(int code, const char* format, ...);
[[noreturn]] [[gnu::format(printf, 2, 3)]] void fatal_errno(int code, const char* format, ...);

// Debug messages cost their formatting, so they are asked for first.
extern ev_uint32_t debug_mask;
inline bool debug_logging_enabled() {
  return debug_mask != 0;
}

// A broken promise inside the library: aborts with the place.
[[noreturn]] void assertion_failed(const char* file, int line, const char* condition,
                                   const char* function);

}  // namespace pollshim::event

#define EVENT_CHECK(condition)                                                       \
  do {                                                                               \
    if (__builtin_expect(!(condition), 0)) {                                         \
      ::pollshim::event::assertion_failed(__FILE__, __LINE__, #condition, __func__); \
    }                                                                                \
  } while (0)
