#include "agent/kernel/ledger.h"

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

#include <nlohmann/json.hpp>

#include "agent/files/replace_file.h"
#include "agent/kernel/os_error.h"

namespace pellicle {

namespace {

std::optional<std::string> contents(const std::string& path) {
  errno = 0;
  std::ifstream file(path);
  if (!file) {
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
    fail(errno ? errno : EIO, "read " + path);
  }
  std::ostringstream text;
  text << file.rdbuf();
  if (file.bad()) fail(EIO, "read " + path);
  return text.str();
}

}  // namespace

Ledger::Ledger(const std::string& directory)
    : directory_(directory), path_(directory + "/ledger.json") {
  load();
}

void Ledger::load() {
  const auto text = contents(path_);
  if (!text) return;
  try {
    const auto json = nlohmann::json::parse(*text);
    auto sysctls = json.at("sysctls").get<std::map<std::string, std::string>>();
    std::set<Gateway> gateways;
    for (const auto& route : json.at("routes")) {
      const auto dst = Cidr::parse(route.at("dst").get<std::string>());
      const auto gateway = IpAddress::parse(route.at("gateway").get<std::string>());
      if (!dst || !gateway) throw std::invalid_argument("a route is not `network via address`");
      gateways.emplace(*dst, *gateway);
    }
    sysctls_ = std::move(sysctls);
    gateways_ = std::move(gateways);
  } catch (const std::exception& error) {
    set_aside(error.what());
  }
}

void Ledger::set_aside(const std::string& reason) {
  const std::string aside = path_ + ".damaged";
  if (std::rename(path_.c_str(), aside.c_str()) != 0) fail(errno, "set aside " + path_);
  problem_ = path_ + " is damaged (" + reason + "); it was moved to " + aside +
             ", and the original sysctl values it held are not restored at cleanup";
}

void Ledger::note_sysctl(const std::string& path, const std::string& original) {
  if (sysctls_.emplace(path, original).second) dirty_ = true;
}

void Ledger::forget_sysctl(const std::string& path) {
  if (sysctls_.erase(path) > 0) dirty_ = true;
}

void Ledger::note_gateway(const Cidr& dst, const IpAddress& gateway) {
  if (gateways_.emplace(dst, gateway).second) dirty_ = true;
}

void Ledger::forget_gateway(const Cidr& dst, const IpAddress& gateway) {
  if (gateways_.erase({dst, gateway}) > 0) dirty_ = true;
}

void Ledger::forget_gateways(const Cidr& dst, const std::optional<IpAddress>& but) {
  auto next = gateways_.lower_bound({dst, IpAddress()});  // no address comes before that one
  while (next != gateways_.end() && next->first == dst) {
    if (next->second == but) {
      ++next;
      continue;
    }
    next = gateways_.erase(next);
    dirty_ = true;
  }
}

void Ledger::save() {
  if (!dirty_) return;
  std::error_code error;
  if (sysctls_.empty() && gateways_.empty()) {
    std::filesystem::remove(path_, error);
    if (error) fail(error.value(), "remove " + path_);
    dirty_ = false;
    return;
  }
  nlohmann::json routes = nlohmann::json::array();
  for (const auto& [dst, gateway] : gateways_) {
    routes.push_back({{"dst", dst.to_string()}, {"gateway", gateway.to_string()}});
  }
  const nlohmann::json json = {{"sysctls", sysctls_}, {"routes", routes}};
  std::filesystem::create_directories(directory_, error);
  if (error) fail(error.value(), "make " + directory_);
  try {
    replace_file(path_, json.dump(1) + "\n");
  } catch (const std::system_error& failure) {
    throw OsError(failure.code().value(), failure.what());
  }
  dirty_ = false;
}

}  // namespace pellicle
