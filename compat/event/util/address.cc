#include "compat/event/util/address.h"

#include <arpa/inet.h>
#include <net/if.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "event2/util.h"

namespace pollshim::event {

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Takes one unsigned number from the front, as scanf's %u would. Numbers past 32 bits saturate,
// which is out of range for everybody who asks.
std::optional<std::uint32_t> take_number(std::string_view& text) {
  while (!text.empty() && is_space(text.front()))
    text.remove_prefix(1);
  bool negative = false;
  if (!text.empty() && (text.front() == '+' || text.front() == '-')) {
    negative = text.front() == '-';
    text.remove_prefix(1);
  }
  if (text.empty() || !is_digit(text.front())) return std::nullopt;
  std::uint64_t value = 0;
  while (!text.empty() && is_digit(text.front())) {
    value = value * 10 + static_cast<unsigned>(text.front() - '0');
    if (value > UINT32_MAX) value = UINT32_MAX;
    text.remove_prefix(1);
  }
  if (negative && value != 0) return UINT32_MAX;
  return static_cast<std::uint32_t>(value);
}

// The words of an IPv6 address while it is read: those before the gap, then those behind it.
struct Words {
  std::uint16_t value[8] = {};
  int count = 0;
  int gap = -1;  // how many words stand before "::"
};

bool push(Words& words, unsigned value) {
  if (words.count == 8) return false;
  words.value[words.count++] = static_cast<std::uint16_t>(value);
  return true;
}

// One to four hexadecimal digits.
std::optional<unsigned> take_word(std::string_view& text) {
  unsigned value = 0;
  int digits = 0;
  while (!text.empty() && hex_value(text.front()) >= 0) {
    if (++digits > 4) return std::nullopt;
    value = value << 4 | static_cast<unsigned>(hex_value(text.front()));
    text.remove_prefix(1);
  }
  if (digits == 0) return std::nullopt;
  return value;
}

// Splits off an IPv4 address at the end: it starts behind the last character that is no digit
// before the first dot. False if there is a dot and no address.
bool take_ipv4_tail(std::string_view& text, std::optional<std::uint32_t>& tail) {
  const std::size_t dot = text.find('.');
  if (dot == std::string_view::npos) return true;
  std::size_t start = dot;
  while (start > 0 && is_digit(text[start - 1]))
    --start;
  if (start == dot) return false;
  std::string_view address = text;
  address.remove_prefix(start);
  tail = parse_ipv4(address);
  text.remove_suffix(text.size() - start);
  return tail.has_value();
}

bool take_words(std::string_view text, bool has_tail, Words& words) {
  while (!text.empty()) {
    if (hex_value(text.front()) >= 0) {
      const std::optional<unsigned> word = take_word(text);
      if (!word || !push(words, *word)) return false;
      if (text.empty()) return !has_tail;  // a tail stands behind a colon
      if (text.front() != ':') return false;
      text.remove_prefix(1);
      continue;
    }
    // A colon that is not the one behind a word opens the gap; there is one gap at most.
    if (text.front() != ':' || words.gap >= 0) return false;
    if (words.count == 0) {
      if (text.size() < 2 || text[1] != ':') return false;
      text.remove_prefix(1);
    }
    words.gap = words.count;
    text.remove_prefix(1);
  }
  return true;
}

std::uint16_t word_of(const Ipv6Address& address, int i) {
  return static_cast<std::uint16_t>(address.bytes[2 * i] << 8 | address.bytes[2 * i + 1]);
}

// The longest run of zero words, if it is longer than one.
struct Gap {
  int start = -1;
  int length = 1;
};

Gap longest_gap(const Ipv6Address& address) {
  Gap best;
  for (int i = 0; i < 8; ++i) {
    int end = i;
    while (end < 8 && word_of(address, end) == 0)
      ++end;
    if (end - i > best.length) best = {i, end - i};
    if (end > i) i = end - 1;
  }
  return best;
}

// Addresses that stand for an IPv4 address are written with it at the end.
bool embeds_ipv4(const Ipv6Address& address) {
  for (int i = 0; i < 5; ++i) {
    if (word_of(address, i) != 0) return false;
  }
  if (word_of(address, 5) == 0xffff) return true;
  return word_of(address, 5) == 0 && word_of(address, 6) != 0 && word_of(address, 7) != 0;
}

}  // namespace

std::optional<std::uint32_t> parse_ipv4(std::string_view text) {
  std::uint32_t address = 0;
  for (int part = 0; part < 4; ++part) {
    if (part != 0) {
      if (text.empty() || text.front() != '.') return std::nullopt;
      text.remove_prefix(1);
    }
    const std::optional<std::uint32_t> number = take_number(text);
    if (!number || *number > 255) return std::nullopt;
    address = address << 8 | *number;
  }
  if (!text.empty()) return std::nullopt;
  return address;
}

