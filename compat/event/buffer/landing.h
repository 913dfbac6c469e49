// Where bytes land that are read before anybody knows how many there are: one large chunk, lent out
// for the time of a read, so that idle buffers need no memory and no call asks for the number
// first. A loop keeps one on its shelf, and the process one for those who read without a shelf;
// with the user's own memory functions nobody keeps any.
#pragma once

#include <cstddef>

#include "compat/event/buffer/chunk.h"

namespace pollshim::event {

inline constexpr std::size_t kLandingSize = 16384;

class ChunkShelf;

// An empty chunk with kLandingSize bytes of room, or nullptr for want of memory.
Chunk* take_landing(ChunkShelf* shelf);
// Takes it back, unless it became part of a buffer.
void return_landing(Chunk* landing, ChunkShelf* shelf);
// Frees what the process keeps.
void release_landing();

}  // namespace pollshim::event
