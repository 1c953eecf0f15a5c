// Reports on the agent's loop that another program changed the kernel's tables.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstdint>
#include <functional>
#include <vector>

#include "agent/kernel/netfilter_watch.h"
#include "agent/kernel/notifications.h"

namespace pellicle {

class Monitor {
 public:
  // `own_ports` is LinuxKernel::ports. `changed` is called once for all notifications read
  // together. The monitor must live as long as the io_context runs. Throws OsError.
  Monitor(boost::asio::io_context& context, std::function<std::vector<uint32_t>()> own_ports,
          std::function<void(const Changes&)> changed);
  ~Monitor();

 private:
  void wait();
  void wait_for_netfilter();

  Notifications notifications_;
  NetfilterWatch netfilter_;
  std::function<void(const Changes&)> changed_;
  boost::asio::posix::stream_descriptor descriptor_;
  boost::asio::posix::stream_descriptor netfilter_descriptor_;
};

}  // namespace pellicle
