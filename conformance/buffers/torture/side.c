/* One end under torture: the calls that are made on it, what its callbacks do, and the check of
 * each byte that arrives. Knows nothing of the run around it. */
#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>

#include "conformance/buffers/torture/torture.h"
#include "conformance/event/virtual_clock.h"

enum {
  largest_storm = 70000,
  largest_calm = 1500,
  largest_piece = 600,  // that the filters do not cut
  most_in_flight_when_calm = 3500,
};

size_t random_below(uint64_t* random, size_t limit) {
  *random = *random * 6364136223846793005u + 1442695040888963407u;
  return limit ? (size_t)((*random >> 33) % limit) : 0;
}

static unsigned char byte_at(size_t position, int stream) {
  return (unsigned char)(position * 167u + (position >> 8) * 59u + (position >> 16) * 7u +
                         (unsigned)stream * 101u);
}

// ---- Bytes.

size_t side_in_flight(const struct side* side) {
  const struct side* to = side->other;
  size_t arrived = to->received;
  if (to->bev) arrived += evbuffer_get_length(bufferevent_get_input(to->bev));
  return side->sent - arrived;
}

static void append(struct side* side, const unsigned char* bytes, size_t size, size_t how) {
  struct evbuffer* output = bufferevent_get_output(side->bev);
  int result = 0;
  if (how == 0) {
    struct evbuffer* buffer = evbuffer_new();
    evbuffer_add(buffer, bytes, size);
    result = bufferevent_write_buffer(side->bev, buffer);
    evbuffer_free(buffer);
  } else if (how == 1) {
    struct evbuffer_iovec room[2];
    int count = evbuffer_reserve_space(output, (ev_ssize_t)size, room, 2);
    size_t done = 0;
    for (int i = 0; i < count; i++) {
      if (room[i].iov_len > size - done) room[i].iov_len = size - done;
      memcpy(room[i].iov_base, bytes + done, room[i].iov_len);
      done += room[i].iov_len;
    }
    result = done == size ? evbuffer_commit_space(output, room, count) : -1;
  } else {
    result = bufferevent_write(side->bev, bytes, size);
  }
  if (result != 0) torture_fail("end %d: %zu bytes were refused", side->index, size);
}

void side_write(struct side* side, size_t size) {
  if (!side->bev || size == 0) return;
  unsigned char* bytes = malloc(size);
  for (size_t i = 0; i < size; i++)
    bytes[i] = byte_at(side->sent + i, side->index);
  trace(side, about_output, "writes %zu", size);
  // A callback within may write more, behind these.
  side->sent += size;
  append(side, bytes, size, size % 5);
  free(bytes);
}

static void consume(struct side* side, size_t most) {
  struct evbuffer* input = bufferevent_get_input(side->bev);
  size_t length = evbuffer_get_length(input), position = side->received;
  if (most > length) most = length;
  if (most == 0) return;
  unsigned char* bytes = malloc(most);
  trace(side, about_input, "takes %zu", most);
  // A callback within may take more, from behind these.
  side->received += most;
  if (evbuffer_remove(input, bytes, most) != (int)most)
    torture_fail("end %d: %zu bytes could not be taken", side->index, most);
  for (size_t i = 0; i < most; i++)
    if (bytes[i] != byte_at(position + i, 1 - side->index))
      torture_fail("end %d: byte %zu is wrong", side->index, position + i);
  free(bytes);
}

// ---- Calls.

static size_t room_when_calm(const struct side* side) {
  size_t under_way = side_in_flight(side);
  if (side->kind->has_records && under_way != 0) return 0;
  if (side->kind->has_records && side->kind->has_filters) return largest_piece;
  return under_way < most_in_flight_when_calm ? most_in_flight_when_calm - under_way : 0;
}

static void write_some(struct side* side, uint64_t* random) {
  size_t size = 1 + random_below(random, 900);
  if (random_below(random, 4) == 0)
    size = random_below(random, side->mood == calm ? largest_calm : largest_storm);
  if (side->mood == calm) {
    size_t room = room_when_calm(side);
    if (size > room) size = room;
  }
  side_write(side, size);
}

// What is beneath is another bufferevent.
static int is_tls_on_top(const struct side* side) {
  return side->kind->has_records && bufferevent_get_underlying(side->bev);
}

// What counts or cuts bytes makes the original forget the rest of a record.
static int leaves_records_alone(const struct side* side) {
  return side->mood != storm && side->kind->has_records;
}

// No two timers may be due at the same instant, or their order would be anybody's guess.
static struct timeval timeout_of(const struct side* side, int which, size_t milliseconds) {
  struct timeval time = {0, (suseconds_t)milliseconds * 1000 + 100 * (side->index * 2 + which)};
  return time;
}