std::optional<Ipv6Address> parse_ipv6(std::string_view text) {
  std::optional<std::uint32_t> tail;
  if (!take_ipv4_tail(text, tail)) return std::nullopt;
  Words words;
  if (!take_words(text, tail.has_value(), words)) return std::nullopt;
  if (tail && (!push(words, *tail >> 16) || !push(words, *tail & 0xffff))) return std::nullopt;
  if ((words.count == 8) == (words.gap >= 0)) return std::nullopt;

  Ipv6Address address{};
  const int filled = words.gap >= 0 ? 8 - words.count : 0;
  for (int i = 0; i < words.count; ++i) {
    const int place = words.gap >= 0 && i >= words.gap ? i + filled : i;
    address.bytes[2 * place] = static_cast<std::uint8_t>(words.value[i] >> 8);
    address.bytes[2 * place + 1] = static_cast<std::uint8_t>(words.value[i]);
  }
  return address;
}

std::optional<ScopedIpv6Address> parse_scoped_ipv6(const char* text) {
  const char* percent = std::strchr(text, '%');
  if (percent == nullptr) {
    const std::optional<Ipv6Address> address = parse_ipv6(text);
    if (!address) return std::nullopt;
    return ScopedIpv6Address{*address, 0};
  }
  unsigned interface = ::if_nametoindex(percent + 1);
  if (interface == 0) {
    char* end = nullptr;
    interface = static_cast<unsigned>(std::strtoul(percent + 1, &end, 10));
    if (*end != '\0') return std::nullopt;
  }
  const std::optional<Ipv6Address> address =
      parse_ipv6({text, static_cast<std::size_t>(percent - text)});
  if (!address) return std::nullopt;
  return ScopedIpv6Address{*address, interface};
}

void format_ipv4(std::uint32_t address, char (&text)[kLongestAddress]) {
  std::snprintf(text, sizeof text, "%u.%u.%u.%u", address >> 24, address >> 16 & 255u,
                address >> 8 & 255u, address & 255u);
}

void format_ipv6(const Ipv6Address& address, char (&text)[kLongestAddress]) {
  const std::uint8_t* bytes = address.bytes;
  if (embeds_ipv4(address)) {
    std::snprintf(text, sizeof text, "::%s%u.%u.%u.%u", word_of(address, 5) != 0 ? "ffff:" : "",
                  bytes[12], bytes[13], bytes[14], bytes[15]);
    return;
  }
  const Gap gap = longest_gap(address);
  char* out = text;
  for (int i = 0; i < 8; ++i) {
    if (i == gap.start) {
      *out++ = ':';
      if (i == 0) *out++ = ':';
      i += gap.length - 1;
      continue;
    }
    out += std::snprintf(out, 5, "%x", static_cast<unsigned>(word_of(address, i)));
    if (i != 7) *out++ = ':';
  }
  *out = '\0';
}

const char* format_socket_address(const sockaddr* address, char* out, std::size_t size) {
  char text[kLongestAddress];
  if (address->sa_family == AF_INET) {
    const auto* internet = reinterpret_cast<const sockaddr_in*>(address);
    format_ipv4(ntohl(internet->sin_addr.s_addr), text);
    std::snprintf(out, size, "%s:%d", text, ntohs(internet->sin_port));
  } else if (address->sa_family == AF_INET6) {
    const auto* internet = reinterpret_cast<const sockaddr_in6*>(address);
    Ipv6Address bytes;
    std::memcpy(bytes.bytes, &internet->sin6_addr, sizeof bytes.bytes);
    format_ipv6(bytes, text);
    std::snprintf(out, size, "[%s]:%d", text, ntohs(internet->sin6_port));
  } else {
    std::snprintf(out, size, "<addr with socktype %d>", static_cast<int>(address->sa_family));
  }
  return out;
}

