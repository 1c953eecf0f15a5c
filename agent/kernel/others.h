// What of others is in the network namespace of the calling thread: its devices, and the XFRM
// objects that no Pellicle made.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace pellicle {

struct NetworkDevice {
  std::string name;
  std::string kind;  // "veth", "vxlan"; empty for hardware
  uint32_t mtu = 0;
};

std::vector<NetworkDevice> network_devices();  // throws OsError

struct OthersXfrm {
  size_t states = 0;
  size_t policies = 0;
};

// Counts alone: nothing of a key is kept. Cilium's plain form counts as ours, which it is to the
// letter. Throws OsError; EPERM without CAP_NET_ADMIN.
OthersXfrm others_xfrm();

}  // namespace pellicle
