// What the engine does for the library of TLS bufferevents, which lives in a file of its own
// because it needs libssl. That library is compiled with the engine's headers and derives its kind
// from BufferEvent; but nothing of the engine has a name outside, so it is handed this table. The
// one name it is handed by carries a version: whoever changes the table, BufferEvent or
// bufferevent_ops gives it the next number, and libraries of two builds do not load together.
#pragma once

#include "compat/event/bufferevent/bufferevent.h"

namespace pollshim::event {

// What stands beside each is documented where it lives: memory.h, log.h, lock.h,
// bufferevent.h, own_io.h.
struct Services {
  void* (*allocate_zeroed)(std::size_t count, std::size_t size);
  void (*release)(void* memory);
  void (*log_warning)(const char* format, ...);
  void (*acquire)(void* lock);

  bool (*init_bufferevent)(BufferEvent* bev, event_base* base, const bufferevent_ops* ops,
                           int options);
  bool (*enable_locking)(BufferEvent* bev, void* lock);
  void (*hold)(BufferEvent* bev);
  bool (*let_go_and_unlock)(BufferEvent* bev);
  bool (*lock_and_hold_if_alive)(BufferEvent* bev);
  void (*leave_below)(BufferEvent* bev, BufferEvent* below, bufferevent_event_cb borrowed);
  void (*cancel_lookup)(BufferEvent* bev);

  void (*trigger)(BufferEvent* bev, short events, int options);
  void (*run_event_callback)(BufferEvent* bev, short what, int options);
  void (*suspend_read)(BufferEvent* bev, Reason why);
  void (*resume_read)(BufferEvent* bev, Reason why);

  int (*add_with_timeout)(Event* ev, const timeval& timeout);
  bool (*adjust_pending_timeouts)(BufferEvent* bev);
  void (*init_timers)(BufferEvent* bev);
  bool (*adjust_timers)(BufferEvent* bev);
  void (*restart_read_timer)(BufferEvent* bev);
  void (*restart_write_timer)(BufferEvent* bev);

  void (*prefer_edges)(Event* ev);
  void (*hold_io)(event_base* base, int fd);
  void (*release_io)(event_base* base, int fd, bool closing);
  void (*leave_ready)(event_base* base, int fd, short events);
  void (*call_again)(Event* ev);
  bool (*end_is_near)(event_base* base, int fd);
  int (*add_presumed)(Event* ev, const timeval* timeout);
  int (*await_edge)(Event* ev);

  // Buffer::take_from.
  ssize_t (*take_from)(evbuffer* buffer, std::size_t most, Buffer::Source source, void* self);
};

}  // namespace pollshim::event

extern "C" __attribute__((visibility("default"))) const pollshim::event::Services*
pollshim_event_services_3(void);
