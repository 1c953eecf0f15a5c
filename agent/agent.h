// The daemon: connects the core to the API server, the kernel's notifications and the unix socket.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>

#include "agent/config.h"
#include "agent/http/health_thread.h"
#include "agent/kernel_watch.h"
#include "agent/reports.h"
#include "agent/socket/server.h"

namespace pellicle {

// Runs on the io_context's single thread, except for HealthThread. The destructor leaves the kernel
// as it is.
class Agent {
 public:
  // Throws std::exception with one sentence when it cannot start: no credentials for the API
  // server, the socket in use, the state directory not writable.
  Agent(boost::asio::io_context& context, Config config);
  void start();

 private:
  void after_pass();
  void post_events();
  void note_problems();
  Server::Methods methods();
  void serve_http(boost::asio::io_context& context);

  Config config_;
  LinuxKernel kernel_;
  KeyUse keys_;
  Endpoints endpoints_;
  NarrowPaths paths_;
  Store store_;
  Core core_;
  Passes passes_;
  KeyRotation rotation_;
  ApiAccess access_;
  ApiClient client_;
  ClusterWatch cluster_watch_;
  KernelWatch kernel_watch_;
  KernelReview review_;
  PodDatapath pod_datapath_;
  PodService pods_;
  Probes probes_;
  Announcer announcer_;
  StateUse use_;
  ProblemLog problems_;
  EventPoster events_;
  Reports reports_;
  // Declared last, because both use all members above.
  Server server_;
  std::unique_ptr<HealthThread> http_;
};

}  // namespace pellicle
