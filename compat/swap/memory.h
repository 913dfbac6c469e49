// Memory for a command that lives for a moment: taken, never given back before it ends.
//
// Used all over compat/swap. Texts are `const char*` that stay valid to the end. Running out of
// memory ends the command.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

namespace pollshim::swap {

[[noreturn]] void out_of_memory();
// Zeroed, aligned for anything.
void* take(size_t size);

[[gnu::format(printf, 1, 2)]] const char* format(const char* pattern, ...);
const char* copy_text(std::string_view text);

// A growing array of plain values. Old room stays behind when it grows, so references into it stay
// readable.
template <typename T>
class List {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  void add(const T& value) {
    if (count_ == room_) {
      size_t room = room_ == 0 ? 8 : room_ * 2;
      constexpr size_t kEach = sizeof(T);  // NOLINT(bugprone-sizeof-expression): T may be a pointer
      T* items = static_cast<T*>(take(room * kEach));
      if (count_ > 0) std::memcpy(items, items_, count_ * kEach);
      items_ = items;
      room_ = room;
    }
    items_[count_++] = value;
  }
  void clear() { count_ = 0; }  // the room stays, for those who fill it again and again
  size_t size() const { return count_; }
  bool empty() const { return count_ == 0; }
  T& operator[](size_t index) { return items_[index]; }
  const T& operator[](size_t index) const { return items_[index]; }
  T* begin() { return items_; }
  T* end() { return items_ + count_; }
  const T* begin() const { return items_; }
  const T* end() const { return items_ + count_; }

 private:
  T* items_ = nullptr;
  size_t count_ = 0;
  size_t room_ = 0;
};

// From names to numbers. The first number given to a name stays.
class NameTable {
 public:
  static constexpr uint32_t kAbsent = UINT32_MAX;
  void add(const char* name, uint32_t value);
  uint32_t find(const char* name) const;
  size_t size() const { return count_; }

 private:
  struct Entry {
    const char* name;
    uint32_t value;
  };
  Entry* entries_ = nullptr;
  size_t room_ = 0;
  size_t count_ = 0;

  size_t place_of(const char* name) const;
  void grow();
};

inline bool same(const char* a, const char* b) {
  return std::strcmp(a, b) == 0;
}
const char* base_name(const char* path);
const char* directory_of(const char* path);
// Without links and dots; the path itself if there is no such file.
const char* real_path(const char* path);

}  // namespace pollshim::swap