static void set_timeouts(struct side* side, uint64_t* random) {
  struct timeval read = timeout_of(side, 1, 1 + random_below(random, 40));
  struct timeval write = timeout_of(side, 2, 1 + random_below(random, 40));
  size_t which = random_below(random, 4);
  // The original restarts the wrong end's write timer when bytes cross a pair, and that of TLS on
  // another bufferevent while writing is disabled.
  int is_odd = side->kind->is_whole || is_tls_on_top(side);
  int writes = which != 2 && !(is_odd && side->mood == calm);
  bufferevent_set_timeouts(side->bev, which != 1 ? &read : NULL, writes ? &write : NULL);
}

static void lift_limit(struct side* side) {
  struct ev_token_bucket_cfg* old = side->limit;
  side->limit = NULL;
  // A callback within may set another.
  bufferevent_set_rate_limit(side->bev, NULL);
  if (old) ev_token_bucket_cfg_free(old);
}

static void set_limit(struct side* side, uint64_t* random) {
  struct timeval tick = {0, 100000};
  size_t rate = 1 + random_below(random, 3000);
  size_t burst = rate + random_below(random, 2000);
  struct ev_token_bucket_cfg* old = side->limit;
  if (side->mood == calm && side->index == 1) return;
  if (leaves_records_alone(side)) return;
  if (random_below(random, 3) == 0) return lift_limit(side);
  side->limit = ev_token_bucket_cfg_new(rate, burst, rate, burst, &tick);
  bufferevent_set_rate_limit(side->bev, side->limit);
  if (old) ev_token_bucket_cfg_free(old);
}

// In the original a bucket that was given more than it holds goes on filling.
static void spend_by_hand(struct side* side, uint64_t* random) {
  ev_ssize_t bytes = (ev_ssize_t)random_below(random, 500) - (side->mood == calm ? 0 : 200);
  if (!side->limit) return;
  if (random_below(random, 2))
    bufferevent_decrement_read_limit(side->bev, bytes);
  else
    bufferevent_decrement_write_limit(side->bev, bytes);
}

static void set_marks(struct side* side, uint64_t* random) {
  size_t low = random_below(random, 600), high = random_below(random, 3) ? 0 : low + 1;
  if (high) high += random_below(random, 2000);
  // The original forgets what a high mark leaves beneath a filter.
  if (leaves_records_alone(side) || (side->mood != storm && side->kind->has_filters)) high = 0;
  bufferevent_setwatermark(side->bev, EV_READ, low, high);
}

// With the original, TLS that does not write makes what is beneath read.
static void disable_writing(struct side* side) {
  int reads = (bufferevent_get_enabled(side->bev) & EV_READ) != 0;
  if (side->mood != calm || reads || !is_tls_on_top(side)) bufferevent_disable(side->bev, EV_WRITE);
}

void side_act(struct side* side, uint64_t* random) {
  static const enum bufferevent_flush_mode modes[] = {BEV_NORMAL, BEV_FLUSH};
  if (!side->bev) return;
  size_t what = random_below(random, 26);
  trace(side, about_calls, "does %zu", what);
  switch (what) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
    case 5:
      return write_some(side, random);
    case 6:
    case 7:
    case 8:
      bufferevent_enable(side->bev, EV_READ);
      return;
    case 9:
      bufferevent_disable(side->bev, EV_READ);
      return;
    case 10:
    case 11:
      bufferevent_enable(side->bev, EV_WRITE);
      return;
    case 12:
      return disable_writing(side);
    case 13:
      bufferevent_enable(side->bev, EV_READ | EV_WRITE);
      return;
    case 14:
      return set_marks(side, random);
    case 15:
      bufferevent_setwatermark(side->bev, EV_WRITE, random_below(random, 500), 0);
      return;
    case 16:
      return set_limit(side, random);
    case 17:
      return spend_by_hand(side, random);
    case 18:
      if (!leaves_records_alone(side))
        bufferevent_set_max_single_read(side->bev, random_below(random, 1000));
      return;
    case 19:
      // What does not leave at once mixes with what is read meanwhile.
      if (side->mood != calm || side->kind->is_whole)
        bufferevent_set_max_single_write(side->bev, random_below(random, 1000));
      return;
    case 20:
      bufferevent_flush(side->bev, (short)(random_below(random, 2) ? EV_READ : EV_WRITE),
                        modes[random_below(random, 2)]);
      return;
    case 21:
      return set_timeouts(side, random);
    case 22:
      bufferevent_set_timeouts(side->bev, NULL, NULL);
      return;
    case 23:
      bufferevent_trigger(side->bev, (short)(random_below(random, 2) ? EV_READ : EV_WRITE),
                          random_below(random, 2) ? BEV_TRIG_DEFER_CALLBACKS : 0);
      return;
    default:
      consume(side, random_below(random, 3000));
  }
}

// ---- What is beneath, whose marks, limits and sizes are as good as any.

static struct bufferevent* some_layer_below(struct side* side, uint64_t* random) {
  struct bufferevent* below = bufferevent_get_underlying(side->bev);
  struct bufferevent* next = below ? bufferevent_get_underlying(below) : NULL;
  return next && random_below(random, 2) ? next : below;
}

