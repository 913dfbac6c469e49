// Debug mode (event_enable_debug_mode): keeps a table of every event that was set up, and ends the
// process with a message when one is used that was not, or is set up again while it is added.
// Inactive unless switched on: each check is one test of a flag.
#pragma once

#include "compat/event/base.h"

namespace pollshim::event {

extern bool debug_mode_on;
void disable_debug_mode();
// Set by the first base or event: then debug mode comes too late.
void note_anything_created();

namespace debug {

void setup(const Event* ev);
void teardown(const Event* ev);
void added(const Event* ev);
void removed(const Event* ev);
void require_setup(const Event* ev);
void require_not_added(const Event* ev);
void require_nonblocking(int fd);

}  // namespace debug

inline void debug_note_setup(const Event* ev) {
  if (__builtin_expect(debug_mode_on, 0)) debug::setup(ev);
}
inline void debug_note_teardown(const Event* ev) {
  if (__builtin_expect(debug_mode_on, 0)) debug::teardown(ev);
}
inline void debug_note_added(const Event* ev) {
  if (__builtin_expect(debug_mode_on, 0)) debug::added(ev);
}
inline void debug_note_removed(const Event* ev) {
  if (__builtin_expect(debug_mode_on, 0)) debug::removed(ev);
}
inline void debug_require_setup(const Event* ev) {
  if (__builtin_expect(debug_mode_on, 0)) debug::require_setup(ev);
}
inline void debug_require_not_added(const Event* ev) {
  if (__builtin_expect(debug_mode_on, 0)) debug::require_not_added(ev);
}
inline void debug_require_nonblocking(int fd) {
  if (__builtin_expect(debug_mode_on, 0)) debug::require_nonblocking(fd);
}

}  // namespace pollshim::event
