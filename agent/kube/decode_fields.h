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

void read_pair_keys(const nlohmann::json& annotations, Reader& reader);

}  // namespace pellicle
