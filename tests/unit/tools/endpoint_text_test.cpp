#include "tools/ctl/endpoint_text.h"

#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle::ctl;
using Json = nlohmann::ordered_json;

TEST_CASE("endpoint text: a row a pod by name, further addresses below the first") {
  const auto endpoints = Json::parse(R"([
    {"id": "0123456789abcdef:eth0", "name": "default/web", "device": "lxc0123456789ab",
     "addresses": [{"address": "10.0.1.7"}, {"address": "fd00:1::7"}]},
    {"id": "", "name": "default/adopted", "device": "lxcffffffffffff",
     "addresses": [{"address": "10.0.1.52"}]},
    {"id": "short:eth0", "name": "kube-system/coredns-787d4945fb-6tqls", "device": "lxc1",
     "addresses": [{"address": "10.0.1.103"}]}])");
  CHECK(endpoint_text(endpoints) ==
        "POD                                   ADDRESS     DEVICE           CONTAINER\n"
        "default/adopted                       10.0.1.52   lxcffffffffffff  unknown\n"
        "default/web                           10.0.1.7    lxc0123456789ab  0123456789ab\n"
        "                                      fd00:1::7\n"
        "kube-system/coredns-787d4945fb-6tqls  10.0.1.103  lxc1             short\n");
}

TEST_CASE("endpoint text: no pods is said") {
  CHECK(endpoint_text(Json::array()) == "no pods on this node\n");
}

}  // namespace this_file
