// evconnlistener: an event on a listening socket that accepts whatever waits there and hands each
// connection to its user. Owns the listener, its lock and its count of references; knows nothing of
// what becomes of a connection.
//
// The user may free the listener anywhere: inside its callbacks, where the reference that the call
// holds keeps the object until the call is over, or on another thread while the event begins to
// run, where freeing waits for the little way from there to the lock.
#include "event2/listener.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <new>

#include "compat/event/base.h"
#include "compat/event/lock.h"
#include "compat/event/log.h"
#include "compat/event/memory.h"
#include "compat/event/own_io.h"
#include "compat/event/util/sockets.h"

using namespace pollshim::event;

namespace {

// As much as the kernel queues by default; more than that at once would keep others waiting.
constexpr int kAcceptedPerTurn = 128;
constexpr int kDefaultBacklog = 128;

// After an error that trying again at once will not mend, such as a lack of descriptors: the socket
// stays readable all the while, and a loop that watched it would spin.
constexpr int kFirstPauseMilliseconds = 5;
constexpr int kLongestPauseMilliseconds = 320;

// An error of one connection, or none at all. Linux also reports here what happened to a connection
// on its way (see accept(2)).
bool concerns_one_connection(int error) {
  return error == EINTR || error == ECONNABORTED || error == EPROTO;
}

}  // namespace

struct evconnlistener {
  void* lock = nullptr;
  evconnlistener_cb callback = nullptr;
  evconnlistener_errorcb error_callback = nullptr;
  void* argument = nullptr;
  unsigned flags = 0;
  int references = 1;
  int pause_milliseconds = 0;
  bool enabled = false;
  bool freed = false;
  bool accepting = false;  // in the middle of a batch: more may wait
  Event readable = {};
  Event pause_over = {};

  [[nodiscard]] evutil_socket_t descriptor() const { return event_get_fd(&readable); }

  int start() {
    if (event_pending(&pause_over, EV_TIMEOUT, nullptr)) return 0;
    return event_add(&readable, nullptr);
  }

  // Does not wait for a callback that runs right now: it may be the one that is waiting for our
  // lock.
  int stop() {
    if (accepting) more_may_wait();
    event_del_noblock(&pause_over);
    return event_del_noblock(&readable);
  }

  // The kernel tells of new connections only. To be said wherever the batch ends before EAGAIN.
  void more_may_wait() { leave_ready(event_get_base(&readable), descriptor(), EV_READ); }

  void pause() {
    pause_milliseconds = pause_milliseconds == 0 ? kFirstPauseMilliseconds : pause_milliseconds * 2;
    if (pause_milliseconds > kLongestPauseMilliseconds) {
      pause_milliseconds = kLongestPauseMilliseconds;
    }
    const timeval length = {0, pause_milliseconds * 1000};
    // Without the timer it would never go on; then rather spin.
    if (event_add(&pause_over, &length) == 0) event_del_noblock(&readable);
  }

  // Accepts what waits. Returns with the lock given up, and `this` gone if the user freed it.
  void accept_waiting();
  // True if it may go on; false if it was freed or stopped, with the lock given up.
  bool hand_over(evutil_socket_t connection, sockaddr* address, socklen_t length);
  void report(int error);
  void destroy();
};

// Nobody else knows the listener any more, and neither event runs.
void evconnlistener::destroy() {
  event_del_noblock(&pause_over);
  event_del_noblock(&readable);
  if (flags & LEV_OPT_CLOSE_ON_FREE) evutil_closesocket(descriptor());
  event_debug_unassign(&readable);
  event_debug_unassign(&pause_over);
  free_lock(lock, EVTHREAD_LOCKTYPE_RECURSIVE);
  release(this);
}

bool evconnlistener::hand_over(evutil_socket_t connection, sockaddr* address, socklen_t length) {
  const evconnlistener_cb call = callback;
  void* const with = argument;
  ++references;
  accepting = true;
  give_up(lock);
  call(this, connection, address, static_cast<int>(length), with);
  acquire(lock);
  accepting = false;
  if (--references == 0) {
    give_up(lock);
    destroy();
    return false;
  }
  if (enabled && !freed) return true;
  give_up(lock);
  return false;
}

void evconnlistener::report(int error) {
  const evconnlistener_errorcb call = error_callback;
  void* const with = argument;
  more_may_wait();
  pause();
  if (call == nullptr) {
    errno = error;
    log_warning_socket(descriptor(), "Error from accept() call");
    give_up(lock);
    return;
  }
  ++references;
  give_up(lock);
  errno = error;  // which is how the callback learns what happened
  call(this, with);
  acquire(lock);
  const bool last = --references == 0;
  give_up(lock);
  if (last) destroy();
}

void evconnlistener::accept_waiting() {
  acquire(lock);
  if (freed || !enabled) {
    give_up(lock);
    return;
  }
  for (int accepted = 0; accepted < kAcceptedPerTurn;) {
    sockaddr_storage address;
    socklen_t length = sizeof address;
    const evutil_socket_t connection = accept_socket(
        descriptor(), reinterpret_cast<sockaddr*>(&address), &length,
        (flags & LEV_OPT_LEAVE_SOCKETS_BLOCKING) == 0, (flags & LEV_OPT_CLOSE_ON_EXEC) != 0);
    if (connection < 0) {
      const int error = errno;
      if (concerns_one_connection(error)) {
        ++accepted;
        continue;
      }
      if (error != EAGAIN && error != EWOULDBLOCK) return report(error);
      pause_milliseconds = 0;
      give_up(lock);
      return;
    }
    ++accepted;
    pause_milliseconds = 0;
    if (length == 0) {  // a connection that was gone before it was here
      evutil_closesocket(connection);
      continue;
    }
    if (callback == nullptr) {
      evutil_closesocket(connection);
      break;
    }
    if (!hand_over(connection, reinterpret_cast<sockaddr*>(&address), length)) return;
  }
  more_may_wait();
  give_up(lock);
}

