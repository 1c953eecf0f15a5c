#include "tools/cni/result.h"

#include <cstdint>

#include "agent/cni/versions.h"

namespace pellicle::cni {

namespace {

constexpr int kLinkScope = 253;  // RT_SCOPE_LINK: the next hop is on the link itself

bool is_v6(const std::string& address) {
  return address.find(':') != std::string::npos;
}

std::string as_prefix(const std::string& address) {
  return address + (is_v6(address) ? "/128" : "/32");
}

Json interfaces(const Request& request, const Json& pod, bool with_mtu) {
  Json host{{"name", pod.at("device").get<std::string>()},
            {"mac", pod.at("hostMac").get<std::string>()}};
  Json inside{{"name", request.ifname},
              {"mac", pod.at("mac").get<std::string>()},
              {"sandbox", request.netns}};
  if (with_mtu) {
    inside["mtu"] = host["mtu"] = pod.at("linkMtu").get<uint32_t>();
  }
  return Json::array({std::move(host), std::move(inside)});
}

Json ip(const std::string& address, const std::string& gateway, bool with_version) {
  Json entry{{"address", as_prefix(address)}, {"gateway", gateway}, {"interface", 1}};
  if (with_version) entry["version"] = is_v6(address) ? "6" : "4";
  return entry;
}

Json link_route(const std::string& gateway, bool with_scope) {
  Json route{{"dst", as_prefix(gateway)}};
  if (with_scope) route["scope"] = kLinkScope;
  return route;
}

Json default_route(const std::string& gateway) {
  return {{"dst", is_v6(gateway) ? "::/0" : "0.0.0.0/0"}, {"gw", gateway}};
}

Json described(const Request& request, const Json& pod) {
  const bool v1_1 = is_at_least(request.version, "1.1.0");
  Json ips = Json::array();
  Json routes = Json::array();
  for (const auto& each : pod.at("addresses")) {
    const auto gateway = each.at("gateway").get<std::string>();
    ips.push_back(
        ip(each.at("address").get<std::string>(), gateway, !is_at_least(request.version, "1.0.0")));
    routes.push_back(link_route(gateway, v1_1));
    routes.push_back(default_route(gateway));
    if (v1_1) routes.back()["mtu"] = pod.at("routeMtu").get<uint32_t>();
  }
  return {{"cniVersion", request.version},
          {"interfaces", interfaces(request, pod, v1_1)},
          {"ips", std::move(ips)},
          {"routes", std::move(routes)},
          {"dns", request.dns}};
}

}  // namespace

Json add_result(const Request& request, const Json& pod) {
  try {
    return described(request, pod);
  } catch (const Json::exception& error) {
    throw Failure(kTryLater,
                  "the Pellicle agent describes the pod in a way this plugin does not understand",
                  error.what());
  }
}

Json version_result(const Request& request) {
  return {{"cniVersion", request.version}, {"supportedVersions", kVersions}};
}

Json error_object(const std::string& version, const Failure& failure) {
  Json error{{"cniVersion", version}, {"code", failure.code()}, {"msg", failure.what()}};
  if (!failure.details().empty()) error["details"] = failure.details();
  return error;
}

}  // namespace pellicle::cni
