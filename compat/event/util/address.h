// Internet addresses between text and bytes. Pure functions: bytes in, values out, nothing looked
// up but the names of network interfaces. The C functions of address.cc are made of these.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string_view>

namespace pollshim::event {

// Four decimal numbers up to 255. Leading spaces, signs and zeroes are accepted before each, as the
// original's reading with scanf does, but nothing behind the last.
std::optional<std::uint32_t> parse_ipv4(std::string_view text);

struct Ipv6Address {
  std::uint8_t bytes[16];
};
std::optional<Ipv6Address> parse_ipv6(std::string_view text);

// An address with the number of the interface that it belongs to, 0 for none: "fe80::1%eth0".
struct ScopedIpv6Address {
  Ipv6Address address;
  unsigned interface;
};
std::optional<ScopedIpv6Address> parse_scoped_ipv6(const char* text);

// Enough for every address that these write, with its end.
inline constexpr std::size_t kLongestAddress = 64;
void format_ipv4(std::uint32_t address, char (&text)[kLongestAddress]);
void format_ipv6(const Ipv6Address& address, char (&text)[kLongestAddress]);

// "1.2.3.4:80", "[::1]:80", or words about what else it is.
const char* format_socket_address(const sockaddr* address, char* out, std::size_t size);

}  // namespace pollshim::event
