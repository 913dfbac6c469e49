#include "core/promise.h"

#include <bit>
#include <cstring>
#include <type_traits>
#include <utility>

namespace netpoll {

namespace {

constexpr unsigned kDigitBits = 8;
constexpr std::uint32_t kDigits = 1 << kDigitBits;
// So few are in order sooner by comparing them.
constexpr std::uint32_t kFew = 16;

// Keys, as types: what computes one is part of the loop that uses it.
struct ByTime {
  static std::int64_t of(const Promise& promise) { return promise.bound; }
};
struct ByAge {
  static std::int64_t of(const Promise& promise) { return promise.stamp; }
};

struct Range {
  std::int64_t least;
  std::int64_t most;
};

template <class Key>
Range range_of(const Promise* promises, std::uint32_t count) {
  Range range = {INT64_MAX, INT64_MIN};
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::int64_t key = Key::of(promises[i]);
    range.least = key < range.least ? key : range.least;
    range.most = key > range.most ? key : range.most;
  }
  return range;
}

void sort_few(Promise* promises, std::uint32_t count) {
  for (std::uint32_t i = 1; i < count; ++i) {
    const Promise promise = promises[i];
    std::uint32_t hole = i;
    for (; hole != 0 && before(promise, promises[hole - 1]); --hole)
      promises[hole] = promises[hole - 1];
    promises[hole] = promise;
  }
}

// By as many of the leading bits in which they differ as tell nearly all of them apart; those that
// are equal in these, among themselves.
template <class Key>
void sort(Promise* promises, Promise* spare, std::uint32_t count) {
  const Range range = range_of<Key>(promises, count);
  if (range.least == range.most) {
    if constexpr (std::is_same_v<Key, ByTime>) sort<ByAge>(promises, spare, count);
    return;
  }
  // As a distance from the least, which may be more than a signed number holds.
  const auto distance = [&](std::int64_t key) {
    return static_cast<std::uint64_t>(key) - static_cast<std::uint64_t>(range.least);
  };
  const auto bits = static_cast<unsigned>(std::bit_width(distance(range.most)));
  const auto enough = static_cast<unsigned>(std::bit_width(count)) + 4;
  const unsigned passes = ((bits < enough ? bits : enough) + kDigitBits - 1) / kDigitBits;
  const unsigned ignored = bits > passes * kDigitBits ? bits - passes * kDigitBits : 0;
  const auto leading = [&](const Promise& promise) {
    return distance(Key::of(promise)) >> ignored;
  };

  Promise* from = promises;
  Promise* into = spare;
  for (unsigned shift = 0; shift < passes * kDigitBits; shift += kDigitBits) {
    const auto digit = [&](const Promise& promise) {
      return leading(promise) >> shift & (kDigits - 1);
    };
    std::uint32_t places[kDigits] = {};
    for (std::uint32_t i = 0; i < count; ++i)
      ++places[digit(from[i])];
    std::uint32_t place = 0;
    for (std::uint32_t& first : places)
      place += std::exchange(first, place);
    for (std::uint32_t i = 0; i < count; ++i)
      into[places[digit(from[i])]++] = from[i];
    std::swap(from, into);
  }
  if (from != promises) std::memcpy(promises, from, sizeof(Promise) * std::size_t{count});

  for (std::uint32_t first = 0; first < count;) {
    std::uint32_t end = first + 1;
    while (end < count && leading(promises[end]) == leading(promises[first]))
      ++end;
    const std::uint32_t equals = end - first;
    if (equals > kFew) {
      sort<Key>(promises + first, spare, equals);
    } else if (equals > 1) {
      sort_few(promises + first, equals);
    }
    first = end;
  }
}

}  // namespace

void sort_promises(Promise* promises, Promise* spare, std::uint32_t count) {
  if (count <= kFew) {
    sort_few(promises, count);
  } else {
    sort<ByTime>(promises, spare, count);
  }
}

}  // namespace netpoll
