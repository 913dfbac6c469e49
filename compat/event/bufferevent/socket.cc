// Bufferevents on a descriptor. They read and write themselves and see every short count and every
// EAGAIN, so they ride on edges: what is registered once stays registered, output is tried before
// anybody waits for it, and what is left unread is remembered instead of asked for again. Where a
// short count proves nothing they go over to levels, which is a call less than another read.
#include "compat/event/bufferevent/socket.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "compat/event/base.h"
#include "compat/event/buffer/shelf.h"
#include "compat/event/memory.h"
#include "compat/event/own_io.h"
#include "compat/event/tcp.h"

namespace pollshim::event {

namespace {

// How much a short count says about a descriptor. A TCP socket that gives less than was asked for
// is empty, and one that takes less is full; a datagram or a terminal's line just ends there.
enum Nature : std::uint8_t { kUnknown, kTcp, kOther };

struct SocketBufferEvent : BufferEvent {
  Nature nature;
  bool writable;    // nothing has been refused since it was last reported ready
  bool in_writing;  // the callback of ev_write is at work
  bool on_levels;   // not on edges, since a read has ended short
};

SocketBufferEvent* as_socket(BufferEvent* bev) {
  return static_cast<SocketBufferEvent*>(bev);
}

bool is_retriable(int error) {
  return error == EAGAIN || error == EINTR;
}

// Where a short count means that there was no more. Not so where descriptors or credentials come
// with the bytes: a read stops there, with bytes left that no edge will tell of. Asked at the first
// short count only, of which most descriptors that see one will see many.
bool is_tcp(SocketBufferEvent* bev, evutil_socket_t fd) {
  if (bev->nature == kUnknown) bev->nature = is_tcp_socket(fd) ? kTcp : kOther;
  return bev->nature == kTcp;
}

// The bound of a single write is there for the turns of others and for whoever watches the output
// go. Four writes in one call cost the kernel a third of what they cost one by one.
constexpr std::size_t kMostWritesInOne = 4;

// For the callbacks of events, which the thread that runs the loop calls.
ChunkShelf* shelf_of(event_base* base) {
  if (base->shelf == nullptr) base->shelf = ChunkShelf::make();
  return base->shelf;
}

// ---- Reading.

void end_reading(BufferEvent* bev, int what) {
  // Whoever enables reading again is told again.
  if (what != BEV_EVENT_TIMEOUT) leave_ready(bev->ev_read.ev_base, bev->ev_read.ev_fd, EV_READ);
  disable(bev, EV_READ);
  run_event_callback(bev, static_cast<short>(BEV_EVENT_READING | what));
}

// How much may be read now, or -1 if nothing may.
ev_ssize_t how_much_to_read(BufferEvent* bev) {
  ev_ssize_t below_mark = EV_SSIZE_MAX;
  if (bev->wm_read.high != 0) {
    const std::size_t length = bev->input->chain.length();
    if (length >= bev->wm_read.high) {
      // The mark was lowered while this was on its way.
      suspend_read(bev, kReasonWatermark);
      return -1;
    }
    below_mark = static_cast<ev_ssize_t>(bev->wm_read.high - length);
  }
  const ev_ssize_t budget = read_budget(bev);
  if (bev->read_suspended != 0) return -1;
  return budget < below_mark ? budget : below_mark;
}

void read_ready(evutil_socket_t fd, short events, void* self) {
  auto* bev = static_cast<SocketBufferEvent*>(self);
  const BufferEventGuard guard(bev);
  if (events == EV_TIMEOUT) return end_reading(bev, BEV_EVENT_TIMEOUT);

  event_base* const base = bev->ev_read.ev_base;
  const ev_ssize_t most = how_much_to_read(bev);
  if (most <= 0) {
    leave_ready(base, fd, EV_READ);
    return;
  }
  bev->input->set_frozen(false, false);
  std::size_t offered = 0;
  const ssize_t count =
      bev->input->read_from(fd, static_cast<std::size_t>(most), &offered, shelf_of(base));
  const int error = errno;
  bev->input->set_frozen(false, true);
  if (count == 0) return end_reading(bev, BEV_EVENT_EOF);
  if (count < 0) {
    if (is_retriable(error)) {
      if (error == EINTR) leave_ready(base, fd, EV_READ);
      return;
    }
    if (error == ECONNREFUSED) {
      // Known to the reader before the writer, who reports it.
      bev->refused = true;
      return;
    }
    errno = error;
    return end_reading(bev, BEV_EVENT_ERROR);
  }
  const bool is_short = static_cast<std::size_t>(count) < offered;
  const bool all_read = is_short && is_tcp(bev, fd);
  // Every message would take another read, in vain, to find out that it was the last one.
  if (is_short && !all_read && !bev->on_levels) {
    bev->on_levels = prefer_levels(&bev->ev_read, &bev->ev_write);
  }
  if (!bev->on_levels && (!all_read || end_is_near(base, fd))) leave_ready(base, fd, EV_READ);
  spend_read(bev, count);
  trigger(bev, EV_READ);
}

// ---- Writing.

void end_writing(BufferEvent* bev, int what) {
  disable(bev, EV_WRITE);
  run_event_callback(bev, static_cast<short>(BEV_EVENT_WRITING | what));
}

// 1 if the connection stands, 0 if it is not decided, -1 with errno if it failed.
int finish_connecting(BufferEvent* bev, evutil_socket_t fd) {
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0) error = errno;
  if (bev->refused) {
    bev->refused = false;
    if (error == 0) error = ECONNREFUSED;
  }
  if (error == 0) return 1;
  if (error == EINTR || error == EINPROGRESS) return 0;
  errno = error;
  return -1;
}

// True if there is nothing more to do: the connection is not decided, has failed, or its user does
// not want to write.
bool leave_connecting(SocketBufferEvent* bev, evutil_socket_t fd) {
  const int state = finish_connecting(bev, fd);
  if (state == 0) return true;
  bev->connecting = false;
  if (state < 0) {
    const int error = errno;
    event_del(&bev->ev_write);
    event_del(&bev->ev_read);
    errno = error;
    run_event_callback(bev, BEV_EVENT_ERROR);
    return true;
  }
  note_connected(bev, fd);
  run_event_callback(bev, BEV_EVENT_CONNECTED);
  if ((bev->enabled & EV_WRITE) != 0 && bev->write_suspended == 0) return false;
  event_del(&bev->ev_write);
  return true;
}

// What is offered to the descriptor. That several single writes are made in one is seen by nobody:
// not in a stream, with no callback on the output, the bound as it is by default, and ending where
// the first write callback is due.
std::size_t how_much_to_write(SocketBufferEvent* bev, evutil_socket_t fd, std::size_t single) {
  const std::size_t length = bev->output->chain.length();
  if (length <= single) return length;
  if (single != kMostAtOnce || bev->rate_limit != nullptr || bev->output->has_callbacks() ||
      length <= bev->wm_write.low || !is_tcp(bev, fd))
    return single;
  const std::size_t until_due = (length - bev->wm_write.low + single - 1) / single;
  const std::size_t most = single * (until_due < kMostWritesInOne ? until_due : kMostWritesInOne);
  return length < most ? length : most;
}

enum class Written : std::uint8_t { kNothing, kSome, kFailed };

Written write_output(SocketBufferEvent* bev, evutil_socket_t fd, ev_ssize_t most) {
  const std::size_t wanted = how_much_to_write(bev, fd, static_cast<std::size_t>(most));
  bev->output->set_frozen(true, false);
  std::size_t offered = 0;
  errno = 0;
  const ssize_t count =
      bev->output->write_to(fd, wanted, &offered, shelf_of(bev->ev_write.ev_base));
  const int error = errno;
  bev->output->set_frozen(true, true);
  if (count <= 0) {
    if (is_retriable(error)) {
      bev->writable = false;
      if (await_edge(&bev->ev_write) == 0) return Written::kNothing;
    } else {
      errno = error;
    }
    end_writing(bev, count == 0 ? BEV_EVENT_EOF : BEV_EVENT_ERROR);
    return Written::kFailed;
  }
  spend_write(bev, count);
  // More may have been appended meanwhile, or spending may have ended the writing.
  if (bev->output->chain.length() == 0) {
    event_del(&bev->ev_write);
  } else if (static_cast<std::size_t>(count) < offered && is_tcp(bev, fd)) {
    bev->writable = false;
    await_edge(&bev->ev_write);
  } else if (await_edge(&bev->ev_write) == 0) {
    // The descriptor takes more, in the next turn.
    leave_ready(bev->ev_write.ev_base, fd, EV_WRITE);
  }
  return Written::kSome;
}

void write_what_there_is(SocketBufferEvent* bev, evutil_socket_t fd) {
  bev->writable = true;
  bool connected = false;
  if (bev->connecting) {
    if (leave_connecting(bev, fd)) return;
    connected = true;
  }
  const ev_ssize_t budget = write_budget(bev);
  if (bev->write_suspended != 0) return;
  bool written = false;
  if (bev->output->chain.length() == 0) {
    event_del(&bev->ev_write);
  } else if (budget > 0) {
    if (write_output(bev, fd, budget) != Written::kSome) return;
    written = true;
  }
  // That the connection stands was said already; the callback is for what was written.
  if (written || !connected) trigger(bev, EV_WRITE);
}

void write_ready(evutil_socket_t fd, short events, void* self) {
  auto* bev = static_cast<SocketBufferEvent*>(self);
  const BufferEventGuard guard(bev);
  if (events == EV_TIMEOUT) return end_writing(bev, BEV_EVENT_TIMEOUT);
  bev->in_writing = true;
  write_what_there_is(bev, fd);
  bev->in_writing = false;
}

// ---- Starting and stopping.

bool start_writing(SocketBufferEvent* bev) {
  // Only the kernel knows when a connection is decided, or when a descriptor that has never been
  // written to becomes ready without having anything to write.
  const bool presumed = !bev->connecting && (bev->writable || bev->output->chain.length() != 0);
  Event* ev = &bev->ev_write;
  if (!presumed || ev->ev_fd < 0) return add_with_timeout(ev, bev->timeout_write) == 0;
  // Whoever writes in its write callback gets the next turn, not this one: others want theirs.
  if (bev->in_writing) {
    leave_ready(ev->ev_base, ev->ev_fd, EV_WRITE);
    return add_with_timeout(ev, bev->timeout_write) == 0;
  }
  return add_presumed(ev, is_set(bev->timeout_write) ? &bev->timeout_write : nullptr) == 0;
}

void output_changed(BufferEvent* bev, std::size_t added, std::size_t) {
  if (added == 0 || (bev->enabled & EV_WRITE) == 0 || bev->write_suspended != 0) return;
  if (event_pending(&bev->ev_write, EV_WRITE, nullptr)) return;
  start_writing(as_socket(bev));
}

bool disable_socket(BufferEvent* bev, short events) {
  if ((events & EV_READ) != 0 && event_del(&bev->ev_read) != 0) return false;
  // Nobody would hear that the connection has come about.
  if ((events & EV_WRITE) != 0 && !bev->connecting && event_del(&bev->ev_write) != 0) return false;
  return true;
}

int flush_socket(BufferEvent*, short, bufferevent_flush_mode) {
  return 0;
}

// ---- The descriptor.

void take_descriptor(SocketBufferEvent* bev, evutil_socket_t fd) {
  constexpr short kAlways = EV_PERSIST | EV_FINALIZE;
  event_assign(&bev->ev_read, bev->ev_base, fd, EV_READ | kAlways, read_ready, bev);
  event_assign(&bev->ev_write, bev->ev_base, fd, EV_WRITE | kAlways, write_ready, bev);
  prefer_edges(&bev->ev_read);
  prefer_edges(&bev->ev_write);
  bev->nature = kUnknown;
  bev->writable = false;
  bev->on_levels = false;
  if (fd >= 0) hold_io(bev->ev_read.ev_base, fd);
}

void leave_descriptor(SocketBufferEvent* bev, bool closing) {
  event_del(&bev->ev_read);
  event_del(&bev->ev_write);
  if (bev->ev_read.ev_fd >= 0) release_io(bev->ev_read.ev_base, bev->ev_read.ev_fd, closing);
}

bool get_socket(BufferEvent* bev, evutil_socket_t* fd) {
  *fd = bev->ev_read.ev_fd;
  return true;
}

void unlink_socket(BufferEvent* bev) {
  leave_descriptor(as_socket(bev), (bev->options & BEV_OPT_CLOSE_ON_FREE) != 0);
}

void destroy_socket(BufferEvent* bev) {
  const evutil_socket_t fd = bev->ev_read.ev_fd;
  if ((bev->options & BEV_OPT_CLOSE_ON_FREE) != 0 && fd >= 0) close(fd);
}

bool enable_socket(BufferEvent* bev, short events) {
  if ((events & EV_READ) != 0 && add_with_timeout(&bev->ev_read, bev->timeout_read) != 0) {
    return false;
  }
  return (events & EV_WRITE) == 0 || start_writing(as_socket(bev));
}

bool set_socket(BufferEvent* bev, evutil_socket_t fd) {
  leave_descriptor(as_socket(bev), false);
  // As the original leaves them; the next read and write freeze them again.
  bev->input->set_frozen(false, false);
  bev->output->set_frozen(true, false);
  take_descriptor(as_socket(bev), fd);
  if (fd >= 0) enable(bev, bev->enabled);
  cancel_lookup(bev);
  return true;
}

}  // namespace

