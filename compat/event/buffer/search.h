// Finding bytes and line endings in a chain, across the seams between its chunks. Pure functions
// over chunks: no locks, no changes, nothing allocated.
#pragma once

#include <cstddef>

#include "compat/event/buffer/chain.h"
#include "event2/buffer.h"

namespace pollshim::event {

// A place and its distance from the first byte.
struct Position {
  Place place;
  std::size_t offset;
};

struct FoundLine {
  bool found;
  Position at;         // where the ending begins
  std::size_t ending;  // how long it is
};

// Moves the position to the first occurrence of the needle, at or behind it, that ends at or before
// `end`. False, with the position where it was, if there is none. Pre: size is not 0 and the
// position not behind `end`.
bool find_bytes(Position* at, std::size_t end, const void* needle, std::size_t size);

// The first line ending at or behind `from`, which is a position in `chain`.
FoundLine find_line_ending(const Chain& chain, Position from, evbuffer_eol_style style);

}  // namespace pollshim::event
