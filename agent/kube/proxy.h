// The HTTP proxy on the way to the API server, as kubectl and other programs written in Go find it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace pellicle {

// It is asked by CONNECT: the server's certificate is checked as without it.
struct Proxy {
  std::string host;  // name or address, without brackets
  uint16_t port = 80;
  std::string user;           // for Proxy-Authorization: Basic; empty: none
  std::string password;       // never shown
  std::string shown() const;  // "proxy.example:3128", "[fd00::1]:3128"
  bool operator==(const Proxy&) const = default;
};

// "http://user:password@host:3128", "host:3128"; port 80 without one. Percent signs in user and
// password are decoded. Throws AccessError naming `origin`, where it was found, and never quoting
// the text.
Proxy parse_proxy(std::string_view text, std::string_view origin);

// NO_PROXY: a list of names (each with those below it; with a dot before it those below it alone),
// addresses and networks, each with a port or for all; * is everything. Loopback needs no entry.
bool is_excepted(std::string_view host, uint16_t port, std::string_view no_proxy);

// The value of an environment variable, empty without one.
using Environment = std::function<std::string(const char* name)>;

// HTTPS_PROXY and NO_PROXY, or in small letters, for a server. Throws AccessError.
std::optional<Proxy> proxy_from(const Environment& environment, std::string_view host,
                                uint16_t port);

}  // namespace pellicle
