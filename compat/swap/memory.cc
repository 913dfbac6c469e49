// See memory.h. One chain of blocks, reachable to the end, so that a leak checker has nothing to
// say about it.
#include "compat/swap/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "compat/swap/exit_codes.h"

namespace pollshim::swap {
namespace {

constexpr size_t kBlock = 64 * 1024;
struct Block {
  Block* previous;
  size_t used;
  size_t room;
};
Block* last_block;

size_t hash_of(const char* name) {
  size_t hash = 5381;
  for (; *name != '\0'; name++)
    hash = hash * 33 + static_cast<unsigned char>(*name);
  return hash;
}

}  // namespace

void out_of_memory() {
  fputs("pollshim: out of memory\n", stderr);
  _Exit(kFailed);
}

void* take(size_t size) {
  size = (size + 15) & ~size_t{15};
  if (last_block == nullptr || last_block->room - last_block->used < size) {
    size_t room = size > kBlock ? size : kBlock;
    auto block = static_cast<Block*>(calloc(1, sizeof(Block) + 16 + room));
    if (block == nullptr) out_of_memory();
    block->previous = last_block;
    block->room = room;
    last_block = block;
  }
  auto start =
      reinterpret_cast<char*>((reinterpret_cast<uintptr_t>(last_block + 1) + 15) & ~uintptr_t{15});
  void* taken = start + last_block->used;
  last_block->used += size;
  return taken;
}

const char* format(const char* pattern, ...) {
  va_list arguments;
  va_start(arguments, pattern);
  va_list again;
  va_copy(again, arguments);
  int length = vsnprintf(nullptr, 0, pattern, arguments);
  va_end(arguments);
  if (length < 0) out_of_memory();
  size_t room = static_cast<size_t>(length) + 1;
  char* text = static_cast<char*>(take(room));
  vsnprintf(text, room, pattern, again);
  va_end(again);
  return text;
}

const char* copy_text(std::string_view text) {
  char* copy = static_cast<char*>(take(text.size() + 1));
  if (!text.empty()) memcpy(copy, text.data(), text.size());
  return copy;
}

const char* base_name(const char* path) {
  const char* slash = strrchr(path, '/');
  return slash != nullptr ? slash + 1 : path;
}

const char* directory_of(const char* path) {
  const char* slash = strrchr(path, '/');
  if (slash == nullptr) return ".";
  return slash == path ? "/" : copy_text({path, static_cast<size_t>(slash - path)});
}

const char* real_path(const char* path) {
  char* real = realpath(path, nullptr);
  if (real == nullptr) return path;
  const char* copy = copy_text(real);
  free(real);
  return copy;
}

size_t NameTable::place_of(const char* name) const {
  size_t place = hash_of(name) & (room_ - 1);
  while (entries_[place].name != nullptr && !same(entries_[place].name, name))
    place = (place + 1) & (room_ - 1);
  return place;
}

void NameTable::grow() {
  NameTable larger;
  larger.room_ = room_ == 0 ? 256 : room_ * 2;
  larger.entries_ = static_cast<Entry*>(take(larger.room_ * sizeof(Entry)));
  for (size_t i = 0; i < room_; i++) {
    if (entries_[i].name != nullptr)
      larger.entries_[larger.place_of(entries_[i].name)] = entries_[i];
  }
  larger.count_ = count_;
  *this = larger;
}

void NameTable::add(const char* name, uint32_t value) {
  if (count_ * 2 >= room_) grow();
  Entry& entry = entries_[place_of(name)];
  if (entry.name != nullptr) return;
  entry = {name, value};
  count_++;
}

uint32_t NameTable::find(const char* name) const {
  if (room_ == 0) return kAbsent;
  const Entry& entry = entries_[place_of(name)];
  return entry.name != nullptr ? entry.value : kAbsent;
}

}  // namespace pollshim::swap
