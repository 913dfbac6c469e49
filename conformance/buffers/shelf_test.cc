// What is kept of emptied chunks: a loop's shelf, and the large spares of the process. That chunks
// really come back, how many stay behind, when all of it is given up, and that the user's memory
// functions never see what is not theirs. Linked with the engine's objects, whose memory is
// counted.
#include "compat/event/buffer/shelf.h"

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "compat/event/base.h"
#include "compat/event/buffer/landing.h"
#include "compat/event/buffer/spare.h"
#include "conformance/harness/harness.h"
#include "event2/buffer.h"
#include "event2/bufferevent.h"
#include "event2/event.h"

namespace {

std::atomic<long> alive;  // what came from the C library and was not freed

}  // namespace

// The linker leads every call of the engine's objects here.
extern "C" {
void* __real_malloc(size_t size);
void* __real_calloc(size_t count, size_t size);
void* __real_realloc(void* memory, size_t size);
void __real_free(void* memory);

void* __wrap_malloc(size_t size) {
  ++alive;
  return __real_malloc(size);
}
void* __wrap_calloc(size_t count, size_t size) {
  ++alive;
  return __real_calloc(count, size);
}
void* __wrap_realloc(void* memory, size_t size) {
  if (memory == nullptr) ++alive;
  return __real_realloc(memory, size);
}
void __wrap_free(void* memory) {
  if (memory != nullptr) --alive;
  __real_free(memory);
}
}

