#include "tools/ctl/node_text.h"

#include "tools/ctl/screen.h"
#include "tools/ctl/table.h"

namespace pellicle::ctl {

namespace {

using Json = nlohmann::ordered_json;

std::string key_of(const Json& node) {
  const auto key = node.find("key");
  return key == node.end() || key->is_null() ? "-" : key->dump();
}

}  // namespace

Json node_json(const Json& status) {
  Json nodes = Json::array();
  Json self = status.at("node");
  self.erase("uplink");
  self["state"] = "self";
  self["key"] = status.at("encryption").at("key");
  nodes.push_back(self);
  for (const auto& peer : status.at("peers")) nodes.push_back(peer);
  for (const auto& cidr : status.at("unready")) {
    nodes.push_back({{"podCIDR", cidr}, {"state", "dropped"}});
  }
  return nodes;
}

std::string node_text(const Json& status) {
  std::vector<Row> rows{{"NODE", "POD CIDR", "INTERNAL IP", "CILIUM HOST", "KEY", "PACKETS"}};
  for (const auto& node : node_json(status)) {
    rows.push_back(
        {text_of(node, "name"), text_of(node, "podCIDR", text_of(node, "podCIDR6")),
         text_of(node, "internalIP", text_of(node, "internalIP6")),
         text_of(node, "ciliumHost", text_of(node, "ciliumHost6")), key_of(node),
         node.at("state") == "self" ? "this node" : node.at("state").get<std::string>()});
  }
  return table(rows);
}

}  // namespace pellicle::ctl
