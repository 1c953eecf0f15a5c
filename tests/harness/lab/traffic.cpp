#include "tests/harness/lab/traffic.h"

#include <sstream>

namespace pellicle::lab {

namespace {

constexpr uint8_t kEspProtocol = 50;
constexpr size_t kCables = 2;  // the sending node's and the receiving node's
constexpr size_t kEthernetHeader = 14;

uint32_t network_word(const std::string& bytes, size_t at) {
  uint32_t word = 0;
  for (size_t i = 0; i < 4; ++i) word = word << 8 | static_cast<uint8_t>(bytes.at(at + i));
  return word;
}

size_t esp_header(const Packet& packet) {
  const size_t ipv4_header = (static_cast<uint8_t>(packet.frame.at(kEthernetHeader)) & 15U) * 4U;
  return kEthernetHeader + (packet.src.family() == Family::v4 ? ipv4_header : 40);
}

}  // namespace

// -n: no name lookups.
PingStream::PingStream(const std::string& pod, const std::string& address, double interval)
    : name_(pod + " > " + address),
      ping_({"ping", "-n", "-i", std::to_string(interval), address},
            "/run/lab/ping-" + pod + "-" + address + ".log", pod) {}

std::set<size_t> PingStream::answered() const {
  static const std::string kMark = "icmp_seq=";
  std::set<size_t> numbers;
  std::istringstream lines(ping_.output());
  for (std::string line; std::getline(lines, line);) {
    const size_t at = line.find(kMark);
    // A line that is still being written has no end; "Destination Unreachable" is not an answer.
    if (at == line.npos || line.find(" time=") == line.npos) continue;
    numbers.insert(std::stoul(line.substr(at + kMark.size())));
  }
  return numbers;
}

bool PingStream::goes_on(size_t answers, Seconds limit) {
  const size_t before = answered().size();
  return wait_until([&] { return answered().size() >= before + answers; }, limit);
}

std::string PingStream::end() {
  const bool alive = goes_on(1);
  ping_.stop(SIGINT);
  const auto numbers = answered();
  if (!alive) return name_ + ": no answers any more after " + std::to_string(numbers.size());
  const size_t sent = *numbers.rbegin();
  if (numbers.size() == sent) return {};
  std::string lost = name_ + ": " + std::to_string(sent - numbers.size()) + " of " +
                     std::to_string(sent) + " lost:";
  for (size_t number = 1; number < sent; ++number) {
    if (!numbers.contains(number)) lost += " " + std::to_string(number);
  }
  return lost;
}

EspNumbers esp_numbers(const std::vector<Packet>& wire) {
  EspNumbers numbers;
  for (const Packet& packet : wire) {
    if (packet.protocol == kEspProtocol) {
      const size_t esp = esp_header(packet);
      const EspTunnel tunnel{packet.src, packet.dst, network_word(packet.frame, esp)};
      ++numbers[tunnel][network_word(packet.frame, esp + 4)];
    }
  }
  return numbers;
}

std::vector<std::string> esp_numbers_astray(const std::vector<Packet>& wire) {
  std::vector<std::string> astray;
  for (const auto& [tunnel, numbers] : esp_numbers(wire)) {
    const std::string name = tunnel.src.to_string() + " > " + tunnel.dst.to_string() + ": ";
    uint32_t expected = numbers.begin()->first;
    for (const auto& [number, seen] : numbers) {
      if (seen > kCables) astray.push_back(name + std::to_string(number) + " was used twice");
      if (number != expected) {
        astray.push_back(name + std::to_string(number) + " follows " +
                         std::to_string(expected - 1));
      }
      expected = number + 1;
    }
  }
  return astray;
}

}  // namespace pellicle::lab
