// Who is believed when Nodes claim addresses that contradict one another.
#pragma once

#include <map>
#include <string>

#include "agent/model/ip.h"

namespace pellicle {

// The PodCIDRs and InternalIPs that are believed so far; no two of them contradict. Whoever claims
// first is believed, so the order of the calls is the order of trust.
class Claims {
 public:
  // Who holds something that stands against this claim: "PodCIDR 10.0.0.0/24 of Node worker2".
  // Empty: nobody, and the claim is now believed.
  std::string claim_cidr(const Cidr& cidr, const std::string& node);
  std::string claim_address(const IpAddress& address, const std::string& node);

  // Nobody but `node` holds something that stands against a claim on this.
  bool is_free(const Cidr& cidr, const std::string& node) const;
  // What `node` holds of exactly this is anybody's again.
  void release(const Cidr& cidr, const std::string& node);

  // A believed PodCIDR contains all of `cidr`.
  bool covers(const Cidr& cidr) const;

  bool operator==(const Claims&) const = default;

 private:
  using Cidrs = std::map<Cidr, std::string>;
  Cidrs::const_iterator overlapping(const Cidr& cidr) const;

  Cidrs cidrs_;  // disjoint, which makes one look to each side enough
  std::map<IpAddress, std::string> addresses_;
};

}  // namespace pellicle
