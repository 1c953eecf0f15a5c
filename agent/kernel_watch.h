// Requests a pass when something in the kernel changes, or a router reports a narrow path.
#pragma once

#include <boost/asio/io_context.hpp>
#include <string>
#include <vector>

#include "agent/core/passes.h"
#include "agent/kernel/linux_kernel.h"
#include "agent/kernel/monitor.h"
#include "agent/pass_pace.h"
#include "agent/path_watch.h"
#include "agent/settings_watch.h"

namespace pellicle {

class KernelWatch {
 public:
  struct Parts {
    LinuxKernel& kernel;
    const Core& core;
    Passes& passes;
    NarrowPaths& paths;
  };
  // Throws OsError when the kernel's notifications cannot be subscribed to.
  KernelWatch(boost::asio::io_context& context, const std::string& bpf_root, const Parts& parts);

  void start() { settings_.start(); }
  void after_pass() { path_watch_.renew(); }

 private:
  void heard(Changes changes);
  void heard_of_paths(const std::vector<PathReport>& reports);
  void look_at_settings();

  Parts parts_;
  PassPace pace_;
  SettingsWatch settings_;
  Monitor monitor_;
  PathWatch path_watch_;
};

}  // namespace pellicle
