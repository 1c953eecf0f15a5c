#include "agent/kube/proxy.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "agent/kube/access.h"
#include "agent/model/ip.h"

namespace pellicle {
namespace {

std::optional<uint16_t> parse_port(std::string_view text) {
  uint16_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || number == 0) return {};
  return number;
}

// "host", "host:port", "[fd00::1]:port", "fd00::1". Without a port it is empty.
struct HostPort {
  std::string_view host, port;
};
HostPort split(std::string_view text) {
  if (text.starts_with('[')) {
    const auto bracket = text.find(']');
    if (bracket == std::string_view::npos) return {text, {}};
    const auto rest = text.substr(bracket + 1);
    return {text.substr(1, bracket - 1), rest.starts_with(':') ? rest.substr(1) : rest};
  }
  const auto colon = text.find(':');
  if (colon == std::string_view::npos || text.find(':', colon + 1) != std::string_view::npos) {
    return {text, {}};
  }
  return {text.substr(0, colon), text.substr(colon + 1)};
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      result += text[i];
      continue;
    }
    uint8_t byte = 0;
    const auto digits = text.substr(i + 1, 2);
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
    if (digits.size() != 2 || parsed.ptr != digits.data() + 2) return std::nullopt;
    result += static_cast<char>(byte);
    i += 2;
  }
  return result;
}

// "10.0.0.0/8"; host bits are ignored.
std::optional<Cidr> parse_network(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto address = IpAddress::parse(text.substr(0, slash));
  uint8_t length = 0;
  const auto digits = text.substr(slash + 1);
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  if (!address || parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size())
    return {};
  if (length > (address->family() == Family::v4 ? 32 : 128)) return std::nullopt;
  return Cidr(*address, length);
}

bool is_loopback(const IpAddress& address) {
  static const auto v4 = Cidr::parse("127.0.0.0/8").value(), v6 = Cidr::parse("::1/128").value();
  return v4.contains(address) || v6.contains(address);
}

bool matches(std::string_view entry, const std::string& host, uint16_t port) {
  if (entry == "*") return true;
  const auto address = IpAddress::parse(host);
  if (const auto network = parse_network(entry)) return address && network->contains(*address);
  const auto [name, for_port] = split(entry);
  if (name.empty() || (!for_port.empty() && parse_port(for_port) != port)) return false;
  if (const auto one = IpAddress::parse(name)) return one == address;
  auto domain = lower(name);
  if (domain.starts_with("*.")) domain.erase(0, 1);
  if (domain.starts_with('.')) return host.ends_with(domain);
  return host == domain || host.ends_with("." + domain);
}

}  // namespace

std::string Proxy::shown() const {
  const bool ipv6 = host.find(':') != std::string::npos;
  return (ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Proxy parse_proxy(std::string_view text, std::string_view origin) {
  const auto refuse = [&](const char* expected) {
    return AccessError(std::string(origin) + ": expected " + expected);
  };
  const auto scheme = text.find("://");
  if (scheme != std::string_view::npos) {
    if (lower(text.substr(0, scheme)) != "http") {
      throw refuse("a proxy that begins with http://; others are not supported");
    }
    text = text.substr(scheme + 3);
  }
  if (text.ends_with('/')) text.remove_suffix(1);
  Proxy proxy;
  if (const auto at = text.rfind('@'); at != std::string_view::npos) {
    const auto credentials = text.substr(0, at);
    const auto colon = std::min(credentials.find(':'), credentials.size());
    const auto user = percent_decoded(credentials.substr(0, colon));
    const auto password =
        percent_decoded(credentials.substr(std::min(colon + 1, credentials.size())));
    if (!user || !password)
      throw refuse("two hexadecimal digits after each % of user and password");
    proxy.user = *user;
    proxy.password = *password;
    text = text.substr(at + 1);
  }
  const auto [host, port] = split(text);
  const bool address = IpAddress::parse(host).has_value();
  if (host.empty() || (!address && host.find_first_of("/:@[]?# \t\n") != std::string_view::npos)) {
    throw refuse("the name or address of a proxy, such as http://proxy.example:3128");
  }
  proxy.host = host;
  if (!port.empty()) {
    const auto number = parse_port(port);
    if (!number) throw refuse("a proxy's port from 1 to 65535");
    proxy.port = *number;
  }
  return proxy;
}

bool is_excepted(std::string_view host, uint16_t port, std::string_view no_proxy) {
  const auto name = lower(host);
  const auto address = IpAddress::parse(name);
  if (name == "localhost" || (address && is_loopback(*address))) return true;
  while (!no_proxy.empty()) {
    const auto comma = std::min(no_proxy.find(','), no_proxy.size());
    if (matches(trim(no_proxy.substr(0, comma)), name, port)) return true;
    no_proxy.remove_prefix(std::min(comma + 1, no_proxy.size()));
  }
  return false;
}

std::optional<Proxy> proxy_from(const Environment& environment, std::string_view host,
                                uint16_t port) {
  const auto either = [&](const char* large, const char* small) {
    const auto value = environment(large);
    return value.empty() ? std::pair(environment(small), small) : std::pair(value, large);
  };
  const auto [proxy, origin] = either("HTTPS_PROXY", "https_proxy");
  const auto [exceptions, unused] = either("NO_PROXY", "no_proxy");
  if (proxy.empty() || is_excepted(host, port, exceptions)) return std::nullopt;
  return parse_proxy(proxy, origin);
}

}  // namespace pellicle
