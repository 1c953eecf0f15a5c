// The HTTP proxy to the API server, found as kubectl and other Go programs find it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace pellicle {

// Used with CONNECT, so the server's certificate is checked as without a proxy.
struct Proxy {
  std::string host;  // name or address, without brackets
  uint16_t port = 80;
  std::string user;           // for Proxy-Authorization: Basic; empty: none
  std::string password;       // never shown
  std::string shown() const;  // "proxy.example:3128", "[fd00::1]:3128"
  bool operator==(const Proxy&) const = default;
};

// "http://user:password@host:3128", "host:3128"; the default port is 80. Percent-encoding in user
// and password is decoded. Throws AccessError that names `origin`, the source of the text, and
// never quotes the text.
Proxy parse_proxy(std::string_view text, std::string_view origin);

// NO_PROXY: a list of networks, addresses and names, the latter two with an optional port. A name
// includes the names below it, with a leading dot only those below it; * matches all. Loopback is
// always excepted.
bool is_excepted(std::string_view host, uint16_t port, std::string_view no_proxy);

// The value of an environment variable; empty if not set.
using Environment = std::function<std::string(const char* name)>;

// The proxy for a server, from HTTPS_PROXY and NO_PROXY, or their lower-case forms. Throws
// AccessError.
std::optional<Proxy> proxy_from(const Environment& environment, std::string_view host,
                                uint16_t port);

}  // namespace pellicle
