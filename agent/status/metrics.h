// A node's metrics for Prometheus. Where Cilium has the same metric, the name is Cilium's with
// pellicle_ instead of cilium_. helm/pellicle/README.md lists them.
#pragma once

#include <string>

#include "agent/status/encryption.h"
#include "agent/status/report.h"

namespace pellicle {

struct MetricsFacts {
  StatusFacts status;
  EncryptionFacts encryption;
  size_t policies_in = 0;  // desired XFRM policies by direction
  size_t policies_out = 0;
  bool by_peer = true;  // adds about a dozen series for each peer
};

// Whether a node with so many peers has metrics of each. `setting`: "true", "false", or "auto": up
// to 100 peers, because all nodes together have as many series as the square of their number.
bool tells_peers(const std::string& setting, size_t peers);

std::string metrics_text(const MetricsFacts& facts);

// Cilium's labels for a counter of /proc/net/xfrm_stat: "XfrmInNoStates" is inbound, no_state.
struct XfrmErrorName {
  std::string type;
  std::string error;
  auto operator<=>(const XfrmErrorName&) const = default;
};
XfrmErrorName xfrm_error_name(const std::string& counter);

}  // namespace pellicle
