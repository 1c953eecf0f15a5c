#include "tools/ctl/node_text.h"

#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle::ctl;
using Json = nlohmann::ordered_json;

namespace {

const Json kStatus = Json::parse(R"({
  "node": {"name": "worker", "podCIDR": "10.0.1.0/24", "internalIP": "172.18.0.3",
           "ciliumHost": "10.0.1.138", "uplink": {"name": "eth0", "mtu": 1500}},
  "encryption": {"key": 4},
  "peers": [
    {"name": "control-plane", "state": "encrypted", "podCIDR": "10.0.2.0/24", "internalIP": "172.18.0.2",
     "ciliumHost": "10.0.2.52", "key": 4},
    {"name": "worker2", "state": "dropped", "podCIDR": "10.0.0.0/24", "internalIP": "172.18.0.4",
     "ciliumHost": "10.0.0.40", "key": 3}],
  "unready": ["10.0.3.0/24"]})");

}  // namespace

TEST_CASE("node text: this node, its peers with the key for each, and who is not ready") {
  CHECK(node_text(kStatus) ==
        "NODE           POD CIDR     INTERNAL IP  CILIUM HOST  KEY  PACKETS\n"
        "worker         10.0.1.0/24  172.18.0.3   10.0.1.138   4    this node\n"
        "control-plane  10.0.2.0/24  172.18.0.2   10.0.2.52    4    encrypted\n"
        "worker2        10.0.0.0/24  172.18.0.4   10.0.0.40    3    dropped\n"
        "-              10.0.3.0/24  -            -            -    dropped\n");
}

TEST_CASE("node text: a node that knows nothing yet is a row all the same") {
  const auto empty = Json::parse(
      R"({"node": {"name": "worker"}, "encryption": {"key": null}, "peers": [], "unready": []})");
  CHECK(node_text(empty) ==
        "NODE    POD CIDR  INTERNAL IP  CILIUM HOST  KEY  PACKETS\n"
        "worker  -         -            -            -    this node\n");
  CHECK(node_json(kStatus)[2]["state"] == "dropped");
  CHECK_FALSE(node_json(kStatus)[0].contains("uplink"));
}

}  // namespace this_file
