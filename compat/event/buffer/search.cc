#include "compat/event/buffer/search.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <bit>
#include <cstring>

namespace pollshim::event {

namespace {

using Byte = unsigned char;

// So many occurrences of the needle's first byte in vain, and memmem is the better tool.
constexpr unsigned kPatience = 16;

const Byte* find_byte(const Byte* bytes, std::size_t length, int byte) {
  return length != 0 ? static_cast<const Byte*>(std::memchr(bytes, byte, length)) : nullptr;
}

// The first of CR and LF.
const Byte* find_line_byte(const Byte* bytes, std::size_t length) {
  const Byte* const end = bytes + length;
#ifdef __SSE2__
  const __m128i returns = _mm_set1_epi8('\r');
  const __m128i feeds = _mm_set1_epi8('\n');
  for (; end - bytes >= 16; bytes += 16) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes));
    const __m128i hits = _mm_or_si128(_mm_cmpeq_epi8(block, returns), _mm_cmpeq_epi8(block, feeds));
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(hits));
    if (mask != 0) return bytes + std::countr_zero(mask);
  }
#endif
  for (; bytes != end; ++bytes) {
    if (*bytes == '\n' || *bytes == '\r') return bytes;
  }
  return nullptr;
}

// The needle wholly inside these bytes.
const Byte* find_inside(const Byte* bytes, std::size_t length, const Byte* needle,
                        std::size_t size) {
  if (length < size) return nullptr;
  if (size == 1) return find_byte(bytes, length, needle[0]);
  const Byte* at = bytes;
  std::size_t starts = length - size + 1;
  for (unsigned vain = 0; vain < kPatience; ++vain) {
    const Byte* hit = find_byte(at, starts, needle[0]);
    if (hit == nullptr) return nullptr;
    if (std::memcmp(hit + 1, needle + 1, size - 1) == 0) return hit;
    starts -= static_cast<std::size_t>(hit + 1 - at);
    at = hit + 1;
  }
  return static_cast<const Byte*>(memmem(at, starts + size - 1, needle, size));
}

// Whether the needle lies at this place, which it may leave for the next chunks. Pre: enough bytes
// follow.
bool lies_at(Place place, const Byte* needle, std::size_t size) {
  Chunk* chunk = place.chunk;
  std::size_t offset = place.offset;
  while (size != 0) {
    if (!chunk->make_visible()) return false;
    std::size_t here = chunk->length - offset;
    if (here > size) here = size;
    if (here != 0 && std::memcmp(chunk->data() + offset, needle, here) != 0) return false;
    needle += here;
    size -= here;
    offset = 0;
    chunk = chunk->next;
  }
  return true;
}

// The first byte at or behind the position for which `find` gives a place in a chunk's bytes.
template <class Find>
Found find_in_chunks(Position from, Find&& find) {
  std::size_t offset = from.place.offset;
  std::size_t distance = from.offset;
  for (Chunk* chunk = from.place.chunk; chunk != nullptr; chunk = chunk->next) {
    if (!chunk->make_visible()) break;
    const Byte* bytes = chunk->data();
    const Byte* hit = find(bytes + offset, chunk->length - offset);
    if (hit != nullptr) {
      const auto at = static_cast<std::size_t>(hit - bytes);
      return {true, {{chunk, at}, distance + at - offset}};
    }
    distance += chunk->length - offset;
    offset = 0;
  }
  return {false, {}};
}

// CR and LF in any order and number from here on.
std::size_t count_line_bytes(Place from) {
  std::size_t count = 0;
  std::size_t offset = from.offset;
  for (Chunk* chunk = from.chunk; chunk != nullptr; chunk = chunk->next) {
    if (!chunk->make_visible()) break;
    for (; offset < chunk->length; ++offset, ++count) {
      const Byte byte = chunk->data()[offset];
      if (byte != '\r' && byte != '\n') return count;
    }
    offset = 0;
  }
  return count;
}

// The place one byte before; the row only leads forward. Pre: the offset is not 0.
Position one_before(Chunk* first, const Position& position) {
  if (position.place.offset != 0)
    return {{position.place.chunk, position.place.offset - 1}, position.offset - 1};
  Chunk* with_bytes = nullptr;
  for (Chunk* chunk = first; chunk != position.place.chunk; chunk = chunk->next) {
    if (chunk->length != 0) with_bytes = chunk;
  }
  return {{with_bytes, with_bytes->length - 1}, position.offset - 1};
}

}  // namespace

Found find_bytes(Position from, std::size_t end, const void* needle, std::size_t size) {
  const auto* what = static_cast<const Byte*>(needle);
  std::size_t offset = from.place.offset;
  std::size_t distance = from.offset;
  for (Chunk* chunk = from.place.chunk; chunk != nullptr; chunk = chunk->next) {
    if (distance > end || size > end - distance || !chunk->make_visible()) break;
    const std::size_t here = chunk->length - offset;
    // Starts beyond this one would end too late.
    const std::size_t starts = end - distance - size + 1;
    const Byte* bytes = chunk->data();
    const std::size_t inside = here < starts + size - 1 ? here : starts + size - 1;
    if (const Byte* hit = find_inside(bytes + offset, inside, what, size); hit != nullptr) {
      const auto at = static_cast<std::size_t>(hit - bytes);
      return {true, {{chunk, at}, distance + at - offset}};
    }
    // What begins in the last bytes of this chunk goes on in the next ones.
    std::size_t seam = here >= size ? here - size + 1 : 0;
    const std::size_t last = here < starts ? here : starts;
    while (seam < last) {
      const Byte* hit = find_byte(bytes + offset + seam, last - seam, what[0]);
      if (hit == nullptr) break;
      const auto at = static_cast<std::size_t>(hit - bytes);
      if (lies_at({chunk, at}, what, size)) return {true, {{chunk, at}, distance + at - offset}};
      seam = at - offset + 1;
    }
    distance += here;
    offset = 0;
  }
  return {false, {}};
}

FoundLine find_line_ending(const Chain& chain, Position from, evbuffer_eol_style style) {
  switch (style) {
    case EVBUFFER_EOL_ANY: {
      const Found hit = find_in_chunks(from, find_line_byte);
      return {hit.found, hit.at, hit.found ? count_line_bytes(hit.at.place) : 0};
    }
    case EVBUFFER_EOL_CRLF_STRICT: {
      const Found hit = find_bytes(from, chain.length(), "\r\n", 2);
      return {hit.found, hit.at, 2};
    }
    case EVBUFFER_EOL_CRLF: {
      const Found hit = find_in_chunks(
          from, [](const Byte* bytes, std::size_t n) { return find_byte(bytes, n, '\n'); });
      if (!hit.found) return {false, {}, 0};
      if (hit.at.offset > from.offset) {
        const Position before = one_before(chain.first(), hit.at);
        if (before.place.chunk->data()[before.place.offset] == '\r') return {true, before, 2};
      }
      return {true, hit.at, 1};
    }
    case EVBUFFER_EOL_LF:
    case EVBUFFER_EOL_NUL: {
      const unsigned char byte = style == EVBUFFER_EOL_LF ? '\n' : '\0';
      const Found hit = find_in_chunks(
          from, [byte](const Byte* bytes, std::size_t n) { return find_byte(bytes, n, byte); });
      return {hit.found, hit.at, 1};
    }
  }
  return {false, {}, 0};
}

}  // namespace pollshim::event
