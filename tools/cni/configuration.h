// The network configuration a runtime writes to the plugin's stdin. Everything here is pure; what
// does not fit is a Failure that names the field and what was expected.
#pragma once

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace pellicle::cni {

using Json = nlohmann::json;

inline constexpr size_t kLongestInput = 1 << 20;  // bytes; a configuration has a few hundred

// What is common to every verb but VERSION.
struct Configuration {
  std::string version;  // one of kVersions
  std::string network;
  std::string socket;  // the agent's
  // For so long after the agent was ready STATUS succeeds without it, and ADD waits for it.
  std::chrono::seconds status_grace{};
  std::chrono::seconds add_wait{};
  Json json;
};

// Failure 6 when it is no JSON object or too long, 1 for a version that is not spoken, 7 for a
// field that is missing or wrong.
Configuration configuration(const std::string& input);

// "cniVersion" of `input`; empty when there is none. Failure 6 when it is no text, or `input` is no
// JSON object.
std::string version_in(const std::string& input);

// The version an error is to be written in: the configuration's when we speak it, else our newest.
std::string version_for_errors(const std::string& input);

// Failure 2: "ipam" that asks for something. Addresses are given by the agent alone.
void refuse_ipam(const Configuration& configuration);

// Failure 7 when a plugin came before us: this one makes the device, it has nothing to add to one.
void refuse_previous_result(const Configuration& configuration);

// runtimeConfig.ips (capability "ips") without the prefix lengths that may be written behind them.
std::vector<std::string> wanted_addresses(const Configuration& configuration);

// Whether runtimeConfig.bandwidth (capability "bandwidth") limits what the pod sends.
bool is_egress_shaped(const Configuration& configuration);

// The pod's annotation pellicle.io/allowed-addresses in runtimeConfig (capability
// "io.kubernetes.cri.pod-annotations"); empty: it has none.
std::string allowed_addresses(const Configuration& configuration);

// "dns" as it stands there, an empty object when it does not.
Json dns(const Configuration& configuration);

// The addresses that prevResult gives to the interface `ifname` of a sandbox, without prefix
// lengths; at least one.
std::vector<std::string> addresses_in_previous_result(const Configuration& configuration,
                                                      const std::string& ifname);

// "<container id>:<interface>" of every attachment that GC must leave alone. A configuration
// without the list is a Failure: taking it for an empty one would take every pod off the network.
std::vector<std::string> valid_attachments(const Configuration& configuration);

// How the agent calls an attachment.
std::string attachment_id(const std::string& container_id, const std::string& ifname);

}  // namespace pellicle::cni
