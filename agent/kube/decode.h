// Decoding of Nodes and the key Secret. An unusable value becomes a Problem that names object and
// field; the caller keeps the last good value.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agent/kube/api_json.h"
#include "agent/model/key.h"
#include "agent/model/key_ring.h"
#include "agent/model/node.h"

namespace pellicle {

// Annotations by which nodes announce themselves, named as in Cilium 1.13. The older prefix
// kOldPrefix is read too; kPrefix takes precedence.
inline constexpr std::string_view kPrefix = "network.cilium.io/";
inline constexpr std::string_view kOldPrefix = "io.cilium.network.";
inline constexpr std::string_view kRouterAnnotation = "ipv4-cilium-host";
inline constexpr std::string_view kRouter6Annotation = "ipv6-cilium-host";
inline constexpr std::string_view kHealthAnnotation = "ipv4-health-ip";
inline constexpr std::string_view kHealth6Annotation = "ipv6-health-ip";
inline constexpr std::string_view kKeyAnnotation = "encryption-key";
inline constexpr std::string_view kPodCidrAnnotation = "ipv4-pod-cidr";
inline constexpr std::string_view kPodCidr6Annotation = "ipv6-pod-cidr";

// Annotations that only Pellicle's agents read.
inline constexpr std::string_view kOwnPrefix = "pellicle.io/";
inline constexpr std::string_view kHostEncryptionAnnotation = "pellicle.io/host-encryption";
inline constexpr std::string_view kHostEncryptionAccepted = "accepted";
inline constexpr std::string_view kEncryptsAnnotation = "pellicle.io/encrypts";
inline constexpr std::string_view kEncryptsPods = "pods";
inline constexpr std::string_view kEncryptsNodes = "pods nodes";
inline constexpr std::string_view kBootIdAnnotation = "pellicle.io/boot-id";
// Epochs that this node may send with under pair keys, newest last: "0x15b73e20/0 0x10a018a0/4711",
// each an SPI for key id 0 (its last digit is the id) and a generation.
inline constexpr std::string_view kEpochsAnnotation = "pellicle.io/epochs";
// The newest epochs of nodes with several, as far as this node has a state for them: "0x15b73e20".
inline constexpr std::string_view kReceivesAnnotation = "pellicle.io/receives";
// All InternalIPs of the node, in the order of its status: "172.18.0.3 fd00::3". With it, a Node's
// metadata says everything that peers need.
inline constexpr std::string_view kInternalIpsAnnotation = "pellicle.io/internal-ips";

using Annotations = std::map<std::string, std::string>;  // full name -> value

enum class NodeField : uint8_t {
  pod_cidrs,
  internal_ipv4,
  internal_ipv6,
  router_ipv4,
  router_ipv6,
  health_ipv4,
  health_ipv6,
  key_id,
  boot_id,
  epochs,
  receives
};

struct DecodedNode {
  Node node;                         // malformed fields are empty
  std::set<NodeField> malformed;     // present, but unusable
  std::vector<Problem> problems;     // one per malformed value
  Annotations annotations;           // those with kPrefix or kOwnPrefix, unchanged
  bool not_ready_taint = false;      // see taint.h
  bool network_unavailable = false;  // see network_condition.h
  // Of the Node's metadata alone, which lack something that peers need; see kInternalIpsAnnotation.
  bool lacks_addresses = false;
  std::vector<std::string> internal_ips = {};  // all good ones, as the Node writes them
};
// Of several InternalIPs of a family, the address in the first matching network of `preferred`
// counts; without a match the first in the list, as for Kubernetes itself. Annotations count where
// spec and status are silent.
DecodedNode decode_node(const ApiObject& object, const std::vector<Cidr>& preferred = {});

// `decoded`, with each malformed field replaced by the last good value of the same Node.
Node merged(const Node& last_good, const DecodedNode& decoded);

// Result of decoding the Secret.
struct DecodedKey {
  std::optional<IpsecKey> key;
  std::vector<Problem> problems;  // without a key: why; with one: a warning
};

inline constexpr const char* kKeySecret = "Secret kube-system/cilium-ipsec-keys";
inline constexpr const char* kKeyField = "data.keys";

// Whether hmac(md5) and hmac(sha1) are accepted, for peers that support nothing else. Their use is
// reported.
enum class WeakAlgorithms : uint8_t { refused, allowed };

// The Secret as the API returns it, `data.keys` in base64.
DecodedKey decode_secret(const ApiObject& object, WeakAlgorithms weak = WeakAlgorithms::refused);

// The value of `keys`: the last line that is not empty. Forms:
//   ID rfc4106(gcm(aes)) HEX ICV         HEX: 20, 28 or 36 bytes, 4 of them salt; ICV: 96 or 128
//   ID hmac(sha256) HEX cbc(aes) HEX     also hmac(sha384), hmac(sha512) and, when weak ones are
//                                        allowed, hmac(md5), hmac(sha1); 16, 24 or 32 bytes for aes
//   ID+ ...                              each pair of nodes derives its own key
// ID is 1 to 15; without one it is 1 (deprecated). Problems give positions, and never quote words.
DecodedKey decode_keys(std::string_view text, WeakAlgorithms weak = WeakAlgorithms::refused);

// Offers the key to the ring. Returns why the ring or the decoder refused it, or warnings.
std::vector<Problem> accept_key(KeyRing& ring, DecodedKey decoded);

}  // namespace pellicle
