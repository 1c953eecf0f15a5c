#include "agent/ipam/endpoints.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <tuple>

#include "agent/files/replace_file.h"

namespace pellicle {

namespace {

using Json = nlohmann::json;

constexpr int kVersion = 1;            // of the file's format
constexpr size_t kMaxReleased = 4096;  // in a larger pool, addresses freed longest ago count as
                                       // never used

template <class Value>
Json to_json(const std::vector<Value>& values) {
  Json list = Json::array();
  for (const auto& value : values) list.push_back(value.to_string());
  return list;
}

Json to_json(const Endpoint& endpoint) {
  return {{"id", endpoint.id},
          {"name", endpoint.name},
          {"network", endpoint.network},
          {"device", endpoint.device},
          {"addresses", to_json(endpoint.addresses)},
          {"podMac", endpoint.pod_mac.to_string()},
          {"hostMac", endpoint.host_mac.to_string()},
          {"netns", endpoint.netns},
          {"egressShaped", endpoint.egress_shaped},
          {"wantedSources", to_json(endpoint.wanted_sources)}};
}

template <class Value>
Value parsed(const std::string& text, const char* field) {
  const auto value = Value::parse(text);
  if (!value) throw std::runtime_error(std::string("field ") + field + " is malformed");
  return *value;
}

std::vector<IpAddress> addresses_from(const Json& json, const char* field) {
  std::vector<IpAddress> addresses;
  for (const auto& text : json.at(field)) {
    addresses.push_back(parsed<IpAddress>(text.get<std::string>(), field));
  }
  return addresses;
}

// Files of earlier agents lack the field.
std::vector<Cidr> networks_from(const Json& json, const char* field) {
  std::vector<Cidr> networks;
  for (const auto& text : json.value(field, Json::array())) {
    networks.push_back(parsed<Cidr>(text.get<std::string>(), field));
  }
  return networks;
}

Endpoint endpoint_from(const Json& json) {
  return {.id = json.at("id").get<std::string>(),
          .name = json.at("name").get<std::string>(),
          .network = json.at("network").get<std::string>(),
          .device = json.at("device").get<std::string>(),
          .addresses = addresses_from(json, "addresses"),
          .pod_mac = parsed<Mac>(json.at("podMac").get<std::string>(), "podMac"),
          .host_mac = parsed<Mac>(json.at("hostMac").get<std::string>(), "hostMac"),
          .netns = json.at("netns").get<std::string>(),
          .egress_shaped = json.at("egressShaped").get<bool>(),
          .wanted_sources = networks_from(json, "wantedSources")};
}

bool in_order(const Endpoint& a, const Endpoint& b) {
  return std::tie(a.id, a.device) < std::tie(b.id, b.device);
}

}  // namespace

Endpoints::Endpoints(std::string state_dir) : path_(std::move(state_dir) + "/endpoints.json") {
  try {
    read();
  } catch (const std::exception& error) {
    record_ = {};
    std::error_code ignored;
    std::filesystem::rename(path_, path_ + ".damaged", ignored);
    problem_ = Problem{"File " + path_, "",
                       std::string("is damaged (") + error.what() +
                           ") and was set aside as endpoints.json.damaged; the pods were read from "
                           "the kernel instead"};
  }
}

void Endpoints::read() {
  std::ifstream file(path_);
  if (!file) return;
  const auto json = Json::parse(file);
  if (json.at("version").get<int>() != kVersion) throw std::runtime_error("of another version");
  for (const auto& endpoint : json.at("endpoints")) insert(record_, endpoint_from(endpoint));
  record_.released = addresses_from(json, "released");
  record_.health = addresses_from(json, "health");
}

const Endpoint* Endpoints::find_device(const std::string& device) const {
  const auto at = std::find_if(all().begin(), all().end(),
                               [&](const Endpoint& each) { return each.device == device; });
  return at == all().end() ? nullptr : &*at;
}

const Endpoint* Endpoints::find(const IpAddress& address) const {
  const auto at = std::find_if(all().begin(), all().end(), [&](const Endpoint& each) {
    return each.address(address.family()) == address;
  });
  return at == all().end() ? nullptr : &*at;
}

// Moves its addresses to the end of the allocation order.
void Endpoints::forget(Record& record, const std::string& device) {
  const auto at = std::find_if(record.endpoints.begin(), record.endpoints.end(),
                               [&](const Endpoint& each) { return each.device == device; });
  if (at == record.endpoints.end()) return;
  for (const auto& address : at->addresses) {
    std::erase(record.released, address);
    record.released.push_back(address);
  }
  record.endpoints.erase(at);
  if (record.released.size() > kMaxReleased) record.released.erase(record.released.begin());
}

void Endpoints::insert(Record& record, Endpoint endpoint) {
  forget(record, endpoint.device);
  for (const auto& address : endpoint.addresses) std::erase(record.released, address);
  auto& list = record.endpoints;
  list.insert(std::upper_bound(list.begin(), list.end(), endpoint, in_order), std::move(endpoint));
}

void Endpoints::put(Endpoint endpoint) {
  Record next = record_;
  insert(next, std::move(endpoint));
  commit(std::move(next));
}

void Endpoints::remove(const std::string& device) {
  if (find_device(device) == nullptr) return;
  Record next = record_;
  forget(next, device);
  commit(std::move(next));
}

void Endpoints::keep_for_health(std::vector<IpAddress> addresses) {
  if (addresses == record_.health) return;
  Record next = record_;
  next.health = std::move(addresses);
  commit(std::move(next));
}

std::vector<Endpoint> Endpoints::adopt(const std::vector<std::string>& devices,
                                       const std::vector<Endpoint>& found) {
  Record next = record_;
  std::vector<Endpoint> dropped;
  for (const auto& endpoint : all()) {
    if (std::find(devices.begin(), devices.end(), endpoint.device) != devices.end()) continue;
    dropped.push_back(endpoint);
    forget(next, endpoint.device);
  }
  bool changed = !dropped.empty();
  for (const auto& endpoint : found) {
    if (find_device(endpoint.device) != nullptr) continue;
    insert(next, endpoint);
    changed = true;
  }
  if (changed) commit(std::move(next));
  adopted_ = true;
  return dropped;
}

void Endpoints::commit(Record record) {
  Json list = Json::array();
  for (const auto& endpoint : record.endpoints) list.push_back(to_json(endpoint));
  const Json file{{"version", kVersion},
                  {"endpoints", std::move(list)},
                  {"released", to_json(record.released)},
                  {"health", to_json(record.health)}};
  replace_file(path_, file.dump(1) + "\n");
  record_ = std::move(record);
}

}  // namespace pellicle