namespace {

// The parts of "address:port", "[address]:port" or a bare address. One that has to end where the
// text goes on is copied.
struct AddressAndPort {
  char copy[128];
  const char* address;
  const char* port;
  bool ipv6;
};

bool copy_address(AddressAndPort& parts, std::string_view address) {
  if (address.size() >= sizeof parts.copy) return false;
  std::memcpy(parts.copy, address.data(), address.size());
  parts.copy[address.size()] = '\0';
  parts.address = parts.copy;
  return true;
}

bool split(const char* text, AddressAndPort& parts) {
  parts.address = text;
  parts.port = nullptr;
  if (*text == '[') {
    const char* end = std::strchr(text, ']');
    if (end == nullptr) return false;
    parts.ipv6 = true;
    if (end[1] == ':') parts.port = end + 2;
    return copy_address(parts, {text + 1, static_cast<std::size_t>(end - text - 1)});
  }
  const char* colon = std::strchr(text, ':');
  parts.ipv6 = colon != nullptr && std::strchr(colon + 1, ':') != nullptr;
  if (parts.ipv6 || colon == nullptr) return true;
  parts.port = colon + 1;
  return copy_address(parts, {text, static_cast<std::size_t>(colon - text)});
}

// As atoi, but defined for every input: what does not fit is no port.
int parse_port(const char* text) {
  const long port = std::strtol(text, nullptr, 10);
  return port > 0 && port <= 65535 ? static_cast<int>(port) : -1;
}

template <class Address>
int hand_out(const Address& address, sockaddr* out, int* size) {
  if (*size < static_cast<int>(sizeof address)) return -1;
  std::memset(out, 0, static_cast<std::size_t>(*size));
  std::memcpy(out, &address, sizeof address);
  *size = static_cast<int>(sizeof address);
  return 0;
}

int compare(int a, int b) {
  return a < b ? -1 : a > b;
}

}  // namespace

}  // namespace pollshim::event

using namespace pollshim::event;

extern "C" {

const char* evutil_inet_ntop(int family, const void* address, char* out, size_t size) {
  char text[kLongestAddress];
  if (family == AF_INET) {
    in_addr internet;
    std::memcpy(&internet, address, sizeof internet);
    format_ipv4(ntohl(internet.s_addr), text);
  } else if (family == AF_INET6) {
    Ipv6Address bytes;
    std::memcpy(bytes.bytes, address, sizeof bytes.bytes);
    format_ipv6(bytes, text);
  } else {
    return nullptr;
  }
  const std::size_t length = std::strlen(text);
  if (length >= size) return nullptr;
  std::memcpy(out, text, length + 1);
  return out;
}

int evutil_inet_pton(int family, const char* text, void* out) {
  if (family == AF_INET) {
    const std::optional<std::uint32_t> address = parse_ipv4(text);
    if (!address) return 0;
    const in_addr internet{htonl(*address)};
    std::memcpy(out, &internet, sizeof internet);
    return 1;
  }
  if (family == AF_INET6) {
    const std::optional<Ipv6Address> address = parse_ipv6(text);
    if (!address) return 0;
    std::memcpy(out, address->bytes, sizeof address->bytes);
    return 1;
  }
  return -1;
}

int evutil_inet_pton_scope(int family, const char* text, void* out, unsigned* interface) {
  *interface = 0;
  if (family != AF_INET6) return evutil_inet_pton(family, text, out);
  const std::optional<ScopedIpv6Address> scoped = parse_scoped_ipv6(text);
  if (!scoped) return 0;
  *interface = scoped->interface;
  std::memcpy(out, scoped->address.bytes, sizeof scoped->address.bytes);
  return 1;
}

int evutil_parse_sockaddr_port(const char* text, sockaddr* out, int* size) {
  AddressAndPort parts;
  if (!split(text, parts)) return -1;
  const int port = parts.port != nullptr ? parse_port(parts.port) : 0;
  if (port < 0) return -1;
  if (parts.ipv6) {
    const std::optional<ScopedIpv6Address> scoped = parse_scoped_ipv6(parts.address);
    if (!scoped) return -1;
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(static_cast<std::uint16_t>(port));
    std::memcpy(&address.sin6_addr, scoped->address.bytes, sizeof scoped->address.bytes);
    address.sin6_scope_id = scoped->interface;
    return hand_out(address, out, size);
  }
  const std::optional<std::uint32_t> internet = parse_ipv4(parts.address);
  if (!internet) return -1;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(*internet);
  return hand_out(address, out, size);
}

int evutil_sockaddr_cmp(const sockaddr* a, const sockaddr* b, int include_port) {
  if (a->sa_family != b->sa_family) return a->sa_family - b->sa_family;
  if (a->sa_family == AF_INET) {
    const auto* left = reinterpret_cast<const sockaddr_in*>(a);
    const auto* right = reinterpret_cast<const sockaddr_in*>(b);
    if (left->sin_addr.s_addr != right->sin_addr.s_addr) {
      return left->sin_addr.s_addr < right->sin_addr.s_addr ? -1 : 1;
    }
    return include_port ? left->sin_port - right->sin_port : 0;
  }
  if (a->sa_family == AF_INET6) {
    const auto* left = reinterpret_cast<const sockaddr_in6*>(a);
    const auto* right = reinterpret_cast<const sockaddr_in6*>(b);
    const int order = std::memcmp(&left->sin6_addr, &right->sin6_addr, sizeof left->sin6_addr);
    if (order != 0) return compare(order, 0);
    return include_port ? left->sin6_port - right->sin6_port : 0;
  }
  return 1;
}

}  // extern "C"
