// Between a buffer and a descriptor: one system call each way, no more.
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>

#include "compat/event/buffer/buffer.h"
#include "compat/event/buffer/file_segment.h"
#include "compat/event/buffer/landing.h"
#include "compat/event/buffer/shelf.h"

namespace pollshim::event {

namespace {

// Pieces of room that one read fills, before the landing.
constexpr int kMostRoomPieces = 4;
// Chunks that one write covers.
constexpr int kMostWriteChunks = 128;
// From here on it is cheaper to keep the landing than to copy out of it.
constexpr std::size_t kWorthKeeping = kLandingSize / 2;

Chunk* chunk_for(std::size_t size, ChunkShelf* shelf) {
  if (shelf != nullptr && size <= ChunkShelf::kSmallCapacity) {
    if (Chunk* chunk = shelf->take_small()) return chunk;
  }
  return make_own_chunk(size);
}

// What was read into the landing becomes part of the chain: in a chunk that fits, or by giving the
// landing away. Never fails, because the bytes have left the socket.
void settle_landing(Chain& chain, Chunk* landing, std::size_t size, ChunkShelf* shelf) {
  if (size < kWorthKeeping) {
    if (Chunk* chunk = chunk_for(size, shelf)) {
      std::memcpy(chunk->base, landing->base, size);
      chunk->length = size;
      chain.push(chunk);
      return_landing(landing, shelf);
      return;
    }
  }
  landing->length = size;
  chain.push(landing);
}

std::size_t total(const iovec* pieces, int count) {
  std::size_t sum = 0;
  for (int i = 0; i < count; ++i)
    sum += pieces[i].iov_len;
  return sum;
}

// The kernel spends less on one piece than on a list of one.
ssize_t read_into(int fd, const iovec* pieces, int count) {
  return count == 1 ? read(fd, pieces->iov_base, pieces->iov_len) : readv(fd, pieces, count);
}

ssize_t write_out(int fd, const iovec* pieces, int count) {
  return count == 1 ? write(fd, pieces->iov_base, pieces->iov_len) : writev(fd, pieces, count);
}

bool would_block(int error) {
  return error == EAGAIN || error == EINTR;
}

// Many small empty chunks, or an empty one that is not ours to write to, make way for a chunk that
// is large enough for the bytes that wait. This needs their number, for once.
bool settle_crowded_room(Chain& chain, int fd, std::size_t most, std::size_t* wanted) {
  int waiting = 0;
  if (ioctl(fd, FIONREAD, &waiting) < 0 || waiting <= 0) return true;
  if (static_cast<std::size_t>(waiting) < most) *wanted = static_cast<std::size_t>(waiting);
  return chain.make_room(*wanted, kMostRoomPieces);
}

}  // namespace

ssize_t Buffer::read_from(int fd, std::size_t most, std::size_t* offered, ChunkShelf* shelf) {
  iovec pieces[kMostRoomPieces + 1];
  std::size_t wanted = most;
  int count = chain.list_room(wanted, pieces, kMostRoomPieces);
  std::size_t room = total(pieces, count);
  if ((room < wanted && count == kMostRoomPieces) || chain.ends_in_foreign_void()) {
    if (!settle_crowded_room(chain, fd, most, &wanted)) return -1;
    count = chain.list_room(wanted, pieces, kMostRoomPieces);
    room = total(pieces, count);
  }

  Chunk* landing = nullptr;
  if (room >= wanted) {
    if (count != 0) pieces[count - 1].iov_len -= room - wanted;
  } else {
    landing = take_landing(shelf);
    if (landing == nullptr) {
      errno = ENOMEM;
      return -1;
    }
    const std::size_t missing = wanted - room;
    pieces[count].iov_base = landing->base;
    pieces[count].iov_len = missing < kLandingSize ? missing : kLandingSize;
    ++count;
  }

  if (offered != nullptr) *offered = total(pieces, count);
  const ssize_t result = read_into(fd, pieces, count);
  const int error = errno;
  const auto size = result > 0 ? static_cast<std::size_t>(result) : 0;
  if (size != 0) chain.commit_first(size < room ? size : room);
  if (landing != nullptr) {
    if (size > room) {
      settle_landing(chain, landing, size - room, shelf);
    } else {
      return_landing(landing, shelf);
    }
  }
  if (size != 0) {
    tell(size, 0);
  } else {
    errno = error;
  }
  return result;
}

ssize_t Buffer::take_from(std::size_t most, Source source, void* self) {
  Chunk* const landing = take_landing(nullptr);
  if (landing == nullptr) {
    errno = ENOMEM;
    return -1;
  }
  const ssize_t result = source(self, landing->base, most < kLandingSize ? most : kLandingSize);
  const auto size = result > 0 ? static_cast<std::size_t>(result) : 0;
  if (size == 0 || (size < kWorthKeeping && chain.append(landing->base, size))) {
    return_landing(landing, nullptr);
  } else {
    landing->length = size;
    chain.push(landing);
  }
  if (size != 0) tell(size, 0);
  return result;
}

ssize_t Buffer::write_to(int fd, std::size_t most, std::size_t* offered, ChunkShelf* shelf) {
  Chunk* chunk = chain.first();
  while (chunk->length == 0)
    chunk = chunk->next;

  ssize_t result;
  if (!chunk->has_memory()) {
    auto offset = static_cast<off_t>(chunk->front);
    const std::size_t size = chunk->length < most ? chunk->length : most;
    if (offered != nullptr) *offered = size;
    result = sendfile(fd, segment_of(chunk)->fd(), &offset, size);
    if (result < 0 && would_block(errno)) result = 0;
  } else {
    iovec pieces[kMostWriteChunks];
    int count = 0;
    int seen = 0;
    std::size_t left = most;
    for (; chunk != nullptr && seen < kMostWriteChunks && left != 0 && chunk->has_memory();
         chunk = chunk->next, ++seen) {
      if (chunk->length == 0) continue;
      const std::size_t here = chunk->length < left ? chunk->length : left;
      pieces[count++] = {chunk->data(), here};
      left -= here;
    }
    if (offered != nullptr) *offered = most - left;
    result = write_out(fd, pieces, count);
  }
  if (result > 0) {
    chain.drop(static_cast<std::size_t>(result), shelf);
    tell(0, static_cast<std::size_t>(result));
  }
  return result;
}

}  // namespace pollshim::event
