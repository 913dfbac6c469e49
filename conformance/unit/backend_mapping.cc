// What each kernel calls hang-ups, errors and a peer's close, in the words of core/modes.h. Kernels
// differ here, and front ends build their tables on it: so the expectations are written down for
// each of them, situation by situation.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "conformance/unit/backend_fixture.h"

namespace netpoll::test {

namespace {

struct Expected {
  unsigned epoll, kqueue, poll, select;

  unsigned on(const Fixture& f) const {
    if (f.is("epoll")) return epoll;
    if (f.is("kqueue")) return kqueue;
    return f.is("poll") ? poll : select;
  }
};

void assert_reported(Fixture& f, const Expected& expected) {
  f.wait(kGenerous);
  assert_int_equal(f.bits(kFirst), expected.on(f));
}

void a_peer_that_shuts_down_its_side_leaves_us_writable(void** state) {
  Fixture f(state);
  const Pair pair = make_socket_pair();
  f.must_add(pair.near, kFirst, level(kAllModes));
  shutdown(pair.far, SHUT_WR);
  assert_reported(f, {.epoll = kIn | kOut | kPeerClosed,
                      .kqueue = kIn | kOut | kPeerClosed,
                      .poll = kIn | kOut | kPeerClosed,
                      .select = kIn | kOut});
}

void the_peers_close_is_told_where_it_was_asked_for(void** state) {
  Fixture f(state);
  const Pair pair = make_socket_pair();
  f.must_add(pair.near, kFirst, level(kRead));
  shutdown(pair.far, SHUT_WR);
  assert_reported(f, {.epoll = kIn, .kqueue = kIn | kPeerClosed, .poll = kIn, .select = kIn});
}

void waiting_for_the_peers_close_alone_sees_no_data(void** state) {
  Fixture f(state);
  const Pair pair = make_socket_pair();
  f.must_add(pair.near, kFirst, level(kClosed));
  pair.write_far();
  assert_int_equal(f.look(), 0);
  shutdown(pair.far, SHUT_WR);
  f.look();
  assert_int_equal(f.bits(kFirst) & kPeerClosed, f.traits().peer_closed ? kPeerClosed : 0);
  assert_int_equal(f.bits(kFirst) & (kHangup | kError), 0);
}

void the_peers_close_is_told_to_an_edge_that_waits_for_it_alone(void** state) {
  Fixture f(state);
  const Pair pair = make_socket_pair();
  f.must_add(pair.near, kFirst, edge(kClosed));
  shutdown(pair.far, SHUT_WR);
  f.look();
  assert_int_equal(f.bits(kFirst) & kPeerClosed, f.traits().peer_closed ? kPeerClosed : 0);
}

void waiting_for_data_as_well_as_the_close_sees_data(void** state) {
  Fixture f(state);
  const Pair pair = make_socket_pair();
  f.must_add(pair.near, kFirst, level(kClosed));
  f.must_modify(pair.near, kFirst, level(kClosed), level(kRead | kClosed));
  pair.write_far();
  f.look();
  assert_int_equal(f.bits(kFirst), kIn);
  f.must_modify(pair.near, kFirst, level(kRead | kClosed), level(kClosed));
  assert_int_equal(f.look(), 0);
}

void a_peer_that_is_gone_is_a_hang_up(void** state) {
  Fixture f(state);
  Pair pair = make_socket_pair();
  f.must_add(pair.near, kFirst, level(kAllModes));
  pair.close_far();
  assert_reported(f, {.epoll = kIn | kOut | kPeerClosed | kHangup,
                      .kqueue = kIn | kOut | kPeerClosed | kHangup,
                      .poll = kIn | kOut | kPeerClosed | kHangup,
                      .select = kIn | kOut});
}

void a_peer_that_is_gone_is_an_edge_in_both_directions(void** state) {
  Fixture f(state);
  Pair pair = make_socket_pair();
  f.must_add(pair.near, kFirst, edge(kAllModes));
  f.look();
  pair.close_far();
  f.wait(kGenerous);
  const ModeSet woken = kNativeReadiness[static_cast<KernelBits>(f.bits(kFirst))];
  assert_int_equal(woken & (kRead | kWrite), kRead | kWrite);
}

// Level-triggered, a writer that waits for room must not be woken by an end of file over and over.
void a_peers_end_of_file_does_not_wake_a_blocked_level_writer(void** state) {
  Fixture f(state);
  const Pair pair = make_socket_pair();
  pair.fill_near();
  f.must_add(pair.near, kFirst, level(kRead | kWrite));
  shutdown(pair.far, SHUT_WR);
  f.look();
  assert_int_equal(f.bits(kFirst) & (kIn | kOut), kIn);
}

void a_peers_end_of_file_wakes_readers_and_on_kqueue_writers_of_edges(void** state) {
  Fixture f(state);
  const Pair pair = make_socket_pair();
  pair.fill_near();
  f.must_add(pair.near, kFirst, edge(kAllModes));
  f.look();
  shutdown(pair.far, SHUT_WR);
  assert_reported(f, {.epoll = kIn | kPeerClosed,
                      .kqueue = kIn | kOut | kPeerClosed,
                      .poll = kIn | kPeerClosed,
                      .select = kIn});
}

void our_own_shutdown_does_not_wake_readers(void** state) {
  Fixture f(state);
  const Pair pair = make_socket_pair();
  f.must_add(pair.near, kFirst, level(kRead));
  shutdown(pair.near, SHUT_WR);
  assert_int_equal(f.look(), 0);
}

void a_connection_that_was_reset_is_an_error(void** state) {
  Fixture f(state);
  Pair pair = make_tcp_pair();
  f.must_add(pair.near, kFirst, level(kAllModes));
  const linger abort = {1, 0};
  setsockopt(pair.far, SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
  pair.close_far();
  // Over loopback the reset has arrived before close() returns.
  constexpr unsigned kAll = kIn | kOut | kPeerClosed | kHangup | kError;
  assert_reported(f, {.epoll = kAll, .kqueue = kAll, .poll = kAll, .select = kIn | kOut});
}

void a_datagram_that_nobody_received_is_an_error(void** state) {
  Fixture f(state);
  const int unheard = socket(AF_INET, SOCK_DGRAM, 0);
  const int sender = socket(AF_INET, SOCK_DGRAM, 0);
  sockaddr_in address{};
  socklen_t length = sizeof address;
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  assert_int_equal(bind(unheard, generic, length), 0);
  assert_int_equal(getsockname(unheard, generic, &length), 0);
  assert_int_equal(connect(sender, generic, length), 0);
  close(unheard);
  f.must_add(sender, kFirst, level(kRead));
  assert_int_equal(send(sender, "?", 1, 0), 1);
  assert_reported(f, {.epoll = kError, .kqueue = kIn, .poll = kError, .select = kIn});
}

void a_pipe_without_writers_wakes_its_reader(void** state) {
  Fixture f(state);
  Pair pair = make_pipe_to_read();
  f.must_add(pair.near, kFirst, level(kRead | kClosed));
  pair.write_far();
  pair.close_far();
  assert_reported(
      f,
      {.epoll = kIn | kHangup, .kqueue = kIn | kPeerClosed, .poll = kIn | kHangup, .select = kIn});
  pair.drain_near();
  assert_reported(f,
                  {.epoll = kHangup, .kqueue = kIn | kPeerClosed, .poll = kHangup, .select = kIn});
}

void a_pipe_that_loses_its_reader_wakes_its_writer(void** state) {
  Fixture f(state);
  Pair pair = make_pipe_to_write();
  pair.fill_near();
  f.must_add(pair.near, kFirst, level(kWrite));
  assert_int_equal(f.look(), 0);
  pair.close_far();
  assert_reported(f, {.epoll = kError, .kqueue = kOut, .poll = kError, .select = kOut});
}

// FreeBSD and macOS refuse to add such a pipe; the contract does not.
void a_pipe_without_readers_can_be_added_and_wakes_its_writer(void** state) {
  for (const bool edges : {true, false}) {
    for (const unsigned modes : {unsigned{kWrite}, unsigned{kAllModes}}) {
      Fixture f(state);
      Pair pair = make_pipe_to_write();
      pair.close_far();
      const Interest interest{static_cast<ModeSet>(modes), edges};
      f.must_add(pair.near, kFirst, interest);
      f.look();
      const unsigned bits = f.bits(kFirst);
      const ModeSet woken = kNativeReadiness[static_cast<KernelBits>(bits)];
      assert_int_equal(woken & kWrite, kWrite);
      f.must_remove(pair.near, interest);
      assert_int_equal(f.look(), 0);
      pair.close_near();
    }
  }
}

// Whatever is said of such a pipe in between, its writer is woken as its last words asked for.
void a_pipe_without_readers_goes_from_edges_to_levels_and_back(void** state) {
  Fixture f(state);
  Pair pair = make_pipe_to_write();
  pair.close_far();
  const Interest steps[] = {edge(kWrite), level(kWrite), level(kRead | kWrite), edge(kAllModes),
                            edge(kWrite)};
  Interest last = steps[0];
  f.must_add(pair.near, kFirst, last);
  for (const Interest to : steps) {
    const int error = f.modify(pair.near, kFirst, last, to);
    if (error == ENOENT) {
      assert_true(f.is_kqueue());  // its stand-in is not what was added: to be added anew
      f.must_add(pair.near, kFirst, to);
    } else {
      assert_int_equal(error, 0);
    }
    last = to;
    for (int i = 0; i < 2; ++i) {
      f.look();
      const ModeSet woken = kNativeReadiness[static_cast<KernelBits>(f.bits(kFirst))];
      const bool again = i == 0 || !to.edge || !f.traits().edge;
      assert_int_equal((woken & kWrite) != 0, again);
    }
  }
}

void a_terminal_that_hangs_up_wakes_its_reader(void** state) {
  Fixture f(state);
  const int master = posix_openpt(O_RDWR | O_NOCTTY);
  if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0)
    harness_unsupported("a pseudo-terminal");
  const int terminal = open(ptsname(master), O_RDWR | O_NOCTTY | O_NONBLOCK);
  assert_true(terminal >= 0);
  termios raw;
  tcgetattr(terminal, &raw);
  cfmakeraw(&raw);
  tcsetattr(terminal, TCSANOW, &raw);
  f.must_add(terminal, kFirst, level(kRead));
  assert_int_equal(f.look(), 0);
  assert_int_equal(write(master, "x", 1), 1);
  f.wait(kGenerous);
  assert_int_equal(f.bits(kFirst), kIn);
  close(master);
  assert_reported(f, {.epoll = kIn | kHangup | kError,
                      .kqueue = kIn | kPeerClosed,
                      .poll = kIn | kHangup | kError,
                      .select = kIn});
}

constexpr CMUnitTest kTests[] = {
    cmocka_unit_test(a_peer_that_shuts_down_its_side_leaves_us_writable),
    cmocka_unit_test(the_peers_close_is_told_where_it_was_asked_for),
    cmocka_unit_test(waiting_for_the_peers_close_alone_sees_no_data),
    cmocka_unit_test(the_peers_close_is_told_to_an_edge_that_waits_for_it_alone),
    cmocka_unit_test(waiting_for_data_as_well_as_the_close_sees_data),
    cmocka_unit_test(a_peer_that_is_gone_is_a_hang_up),
    cmocka_unit_test(a_peer_that_is_gone_is_an_edge_in_both_directions),
    cmocka_unit_test(a_peers_end_of_file_does_not_wake_a_blocked_level_writer),
    cmocka_unit_test(a_peers_end_of_file_wakes_readers_and_on_kqueue_writers_of_edges),
    cmocka_unit_test(our_own_shutdown_does_not_wake_readers),
    cmocka_unit_test(a_connection_that_was_reset_is_an_error),
    cmocka_unit_test(a_datagram_that_nobody_received_is_an_error),
    cmocka_unit_test(a_pipe_without_writers_wakes_its_reader),
    cmocka_unit_test(a_pipe_that_loses_its_reader_wakes_its_writer),
    cmocka_unit_test(a_pipe_without_readers_can_be_added_and_wakes_its_writer),
    cmocka_unit_test(a_pipe_without_readers_goes_from_edges_to_levels_and_back),
    cmocka_unit_test(a_terminal_that_hangs_up_wakes_its_reader),
};

}  // namespace

TestList mapping_tests() {
  return {kTests, sizeof kTests / sizeof kTests[0]};
}

}  // namespace netpoll::test
