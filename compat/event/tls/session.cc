// What is done with OpenSSL, the same for both forms: the handshake, records in and out, the end of
// a connection and the errors that come with it. Knows when OpenSSL has to wait, and nothing of how
// the waiting is done.
#include <openssl/err.h>

#include "compat/event/tls/tls.h"
#include "compat/event/tls/wire.h"

namespace pollshim::event {

namespace {

constexpr std::size_t kRecord = SSL3_RT_MAX_PLAIN_LENGTH;
// A descriptor whose peer takes everything must leave the loop to the others at some point.
constexpr int kMostRecordsAtOnce = 16;

// ---- The end.

struct Ending {
  int what;  // BEV_EVENT_*
  int error_number;
};

void note_error(TlsBufferEvent* bev, unsigned long error) {
  if (bev->error_count == kMostErrors) return;
  bev->errors[bev->error_count++] = static_cast<std::uint32_t>(error);
}

// For a peer that closes without a goodbye OpenSSL 3 has an error of its own, and on a descriptor
// that is what it stays, even if such an end is allowed: Debian's library leaves it at that, and
// programs have been written to it.
//
// The errors are taken over now, because callbacks may run before anybody is told.
Ending end_session(TlsBufferEvent* bev, int error, int error_number) {
  bool clean = false;
  bool dirty = false;
  switch (error) {
    case SSL_ERROR_ZERO_RETURN:
      clean = (SSL_get_shutdown(bev->ssl) & SSL_RECEIVED_SHUTDOWN) != 0;
      dirty = !clean;
      break;
    case SSL_ERROR_SYSCALL:
      dirty = ERR_peek_error() == 0;
      note_error(bev, static_cast<unsigned>(error));
      break;
    case SSL_ERROR_SSL:
    case SSL_ERROR_WANT_X509_LOOKUP:
      note_error(bev, static_cast<unsigned>(error));
      break;
    default:
      bev->engine->log_warning("BUG: Unexpected OpenSSL error code %d", error);
  }
  while (const unsigned long queued = ERR_get_error())
    note_error(bev, queued);
  const bool is_end = clean || (dirty && bev->allow_dirty_shutdown);
  bev->read_over = bev->write_over = true;
  bev->failed = bev->failed || !is_end;
  bev->read_wants_write = bev->write_wants_read = false;
  bev->refused = 0;
  return {is_end ? BEV_EVENT_EOF : BEV_EVENT_ERROR, error_number};
}

// Not if a callback has begun another connection by now.
void report(TlsBufferEvent* bev, int direction, const Ending& ending) {
  if (!bev->read_over) return;
  watch(bev);
  errno = ending.error_number;
  bev->telling_end = true;
  bev->engine->run_event_callback(bev, static_cast<short>(direction | ending.what), 0);
  bev->telling_end = false;
}

// A handshake needs neither direction to be enabled, and no limit stops it. But who has disabled
// both holds the peer off.
bool may_shake_hands(const TlsBufferEvent* bev) {
  return !bev->read_over && bev->enabled != 0;
}

// ---- Calling OpenSSL.

enum class Answer : std::uint8_t { kDone, kWantsRead, kWantsWrite, kOver };

// SSL_get_error() takes an error that is left over from elsewhere for one of this call. Looking
// first is much cheaper than clearing a queue that is nearly always empty.
void forget_errors() {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

// What the last call meant, which had no success. Fills in the ending if it is one.
Answer judge(TlsBufferEvent* bev, int result, Ending* ending) {
  const int error_number = errno;
  const int error = SSL_get_error(bev->ssl, result);
  if (error == SSL_ERROR_WANT_READ) return Answer::kWantsRead;
  if (error == SSL_ERROR_WANT_WRITE) return Answer::kWantsWrite;
  *ending = end_session(bev, error, error_number);
  return Answer::kOver;
}

std::uint64_t count_since(BIO* bio, BIO** counted, std::uint64_t* before, std::uint64_t now) {
  // The user may have given the SSL object others.
  const std::uint64_t bytes = bio == *counted ? now - *before : 0;
  *counted = bio;
  *before = now;
  return bytes;
}

// The bytes on the wire count towards rate limits, not those inside. May suspend.
void account(TlsBufferEvent* bev) {
  BIO* reader = SSL_get_rbio(bev->ssl);
  BIO* writer = SSL_get_wbio(bev->ssl);
  const std::uint64_t read =
      reader == nullptr
          ? 0
          : count_since(reader, &bev->counted_reader, &bev->counted_read, BIO_number_read(reader));
  const std::uint64_t written =
      writer == nullptr ? 0
                        : count_since(writer, &bev->counted_writer, &bev->counted_written,
                                      BIO_number_written(writer));
  if (written != 0) spend_write(bev, static_cast<ev_ssize_t>(written));
  if (read != 0) spend_read(bev, static_cast<ev_ssize_t>(read));
}

// Nothing below, and nothing taken from there that is not delivered.
bool is_dry(const TlsBufferEvent* bev) {
  const bool dry_below =
      bev->underlying != nullptr ? bev->underlying->input->chain.length() == 0 : wire_is_dry(bev);
  return dry_below && !has_pending(bev);
}

// More can be read, though the kernel may never say so again.
void leave_readable(TlsBufferEvent* bev) {
  if (bev->underlying != nullptr) return;
  Event* ev = &bev->ev_read;
  bev->engine->leave_ready(ev->ev_base, ev->ev_fd, EV_READ);
  // Of what is inside not even the engine knows. Where nobody waits now, watch_socket() sees to it.
  if (has_pending(bev) && event_pending(ev, EV_READ, nullptr) != 0) bev->engine->call_again(ev);
}

// ---- Reading.

struct Take {
  TlsBufferEvent* bev;
  Answer answer;
  Ending ending;
  bool dry;
};

ssize_t take_records(void* self, void* to, std::size_t room) {
  Take* take = static_cast<Take*>(self);
  TlsBufferEvent* bev = take->bev;
  std::size_t got = 0;
  take->answer = Answer::kDone;
  while (got < room && !take->dry) {
    forget_errors();
    const int count =
        SSL_read(bev->ssl, static_cast<char*>(to) + got, static_cast<int>(room - got));
    if (count <= 0) {
      take->answer = judge(bev, count, &take->ending);
      break;
    }
    bev->read_wants_write = false;
    got += static_cast<std::size_t>(count);
    take->dry = is_dry(bev);
  }
  return static_cast<ssize_t>(got);
}

// ---- Writing.

// The first `size` bytes of the output side by side: where they are, or in `room`.
const void* bytes_to_write(TlsBufferEvent* bev, std::size_t size, unsigned char* room) {
  const Chunk* chunk = bev->output->chain.first();
  while (chunk != nullptr && chunk->length == 0)
    chunk = chunk->next;
  if (chunk != nullptr && chunk->has_memory() && chunk->length >= size) return chunk->data();
  // There are fewer than were refused if the user took some away; the record is made already.
  const ev_ssize_t copied = evbuffer_copyout(bev->output, room, size);
  if (copied < 0) return nullptr;
  std::memset(room + copied, 0, size - static_cast<std::size_t>(copied));
  return room;
}

// 0 if nothing may be written now.
std::size_t size_to_write(TlsBufferEvent* bev) {
  if (bev->refused != 0) return static_cast<std::size_t>(bev->refused);
  const ev_ssize_t budget = write_budget(bev);
  if (budget <= 0 || bev->write_suspended != 0) return 0;
  std::size_t size = bev->output->chain.length();
  if (size > static_cast<std::size_t>(budget)) size = static_cast<std::size_t>(budget);
  return size < kRecord ? size : kRecord;
}

bool has_to_write(const TlsBufferEvent* bev) {
  return is_open(bev) && (bev->enabled & EV_WRITE) != 0 && bev->write_suspended == 0 &&
         !bev->write_over && bev->output->chain.length() != 0;
}

// One record, made of many small chunks if there are.
Answer write_record(TlsBufferEvent* bev, std::size_t size, Ending* ending) {
  unsigned char room[kRecord];
  const void* bytes = bytes_to_write(bev, size, room);
  if (bytes == nullptr) {  // a file that can not be read
    *ending = end_session(bev, SSL_ERROR_SYSCALL, errno);
    return Answer::kOver;
  }
  bev->talking = true;
  forget_errors();
  const int count = SSL_write(bev->ssl, bytes, static_cast<int>(size));
  const Answer answer = count > 0 ? Answer::kDone : judge(bev, count, ending);
  bev->talking = false;
  account(bev);
  if (count > 0) {
    bev->refused = 0;
    bev->write_wants_read = false;
    evbuffer_drain(bev->output, static_cast<std::size_t>(count));
  } else if (answer != Answer::kOver) {
    bev->refused = static_cast<int>(size);
    bev->write_wants_read = answer == Answer::kWantsRead;
  }
  return answer;
}

}  // namespace

bool has_pending(const TlsBufferEvent* bev) {
  return SSL_has_pending(bev->ssl) != 0;
}

bool wants_to_read(const TlsBufferEvent* bev) {
  if (!is_open(bev)) return may_shake_hands(bev) && !bev->handshake_writes;
  if (bev->write_wants_read) return true;
  return (bev->enabled & EV_READ) != 0 && bev->read_suspended == 0 && !bev->read_over &&
         !bev->read_wants_write;
}

bool wants_to_write(const TlsBufferEvent* bev) {
  if (!is_open(bev)) return may_shake_hands(bev) && bev->handshake_writes;
  return bev->read_wants_write || (has_to_write(bev) && !bev->write_wants_read);
}

bool begin_session(TlsBufferEvent* bev, bufferevent_ssl_state state) {
  bev->state = static_cast<std::uint8_t>(state);
  bev->handshake_writes = state == BUFFEREVENT_SSL_CONNECTING;
  bev->read_wants_write = bev->write_wants_read = false;
  bev->read_over = bev->write_over = bev->failed = false;
  bev->refused = 0;
  bev->below_what = 0;
  if (state == BUFFEREVENT_SSL_OPEN) return true;
  if (SSL_clear(bev->ssl) == 0) return false;
  if (state == BUFFEREVENT_SSL_CONNECTING) {
    SSL_set_connect_state(bev->ssl);
  } else {
    SSL_set_accept_state(bev->ssl);
  }
  return true;
}

bool forget_end(TlsBufferEvent* bev) {
  if (!is_open(bev) || !bev->read_over || bev->telling_end) return false;
  bev->read_over = false;
  return true;
}

int continue_handshake(TlsBufferEvent* bev) {
  Ending ending{};
  begin_turn(bev, kNoLimit);
  bev->talking = true;
  forget_errors();
  const int result = SSL_do_handshake(bev->ssl);
  const Answer answer = result == 1 ? Answer::kDone : judge(bev, result, &ending);
  bev->talking = false;
  const bool dry = is_dry(bev);
  end_turn(bev);
  account(bev);
  switch (answer) {
    case Answer::kDone:
      bev->state = BUFFEREVENT_SSL_OPEN;
      // Its last bytes may have brought the first of what follows.
      if (!dry) leave_readable(bev);
      watch(bev);
      bev->engine->run_event_callback(bev, BEV_EVENT_CONNECTED, 0);
      return 1;
    case Answer::kOver:
      report(bev, BEV_EVENT_READING, ending);
      return -1;
    default:
      bev->handshake_writes = answer == Answer::kWantsWrite;
      return 0;
  }
}

ev_ssize_t how_much_to_read(TlsBufferEvent* bev) {
  ev_ssize_t most = read_budget(bev);
  if (bev->wm_read.high != 0) {
    const std::size_t length = bev->input->chain.length();
    if (length >= bev->wm_read.high) {
      bev->engine->suspend_read(bev, kReasonWatermark);
      return 0;
    }
    const auto below_mark = static_cast<ev_ssize_t>(bev->wm_read.high - length);
    if (most > below_mark) most = below_mark;
  }
  return bev->read_suspended == 0 ? most : 0;
}

Reading read_some(TlsBufferEvent* bev, std::size_t most) {
  Take take{bev, Answer::kDone, {}, false};
  begin_turn(bev, bev->rate_limit != nullptr ? read_budget(bev) : kNoLimit);
  bev->talking = true;
  const ssize_t count = bev->engine->take_from(bev->input, most, take_records, &take);
  bev->talking = false;
  const bool limited = wire_was_limited(bev);
  end_turn(bev);
  account(bev);
  if (count < 0) {
    // No memory for the bytes, which stay where they are until reading is enabled again.
    bev->enabled = static_cast<short>(bev->enabled & ~EV_READ);
    watch(bev);
    leave_readable(bev);
    errno = ENOMEM;
    bev->engine->run_event_callback(bev, BEV_EVENT_READING | BEV_EVENT_ERROR, 0);
    return Reading::kOver;
  }
  const bool dry = take.dry || (take.answer == Answer::kWantsRead && !limited);
  bev->read_wants_write = take.answer == Answer::kWantsWrite;
  if ((!dry && take.answer == Answer::kDone) || limited) leave_readable(bev);
  if (count > 0) {
    if (bev->underlying != nullptr) bev->engine->restart_read_timer(bev);
    bev->engine->trigger(bev, EV_READ, 0);
  }
  if (take.answer == Answer::kOver) report(bev, BEV_EVENT_READING, take.ending);
  if (take.answer == Answer::kOver || bev->read_wants_write) return Reading::kOver;
  return dry ? Reading::kDry : Reading::kMore;
}

Writing write_some(TlsBufferEvent* bev) {
  Ending ending{};
  Answer answer = Answer::kDone;
  bool moved = false;
  for (int records = 0; has_to_write(bev) && answer == Answer::kDone; ++records) {
    const std::size_t size = size_to_write(bev);
    if (size == 0 || (records == kMostRecordsAtOnce && bev->underlying == nullptr)) break;
    answer = write_record(bev, size, &ending);
    if (answer == Answer::kDone) moved = true;
  }
  if (moved) {
    if (bev->underlying != nullptr) bev->engine->restart_write_timer(bev);
    bev->engine->trigger(bev, EV_WRITE, BEV_TRIG_DEFER_CALLBACKS);
  }
  if (answer == Answer::kOver) report(bev, BEV_EVENT_WRITING, ending);
  if (answer == Answer::kWantsRead || answer == Answer::kWantsWrite) return Writing::kBlocked;
  return has_to_write(bev) ? Writing::kMore : Writing::kAll;
}

}  // namespace pollshim::event
