// A container of a rendered manifest, which runc runs from the image's archive as kubelet would:
// the image's files, the manifest's command, securityContext, volumes and mounts, and nothing else.
// Host paths are the guest's own, so only one node of a lab can run it.
//
//   ImageContainer agent({.node = "worker", .archive = archive, .manifests = golden,
//                         .workload = "pellicle", .container = "agent", ...});
//   agent.probe("readinessProbe").ok();
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "tests/harness/lab/process.h"

namespace pellicle::lab {

struct ImageContainerSpec {
  std::string node;       // its network namespace
  std::string archive;    // of deploy/image
  std::string manifests;  // the chart's output, as text
  std::string workload;   // name of the DaemonSet or Deployment
  std::string container;  // of its pods, one that runs before the others too
  // What a pod is given to reach the API server.
  std::string api_host;
  std::string api_port;
  std::string token;
  std::string ca_pem;
  std::string log;
};

class ImageContainer {
 public:
  explicit ImageContainer(ImageContainerSpec spec);  // starts it; LabError
  ~ImageContainer();                                 // SIGKILL
  ImageContainer(const ImageContainer&) = delete;
  ImageContainer& operator=(const ImageContainer&) = delete;

  bool running() { return process_->running(); }
  Result exec(const std::string& command) const;  // with sh, inside
  Result probe(const std::string& name) const;    // this probe, as kubelet sends it
  int stop();                                     // SIGTERM; the exit status
  std::string output() const { return process_->output(); }

 private:
  ImageContainerSpec spec_;
  std::string id_;
  std::string directory_;
  nlohmann::json container_;  // from the manifest
  std::optional<Process> process_;
};

}  // namespace pellicle::lab
