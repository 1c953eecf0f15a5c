#include "agent/kernel/monitor.h"

#include <algorithm>

namespace pellicle {

Monitor::Monitor(boost::asio::io_context& context, std::function<std::vector<uint32_t>()> own_ports,
                 std::function<void(const Changes&)> changed)
    : notifications_([own_ports = std::move(own_ports)](uint32_t port) {
        const auto ports = own_ports();
        return std::find(ports.begin(), ports.end(), port) != ports.end();
      }),
      changed_(std::move(changed)),
      descriptor_(context, notifications_.fd()),
      netfilter_descriptor_(context, netfilter_.fd()) {
  wait();
  wait_for_netfilter();
}

Monitor::~Monitor() {
  descriptor_.release();  // notifications_ and netfilter_ own the descriptors and close them
  netfilter_descriptor_.release();
}

void Monitor::wait() {
  descriptor_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                         [this](const boost::system::error_code& error) {
                           if (error) return;  // the io_context is ending
                           const Changes changes = notifications_.changes();
                           if (!changes.empty()) changed_(changes);
                           wait();
                         });
}

void Monitor::wait_for_netfilter() {
  netfilter_descriptor_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                                   [this](const boost::system::error_code& error) {
                                     if (error) return;
                                     if (netfilter_.changed()) changed_({kNetfilterChange});
                                     wait_for_netfilter();
                                   });
}

}  // namespace pellicle
