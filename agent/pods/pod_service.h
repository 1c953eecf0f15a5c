// Everything the agent does for its node's pods: their record, the CNI plugin's installation, and
// the start-up marks on the Node.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <string>
#include <vector>

#include "agent/cni/installation.h"
#include "agent/kube/network_condition.h"
#include "agent/kube/store.h"
#include "agent/kube/taint.h"
#include "agent/pods/pods.h"

namespace pellicle {

class PodService {
 public:
  struct Options {
    std::string node_name;
    std::string state_dir;
    std::string socket;
    CniSettings cni;
  };
  struct Parts {
    Kernel& kernel;
    Store& store;
    ApiClient& client;
    Endpoints& endpoints;
    PodDatapath& datapath;
  };
  // `changed` is called on the loop when problems() may have changed between passes.
  PodService(boost::asio::io_context& context, Options options, const Parts& parts,
             std::function<void()> changed);

  // At the start, when the socket already listens: a plugin that finds no socket has written its
  // file before this reads it.
  void start();

  // After each pass. Returns true when another pass is needed, because the record of pods is
  // complete now.
  bool serve();

  Pods& pods() { return pods_; }
  const CniInstallation& cni() const { return cni_; }
  bool recorded() const { return trouble_.empty(); }  // the record of pods can be written
  std::vector<Problem> problems() const;

 private:
  bool take_stock();
  void complete_deletions();
  void install_cni();
  void heard_of_plugins();

  Options options_;
  Parts parts_;
  std::function<void()> changed_;
  Pods pods_;
  CniInstallation cni_;
  TaintWriter taint_;
  bool taint_is_operators_ = false;  // the API server denied this agent the write
  NetworkCondition network_condition_;
  std::string trouble_;  // why the record of pods cannot be written
};

}  // namespace pellicle
