#include "tools/ctl/monitor_text.h"

#include <netinet/in.h>

#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>

#include "tools/ctl/screen.h"

namespace pellicle::ctl {

namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kKindWidth = 10;  // longest name and a blank

std::string protocol_name(const DatapathEvent& event) {
  if (!event.protocol) return "?";
  switch (*event.protocol) {
    case IPPROTO_ICMP:
      return "icmp";
    case IPPROTO_IGMP:
      return "igmp";
    case IPPROTO_TCP:
      return "tcp";
    case IPPROTO_UDP:
      return "udp";
    case IPPROTO_ESP:
      return "esp";
    case IPPROTO_AH:
      return "ah";
    case IPPROTO_ICMPV6:
      return "icmpv6";
    case IPPROTO_SCTP:
      return "sctp";
    default:
      return std::to_string(*event.protocol);
  }
}

std::string kind_name(const DatapathEvent& event) {
  return kEventKinds.at(static_cast<size_t>(event.kind));
}

std::string hex(uint32_t number, int digits) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "0x%0*x", digits, number);
  return text.data();
}

// In UTC, as all of the agent's times.
std::string time_of_event(const DatapathEvent& event, const char* form, int decimals) {
  using std::chrono::system_clock;
  const auto second = std::chrono::floor<std::chrono::seconds>(event.time);
  const std::time_t seconds = system_clock::to_time_t(second);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), form, &parts);
  const auto rest = std::chrono::duration_cast<std::chrono::nanoseconds>(event.time - second);
  std::array<char, 16> fraction{};
  std::snprintf(fraction.data(), fraction.size(), "%09lld", static_cast<long long>(rest.count()));
  return std::string(text.data()) + "." + std::string(fraction.data()).substr(0, decimals);
}

std::string with_port(const IpAddress& address, const std::optional<uint16_t>& port) {
  if (!port) return address.to_string();
  const bool brackets = address.family() == Family::v6;
  return (brackets ? "[" : "") + address.to_string() + (brackets ? "]:" : ":") +
         std::to_string(*port);
}

std::string packet_text(const DatapathEvent& event) {
  if (!event.source || !event.destination) return "ethertype " + hex(event.ethertype, 4);
  std::optional<uint16_t> source;
  std::optional<uint16_t> destination;
  if (event.ports) {
    source = event.ports->source;
    destination = event.ports->destination;
  }
  return protocol_name(event) + " " + with_port(*event.source, source) + " > " +
         with_port(*event.destination, destination);
}

}  // namespace

std::string monitor_text(const DatapathEvent& event, size_t width) {
  std::string text = time_of_event(event, "%H:%M:%S", 3) + " " +
                     padded(kind_name(event), kKindWidth) + packet_text(event) + " " +
                     std::to_string(event.length) + "B";
  if (event.spi)
    text += " spi " + hex(*event.spi, 0);
  else if (event.key_id)  // an SPI ends in the key id
    text += " key " + std::to_string(*event.key_id);
  if (!event.reason.empty()) text += " " + event.reason;
  const bool fits = width == 0 || text.size() + 1 + event.device.size() <= width;
  return fits ? text + " " + event.device : text;
}

std::string monitor_json(const DatapathEvent& event) {
  Json json{{"time", time_of_event(event, "%Y-%m-%dT%H:%M:%S", 9) + "Z"},
            {"type", kind_name(event)}};
  if (!event.reason.empty()) json["reason"] = event.reason;
  if (event.source && event.destination) {
    json["source"] = event.source->to_string();
    json["destination"] = event.destination->to_string();
    if (event.protocol) json["protocol"] = protocol_name(event);
  } else {
    json["ethertype"] = hex(event.ethertype, 4);
  }
  if (event.ports) {
    json["sourcePort"] = event.ports->source;
    json["destinationPort"] = event.ports->destination;
  }
  json["length"] = event.length;
  if (event.key_id) json["key"] = *event.key_id;
  if (event.spi) json["spi"] = hex(*event.spi, 0);
  json["device"] = event.device;
  return json.dump();
}

}  // namespace pellicle::ctl
