// How a cookie travels through kevent's udata. That is 64 bits wide on 64-bit systems and on some
// others, and takes the cookie as it is; where it is narrower it takes a digest, and the cookie is
// looked up by descriptor. Used by kqueue.cc alone.
#pragma once

#include <sys/event.h>

#include <bit>
#include <type_traits>
#include <utility>

#include "backends/state.h"
#include "core/backend.h"

namespace netpoll {

template <class Data>
class WideCookies {
 public:
  static constexpr bool kConcurrent = true;
  bool remember(int, Cookie) { return true; }
  Data pack(Cookie cookie) const { return std::bit_cast<Data>(cookie); }
  Cookie unpack(int, Data data) const { return std::bit_cast<Cookie>(data); }
  void clear() {}
};

template <class Data>
class NarrowCookies {
 public:
  // The table is read by a wait, which no lock protects.
  static constexpr bool kConcurrent = false;
  // False when memory is short.
  bool remember(int fd, Cookie cookie) { return cookies_.set(fd, cookie); }

  Data pack(Cookie cookie) const { return std::bit_cast<Data>(digest(cookie)); }

  // A digest that is not the descriptor's latest is an event of an earlier life. It gets a cookie
  // of generation 0, which no live descriptor has, so that whoever looks it up sees it as stale.
  Cookie unpack(int fd, Data data) const {
    const Cookie cookie = cookies_.get(fd);
    const auto seen = std::bit_cast<std::uint32_t>(data);
    if (cookie != kWakeCookie && digest(cookie) == seen) return cookie;
    return make_cookie(seen | 1, 0);
  }

  void clear() { cookies_.clear(); }

 private:
  // An odd multiplier: no two generations of one slot have the same digest.
  static std::uint32_t digest(Cookie cookie) {
    return cookie_slot(cookie) + cookie_generation(cookie) * 0x9e3779b1u;
  }

  FdArray<Cookie> cookies_;
};

using UserData = decltype(std::declval<struct kevent>().udata);
using KqueueCookies = std::conditional_t<sizeof(UserData) == sizeof(Cookie), WideCookies<UserData>,
                                         NarrowCookies<UserData>>;

}  // namespace netpoll
