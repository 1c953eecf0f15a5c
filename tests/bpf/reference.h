// What each program must do, decided by how a frame was made; reads none of its bytes.
#pragma once

#include <optional>

#include "tests/bpf/programs.h"

namespace pellicle {

// The role of an address, seen from node worker.
enum class Is { pod, router, peer, peer_without_key, node, elsewhere, on_link };

inline constexpr size_t kEthernet = 14;
inline constexpr MacBytes kOther = {2, 0, 0, 0, 0, 7};  // no device of this node

// A frame, and how it was made.
struct Generated {
  Packet packet;
  bool ipv6 = false;
  Is from = Is::pod;
  Is to = Is::peer;
  size_t size = 0;  // bytes left of the frame

  Bytes bytes() const { return cut(frame(packet), size); }
  bool is_tagged() const { return !packet.tags.empty(); }
  bool is_ip() const;
  bool is_readable() const;
  uint32_t protocol() const;
  bool is_own() const;  // sent by the pod; ICMPv6 with at least its type byte, 0
  bool stays_on_link() const { return ipv6 && to == Is::on_link; }
  bool is_from_here() const { return from == Is::pod || from == Is::router; }
  bool is_for_this_node() const { return to == Is::pod || to == Is::router; }
  bool is_own_esp() const;

 private:
  struct Carried {
    uint32_t protocol = 0;
    size_t offset = 0;  // in the frame; 0: a later fragment, or unreadable
  };
  Carried carried() const;
};

// The expected result of a program. Mark and frame of a dropped packet do not matter.
struct Expected {
  int verdict = 0;
  uint32_t mark = 0;
  std::optional<datapath::drop_reason> reason;
  bool readdressed = false;
};

struct Reference {
  bool host_encryption = false;

  Expected lxc_in(const Generated& sent, uint32_t mark) const;
  Expected uplink_in(const Generated& sent, uint32_t mark) const;
  Expected uplink_out(const Generated& sent, uint32_t mark) const;
  // Without any routes: host_out_test and net_in_test cover forwarding.
  Expected host_out(const Generated& sent, uint32_t mark) const;
  Expected net_in(const Generated& sent, uint32_t mark) const;

 private:
  bool is_for_peer(const Generated& sent) const;
  bool is_to_be_encrypted(const Generated& sent, uint32_t mark) const;
};

}  // namespace pellicle
