// How a backend turns its own state into the Backend of the contract, and grows the arrays that it
// keeps beside the kernel. Used by every backend; knows none of them.
#pragma once

#include <cstdlib>
#include <cstring>
#include <new>

#include "core/backend.h"

namespace netpoll {

// nullptr when memory is short.
template <class State>
State* make_state() {
  void* memory = std::malloc(sizeof(State));
  return memory == nullptr ? nullptr : new (memory) State;
}

template <class State>
void free_state(State* state) {
  state->~State();
  std::free(state);
}

template <class State>
Backend* as_backend(State* state) {
  return reinterpret_cast<Backend*>(state);
}

template <class State>
State& state_of(Backend* backend) {
  return *reinterpret_cast<State*>(backend);
}

template <class State>
const State& state_of(const Backend* backend) {
  return *reinterpret_cast<const State*>(backend);
}

// Makes room for `wanted` entries of a plain type, with zeros in what is new. Grows by doubling, so
// that a rising descriptor number does not copy the array each time. False when memory is short,
// with the array as it was.
template <class Entry>
bool grow_array(Entry*& entries, int& size, int wanted) {
  if (wanted <= size) return true;
  int wider = size == 0 ? 32 : size;
  while (wider < wanted) {
    if (wider > INT32_MAX / 2) return false;
    wider *= 2;
  }
  void* memory = std::realloc(entries, sizeof(Entry) * static_cast<unsigned>(wider));
  if (memory == nullptr) return false;
  entries = static_cast<Entry*>(memory);
  std::memset(static_cast<void*>(entries + size), 0,
              sizeof(Entry) * static_cast<unsigned>(wider - size));
  size = wider;
  return true;
}

// An array indexed by descriptor whose absent entries read as zero.
template <class Entry>
class FdArray {
 public:
  FdArray() = default;
  FdArray(const FdArray&) = delete;
  FdArray& operator=(const FdArray&) = delete;
  ~FdArray() { std::free(entries_); }

  // Pre: fd >= 0. False when memory is short.
  bool set(int fd, Entry entry) {
    if (fd == INT32_MAX || !grow_array(entries_, size_, fd + 1)) return false;
    entries_[fd] = entry;
    return true;
  }
  Entry get(int fd) const { return fd >= 0 && fd < size_ ? entries_[fd] : Entry{}; }
  void clear() {
    if (size_ != 0) std::memset(static_cast<void*>(entries_), 0, sizeof(Entry) * as_size(size_));
  }

 private:
  static constexpr std::size_t as_size(int count) { return static_cast<std::size_t>(count); }

  Entry* entries_ = nullptr;
  int size_ = 0;
};

}  // namespace netpoll