namespace {

void on_readable(evutil_socket_t, short, void* argument) {
  static_cast<evconnlistener*>(argument)->accept_waiting();
}

void on_pause_over(evutil_socket_t, short, void* argument) {
  auto* listener = static_cast<evconnlistener*>(argument);
  {
    const Guard guard(listener->lock);
    if (listener->freed || !listener->enabled) return;
    event_add(&listener->readable, nullptr);
  }
  listener->accept_waiting();
}

bool set_up(evutil_socket_t socket, unsigned flags) {
  const int on = 1;
  if (::setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on) < 0) return false;
  if ((flags & LEV_OPT_REUSEABLE) && evutil_make_listen_socket_reuseable(socket) < 0) return false;
  if ((flags & LEV_OPT_REUSEABLE_PORT) && evutil_make_listen_socket_reuseable_port(socket) < 0) {
    return false;
  }
  if ((flags & LEV_OPT_DEFERRED_ACCEPT) && evutil_make_tcp_listen_socket_deferred(socket) < 0) {
    return false;
  }
  return !(flags & LEV_OPT_BIND_IPV6ONLY) || evutil_make_listen_socket_ipv6only(socket) == 0;
}

int enable(evconnlistener* listener) {
  listener->enabled = true;
  return listener->callback != nullptr ? listener->start() : 0;
}

bool set_going(evconnlistener* listener, event_base* base, evutil_socket_t socket) {
  if (event_assign(&listener->readable, base, socket, EV_READ | EV_PERSIST, on_readable, listener) <
          0 ||
      event_assign(&listener->pause_over, base, -1, 0, on_pause_over, listener) < 0) {
    return false;
  }
  prefer_edges(&listener->readable);
  return (listener->flags & LEV_OPT_DISABLED) || enable(listener) == 0;
}

}  // namespace

extern "C" {

evconnlistener* evconnlistener_new(event_base* base, evconnlistener_cb callback, void* argument,
                                   unsigned flags, int backlog, evutil_socket_t socket) {
  if (backlog != 0 && ::listen(socket, backlog > 0 ? backlog : kDefaultBacklog) < 0) return nullptr;
  void* memory = allocate_zeroed(1, sizeof(evconnlistener));
  if (memory == nullptr) return nullptr;
  auto* listener = new (memory) evconnlistener;
  listener->callback = callback;
  listener->argument = argument;
  listener->flags = flags;
  if (flags & LEV_OPT_THREADSAFE) listener->lock = make_lock(EVTHREAD_LOCKTYPE_RECURSIVE);
  if (!set_going(listener, base, socket)) {
    listener->flags &= ~LEV_OPT_CLOSE_ON_FREE;  // a socket that was not taken stays its owner's
    listener->destroy();
    return nullptr;
  }
  return listener;
}

evconnlistener* evconnlistener_new_bind(event_base* base, evconnlistener_cb callback,
                                        void* argument, unsigned flags, int backlog,
                                        const sockaddr* address, int length) {
  if (backlog == 0) return nullptr;
  const evutil_socket_t socket = open_stream_socket(
      address != nullptr ? address->sa_family : AF_UNSPEC, (flags & LEV_OPT_CLOSE_ON_EXEC) != 0);
  if (socket < 0) return nullptr;
  evconnlistener* listener = nullptr;
  if (set_up(socket, flags) &&
      (address == nullptr || ::bind(socket, address, static_cast<socklen_t>(length)) == 0)) {
    listener = evconnlistener_new(base, callback, argument, flags, backlog, socket);
  }
  if (listener == nullptr) evutil_closesocket(socket);
  return listener;
}

void evconnlistener_free(evconnlistener* listener) {
  acquire(listener->lock);
  listener->callback = nullptr;
  listener->error_callback = nullptr;
  listener->enabled = false;
  listener->freed = true;
  listener->stop();
  const bool last = --listener->references == 0;
  give_up(listener->lock);
  if (!last) return;
  event_del_block(&listener->readable);
  event_del_block(&listener->pause_over);
  listener->destroy();
}

int evconnlistener_enable(evconnlistener* listener) {
  const Guard guard(listener->lock);
  return enable(listener);
}

int evconnlistener_disable(evconnlistener* listener) {
  const Guard guard(listener->lock);
  listener->enabled = false;
  return listener->stop();
}

void evconnlistener_set_cb(evconnlistener* listener, evconnlistener_cb callback, void* argument) {
  const Guard guard(listener->lock);
  const bool was_waiting = listener->enabled && listener->callback == nullptr;
  listener->callback = callback;
  listener->argument = argument;
  if (was_waiting) enable(listener);
}

void evconnlistener_set_error_cb(evconnlistener* listener, evconnlistener_errorcb callback) {
  const Guard guard(listener->lock);
  listener->error_callback = callback;
}

event_base* evconnlistener_get_base(evconnlistener* listener) {
  const Guard guard(listener->lock);
  return event_get_base(&listener->readable);
}

evutil_socket_t evconnlistener_get_fd(evconnlistener* listener) {
  const Guard guard(listener->lock);
  return listener->descriptor();
}

}  // extern "C"
