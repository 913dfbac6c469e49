// A few large chunks that were emptied, kept by the process for the next large pieces of bytes: the
// C library would give so much back to the kernel, which would have to clear every page of it anew.
// Called by chunk.cc, from any thread. With the user's own memory functions it keeps nothing.
#pragma once

#include "compat/event/buffer/chunk.h"

namespace pollshim::event {

// The smallest capacity that is worth keeping, the largest, and how many may stay behind.
inline constexpr std::size_t kLeastSpare = 65536 - kChunkHeader;
inline constexpr std::size_t kLargestSpare = 131072 - kChunkHeader;
inline constexpr int kMostSpares = 16;

// A chunk of exactly this capacity whose header is to be constructed anew, or nullptr.
Chunk* take_spare(std::size_t capacity);
// Takes over a chunk with memory of its own that nobody holds any more. False if it is to be freed.
bool keep_spare(Chunk* chunk);
// Frees what the process keeps.
void release_spares();

}  // namespace pollshim::event
