#include "tools/cni/request.h"

#include "agent/cni/versions.h"
#include "tools/cni/failure.h"

namespace pellicle::cni {

namespace {

Request version_request(const std::string& input) {
  Request request{.verb = Verb::version, .version = std::string(kNewest)};
  if (input.find_first_not_of(" \t\r\n") == std::string::npos) return request;
  const auto asked = version_in(input);
  if (!asked.empty()) request.version = asked;
  return request;
}

// The agent is told in JSON, which is UTF-8; the kernel takes any bytes as a name or a path.
const std::string& utf8(const char* variable, const std::string& value) {
  try {
    (void)Json(value).dump();
  } catch (const Json::exception&) {
    throw Failure(kInvalidEnvironment, std::string(variable) + ": expected UTF-8");
  }
  return value;
}

std::string id_of(const Environment& environment) {
  return attachment_id(environment.container_id, utf8("CNI_IFNAME", environment.ifname));
}

Json add_params(const Environment& environment, const Configuration& configuration) {
  Json params{{"id", id_of(environment)},
              {"name", utf8("CNI_ARGS", pod_name(environment))},
              {"netns", utf8("CNI_NETNS", environment.netns)},
              {"netnsPassed", true},
              {"ifname", environment.ifname},
              {"network", configuration.network},
              {"egressShaped", is_egress_shaped(configuration)}};
  const auto addresses = wanted_addresses(configuration);
  if (!addresses.empty()) params["addresses"] = addresses;
  const auto allowed = allowed_addresses(configuration);
  if (!allowed.empty()) params["allowedAddresses"] = allowed;
  return params;
}

Json check_params(const Environment& environment, const Configuration& configuration) {
  return {{"id", id_of(environment)},
          {"netns", utf8("CNI_NETNS", environment.netns)},
          {"netnsPassed", true},
          {"ifname", environment.ifname},
          {"addresses", addresses_in_previous_result(configuration, environment.ifname)}};
}

Json params_of(Verb verb, const Environment& environment, const Configuration& configuration) {
  switch (verb) {
    case Verb::add:
      refuse_previous_result(configuration);
      refuse_ipam(configuration);
      return add_params(environment, configuration);
    case Verb::check:
      refuse_ipam(configuration);
      return check_params(environment, configuration);
    case Verb::del:  // says no to nothing that ADD would refuse: what is there must go
      return {{"id", id_of(environment)}};
    case Verb::gc:
      return {{"network", configuration.network}, {"valid", valid_attachments(configuration)}};
    case Verb::status:
      refuse_ipam(configuration);
      break;
    case Verb::version:
      break;
  }
  return Json::object();
}

}  // namespace

Request request(const Environment& environment, const std::string& input) {
  const auto& rule = verb_rule(environment);
  if (rule.verb == Verb::version) return version_request(input);
  const auto given = configuration(input);
  if (!is_at_least(given.version, rule.since)) {
    throw Failure(kIncompatibleVersion, "incompatible CNI version: " + environment.command +
                                            " needs cniVersion " + rule.since +
                                            " or newer, the configuration has " + given.version);
  }
  Request request{.verb = rule.verb,
                  .version = given.version,
                  .socket = given.socket,
                  .method = rule.method,
                  .params = params_of(rule.verb, environment, given),
                  .ifname = environment.ifname,
                  .netns = environment.netns};
  if (rule.verb == Verb::status) request.grace = given.status_grace;
  if (rule.verb == Verb::add) {
    request.wait = given.add_wait;
    request.dns = dns(given);
  }
  return request;
}

}  // namespace pellicle::cni
