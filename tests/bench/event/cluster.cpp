#include "tests/bench/event/cluster.h"

#include "tests/bench/text.h"
#include "tests/harness/api/seed.h"

namespace pellicle::bench {

namespace {

constexpr size_t kSelfNumber = 0xff01;  // above any peer's; its address is kUplinkAddress

api::Json images(size_t bytes) {
  constexpr size_t kOne = 200;
  auto all = api::Json::array();
  for (size_t size = 0; size < bytes; size += kOne) {
    const auto number = text("%06zx", size);
    all.push_back({{"names",
                    {"registry.example/library/image-" + number + "@sha256:" + std::string(64, 'a'),
                     "registry.example/library/image-" + number + ":v1.23.4"}},
                   {"sizeBytes", 70'000'000 + size}});
  }
  return all;
}

api::Json object(const std::string& name, size_t number, bool published) {
  const auto internal = dotted("172.18.", number, "");
  const auto cidr = peer_cidr(number);
  const auto router = dotted("10.", number, ".138");
  const auto boot_id = text("6e9bb54f-4c2c-4b3c-9a3f-%012zx", number);
  auto node = api::node_object({.name = name.c_str(),
                                .internal_ip = internal.c_str(),
                                .pod_cidr = cidr.c_str(),
                                .cilium_host = router.c_str(),
                                .boot_id = boot_id.c_str()},
                               published);
  if (published) {
    auto& annotations = node["metadata"]["annotations"];
    annotations["pellicle.io/boot-id"] = boot_id;
    annotations["pellicle.io/epochs"] = text("0x1%06zx0/1", number);
    annotations["network.cilium.io/encryption-key"] = "3";
  }
  node["status"]["images"] = images(kNodeBytes - node.dump().size());
  return node;
}

}  // namespace

std::string peer_name(size_t number) {
  return text("node-%05zu", number);
}

std::string peer_cidr(size_t number) {
  return dotted("10.", number, ".0/24");
}

api::Json self_object() {
  return object(kSelf, kSelfNumber, false);
}

api::Json peer_object(size_t number) {
  return object(peer_name(number), number, true);
}

}  // namespace pellicle::bench