namespace pollshim::event {

namespace {

constexpr std::size_t kSmallPiece = 100;
constexpr std::size_t kLargePiece = 100000;

// ---- The shelf of a loop.

void a_small_chunk_comes_back_empty(void**) {
  ChunkShelf* shelf = ChunkShelf::make();
  Chunk* chunk = make_own_chunk(kSmallPiece);
  chunk->front = 3;
  chunk->length = 5;
  assert_int_equal(shelf->keep_small(chunk), kKeepsEmptied);
  if (!kKeepsEmptied) let_go(chunk);
  Chunk* again = shelf->take_small();
  assert_ptr_equal(again, kKeepsEmptied ? chunk : nullptr);
  assert_null(shelf->take_small());
  if (again != nullptr) {
    assert_int_equal(again->front + again->length, 0);
    assert_null(again->next);
    let_go(again);
  }
  ChunkShelf::free(shelf);
}

void a_shelf_is_bounded_and_gives_up_what_it_keeps(void**) {
  constexpr int kMany = 1000;
  const long before = alive;
  ChunkShelf* shelf = ChunkShelf::make();
  int kept = 0;
  for (int i = 0; i < kMany; ++i) {
    Chunk* chunk = make_own_chunk(kSmallPiece);
    if (shelf->keep_small(chunk)) {
      ++kept;
    } else {
      let_go(chunk);
    }
  }
  for (int i = 0; i < 2; ++i) {
    Chunk* landing = make_exact_chunk(kLandingSize);
    if (shelf->keep_landing(landing)) {
      ++kept;
    } else {
      let_go(landing);
    }
  }
  assert_int_equal(kept, kKeepsEmptied ? 257 : 0);
  assert_int_equal(alive - before, 1 + kept);
  ChunkShelf::free(shelf);
  assert_int_equal(alive, before);
}

void a_chunk_that_others_look_at_is_not_kept(void**) {
  ChunkShelf* shelf = ChunkShelf::make();
  Chunk* chunk = make_own_chunk(kSmallPiece);
  Chunk* window = make_shared_chunk(chunk);
  assert_false(shelf->keep_small(chunk));
  assert_false(shelf->keep_small(window));
  let_go(window);
  let_go(chunk);
  ChunkShelf::free(shelf);
}

void a_chunk_of_another_size_is_not_small(void**) {
  ChunkShelf* shelf = ChunkShelf::make();
  Chunk* chunk = make_own_chunk(kLargePiece);
  assert_false(shelf->keep_small(chunk));
  let_go(chunk);
  ChunkShelf::free(shelf);
}

// ---- With the user's own memory functions.

long users;  // what came from the user's functions and was not released

void* users_allocate(std::size_t size) {
  ++users;
  return __real_malloc(size);
}
void* users_reallocate(void* memory, std::size_t size) {
  return __real_realloc(memory, size);
}
void users_release(void* memory) {
  if (memory != nullptr) --users;
  __real_free(memory);
}

void with_memory_functions_of_the_user_nothing_is_kept(void**) {
  event_set_mem_functions(users_allocate, users_reallocate, users_release);
  assert_null(ChunkShelf::make());
  for (int i = 0; i < 3; ++i) {
    Chunk* chunk = make_own_chunk(kLargePiece);
    assert_int_equal(users, 1);
    let_go(chunk);
    assert_int_equal(users, 0);
  }
}

void what_was_kept_before_never_reaches_the_memory_functions(void**) {
  const long before = alive;
  ChunkShelf* shelf = ChunkShelf::make();
  Chunk* small = make_own_chunk(kSmallPiece);
  if (!shelf->keep_small(small)) let_go(small);
  let_go(make_own_chunk(kLargePiece));
  return_landing(take_landing(nullptr), nullptr);
  event_set_mem_functions(users_allocate, users_reallocate, users_release);
  assert_null(shelf->take_small());
  Chunk* own = make_own_chunk(kLargePiece);
  assert_int_equal(users, 1);
  let_go(own);
  ChunkShelf::free(shelf);
  libevent_global_shutdown();
  assert_int_equal(users, 0);
  assert_int_equal(alive, before);
}

// ---- The spares of the process.

void a_large_chunk_comes_back(void**) {
  Chunk* chunk = make_own_chunk(kLargePiece);
  const std::size_t capacity = chunk->capacity;
  chunk->length = 7;
  chunk->sealed = true;
  const void* const address = chunk;
  let_go(chunk);
  const long before = alive;
  Chunk* again = make_own_chunk(kLargePiece);
  if (kKeepsEmptied) {
    assert_ptr_equal(again, address);
    assert_int_equal(alive, before);
  }
  assert_int_equal(again->capacity, capacity);
  assert_int_equal(again->length, 0);
  assert_true(again->writable());
  let_go(again);
}

void chunks_too_small_or_too_large_are_freed_at_once(void**) {
  const long before = alive;
  let_go(make_own_chunk(kLeastSpare / 3));
  let_go(make_own_chunk(kLargestSpare + 1));
  assert_int_equal(alive, before);
}

void spares_are_bounded_and_given_up_at_the_end(void**) {
  constexpr int kMany = 3 * kMostSpares;
  const long before = alive;
  Chunk* chunks[kMany];
  for (Chunk*& chunk : chunks)
    chunk = make_own_chunk(kLargePiece);
  for (Chunk* chunk : chunks)
    let_go(chunk);
  assert_int_equal(alive - before, kKeepsEmptied ? kMostSpares : 0);
  libevent_global_shutdown();
  assert_int_equal(alive, before);
}

void spares_of_a_size_that_is_asked_for_no_more_make_way(void**) {
  const long before = alive;
  let_go(make_own_chunk(kLargestSpare));
  Chunk* other = make_own_chunk(kLeastSpare);
  assert_int_equal(other->capacity, kLeastSpare);
  assert_int_equal(alive - before, 1);
  let_go(other);
  release_spares();
  assert_int_equal(alive, before);
}

void* use_large_chunks(void* mark) {
  const int byte = *static_cast<int*>(mark);
  for (int i = 0; i < 300; ++i) {
    Chunk* chunk = make_own_chunk(i % 2 ? kLargePiece : kLeastSpare);
    std::memset(chunk->base, byte, chunk->capacity);
    for (std::size_t at = 0; at < chunk->capacity; at += 4096)
      if (chunk->base[at] != byte) return mark;
    let_go(chunk);
  }
  return nullptr;
}

void a_spare_is_never_given_to_two_threads(void**) {
  const long before = alive;
  int marks[] = {1, 2, 3, 4};
  pthread_t threads[4];
  for (int i = 0; i < 4; ++i)
    assert_int_equal(pthread_create(&threads[i], nullptr, use_large_chunks, &marks[i]), 0);
  for (pthread_t thread : threads) {
    void* failed = nullptr;
    pthread_join(thread, &failed);
    assert_null(failed);
  }
  release_spares();
  assert_int_equal(alive, before);
}

// ---- All of it, by what a program calls.

void leave_when_drained(bufferevent* bev, void*) {
  event_base_loopexit(bufferevent_get_base(bev), nullptr);
}

void what_a_loop_has_kept_goes_with_it(void**) {
  const long before = alive;
  event_base* base = event_base_new();
  int ends[2];
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
  bufferevent* bev = bufferevent_socket_new(base, ends[0], BEV_OPT_CLOSE_ON_FREE);
  bufferevent_setcb(bev, nullptr, leave_when_drained, nullptr, nullptr);
  for (int i = 0; i < 3; ++i) {
    assert_int_equal(bufferevent_write(bev, "message", 7), 0);
    assert_int_equal(event_base_dispatch(base), 0);
  }
  assert_non_null(base->shelf);
  Chunk* kept = base->shelf->take_small();
  assert_int_equal(kept != nullptr, kKeepsEmptied);
  if (kept != nullptr) assert_true(base->shelf->keep_small(kept));
  bufferevent_free(bev);
  event_base_free(base);
  libevent_global_shutdown();
  assert_int_equal(alive, before);
  close(ends[1]);
}

}  // namespace

}  // namespace pollshim::event

int main(int argc, char** argv) {
  using namespace pollshim::event;
  static const CMUnitTest tests[] = {
      cmocka_unit_test(a_small_chunk_comes_back_empty),
      cmocka_unit_test(a_shelf_is_bounded_and_gives_up_what_it_keeps),
      cmocka_unit_test(a_chunk_that_others_look_at_is_not_kept),
      cmocka_unit_test(a_chunk_of_another_size_is_not_small),
      cmocka_unit_test(with_memory_functions_of_the_user_nothing_is_kept),
      cmocka_unit_test(what_was_kept_before_never_reaches_the_memory_functions),
      cmocka_unit_test(a_large_chunk_comes_back),
      cmocka_unit_test(chunks_too_small_or_too_large_are_freed_at_once),
      cmocka_unit_test(spares_are_bounded_and_given_up_at_the_end),
      cmocka_unit_test(spares_of_a_size_that_is_asked_for_no_more_make_way),
      cmocka_unit_test(a_spare_is_never_given_to_two_threads),
      cmocka_unit_test(what_a_loop_has_kept_goes_with_it),
  };
  return harness_main(argc, argv, tests, sizeof tests / sizeof tests[0]);
}
