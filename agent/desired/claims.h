// Decides which Node is believed when Nodes claim addresses that contradict one another.
#pragma once

#include <map>
#include <string>

#include "agent/model/ip.h"

namespace pellicle {

// The PodCIDRs and InternalIPs believed so far; no two of them contradict. The first claim is
// believed, so callers claim in order of trust.
class Claims {
 public:
  // Returns the holder of something that contradicts this claim: "PodCIDR 10.0.0.0/24 of Node
  // worker2". Empty: no contradiction, and the claim is now believed.
  std::string claim_cidr(const Cidr& cidr, const std::string& node);
  std::string claim_address(const IpAddress& address, const std::string& node);

  // True if no other Node than `node` holds something that contradicts a claim on this.
  bool is_free(const Cidr& cidr, const std::string& node) const;
  // Ends the claim of `node` on exactly this.
  void release(const Cidr& cidr, const std::string& node);

  // True if a believed PodCIDR contains all of `cidr`.
  bool covers(const Cidr& cidr) const;

  bool operator==(const Claims&) const = default;

 private:
  using Cidrs = std::map<Cidr, std::string>;
  Cidrs::const_iterator overlapping(const Cidr& cidr) const;

  Cidrs cidrs_;  // disjoint, so checking one neighbour on each side is enough
  std::map<IpAddress, std::string> addresses_;
};

}  // namespace pellicle
