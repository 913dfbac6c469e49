// The provide-list: what a backend must supply so that a poller can ride on it, with the conditions
// under which each function is called and what holds after it. Implemented once for each kernel
// facility in backends/; called by core/poller and core/fd_table alone.
//
// A backend knows descriptors, cookies and directions. It does not know PollDescs, watchers, time
// beyond one delay, or who waits for what, and it never calls up.
#pragma once

#include <cstdint>

#include "core/poll_desc.h"

namespace netpoll {

struct Backend;  // one kernel set and its wake facility; each backend defines its own

// What a registration asks for. The netpoller's own registrations are edges in all directions, once
// for a descriptor's life; a front end may ask for fewer, because some descriptors (local sockets)
// report an edge of writability whenever their peer has read, wanted or not.
struct Interest {
  ModeSet modes;
  bool edge;
};

struct KernelEvent {
  Cookie cookie;
  KernelBits bits;
};

enum class ResetReason : std::uint8_t {
  kForked,   // this process is the child: nothing may be shared with the parent any more
  kZombies,  // a registration can not be removed; other threads may be in wake() right now
};

// What the wake facility is made of, and when. A sandbox that was made for a program's old library
// knows the system calls of that library, so that the front end has a say in ours.
enum class WakeKind : std::uint8_t {
  kCheapest,  // an eventfd or a user event, where the kernel has one
  kPipe,      // a pipe, where it takes descriptors at all
  kLater,     // nothing that costs a descriptor until open_wake(): no wake() comes before
};

struct BackendOptions {
  bool precise_waits = false;  // the user asked for waits finer than a millisecond
  bool close_on_exec = true;
  WakeKind wake = WakeKind::kCheapest;
};

struct BackendTraits {
  const char* name;
  bool edge;                   // can report edges; without it `edge` in an Interest is ignored
  bool peer_closed;            // reports kPeerClosed
  bool concurrent;             // add, modify and remove are safe while another thread waits
  bool forgets_closed;         // the kernel drops a registration when its last descriptor closes
  bool watches_regular_files;  // accepts files that never block, and reports them always ready
  bool constant_cost;          // the cost of a wait does not grow with idle registrations
  // add() tells a descriptor that is registered already, whatever the caller believes, by EEXIST.
  bool tells_known = false;
};

struct BackendOps {
  BackendTraits traits;

  // Makes an empty kernel set with its wake facility, every descriptor that it will ever need
  // included: later limits or sandboxes must not break it. (WakeKind::kLater asks for the
  // exception.) 0, or an errno with nothing left behind.
  int (*create)(const BackendOptions& options, Backend** out);

  // Closes what create() and reset() made. No other call is under way or follows.
  void (*destroy)(Backend* backend);

  // Pre: `fd` is not registered as far as the caller knows; cookie != kWakeCookie.
  // Post on 0: events of `fd` are reported with `cookie`. EPERM: the kernel can not watch this kind
  // of file. EEXIST: the descriptor is registered after all. EBADF, ENOMEM, ENOSPC, EINVAL: as the
  // kernel says; nothing has changed.
  int (*add)(Backend* backend, int fd, Cookie cookie, Interest interest);

  // Pre: `fd` was added with `from`. Post on 0: reported with `cookie` for `to`, and whatever is
  // ready now is reported anew, edges too. ENOENT: the kernel does not know this descriptor, so the
  // number belongs to another file by now. EBADF: it is closed.
  int (*modify)(Backend* backend, int fd, Cookie cookie, Interest from, Interest to);

  // Pre: `fd` was added with `from`. Post on 0: no event of it is reported any more. ENOENT or
  // EBADF: the number changed hands; a registration of the old file may live on in the set.
  int (*remove)(Backend* backend, int fd, Interest from);

  // Waits for at most `delay` nanoseconds: negative is for ever, 0 does not sleep. Never returns
  // early because of rounding. Writes up to `capacity` events and returns how many, 0 at the end of
  // the delay or when a signal handler ran, or -errno. What does not fit is reported by the next
  // call. The wake facility is reported as kWakeCookie and stays raised until drain().
  int (*wait)(Backend* backend, std::int64_t delay, KernelEvent* events, int capacity);

  // Makes a wait() under way, or else the next one, report kWakeCookie. Async-signal-safe, callable
  // from any thread, leaves errno alone.
  void (*wake)(Backend* backend);

  // Lowers the wake facility. Called by the waiting thread only.
  void (*drain)(Backend* backend);

  // Forgets every registration: a fresh kernel set, the old one closed without disturbing a process
  // that shares it. For kForked the wake facility is made anew as well, if there is one; for
  // kZombies it stays the same object. 0, or an errno with the old set still in place.
  int (*reset)(Backend* backend, ResetReason reason);

  // Whether `fd` is one of the backend's own.
  bool (*owns)(const Backend* backend, int fd);

  // The kernel set as a descriptor that is itself readable while the set has events: one set can
  // then be watched in another. nullptr where the kernel has no such thing.
  int (*descriptor)(const Backend* backend) = nullptr;

  // Makes the wake facility, if it is not there. 0, or an errno with nothing changed. Called while
  // nobody waits. nullptr where create() always makes it.
  int (*open_wake)(Backend* backend) = nullptr;
};

}  // namespace netpoll
