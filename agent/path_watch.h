// Receives routers' reports about paths to peers, on the agent's event loop.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/kernel/path_reports.h"

namespace pellicle {

class PathWatch {
 public:
  using Heard = std::function<void(const std::vector<PathReport>&)>;
  // Minimum time between two reads. It limits the load, because any host may send such reports at
  // any rate.
  static constexpr std::chrono::milliseconds kApart{100};

  PathWatch(boost::asio::io_context& context, std::string bpf_root, Heard heard);
  ~PathWatch();

  // Call after each pass, which may have pinned the ring or another one.
  void renew();

 private:
  void wait();
  void read();
  void close();

  std::string bpf_root_;
  Heard heard_;
  std::unique_ptr<PathReports> reports_;  // null: no ring is pinned
  boost::asio::posix::stream_descriptor descriptor_;
  boost::asio::steady_timer pause_;
};

}  // namespace pellicle
