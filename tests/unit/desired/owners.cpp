// Which node owns an address, and the verdict on clear text from it.
#include "agent/desired/desired.h"
#include "tests/harness/catch.h"
#include "tests/harness/seed_inputs.h"

namespace pellicle::this_file {

using seed::cidr;
using seed::ip;

namespace {

Inputs encrypting(bool nodes = false) {
  auto inputs = seed::worker();
  inputs.nodes["worker2"].encrypts_pods = true;
  inputs.nodes["worker2"].encrypts_nodes = nodes;
  return inputs;
}

AddressOwner owner(const Inputs& inputs, const char* network) {
  return compute(inputs).state.owners.at({cidr(network)});
}

}  // namespace

TEST_CASE("clear text is dropped from the pods of those Nodes alone that say they encrypt") {
  auto inputs = encrypting();
  CHECK(owner(inputs, "10.0.0.0/24") ==
        AddressOwner{.router = ip("10.0.0.40"), .to_pods = ClearText::is_dropped});
  CHECK(owner(inputs, "10.0.2.0/24") == AddressOwner{.router = ip("10.0.2.52")});
  CHECK(owner(inputs, "172.18.0.4/32") == AddressOwner{.router = ip("10.0.0.40")});
  inputs.settings.strict_ingress = ClearText::is_observed;
  CHECK(owner(inputs, "10.0.0.0/24").to_pods == ClearText::is_observed);
  CHECK(owner(inputs, "10.0.1.0/24").to_pods == ClearText::is_observed);
}

TEST_CASE("with host encryption also what is between pods and nodes, where both sides do it") {
  auto inputs = encrypting(true);
  CHECK(owner(inputs, "10.0.0.0/24").to_node == ClearText::passes);
  inputs.settings.host_encryption = true;
  // worker2 does not know yet that this node accepts host encryption.
  CHECK(owner(inputs, "10.0.0.0/24").to_node == ClearText::passes);
  CHECK(owner(inputs, "172.18.0.4/32").to_pods == ClearText::passes);
  inputs.nodes["worker"].accepts_host_encryption = true;
  CHECK(owner(inputs, "10.0.0.0/24").to_node == ClearText::is_dropped);
  CHECK(owner(inputs, "172.18.0.4/32").to_pods == ClearText::is_dropped);
  CHECK(owner(inputs, "172.18.0.4/32").to_node == ClearText::passes);  // between nodes
  CHECK(owner(inputs, "172.18.0.2/32").to_pods == ClearText::passes);
}

TEST_CASE("a Node that is not believed owns nothing") {
  auto inputs = encrypting();
  inputs.nodes["worker2"].router_ipv4.reset();
  CHECK(compute(inputs).state.owners.count({cidr("10.0.0.0/24")}) == 0);
}

}  // namespace pellicle::this_file
