// Cluster health: this node answers other nodes' probes, and probes them.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <string>
#include <vector>

#include "agent/core/core.h"
#include "agent/health/endpoint.h"
#include "agent/health/inquiry.h"
#include "agent/health/paths.h"
#include "agent/kube/decode.h"

namespace pellicle {

// A failure here never affects the datapath.
class Probes {
 public:
  // `interval` 0: neither answers nor asks. `changed` is called when problems() may have changed
  // between passes.
  Probes(boost::asio::io_context& context, std::chrono::seconds interval, Core& core,
         PodDatapath& datapath, std::function<void()> changed);

  // After each pass. `reserved`: the addresses for the health endpoint, at most one per family.
  void serve(const std::vector<IpAddress>& reserved);

  // Puts the endpoint's addresses into `wanted`. Withdraws those of an endpoint that is gone: the
  // value "" counts as none.
  void announce(const Annotations& present, Annotations& wanted) const;

  // `own`: all other problems of this node, for the causes, and whether the Secret's key is in use.
  std::vector<Problem> problems(const std::vector<Problem>& own, const std::string& failure,
                                bool key_taken) const;
  const ClusterHealth& health() const { return inquiry_.health(); }
  bool answering() const { return trouble_.empty(); }

 private:
  void answer(const PodNetwork& network, const std::vector<IpAddress>& reserved);
  void note(const HealthPath& path, const HealthResult& result);

  std::chrono::seconds interval_;
  Core& core_;
  PodDatapath& datapath_;
  std::function<void()> changed_;
  HealthEndpoint endpoint_;
  HealthInquiry inquiry_;
  std::string trouble_;  // why other nodes cannot probe this one
};

}  // namespace pellicle
