// Shared by the files that decode a Node.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "agent/kube/decode.h"

namespace pellicle {

// Collects the problems of one Node.
struct Reader {
  DecodedNode& out;

  void refuse(NodeField field, const std::string& name, const std::string& expected) {
    out.malformed.insert(field);
    out.problems.push_back({.object = "Node " + out.node.name,
                            .field = name,
                            .sentence = "expected " + expected +
                                        "; the last good value stays in use, if there was one"});
  }
};

// The member of an object; null when there is none.
const nlohmann::json& member(const nlohmann::json& object, const std::string& name);

// An empty string counts as not set.
bool unset(const nlohmann::json& value);

struct Annotation {
  std::string field;  // "metadata.annotations[network.cilium.io/encryption-key]"
  const nlohmann::json* value = nullptr;
};
// With one of Cilium's prefixes.
std::optional<Annotation> annotation(const nlohmann::json& object, std::string_view name);

std::optional<IpAddress> address(const nlohmann::json& value);

void read_pod_cidrs(const nlohmann::json& object, Reader& reader);
void read_internal_ips(const nlohmann::json& object, bool metadata_only,
                       const std::vector<Cidr>& preferred, Reader& reader);
void read_pair_keys(const nlohmann::json& annotations, Reader& reader);

}  // namespace pellicle
