#include "tests/bench/scale/cluster.h"

#include "agent/keys/derive.h"
#include "tests/bench/text.h"
#include "tests/harness/seed_inputs.h"

namespace pellicle::bench {

namespace {

constexpr size_t kSelf = 0xff01;  // above any peer's number

Node node(size_t number) {
  const auto name = number == kSelf ? std::string("self") : text("node-%05zu", number);
  auto node =
      seed::node(name.c_str(), "2022-12-20T09:00:00Z", dotted("10.", number, ".0/24").c_str(),
                 dotted("172.18.", number, "").c_str(), dotted("10.", number, ".138").c_str());
  node.boot_id = text("6e9bb54f-4c2c-4b3c-9a3f-%012zx", number);
  node.epochs = {{.spi = 0x10000000U | static_cast<uint32_t>(number) << 4, .generation = 1}};
  return node;
}

}  // namespace

Inputs cluster_of(size_t peers, KeyForm form) {
  Inputs inputs;
  const auto self = node(kSelf);
  inputs.settings.node_name = self.name;
  inputs.nodes[self.name] = self;
  for (size_t i = 1; i <= peers; ++i) {
    auto peer = node(i);
    inputs.nodes[peer.name] = std::move(peer);
  }
  inputs.key = IpsecKey{.id = 3, .algorithm = seed::gcm(), .per_pair = form == KeyForm::per_pair};
  inputs.sender = {.boot_id = self.boot_id, .epochs = self.epochs, .settled = true};
  inputs.derive = derive_key;
  return inputs;
}

}  // namespace pellicle::bench
