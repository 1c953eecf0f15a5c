// The seed's nodes with keys per pair. The key derivation here gives readable keys.
#pragma once

#include <string>
#include <vector>

#include "agent/desired/desired.h"
#include "tests/harness/seed_inputs.h"

namespace pellicle::pair_nodes {

using seed::cidr;
using seed::ip;

inline Algorithm readable(const Algorithm& global, const PairEnds& ends) {
  const auto name = ends.src.to_string() + ">" + ends.dst.to_string() + " " + ends.src_boot_id +
                    ">" + ends.dst_boot_id + " " + std::to_string(ends.generation);
  const auto& key = std::get<Aead>(global).key;
  std::vector<uint8_t> bytes(key.data(), key.data() + key.size());
  bytes.insert(bytes.end(), name.begin(), name.end());
  return Aead{.name = "rfc4106(gcm(aes))", .key = SecretBytes(bytes), .icv_bits = 128};
}

inline void announce(Inputs& inputs, const std::string& name, const std::string& boot,
                     Epoch epoch) {
  inputs.nodes[name].boot_id = boot;
  inputs.nodes[name].epochs = {epoch};
}

inline constexpr Epoch kWorker{.spi = 0x100018a0};
inline constexpr Epoch kWorker2{.spi = 0x10000280};
inline constexpr Epoch kControl{.spi = 0x10002340};

// The seed's worker with pair keys; every node knows its announcement.
inline Inputs worker() {
  auto inputs = seed::worker();
  inputs.key->per_pair = true;
  inputs.derive = readable;
  inputs.sender = {.boot_id = "W", .epochs = {kWorker}, .settled = true};
  announce(inputs, "worker", "W", kWorker);
  announce(inputs, "worker2", "W2", kWorker2);
  announce(inputs, "control-plane", "CP", kControl);
  return inputs;
}

inline Programmed programmed(const KernelState& state) {
  return {.states = state.states, .policies = state.policies, .peers = state.peers};
}

// The kernel's state once the passes find nothing more to do.
inline KernelState settle(Inputs& inputs) {
  for (int i = 0; i < 5; ++i) inputs.programmed = programmed(compute(inputs).state);
  return compute(inputs).state;
}

inline uint8_t key_in_use(const Inputs& inputs, const char* pods = "10.0.0.0/24") {
  return compute(inputs).state.peers.at({cidr(pods)}).key_id;
}

inline const Policy::Key kToWorker2{Direction::out, cidr("10.0.1.0/24"), cidr("10.0.0.0/24"), {}};

// The SPI of the policy to worker2's pods for packets with any mark; 0: the policy blocks.
inline uint32_t spi_in_use(const Inputs& inputs) {
  const auto policy = compute(inputs).state.policies.at(kToWorker2);
  return policy.tmpl ? policy.tmpl->spi : 0;
}

inline IpsecKey fourth_key() {
  return {.id = 4, .algorithm = seed::gcm(100), .per_pair = true};
}

}  // namespace pellicle::pair_nodes
