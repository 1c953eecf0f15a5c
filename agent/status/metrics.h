// What Prometheus is told of a node. Names are Cilium's, with pellicle_ for cilium_, where it has
// the same thing; helm/pellicle/README.md lists them.
#pragma once

#include <string>

#include "agent/status/encryption.h"
#include "agent/status/report.h"

namespace pellicle {

struct MetricsFacts {
  StatusFacts status;
  EncryptionFacts encryption;
  size_t policies_in = 0;  // XFRM policies that are desired, by direction
  size_t policies_out = 0;
  bool by_peer = true;  // a dozen series for every peer
};

std::string metrics_text(const MetricsFacts& facts);

// What /proc/net/xfrm_stat calls "XfrmInNoStates" in Cilium's words: inbound, no_state.
struct XfrmErrorName {
  std::string type;
  std::string error;
  auto operator<=>(const XfrmErrorName&) const = default;
};
XfrmErrorName xfrm_error_name(const std::string& counter);

}  // namespace pellicle
