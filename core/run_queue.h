// What is ready to run, by priority (the model's run queue). A bitmap finds the first priority with
// anything in it; each lane is whatever its front end needs: a queue linked through the entries, or
// a stack beside them. Priority 0 runs first.
#pragma once

#include <bit>
#include <cstdint>

namespace netpoll {

// Which of up to 256 lanes hold anything.
class LaneBitmap {
 public:
  static constexpr unsigned kLanes = 256;

  void set(unsigned lane) { words_[lane / 64] |= std::uint64_t{1} << lane % 64; }
  void clear(unsigned lane) { words_[lane / 64] &= ~(std::uint64_t{1} << lane % 64); }
  bool test(unsigned lane) const { return (words_[lane / 64] >> lane % 64 & 1) != 0; }
  bool empty() const { return (words_[0] | words_[1] | words_[2] | words_[3]) == 0; }

  // The first lane at or behind `from` that holds anything; kLanes when none does.
  unsigned first(unsigned from = 0) const {
    for (unsigned word = from / 64; word < 4; ++word) {
      std::uint64_t bits = words_[word];
      if (word == from / 64) bits &= ~std::uint64_t{0} << from % 64;
      if (bits != 0) return word * 64 + static_cast<unsigned>(std::countr_zero(bits));
    }
    return kLanes;
  }

 private:
  std::uint64_t words_[4] = {};
};

// A link that an entry carries; the shape that C programs know as a tail-queue entry, so that it
// can lie over one in a public structure.
struct QueueLink {
  QueueLink* next;
  QueueLink** previous_next;
};

// First in, first out; linked through the entries; O(1) removal from the middle.
class LinkedLane {
 public:
  void init() {
    first_ = nullptr;
    last_next_ = &first_;
  }
  bool empty() const { return first_ == nullptr; }
  QueueLink* first() const { return first_; }
  QueueLink* last() { return entry_at(last_next_); }
  // nullptr for the first.
  QueueLink* before(const QueueLink* entry) { return entry_at(entry->previous_next); }

  // Puts an entry behind one that is queued, or in front of all for nullptr.
  void insert_behind(QueueLink* place, QueueLink* entry) {
    if (place == nullptr) return push_front(entry);
    entry->next = place->next;
    entry->previous_next = &place->next;
    if (place->next != nullptr) {
      place->next->previous_next = &entry->next;
    } else {
      last_next_ = &entry->next;
    }
    place->next = entry;
  }

  void push_back(QueueLink* entry) {
    entry->next = nullptr;
    entry->previous_next = last_next_;
    *last_next_ = entry;
    last_next_ = &entry->next;
  }

  void push_front(QueueLink* entry) {
    entry->next = first_;
    if (first_ != nullptr) {
      first_->previous_next = &entry->next;
    } else {
      last_next_ = &entry->next;
    }
    first_ = entry;
    entry->previous_next = &first_;
  }

  // Pre: not empty.
  void remove_first() {
    first_ = first_->next;
    if (first_ != nullptr) {
      first_->previous_next = &first_;
    } else {
      last_next_ = &first_;
    }
  }

  void remove(QueueLink* entry) {
    if (entry->next != nullptr) {
      entry->next->previous_next = entry->previous_next;
    } else {
      last_next_ = entry->previous_next;
    }
    *entry->previous_next = entry->next;
  }

 private:
  // The entry whose `next`, which is its first member, stands there.
  QueueLink* entry_at(QueueLink** next) {
    return next == &first_ ? nullptr : reinterpret_cast<QueueLink*>(next);
  }

  QueueLink* first_;
  QueueLink** last_next_;
};

// A run queue of linked lanes. The lanes' memory is the owner's, because their number is the user's
// choice; their addresses must not change while anything is queued.
class LinkedRunQueue {
 public:
  // Pre: empty. `lanes` holds `count` lanes (at most 256).
  void adopt(LinkedLane* lanes, unsigned count) {
    lanes_ = lanes;
    count_ = count;
    for (unsigned lane = 0; lane < count; ++lane)
      lanes_[lane].init();
  }
  unsigned lane_count() const { return count_; }
  LinkedLane* lanes() const { return lanes_; }

  bool empty() const { return bitmap_.empty(); }
  unsigned first_lane(unsigned from = 0) const { return bitmap_.first(from); }
  QueueLink* first(unsigned lane) const { return lanes_[lane].first(); }

  void push(unsigned lane, QueueLink* entry) {
    if (lanes_[lane].empty()) bitmap_.set(lane);
    lanes_[lane].push_back(entry);
  }
  // Pre: the lane is not empty.
  void remove_first(unsigned lane) {
    lanes_[lane].remove_first();
    if (lanes_[lane].empty()) bitmap_.clear(lane);
  }
  void remove(unsigned lane, QueueLink* entry) {
    lanes_[lane].remove(entry);
    if (lanes_[lane].empty()) bitmap_.clear(lane);
  }

 private:
  LinkedLane* lanes_ = nullptr;
  unsigned count_ = 0;
  LaneBitmap bitmap_;
};

}  // namespace netpoll
