#include "agent/kernel/ledger.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include <nlohmann/json.hpp>

#include "agent/kernel/os_error.h"

namespace pellicle {

namespace {

// save() appends lines until they exceed this many bytes and the size of the whole, so that reading
// them stays cheap. Then it writes a new whole.
constexpr size_t kMostAppended = size_t{64} * 1024;
constexpr size_t kBytesPerGateway = 32;  // approximate size of a line

Ledger::Gateway gateway_of(const std::string& network, const std::string& address) {
  const auto dst = Cidr::parse(network);
  const auto gateway = IpAddress::parse(address);
  if (!dst || !gateway) throw std::invalid_argument("a route is not `network via address`");
  return {*dst, *gateway};
}

// Values and devices are separate objects, so that an older agent that does not know devices can
// read the values.
std::map<std::string, Ledger::Original> originals(const nlohmann::json& json) {
  const auto values = json.at("sysctls").get<std::map<std::string, std::string>>();
  const auto devices = json.value("devices", std::map<std::string, int>());
  std::map<std::string, Ledger::Original> originals;
  for (const auto& [path, value] : values) {
    const auto device = devices.find(path);
    originals[path] = {value, device == devices.end() ? 0 : device->second};
  }
  return originals;
}

void replay(const std::string& line, std::set<Ledger::Gateway>& gateways) {
  const auto space = line.find(' ');
  if (space == line.npos || (line[0] != '+' && line[0] != '-')) {
    throw std::invalid_argument("a line is not `+network address` or `-network address`");
  }
  const auto gateway = gateway_of(line.substr(1, space - 1), line.substr(space + 1));
  if (line[0] == '+') {
    gateways.insert(gateway);
  } else {
    gateways.erase(gateway);
  }
}

// Converts std::system_error to OsError, which callers expect.
template <class Job>
auto in_our_words(const Job& job) {
  try {
    return job();
  } catch (const std::system_error& error) {
    throw OsError(error.code().value(), error.what());
  }
}

}  // namespace

Ledger::Ledger(const std::string& directory)
    : directory_(directory), path_(directory + "/ledger.json"), journal_(path_) {
  in_our_words([&] { load(); });
}

void Ledger::load() {
  const auto file = journal_.read();
  if (!file.whole) return;
  try {
    const auto json = nlohmann::json::parse(*file.whole);
    auto sysctls = originals(json);
    std::set<Gateway> gateways;
    for (const auto& route : json.at("routes")) {
      gateways.insert(gateway_of(route.at("dst"), route.at("gateway")));
    }
    for (const auto& line : file.lines) replay(line, gateways);
    sysctls_ = std::move(sysctls);
    gateways_ = std::move(gateways);
  } catch (const std::system_error&) {
    throw;
  } catch (const std::exception& error) {
    set_aside(error.what());
  }
}

void Ledger::set_aside(const std::string& reason) {
  const std::string aside = path_ + ".damaged";
  journal_.set_aside(aside);
  problem_ = path_ + " is damaged (" + reason + "); it was moved to " + aside +
             ", and the original sysctl values it held are not restored at cleanup";
}

void Ledger::note_sysctl(const std::string& path, const Original& original) {
  if (sysctls_.emplace(path, original).second) dirty_ = true;
}

void Ledger::forget_sysctl(const std::string& path) {
  if (sysctls_.erase(path) > 0) dirty_ = true;
}

void Ledger::note_gateway(const Cidr& dst, const IpAddress& gateway) {
  if (gateways_.emplace(dst, gateway).second) note('+', {dst, gateway});
}

void Ledger::forget_gateway(const Cidr& dst, const IpAddress& gateway) {
  if (gateways_.erase({dst, gateway}) > 0) note('-', {dst, gateway});
}

void Ledger::forget_gateways(const Cidr& dst, const std::optional<IpAddress>& but) {
  auto next = gateways_.lower_bound({dst, IpAddress()});  // IpAddress() sorts before all others
  while (next != gateways_.end() && next->first == dst) {
    if (next->second == but) {
      ++next;
      continue;
    }
    note('-', *next);
    next = gateways_.erase(next);
  }
}

void Ledger::note(char sign, const Gateway& gateway) {
  unsaved_ += sign + gateway.first.to_string() + " " + gateway.second.to_string() + "\n";
}

std::string Ledger::whole() const {
  nlohmann::json routes = nlohmann::json::array();
  for (const auto& [dst, gateway] : gateways_) {
    routes.push_back({{"dst", dst.to_string()}, {"gateway", gateway.to_string()}});
  }
  nlohmann::json json = {{"sysctls", nlohmann::json::object()}, {"routes", routes}};
  for (const auto& [path, original] : sysctls_) {
    json["sysctls"][path] = original.value;
    if (original.device != 0) json["devices"][path] = original.device;
  }
  return json.dump(1) + "\n";
}

void Ledger::save() {
  if (!dirty_ && unsaved_.empty()) return;
  in_our_words([&] {
    const bool empty = sysctls_.empty() && gateways_.empty();
    const size_t most = std::max(kMostAppended, gateways_.size() * kBytesPerGateway);
    if (empty) {
      journal_.remove();
    } else if (!dirty_ && journal_.written() && journal_.appended() + unsaved_.size() < most) {
      journal_.append(unsaved_);
    } else {
      std::filesystem::create_directories(directory_);
      journal_.replace(whole());
    }
  });
  unsaved_.clear();
  dirty_ = false;
}

}  // namespace pellicle
