// One Node from the API, and its annotations.
#include "agent/kube/decode.h"
#include "agent/kube/taint.h"
#include "tests/fuzz/fuzz.h"

using namespace pellicle;
using namespace pellicle::fuzz;

namespace {

class Annotated {
 public:
  void add(std::string_view name, const std::string& value) {
    text_.append(text_.empty() ? "\"" : ",\"").append(name).append("\":\"").append(value) += '"';
  }
  template <class Value>
  void add_address(std::string_view name, const std::optional<Value>& value) {
    if (value) add(std::string(kPrefix) + std::string(name), value->to_string());
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

std::string spi_text(uint32_t spi) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%x", spi);
  return text;
}

void add_pair_keys(Annotated& annotations, const Node& node) {
  std::string epochs;
  std::string receives;
  for (const auto& epoch : node.epochs) {
    epochs += spi_text(epoch.spi) + "/" + std::to_string(epoch.generation) + " ";
  }
  for (const auto spi : node.receives) receives += spi_text(spi) + " ";
  annotations.add(kBootIdAnnotation, node.boot_id);
  annotations.add(kEpochsAnnotation, epochs);
  annotations.add(kReceivesAnnotation, receives);
}

// A Node with the same content, except name and time.
std::string json_of(const Node& node) {
  Annotated annotations;
  annotations.add_address(kRouterAnnotation, node.router_ipv4);
  annotations.add_address(kRouter6Annotation, node.router_ipv6);
  annotations.add_address(kHealthAnnotation, node.health_ipv4);
  annotations.add_address(kHealth6Annotation, node.health_ipv6);
  if (node.key_id) {
    annotations.add(std::string(kPrefix) + std::string(kKeyAnnotation),
                    std::to_string(*node.key_id));
  }
  if (node.accepts_host_encryption) {
    annotations.add(kHostEncryptionAnnotation, std::string(kHostEncryptionAccepted));
  }
  add_pair_keys(annotations, node);
  std::string addresses;
  for (const auto& address : {node.internal_ipv4, node.internal_ipv6}) {
    if (!address) continue;
    addresses += addresses.empty() ? "" : ",";
    addresses += R"({"type":"InternalIP","address":")" + address->to_string() + "\"}";
  }
  std::string cidrs;
  for (const auto& cidr : node.pod_cidrs) {
    cidrs += (cidrs.empty() ? "\"" : ",\"") + cidr.to_string() + "\"";
  }
  return R"({"metadata":{"annotations":{)" + annotations.text() + R"(}},"spec":{"podCIDRs":[)" +
         cidrs + R"(]},"status":{"addresses":[)" + addresses + "]}}";
}

void check(const DecodedNode& decoded) {
  expect(decoded.malformed.empty() == decoded.problems.empty() || decoded.malformed.empty(),
         "a field that is malformed is complained of");
  for (const auto& problem : decoded.problems) expect_one_line(problem.sentence);
  for (const auto& problem : decoded.problems) expect_one_line(problem.field);
  expect(decoded.node.epochs.size() <= kMostEpochs, "epochs are few");

  Node same = decoded.node;
  same.created.clear();
  const auto again = decode_node({.name = same.name, .text = json_of(same)});
  expect(again.problems.empty(), "what was accepted is accepted again");
  expect(again.node == same, "what was accepted comes back");
  const auto kept = merged(same, decode_node({.name = same.name, .text = "{}"}));
  expect(kept.pod_cidrs.empty(), "what is absent is not kept as malformed");
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto text = text_of(data, size);
  const auto decoded = decode_node({.name = "worker", .text = text});
  check(decoded);
  expect(merged(decoded.node, decoded) == decoded.node, "malformed fields are the last good ones");
  expect(untaint_patch(text).has_value() == decoded.not_ready_taint,
         "the taint is taken off where it is seen");

  // The Node in a list, as the envelope changes it.
  const auto page = decode_page(R"({"metadata":{"resourceVersion":"1"},"items":[)" + text + "]}");
  if (!page) return 0;
  for (const auto& object : page->objects) check(decode_node(object));
  return 0;
}
