#include "compat/event/log.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace pollshim::event {

ev_uint32_t debug_mask = 0;

namespace {

constexpr int kInternalError = static_cast<int>(0xdeaddead);
constexpr std::size_t kLongestMessage = 1024;

event_log_cb log_callback = nullptr;
event_fatal_cb fatal_callback = nullptr;
const char* level_name(int severity) {
  switch (severity) {
    case EVENT_LOG_DEBUG:
      return "debug";
    case EVENT_LOG_MSG:
      return "msg";
    case EVENT_LOG_WARN:
      return "warn";
    case EVENT_LOG_ERR:
      return "err";
    default:
      return "???";
  }
}

void emit(int severity, const char* message) {
  if (log_callback != nullptr) {
    log_callback(severity, message);
  } else {
    std::fprintf(stderr, "[%s] %s\n", level_name(severity), message);
  }
}

// `reason` is appended, if there is one.
void write_log(int severity, const char* reason, const char* format, std::va_list arguments) {
  if (severity == EVENT_LOG_DEBUG && !debug_logging_enabled()) return;
  char buffer[kLongestMessage];
  if (format != nullptr) {
    std::vsnprintf(buffer, sizeof buffer, format, arguments);
  } else {
    buffer[0] = '\0';
  }
  if (reason != nullptr) {
    const std::size_t length = std::strlen(buffer);
    if (length + 3 < sizeof buffer) {
      std::snprintf(buffer + length, sizeof buffer - length, ": %s", reason);
    }
  }
  emit(severity, buffer);
}

[[noreturn]] void die(int code) {
  if (fatal_callback != nullptr) {
    fatal_callback(code);
    // The callback must not come back; if it does, going on would be worse.
    std::exit(code);
  }
  if (code == kInternalError) std::abort();
  std::exit(code);
}

}  // namespace

void log_debug(const char* format, ...) {
  std::va_list arguments;
  va_start(arguments, format);
  write_log(EVENT_LOG_DEBUG, nullptr, format, arguments);
  va_end(arguments);
}

void log_message(const char* format, ...) {
  std::va_list arguments;
  va_start(arguments, format);
  write_log(EVENT_LOG_MSG, nullptr, format, arguments);
  va_end(arguments);
}

void log_warning(const char* format, ...) {
  std::va_list arguments;
  va_start(arguments, format);
  write_log(EVENT_LOG_WARN, nullptr, format, arguments);
  va_end(arguments);
}

void log_warning_errno(const char* format, ...) {
  const char* reason = std::strerror(errno);
  std::va_list arguments;
  va_start(arguments, format);
  write_log(EVENT_LOG_WARN, reason, format, arguments);
  va_end(arguments);
}

void log_warning_socket(evutil_socket_t, const char* format, ...) {
  const char* reason = std::strerror(errno);
  std::va_list arguments;
  va_start(arguments, format);
  write_log(EVENT_LOG_WARN, reason, format, arguments);
  va_end(arguments);
}

void fatal(int code, const char* format, ...) {
  std::va_list arguments;
  va_start(arguments, format);
  write_log(EVENT_LOG_ERR, nullptr, format, arguments);
  va_end(arguments);
  die(code);
}

void fatal_errno(int code, const char* format, ...) {
  const char* reason = std::strerror(errno);
  std::va_list arguments;
  va_start(arguments, format);
  write_log(EVENT_LOG_ERR, reason, format, arguments);
  va_end(arguments);
  die(code);
}

void assertion_failed(const char* file, int line, const char* condition, const char* function) {
  fatal(kInternalError, "%s:%d: Assertion %s failed in %s", file, line, condition, function);
}

}  // namespace pollshim::event

using namespace pollshim::event;

extern "C" {

void event_set_log_callback(event_log_cb callback) {
  log_callback = callback;
}

void event_set_fatal_callback(event_fatal_cb callback) {
  fatal_callback = callback;
}

void event_enable_debug_logging(ev_uint32_t which) {
  debug_mask = which;
}

// The four that generated RPC code links against. They are exported, though no header declares
// them.
EVENT2_EXPORT_SYMBOL void event_warn(const char* format, ...);
EVENT2_EXPORT_SYMBOL void event_warnx(const char* format, ...);
[[noreturn]] EVENT2_EXPORT_SYMBOL void event_err(int code, const char* format, ...);
[[noreturn]] EVENT2_EXPORT_SYMBOL void event_errx(int code, const char* format, ...);

[[gnu::format(printf, 1, 2)]] void event_warn(const char* format, ...) {
  const char* reason = std::strerror(errno);
  std::va_list arguments;
  va_start(arguments, format);
  write_log(EVENT_LOG_WARN, reason, format, arguments);
  va_end(arguments);
}

[[gnu::format(printf, 1, 2)]] void event_warnx(const char* format, ...) {
  std::va_list arguments;
  va_start(arguments, format);
  write_log(EVENT_LOG_WARN, nullptr, format, arguments);
  va_end(arguments);
}

[[noreturn]] [[gnu::format(printf, 2, 3)]] void event_err(int code, const char* format, ...) {
  const char* reason = std::strerror(errno);
  std::va_list arguments;
  va_start(arguments, format);
  write_log(EVENT_LOG_ERR, reason, format, arguments);
  va_end(arguments);
  die(code);
}

[[noreturn]] [[gnu::format(printf, 2, 3)]] void event_errx(int code, const char* format, ...) {
  std::va_list arguments;
  va_start(arguments, format);
  write_log(EVENT_LOG_ERR, nullptr, format, arguments);
  va_end(arguments);
  die(code);
}

}  // extern "C"
