#include "compat/event/tls/wire.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstring>

#include "compat/event/tcp.h"

namespace pollshim::event {

namespace {

enum Nature : std::uint8_t { kUnknown, kTcp, kOther };

struct Wire {
  TlsBufferEvent* bev;  // nullptr once detached
  evutil_socket_t fd;   // of the socket kind
  ev_ssize_t allowance;
  Nature nature;
  bool in_turn;
  bool dry;
  bool limited;
  bool at_end;
};

Wire* wire_of(BIO* bio) {
  return static_cast<Wire*>(BIO_get_data(bio));
}

int create(BIO* bio) {
  auto* wire = static_cast<Wire*>(OPENSSL_zalloc(sizeof(Wire)));
  if (wire == nullptr) return 0;
  wire->fd = -1;
  BIO_set_data(bio, wire);
  BIO_set_shutdown(bio, BIO_NOCLOSE);
  return 1;
}

int destroy(BIO* bio) {
  if (bio == nullptr) return 0;
  Wire* wire = wire_of(bio);
  if (BIO_get_shutdown(bio) != 0 && wire->fd >= 0) close(wire->fd);
  OPENSSL_free(wire);
  BIO_set_data(bio, nullptr);
  return 1;
}

// ---- On a descriptor.

// Only there does a short count mean that there was no more.
bool is_tcp(Wire* wire) {
  if (wire->nature == kUnknown) wire->nature = is_tcp_socket(wire->fd) ? kTcp : kOther;
  return wire->nature == kTcp;
}

// After a peer has closed, bytes and end come without an edge: whoever reads goes on to the end.
bool end_is_near(const Wire* wire) {
  const TlsBufferEvent* bev = wire->bev;
  return bev->engine->end_is_near(bev->ev_read.ev_base, wire->fd);
}

int wait_to_read(BIO* bio) {
  BIO_set_retry_read(bio);
  return -1;
}

int read_socket(BIO* bio, char* out, int size) {
  Wire* wire = wire_of(bio);
  BIO_clear_retry_flags(bio);
  if (out == nullptr || size <= 0) return 0;
  if (wire->dry) return wait_to_read(bio);
  auto most = static_cast<std::size_t>(size);
  const bool bounded = wire->in_turn && wire->allowance != kNoLimit;
  wire->limited = bounded && static_cast<std::size_t>(wire->allowance) < most;
  if (wire->limited) most = static_cast<std::size_t>(wire->allowance);
  if (most == 0) return wait_to_read(bio);
  ssize_t count;
  do
    count = read(wire->fd, out, most);
  while (count < 0 && errno == EINTR);

  wire->at_end = count == 0;
  if (count > 0) {
    if (bounded) wire->allowance -= count;
    const bool is_short = static_cast<std::size_t>(count) < most;
    if (is_short) wire->limited = false;
    if (wire->in_turn && is_short) wire->dry = is_tcp(wire) && !end_is_near(wire);
  } else if (count < 0 && BIO_sock_should_retry(static_cast<int>(count)) != 0) {
    BIO_set_retry_read(bio);
    wire->dry = wire->in_turn;
    wire->limited = false;
  }
  return static_cast<int>(count);
}

int write_socket(BIO* bio, const char* bytes, int size) {
  BIO_clear_retry_flags(bio);
  ssize_t count;
  do
    count = write(wire_of(bio)->fd, bytes, static_cast<std::size_t>(size));
  while (count < 0 && errno == EINTR);
  if (count <= 0 && BIO_sock_should_retry(static_cast<int>(count)) != 0) BIO_set_retry_write(bio);
  return static_cast<int>(count);
}

// The address may be any, as the void pointers of such calls are.
void store_int(void* to, int value) {
  if (to != nullptr) std::memcpy(to, &value, sizeof value);
}

long control_socket(BIO* bio, int command, long number, void* pointer) {
  Wire* wire = wire_of(bio);
  switch (command) {
    case BIO_C_SET_FD:
      std::memcpy(&wire->fd, pointer, sizeof wire->fd);
      wire->nature = kUnknown;
      BIO_set_shutdown(bio, static_cast<int>(number));
      BIO_set_init(bio, 1);
      return 1;
    case BIO_C_GET_FD:
      if (BIO_get_init(bio) == 0) return -1;
      store_int(pointer, wire->fd);
      return wire->fd;
    case BIO_CTRL_GET_CLOSE:
      return BIO_get_shutdown(bio);
    case BIO_CTRL_SET_CLOSE:
      BIO_set_shutdown(bio, static_cast<int>(number));
      return 1;
    case BIO_CTRL_EOF:
      return wire->at_end ? 1 : 0;
    case BIO_CTRL_DUP:
    case BIO_CTRL_FLUSH:
      return 1;
    default:
      return 0;
  }
}

// ---- On a bufferevent.

BufferEvent* below(BIO* bio) {
  const TlsBufferEvent* bev = wire_of(bio)->bev;
  return bev != nullptr ? bev->underlying : nullptr;
}

int read_below(BIO* bio, char* out, int size) {
  BIO_clear_retry_flags(bio);
  BufferEvent* source = below(bio);
  if (out == nullptr) return 0;
  if (source == nullptr) return -1;
  if (source->input->chain.length() == 0) return wait_to_read(bio);
  return evbuffer_remove(source->input, out, static_cast<std::size_t>(size));
}

int write_below(BIO* bio, const char* bytes, int size) {
  BIO_clear_retry_flags(bio);
  BufferEvent* target = below(bio);
  if (target == nullptr || size <= 0) return -1;
  auto most = static_cast<std::size_t>(size);
  const std::size_t high = target->wm_write.high;
  if (high != 0) {
    const std::size_t length = target->output->chain.length();
    if (length >= high) {
      BIO_set_retry_write(bio);
      return -1;
    }
    if (most > high - length) most = high - length;
  }
  if (evbuffer_add(target->output, bytes, most) != 0) return -1;
  return static_cast<int>(most);
}

long control_below(BIO* bio, int command, long number, void*) {
  BufferEvent* target = below(bio);
  switch (command) {
    case BIO_CTRL_GET_CLOSE:
      return BIO_get_shutdown(bio);
    case BIO_CTRL_SET_CLOSE:
      BIO_set_shutdown(bio, static_cast<int>(number));
      return 1;
    case BIO_CTRL_PENDING:
      return target != nullptr && target->input->chain.length() != 0 ? 1 : 0;
    case BIO_CTRL_WPENDING:
      return target != nullptr && target->output->chain.length() != 0 ? 1 : 0;
    case BIO_CTRL_DUP:
    case BIO_CTRL_FLUSH:
      return 1;
    default:
      return 0;
  }
}

// ---- What OpenSSL knows them by.

struct Functions {
  const char* name;
  int kind;
  int (*read)(BIO* bio, char* out, int size);
  int (*write)(BIO* bio, const char* bytes, int size);
  long (*control)(BIO* bio, int command, long number, void* pointer);
  std::atomic<BIO_METHOD*> method;
};

// SSL_get_fd() looks for a BIO that says it has a descriptor.
constinit Functions socket_functions = {
    "bufferevent socket", BIO_TYPE_SOURCE_SINK | BIO_TYPE_DESCRIPTOR,
    read_socket,          write_socket,
    control_socket,       nullptr};
constinit Functions filter_functions = {"bufferevent", BIO_TYPE_SOURCE_SINK, read_below,
                                        write_below,   control_below,        nullptr};

// Made once, and kept: SSL objects of the user's may outlive everything else.
BIO_METHOD* method_of(Functions* functions) {
  BIO_METHOD* known = functions->method.load(std::memory_order_acquire);
  if (known != nullptr) return known;
  BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | functions->kind, functions->name);
  if (method == nullptr) return nullptr;
  BIO_meth_set_read(method, functions->read);
  BIO_meth_set_write(method, functions->write);
  BIO_meth_set_ctrl(method, functions->control);
  BIO_meth_set_create(method, create);
  BIO_meth_set_destroy(method, destroy);
  if (functions->method.compare_exchange_strong(known, method, std::memory_order_acq_rel)) {
    return method;
  }
  BIO_meth_free(method);
  return known;
}

BIO* make_wire(Functions* functions, TlsBufferEvent* bev, evutil_socket_t fd) {
  BIO_METHOD* method = method_of(functions);
  BIO* bio = method != nullptr ? BIO_new(method) : nullptr;
  if (bio == nullptr) return nullptr;
  Wire* wire = wire_of(bio);
  wire->bev = bev;
  wire->fd = fd;
  wire->allowance = kNoLimit;
  BIO_set_init(bio, 1);
  return bio;
}

Wire* socket_wire(const TlsBufferEvent* bev) {
  return bev->underlying == nullptr && bev->wire != nullptr ? wire_of(bev->wire) : nullptr;
}

}  // namespace

BIO* make_socket_wire(TlsBufferEvent* bev, evutil_socket_t fd) {
  return make_wire(&socket_functions, bev, fd);
}

BIO* make_filter_wire(TlsBufferEvent* bev) {
  return make_wire(&filter_functions, bev, -1);
}

void detach_wire(BIO* bio) {
  Wire* wire = wire_of(bio);
  wire->bev = nullptr;
  wire->in_turn = wire->dry = false;
}

void begin_turn(TlsBufferEvent* bev, ev_ssize_t most) {
  Wire* wire = socket_wire(bev);
  if (wire == nullptr) return;
  wire->allowance = most;
  wire->in_turn = true;
  wire->dry = wire->limited = false;
}

void end_turn(TlsBufferEvent* bev) {
  Wire* wire = socket_wire(bev);
  if (wire != nullptr) wire->in_turn = wire->dry = false;
}

bool wire_is_dry(const TlsBufferEvent* bev) {
  const Wire* wire = socket_wire(bev);
  return wire != nullptr && wire->dry;
}

bool wire_was_limited(const TlsBufferEvent* bev) {
  const Wire* wire = socket_wire(bev);
  return wire != nullptr && wire->limited;
}

}  // namespace pollshim::event
