#include "agent/ipam/endpoints.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace pellicle {

namespace {

using Json = nlohmann::json;

Json to_json(const Endpoint& endpoint) {
  return {{"id", endpoint.id},
          {"name", endpoint.name},
          {"device", endpoint.device},
          {"address", endpoint.address.to_string()},
          {"podMac", endpoint.pod_mac.to_string()},
          {"hostMac", endpoint.host_mac.to_string()},
          {"netns", endpoint.netns}};
}

template <class Value>
Value parsed(const Json& json, const char* field) {
  const auto value = Value::parse(json.at(field).get<std::string>());
  if (!value) throw std::runtime_error(std::string("field ") + field + " is malformed");
  return *value;
}

Endpoint endpoint_from(const Json& json) {
  return {.id = json.at("id").get<std::string>(),
          .name = json.at("name").get<std::string>(),
          .device = json.at("device").get<std::string>(),
          .address = parsed<IpAddress>(json, "address"),
          .pod_mac = parsed<Mac>(json, "podMac"),
          .host_mac = parsed<Mac>(json, "hostMac"),
          .netns = json.at("netns").get<std::string>()};
}

bool by_id(const Endpoint& a, const Endpoint& b) {
  return a.id < b.id;
}

}  // namespace

Endpoints::Endpoints(std::string state_dir) : path_(std::move(state_dir) + "/endpoints.json") {
  std::ifstream file(path_);
  if (!file) return;
  try {
    for (const auto& json : Json::parse(file)) endpoints_.push_back(endpoint_from(json));
    std::sort(endpoints_.begin(), endpoints_.end(), by_id);
  } catch (const std::exception& error) {
    endpoints_.clear();
    std::error_code ignored;
    std::filesystem::rename(path_, path_ + ".damaged", ignored);
    problem_ = Problem{"File " + path_, "",
                       std::string("is damaged (") + error.what() +
                           ") and was set aside as endpoints.json.damaged; its pods are unknown"};
  }
}

const Endpoint* Endpoints::find(const std::string& id) const {
  const auto at = std::find_if(endpoints_.begin(), endpoints_.end(),
                               [&](const Endpoint& endpoint) { return endpoint.id == id; });
  return at == endpoints_.end() ? nullptr : &*at;
}

const Endpoint* Endpoints::find(const IpAddress& address) const {
  const auto at = std::find_if(endpoints_.begin(), endpoints_.end(), [&](const Endpoint& endpoint) {
    return endpoint.address == address;
  });
  return at == endpoints_.end() ? nullptr : &*at;
}

void Endpoints::put(Endpoint endpoint) {
  auto next = endpoints_;
  std::erase_if(next, [&](const Endpoint& other) { return other.id == endpoint.id; });
  next.insert(std::upper_bound(next.begin(), next.end(), endpoint, by_id), std::move(endpoint));
  write(next);
  endpoints_ = std::move(next);
}

void Endpoints::remove(const std::string& id) {
  auto next = endpoints_;
  if (std::erase_if(next, [&](const Endpoint& other) { return other.id == id; }) == 0) return;
  write(next);
  endpoints_ = std::move(next);
}

// A temporary file and a rename: a reader, and a crash, see the old list or the new one.
void Endpoints::write(const std::vector<Endpoint>& endpoints) const {
  Json list = Json::array();
  for (const auto& endpoint : endpoints) list.push_back(to_json(endpoint));
  const std::string temporary = path_ + ".new";
  std::ofstream file(temporary, std::ios::trunc);
  file << list.dump(1) << "\n";
  file.close();
  if (!file || std::rename(temporary.c_str(), path_.c_str()) != 0) {
    throw std::runtime_error("writing " + path_ + ": " + std::strerror(errno));
  }
}

}  // namespace pellicle
