// The InternalIPs of a Node object.
#pragma once

#include <string>
#include <vector>

#include "tests/harness/lab/lab.h"

namespace pellicle::lab {

// Replaces the Node's addresses.
inline void set_internal_ips(Lab& lab, const std::string& node,
                             const std::vector<std::string>& addresses) {
  auto list = api::Json::array();
  for (const auto& address : addresses) {
    list.push_back({{"type", "InternalIP"}, {"address", address}});
  }
  lab.api().patch(api::node_key(node), {{"status", {{"addresses", list}}}});
}

}  // namespace pellicle::lab