constinit const bufferevent_ops socket_ops = {
    .name = "socket",
    .enable = enable_socket,
    .disable = disable_socket,
    .read_on = nullptr,
    .adjust_timeouts = adjust_pending_timeouts,
    .flush = flush_socket,
    .input_changed = nullptr,
    .output_changed = output_changed,
    .set_descriptor = set_socket,
    .get_descriptor = get_socket,
    .underlying = nullptr,
    .cancel = cancel_lookup,
    .unlink = unlink_socket,
    .destroy = destroy_socket,
};

// All or nothing: the loop of ev_base is the one that will free it.
bool move_socket(BufferEvent* bev, event_base* base) {
  event_base* const old = bev->ev_read.ev_base;
  const evutil_socket_t fd = bev->ev_read.ev_fd;
  if (event_base_set(base, &bev->ev_read) != 0) return false;
  if (event_base_set(base, &bev->ev_write) != 0) {
    event_base_set(old, &bev->ev_read);
    return false;
  }
  if (!as_socket(bev)->on_levels) {
    prefer_edges(&bev->ev_read);
    prefer_edges(&bev->ev_write);
  }
  bev->ev_base = base;
  if (fd >= 0 && old != base) {
    release_io(old, fd, false);
    hold_io(base, fd);
  }
  return true;
}

}  // namespace pollshim::event

using namespace pollshim::event;

extern "C" bufferevent* bufferevent_socket_new(event_base* base, evutil_socket_t fd, int options) {
  auto* bev = static_cast<SocketBufferEvent*>(allocate_zeroed(1, sizeof(SocketBufferEvent)));
  if (bev == nullptr) return nullptr;
  if (!init_bufferevent(bev, base, &socket_ops, options)) {
    release(bev);
    return nullptr;
  }
  bev->output->set_flags(bev->output->flags() | EVBUFFER_FLAG_DRAINS_TO_FD);
  take_descriptor(bev, fd);
  bev->input->set_frozen(false, true);
  bev->output->set_frozen(true, true);
  return bev;
}
