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
      descriptor_(context, notifications_.fd()) {
  wait();
}

Monitor::~Monitor() {
  descriptor_.release();  // the descriptor is the notifications', which close it
}

void Monitor::wait() {
  descriptor_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                         [this](const boost::system::error_code& error) {
                           if (error) return;  // the loop is ending
                           const Changes changes = notifications_.changes();
                           if (!changes.empty()) changed_(changes);
                           wait();
                         });
}

}  // namespace pellicle