void side_hinder_below(struct side* side, uint64_t* random) {
  struct bufferevent* below = some_layer_below(side, random);
  size_t size = 1 + random_below(random, 3000);
  if (!below) return;
  switch (random_below(random, 5)) {
    case 0:
      bufferevent_set_max_single_read(below, size);
      return;
    case 1:
      bufferevent_set_max_single_write(below, size);
      return;
    case 2:
      bufferevent_setwatermark(below, EV_READ, 0, size);
      return;
    case 3:
      bufferevent_setwatermark(below, EV_WRITE, random_below(random, size), size);
      return;
    default:
      bufferevent_set_rate_limit(below, random_below(random, 2) ? side->limit_below : NULL);
  }
}

static void unhinder_below(struct side* side) {
  struct bufferevent* below = side->bev;
  while ((below = bufferevent_get_underlying(below)) != NULL) {
    bufferevent_set_rate_limit(below, NULL);
    bufferevent_set_max_single_read(below, 0);
    bufferevent_set_max_single_write(below, 0);
    bufferevent_setwatermark(below, EV_READ | EV_WRITE, 0, 0);
  }
}

void side_unhinder(struct side* side) {
  if (!side->bev) return;
  unhinder_below(side);
  bufferevent_set_timeouts(side->bev, NULL, NULL);
  bufferevent_setwatermark(side->bev, EV_READ | EV_WRITE, 0, 0);
  lift_limit(side);
  bufferevent_remove_from_rate_limit_group(side->bev);
  bufferevent_set_max_single_read(side->bev, 0);
  bufferevent_set_max_single_write(side->bev, 0);
  bufferevent_enable(side->bev, EV_READ | EV_WRITE);
  // Enabling a filter does not move what has waited in it.
  if (side->bev) bufferevent_flush(side->bev, EV_READ | EV_WRITE, BEV_FLUSH);
  if (side->bev) consume(side, SIZE_MAX);
}

// ---- Callbacks.

static void free_as_planned(struct side* side) {
  int whom = side->free_next;
  // What came before the end comes first with ours, even if nobody reads for now.
  if (side->mood == calm && side->kind->has_records && side->waiting != 0) return;
  side->free_next = 0;
  if (whom == 1 || whom == 2) side_close(side);
  if (whom == 2 || whom == 3) side_close(side->other);
}

// In the original, what is written inside a callback leaves a turn later than with ours: whether it
// is then read together with other bytes is not the same.
static void act_within(struct side* side) {
  if (side->depth > 2 || (side->mood == calm && !side->kind->is_whole)) return;
  side->depth++;
  if (random_below(&side->random, 3) == 0) side_act(side, &side->random);
  side->depth--;
}

static void on_read(struct bufferevent* bev, void* self) {
  struct side* side = self;
  size_t length = evbuffer_get_length(bufferevent_get_input(bev)), high = 0;
  trace(side, about_input, "reads %zu", length);
  if (side->free_next) return free_as_planned(side);
  // Who leaves an input at its high mark is called again and again.
  bufferevent_getwatermark(bev, EV_READ, NULL, &high);
  if (high || random_below(&side->random, 3))
    consume(side, SIZE_MAX);
  else
    consume(side, random_below(&side->random, length));
  if (side->bev) act_within(side);
}

static void on_write(struct bufferevent* bev, void* self) {
  struct side* side = self;
  // What is written leaves earlier with ours, and so does it say so, perhaps before a read callback
  // that frees.
  int says_early = side->mood == calm && !side->kind->is_whole;
  if (side->free_next && says_early) return;
  // How often filters on filters say so, differs.
  if (side->mood == calm && side->kind->has_filters > 1) return;
  trace(side, about_output, "has written but for %zu",
        evbuffer_get_length(bufferevent_get_output(bev)));
  if (side->free_next) return free_as_planned(side);
  act_within(side);
}

static void on_connected(struct side* side) {
  side->connected = 1;
  if (side->mood == calm) return;
  if (side->free_next) return free_as_planned(side);
  act_within(side);
}

static void on_event(struct bufferevent* bev, short what, void* self) {
  struct side* side = self;
  if (what & BEV_EVENT_CONNECTED) return on_connected(side);
  trace(side, what & BEV_EVENT_READING ? about_input : about_output, "hears 0x%02x",
        (unsigned)what);
  if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) side->ended = 1;
  if (side->free_next) return free_as_planned(side);
  if ((what & BEV_EVENT_TIMEOUT) && random_below(&side->random, 2))
    bufferevent_enable(bev, (short)(what & BEV_EVENT_READING ? EV_READ : EV_WRITE));
  if (side->bev) act_within(side);
}

void side_open(struct side* side, struct bufferevent* bev) {
  side->bev = bev;
  bufferevent_setcb(bev, on_read, on_write, on_event, side);
}

void side_close(struct side* side) {
  if (!side->bev) return;
  trace(side, about_calls, "is freed");
  struct bufferevent* bev = side->bev;
  side->bev = NULL;
  bufferevent_free(bev);
}
