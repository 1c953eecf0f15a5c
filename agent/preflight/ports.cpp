#include "agent/preflight/ports.h"

#include <algorithm>
#include <charconv>
#include <sstream>

namespace pellicle {

namespace {

constexpr const char* kListens = "0A";  // TCP_LISTEN
constexpr const char* kAgent = "pellicle-agent";

std::optional<uint32_t> hex(std::string_view text) {
  uint32_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number, 16);
  const bool all = parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
  return all ? std::optional(number) : std::nullopt;
}

// "0100007F" -> 127.0.0.1: words of four bytes, each in this machine's order.
std::optional<IpAddress> address(std::string_view text) {
  std::array<uint8_t, 16> bytes{};
  if (text.size() != 8 && text.size() != 32) return std::nullopt;
  for (size_t word = 0; word * 8 < text.size(); ++word) {
    const auto number = hex(text.substr(word * 8, 8));
    if (!number) return std::nullopt;
    std::memcpy(bytes.data() + word * 4, &*number, sizeof *number);
  }
  return IpAddress(text.size() == 8 ? Family::v4 : Family::v6, bytes.data());
}

std::optional<Listener> listener(const std::string& line) {
  std::istringstream words(line);
  std::string number, local, remote, state, skipped;
  uint64_t inode = 0;
  words >> number >> local >> remote >> state;
  for (int i = 0; i < 5; ++i) words >> skipped;  // queues, timer, retransmits, uid, timeout
  words >> inode;
  const auto colon = local.find(':');
  if (!words || state != kListens || colon == std::string::npos) return std::nullopt;
  const auto host = address(std::string_view(local).substr(0, colon));
  const auto port = hex(std::string_view(local).substr(colon + 1));
  if (!host || !port) return std::nullopt;
  return Listener{*host, static_cast<uint16_t>(*port), inode};
}

bool is_loopback(const IpAddress& address) {
  return address.family() == Family::v4 ? address.data()[0] == 127
                                        : address == *IpAddress::parse("::1");
}

// A socket of IPv6 on every address takes connections of IPv4 as well, unless it is told not to.
bool takes(const Listener& listener, const WantedPort& wanted) {
  if (listener.port != wanted.port) return false;
  if (listener.address.is_any()) return true;
  if (!wanted.address) return !is_loopback(listener.address);
  return wanted.address->is_any() || *wanted.address == listener.address;
}

}  // namespace

std::vector<Listener> parse_listeners(const std::string& text) {
  std::vector<Listener> all;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (const auto found = listener(line)) all.push_back(*found);
  }
  return all;
}

std::vector<Listener> read_listeners() {
  auto all = parse_listeners(text_of("/proc/thread-self/net/tcp"));
  const auto more = parse_listeners(text_of("/proc/thread-self/net/tcp6"));
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

std::optional<WantedPort> wanted_port(const std::string& health_address) {
  const auto colon = health_address.rfind(':');
  if (colon == std::string::npos) return std::nullopt;
  WantedPort wanted{.what = health_address, .address = IpAddress::any(Family::v4)};
  const auto end = health_address.data() + health_address.size();
  if (std::from_chars(health_address.data() + colon + 1, end, wanted.port).ec != std::errc()) {
    return std::nullopt;
  }
  auto host = health_address.substr(0, colon);
  if (host.empty()) return wanted;
  if (host.front() == '[') host = host.substr(1, host.size() - 2);
  wanted.address = IpAddress::parse(host);
  return wanted.address ? std::optional(wanted) : std::nullopt;
}

Finding judge_port(const WantedPort& wanted, const std::vector<Listener>& listeners,
                   const SocketOwner& owner, bool agent_answers) {
  Finding finding{.topic = kPortTopic, .what = wanted.what, .found = "free"};
  const auto taken = std::find_if(listeners.begin(), listeners.end(),
                                  [&](const auto& each) { return takes(each, wanted); });
  if (taken == listeners.end()) return finding;
  const auto who = owner(taken->inode);
  if (who.starts_with(kAgent) || (who.empty() && agent_answers)) {
    finding.found = "the agent that runs here listens";
    return finding;
  }
  finding.found = "taken by " + (who.empty() ? "a process that cannot be seen from here" : who) +
                  " at " + taken->address.to_string();
  finding.verdict = Verdict::fail;
  finding.remedy = "end that program or give it another port";
  return finding;
}

}  // namespace pellicle
