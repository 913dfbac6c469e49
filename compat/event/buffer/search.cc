#include "compat/event/buffer/search.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <bit>
#include <cstring>

namespace pollshim::event {

namespace {

using Byte = unsigned char;

struct Found {
  bool found;
  Position at;
};

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

// The first place of the needle in this chunk that is before `starts_end`; its end may lie in the
// next chunks. Pre: its first byte is at `hit`, and nowhere before.
[[gnu::noinline]] const Byte* find_from_start(Chunk* chunk, const Byte* hit, const Byte* starts_end,
                                              const Byte* needle, std::size_t size) {
  const Byte* const bytes = chunk->data();
  const Byte* const bytes_end = chunk->end();
  for (unsigned vain = 1; hit < starts_end; ++vain) {
    if (static_cast<std::size_t>(bytes_end - hit) >= size
            ? std::memcmp(hit, needle, size) == 0
            : lies_at({chunk, static_cast<std::size_t>(hit - bytes)}, needle, size))
      return hit;
    const Byte* next = hit + 1;
    const auto left = static_cast<std::size_t>(bytes_end - next);
    if (vain == kPatience && left >= size && next < starts_end) {
      const std::size_t last = static_cast<std::size_t>(starts_end - next) + size - 1;
      const void* found = memmem(next, left < last ? left : last, needle, size);
      if (found != nullptr) return static_cast<const Byte*>(found);
      // What is left begins in this chunk and ends in another one.
      next = bytes_end - size + 1;
    }
    if (next >= starts_end) break;
    hit = find_byte(next, static_cast<std::size_t>(starts_end - next), needle[0]);
    if (hit == nullptr) break;
  }
  return nullptr;
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

bool find_bytes(Position* at, std::size_t end, const void* needle, std::size_t size) {
  const auto* const what = static_cast<const Byte*>(needle);
  std::size_t left = end - at->offset;
  std::size_t offset = at->place.offset;
  for (Chunk* chunk = at->place.chunk; chunk != nullptr && left >= size; chunk = chunk->next) {
    if (!chunk->make_visible()) break;
    const Byte* const bytes = chunk->data() + offset;
    const std::size_t here = chunk->length - offset;
    const std::size_t scanned = here < left ? here : left;
    const Byte* hit = find_byte(bytes, scanned, what[0]);
    if (hit != nullptr) {
      const auto rest = scanned - static_cast<std::size_t>(hit - bytes);
      if (rest < size || std::memcmp(hit, what, size) != 0) {
        // Starts beyond this one would end too late.
        const std::size_t starts = here <= left - size ? here : left - size + 1;
        hit = find_from_start(chunk, hit, bytes + starts, what, size);
      }
      if (hit != nullptr) {
        const auto skipped = static_cast<std::size_t>(hit - bytes);
        *at = {{chunk, offset + skipped}, end - left + skipped};
        return true;
      }
    }
    if (here >= left) break;
    left -= here;
    offset = 0;
  }
  return false;
}

FoundLine find_line_ending(const Chain& chain, Position from, evbuffer_eol_style style) {
  switch (style) {
    case EVBUFFER_EOL_ANY: {
      const Found hit = find_in_chunks(from, find_line_byte);
      return {hit.found, hit.at, hit.found ? count_line_bytes(hit.at.place) : 0};
    }
    case EVBUFFER_EOL_CRLF_STRICT: {
      const bool found = find_bytes(&from, chain.length(), "\r\n", 2);
      return {found, from, 2};
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
